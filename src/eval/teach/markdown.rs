//! The report as Markdown.

use std::fmt::{self, Display, Formatter};

use crate::eval::teach::run::Report;

pub struct Markdown<'a>(pub &'a Report);

impl Display for Markdown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "# {} taught by example\n", report.model)?;
        writeln!(
            f,
            "Weights {}, {} speakers and {} clips of {} ({} part of {}); {} clips in which too \
             little voice was heard are left out. Every figure on this page is of one \
             command:\n\n```sh\n{}\n```\n",
            report.sha256,
            report.speakers,
            report.clips,
            report.corpora.join(", "),
            report.part,
            report.split,
            report.unheard,
            report.command
        )?;
        writeln!(
            f,
            "Protocol: each speaker teaches every three of their emotions by three clips of each, \
             {:.1} s of speech, in five random draws, and is tested on all others of these \
             emotions; each clip alone through the live engine, from somebody unknown, and what is \
             said at its end counts. UA in %, mean ± s.d. over speakers.\n",
            report.shown_s
        )?;
        writeln!(f, "| | threes | lessons | UA |\n|---|---|---:|---:|")?;
        for row in &report.rows {
            let (ua, deviation) = (100.0 * row.ua, 100.0 * row.deviation);
            writeln!(
                f,
                "| {} | {} | {} | {ua:.1} ± {deviation:.1} |",
                row.who, row.of, row.lessons
            )?;
        }
        writeln!(f, "\n## What it costs\n")?;
        writeln!(f, "| examples | training | score | memory |\n|---:|---:|---:|---:|")?;
        for time in &report.times {
            writeln!(
                f,
                "| {} | {:.1} ms | {:.1} ms | {:.0} KiB |",
                time.examples, time.train_ms, time.score_ms, time.kilobytes
            )?;
        }
        Ok(())
    }
}
