//! What clips were made into, kept on the disk: reading, resampling and analysing five thousand
//! clips four times over takes two minutes, and trials of one recipe after the other want the same.
//! One file a set of clips, named by all that decides what is in it; one that is broken is made
//! anew.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use crate::features::FeatureSpec;
use crate::model::card::sha256_hex;
use crate::train::bank::{Prepared, Take};
use crate::train::corpus::{Clip, sound_path};

/// Changes whenever what is made of a clip does.
const VERSION: &str = "affectd bank 1";

/// The clips of one set, in their order.
pub enum Kept {
    Here {
        file: BufReader<File>,
        place: PathBuf,
    },
    /// On their way; what is written takes its place once it is whole.
    Coming {
        file: BufWriter<File>,
        fresh: PathBuf,
        place: PathBuf,
    },
    /// Was there and is broken, or finds no room: made anew by the next run.
    Broken,
}

impl Kept {
    /// Looks into `folder`, which is made if need be, for what these clips as they lie on the disk
    /// now become.
    pub fn open(
        folder: &Path,
        clips: &[Clip],
        root: &Path,
        spec: &FeatureSpec,
        takes: &[Take],
    ) -> Result<Self> {
        let failed = || format!("cannot keep what clips become in {}", folder.display());
        fs::create_dir_all(folder).with_context(failed)?;
        let place = folder.join(format!("{}.bank", &key(clips, root, spec, takes)[..16]));
        if let Ok(file) = File::open(&place) {
            log::info!("the clips are taken from {}", place.display());
            let file = BufReader::with_capacity(1 << 20, file);
            return Ok(Self::Here { file, place });
        }
        let fresh = place.with_extension(format!("{}.new", std::process::id()));
        let file = BufWriter::with_capacity(1 << 20, File::create(&fresh).with_context(failed)?);
        Ok(Self::Coming { file, fresh, place })
    }

    /// The next clip's takes, if they are there; none of a clip that was left out.
    pub fn get(&mut self) -> Option<Vec<Prepared>> {
        let Self::Here { file, place } = self else { return None };
        match read_takes(file) {
            Ok(takes) => (!takes.is_empty()).then_some(takes),
            Err(error) => {
                log::warn!("{} is broken and goes: {error}", place.display());
                fs::remove_file(&*place).unwrap_or_default();
                *self = Self::Broken;
                None
            }
        }
    }

    /// Keeps the next clip's takes; none of one that is left out. On a full disk nothing is kept.
    pub fn put(&mut self, takes: &[Prepared]) {
        let Self::Coming { file, fresh, .. } = self else { return };
        if let Err(error) = write_takes(file, takes) {
            log::warn!("what the clips become is not kept: {}: {error}", fresh.display());
            fs::remove_file(&*fresh).unwrap_or_default();
            *self = Self::Broken;
        }
    }

    /// All clips have come by.
    pub fn finish(self) {
        let Self::Coming { mut file, fresh, place } = self else { return };
        if let Err(error) = file.flush().and_then(|()| fs::rename(&fresh, &place)) {
            log::warn!("what the clips become is not kept: {}: {error}", place.display());
            fs::remove_file(&fresh).unwrap_or_default();
        }
    }
}

/// A name for all that decides what the clips become.
fn key(clips: &[Clip], root: &Path, spec: &FeatureSpec, takes: &[Take]) -> String {
    let mut all = format!("{VERSION}\n{spec:?}\n{takes:?}\n");
    for clip in clips {
        let found = sound_path(root, &clip.path).and_then(|path| path.metadata().ok());
        let changed = found.as_ref().and_then(|found| found.modified().ok());
        let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let bytes = found.map_or(0, |found| found.len());
        all += &format!("{} {bytes} {changed:?}\n", clip.path.display());
    }
    sha256_hex(all.as_bytes())
}

/// Its length and itself.
fn write_takes(file: &mut impl Write, takes: &[Prepared]) -> io::Result<()> {
    let bytes = postcard::to_stdvec(takes).map_err(io::Error::other)?;
    file.write_all(&(bytes.len() as u64).to_le_bytes())?;
    file.write_all(&bytes)
}

fn read_takes(file: &mut impl Read) -> io::Result<Vec<Prepared>> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let mut bytes = Vec::new();
    file.take(u64::from_le_bytes(length)).read_to_end(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::bank::{Bank, Degradation};
    use crate::wav::{self, Sound};

    /// Three clips: two with a voice-like hum, one silent.
    fn corpus(folder: &Path) -> Vec<Clip> {
        let clip = |(name, amplitude): (&str, f32)| {
            let sample = |index: u16| (f32::from(index) * 0.06).sin().powi(3) * amplitude;
            let samples = (0..16_000).map(sample).collect();
            let sound = Sound { rate_hz: 16_000, channels: 1, samples };
            wav::write_file(&folder.join(name), &sound).expect("the folder is ours");
            let word = String::from;
            Clip {
                path: name.into(),
                corpus: word("tiny"),
                speaker: word("a"),
                emotion: word("sad"),
                licence: word("CC0"),
            }
        };
        [("a.wav", 0.5), ("b.wav", 0.0), ("c.wav", 0.1)].map(clip).to_vec()
    }

    /// Everything that the examples hold, as text.
    fn content(clips: &[Clip], folder: &Path) -> String {
        let (spec, kept) = (FeatureSpec::default(), folder.join("kept"));
        let bank = Bank::load(clips, folder, &spec, &Take::all(&[Degradation::Phone]), Some(&kept));
        let bank = bank.expect("two clips can be used");
        assert_eq!(bank.examples.len(), 2);
        let takes: Vec<_> = bank.examples.iter().map(|example| &example.takes).collect();
        format!("{takes:?}")
    }

    fn file(folder: &Path) -> PathBuf {
        let files = fs::read_dir(folder.join("kept")).expect("it was made");
        let files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        let [file] = files.as_slice() else { panic!("{files:?}") };
        file.clone()
    }

    #[test]
    fn what_is_kept_is_what_was_made_and_a_broken_file_is_made_anew() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (folder, clips) = (folder.path(), corpus(folder.path()));
        let made = content(&clips, folder);
        let whole = fs::read(file(folder)).expect("it was written");
        assert_eq!(content(&clips, folder), made);
        fs::write(file(folder), &whole[..whole.len() / 2]).expect("ours");
        assert_eq!(content(&clips, folder), made, "the rest is made");
        assert!(fs::read_dir(folder.join("kept")).expect("there").next().is_none());
        assert_eq!(content(&clips, folder), made);
        assert_eq!(fs::read(file(folder)).expect("it was written"), whole);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn on_a_full_disk_nothing_is_kept_and_training_goes_on() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let [fresh, place] = ["a.new", "a.bank"].map(|name| folder.path().join(name));
        let file = BufWriter::with_capacity(1, full);
        let mut kept = Kept::Coming { file, fresh, place: place.clone() };
        kept.put(&[]);
        assert!(matches!(kept, Kept::Broken));
        kept.finish();
        assert!(!place.exists());
    }

    #[test]
    fn another_clip_of_the_same_name_is_not_the_one_that_was_kept() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let clips = corpus(folder.path());
        let spec = FeatureSpec::default();
        let before = key(&clips, folder.path(), &spec, &Take::PLAIN);
        assert_eq!(key(&clips, folder.path(), &spec, &Take::PLAIN), before);
        let sound = Sound { rate_hz: 16_000, channels: 1, samples: vec![0.1; 8000] };
        wav::write_file(&folder.path().join("a.wav"), &sound).expect("the folder is ours");
        assert_ne!(key(&clips, folder.path(), &spec, &Take::PLAIN), before);
        assert_ne!(key(&clips, folder.path(), &spec, &Take::all(&[Degradation::Phone])), before);
    }
}
