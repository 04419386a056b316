//! `affectd eval robustness` from the manifest to the card's files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::eval::clips::{Tier, Voices};
use crate::eval::metrics::{Answer, Confusion};
use crate::eval::robustness::card::{Clean, Group, Protocol, RobustnessCard, Row};
use crate::eval::robustness::heat_map::svg;
use crate::eval::robustness::markdown::Markdown;
use crate::eval::robustness::marks::MEASURED_ROOM;
use crate::eval::robustness::noises::Noise;
use crate::eval::robustness::people::{self, Person};
use crate::eval::robustness::rig::{Rig, Rooms};
use crate::eval::robustness::strangers::{Stranger, pieces};
use crate::eval::robustness::takes::{BABBLE_SPEAKERS, Take, babble_speakers, choose};
use crate::eval::run::{HASH_DIGITS, Opened, Scope, file_name, open, write_report};
use crate::model::card::Card;
use crate::model::predictor::Predictor;
use crate::train::bank::{progress_bar, read_sound};
use crate::train::corpus::{Clip, Part, read_manifest, sound_path};
use crate::train::held_out::is_test_noise;
use crate::train::rooms::reverberation_time;
use crate::units::ANALYSIS_RATE_HZ;

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    pub scope: Scope,
    pub tier: Tier,
    /// At most so many are scored.
    pub clips: usize,
    pub seed: u64,
    /// Folder of the card's files, named for the model.
    pub out: PathBuf,
}

/// Clips of each voice of the babble.
const BABBLE_CLIPS: usize = 12;

/// A recorded response counts as a room if its reverberation time lies in this range and its direct
/// sound comes this early; among the files are many effects. Measured on all 46, November 2026.
const ROOM_T60_S: std::ops::RangeInclusive<f64> = 0.2..=2.0;
const DIRECT_S_MAX: f64 = 0.05;

/// Measures, writes the card as Markdown, JSON and SVG, and returns it.
pub fn run(options: &Options) -> Result<RobustnessCard> {
    let Opened { split, mut model, card, clips } = open(&options.scope)?;
    let label = |clip: &Clip| card.labels.iter().position(|label| *label == clip.emotion);
    let test: Vec<&Clip> = clips
        .iter()
        .filter(|clip| split.part_of(clip) == Part::Test && label(clip).is_some())
        .collect();
    let babble = babble_speakers(&test);
    let (voices, scored): (Vec<&Clip>, Vec<&Clip>) =
        test.into_iter().partition(|clip| babble.contains(&clip.speaker_key()));
    let chosen = choose(&scored, options.clips, options.seed);
    let takes = read_takes(&chosen, options, &card)?;
    if takes.is_empty() {
        let split = file_name(&options.scope.split);
        bail!("the test part of {split} has no clip that is long enough with a label of the model");
    }
    let mut gathered = Gathered::default();
    gathered.noises(options, &voices)?;
    gathered.rooms(options)?;
    let people = people::read(&options.scope.manifest)?;
    let mut protocol = Protocol {
        model: card.name.clone(),
        sha256: card.sha256.chars().take(HASH_DIGITS).collect(),
        corpora: options.scope.corpora.clone(),
        split: file_name(&options.scope.split),
        tier: format!("{:?}: {}", options.tier, options.tier.what_is_known()),
        clips: takes.len(),
        speakers: 0, // counted with the classes
        classes: 0,
        seed: options.seed,
        babble: babble.into_iter().collect(),
        sources: std::mem::take(&mut gathered.sources),
    };
    let speakers: BTreeSet<&str> = takes.iter().map(|take| take.speaker.as_str()).collect();
    let speakers: Vec<Person> =
        speakers.iter().map(|key| people.get(*key).cloned().unwrap_or_default()).collect();
    protocol.speakers = speakers.len();
    let left_out = std::mem::take(&mut gathered.left_out);
    let rig = Rig::new(gathered.noises, gathered.rooms);
    let Measured { clean, rows, strangers } = measure(&takes, rig, &mut model, options.tier)?;
    let labels = card.labels.len();
    protocol.classes = Confusion::of(&clean, labels).present();
    let names =
        |name: fn(&Person) -> &String| speakers.iter().map(name).cloned().collect::<Vec<_>>();
    let robustness = RobustnessCard {
        protocol,
        clean: Clean::new(&clean, labels),
        rows,
        strangers,
        sexes: Group::all(&clean, labels, &names(|person| &person.sex)),
        languages: Group::all(&clean, labels, &names(|person| &person.language)),
        left_out,
    };
    let name = &robustness.protocol.model;
    let json = serde_json::to_string_pretty(&robustness)? + "\n";
    let text = Markdown { card: &robustness, picture: &format!("{name}.svg") }.to_string();
    let files = [("md", text), ("json", json), ("svg", svg(&robustness))];
    write_report(&options.out, name, files)?;
    Ok(robustness)
}

/// Clips shorter than the shortest window are left out.
fn read_takes(chosen: &[&Clip], options: &Options, card: &Card) -> Result<Vec<Take>> {
    let [shortest, _] = card.window_feature_frames();
    let mut takes = Vec::with_capacity(chosen.len());
    let progress = progress_bar(chosen.len(), "reading clips");
    for clip in chosen {
        progress.inc(1);
        let Some(label) = card.labels.iter().position(|label| *label == clip.emotion) else {
            continue;
        };
        let take = Take::read(clip, label, &options.scope.audio_root, &card.features)?;
        if shortest * card.features.hop <= take.samples.len() {
            takes.push(take);
        }
    }
    progress.finish_and_clear();
    Ok(takes)
}

/// Noises and rooms that there are, where from, and which are missing.
#[derive(Default)]
struct Gathered {
    noises: Vec<Noise>,
    rooms: Vec<Rooms>,
    sources: Vec<String>,
    left_out: Vec<String>,
}

impl Gathered {
    fn noises(&mut self, options: &Options, voices: &[&Clip]) -> Result<()> {
        let mut rng = StdRng::seed_from_u64(options.seed);
        self.noises.extend([Noise::white(&mut rng), Noise::pink(&mut rng)]);
        self.sources.push("white and pink noise are made anew".to_owned());
        let mut by_speaker: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        for clip in choose(voices, BABBLE_CLIPS * BABBLE_SPEAKERS, options.seed) {
            let samples = read(clip, &options.scope.audio_root)?;
            by_speaker.entry(clip.speaker_key()).or_default().extend(samples);
        }
        if by_speaker.is_empty() {
            self.left_out.push("babble: fewer than 12 test speakers in each corpus".to_owned());
        } else {
            self.noises.push(Noise::babble(&by_speaker.into_values().collect::<Vec<_>>()));
        }
        for (name, corpus) in [("music", "noise:music"), ("environment", "noise:esc10")] {
            let tracks = self.files(name, corpus, options)?;
            if !tracks.is_empty() {
                let tracks = tracks.into_iter().map(|(_, track)| track).collect();
                self.noises.push(Noise { name, tracks });
            }
        }
        Ok(())
    }

    fn rooms(&mut self, options: &Options) -> Result<()> {
        self.rooms = Rooms::drawn();
        self.sources.push("rooms are made by the image method, three of each T60".to_owned());
        let rate_hz = f64::from(ANALYSIS_RATE_HZ);
        let files = self.files(MEASURED_ROOM, "noise:ir", options)?;
        let is_early = |response: &[f32]| {
            let direct_max = response.iter().fold(0.0f32, |most, s| most.max(s.abs()));
            let direct = response.iter().position(|sample| sample.abs() == direct_max);
            direct.is_some_and(|direct| direct as f64 / rate_hz <= DIRECT_S_MAX)
        };
        let mut rooms: Vec<(f64, String, Vec<f32>)> = files
            .into_iter()
            .filter(|(_, response)| is_early(response))
            .filter_map(|(name, response)| {
                Some((reverberation_time(&response, rate_hz)?, name, response))
            })
            .filter(|(t60_s, ..)| ROOM_T60_S.contains(t60_s))
            .collect();
        rooms.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (Some(first), Some(last)) = (rooms.first(), rooms.last()) else { return Ok(()) };
        let level = format!("{} files, T60 {:.1} to {:.1} s", rooms.len(), first.0, last.0);
        let names: Vec<String> =
            rooms.iter().map(|(t, name, _)| format!("{name} {t:.2} s")).collect();
        self.sources.push(format!("measured rooms by their T60: {}", names.join(", ")));
        let responses = rooms.into_iter().map(|(.., response)| response).collect();
        self.rooms.push(Rooms { kind: MEASURED_ROOM, level, responses });
        Ok(())
    }

    /// The sounds of a corpus that are for testing, with their names. If a file is missing or the
    /// manifest has no such corpus, the row is left out: few users have these files.
    fn files(
        &mut self,
        kind: &str,
        corpus: &str,
        options: &Options,
    ) -> Result<Vec<(String, Vec<f32>)>> {
        let corpora = [corpus.to_owned()];
        let clips = read_manifest(&options.scope.manifest, &corpora).unwrap_or_default();
        let clips: Vec<&Clip> = clips.iter().filter(|clip| is_test_noise(clip)).collect();
        let missing =
            clips.iter().find(|clip| sound_path(&options.scope.audio_root, &clip.path).is_none());
        if let Some(clip) = missing {
            let path = clip.path.display();
            self.left_out.push(format!("{kind}: {path} is not below the audio root"));
            return Ok(Vec::new());
        }
        if clips.is_empty() {
            self.left_out
                .push(format!("{kind}: the manifest has no sounds of {corpus} for testing"));
            return Ok(Vec::new());
        }
        let mut sounds = Vec::with_capacity(clips.len());
        for clip in &clips {
            let samples = read(clip, &options.scope.audio_root)?;
            if samples.iter().any(|sample| *sample != 0.0) {
                sounds.push((file_name(&clip.path), samples));
            }
        }
        if kind != MEASURED_ROOM {
            self.sources.push(format!("{kind} is {} files of {corpus}", sounds.len()));
        }
        Ok(sounds)
    }
}

fn read(clip: &Clip, root: &Path) -> Result<Vec<f32>> {
    let Some(path) = sound_path(root, &clip.path) else {
        bail!("{} has no {} in any format read", root.display(), clip.path.display());
    };
    read_sound(&path).with_context(|| format!("in {}", path.display()))
}

struct Measured {
    /// Answers about the clean takes.
    clean: Vec<Answer>,
    /// One for each change.
    rows: Vec<Row>,
    strangers: Vec<Stranger>,
}

fn measure(takes: &[Take], mut rig: Rig, model: &mut Predictor, tier: Tier) -> Result<Measured> {
    let card = model.card().clone();
    let mut answers = |spoilt: Vec<Vec<f32>>| -> Result<Vec<Answer>> {
        let sounds = takes.iter().zip(spoilt);
        let sounds = sounds.map(|(take, samples)| (take.speaker.as_str(), take.label, samples));
        Ok(Voices::from_samples(sounds, &card)?.score(model, &card, tier)?.concat())
    };
    let clean = answers(takes.iter().map(|take| take.samples.clone()).collect())?;
    let changes = rig.changes();
    let progress = progress_bar(changes.len(), "changes");
    let mut rows = Vec::with_capacity(changes.len());
    for change in &changes {
        let spoil = |(index, take)| rig.spoil(take, index, change);
        let changed = answers(takes.iter().enumerate().map(spoil).collect())?;
        let (name, marks) = (rig.name(change), rig.marks(change));
        rows.push(Row::new(name, &clean, &changed, card.labels.len(), &marks));
        progress.inc(1);
    }
    progress.finish_and_clear();
    let voices = takes.iter().map(|take| &take.samples[take.span.clone()]);
    let mut strangers = vec![Stranger::new("voices", voices, &clean, None)];
    for noise in rig.noises() {
        let pieces = pieces(noise);
        let sounds = pieces.iter().map(|piece| (noise.name, 0, piece.clone()));
        let said = Voices::from_samples(sounds, &card)?.score(model, &card, Tier::T0)?.concat();
        let heard = pieces.iter().map(Vec::as_slice);
        strangers.push(Stranger::new(noise.name, heard, &said, Some(&clean)));
    }
    Ok(Measured { clean, rows, strangers })
}
