//! Batches: random crops of similar length, augmented, as feature rows against a speaker baseline
//! that has heard a random stretch of the same speaker before, or nothing yet.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::features::cepstrum::Cepstrum;
use crate::features::pitch::{PERIODIC, ROWS, Voicing};
use crate::messages::Dimensions;
use crate::model::card::NormaliserSpec;
use crate::personal::normaliser::{Heard, Normaliser};
use crate::train::augment::{self, Plan};
use crate::train::bank::{Bands, Prepared};
use crate::train::recipe::Recipe;
use crate::train::selection::Selection;
use crate::train::timbre::Timbres;

/// Crops of 0.5 to 3 s, in frames of 10 ms.
pub const CROP_FRAMES: std::ops::RangeInclusive<usize> = 50..=300;

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

/// What one batch is made of.
#[derive(Debug)]
pub struct Draft {
    frames: usize,
    /// Member and take.
    members: Vec<(usize, usize)>,
}

/// Draws an epoch's examples and cuts them into batches, crops of similar length together. Every
/// corpus has its share; with `corpus_balance` small ones come more than once and large ones less.
pub fn draft_epoch(selection: &Selection, recipe: &Recipe, rng: &mut StdRng) -> Vec<Draft> {
    let mut crops: Vec<(usize, usize, usize)> = drawn(selection, recipe.corpus_balance, rng)
        .into_iter()
        .map(|member| {
            let takes = &selection.example(member).takes;
            let speeds = if recipe.speeds { takes.len().saturating_sub(1).max(1) } else { 1 };
            let is_degraded = 1 < takes.len() && rng.random_bool(recipe.degraded_share);
            let take = if is_degraded { takes.len() - 1 } else { rng.random_range(0..speeds) };
            let length = rng.random_range(CROP_FRAMES).min(takes[take].span.len());
            (length, member, take)
        })
        .collect();
    crops.shuffle(rng);
    crops.sort_by_key(|crop| crop.0);
    let mut drafts: Vec<Draft> = crops
        .chunks(recipe.batch_size)
        .filter(|chunk| 1 < chunk.len()) // batch norm needs two
        .map(|chunk| Draft {
            frames: chunk[0].0,
            members: chunk.iter().map(|&(_, member, take)| (member, take)).collect(),
        })
        .collect();
    drafts.shuffle(rng);
    drafts
}

/// As many members as there are, from each corpus its share: its size to the power of
/// `1 - balance`.
fn drawn(selection: &Selection, balance: f64, rng: &mut StdRng) -> Vec<usize> {
    let mut corpora: std::collections::BTreeMap<&str, Vec<usize>> = Default::default();
    for member in 0..selection.members.len() {
        corpora.entry(&selection.example(member).clip.corpus).or_default().push(member);
    }
    let weight = |members: &Vec<usize>| (members.len() as f64).powf(1.0 - balance);
    let weights: f64 = corpora.values().map(weight).sum();
    let all = selection.members.len() as f64;
    let mut out = Vec::new();
    for members in corpora.values() {
        let wanted = crate::units::to_count(all * weight(members) / weights).max(1);
        // Whole passes first, so that none is left out by chance.
        (0..wanted / members.len()).for_each(|_| out.extend_from_slice(members));
        let mut rest = members.clone();
        rest.shuffle(rng);
        out.extend_from_slice(&rest[..wanted % members.len()]);
    }
    out
}

/// Frames of a crop: from where in which sound, at which tempo.
struct Piece<'a> {
    clip: &'a Prepared,
    start: usize,
    frames: usize,
    tempo: f32,
}

/// Turns drafts into batches; keeps its buffers.
pub struct Batcher<'a> {
    selection: &'a Selection<'a>,
    noise: &'a [Bands],
    normaliser: &'a NormaliserSpec,
    recipe: &'a Recipe,
    timbres: Timbres,
    cepstrum: Cepstrum,
    bands: Vec<f32>,
    voicing: Vec<Voicing>,
    voiced: Vec<bool>,
    row: Vec<f32>,
    normalised: Vec<f32>,
}

impl<'a> Batcher<'a> {
    pub fn new(
        selection: &'a Selection<'a>,
        noise: &'a [Bands],
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
            cepstrum: Cepstrum::new(&recipe.features),
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
            self.example(member, take, draft.frames, rng, out);
            let chosen = &self.selection.members[member];
            let target = &mut batch.targets[index * labels..][..labels];
            if let Some(label) = chosen.label {
                let soft = chosen.soft.as_ref().map_or(0.0, |_| self.recipe.soft_weight);
                target[label] += 1.0 - soft;
                for (target, share) in target.iter_mut().zip(chosen.soft.iter().flatten()) {
                    *target += soft * share;
                }
            }
            batch.dimensions.push(chosen.dimensions);
            batch.speakers.push(chosen.speaker);
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
        let plan = Plan::none(self.recipe.features.mels);
        let mut normaliser = Normaliser::new(self.normaliser);
        self.render(&[Piece { clip, start, frames, tempo: 1.0 }], &plan);
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
        let mut plan = Plan::draw(rng, self.recipe, clip, self.noise);
        if rng.random_bool(self.recipe.convert_share) {
            self.timbres.convert(speaker, &mut plan, rng);
        }
        let mut normaliser = Normaliser::new(self.normaliser);
        if !rng.random_bool(self.recipe.new_speaker_share) {
            self.hear(member, take, &plan, &mut normaliser, rng);
        }
        let pieces = self.pieces(member, take, frames, rng);
        self.render(&pieces, &plan);
        if rng.random_bool(self.recipe.mask_share) {
            for time in augment::mask(rng, &mut self.bands, self.recipe.features.mels) {
                self.voicing[time].strength = 0.0;
            }
        }
        self.normalise(&mut normaliser, out);
    }

    /// One stretch of the clip; or, in copy-paste, one of the speaker's neutral speech before or
    /// after it (Pappagari et al., ICASSP 2021).
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
        let Some(neutral) = neutral else { return vec![piece(clip, frames, tempo, rng)] };
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
        let mels = self.recipe.features.mels;
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
                let from = (piece.start + (time as f32 * piece.tempo) as usize)
                    .min(piece.clip.span.end - 1);
                let clip = piece.clip;
                let (frame, pitch) = (clip.bands.frame(from), clip.voicing(from));
                self.voicing.push(plan.apply(frame, pitch, piece.start + time, bands));
                self.voiced.push(clip.voiced[from]);
            }
        }
    }

    /// Turns what was rendered into rows, each against the baseline of its moment, as
    /// `[rows, frames]`.
    fn normalise(&mut self, normaliser: &mut Normaliser, out: &mut [f32]) {
        let features = &self.recipe.features;
        let count = self.voicing.len();
        let frames = self.bands.chunks_exact(features.mels).zip(&self.voicing).zip(&self.voiced);
        for (time, ((bands, voicing), voiced)) in frames.enumerate() {
            let (coefficients, pitch) = self.row.split_at_mut(features.coefficients);
            self.cepstrum.process(bands, coefficients);
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
        let mut bands = vec![0.0; features.mels];
        let mut mean = vec![0.0; features.rows()];
        let (mut taken, mut periodic) = (0.0, 0.0);
        for draw in 0..HEARD_SAMPLE {
            let clip = &self.selection.example(clips[draw % HEARD_CLIPS]).takes[take];
            let time = rng.random_range(clip.span.clone());
            if !clip.voiced[time] {
                continue;
            }
            let pitch = plan.apply(clip.bands.frame(time), clip.voicing(time), time, &mut bands);
            self.cepstrum.process(&bands, &mut self.row[..features.coefficients]);
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
    Piece { clip, start: rng.random_range(clip.span.start..=latest), frames, tempo }
}

/// Mixup (Zhang et al., ICLR 2018): every example becomes a sum of itself and another one; their
/// coordinates are mixed alike.
fn mix(batch: &mut Batch, labels: usize, rng: &mut StdRng) {
    let own: f32 = rng.random_range(0.5..1.0);
    let other = batch.clone();
    let shift = rng.random_range(1..batch.size.max(2));
    let rows = batch.features.len() / batch.size;
    for index in 0..batch.size {
        let partner = (index + shift) % batch.size;
        let blend = |out: &mut [f32], with: &[f32]| {
            for (value, with) in out.iter_mut().zip(with) {
                *value = own * *value + (1.0 - own) * with;
            }
        };
        blend(
            &mut batch.features[index * rows..][..rows],
            &other.features[partner * rows..][..rows],
        );
        blend(
            &mut batch.targets[index * labels..][..labels],
            &other.targets[partner * labels..][..labels],
        );
        batch.dimensions[index] =
            other.dimensions[index].zip(other.dimensions[partner]).map(|(a, b)| Dimensions {
                arousal: own * a.arousal + (1.0 - own) * b.arousal,
                valence: own * a.valence + (1.0 - own) * b.valence,
                dominance: own * a.dominance + (1.0 - own) * b.dominance,
            });
    }
}
