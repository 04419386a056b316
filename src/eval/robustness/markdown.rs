//! The card as Markdown: no share of unchanged answers without its UA, no figure without how it
//! was measured.

use std::fmt::{self, Display, Formatter};

use crate::eval::robustness::card::{Group, Judged, RobustnessCard, Row};
use crate::eval::robustness::marks::{EGEMAPS_WHITE, Figure, SEX_UA_DISTANCE_MAX, Source};

const LEGEND: &str = "\
UA is the unweighted average recall, ΔUA its difference to the clean clips in points, with 95 % of a
bootstrap over speakers. *Unchanged* is the share of clips with the same answer as clean, right or
wrong: a model that always says the same has 1.00, so read it beside the UA. The goals are ours.
The marks of audEERING's ser-tests are those of the files test/emotion/*.yaml at
github.com/audeering/ser-tests (455c47c), whose noise, rooms and phone are other ones than ours:
✓ met, ✗ missed. eGeMAPS: what the same ratio costs eGeMAPSv02 with a support vector machine on
RAVDESS.";

const STRANGERS: &str = "\
**Sounds without a voice.** *Taken for a voice* is the share of the time that the voice detector
lets through; *unknown* is what the class of that name would get if all of it were let through;
*told apart* is how often a piece has more of it than a voice: 0.5 by chance, 1 always.";

/// The card's text; `picture` is the name of the heat map beside it.
pub struct Markdown<'a> {
    pub card: &'a RobustnessCard,
    pub picture: &'a str,
}

impl Display for Markdown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let card = self.card;
        writeln!(f, "# Robustness of {}\n", card.protocol.model)?;
        self.write_protocol(f)?;
        writeln!(f, "\n![ΔUA by noise and ratio]({})\n", self.picture)?;
        writeln!(f, "| what | level | UA | ΔUA | 95 % | unchanged | goal | ser-tests |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        let interval = interval(card.clean.ua_interval, false);
        writeln!(f, "| clean | | {} | | {interval} | | | |", points(card.clean.ua))?;
        card.rows.iter().try_for_each(|row| write_row(f, row))?;
        writeln!(f, "\n{LEGEND}")?;
        self.write_strangers(f)?;
        write_groups(f, "sex", &card.sexes, Some(SEX_UA_DISTANCE_MAX))?;
        write_groups(f, "language", &card.languages, None)?;
        if !card.left_out.is_empty() {
            writeln!(f, "\nNot measured:\n")?;
            card.left_out.iter().try_for_each(|line| writeln!(f, "- {line}"))?;
        }
        Ok(())
    }
}

impl Markdown<'_> {
    fn write_protocol(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let protocol = &self.card.protocol;
        writeln!(
            f,
            "{} clips of {} test speakers of {} in {}, chosen evenly over speaker and emotion \
             (seed {}), {} classes, {}; weights {}.",
            protocol.clips,
            protocol.speakers,
            protocol.corpora.join(", "),
            protocol.split,
            protocol.seed,
            protocol.classes,
            protocol.tier,
            protocol.sha256,
        )?;
        protocol.sources.iter().try_for_each(|source| write!(f, "\n- {source}"))?;
        if !protocol.babble.is_empty() {
            let names = protocol.babble.join(", ");
            write!(f, "\n- babble is mixed from the test speakers {names}, who are not scored")?;
        }
        writeln!(f)
    }
}

impl Markdown<'_> {
    fn write_strangers(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{STRANGERS}\n")?;
        writeln!(f, "| sound | pieces | taken for a voice | unknown | told apart |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for stranger in &self.card.strangers {
            let told = stranger.told_apart.map_or(String::new(), |share| format!("{share:.2}"));
            writeln!(
                f,
                "| {} | {} | {} % | {:.2} | {told} |",
                stranger.kind,
                stranger.pieces,
                points(stranger.taken_for_voice),
                stranger.unknown,
            )?;
        }
        Ok(())
    }
}

fn write_row(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    let marks = |source| -> String {
        let own = row.marks.iter().filter(|judged| judged.mark.source == source);
        own.map(judged_text).collect::<Vec<_>>().join(", ")
    };
    let peer = EGEMAPS_WHITE.iter().find(|(db, _)| row.level == format!("{db} dB"));
    let peer = peer
        .filter(|_| row.kind == "white")
        .map_or(String::new(), |(_, delta_ua)| format!(" (eGeMAPS {})", signed(*delta_ua)));
    writeln!(
        f,
        "| {} | {} | {} | {} | {} | {:.2} | {} | {}{peer} |",
        row.kind,
        row.level,
        points(row.ua),
        signed(row.delta_ua),
        interval(row.delta_interval, true),
        row.unchanged,
        marks(Source::Goal),
        marks(Source::SerTests),
    )
}

fn judged_text(judged: &Judged) -> String {
    let sign = if judged.is_met { '✓' } else { '✗' };
    match judged.mark.figure {
        Figure::DeltaUa => format!("ΔUA ≥ {} {sign}", signed(judged.mark.least)),
        Figure::Unchanged => format!("unchanged ≥ {:.2} {sign}", judged.mark.least),
    }
}

fn write_groups(
    f: &mut Formatter<'_>,
    what: &str,
    groups: &[Group],
    distance_max: Option<f64>,
) -> fmt::Result {
    if groups.len() < 2 {
        return Ok(());
    }
    writeln!(f, "\n| {what} | speakers | clips | UA | 95 % | against all | ser-tests |")?;
    writeln!(f, "|---|---|---|---|---|---|---|")?;
    for group in groups {
        let mark = distance_max.map_or(String::new(), |max| {
            let sign = if group.delta_ua.abs() <= max { '✓' } else { '✗' };
            format!("within {} {sign}", points(max))
        });
        writeln!(
            f,
            "| {} | {} | {} | {} | {} | {} | {mark} |",
            group.name,
            group.speakers,
            group.clips,
            points(group.ua),
            interval(group.ua_interval, false),
            signed(group.delta_ua),
        )?;
    }
    let uas = || groups.iter().map(|group| group.ua);
    let gap = uas().fold(f64::MIN, f64::max) - uas().fold(f64::MAX, f64::min);
    writeln!(f, "\nGap by {what}: {} points of UA.", points(gap))
}

/// A share in points, one digit.
fn points(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn signed(share: f64) -> String {
    let text = format!("{:+.1}", 100.0 * share);
    text.replace('-', "−")
}

fn interval(interval: Option<[f64; 2]>, is_signed: bool) -> String {
    let text = if is_signed { signed } else { points };
    interval.map_or(String::new(), |[low, high]| format!("{} … {}", text(low), text(high)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::robustness::card::tests::card;

    #[test]
    fn the_text_has_figures_marks_and_how_they_were_measured() {
        let text = Markdown { card: &card(), picture: "small.svg" }.to_string();
        for part in [
            "# Robustness of small",
            "4 clips of 2 test speakers of tiny in fold.toml",
            "test speakers tiny:3, who are not scored",
            "![ΔUA by noise and ratio](small.svg)",
            "| clean | | 75.0 | | 50.0 … 100.0 | | | |",
            "| white | 20 dB | 50.0 | −25.0 | −50.0 … +0.0 | 0.75 | ",
            "| ΔUA ≥ −2.0 ✗, unchanged ≥ 0.90 ✗ | ",
            "| ΔUA ≥ −5.0 ✗, unchanged ≥ 0.90 ✗ (eGeMAPS −28.0) |",
            "| babble | 20 dB | 75.0 | +0.0 |",
            "| voices | 4 | 0.0 % | 0.00 |  |",
            "| hum | 4 | 0.0 % | 0.00 | 0.50 |",
            "| female | 1 | 2 | 100.0 |  | +25.0 | within 7.5 ✗ |",
            "Gap by sex: 50.0 points of UA.",
            "- music: there is none",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("language |"), "{text}");
    }
}
