//! The report as Markdown.

use std::fmt::{self, Display, Formatter};

use crate::eval::stream::first::Scene;
use crate::eval::stream::noise::FalseVoice;
use crate::eval::stream::run::Report;

pub struct Markdown<'a>(pub &'a Report);

/// The most first.
fn begun_by(row: &FalseVoice) -> String {
    let mut counts: Vec<(&String, &usize)> = row.begun_by.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let counts: Vec<String> =
        counts.into_iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    counts.join(", ")
}

fn scene(scene: Scene) -> String {
    match scene {
        Scene::AfterSilence => "no noise".to_owned(),
        Scene::AfterNoise => "right after noise".to_owned(),
        Scene::InNoise(snr_db) => format!("{snr_db} dB"),
    }
}

fn seconds(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.2} s"))
}

impl Display for Markdown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "# {} as a signal\n", report.model)?;
        writeln!(
            f,
            "Weights {}, {} speakers of {} ({} part of {}), {:.1} minutes. Every figure on this \
             page is of one command:\n\n```sh\n{}\n```\n",
            report.sha256,
            report.speakers,
            report.corpora.join(", "),
            report.part,
            report.split,
            report.minutes,
            report.command
        )?;
        self.smoothing(f)?;
        self.first_labels(f)?;
        self.noises(f)
    }
}

impl Markdown<'_> {
    fn smoothing(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Restless or late\n\nProtocol: up to three clips of each emotion of a speaker one \
             after the other, through the live engine. A flip is a change of the leading label \
             inside one emotion other than the one to the right label; the delay runs from the \
             onset of the new emotion to the first hop with its label, over the changes found.\n\n\
             ![Flips a minute and delay]({}.svg)\n",
            self.0.model
        )?;
        writeln!(f, "| mode | | flips a minute | changes found | median delay | p95 delay |")?;
        writeln!(f, "|---|---|---:|---:|---:|---:|")?;
        for row in &self.0.rows {
            writeln!(
                f,
                "| {}{} | {} | {:.1} | {:.0} % of {} | {} | {} |",
                row.mode,
                if row.is_default { ", default" } else { "" },
                row.setting,
                row.following.flips_per_minute,
                100.0 * row.following.found,
                row.following.switches,
                seconds(row.following.delay_median_s),
                seconds(row.following.delay_p95_s),
            )?;
        }
        Ok(())
    }

    fn first_labels(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n## The first label\n\nProtocol: sentences, each alone after a silence and from a \
             speaker never heard before, as they are, right after five seconds of noise as loud, \
             and in noise; no training heard it, its kinds alike. A sentence is heard if a segment \
             begins; the time runs from the onset of speech, over those that get a label.\n\n\
             | voice to noise | sentences | heard | get a label | median | p95 |\n\
             |---|---:|---:|---:|---:|---:|"
        )?;
        for row in &self.0.first_labels {
            writeln!(
                f,
                "| {} | {} | {:.1} % | {:.1} % | {} | {} |",
                scene(row.scene),
                row.sentences,
                100.0 * row.heard,
                100.0 * row.labelled,
                seconds(row.median_s),
                seconds(row.p95_s),
            )?;
        }
        Ok(())
    }

    fn noises(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.noises.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n## Noise taken for a voice\n\nProtocol: recordings without a voice that one could \
             follow, brought so far below a voice of -25 dBFS (RMS), one after the other through \
             the live engine; the triggers have the default thresholds, one on arousal, one on \
             each class. In each recording of babble the voices begin and fall silent one by one; \
             who speaks alone is rightly followed, and three at once are a crowd.\n\n\
             | kind | voice to noise | minutes | segments a minute | triggers a minute \
             | voice on | a label leads | trained with it | segments begun by |\n\
             |---|---:|---:|---:|---:|---:|---:|---|---|"
        )?;
        for row in &self.0.noises {
            writeln!(
                f,
                "| {} | {} dB | {:.1} | {:.2} | {:.2} | {:.1} % | {:.1} % | {} | {} |",
                row.kind,
                row.snr_db,
                row.minutes,
                row.segments_per_minute,
                row.triggers_per_minute,
                100.0 * row.voice_share,
                100.0 * row.labelled_share,
                if row.heard_by.is_empty() { "–".to_owned() } else { row.heard_by.join(", ") },
                begun_by(row),
            )?;
        }
        Ok(())
    }
}
