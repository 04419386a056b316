//! Where voices, crowds and other sounds are made and heard: by the live engine, whose windows are
//! kept. Everything is drawn from one seeded generator.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::config::{self, Config, Overrides};
use crate::engine::step::Engine;
use crate::model::card::Card;
use crate::model::predictor::{Predict, Prediction};
use crate::train::bank::{Degradation, Speech, Take, Taker, at_speed, progress_bar};
use crate::train::channel::{add_noise, power, rms, stretch};
use crate::train::corpus::Clip;
use crate::train::held_out::is_test_noise;
use crate::train::left_out::LeftOut;
use crate::train::melody::melody;
use crate::train::outlier::Options;
use crate::train::outlier::windows::Windows;
use crate::units::{ANALYSIS_RATE_HZ, db_to_amplitude, to_f32};

/// Clips of a speaker that are heard one after the other.
const IN_A_ROW: usize = 4;

/// Levels (RMS) that speech and other sounds are brought to, in dBFS.
const SPEECH_DB: std::ops::Range<f32> = -38.0..-16.0;
const SOUND_DB: std::ops::Range<f32> = -50.0..-14.0;

/// How far noise is below the voice, and how far a crowd is: in one that is louder nobody can be
/// followed.
const SNR_DB: std::ops::Range<f32> = 3.0..25.0;
const ABOVE_CROWD_DB: std::ops::Range<f32> = 10.0..25.0;

/// White noise of a microphone below a sound; the other sounds are as clean as behind a noise gate.
const HISS_SHARE: f64 = 0.5;
const HISS_DB: std::ops::Range<f32> = -70.0..-35.0;

/// How much louder or softer than usual a voice is.
const LOUDER_DB: std::ops::Range<f32> = -4.0..4.0;

/// Voices of a crowd, as in babble noise: one alone is not to be followed any more.
const CROWD: std::ops::RangeInclusive<usize> = 4..=8;

/// Clips of each speaker that crowds are made of.
const CROWD_CLIPS: usize = 8;

/// Each recording is heard so often, at one of these speeds, in pieces of 20 s.
const HEARINGS: usize = 8;
const SPEEDS_PERCENT: [u32; 5] = [80, 90, 100, 110, 125];
const PIECE: usize = seconds(20.0);

/// Speeds of voices: more speakers than there are, and some that went through a resampler as other
/// sounds did; a device at 48 kHz must not make a voice strange.
const VOICE_SPEEDS_PERCENT: [u32; 5] = [90, 95, 100, 105, 110];

/// Of what is no voice, what is heard in a room.
const ROOM_SHARE: f64 = 0.2;

/// Silence before and after a sound.
const BESIDE: usize = seconds(0.25);

/// Lengths in samples.
const PAUSE: std::ops::Range<usize> = seconds(0.2)..seconds(0.75);
const MELODY: std::ops::Range<usize> = seconds(4.0)..seconds(12.0);
const TALK: std::ops::Range<usize> = seconds(1.5)..seconds(12.0);
const HUSH: std::ops::Range<usize> = seconds(0.3)..seconds(3.0);

/// Of the windows that the engine asks about these are kept, each so many.
const EVERY_OF_VOICES: usize = 5;
const EVERY_OF_SOUNDS: usize = 3;

const fn seconds(seconds: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "constants")]
    let samples = (seconds * ANALYSIS_RATE_HZ as f64) as usize;
    samples
}

/// Where sounds are made and heard.
pub struct Hall<'a> {
    options: &'a Options,
    card: &'a Card,
    config: Config,
    /// Recordings to learn from, by their kind.
    noise: Vec<(String, Vec<Vec<f32>>)>,
    /// Sentences of each speaker that crowds are made of.
    crowd: Vec<Vec<Vec<f32>>>,
    pub left_out: LeftOut,
    degrader: Taker<'a>,
    degraded: &'a [Take],
}

impl<'a> Hall<'a> {
    /// `degraded` is that of [`degradations`].
    pub fn new(
        options: &'a Options,
        card: &'a Card,
        noise: &[Clip],
        voices: &[&Clip],
        degraded: &'a [Take],
    ) -> Result<Self> {
        let config = config::parse("config.toml".as_ref(), "", &Overrides::default())?;
        let mut hall = Self {
            options,
            card,
            config,
            noise: Vec::new(),
            crowd: Vec::new(),
            left_out: LeftOut::default(),
            degrader: Taker::new(&card.features, degraded),
            degraded,
        };
        for kind in &options.noise_corpora {
            let clips = noise.iter().filter(|clip| clip.corpus == *kind && !is_test_noise(clip));
            let read = |clip: &Clip| hall.left_out.read(&options.audio_root, &clip.path);
            let recordings: Vec<Vec<f32>> = clips.filter_map(read).collect();
            if recordings.is_empty() {
                bail!("nothing of {kind} can be learnt from: it is not there, or all for testing");
            }
            hall.noise.push((kind.clone(), recordings));
        }
        for clips in by_speaker(voices).into_values() {
            let clips = clips.iter().take(CROWD_CLIPS);
            let sentences: Vec<_> = clips.filter_map(|clip| hall.sentence(clip)).collect();
            hall.crowd.extend((!sentences.is_empty()).then_some(sentences));
        }
        if hall.crowd.is_empty() {
            bail!("nobody speaks whom one could learn from");
        }
        Ok(hall)
    }

    /// What is said in a clip, without the silence around it.
    fn sentence(&mut self, clip: &Clip) -> Option<Vec<f32>> {
        let sound = self.left_out.read(&self.options.audio_root, &clip.path)?;
        let (hop, span) = (self.card.features.hop, Speech::of(&sound, &self.card.features).span);
        Some(sound[span.start * hop..span.end * hop].to_vec())
    }

    /// Each clip once, some of a speaker in a row: a third as they are, the others in noise, before
    /// a crowd or through a phone, an amplifier or a room.
    pub fn voices(&mut self, clips: &[&Clip], rng: &mut StdRng) -> Result<Windows> {
        let mut windows = Windows::new(self.card.features.rows());
        let progress = progress_bar(clips.len(), "voices");
        for mut clips in by_speaker(clips).into_values() {
            clips.shuffle(rng);
            for clips in clips.chunks(IN_A_ROW) {
                progress.inc(clips.len() as u64);
                let mut sound = vec![0.0; if rng.random_bool(0.5) { BESIDE } else { 0 }];
                for clip in clips {
                    let read = self.left_out.read(&self.options.audio_root, &clip.path);
                    let Some(clip) = read else { continue };
                    let mut clip = at_any_speed(&clip, &VOICE_SPEEDS_PERCENT, rng)?;
                    bring_to(&mut clip, -26.0 + rng.random_range(LOUDER_DB));
                    sound.extend(clip);
                    sound.resize(sound.len() + rng.random_range(PAUSE), 0.0);
                }
                let whole = 0..sound.len();
                match rng.random_range(0..6) {
                    0 | 1 => {}
                    2 => sound = self.degrade(&sound, ANYHOW, rng)?,
                    3 => {
                        let crowd = stretch(&self.crowd(rng)?, sound.len(), rng);
                        add_noise(&mut sound, &crowd, whole, rng.random_range(ABOVE_CROWD_DB));
                    }
                    _ => {
                        let noise = self.noise(sound.len(), rng);
                        add_noise(&mut sound, &noise, whole, rng.random_range(SNR_DB));
                    }
                }
                bring_to(&mut sound, rng.random_range(SPEECH_DB));
                self.hear(sound, EVERY_OF_VOICES, &mut windows, rng)?;
            }
        }
        progress.finish_and_clear();
        Ok(windows)
    }

    pub fn crowds(&mut self, rng: &mut StdRng) -> Result<Windows> {
        let mut windows = Windows::new(self.card.features.rows());
        let progress = progress_bar(self.options.crowds, "crowds");
        for _ in 0..self.options.crowds {
            progress.inc(1);
            let mut sound = self.crowd(rng)?;
            if rng.random_bool(ROOM_SHARE) {
                sound = self.degrade(&sound, IN_A_ROOM, rng)?;
            }
            bring_to(&mut sound, rng.random_range(SOUND_DB));
            self.hear(sound, EVERY_OF_VOICES, &mut windows, rng)?;
        }
        progress.finish_and_clear();
        Ok(windows)
    }

    /// Recordings of each kind, and melodies.
    pub fn sounds(&mut self, rng: &mut StdRng) -> Result<Vec<(String, Windows)>> {
        let mut kinds = Vec::new();
        for (name, recordings) in self.noise.clone() {
            let progress = progress_bar(recordings.len(), "noise");
            let mut windows = Windows::new(self.card.features.rows());
            for recording in recordings {
                progress.inc(1);
                for _ in 0..HEARINGS {
                    let sound = at_any_speed(&recording, &SPEEDS_PERCENT, rng)?;
                    for piece in sound.chunks(PIECE) {
                        self.hear_sound(piece.to_vec(), &mut windows, rng)?;
                    }
                }
            }
            progress.finish_and_clear();
            kinds.push((name, windows));
        }
        let mut windows = Windows::new(self.card.features.rows());
        let progress = progress_bar(self.options.melodies, "melodies");
        for _ in 0..self.options.melodies {
            progress.inc(1);
            let sound = melody(rng.random_range(MELODY), rng);
            self.hear_sound(sound, &mut windows, rng)?;
        }
        progress.finish_and_clear();
        kinds.push(("melodies".to_owned(), windows));
        Ok(kinds)
    }

    /// At any level, some in a room.
    fn hear_sound(
        &mut self,
        mut sound: Vec<f32>,
        windows: &mut Windows,
        rng: &mut StdRng,
    ) -> Result<()> {
        if rng.random_bool(ROOM_SHARE) {
            sound = self.degrade(&sound, IN_A_ROOM, rng)?;
        }
        let mut sound = [&[0.0; BESIDE][..], &sound, &[0.0; BESIDE]].concat();
        bring_to(&mut sound, rng.random_range(SOUND_DB));
        self.hear(sound, EVERY_OF_SOUNDS, windows, rng)
    }

    /// People who talk at once, with a hush between or without: those of a table often begin and
    /// fall silent together.
    fn crowd(&self, rng: &mut StdRng) -> Result<Vec<f32>> {
        let mut sound = self.talk(rng.random_range(TALK), rng)?;
        while rng.random_bool(0.5) {
            sound.splice(0..0, vec![0.0; rng.random_range(HUSH)]);
            sound.splice(0..0, self.talk(rng.random_range(TALK), rng)?);
        }
        if rng.random_bool(0.5) {
            sound.splice(0..0, vec![0.0; rng.random_range(HUSH)]);
        }
        Ok(sound)
    }

    fn talk(&self, length: usize, rng: &mut StdRng) -> Result<Vec<f32>> {
        let mut sum = vec![0.0; length];
        let count = rng.random_range(CROWD);
        let mut speakers: Vec<&Vec<Vec<f32>>> = self.crowd.iter().collect();
        speakers.shuffle(rng);
        // Of few speakers each speaks several times.
        for sentences in speakers.into_iter().cycle().take(count) {
            let percent = VOICE_SPEEDS_PERCENT[rng.random_range(0..VOICE_SPEEDS_PERCENT.len())];
            let loudness = db_to_amplitude(rng.random_range(LOUDER_DB));
            let mut voice = vec![0.0; rng.random_range(0..BESIDE)];
            while voice.len() < length {
                let Some(sentence) = sentences.choose(rng) else { break };
                let mut sentence = at_speed(sentence, ANALYSIS_RATE_HZ / 100 * percent)?;
                bring_to(&mut sentence, -26.0);
                voice.extend(sentence);
                voice.resize(voice.len() + rng.random_range(PAUSE) - PAUSE.start, 0.0);
            }
            sum.iter_mut().zip(voice).for_each(|(sum, sample)| *sum += loudness * sample);
        }
        Ok(sum)
    }

    fn degrade(&mut self, sound: &[f32], by: usize, rng: &mut StdRng) -> Result<Vec<f32>> {
        self.degrader.sound(sound, &self.degraded[by], rng.random())
    }

    /// A piece of any kind, melodies among them, kinds alike.
    fn noise(&self, length: usize, rng: &mut StdRng) -> Vec<f32> {
        let Some((_, recordings)) = self.noise.get(rng.random_range(0..=self.noise.len())) else {
            return melody(length, rng);
        };
        stretch(&recordings[rng.random_range(0..recordings.len())], length, rng)
    }

    /// Keeps some of the windows that the live engine asks about, the first among them.
    fn hear(
        &self,
        mut sound: Vec<f32>,
        every: usize,
        windows: &mut Windows,
        rng: &mut StdRng,
    ) -> Result<()> {
        if rng.random_bool(HISS_SHARE) {
            let hiss =
                to_f32((3.0 * power(&sound)).sqrt()) * db_to_amplitude(rng.random_range(HISS_DB));
            sound.iter_mut().for_each(|sample| *sample += hiss * rng.random_range(-1.0..=1.0));
        }
        let mut engine = Engine::new(ANALYSIS_RATE_HZ, self.card, &self.config)?;
        engine.step(&sound, &mut Ear { windows, every, asked: 0 }, &mut |_| {});
        Ok(())
    }
}

/// Places among the degradations.
const ANYHOW: usize = 0;
const IN_A_ROOM: usize = 1;

/// The degradations that [`Hall::new`] takes.
pub fn degradations() -> [Take; 2] {
    use Degradation::{Clipping, Phone, Room};
    [Take::Degraded(vec![Phone, Clipping, Room]), Take::Degraded(vec![Room])]
}

/// Hears what it is asked about, and says nothing.
struct Ear<'a> {
    windows: &'a mut Windows,
    every: usize,
    asked: usize,
}

impl Predict for Ear<'_> {
    fn predict(&mut self, rows: &[f32], _: usize) -> Prediction {
        if self.asked.is_multiple_of(self.every) {
            self.windows.push(rows);
        }
        self.asked += 1;
        Prediction::NOTHING
    }
}

fn by_speaker<'a>(clips: &[&'a Clip]) -> BTreeMap<String, Vec<&'a Clip>> {
    let mut speakers: BTreeMap<String, Vec<&Clip>> = BTreeMap::new();
    for clip in clips {
        speakers.entry(clip.speaker_key()).or_default().push(clip);
    }
    speakers
}

fn at_any_speed(sound: &[f32], percent: &[u32], rng: &mut StdRng) -> Result<Vec<f32>> {
    at_speed(sound, ANALYSIS_RATE_HZ / 100 * percent[rng.random_range(0..percent.len())])
}

/// To this level (RMS) in dBFS, or as near to it as full scale allows.
fn bring_to(sound: &mut [f32], level_db: f32) {
    let peak = sound.iter().fold(f32::MIN_POSITIVE, |peak: f32, sample| peak.max(sample.abs()));
    let factor = (db_to_amplitude(level_db) / rms(sound)).min(1.0 / peak);
    sound.iter_mut().for_each(|sample| *sample *= factor);
}
