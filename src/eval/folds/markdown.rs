//! The report as Markdown: few tables, each with its protocol and its command.

use std::fmt::{self, Display, Formatter};

use crate::eval::clips::Tier;
use crate::eval::folds::figures::Row;
use crate::eval::folds::report::{Report, TierDetail};
use crate::eval::metrics::ECE_BINS;

/// Writes a report; the figures of confusion lie beside it.
pub struct Markdown<'a>(pub &'a Report);

/// A share in percent, or a dash.
struct Percent(Option<f64>);

impl Display for Percent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(share) => write!(f, "{:.1}", 100.0 * share),
            None => write!(f, "–"),
        }
    }
}

/// What every table begins with.
fn open(f: &mut Formatter<'_>, title: &str, protocol: &str) -> fmt::Result {
    writeln!(f, "\n## {title}\n\nProtocol: {protocol}.\n")
}

/// A number with so many digits behind the point, or a dash.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}

impl Display for Markdown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "# {}\n", report.description)?;
        writeln!(
            f,
            "{} folds, seeds {}, {}, the weights of the last, a network of {} parameters. \
             Validation speakers fit the temperature; no test speaker is seen before it is scored. \
             Every figure of `affectd` on this page is of one command:\n\n```sh\n{}\n```",
            report.folds,
            listed(&report.seeds),
            report.length,
            report.parameters,
            report.command,
        )?;
        if report.is_joined {
            writeln!(
                f,
                "\nSeeds were reported apart and joined: figures are means over seeds, and so are \
                 the ends of their intervals, ECE and coverages; time is the fastest seed's."
            )?;
        }
        self.missing(f)?;
        self.headline(f)?;
        self.sureness(f)?;
        self.recalls(f)?;
        self.after_onset(f)?;
        self.one_emotion(f)?;
        self.crowd(f)
    }
}

impl Markdown<'_> {
    fn missing(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let missing = &self.0.missing;
        if missing.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n**Not in these figures yet:** {}.", missing.join("; "))
    }

    fn headline(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tiers: Vec<String> =
            self.0.tiers.iter().map(|tier| format!("{:?}: {}", tier.tier, tier.known)).collect();
        let protocol = format!(
            "UA in percent against the intended emotion, speakers of test, train and validation \
             apart; mean ± s.d. over folds and seeds, then over all answers together with 95 % of \
             a bootstrap over speakers. {}",
            tiers.join("; ")
        );
        open(f, "How often it is right", &protocol)?;
        writeln!(f, "| | tier | UA ± s.d. | UA, all [95 %] | WA | ECE | ms per 3 s | runs |")?;
        writeln!(f, "|---|---|---:|---:|---:|---:|---:|---:|")?;
        for row in &self.0.rows {
            let ece = row.sureness.as_ref().map(|sureness| sureness.ece);
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                row.who,
                row.tier,
                spread(row),
                interval(row.ua_pooled, row.ua_interval),
                Percent(row.wa),
                number(ece, 3),
                number(row.ms_per_3s, 1),
                match row.runs {
                    0 => "–".to_owned(),
                    runs => runs.to_string(),
                },
            )?;
        }
        let peers = self.0.rows.iter().filter(|row| row.command != self.0.command);
        let mut told: Vec<String> = peers
            .filter(|row| !row.command.is_empty())
            .map(|row| format!("{}: `{}`", row.who, row.command))
            .collect();
        told.dedup();
        if !told.is_empty() {
            writeln!(f, "\nThe peers' commands: {}.", told.join("; "))?;
        }
        Ok(())
    }

    fn sureness(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let protocol = format!(
            "all answers together; ECE in {ECE_BINS} bins; UA of the surest 80 % and 50 % of the \
             answers; the sign of category-derived affect coordinates, emotions at 0 left out"
        );
        open(f, "What its confidence is worth", &protocol)?;
        writeln!(
            f,
            "| tier | ECE | Brier | UA 80 % | UA 50 % | arousal UA | valence UA | dominance UA |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for row in &self.0.rows {
            let Some(sureness) = &row.sureness else { continue };
            writeln!(
                f,
                "| {} | {:.3} | {:.3} | {} | {} | {} | {} | {} |",
                row.tier,
                sureness.ece,
                sureness.brier,
                Percent(Some(sureness.ua_surest_80)),
                Percent(Some(sureness.ua_surest_50)),
                Percent(sureness.signs.arousal_sign_ua),
                Percent(sureness.signs.valence_sign_ua),
                Percent(sureness.signs.dominance_sign_ua),
            )?;
        }
        for tier in &self.0.tiers {
            for (index, what) in tier.chosen_what().iter().enumerate() {
                let values: Vec<f32> =
                    tier.chosen.iter().filter_map(|run| run.get(index).copied()).collect();
                writeln!(f, "\n{what}, chosen on validation speakers: {}.", listed(&values))?;
            }
        }
        Ok(())
    }

    fn recalls(&self, f: &mut Formatter<'_>) -> fmt::Result {
        open(f, "Emotion by emotion", "recall in percent over all answers together")?;
        let names: Vec<String> =
            self.0.tiers.iter().map(|tier| format!(" {:?} |", tier.tier)).collect();
        writeln!(f, "| emotion |{}", names.concat())?;
        writeln!(f, "|---|{}", "---:|".repeat(names.len()))?;
        for (index, label) in self.0.labels.iter().enumerate() {
            let recalls: Vec<String> = self
                .0
                .tiers
                .iter()
                .map(|tier| format!(" {} |", Percent(tier.recalls[index])))
                .collect();
            writeln!(f, "| {label} |{}", recalls.concat())?;
        }
        writeln!(f)?;
        for tier in &self.0.tiers {
            let name = tier.picture(&self.0.corpus);
            writeln!(f, "![{:?}: what was said of each emotion, in percent]({name})", tier.tier)?;
        }
        Ok(())
    }

    fn after_onset(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.after_onset.is_empty() {
            return Ok(());
        }
        let protocol = "T0, one window that ends this long after the onset of speech, or with the \
                        speech where that is shorter";
        open(f, "How soon", protocol)?;
        writeln!(f, "| after | UA | of the whole clip's |\n|---:|---:|---:|")?;
        for moment in &self.0.after_onset {
            let [ua, share] = [moment.ua, moment.share].map(|share| Percent(Some(share)));
            writeln!(f, "| {} s | {ua} | {share} % |", moment.seconds)?;
        }
        Ok(())
    }

    fn one_emotion(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.one_emotion.is_empty() {
            return Ok(());
        }
        let protocol = "the baseline runs along as in T1, but the speaker shows one emotion and no \
                        other from the first clip to the last; one order; UA of all answers \
                        together";
        open(f, "A speaker of one emotion only", protocol)?;
        writeln!(f, "| | T0 | T1, all emotions | one emotion | its second half |")?;
        writeln!(f, "|---|---:|---:|---:|---:|")?;
        for one in &self.0.one_emotion {
            let [t0, t1, all, late] =
                [one.ua_t0, one.ua_t1, Some(one.ua), one.ua_late].map(Percent);
            writeln!(f, "| {} | {t0} | {t1} | {all} | {late} |", one.who)?;
        }
        Ok(())
    }

    fn crowd(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.crowd.is_empty() {
            return Ok(());
        }
        let protocol = "UA against the most frequent vote of those who heard the voice only, clips \
                        with two winners left out; Jensen-Shannon divergence of the probabilities \
                        to the votes in bits, 0 is the same; all answers together";
        open(f, "Against what listeners heard", protocol)?;
        writeln!(f, "| | tier | UA [95 %] | divergence | clips |\n|---|---|---:|---:|---:|")?;
        for row in &self.0.crowd {
            writeln!(
                f,
                "| {} | {} | {} | {} | {} |",
                row.who,
                row.tier,
                interval(Some(row.ua), row.ua_interval),
                number(row.divergence, 3),
                row.clips
            )?;
        }
        for human in &self.0.crowd_humans {
            writeln!(f, "| {} | humans, the voice only | {:.1} | – | – |", human.who, human.ua)?;
        }
        Ok(())
    }
}

impl TierDetail {
    /// File of its confusion, beside the report.
    pub fn picture(&self, corpus: &str) -> String {
        format!("{corpus}-{:?}.svg", self.tier).to_lowercase()
    }

    /// Names of `chosen`.
    fn chosen_what(&self) -> &'static [&'static str] {
        match self.tier {
            Tier::T0 | Tier::T1 => &[],
            Tier::T2 => &[
                "T2: how many times an enrolled neutral frame counts",
                "T2: share of the neutral voice's lean that is taken off",
            ],
            Tier::T3 => &["T3: tether of the few-shot head"],
        }
    }
}

fn spread(row: &Row) -> String {
    let deviation = row.ua_deviation.map(|deviation| format!(" ± {:.1}", 100.0 * deviation));
    format!("{}{}", Percent(Some(row.ua)), deviation.unwrap_or_default())
}

fn interval(ua: Option<f64>, interval: Option<[f64; 2]>) -> String {
    let around = interval.map(|[low, high]| format!(" [{:.1}, {:.1}]", 100.0 * low, 100.0 * high));
    format!("{}{}", Percent(ua), around.unwrap_or_default())
}

fn listed<T: Display>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
