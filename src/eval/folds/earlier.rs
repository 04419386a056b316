//! A report written before, and what of it stands where a new one has no figures: peers that
//! nobody asked again, other seeds of ours, or all of ours where only peers are new.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::eval::folds::figures::Row;
use crate::eval::folds::report::{OURS, Report};

/// Stands between what is missing and the peer who lacks it.
pub const BY: &str = " by ";

/// Name without its version, and tier.
type Key = (String, String);

impl Report {
    /// CORPUS.json as `affectd eval folds` wrote it.
    pub fn read(path: &Path) -> Result<Self> {
        let context = || format!("in the earlier report {}", path.display());
        let text = fs::read_to_string(path).with_context(context)?;
        serde_json::from_str(&text).with_context(context)
    }

    /// This one with what it lacks from `earlier`, a report on the same folds.
    pub fn after(mut self, mut earlier: Self) -> Result<Self> {
        for (what, new, old) in [
            ("corpora", &[self.corpus.clone()][..], &[earlier.corpus.clone()][..]),
            ("labels", &self.labels, &earlier.labels),
            ("folds", &[self.folds.to_string()], &[earlier.folds.to_string()]),
        ] {
            if new != old {
                bail!("the earlier report has the {what} {old:?}, this one {new:?}");
            }
        }
        let rows = peers(&earlier.rows, &self.rows, |row| {
            (!row.command.is_empty()).then(|| key(&row.who, &row.tier)).flatten()
        });
        let one_emotion =
            peers(&earlier.one_emotion, &self.one_emotion, |one| key(&one.who, "one emotion"));
        let crowd = peers(&earlier.crowd, &self.crowd, |row| key(&row.who, &row.tier));

        if !self.tiers.is_empty() && self.has_other_seeds_than(&earlier) {
            let (lacks, lacked) = earlier.missing.into_iter().partition(|line| line.contains(BY));
            earlier.missing = lacked; // of these seeds too
            self.join(&earlier)?;
            earlier.missing = lacks;
        }
        if self.tiers.is_empty() {
            self.missing.retain(|line| line.contains(BY)); // ours were not asked for
        }
        let has = |rows: &[Row], peer: &str| {
            rows.iter().any(|row| format!("{} at {}", row.who, row.tier) == peer)
        };
        let still_missing = |line: &String| match line.split_once(BY) {
            Some((_, peer)) => has(&rows, peer) && !has(&self.rows, peer), // the old answers stand
            None => self.tiers.is_empty(),
        };
        earlier.missing.retain(still_missing);
        earlier.missing.append(&mut self.missing);
        earlier.missing.dedup();

        let missing = std::mem::take(&mut earlier.missing);
        let ours = if self.tiers.is_empty() { earlier } else { self };
        let (mut own_rows, others): (Vec<_>, Vec<_>) =
            ours.rows.into_iter().partition(|row| row.who == OURS);
        let controls = own_rows.split_off(ours.tiers.len());
        let humans = others.into_iter().filter(|row| row.command.is_empty());
        Ok(Self {
            rows: [own_rows, rows, controls].concat().into_iter().chain(humans).collect(),
            one_emotion: with_ours(ours.one_emotion, one_emotion, |one| one.who == OURS),
            crowd: with_ours(ours.crowd, crowd, |row| row.who == OURS),
            missing,
            ..ours
        })
    }
}

/// None for our own.
fn key(who: &str, tier: &str) -> Option<Key> {
    let name = who.split(' ').next().filter(|name| *name != OURS)?;
    Some((name.to_owned(), tier.to_owned()))
}

/// Each peer's line once, the new one before the old.
fn peers<T: Clone>(old: &[T], new: &[T], key: impl Fn(&T) -> Option<Key>) -> Vec<T> {
    let lines = old.iter().chain(new).filter_map(|line| Some((key(line)?, line.clone())));
    lines.collect::<BTreeMap<Key, T>>().into_values().collect()
}

fn with_ours<T>(lines: Vec<T>, peers: Vec<T>, is_ours: impl Fn(&T) -> bool) -> Vec<T> {
    lines.into_iter().filter(is_ours).chain(peers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::clips::Tier;
    use crate::eval::folds::report::TierDetail;

    fn row(who: &str, tier: &str, ua: f64) -> Row {
        let command = if who == "people" { "" } else { "run it" };
        let labels = ["sad".to_owned()];
        let row = Row::new(who, tier, &[Vec::new()], &labels).unwrap();
        Row { ua, command: command.to_owned(), ..row }
    }

    /// Of T0, where it has figures of ours.
    fn report(has_ours: bool, rows: Vec<Row>, missing: &[&str]) -> Report {
        let detail = TierDetail {
            tier: Tier::T0,
            known: Tier::T0.what_is_known().to_owned(),
            chosen: Vec::new(),
            recalls: vec![None],
            confusion: vec![vec![0]],
        };
        Report {
            corpus: "tiny".to_owned(),
            description: String::new(),
            command: String::new(),
            labels: vec!["sad".to_owned()],
            folds: 2,
            seeds: vec![1],
            length: String::new(),
            parameters: 1,
            missing: missing.iter().map(|&line| line.to_owned()).collect(),
            is_joined: false,
            rows,
            tiers: if has_ours { vec![detail] } else { Vec::new() },
            after_onset: Vec::new(),
            one_emotion: Vec::new(),
            crowd: Vec::new(),
            crowd_humans: Vec::new(),
        }
    }

    fn told(report: &Report) -> Vec<(&str, &str, f64)> {
        report.rows.iter().map(|row| (row.who.as_str(), row.tier.as_str(), row.ua)).collect()
    }

    fn earlier() -> Report {
        let rows = vec![
            row(OURS, "T0", 0.1),
            row("a 1", "T0", 0.2),
            row("b 1", "T0", 0.3),
            row(OURS, "T0, leaky", 0.4),
            row("people", "humans", 0.5),
        ];
        report(true, rows, &["fold 2 with seed 1", "9 clips by a 1 at T0", "9 clips by b 1 at T0"])
    }

    #[test]
    fn peers_come_to_what_we_had() {
        let new = report(false, vec![row("b 2", "T0", 0.6), row("b 2", "T1", 0.7)], &[]);
        let merged = new.after(earlier()).unwrap();
        let expected = [
            (OURS, "T0", 0.1),
            ("a 1", "T0", 0.2),
            ("b 2", "T0", 0.6),
            ("b 2", "T1", 0.7),
            (OURS, "T0, leaky", 0.4),
            ("people", "humans", 0.5),
        ];
        assert_eq!(told(&merged), expected);
        assert_eq!(merged.missing, ["fold 2 with seed 1", "9 clips by a 1 at T0"]);
    }

    #[test]
    fn what_a_peer_lacked_is_missing_no_longer_once_it_is_asked_again() {
        let new = report(false, vec![row("a 1", "T0", 0.6)], &["1 clips by a 1 at T0"]);
        let merged = new.after(earlier()).unwrap();
        let expected = ["fold 2 with seed 1", "9 clips by b 1 at T0", "1 clips by a 1 at T0"];
        assert_eq!(merged.missing, expected);
    }

    #[test]
    fn ours_come_to_the_peers_that_were_there() {
        let rows = vec![row(OURS, "T0", 0.8), row("people", "humans", 0.5)];
        let new = report(true, rows, &["fold 1 with seed 2"]);
        let merged = new.after(earlier()).unwrap();
        let expected =
            [(OURS, "T0", 0.8), ("a 1", "T0", 0.2), ("b 1", "T0", 0.3), ("people", "humans", 0.5)];
        assert_eq!(told(&merged), expected);
        assert_eq!(merged.missing.len(), 3);
        assert!(!merged.missing.contains(&"fold 2 with seed 1".to_owned()));
    }

    #[test]
    fn other_seeds_are_joined() {
        let new = Report { seeds: vec![2, 3], rows: vec![row(OURS, "T0", 0.4)], ..earlier() };
        let merged = new.after(earlier()).unwrap();
        assert_eq!((&merged.seeds[..], merged.is_joined), (&[1, 2, 3][..], true));
        // Runs are counted alike here, one a report.
        assert!((merged.rows[0].ua - 0.25).abs() < 1e-12, "{:?}", merged.rows[0]);
        assert_eq!(told(&merged).last(), Some(&(OURS, "T0, leaky", 0.4)), "the control stays");
        let other = Report { seeds: vec![2], length: "2 epochs".to_owned(), ..earlier() };
        let error = other.after(earlier()).unwrap_err().to_string();
        assert!(error.contains("length 2 epochs"), "{error}");
    }

    #[test]
    fn a_report_on_other_folds_is_refused() {
        let other = Report { folds: 3, ..earlier() };
        let error = earlier().after(other).unwrap_err().to_string();
        assert_eq!(error, "the earlier report has the folds [\"3\"], this one [\"2\"]");
    }

    #[test]
    fn what_was_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.json");
        fs::write(&path, serde_json::to_string(&earlier()).unwrap()).unwrap();
        assert_eq!(told(&Report::read(&path).unwrap()), told(&earlier()));
        fs::write(&path, "{}").unwrap();
        let error = format!("{:#}", Report::read(&path).unwrap_err());
        assert!(error.contains("tiny.json") && error.contains("corpus"), "{error}");
    }
}
