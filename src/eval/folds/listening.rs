//! A fold's clips as its model hears them: each alone, or one after the other, with a speaker
//! baseline that the caller keeps.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::eval::clips::{Spoken, Tier};
use crate::eval::folds::answers::Said;
use crate::eval::listener::Listener;
use crate::features::front_end::front_end;
use crate::model::predictor::Predictor;
use crate::model::stream::Stream;
use crate::personal::normaliser::Normaliser;
use crate::train::bank::{progress_bar, read_sound};
use crate::train::corpus::{Clip, sound_path};
use crate::units::to_count;

/// Moments after the onset of speech at which the answer is looked at, in seconds.
pub const AFTER_ONSET_S: [f32; 5] = [0.5, 1.0, 1.5, 2.0, 3.0];

/// Clips in memory, by speaker.
pub struct Voices {
    pub clips: Vec<Spoken>,
    pub speakers: Vec<Vec<usize>>,
}

/// An answer with the embedding below it, both the mean over the clip's windows.
pub struct Heard {
    pub said: Said,
    pub embedding: Vec<f32>,
}

impl Voices {
    /// Reads `clips`, all of which have one of the model's labels. A clip shorter than the
    /// shortest window is followed by silence as long as it needs.
    pub fn load(clips: &[&Clip], root: &Path, model: &Predictor) -> Result<Self> {
        let card = model.card();
        let mut speakers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let progress = progress_bar(clips.len(), "reading clips");
        let mut spoken = Vec::with_capacity(clips.len());
        for (index, clip) in clips.iter().enumerate() {
            progress.inc(1);
            let path = found(root, clip)?;
            let label = card.labels.iter().position(|label| *label == clip.emotion);
            let label = label.with_context(|| format!("{:?} is no label", clip.emotion))?;
            let mut one = read_sound(&path)
                .and_then(|samples| Spoken::from_samples(&samples, &card.features, label))
                .with_context(|| format!("in {}", path.display()))?;
            one.fill_up_to(card.window_feature_frames()[0]);
            spoken.push(one);
            speakers.entry(clip.speaker_key()).or_default().push(index);
        }
        progress.finish_and_clear();
        Ok(Self { clips: spoken, speakers: speakers.into_values().collect() })
    }
}

/// Where a clip's sound lies.
pub fn found(root: &Path, clip: &Clip) -> Result<PathBuf> {
    let path = sound_path(root, &clip.path);
    path.with_context(|| format!("{} has no {} in any format", root.display(), clip.path.display()))
}

/// Asks one model about one set of clips.
pub struct Listening<'a> {
    pub voices: &'a Voices,
    pub model: &'a Predictor,
    listener: Listener,
    stream: Option<Stream>,
}

impl<'a> Listening<'a> {
    pub fn new(voices: &'a Voices, model: &'a Predictor) -> Self {
        Self { voices, model, listener: Listener::new(model.card()), stream: model.stream() }
    }

    /// The baseline of a speaker whom nobody knows.
    pub fn stranger(&self) -> Normaliser {
        Normaliser::new(&self.model.card().normaliser)
    }

    /// The whole clip, as `affectd eval` hears it.
    pub fn hear(&mut self, clip: usize, normaliser: &mut Normaliser) -> Result<Heard> {
        let windows = self.listener.windows(&self.voices.clips[clip].span);
        self.ask(clip, &windows, normaliser)
    }

    /// T0: each clip comes from a new speaker.
    pub fn alone(&mut self) -> Result<Vec<Said>> {
        let progress = progress_bar(self.voices.clips.len(), "T0");
        let said = (0..self.voices.clips.len()).map(|clip| {
            progress.inc(1);
            Ok(self.hear(clip, &mut self.stranger())?.said)
        });
        said.collect()
    }

    /// T0 again, but nothing is heard later than `seconds` after the onset of speech. A clip that
    /// has fallen silent before is heard to its end.
    pub fn alone_for(&mut self, seconds: f32) -> Result<Vec<Said>> {
        let said = (0..self.voices.clips.len()).map(|clip| {
            let windows = self.window_after_onset(clip, seconds);
            Ok(self.ask(clip, &windows, &mut self.stranger())?.said)
        });
        said.collect()
    }

    /// T1: the clips of each speaker in a random order, the baseline running along.
    pub fn in_turn(&mut self, order: u64) -> Result<Vec<Said>> {
        let mut rng = StdRng::seed_from_u64(order);
        let mut said = Vec::with_capacity(self.voices.clips.len());
        for own in &self.voices.speakers {
            let mut own = own.clone();
            own.shuffle(&mut rng);
            said.extend(self.one_after_another(&own)?);
        }
        Ok(said)
    }

    /// T1 where each speaker shows one emotion only, each emotion in a stream of its own; and of
    /// these streams the second half, where the baseline has moved most.
    pub fn one_emotion(&mut self) -> Result<[Vec<Said>; 2]> {
        let mut rng = StdRng::seed_from_u64(1);
        let (mut all, mut late) = (Vec::new(), Vec::new());
        for own in &self.voices.speakers {
            for label in 0..self.model.card().labels.len() {
                let mut alike: Vec<usize> = own.clone();
                alike.retain(|&clip| self.voices.clips[clip].label == label);
                alike.shuffle(&mut rng);
                let said = self.one_after_another(&alike)?;
                late.extend_from_slice(&said[said.len() / 2..]);
                all.extend(said);
            }
        }
        Ok([all, late])
    }

    fn one_after_another(&mut self, clips: &[usize]) -> Result<Vec<Said>> {
        let mut normaliser = self.stranger();
        clips.iter().map(|&clip| Ok(self.hear(clip, &mut normaliser)?.said)).collect()
    }

    /// What the live engine would look at then: speech as far as it is there, before it what came
    /// before.
    fn window_after_onset(&self, clip: usize, seconds: f32) -> Vec<Range<u64>> {
        let spoken = &self.voices.clips[clip];
        let card = self.model.card();
        let onset = spoken.voiced.iter().position(|&voiced| voiced).unwrap_or(0);
        let later = to_count(f64::from(seconds * card.features.frames_per_s()));
        let end = (onset + later).min(spoken.span.end);
        self.listener.windows(&(spoken.span.start..end.max(spoken.span.start + 1)))
    }

    fn ask(
        &mut self,
        clip: usize,
        windows: &[Range<u64>],
        normaliser: &mut Normaliser,
    ) -> Result<Heard> {
        let model = self.model;
        let share = 1.0 / windows.len() as f32;
        let mut probabilities = vec![0.0; model.card().labels.len()];
        let mut dimensions = [0.0; 3];
        let mut embedding = vec![0.0; model.card().network.embedding];
        let spoken = &self.voices.clips[clip];
        let stream = &mut self.stream;
        self.listener.walk(spoken, windows, normaliser, &mut |window| {
            let prediction = match stream {
                Some(stream) => {
                    let prediction = stream.predict(window);
                    add(&mut embedding, stream.embedding(), share);
                    prediction
                }
                None => {
                    let frames = window.rows.len() / model.card().features.rows();
                    let (prediction, seen) = model.embed(window.rows, frames);
                    add(&mut embedding, &seen, share);
                    prediction
                }
            };
            add(&mut probabilities, &prediction.probabilities, share);
            add(&mut dimensions, &prediction.dimensions, share);
        });
        if probabilities.iter().chain(&dimensions).any(|value| !value.is_finite()) {
            bail!("the model's answer to a clip is no number; its weights are damaged");
        }
        Ok(Heard { said: Said { clip, probabilities, dimensions }, embedding })
    }
}

fn add(sum: &mut [f32], values: &[f32], share: f32) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
}

/// Time that features and network take for 3 s of speech: the fastest of several runs, since other
/// programs, a training for one, can only make it longer.
pub fn ms_per_3s(model: &Predictor) -> Result<f64> {
    const RUNS: usize = 11;
    const SECONDS: usize = 3;
    let card = model.card();
    let mut front_end = front_end(&card.features)?;
    let [_, longest] = card.window_feature_frames();
    let samples: Vec<f32> = (0..SECONDS * card.features.rate_hz as usize)
        .map(|index| 0.1 * (index as f32 * 0.05).sin())
        .collect();
    let mut row = vec![0.0; card.features.rows()];
    let features = vec![0.0; longest * card.features.rows()];
    let times = (0..RUNS).map(|_| {
        let begun = Instant::now();
        samples.chunks_exact(card.features.hop).for_each(|hop| front_end.process(hop, &mut row));
        model.answer(&features, longest);
        1000.0 * begun.elapsed().as_secs_f64()
    });
    Ok(times.fold(f64::INFINITY, f64::min))
}

/// Samples of a clip from the first to the last of its speech, with the live margin.
pub fn speech_of(spoken: &Spoken, path: &Path, hop: usize) -> Result<Vec<f32>> {
    let samples = read_sound(path).with_context(|| format!("in {}", path.display()))?;
    let end = (spoken.span.end * hop).min(samples.len());
    Ok(samples[(spoken.span.start * hop).min(end)..end].to_vec())
}

/// Orders or draws of a tier.
pub fn seeds(tier: Tier) -> impl Iterator<Item = u64> {
    1..=tier.orders() as u64
}
