//! Two speakers with a neutral and an angry clip each; the angry ones have a hundred times the
//! power, so that the level tells what a crop was made of.

use std::ops::Range;

use rand::SeedableRng;

use super::*;
use crate::features::FeatureSpec;
use crate::train::bands::Bands;
use crate::train::bank::{Bank, Example};
use crate::train::corpus::Clip;
use crate::train::draft::{draft_epoch, epoch_length};

const FRAMES: usize = 80;
const SOFT: f32 = 1.0;
const LOUD: f32 = 100.0;
const LABELS: usize = 2;

fn sound(power: f32) -> Prepared {
    let mels = recipe().features.mels;
    Prepared {
        bands: Bands { mels, values: vec![power; FRAMES * mels] },
        pitch: vec![Voicing { strength: 0.9, octaves: 0.0 }; FRAMES],
        voiced: vec![true; FRAMES],
        span: 0..FRAMES,
        speech_power: power * mels as f32,
    }
}

fn bank() -> Bank {
    let example = |speaker: usize, emotion: &str, power: f32| Example {
        clip: Clip {
            path: format!("{speaker}/{emotion}.wav").into(),
            corpus: format!("corpus{speaker}"),
            speaker: speaker.to_string(),
            emotion: emotion.to_owned(),
            licence: String::new(),
        },
        speaker,
        takes: vec![sound(power)],
    };
    let both = |speaker| [example(speaker, "neutral", SOFT), example(speaker, "angry", LOUD)];
    let mut examples: Vec<Example> = (0..2).flat_map(both).collect();
    examples.push(example(1, "angry", LOUD));
    Bank { examples, speakers: vec!["0".to_owned(), "1".to_owned()], ..Bank::default() }
}

/// Nothing happens to the clips but what a test asks for.
fn recipe() -> Recipe {
    Recipe {
        features: FeatureSpec { mels: 8, coefficients: 4, ..FeatureSpec::default() },
        new_speaker_share: 1.0,
        noise_share: 0.0,
        degraded_share: 0.0,
        convert_share: 0.0,
        mask_share: 0.0,
        copy_paste_share: 0.0,
        silence_share: 0.0,
        noise_alone_share: 0.0,
        throat: 0.0,
        tempo: 0.0,
        tilt_db: 0.0,
        equaliser_db: 0.0,
        gain_db: 0.0,
        ..Recipe::default()
    }
}

/// Takes the features as they are, and hears next to nothing of the speaker.
fn normaliser() -> NormaliserSpec {
    let rows = recipe().features.rows();
    NormaliserSpec {
        mean: vec![0.0; rows],
        deviation: vec![1.0; rows],
        prior_frames: 1e9,
        prior_level_frames: 1e9,
        memory_frames: 1e9,
        prior_pitch_frames: 1e9,
    }
}

/// All five clips as one batch of a recipe.
fn batch(recipe: &Recipe, noise: &[Prepared]) -> Batch {
    let bank = bank();
    let labels = ["neutral", "angry"].map(str::to_owned);
    let selection = Selection::new(&bank, &labels, |_| true);
    let normaliser = normaliser();
    let noise = Noise::new(&[], noise, 0.0);
    let mut batcher = Batcher::new(&selection, noise, recipe, &normaliser);
    let draft = Draft { frames: 60, members: (0..5).map(|member| (member, 0)).collect() };
    batcher.batch(&draft, &mut StdRng::seed_from_u64(1))
}

/// The 0th coefficient of one example, over the stretch.
fn level(batch: &Batch, example: usize, stretch: Range<usize>) -> f32 {
    let rows = batch.features.len() / batch.size;
    let level = &batch.features[example * rows..][..batch.frames];
    let length = stretch.len() as f32;
    level[stretch].iter().sum::<f32>() / length
}

#[test]
fn an_example_has_its_label_its_coordinates_and_its_level() {
    let batch = batch(&recipe(), &[]);
    assert_eq!(batch.targets, [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
    assert_eq!(batch.dimensions[0], Some(Dimensions::NEUTRAL));
    assert_eq!(batch.speakers, [0, 0, 1, 1, 1]);
    assert!(level(&batch, 0, 0..60) + 1.0 < level(&batch, 1, 0..60));
}

#[test]
fn noise_alone_says_nothing_of_any_label() {
    let recipe = Recipe { noise_alone_share: 1.0, ..recipe() };
    let batch = batch(&recipe, &[sound(LOUD * LOUD)]);
    assert_eq!(batch.targets, [0.5; 5 * LABELS]);
    assert!(batch.dimensions.iter().all(Option::is_none));
    let voice = self::batch(&self::recipe(), &[]);
    assert!((0..5).all(|example| level(&voice, example, 0..60) < level(&batch, example, 0..60)));
}

#[test]
fn silence_comes_before_the_speech_and_leaves_at_least_half_of_it() {
    let batch = batch(&Recipe { silence_share: 1.0, ..recipe() }, &[]);
    for example in 0..batch.size {
        let speech = level(&batch, example, 30..60);
        assert!(level(&batch, example, 0..5) + 1.0 < speech, "{example}");
        assert!((level(&batch, example, 30..31) - speech).abs() < 1e-3, "{example}");
    }
}

#[test]
fn copy_paste_puts_neutral_speech_before_or_after() {
    let batch = batch(&Recipe { copy_paste_share: 1.0, ..recipe() }, &[]);
    for angry in [1, 3, 4] {
        let ends = [level(&batch, angry, 0..10), level(&batch, angry, 50..60)];
        assert!(1.0 < (ends[0] - ends[1]).abs(), "{ends:?}");
        assert_eq!(batch.targets[angry * LABELS..][..LABELS], [0.0, 1.0]);
    }
}

#[test]
fn mixup_shares_the_label_as_it_shares_the_sound() {
    let batch = batch(&Recipe { mixup_share: 1.0, ..recipe() }, &[]);
    assert!(batch.targets.chunks(LABELS).all(|row| (row[0] + row[1] - 1.0).abs() < 1e-6));
    let own = batch.targets.chunks(LABELS).map(|row| row[0].max(row[1]));
    assert!(own.clone().any(|own| own < 1.0) && own.clone().all(|own| 0.5 <= own));
}

#[test]
fn what_is_rehearsed_comes_beside_the_own_clips() {
    let bank = bank();
    let labels = ["neutral", "angry"].map(str::to_owned);
    let mut selection = Selection::new(&bank, &labels, |_| true);
    selection.rehearse(|clip| clip.corpus == "corpus0");
    assert_eq!(selection.counts(), [1, 1]);
    let members = |rehearsal_share| {
        let recipe = Recipe { rehearsal_share, batch_size: 2, ..recipe() };
        assert!(epoch_length(&selection, &recipe) >= 2);
        let drafts = draft_epoch(&selection, &recipe, &mut StdRng::seed_from_u64(1));
        let mut members: Vec<usize> =
            drafts.into_iter().flat_map(|draft| draft.members).map(|(m, _)| m).collect();
        members.sort_unstable();
        members
    };
    assert_eq!(members(0.0), [0, 1]);
    let beside = members(0.5);
    assert_eq!((beside.len(), &beside[..2]), (4, &[0, 1][..]));
    assert!(beside[2..].iter().all(|&member| 2 <= member));
}

#[test]
fn small_corpora_come_as_often_as_large_ones_and_no_clip_is_left_out() {
    let bank = bank();
    let labels = ["neutral", "angry"].map(str::to_owned);
    let selection = Selection::new(&bank, &labels, |_| true);
    let drawn = |corpus_balance| {
        let recipe = Recipe { corpus_balance, batch_size: 2, ..recipe() };
        let drafts = draft_epoch(&selection, &recipe, &mut StdRng::seed_from_u64(1));
        drafts.into_iter().flat_map(|draft| draft.members).map(|(m, _)| m).collect::<Vec<_>>()
    };
    // Two clips of one corpus and three of the other: 2.5 each are 3 each, all of the second.
    let mut even = drawn(1.0);
    even.sort_unstable();
    assert_eq!(even.len(), 6);
    assert_eq!(even.iter().filter(|&&member| member < 2).count(), 3);
    // As they are, a batch of one is left over and left out.
    assert_eq!(drawn(0.0).len(), 4);
}
