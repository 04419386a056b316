//! Batches: random crops of similar length, augmented, as feature rows against a speaker baseline
//! that has heard a random stretch of the same speaker before, or nothing yet.

use rand::Rng;
use rand::rngs::StdRng;

use crate::features::pitch::{PERIODIC, ROWS, Voicing};
use crate::messages::Dimensions;
use crate::model::card::NormaliserSpec;
use crate::personal::normaliser::{Heard, Normaliser};
use crate::train::augment::{self, Plan};
use crate::train::bands::{Coefficients, has_bands, width};
use crate::train::bank::Prepared;
use crate::train::draft::{CROP_FRAMES, Draft};
use crate::train::mixup::mix;
use crate::train::noise::Noise;
use crate::train::recipe::Recipe;
use crate::train::selection::Selection;
use crate::train::timbre::Timbres;

/// Voiced frames heard before, drawn log-uniformly: 0.5 s to 30 s.
const HEARD_FRAMES: std::ops::Range<f32> = 50.0..3000.0;

/// Frames drawn to stand for what was heard; more change the mean by less than the noise does.
const HEARD_SAMPLE: usize = 48;

/// Clips that what was heard comes from.
const HEARD_CLIPS: usize = 6;

/// Part of a crop that another clip of the same speaker takes in copy-paste.
const PASTED: std::ops::Range<f32> = 0.2..0.5;

/// A batch in the network's layout.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub size: usize,
    pub frames: usize,
    /// `[size, rows, frames]`.
    pub features: Vec<f32>,
    /// `[size, labels]`: the share of each label; zeros without one.
    pub targets: Vec<f32>,
    /// Coordinates of the example's label; none without any.
    pub dimensions: Vec<Option<Dimensions>>,
    /// Index into the selection's speakers.
    pub speakers: Vec<usize>,
}

/// Silence before the speech, in frames: 50 to 500 ms.
const SILENCE_FRAMES: std::ops::RangeInclusive<usize> = 5..=50;

/// Frames of a crop: from where in which sound, at which tempo.
struct Piece<'a> {
    /// None is silence.
    clip: Option<&'a Prepared>,
    start: usize,
    frames: usize,
    tempo: f32,
}

/// Turns drafts into batches; keeps its buffers.
pub struct Batcher<'a> {
    selection: &'a Selection<'a>,
    noise: Noise<'a>,
    normaliser: &'a NormaliserSpec,
    recipe: &'a Recipe,
    timbres: Timbres,
    coefficients: Coefficients,
    /// A frame without power.
    nothing: Vec<f32>,
    bands: Vec<f32>,
    voicing: Vec<Voicing>,
    voiced: Vec<bool>,
    row: Vec<f32>,
    normalised: Vec<f32>,
}

impl<'a> Batcher<'a> {
    pub fn new(
        selection: &'a Selection<'a>,
        noise: Noise<'a>,
        recipe: &'a Recipe,
        normaliser: &'a NormaliserSpec,
    ) -> Self {
        let rows = recipe.features.rows();
        Self {
            selection,
            noise,
            normaliser,
            recipe,
            timbres: Timbres::new(selection),
            coefficients: Coefficients::new(&recipe.features),
            nothing: vec![0.0; width(&recipe.features)],
            bands: Vec::new(),
            voicing: Vec::new(),
            voiced: Vec::new(),
            row: vec![0.0; rows],
            normalised: vec![0.0; rows],
        }
    }

    pub fn batch(&mut self, draft: &Draft, rng: &mut StdRng) -> Batch {
        let size = draft.members.len();
        let rows = self.recipe.features.rows() * draft.frames;
        let labels = self.selection.labels;
        let mut batch = Batch {
            size,
            frames: draft.frames,
            features: vec![0.0; size * rows],
            targets: vec![0.0; size * labels],
            ..Batch::default()
        };
        for (index, &(member, take)) in draft.members.iter().enumerate() {
            let out = &mut batch.features[index * rows..][..rows];
            let target = &mut batch.targets[index * labels..][..labels];
            let chosen = &self.selection.members[member];
            batch.speakers.push(chosen.speaker);
            let alone = self.noise.draw(rng);
            let alone = alone.filter(|_| rng.random_bool(self.recipe.noise_alone_share));
            if let Some(noise) = alone {
                self.noise_alone(noise, (member, take), draft.frames, rng, out);
                target.fill(1.0 / labels as f32);
                batch.dimensions.push(None);
                continue;
            }
            self.example(member, take, draft.frames, rng, out);
            if let Some(label) = chosen.label {
                let soft = chosen.soft.as_ref().map_or(0.0, |_| self.recipe.soft_weight);
                target[label] += 1.0 - soft;
                for (target, share) in target.iter_mut().zip(chosen.soft.iter().flatten()) {
                    *target += soft * share;
                }
            }
            batch.dimensions.push(chosen.dimensions);
        }
        if rng.random_bool(self.recipe.mixup_share) {
            mix(&mut batch, labels, rng);
        }
        batch
    }

    /// The speech of one clip as it is, its last 3 s at most, heard from a new speaker.
    pub fn plain(&mut self, clip: &Prepared) -> Batch {
        let start = clip.span.end.saturating_sub(*CROP_FRAMES.end()).max(clip.span.start);
        let frames = clip.span.end - start;
        let mut features = vec![0.0; self.recipe.features.rows() * frames];
        let plan = Plan::none(width(&self.recipe.features));
        let mut normaliser = Normaliser::new(self.normaliser);
        self.render(&[Piece { clip: Some(clip), start, frames, tempo: 1.0 }], &plan);
        self.normalise(&mut normaliser, &mut features);
        Batch { size: 1, frames, features, ..Batch::default() }
    }

    /// Writes one crop of a member as `[rows, frames]`.
    fn example(
        &mut self,
        member: usize,
        take: usize,
        frames: usize,
        rng: &mut StdRng,
        out: &mut [f32],
    ) {
        let clip = &self.selection.example(member).takes[take];
        let speaker = self.selection.members[member].speaker;
        let noise = self.noise.draw(rng);
        let mut plan = self.plan(clip, noise, rng);
        if rng.random_bool(self.recipe.convert_share) {
            self.timbres.convert(speaker, &mut plan, rng);
        }
        let mut normaliser = self.heard_before(member, take, &plan, rng);
        let pieces = self.pieces(member, take, frames, rng);
        self.render(&pieces, &plan);
        if rng.random_bool(self.recipe.mask_share) {
            for time in augment::mask(rng, &mut self.bands, width(&self.recipe.features)) {
                self.voicing[time].strength = 0.0;
            }
        }
        self.normalise(&mut normaliser, out);
    }

    /// Writes noise that takes the place of a member's voice.
    fn noise_alone(
        &mut self,
        noise: &'a Prepared,
        (member, take): (usize, usize),
        frames: usize,
        rng: &mut StdRng,
        out: &mut [f32],
    ) {
        let plan = self.plan(noise, None, rng);
        let mut normaliser = self.heard_before(member, take, &plan, rng);
        self.render(&[piece(noise, frames, 1.0, rng)], &plan);
        self.normalise(&mut normaliser, out);
    }

    fn plan(&self, clip: &Prepared, noise: Option<&'a Prepared>, rng: &mut StdRng) -> Plan<'a> {
        let features = &self.recipe.features;
        if has_bands(features) {
            Plan::draw(rng, self.recipe, clip, noise)
        } else {
            Plan::none(width(features))
        }
    }

    /// The baseline of a member's speaker, new or known for a while.
    fn heard_before(
        &mut self,
        member: usize,
        take: usize,
        plan: &Plan,
        rng: &mut StdRng,
    ) -> Normaliser {
        let mut normaliser = Normaliser::new(self.normaliser);
        if !rng.random_bool(self.recipe.new_speaker_share) {
            self.hear(member, take, plan, &mut normaliser, rng);
        }
        normaliser
    }

    /// One stretch of the clip, now and then after a silence; or, in copy-paste, one of the
    /// speaker's neutral speech before or after it (Pappagari et al., ICASSP 2021).
    fn pieces(
        &self,
        member: usize,
        take: usize,
        frames: usize,
        rng: &mut StdRng,
    ) -> Vec<Piece<'a>> {
        let clip = &self.selection.example(member).takes[take];
        let tempo = 1.0 + rng.random_range(-self.recipe.tempo..=self.recipe.tempo);
        let neutral = rng
            .random_bool(self.recipe.copy_paste_share)
            .then(|| self.neutral(member, rng))
            .flatten()
            .map(|other| &self.selection.example(other).takes[take]);
        let Some(neutral) = neutral else {
            if !rng.random_bool(self.recipe.silence_share) {
                return vec![piece(clip, frames, tempo, rng)];
            }
            let silent = rng.random_range(SILENCE_FRAMES).min(frames / 2);
            let silence = Piece { clip: None, start: 0, frames: silent, tempo };
            return vec![silence, piece(clip, frames - silent, tempo, rng)];
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below frames")]
        let pasted = (rng.random_range(PASTED) * frames as f32) as usize;
        let mut pieces =
            vec![piece(neutral, pasted, tempo, rng), piece(clip, frames - pasted, tempo, rng)];
        if rng.random_bool(0.5) {
            pieces.reverse();
        }
        pieces
    }

    /// A neutral clip of the same speaker.
    fn neutral(&self, member: usize, rng: &mut StdRng) -> Option<usize> {
        let own = &self.selection.speakers[self.selection.members[member].speaker];
        let is_neutral = |&&other: &&usize| {
            self.selection.members[other].dimensions == Some(Dimensions::NEUTRAL)
        };
        let neutral: Vec<&usize> = own.iter().filter(is_neutral).collect();
        (!neutral.is_empty()).then(|| *neutral[rng.random_range(0..neutral.len())])
    }

    /// Fills `bands`, `voicing` and `voiced` with the pieces one after the other.
    fn render(&mut self, pieces: &[Piece], plan: &Plan) {
        let mels = width(&self.recipe.features);
        let count: usize = pieces.iter().map(|piece| piece.frames).sum();
        self.bands.resize(count * mels, 0.0);
        self.voicing.clear();
        self.voiced.clear();
        let mut bands = self.bands.chunks_exact_mut(mels);
        for piece in pieces {
            for (time, bands) in (0..piece.frames).zip(&mut bands) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "small"
                )]
                let from = piece.start + (time as f32 * piece.tempo) as usize;
                let (frame, pitch, voiced) = match piece.clip {
                    Some(clip) => {
                        let from = from.min(clip.span.end - 1);
                        (clip.bands.frame(from), clip.voicing(from), clip.voiced[from])
                    }
                    None => (&self.nothing[..], Voicing::default(), false),
                };
                self.voicing.push(plan.apply(frame, pitch, piece.start + time, bands));
                self.voiced.push(voiced);
            }
        }
    }

    /// Turns what was rendered into rows, each against the baseline of its moment, as
    /// `[rows, frames]`.
    fn normalise(&mut self, normaliser: &mut Normaliser, out: &mut [f32]) {
        let features = &self.recipe.features;
        let count = self.voicing.len();
        let frames = self.bands.chunks_exact(width(features)).zip(&self.voicing).zip(&self.voiced);
        for (time, ((bands, voicing), voiced)) in frames.enumerate() {
            let (coefficients, pitch) = self.row.split_at_mut(features.coefficients);
            self.coefficients.process(bands, coefficients);
            if features.pitch {
                pitch.copy_from_slice(&[voicing.strength, voicing.octaves]);
            }
            if *voiced {
                normaliser.observe(&self.row);
            }
            normaliser.apply(&self.row, &mut self.normalised);
            for (row, value) in self.normalised.iter().enumerate() {
                out[row * count + time] = *value;
            }
        }
    }

    /// Lets the baseline hear the speaker's other clips through the same microphone and noise; now
    /// and then only those of the same emotion, as a speaker may show no other.
    fn hear(
        &mut self,
        member: usize,
        take: usize,
        plan: &Plan,
        normaliser: &mut Normaliser,
        rng: &mut StdRng,
    ) {
        let chosen = &self.selection.members[member];
        let own = &self.selection.speakers[chosen.speaker];
        let one_emotion = rng.random_bool(self.recipe.one_emotion_share);
        let alike: Vec<usize> = own
            .iter()
            .copied()
            .filter(|&other| !one_emotion || self.selection.members[other].label == chosen.label)
            .collect();
        let clips: Vec<usize> =
            (0..HEARD_CLIPS).map(|_| alike[rng.random_range(0..alike.len())]).collect();
        let features = &self.recipe.features;
        let mut bands = vec![0.0; width(features)];
        let mut mean = vec![0.0; features.rows()];
        let (mut taken, mut periodic) = (0.0, 0.0);
        for draw in 0..HEARD_SAMPLE {
            let clip = &self.selection.example(clips[draw % HEARD_CLIPS]).takes[take];
            let time = rng.random_range(clip.span.clone());
            if !clip.voiced[time] {
                continue;
            }
            let pitch = plan.apply(clip.bands.frame(time), clip.voicing(time), time, &mut bands);
            self.coefficients.process(&bands, &mut self.row[..features.coefficients]);
            taken += 1.0;
            for (mean, value) in mean.iter_mut().zip(&self.row[..features.coefficients]) {
                *mean += (value - *mean) / taken;
            }
            if features.pitch && PERIODIC <= pitch.strength {
                periodic += 1.0;
                let octaves = &mut mean[features.coefficients + ROWS - 1];
                *octaves += (pitch.octaves - *octaves) / periodic;
            }
        }
        if taken > 0.0 {
            let range = HEARD_FRAMES.start.ln()..HEARD_FRAMES.end.ln();
            let frames = rng.random_range(range).exp();
            let periodic_frames = frames * periodic / taken;
            normaliser.observe_many(Heard { mean: &mean, frames, periodic_frames });
        }
    }
}

/// A random stretch of the clip's speech that makes `frames` at `tempo`, slower if there is less.
fn piece<'a>(clip: &'a Prepared, frames: usize, tempo: f32, rng: &mut StdRng) -> Piece<'a> {
    let available = clip.span.len() as f32;
    let tempo = tempo.min(available / frames as f32);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds")]
    let needed = (frames as f32 * tempo).ceil() as usize;
    let latest = clip.span.end.saturating_sub(needed).max(clip.span.start);
    Piece { clip: Some(clip), start: rng.random_range(clip.span.start..=latest), frames, tempo }
}

#[cfg(test)]
mod tests;
