//! A user's own folder as material for training: a folder a label, or a list `labels.csv`. Says
//! which clips validate. Reading the sound is left to `bank`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::model::card::{LABELS_MAX, is_label, label_rule};
use crate::model::verify::UNSTATED;
use crate::train::corpus::{Clip, Material, Table};
use crate::train::left_out::{LeftOut, Trouble};

/// The list that takes the place of folders.
const LIST: &str = "labels.csv";

/// Endings of what may be sound, read or not: what cannot be read is told.
const SOUNDS: [&str; 10] =
    ["wav", "flac", "ogg", "mp3", "m4a", "aac", "aiff", "aif", "opus", "mp4"];

/// Name of a speaker whom nobody named.
const UNNAMED: &str = "unnamed";

/// One part of the speakers, or of each label's clips, validates.
const VALIDATION_PARTS: usize = 5;

/// Draws the speakers that validate. Not the training's seed: runs of other seeds are compared on
/// the same speakers.
const SPLIT_SEED: u64 = 1;

/// Clips, labels and split of `folder`; nothing of it has been heard yet.
pub fn read(folder: &Path, licence: Option<&str>) -> Result<Material> {
    let context = || format!("cannot read the folder {}", folder.display());
    let whole = folder.canonicalize().with_context(context)?;
    let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let found = if folder.join(LIST).is_file() { listed(folder)? } else { walked(folder)? };
    let labels = labels(folder, &found)?;
    let clips: Vec<Clip> = found
        .into_iter()
        .map(|found| Clip {
            path: found.path,
            corpus: name.clone(),
            speaker: found.speaker.unwrap_or_else(|| UNNAMED.to_owned()),
            emotion: sanitised(&found.label),
            licence: licence.unwrap_or(UNSTATED).to_owned(),
        })
        .collect();
    let (is_validation, split) = split(&clips);
    if !is_validation.contains(&true) {
        bail!("{} has one clip of each label; two are needed, one to validate", folder.display());
    }
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for (clip, is_validation) in clips.into_iter().zip(is_validation) {
        if is_validation { validation.push(clip) } else { train.push(clip) }
    }
    Ok(Material { root: folder.to_owned(), train, validation, noise: Vec::new(), labels, split })
}

/// A clip as the folder says it.
#[derive(Debug, PartialEq)]
struct Found {
    path: PathBuf,
    speaker: Option<String>,
    label: String,
}

/// The rows of `labels.csv`, in its order.
fn listed(folder: &Path) -> Result<Vec<Found>> {
    let path = folder.join(LIST);
    let mut left_out = LeftOut::default();
    let table = Table::read(&path, &mut left_out)?;
    let (paths, labels) = (table.column("path")?, table.column("label")?);
    let speakers = table.column("speaker").ok();
    let mut found = Vec::new();
    for row in &table.rows {
        if row[paths].is_empty() || row[labels].is_empty() {
            let line = format!("a row of {} has no path or no label", path.display());
            left_out.note(Trouble::Row, line);
            continue;
        }
        let speaker = speakers.map(|column| row[column].to_owned());
        found.push(Found {
            path: PathBuf::from(&row[paths]),
            speaker: speaker.filter(|name| !name.is_empty()),
            label: row[labels].to_owned(),
        });
    }
    left_out.tell();
    if found.is_empty() {
        bail!("{} lists no clip", path.display());
    }
    Ok(found)
}

/// `label/clip.wav` or `speaker/label/clip.wav`, in the order of the names.
fn walked(folder: &Path) -> Result<Vec<Found>> {
    let (files, folders) = entries(folder)?;
    if let Some(file) = files.first() {
        log::warn!("left out: {file} and whatever else lies in no folder of a label");
    }
    let (mut flat, mut deep) = (Vec::new(), Vec::new());
    for outer in folders {
        let (files, inner) = entries(&folder.join(&outer))?;
        flat.extend(files.into_iter().map(|file| Found {
            path: Path::new(&outer).join(file),
            speaker: None,
            label: outer.clone(),
        }));
        for label in inner {
            let (files, _) = entries(&folder.join(&outer).join(&label))?;
            deep.extend(files.into_iter().map(|file| Found {
                path: Path::new(&outer).join(&label).join(file),
                speaker: Some(outer.clone()),
                label: label.clone(),
            }));
        }
    }
    match (flat.first(), deep.first()) {
        (Some(flat), Some(deep)) => bail!(
            "{} has both {} and {}; it is either label/clip or speaker/label/clip for all",
            folder.display(),
            flat.path.display(),
            deep.path.display(),
        ),
        (None, None) => bail!(
            "{} has no sound as label/clip.wav or speaker/label/clip.wav, and no {LIST} with the \
             columns path, label and, if known, speaker",
            folder.display(),
        ),
        (Some(_), None) => Ok(flat),
        (None, Some(_)) => Ok(deep),
    }
}

/// Names of the sound files and of the folders in a folder, sorted; hidden ones are none.
fn entries(folder: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let context = || format!("cannot read the folder {}", folder.display());
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            folders.push(name);
        } else if SOUNDS.contains(&ending.as_str()) {
            files.push(name);
        }
    }
    files.sort();
    folders.sort();
    Ok((files, folders))
}

/// As a card has it: `Very Happy` is `very_happy`.
fn sanitised(label: &str) -> String {
    label.trim().to_lowercase().replace([' ', '-', '.'], "_")
}

fn labels(folder: &Path, found: &[Found]) -> Result<Vec<String>> {
    let typed: BTreeSet<&str> = found.iter().map(|found| found.label.as_str()).collect();
    let bad: Vec<&str> =
        typed.iter().copied().filter(|label| !is_label(&sanitised(label))).collect();
    if !bad.is_empty() {
        let (bad, rule) = (bad.join(", "), label_rule());
        bail!("{} has labels that a model cannot have: {bad}; allowed is {rule}", folder.display());
    }
    let labels: BTreeSet<String> = typed.into_iter().map(sanitised).collect();
    let names = labels.iter().cloned().collect::<Vec<_>>().join(", ");
    if !(2..=LABELS_MAX).contains(&labels.len()) {
        let count = labels.len();
        bail!("{} has {count} labels ({names}); 2 to {LABELS_MAX} are possible", folder.display());
    }
    log::info!("labels: {names}");
    Ok(labels.into_iter().collect())
}

/// Which of the clips validate, and what the card says of it. Speakers, if there are enough for
/// every label to be learnt from the others; else clips, with a warning.
fn split(clips: &[Clip]) -> (Vec<bool>, String) {
    let speakers: BTreeSet<&str> = clips.iter().map(|clip| clip.speaker.as_str()).collect();
    let chosen = validation_speakers(clips, &speakers);
    if !chosen.is_empty() {
        let names = chosen.iter().copied().collect::<Vec<_>>().join(", ");
        let text = format!(
            "{} of {} speakers validate, drawn with a fixed seed: {names}; the rest trains",
            chosen.len(),
            speakers.len(),
        );
        return (clips.iter().map(|clip| chosen.contains(clip.speaker.as_str())).collect(), text);
    }
    let why = match speakers.len() {
        1 => "all clips are of one speaker",
        _ => "without any of the speakers a label would have no clip to train on",
    };
    let text = format!("{why}: the last fifth of each label's clips validates");
    log::warn!("{text}; the validation figure is NOT speaker-independent");
    (last_clips(clips), format!("{text}; not speaker-independent"))
}

/// A fifth of the speakers, such that the others still have all labels.
fn validation_speakers<'a>(clips: &'a [Clip], speakers: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let labels_without = |left_out: &BTreeSet<&str>| {
        let rest = clips.iter().filter(|clip| !left_out.contains(clip.speaker.as_str()));
        rest.map(|clip| clip.emotion.as_str()).collect::<BTreeSet<_>>().len()
    };
    let all = labels_without(&BTreeSet::new());
    let mut order: Vec<&str> = speakers.iter().copied().collect();
    order.shuffle(&mut StdRng::seed_from_u64(SPLIT_SEED));
    let mut chosen = BTreeSet::new();
    for speaker in order {
        if chosen.len() == part_of(speakers.len()) {
            break;
        }
        chosen.insert(speaker);
        if labels_without(&chosen) < all {
            chosen.remove(speaker);
        }
    }
    chosen
}

/// The last of each label's clips in the order given.
fn last_clips(clips: &[Clip]) -> Vec<bool> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for clip in clips {
        *left.entry(&clip.emotion).or_default() += 1;
    }
    for count in left.values_mut() {
        *count = if *count == 1 { 0 } else { part_of(*count) };
    }
    let mut is_validation: Vec<bool> = clips
        .iter()
        .rev()
        .map(|clip| {
            let left = left.get_mut(clip.emotion.as_str()).expect("counted above");
            let is_taken = 0 < *left;
            *left = left.saturating_sub(1);
            is_taken
        })
        .collect();
    is_validation.reverse();
    is_validation
}

/// A fifth, rounded, and one at least.
fn part_of(count: usize) -> usize {
    ((count + VALIDATION_PARTS / 2) / VALIDATION_PARTS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with an empty file at each path.
    fn folder(paths: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in paths {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn material(paths: &[&str]) -> Result<Material> {
        read(folder(paths).path(), None)
    }

    fn check_refused(paths: &[&str], says: &str) {
        let error = material(paths).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says), "{says:?} is missing in {error}");
    }

    fn paths(clips: &[Clip]) -> Vec<&str> {
        clips.iter().map(|clip| clip.path.to_str().unwrap()).collect()
    }

    #[test]
    fn a_folder_a_label_is_one_speaker_and_its_last_clips_validate() {
        let found = material(&[
            "Very Happy/1.wav",
            "Very Happy/2.MP3",
            "sad/1.flac",
            "sad/2.ogg",
            "sad/3.ogg",
            "sad/notes.txt",
            "sad/.hidden.wav",
        ])
        .unwrap();
        assert_eq!(found.labels, ["sad", "very_happy"]);
        assert_eq!(paths(&found.train), ["Very Happy/1.wav", "sad/1.flac", "sad/2.ogg"]);
        assert_eq!(paths(&found.validation), ["Very Happy/2.MP3", "sad/3.ogg"]);
        assert!(found.split.ends_with("not speaker-independent"), "{}", found.split);
        assert_eq!(found.train[0].licence, UNSTATED);
    }

    #[test]
    fn with_several_speakers_a_fifth_of_them_validates_whatever_the_order() {
        let clips: Vec<String> = (0..10)
            .flat_map(|speaker| ["sad", "glad"].map(|label| format!("s{speaker}/{label}/1.wav")))
            .collect();
        let found = material(&clips.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let speakers: BTreeSet<&str> =
            found.validation.iter().map(|clip| clip.speaker.as_str()).collect();
        assert_eq!(speakers.len(), 2);
        assert_eq!(found.validation.len(), 4);
        assert!(found.train.iter().all(|clip| !speakers.contains(clip.speaker.as_str())));
        let again = material(&clips.iter().rev().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert_eq!(again.split, found.split);
    }

    #[test]
    fn a_speaker_who_alone_has_a_label_trains() {
        let clips = ["a/sad/1.wav", "a/glad/1.wav", "b/sad/1.wav", "b/sad/2.wav"];
        let found = material(&clips).unwrap();
        assert_eq!(paths(&found.validation), ["b/sad/1.wav", "b/sad/2.wav"]);
        let apart = material(&["a/sad/1.wav", "a/sad/2.wav", "b/glad/1.wav", "b/glad/2.wav"]);
        assert_eq!(paths(&apart.unwrap().validation), ["a/sad/2.wav", "b/glad/2.wav"]);
    }

    #[test]
    fn a_list_names_clips_labels_and_speakers_and_bad_rows_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let list = "\u{feff}path, label,speaker\nx/1.wav,sad,ann\nx/2.wav,glad,ann\n\
                    x/3.wav,sad,bob\nx/4.wav,glad,bob\nx/5.wav\nx/6.wav,,bob\n";
        fs::write(folder.path().join(LIST), list).unwrap();
        let found = read(folder.path(), Some("CC0")).unwrap();
        assert_eq!((found.train.len(), found.validation.len()), (2, 2));
        assert_ne!(found.train[0].speaker, found.validation[0].speaker);
        assert_eq!(found.train[0].licence, "CC0");
        fs::write(folder.path().join(LIST), "file,label\na.wav,sad\n").unwrap();
        let error = format!("{:#}", read(folder.path(), None).unwrap_err());
        assert!(error.contains("the column path is missing"), "{error}");
    }

    #[test]
    fn what_cannot_be_a_model_is_refused_before_anything_is_heard() {
        check_refused(&["sad/1.wav", "sad/2.wav"], "has 1 labels (sad); 2 to 15 are possible");
        check_refused(&["sad/1.wav", "w\u{fc}tend/1.wav"], "labels that a model cannot have: w");
        check_refused(&["sad/1.wav", "unknown/1.wav"], "not unknown");
        check_refused(&["sad/1.wav", "glad/1.wav"], "one clip of each label");
        check_refused(&["sad/1.wav", "ann/glad/1.wav"], "has both sad/1.wav and ann/glad/1.wav");
        check_refused(&["1.wav"], "no labels.csv with the columns path, label");
        let error = read(Path::new("no/such"), None).unwrap_err().to_string();
        assert!(error.contains("no/such"), "{error}");
    }
}
