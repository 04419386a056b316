//! What an evaluation found, for people as text and for programs as JSON. No number stands
//! without its protocol: whose clips, which part of which split, what was known of the speaker,
//! which weights.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::eval::clips::{LeftOut, Tier};
use crate::eval::metrics::{
    Answer, Confusion, ECE_BINS, Signs, arousal_above, brier, calibration_error, deviation,
    speaker_interval, ua_at_coverage,
};
use crate::model::card::Score;

/// One section a corpus.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the split says of itself.
    pub split: String,
    pub sections: Vec<Section>,
}

/// How a corpus was scored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Protocol {
    pub corpus: String,
    /// The model was trained on other speakers of the same corpus.
    pub is_corpus_trained_on: bool,
    pub part: String,
    /// Name of the split's file.
    pub split: String,
    pub speakers: usize,
    pub clips: usize,
    /// Labels that have a clip; means over classes are means over these.
    pub classes: usize,
    pub tier: Tier,
    pub known: &'static str,
    pub model: String,
    /// First digits of the weights' SHA-256.
    pub sha256: String,
}

/// The results of one corpus, shares as 0..1.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    pub protocol: Protocol,
    pub left_out: LeftOut,
    pub ua: f64,
    /// Over the orders of the clips; none where the order changes nothing.
    pub ua_deviation: Option<f64>,
    /// 95 % bootstrap over speakers.
    pub ua_interval: Option<[f64; 2]>,
    pub wa: f64,
    pub macro_f1: f64,
    /// Expected calibration error in 15 bins.
    pub ece: f64,
    pub brier: f64,
    pub ua_surest_80: f64,
    pub ua_surest_50: f64,
    #[serde(flatten)]
    pub signs: Signs,
    /// Pairs of an angry and a sad clip in which the angry one is the more aroused.
    pub angry_above_sad: Option<f64>,
    pub classes: Vec<Class>,
    /// A row per right label, a column per label said; the sum over all orders.
    pub confusion: Vec<Vec<u32>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Class {
    pub label: String,
    pub clips: usize,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub f1: Option<f64>,
}

impl Section {
    /// Scores the answers of each order; every order holds all clips once, so that a figure over
    /// all orders together weighs them alike.
    pub fn new(
        protocol: Protocol,
        left_out: LeftOut,
        labels: &[String],
        orders: &[Vec<Answer>],
    ) -> Self {
        let all = orders.concat();
        let count = labels.len();
        let confusion = Confusion::of(&all, count);
        let uas: Vec<f64> = orders.iter().map(|order| Confusion::of(order, count).ua()).collect();
        let place = |name| labels.iter().position(|label| label == name);
        let class = |(index, label): (usize, &String)| Class {
            label: label.clone(),
            clips: confusion.support(index) as usize / orders.len().max(1),
            precision: confusion.precision(index),
            recall: confusion.recall(index),
            f1: confusion.f1(index),
        };
        Self {
            protocol: Protocol { classes: confusion.present(), ..protocol },
            left_out,
            ua: confusion.ua(),
            ua_deviation: deviation(&uas),
            ua_interval: speaker_interval(&all, count),
            wa: confusion.wa(),
            macro_f1: confusion.macro_f1(),
            ece: calibration_error(&all),
            brier: brier(&all),
            ua_surest_80: ua_at_coverage(&all, count, 80),
            ua_surest_50: ua_at_coverage(&all, count, 50),
            signs: Signs::new(&all, labels),
            angry_above_sad: place("angry")
                .zip(place("sad"))
                .and_then(|(angry, sad)| arousal_above(&all, angry, sad)),
            classes: labels.iter().enumerate().map(class).collect(),
            confusion: confusion.counts().to_vec(),
        }
    }

    /// The section as an entry of the model's card.
    pub fn score(&self) -> Score {
        #[expect(clippy::cast_possible_truncation, reason = "shares; the card keeps 7 digits")]
        let short = |share: f64| share as f32;
        Score {
            protocol: self.protocol.method(),
            clips: self.protocol.clips,
            ua: short(self.ua),
            wa: short(self.wa),
            macro_f1: short(self.macro_f1),
            ece: short(self.ece),
        }
    }
}

impl Protocol {
    /// What the numbers mean, without the clips that happened to be there and the weights.
    pub fn method(&self) -> String {
        let Self { corpus, part, split, speakers, classes, tier, known, .. } = self;
        let seen = if self.is_corpus_trained_on { "" } else { " (corpus not trained on)" };
        format!(
            "{corpus}{seen}, {part} speakers of {split} ({speakers}), {classes} classes, \
             {tier:?}: {known}"
        )
    }
}

impl Display for Protocol {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { clips, model, sha256, .. } = self;
        write!(f, "{}, {clips} clips, model {model} {sha256}", self.method())
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "Split: {}", self.split)?;
        self.sections.iter().try_for_each(|section| write!(f, "\n{section}"))
    }
}

impl Display for Section {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.protocol)?;
        self.write_left_out(f)?;
        writeln!(f)?;
        self.write_figures(f)?;
        writeln!(f)?;
        self.write_classes(f)?;
        writeln!(f)?;
        self.write_confusion(f)
    }
}

/// Width of a label's column; the longest label of the field is `surprised`.
const LABEL_WIDTH: usize = 10;

impl Section {
    fn write_left_out(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let LeftOut { other_emotions, too_short } = &self.left_out;
        if !other_emotions.is_empty() {
            let name = |name: &str| if name.is_empty() { "none" } else { name }.to_owned();
            let list: Vec<String> = other_emotions
                .iter()
                .map(|(emotion, clips)| format!("{} {clips}", name(emotion)))
                .collect();
            let clips: usize = other_emotions.values().sum();
            let list = list.join(", ");
            writeln!(
                f,
                "Not scored: {clips} clips whose emotion is no label of the model ({list})"
            )?;
        }
        if 0 < *too_short {
            writeln!(f, "Not scored: {too_short} clips shorter than the model's shortest window")?;
        }
        Ok(())
    }

    fn write_figures(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "  UA                    {}", Percent(Some(self.ua)))?;
        if let Some(deviation) = self.ua_deviation {
            write!(f, "  ± {:.1} over the orders", 100.0 * deviation)?;
        }
        match self.ua_interval {
            Some([low, high]) => {
                writeln!(f, "  95 % over speakers: {:.1} to {:.1}", 100.0 * low, 100.0 * high)?
            }
            None => writeln!(f, "  a single speaker")?,
        }
        for (name, share) in [
            ("WA", Some(self.wa)),
            ("macro F1", Some(self.macro_f1)),
            ("UA of the surest 80 %", Some(self.ua_surest_80)),
            ("UA of the surest 50 %", Some(self.ua_surest_50)),
        ] {
            writeln!(f, "  {name:<22}{}", Percent(share))?;
        }
        writeln!(f, "  ECE, {ECE_BINS} bins          {:.3}", self.ece)?;
        writeln!(f, "  Brier                 {:.3}", self.brier)?;
        writeln!(f, "  category-derived coordinates, UA of the sign (emotions at 0 left out):")?;
        writeln!(f, "    arousal             {}", Percent(self.signs.arousal_sign_ua))?;
        writeln!(f, "    valence             {}", Percent(self.signs.valence_sign_ua))?;
        writeln!(f, "    dominance           {}", Percent(self.signs.dominance_sign_ua))?;
        let pairs = Percent(self.angry_above_sad);
        writeln!(f, "  pairs of an angry and a sad clip, the angry more aroused: {pairs}")
    }

    fn write_classes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let label = "class";
        writeln!(f, "  {label:<LABEL_WIDTH$}  clips  precision   recall       F1")?;
        for class in &self.classes {
            writeln!(
                f,
                "  {:<LABEL_WIDTH$} {:>6}   {}  {}  {}",
                class.label,
                class.clips,
                Percent(class.precision),
                Percent(class.recall),
                Percent(class.f1)
            )?;
        }
        Ok(())
    }

    fn write_confusion(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let heading = "is \\ said";
        write!(f, "  {heading:<LABEL_WIDTH$}")?;
        for class in &self.classes {
            write!(f, " {:>LABEL_WIDTH$}", class.label)?;
        }
        writeln!(f, "   (% of the row)")?;
        for (class, row) in self.classes.iter().zip(&self.confusion) {
            write!(f, "  {:<LABEL_WIDTH$}", class.label)?;
            let clips: u32 = row.iter().sum();
            for &count in row {
                if clips == 0 {
                    write!(f, " {:>LABEL_WIDTH$}", "-")?;
                } else {
                    let percent = 100.0 * f64::from(count) / f64::from(clips);
                    write!(f, " {percent:>LABEL_WIDTH$.0}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A share that may be missing, seven columns wide.
struct Percent(Option<f64>);

impl Display for Percent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(share) => write!(f, "{:>5.1} %", 100.0 * share),
            None => write!(f, "    - %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(speaker: usize, label: usize, said: usize) -> Answer {
        Answer::sure(speaker, label, said, 3)
    }

    fn section(orders: &[Vec<Answer>]) -> Section {
        let protocol = Protocol {
            corpus: "cremad".to_owned(),
            is_corpus_trained_on: false,
            part: "test".to_owned(),
            split: "fold.toml".to_owned(),
            speakers: 2,
            clips: 3,
            classes: 0,
            tier: Tier::T1,
            known: Tier::T1.what_is_known(),
            model: "small".to_owned(),
            sha256: "0123abcd".to_owned(),
        };
        let left_out =
            LeftOut { other_emotions: [("calm".to_owned(), 7)].into(), ..LeftOut::default() };
        let labels = ["angry", "neutral", "sad"].map(str::to_owned);
        Section::new(protocol, left_out, &labels, orders)
    }

    /// Two orders of three clips: UA 1/2 and 1, so 3/4 with a deviation of sqrt(1/8).
    fn orders() -> Vec<Vec<Answer>> {
        let right = vec![answer(0, 0, 0), answer(1, 0, 0), answer(1, 2, 2)];
        let half = vec![answer(0, 0, 0), answer(1, 0, 0), answer(1, 2, 0)];
        vec![half, right]
    }

    #[test]
    fn orders_count_alike_and_clips_count_once() {
        let section = section(&orders());
        assert_eq!(section.ua, 0.75);
        assert!((section.ua_deviation.unwrap() - 0.125f64.sqrt()).abs() < 1e-9);
        assert_eq!(section.confusion, [[4, 0, 0], [0, 0, 0], [1, 0, 1]]);
        assert_eq!(section.classes[0].clips, 2);
        assert_eq!(section.protocol.classes, 2);
    }

    #[test]
    fn the_text_says_how_and_on_whom_and_what_was_left_out() {
        let text = section(&orders()).to_string();
        for part in [
            "cremad (corpus not trained on), test speakers of fold.toml (2), 2 classes, T1: the \
             causal running mean",
            "3 clips, model small 0123abcd",
            "7 clips whose emotion is no label of the model (calm 7)",
            "UA                     75.0 %  ± 35.4 over the orders",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text}");
    }

    #[test]
    fn json_holds_the_protocol_beside_the_numbers() {
        let report = Report { split: "a fold".to_owned(), sections: vec![section(&orders())] };
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["sections"][0]["protocol"]["tier"], "T1");
        assert_eq!(json["sections"][0]["left_out"]["other_emotions"]["calm"], 7);
        assert_eq!(json["sections"][0]["ua"], 0.75);
    }
}
