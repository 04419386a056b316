//! What the card says: a row a change, a line a group of speakers, and how it was measured. As
//! JSON it is these types; text and picture are left to `markdown` and `heat_map`.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

use crate::eval::metrics::{Answer, Confusion, speaker_interval};
use crate::eval::robustness::marks::{Figure, Mark};
use crate::eval::robustness::strangers::Stranger;

/// A model's robustness; shares as 0..1, differences of shares as -1..1.
#[derive(Clone, Debug, Serialize)]
pub struct RobustnessCard {
    pub protocol: Protocol,
    /// Without any change.
    pub clean: Clean,
    pub rows: Vec<Row>,
    /// The voices as they are, then sounds without a voice.
    pub strangers: Vec<Stranger>,
    pub sexes: Vec<Group>,
    /// Each language is a corpus of its own, so these differ in more than the language.
    pub languages: Vec<Group>,
    /// Rows that could not be measured, and why.
    pub left_out: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Protocol {
    pub model: String,
    /// First digits of the weights' SHA-256.
    pub sha256: String,
    pub corpora: Vec<String>,
    pub split: String,
    pub tier: String,
    pub clips: usize,
    pub speakers: usize,
    /// Labels that have a clip; UA is the mean over these.
    pub classes: usize,
    pub seed: u64,
    /// Test speakers who babble and are not scored.
    pub babble: Vec<String>,
    /// Where each noise and each measured room comes from.
    pub sources: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Clean {
    pub ua: f64,
    /// 95 % bootstrap over speakers.
    pub ua_interval: Option<[f64; 2]>,
}

/// What one change does.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub kind: String,
    pub level: String,
    pub ua: f64,
    /// Against clean; negative is a loss.
    pub delta_ua: f64,
    /// 95 % bootstrap over speakers, each drawn with all own clips, clean and changed.
    pub delta_interval: Option<[f64; 2]>,
    /// Share of the clips with the same answer as clean, right or wrong.
    pub unchanged: f64,
    pub marks: Vec<Judged>,
}

/// A mark and whether the row meets it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judged {
    #[serde(flatten)]
    pub mark: Mark,
    pub is_met: bool,
}

/// Speakers who share a sex or a language.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    pub name: String,
    pub speakers: usize,
    pub clips: usize,
    pub ua: f64,
    pub ua_interval: Option<[f64; 2]>,
    /// Against all clips.
    pub delta_ua: f64,
}

impl Clean {
    pub fn new(answers: &[Answer], labels: usize) -> Self {
        let ua = Confusion::of(answers, labels).ua();
        Self { ua, ua_interval: speaker_interval(answers, labels) }
    }
}

impl Row {
    /// `clean` and `changed` are answers about the same clips in the same order.
    pub fn new(
        (kind, level): (&str, String),
        clean: &[Answer],
        changed: &[Answer],
        labels: usize,
        marks: &[Mark],
    ) -> Self {
        let ua = Confusion::of(changed, labels).ua();
        let delta_ua = ua - Confusion::of(clean, labels).ua();
        let pairs = clean.iter().zip(changed);
        let same = pairs.filter(|(clean, changed)| clean.top().0 == changed.top().0).count();
        let unchanged = same as f64 / clean.len().max(1) as f64;
        let judge = |mark: &Mark| {
            let figure = match mark.figure {
                Figure::DeltaUa => delta_ua,
                Figure::Unchanged => unchanged,
            };
            Judged { mark: *mark, is_met: mark.least <= figure }
        };
        Self {
            kind: kind.to_owned(),
            level,
            ua,
            delta_ua,
            delta_interval: delta_interval(clean, changed, labels),
            unchanged,
            marks: marks.iter().map(judge).collect(),
        }
    }
}

impl Group {
    /// The speakers of each name, in the order of the names; speakers without one are left out.
    pub fn all(answers: &[Answer], labels: usize, names: &[String]) -> Vec<Self> {
        let whole = Confusion::of(answers, labels).ua();
        let mut distinct: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
        distinct.sort();
        distinct.dedup();
        let group = |name: &&String| {
            let speakers: Vec<usize> =
                (0..names.len()).filter(|&speaker| names[speaker] == **name).collect();
            // Counted anew from 0, as the bootstrap draws speakers by their numbers.
            let own: Vec<Answer> = answers
                .iter()
                .filter_map(|answer| {
                    let speaker = speakers.iter().position(|&own| own == answer.speaker)?;
                    Some(Answer { speaker, ..answer.clone() })
                })
                .collect();
            let ua = Confusion::of(&own, labels).ua();
            Self {
                name: (*name).clone(),
                speakers: speakers.len(),
                clips: own.len(),
                ua,
                ua_interval: speaker_interval(&own, labels),
                delta_ua: ua - whole,
            }
        };
        distinct.iter().map(group).collect()
    }
}

/// 95 % of the differences over as many speakers drawn with replacement; none for one speaker.
fn delta_interval(clean: &[Answer], changed: &[Answer], labels: usize) -> Option<[f64; 2]> {
    const DRAWS: usize = 1000;
    const TAIL: usize = DRAWS / 40; // 2.5 %
    let count = clean.iter().map(|answer| answer.speaker + 1).max().unwrap_or(0);
    if count < 2 {
        return None;
    }
    let mut speakers: Vec<Vec<[&Answer; 2]>> = vec![Vec::new(); count];
    for (clean, changed) in clean.iter().zip(changed) {
        speakers[clean.speaker].push([clean, changed]);
    }
    let mut rng = StdRng::seed_from_u64(1);
    let mut deltas: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let drawn: Vec<[&Answer; 2]> =
                (0..count).flat_map(|_| speakers[rng.random_range(0..count)].clone()).collect();
            let ua =
                |which: usize| Confusion::of(drawn.iter().map(|pair| pair[which]), labels).ua();
            ua(1) - ua(0)
        })
        .collect();
    deltas.sort_by(f64::total_cmp);
    Some([deltas[TAIL], deltas[DRAWS - 1 - TAIL]])
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::eval::robustness::marks;

    fn answer(speaker: usize, label: usize, said: usize) -> Answer {
        Answer::sure(speaker, label, said, 2)
    }

    /// Speaker 0 is all right, speaker 1 half.
    fn clean() -> Vec<Answer> {
        vec![answer(0, 0, 0), answer(0, 1, 1), answer(1, 0, 0), answer(1, 1, 0)]
    }

    /// Noise makes all of it the first label.
    fn noisy() -> Vec<Answer> {
        clean().iter().map(|answer_| answer(answer_.speaker, answer_.label, 0)).collect()
    }

    /// A card with two rows, for the tests of its text and picture.
    pub fn card() -> RobustnessCard {
        let row = |name: &str, db: f32, answers: &[Answer]| {
            let level = (name, format!("{db} dB"));
            Row::new(level, &clean(), answers, 2, &marks::of_noise(name, db))
        };
        RobustnessCard {
            protocol: Protocol {
                model: "small".to_owned(),
                sha256: "0123abcd".to_owned(),
                corpora: vec!["tiny".to_owned()],
                split: "fold.toml".to_owned(),
                tier: "T0".to_owned(),
                clips: 4,
                speakers: 2,
                classes: 2,
                seed: 1,
                babble: vec!["tiny:3".to_owned()],
                sources: vec!["white noise is made".to_owned()],
            },
            clean: Clean::new(&clean(), 2),
            rows: vec![row("white", 20.0, &noisy()), row("babble", 20.0, &clean())],
            strangers: vec![
                Stranger::new("voices", std::iter::empty(), &clean(), None),
                Stranger::new("hum", std::iter::empty(), &noisy(), Some(&clean())),
            ],
            sexes: Group::all(&clean(), 2, &["female".to_owned(), "male".to_owned()]),
            languages: Vec::new(),
            left_out: vec!["music: there is none".to_owned()],
        }
    }

    #[test]
    fn a_row_compares_with_clean_clip_by_clip() {
        // UA 3/4 clean, 1/2 noisy; one of four answers changed. Over speakers: the first loses
        // 1/2, the second nothing.
        let row = &card().rows[0];
        assert_eq!((row.ua, row.delta_ua, row.unchanged), (0.5, -0.25, 0.75));
        assert_eq!(row.delta_interval, Some([-0.5, 0.0]));
        assert!(row.marks.iter().all(|judged| !judged.is_met), "{row:?}");
        let same = &card().rows[1];
        assert_eq!((same.delta_ua, same.unchanged), (0.0, 1.0));
        assert!(same.marks.len() == 4 && same.marks.iter().all(|judged| judged.is_met), "{same:?}");
    }

    #[test]
    fn groups_are_those_that_have_a_name() {
        let sexes = card().sexes;
        let found: Vec<(&str, f64, f64)> =
            sexes.iter().map(|group| (group.name.as_str(), group.ua, group.delta_ua)).collect();
        assert_eq!(found, [("female", 1.0, 0.25), ("male", 0.5, -0.25)]);
        assert_eq!((sexes[1].speakers, sexes[1].clips), (1, 2));
        assert!(Group::all(&clean(), 2, &[String::new(), String::new()]).is_empty());
    }
}
