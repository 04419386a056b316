//! From the manifest to the report's files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::Serialize;

use crate::config::{self, Overrides};
use crate::eval::run::{
    HASH_DIGITS, HeldOut, Opened, Scope, command, file_name, open, write_report,
};
use crate::eval::teach::hearing::{Heard, hear};
use crate::eval::teach::markdown::Markdown;
use crate::personal::enrolment::Enrolment;
use crate::personal::head::Head;
use crate::personal::lesson::{Example, Kind, Lesson};
use crate::train::bank::progress_bar;
use crate::train::corpus::Clip;

/// Emotions that are taught at once.
const TAUGHT: usize = 3;

/// Clips of each that are shown: about 10 s of recording in RAVDESS.
const CLIPS_EACH: usize = 3;

/// Random choices of these.
const DRAWS: u64 = 5;

/// Examples whose training is timed.
const TIMED: [usize; 3] = [10, 100, 1000];

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    pub scope: Scope,
    pub part: HeldOut,
    /// Folder of the report's files, named for the model.
    pub out: PathBuf,
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub model: String,
    pub sha256: String,
    pub corpora: Vec<String>,
    pub split: String,
    pub part: &'static str,
    pub command: String,
    pub speakers: usize,
    pub clips: usize,
    /// Clips in which the engine heard too little voice; they are neither shown nor tested.
    pub unheard: usize,
    /// Seconds of speech shown for each emotion, on average.
    pub shown_s: f64,
    pub rows: Vec<Row>,
    pub times: Vec<Time>,
}

/// Mean recall over the emotions taught, over speakers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    pub who: &'static str,
    /// Which of the threes.
    pub of: &'static str,
    pub lessons: usize,
    pub ua: f64,
    /// Standard deviation over speakers.
    pub deviation: f64,
}

/// What a training costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Time {
    pub examples: usize,
    pub train_ms: f64,
    pub score_ms: f64,
    /// Of the lesson in memory.
    pub kilobytes: f64,
}

pub fn run(options: &Options) -> Result<PathBuf> {
    let Opened { split, mut model, card, clips } = open(&options.scope)?;
    let chosen: Vec<&Clip> =
        clips.iter().filter(|clip| split.part_of(clip) == options.part.part()).collect();
    if chosen.is_empty() {
        bail!("no clip of these corpora has a speaker of that part");
    }
    let defaults = config::parse("config.toml".as_ref(), "", &Overrides::default())?;
    let heard = hear(&chosen, options, &defaults, &mut model)?;
    let (heard, unheard): (Vec<Heard>, Vec<Heard>) =
        heard.into_iter().partition(|heard| !heard.examples.is_empty());
    let mut speakers: BTreeMap<&str, Vec<&Heard>> = BTreeMap::new();
    heard.iter().for_each(|heard| speakers.entry(&heard.speaker).or_default().push(heard));
    let progress = progress_bar(speakers.len(), "lessons");
    let mut tally = Tally::default();
    for own in speakers.values() {
        tally.add(own, &card.labels);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let report = Report {
        model: card.name.clone(),
        sha256: card.sha256.chars().take(HASH_DIGITS).collect(),
        corpora: options.scope.corpora.clone(),
        split: file_name(&options.scope.split),
        part: options.part.name(),
        command: command("teach", &options.scope, options.part),
        speakers: speakers.len(),
        clips: heard.len(),
        unheard: unheard.len(),
        shown_s: tally.shown_s / f64::from(tally.shown.max(1)),
        rows: tally.rows(),
        times: TIMED.iter().filter_map(|count| time(&heard, *count)).collect(),
    };
    let json = serde_json::to_string_pretty(&report)?;
    let files = [("json", json), ("md", Markdown(&report).to_string())];
    write_report(&options.out, &report.model, files)?;
    Ok(options.out.join(format!("{}.md", report.model)))
}

/// Who is asked, and of which threes.
const ASKED: [(&str, &str); 4] = [
    ("general model", "the model knows all three"),
    ("general model, enrolled", "the model knows all three"),
    ("taught", "the model knows all three"),
    ("taught", "any three"),
];

/// Recalls of each that is asked, by speaker.
#[derive(Default)]
struct Tally {
    recalls: [Vec<Vec<f64>>; ASKED.len()],
    shown_s: f64,
    shown: u32,
}

impl Tally {
    fn add(&mut self, own: &[&Heard], labels: &[String]) {
        let mut by_emotion: BTreeMap<&str, Vec<&Heard>> = BTreeMap::new();
        own.iter().for_each(|heard| by_emotion.entry(&heard.emotion).or_default().push(heard));
        by_emotion.retain(|_, clips| CLIPS_EACH < clips.len());
        let emotions: Vec<&str> = by_emotion.keys().copied().collect();
        let mut recalls: [Vec<f64>; ASKED.len()] = Default::default();
        for taught in threes(&emotions) {
            let place = |emotion: &&str| labels.iter().position(|label| label == emotion);
            let places: Option<Vec<usize>> = taught.iter().map(place).collect();
            for draw in 1..=DRAWS {
                let mut rng = StdRng::seed_from_u64(draw);
                let (mut lesson, mut tested) = (Lesson::default(), Vec::new());
                for (label, emotion) in taught.iter().enumerate() {
                    let mut clips = by_emotion[emotion].clone();
                    clips.shuffle(&mut rng);
                    let (shown, rest) = clips.split_at(CLIPS_EACH);
                    let examples = show(&mut lesson, emotion, shown);
                    self.shown_s += f64::from(crate::engine::person::EXAMPLE_S) * examples as f64;
                    self.shown += 1;
                    tested.extend(rest.iter().map(|heard| (label, *heard)));
                }
                let Ok(mut head) = Head::train(&lesson) else { continue };
                let taught = recall(&tested, |heard| best(&taught_says(&mut head, heard)));
                recalls[3].push(taught);
                let Some(places) = &places else { continue };
                recalls[0].push(recall(&tested, |heard| best(&general_says(None, heard, places))));
                let mut enrolment = Enrolment::learn(&lesson, labels);
                recalls[1].push(recall(&tested, |heard| {
                    best(&general_says(enrolment.as_mut(), heard, places))
                }));
                recalls[2].push(taught);
            }
        }
        self.recalls.iter_mut().zip(recalls).for_each(|(all, own)| all.push(own));
    }

    fn rows(&self) -> Vec<Row> {
        let asked = ASKED.iter().zip(&self.recalls);
        asked.map(|((who, of), recalls)| Row::new(who, of, recalls)).collect()
    }
}

impl Row {
    fn new(who: &'static str, of: &'static str, by_speaker: &[Vec<f64>]) -> Self {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let speakers = by_speaker.iter().filter(|own| !own.is_empty());
        let means: Vec<f64> = speakers.map(|own| mean(own)).collect();
        let ua = mean(&means);
        let squares: Vec<f64> = means.iter().map(|own| (own - ua).powi(2)).collect();
        let lessons = by_speaker.iter().map(Vec::len).sum();
        Self { who, of, lessons, ua, deviation: mean(&squares).sqrt() }
    }
}

/// Every three of these, in their order.
fn threes<'a>(emotions: &[&'a str]) -> Vec<[&'a str; TAUGHT]> {
    let mut found = Vec::new();
    for (i, a) in emotions.iter().enumerate() {
        for (j, b) in emotions.iter().enumerate().skip(i + 1) {
            found.extend(emotions.iter().skip(j + 1).map(|c| [*a, *b, *c]));
        }
    }
    found
}

/// Each clip is a recording; how many examples they gave.
fn show(lesson: &mut Lesson, label: &str, clips: &[&Heard]) -> usize {
    let mut count = 0;
    for clip in clips {
        let recording = lesson.next_recording();
        for example in &clip.examples {
            lesson.add(label, Kind::Label, Example { recording, ..example.clone() });
            count += 1;
        }
    }
    count
}

/// What the general model says of these labels at the end of the clip.
fn general_says(enrolment: Option<&mut Enrolment>, heard: &Heard, places: &[usize]) -> Vec<f32> {
    let Some(last) = heard.examples.last() else { return vec![0.0; places.len()] };
    let mut said = last.said.clone();
    if let Some(enrolment) = enrolment {
        enrolment.adapt(&mut said, &last.embedding);
    }
    places.iter().map(|place| said[*place]).collect()
}

/// What the head says of each label at the end of the clip, near or far.
fn taught_says(head: &mut Head, heard: &Heard) -> Vec<f32> {
    let mut out = vec![0.0; head.names().len()];
    heard.examples.last().into_iter().for_each(|last| head.apply(&last.embedding, &mut out));
    out.truncate(TAUGHT);
    out
}

fn best(values: &[f32]) -> usize {
    (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}

fn recall(tested: &[(usize, &Heard)], mut says: impl FnMut(&Heard) -> usize) -> f64 {
    let (mut right, mut count) = ([0.0_f64; TAUGHT], [0.0_f64; TAUGHT]);
    for (label, heard) in tested {
        count[*label] += 1.0;
        right[*label] += f64::from(u8::from(says(heard) == *label));
    }
    let shares = right.iter().zip(&count).map(|(right, count)| right / count.max(1.0));
    shares.sum::<f64>() / TAUGHT as f64
}

/// Labels with so many examples together, each clip a recording.
fn time(heard: &[Heard], count: usize) -> Option<Time> {
    let labels = if count < 5 * TAUGHT { 2 } else { TAUGHT };
    let mut lesson = Lesson::default();
    let mut counts = vec![0; labels];
    for (index, heard) in heard.iter().enumerate() {
        let recording = lesson.next_recording();
        let label = index % labels;
        for example in heard.examples.iter().take(count / labels - counts[label]) {
            counts[label] += 1;
            let example = Example { recording, ..example.clone() };
            lesson.add(["a", "b", "c"][label], Kind::Label, example);
        }
    }
    let begun = Instant::now();
    Head::train(&lesson).ok()?;
    let train_ms = 1000.0 * begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    crate::personal::head::score(&lesson).ok()?;
    let score_ms = 1000.0 * begun.elapsed().as_secs_f64();
    let examples: Vec<&Example> = lesson.outputs.iter().flat_map(|one| &one.examples).collect();
    let numbers: usize = examples.iter().map(|example| example.embedding.len()).sum();
    let kilobytes = (numbers * size_of::<f32>()) as f64 / 1024.0;
    Some(Time { examples: examples.len(), train_ms, score_ms, kilobytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(emotion: &str, place: [f32; 2]) -> Heard {
        let (said, embedding) = (vec![0.5, 0.3, 0.2], place.to_vec());
        let example = Example { recording: 1, target: 1.0, said, embedding };
        Heard { speaker: "one".to_owned(), emotion: emotion.to_owned(), examples: vec![example; 3] }
    }

    #[test]
    fn every_three_comes_once() {
        assert_eq!(threes(&["a", "b", "c", "d"]).len(), 4);
        assert_eq!(threes(&["a", "b", "c"]), [["a", "b", "c"]]);
        assert!(threes(&["a", "b"]).is_empty());
    }

    #[test]
    fn a_head_that_learns_is_told_from_a_model_that_always_says_the_same() {
        let places = [("angry", [2.0, 0.1]), ("calm", [0.1, 2.0]), ("happy", [2.0, 2.0])];
        let clips: Vec<Heard> =
            places.iter().flat_map(|(name, place)| (0..5).map(|_| heard(name, *place))).collect();
        let mut tally = Tally::default();
        let labels = ["angry", "calm", "happy"].map(str::to_owned);
        tally.add(&clips.iter().collect::<Vec<_>>(), &labels);
        let [general, enrolled, known, all] = &tally.rows()[..] else { panic!("four rows") };
        assert!((general.ua - 1.0 / 3.0).abs() < 1e-9, "{general:?}");
        assert_eq!((enrolled.ua, known.ua, all.ua, known.lessons), (1.0, 1.0, 1.0, 5));
    }
}
