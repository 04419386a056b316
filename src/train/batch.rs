//! Batches: random crops of similar length, augmented, as cepstra against a speaker baseline that
//! has heard a random stretch of the same speaker before, or nothing yet.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::features::FeatureSpec;
use crate::features::cepstrum::Cepstrum;
use crate::model::card::NormaliserSpec;
use crate::personal::normaliser::Normaliser;
use crate::train::augment::{self, Plan};
use crate::train::bank::{Bands, Bank, Prepared};
use crate::units::to_f32;

/// Crops of 0.5 to 3 s, in frames of 10 ms.
pub const CROP_FRAMES: std::ops::RangeInclusive<usize> = 50..=300;

/// Share of examples whose speaker nobody has heard before.
const NEW_SPEAKER_SHARE: f64 = 0.4;

/// Voiced frames heard before, drawn log-uniformly: 0.5 s to 30 s.
const HEARD_FRAMES: std::ops::Range<f32> = 50.0..3000.0;

/// Frames drawn to stand for what was heard; more change the mean by less than the noise does.
const HEARD_SAMPLE: usize = 48;

/// Clips that what was heard comes from.
const HEARD_CLIPS: usize = 6;

/// A batch in the network's layout.
#[derive(Debug, Default)]
pub struct Batch {
    pub size: usize,
    pub frames: usize,
    /// `[size, coefficients, frames]`.
    pub features: Vec<f32>,
    /// Index of the example's label; none without one.
    pub labels: Vec<Option<usize>>,
    /// `[size, 3]`: arousal, valence, dominance.
    pub dimensions: Vec<f32>,
}

/// What one batch is made of.
#[derive(Debug)]
pub struct Draft {
    frames: usize,
    /// Example and speed.
    members: Vec<(usize, usize)>,
}

/// Cuts all examples of the bank into batches, crops of similar length together.
pub fn draft_epoch(bank: &Bank, size: usize, rng: &mut StdRng) -> Vec<Draft> {
    let mut crops: Vec<(usize, usize, usize)> = bank
        .examples
        .iter()
        .enumerate()
        .map(|(index, example)| {
            let speed = rng.random_range(0..example.speeds.len());
            let length = rng.random_range(CROP_FRAMES).min(example.speeds[speed].span.len());
            (length, index, speed)
        })
        .collect();
    crops.shuffle(rng);
    crops.sort_by_key(|crop| crop.0);
    let mut drafts: Vec<Draft> = crops
        .chunks(size)
        .map(|chunk| Draft {
            frames: chunk[0].0,
            members: chunk.iter().map(|&(_, index, speed)| (index, speed)).collect(),
        })
        .collect();
    drafts.shuffle(rng);
    drafts
}

/// Turns drafts into batches; keeps its buffers.
pub struct Batcher<'a> {
    bank: &'a Bank,
    noise: &'a [Bands],
    normaliser: &'a NormaliserSpec,
    cepstrum: Cepstrum,
    mels: usize,
    coefficients: usize,
    bands: Vec<f32>,
    cepstra: Vec<f32>,
}

impl<'a> Batcher<'a> {
    pub fn new(
        bank: &'a Bank,
        noise: &'a [Bands],
        spec: &FeatureSpec,
        normaliser: &'a NormaliserSpec,
    ) -> Self {
        Self {
            bank,
            noise,
            normaliser,
            cepstrum: Cepstrum::new(spec),
            mels: spec.mels,
            coefficients: spec.coefficients,
            bands: Vec::new(),
            cepstra: Vec::new(),
        }
    }

    pub fn batch(&mut self, draft: &Draft, rng: &mut StdRng) -> Batch {
        let mut batch = Batch {
            size: draft.members.len(),
            frames: draft.frames,
            features: vec![0.0; draft.members.len() * self.coefficients * draft.frames],
            ..Batch::default()
        };
        let rows = self.coefficients * draft.frames;
        for (index, &(example, speed)) in draft.members.iter().enumerate() {
            let example = &self.bank.examples[example];
            let clip = &example.speeds[speed];
            let latest = clip.span.end - draft.frames;
            let start = rng.random_range(clip.span.start..=latest.max(clip.span.start));
            let plan = Plan::draw(rng, clip, self.noise);
            let mut normaliser = Normaliser::new(self.normaliser);
            if !rng.random_bool(NEW_SPEAKER_SHARE) {
                self.hear(example.speaker, speed, &plan, &mut normaliser, rng);
            }
            let out = &mut batch.features[index * rows..][..rows];
            self.crop(clip, start..start + draft.frames, &plan, &mut normaliser, Some(rng), out);
            batch.labels.push(example.label);
            let affect = example.dimensions;
            batch.dimensions.extend([affect.arousal, affect.valence, affect.dominance]);
        }
        batch
    }

    /// The speech of one clip as it is, its last 3 s at most, heard from a new speaker.
    pub fn plain(&mut self, clip: &Prepared) -> Batch {
        let start = clip.span.end.saturating_sub(*CROP_FRAMES.end()).max(clip.span.start);
        let frames = clip.span.end - start;
        let mut features = vec![0.0; self.coefficients * frames];
        let plan = Plan::none(self.mels);
        let mut normaliser = Normaliser::new(self.normaliser);
        self.crop(clip, start..clip.span.end, &plan, &mut normaliser, None, &mut features);
        Batch { size: 1, frames, features, ..Batch::default() }
    }

    /// Writes one crop as `[coefficients, frames]`, against the baseline at its end.
    fn crop(
        &mut self,
        clip: &Prepared,
        frames: std::ops::Range<usize>,
        plan: &Plan,
        normaliser: &mut Normaliser,
        rng: Option<&mut StdRng>,
        out: &mut [f32],
    ) {
        let count = frames.len();
        self.bands.resize(count * self.mels, 0.0);
        for (time, bands) in frames.clone().zip(self.bands.chunks_exact_mut(self.mels)) {
            plan.apply(clip.bands.frame(time), time, bands);
        }
        if let Some(rng) = rng {
            augment::mask(rng, &mut self.bands, self.mels);
        }
        self.cepstra.resize(count * self.coefficients, 0.0);
        let pairs = self.bands.chunks_exact(self.mels);
        let cepstra = self.cepstra.chunks_exact_mut(self.coefficients);
        for ((time, bands), cepstra) in frames.zip(pairs).zip(cepstra) {
            self.cepstrum.process(bands, cepstra);
            if clip.voiced[time] {
                normaliser.observe(cepstra);
            }
        }
        let mut row = vec![0.0; self.coefficients];
        for (time, cepstra) in self.cepstra.chunks_exact(self.coefficients).enumerate() {
            normaliser.apply(cepstra, &mut row);
            for (coefficient, value) in row.iter().enumerate() {
                out[coefficient * count + time] = *value;
            }
        }
    }

    /// Lets the baseline hear the speaker's other clips through the same microphone and noise.
    fn hear(
        &mut self,
        speaker: usize,
        speed: usize,
        plan: &Plan,
        normaliser: &mut Normaliser,
        rng: &mut StdRng,
    ) {
        let own = &self.bank.speakers[speaker];
        let clips: Vec<usize> =
            (0..HEARD_CLIPS).map(|_| own[rng.random_range(0..own.len())]).collect();
        let mut bands = vec![0.0; self.mels];
        let mut cepstra = vec![0.0; self.coefficients];
        let mut mean = vec![0.0; self.coefficients];
        let mut taken = 0.0;
        for draw in 0..HEARD_SAMPLE {
            let clip = &self.bank.examples[clips[draw % HEARD_CLIPS]].speeds[speed];
            let time = rng.random_range(clip.span.clone());
            if !clip.voiced[time] {
                continue;
            }
            plan.apply(clip.bands.frame(time), time, &mut bands);
            self.cepstrum.process(&bands, &mut cepstra);
            taken += 1.0;
            for (mean, value) in mean.iter_mut().zip(&cepstra) {
                *mean += (value - *mean) / taken;
            }
        }
        if taken > 0.0 {
            let range = HEARD_FRAMES.start.ln()..HEARD_FRAMES.end.ln();
            normaliser.observe_many(&mean, rng.random_range(range).exp());
        }
    }
}

/// Mean of the voiced frames, and their deviation about each speaker's own mean, over the
/// original speed of all examples.
pub fn statistics(bank: &Bank, spec: &FeatureSpec) -> NormaliserSpec {
    let mut cepstrum = Cepstrum::new(spec);
    let mut row = vec![0.0; spec.coefficients];
    let mut sum = vec![0.0f64; spec.coefficients];
    let mut within = vec![0.0f64; spec.coefficients];
    let mut count = 0.0f64;
    for examples in &bank.speakers {
        let mut own = vec![[0.0f64; 2]; spec.coefficients];
        let mut own_count = 0.0f64;
        for clip in examples.iter().map(|&index| &bank.examples[index].speeds[0]) {
            for time in clip.span.clone().filter(|&time| clip.voiced[time]) {
                cepstrum.process(clip.bands.frame(time), &mut row);
                own_count += 1.0;
                for (own, &value) in own.iter_mut().zip(&row) {
                    own[0] += f64::from(value);
                    own[1] += f64::from(value) * f64::from(value);
                }
            }
        }
        count += own_count;
        for (index, [total, squares]) in own.into_iter().enumerate() {
            sum[index] += total;
            within[index] += squares - total * total / own_count.max(1.0);
        }
    }
    NormaliserSpec {
        mean: sum.iter().map(|sum| to_f32(sum / count)).collect(),
        deviation: within.iter().map(|within| to_f32((within / count).sqrt())).collect(),
        prior_frames: NormaliserSpec::PRIOR_FRAMES,
        prior_level_frames: NormaliserSpec::PRIOR_LEVEL_FRAMES,
        memory_frames: NormaliserSpec::MEMORY_FRAMES,
    }
}
