//! The marks that rows of the card are held against: our goals, and what others have published.
//! The method of each mark differs from ours in the details that the comments name.
//!
//! audEERING's ser-tests are the files test/emotion/robustness_*.yaml and fairness_sex.yaml of
//! github.com/audeering/ser-tests, commit 455c47c of December 2024; their noise comes from MUSAN.

use serde::Serialize;

/// Who set a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Our own goals for white noise and babble; 90 % unchanged is the boldest of them.
    Goal,
    SerTests,
}

/// Which figure of a row a mark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    DeltaUa,
    Unchanged,
}

/// The least that a figure should be, as a share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mark {
    pub source: Source,
    pub figure: Figure,
    pub least: f64,
}

/// Kind of the rooms that the image method makes, and of those that somebody measured.
pub const ROOM: &str = "room";
pub const MEASURED_ROOM: &str = "measured room";

/// Farthest that the UA of one sex may lie from that of all (ser-tests, fairness_sex.yaml; they
/// balance 1000 clips of each sex by label).
pub const SEX_UA_DISTANCE_MAX: f64 = 0.075;

/// What white noise at 20 and 10 dB costs eGeMAPSv02 with a support vector machine on RAVDESS, in
/// UA. Measured by us with openSMILE 2.6.0 and scikit-learn.
pub const EGEMAPS_WHITE: [(f32, f64); 2] = [(20.0, -0.28), (10.0, -0.31)];

const fn mark(source: Source, figure: Figure, least: f64) -> Mark {
    Mark { source, figure, least }
}

pub fn of_noise(name: &str, snr_db: f32) -> Vec<Mark> {
    let mut marks = Vec::new();
    let goal = [(20.0, -0.02), (10.0, -0.06)].into_iter().find(|(db, _)| *db == snr_db);
    if let Some((_, delta_ua)) = goal.filter(|_| ["white", "babble"].contains(&name)) {
        marks.push(mark(Source::Goal, Figure::DeltaUa, delta_ua));
        marks.push(mark(Source::Goal, Figure::Unchanged, 0.9));
    }
    // robustness_background_noise.yaml; their babble has 4 to 7 voices.
    if snr_db == 20.0 && ["white", "babble", "music", "environment"].contains(&name) {
        marks.push(mark(Source::SerTests, Figure::DeltaUa, -0.05));
        marks.push(mark(Source::SerTests, Figure::Unchanged, 0.9));
    }
    marks
}

/// robustness_simulated_recording_condition.yaml compares two simulated rooms with each other.
pub fn of_rooms(kind: &str) -> Vec<Mark> {
    let marks = [mark(Source::SerTests, Figure::Unchanged, 0.8)];
    if kind == ROOM { marks.to_vec() } else { Vec::new() }
}

/// robustness_low_quality_phone.yaml: a compressor, AMR at 7.4 kbit/s and pink noise.
pub fn of_phone() -> Vec<Mark> {
    vec![
        mark(Source::SerTests, Figure::DeltaUa, -0.05),
        mark(Source::SerTests, Figure::Unchanged, 0.5),
    ]
}

/// robustness_small_changes.yaml: at most 2 dB, at most 0.3 % clipped, at most 1000 zeros (62 ms).
const SMALL_CHANGE: Mark = mark(Source::SerTests, Figure::Unchanged, 0.95);

pub fn of_gain(db: f32) -> Vec<Mark> {
    if db.abs() <= 2.0 { vec![SMALL_CHANGE] } else { Vec::new() }
}

pub fn of_clipping(share: f64) -> Vec<Mark> {
    if share <= 0.003 { vec![SMALL_CHANGE] } else { Vec::new() }
}

pub fn of_silence() -> Vec<Mark> {
    vec![SMALL_CHANGE]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(marks: &[Mark], expected: &[(Source, f64)]) {
        let found: Vec<(Source, f64)> =
            marks.iter().map(|mark| (mark.source, mark.least)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn marks_stand_where_they_were_set_and_nowhere_else() {
        use Source::{Goal, SerTests};
        let both = [(Goal, -0.02), (Goal, 0.9), (SerTests, -0.05), (SerTests, 0.9)];
        check(&of_noise("babble", 20.0), &both);
        check(&of_noise("white", 10.0), &[(Goal, -0.06), (Goal, 0.9)]);
        check(&of_noise("music", 20.0), &[(SerTests, -0.05), (SerTests, 0.9)]);
        check(&of_noise("pink", 20.0), &[]);
        check(&of_noise("white", 5.0), &[]);
        check(&of_gain(-2.0), &[(SerTests, 0.95)]);
        check(&of_gain(6.0), &[]);
        check(&of_rooms(MEASURED_ROOM), &[]);
    }
}
