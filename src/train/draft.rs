//! What the batches of an epoch are made of: crops of similar length together, from each corpus its
//! share.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::train::recipe::Recipe;
use crate::train::selection::Selection;
use crate::units::to_count;

/// Crops of 0.5 to 3 s, in frames of 10 ms.
pub const CROP_FRAMES: std::ops::RangeInclusive<usize> = 50..=300;

/// What one batch is made of.
#[derive(Debug)]
pub struct Draft {
    pub frames: usize,
    /// Member and take.
    pub members: Vec<(usize, usize)>,
}

/// Draws an epoch's examples and cuts them into batches, crops of similar length together. Every
/// corpus has its share; with `corpus_balance` small ones come more than once and large ones less.
pub fn draft_epoch(selection: &Selection, recipe: &Recipe, rng: &mut StdRng) -> Vec<Draft> {
    let mut crops: Vec<(usize, usize, usize)> = drawn(selection, recipe, rng)
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

/// Examples of an epoch: as many as the run's own members, and those rehearsed beside them.
pub fn epoch_length(selection: &Selection, recipe: &Recipe) -> usize {
    lengths(selection, recipe).into_iter().sum()
}

fn lengths(selection: &Selection, recipe: &Recipe) -> [usize; 2] {
    let [own, rehearsed] = selection.own_and_rehearsed();
    let share = if rehearsed.is_empty() { 0.0 } else { recipe.rehearsal_share };
    [own.len(), to_count(own.len() as f64 * share / (1.0 - share))]
}

fn drawn(selection: &Selection, recipe: &Recipe, rng: &mut StdRng) -> Vec<usize> {
    let [own, rehearsed] = selection.own_and_rehearsed();
    let [count, beside] = lengths(selection, recipe);
    let mut members = balanced(selection, &own, count, recipe.corpus_balance, rng);
    members.extend(balanced(selection, &rehearsed, beside, 1.0, rng));
    members
}

/// About so many members, from each corpus its share: its size to the power of `1 - balance`.
fn balanced(
    selection: &Selection,
    members: &[usize],
    count: usize,
    balance: f64,
    rng: &mut StdRng,
) -> Vec<usize> {
    let mut corpora: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &member in members {
        corpora.entry(&selection.example(member).clip.corpus).or_default().push(member);
    }
    let weight = |members: &Vec<usize>| (members.len() as f64).powf(1.0 - balance);
    let weights: f64 = corpora.values().map(weight).sum();
    let mut out = Vec::new();
    for members in corpora.values() {
        let wanted = to_count(count as f64 * weight(members) / weights);
        // Whole passes first, so that none is left out by chance.
        (0..wanted / members.len()).for_each(|_| out.extend_from_slice(members));
        let mut rest = members.clone();
        rest.shuffle(rng);
        out.extend_from_slice(&rest[..wanted % members.len()]);
    }
    out
}
