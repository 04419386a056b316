//! Seeds that were reported apart, joined: figures of ours become means over all seeds. UA, WA,
//! recalls, confusions and Brier score are then what one report of all seeds would have, because
//! each seed answers about the same clips; intervals, ECE and coverages are the means of the seeds'
//! own. Time is that of the seed that was disturbed least.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::eval::folds::figures::{CrowdRow, Row, Sureness};
use crate::eval::folds::report::{Moment, OURS, OneEmotion, Report, TierDetail};
use crate::eval::metrics::Signs;

/// The mean of two means over this many seeds each.
#[derive(Clone, Copy)]
struct Seeds(f64, f64);

impl Seeds {
    fn mean(self, a: f64, b: f64) -> f64 {
        (self.0 * a + self.1 * b) / (self.0 + self.1)
    }

    fn mean_of(self, a: Option<f64>, b: Option<f64>) -> Option<f64> {
        Some(self.mean(a?, b?))
    }

    fn interval(self, a: Option<[f64; 2]>, b: Option<[f64; 2]>) -> Option<[f64; 2]> {
        let (a, b) = (a?, b?);
        Some([self.mean(a[0], b[0]), self.mean(a[1], b[1])])
    }
}

impl Report {
    pub fn has_other_seeds_than(&self, other: &Self) -> bool {
        !self.seeds.iter().any(|seed| other.seeds.contains(seed))
    }

    /// Takes in our figures of a report of other seeds. Peers and humans are left as they are.
    pub fn join(&mut self, other: &Self) -> Result<()> {
        for (what, new, old) in [
            ("length", &self.length, &other.length),
            ("tiers", &told(&self.tiers), &told(&other.tiers)),
            ("parameters", &self.parameters.to_string(), &other.parameters.to_string()),
        ] {
            if new != old {
                bail!(
                    "seeds are joined that were trained and scored alike: {what} {new} and {old}"
                );
            }
        }
        let weights = Seeds(self.seeds.len() as f64, other.seeds.len() as f64);
        let seeds: BTreeSet<u64> = self.seeds.iter().chain(&other.seeds).copied().collect();
        self.seeds = seeds.into_iter().collect();
        self.command = with_seeds(&self.command, &self.seeds);
        for row in self.rows.iter_mut().filter(|row| row.who == OURS) {
            let same = other.rows.iter().find(|old| old.who == OURS && old.tier == row.tier);
            same.into_iter().for_each(|same| join_row(row, same, weights));
            row.command.clone_from(&self.command);
        }
        // The control, where only the other has trained one.
        let lacks = |old: &&Row| {
            old.who == OURS
                && self.rows.iter().all(|row| [&row.who, &row.tier] != [&old.who, &old.tier])
        };
        let lacked: Vec<Row> = other.rows.iter().filter(lacks).cloned().collect();
        self.rows.extend(lacked);
        for (tier, old) in self.tiers.iter_mut().zip(&other.tiers) {
            join_tier(tier, old);
        }
        for (moment, old) in self.after_onset.iter_mut().zip(&other.after_onset) {
            let Moment { ua, share, .. } = moment;
            (*ua, *share) = (weights.mean(*ua, old.ua), weights.mean(*share, old.share));
        }
        let ours = |one: &&OneEmotion| one.who == OURS;
        if let Some(old) = other.one_emotion.iter().find(ours)
            && let Some(one) = self.one_emotion.iter_mut().find(|one| one.who == OURS)
        {
            one.ua_t0 = weights.mean_of(one.ua_t0, old.ua_t0);
            one.ua_t1 = weights.mean_of(one.ua_t1, old.ua_t1);
            one.ua = weights.mean(one.ua, old.ua);
            one.ua_late = weights.mean_of(one.ua_late, old.ua_late);
        }
        for row in self.crowd.iter_mut().filter(|row| row.who == OURS) {
            let same = other.crowd.iter().find(|old| old.who == OURS && old.tier == row.tier);
            same.into_iter().for_each(|same| join_crowd(row, same, weights));
        }
        self.missing.extend(other.missing.iter().cloned());
        self.is_joined = true;
        Ok(())
    }
}

fn told(tiers: &[TierDetail]) -> String {
    tiers.iter().map(|tier| format!("{:?}", tier.tier)).collect::<Vec<_>>().join(",")
}

/// The command that would give them all at once.
fn with_seeds(command: &str, seeds: &[u64]) -> String {
    const OPTION: &str = "--seeds ";
    let Some((before, after)) = command.split_once(OPTION) else { return command.to_owned() };
    let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    format!("{before}{OPTION}{} {rest}", seeds.join(",")).trim_end().to_owned()
}

fn join_row(row: &mut Row, old: &Row, weights: Seeds) {
    let (count, others) = (row.runs as f64, old.runs as f64);
    let mean = (count * row.ua + others * old.ua) / (count + others);
    let squares = |count: f64, ua: f64, deviation: Option<f64>| {
        (count - 1.0) * deviation.unwrap_or(0.0).powi(2) + count * (ua - mean).powi(2)
    };
    let sum = squares(count, row.ua, row.ua_deviation) + squares(others, old.ua, old.ua_deviation);
    *row = Row {
        ua: mean,
        ua_deviation: Some((sum / (count + others - 1.0)).sqrt()),
        ua_pooled: weights.mean_of(row.ua_pooled, old.ua_pooled),
        ua_interval: weights.interval(row.ua_interval, old.ua_interval),
        wa: weights.mean_of(row.wa, old.wa),
        sureness: row.sureness.as_ref().zip(old.sureness.as_ref()).map(|(new, old)| {
            let mean = |of: fn(&Sureness) -> f64| weights.mean(of(new), of(old));
            let sign =
                |of: fn(&Signs) -> Option<f64>| weights.mean_of(of(&new.signs), of(&old.signs));
            Sureness {
                ece: mean(|sureness| sureness.ece),
                brier: mean(|sureness| sureness.brier),
                ua_surest_80: mean(|sureness| sureness.ua_surest_80),
                ua_surest_50: mean(|sureness| sureness.ua_surest_50),
                signs: Signs {
                    arousal_sign_ua: sign(|signs| signs.arousal_sign_ua),
                    valence_sign_ua: sign(|signs| signs.valence_sign_ua),
                    dominance_sign_ua: sign(|signs| signs.dominance_sign_ua),
                },
            }
        }),
        ms_per_3s: row.ms_per_3s.zip(old.ms_per_3s).map(|(new, old)| new.min(old)),
        runs: row.runs + old.runs,
        ..row.clone()
    };
}

fn join_tier(tier: &mut TierDetail, old: &TierDetail) {
    tier.chosen.extend(old.chosen.iter().cloned());
    for (row, old) in tier.confusion.iter_mut().zip(&old.confusion) {
        row.iter_mut().zip(old).for_each(|(count, old)| *count += old);
    }
    let recall = |(index, row): (usize, &Vec<u32>)| {
        let clips: u32 = row.iter().sum();
        (0 < clips).then(|| f64::from(row[index]) / f64::from(clips))
    };
    tier.recalls = tier.confusion.iter().enumerate().map(recall).collect();
}

fn join_crowd(row: &mut CrowdRow, old: &CrowdRow, weights: Seeds) {
    row.ua = weights.mean(row.ua, old.ua);
    row.ua_interval = weights.interval(row.ua_interval, old.ua_interval);
    row.divergence = weights.mean_of(row.divergence, old.divergence);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::metrics::Answer;

    /// Runs of two folds with one seed: of so many answers to clips of two labels, which are wrong.
    fn runs(wrong: [&[usize]; 2]) -> Vec<Vec<Answer>> {
        let answer = |fold: usize, wrong: &[usize], clip: usize| {
            let label = clip % 2;
            let said = if wrong.contains(&clip) { 1 - label } else { label };
            Answer::sure(10 * fold + clip / 4, label, said, 2)
        };
        let fold = |(fold, wrong): (usize, &[usize])| {
            (0..12).map(|clip| answer(fold, wrong, clip)).collect()
        };
        wrong.into_iter().enumerate().map(fold).collect()
    }

    fn row(runs: &[Vec<Answer>]) -> Row {
        let labels = ["a", "b"].map(str::to_owned);
        let row = Row::new(OURS, "T0", runs, &labels).unwrap();
        Row { sureness: Some(Sureness::new(runs, &labels)), ms_per_3s: Some(1.0), ..row }
    }

    #[test]
    fn two_seeds_apart_are_what_they_are_together() {
        let first = runs([&[0, 1, 2], &[5]]);
        let second = runs([&[3], &[0, 2, 4, 6, 7]]);
        let mut joined = row(&first);
        let disturbed = Row { ms_per_3s: Some(2.0), ..row(&second) };
        join_row(&mut joined, &disturbed, Seeds(1.0, 1.0));
        let whole = row(&[first, second].concat());
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        near(joined.ua, whole.ua);
        near(joined.ua_deviation.unwrap(), whole.ua_deviation.unwrap());
        near(joined.ua_pooled.unwrap(), whole.ua_pooled.unwrap());
        near(joined.wa.unwrap(), whole.wa.unwrap());
        near(joined.sureness.unwrap().brier, whole.sureness.unwrap().brier);
        assert_eq!((joined.runs, whole.runs, joined.ms_per_3s), (4, 4, whole.ms_per_3s));
    }

    #[test]
    fn the_command_asks_for_all_seeds() {
        let command = "affectd eval folds --corpus tiny --seeds 3 --manifest MANIFEST";
        let expected = "affectd eval folds --corpus tiny --seeds 1,2,3 --manifest MANIFEST";
        assert_eq!(with_seeds(command, &[1, 2, 3]), expected);
        assert_eq!(
            with_seeds("affectd eval folds --seeds 3", &[3, 4]),
            "affectd eval folds --seeds 3,4"
        );
    }
}
