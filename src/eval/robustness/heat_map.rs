//! ΔUA by kind of noise and signal-to-noise ratio as a picture: SVG, drawn by hand.

use std::fmt::Write;

use crate::eval::robustness::card::{RobustnessCard, Row};
use crate::eval::robustness::rig::SNRS_DB;

/// Pixels of a cell, of the column of names and of the lines above and below.
const CELL: [usize; 2] = [92, 40];
const NAMES: usize = 110;
const HEAD: usize = 64;
const FOOT: usize = 30;

/// Loss of UA that is painted darkest.
const DARKEST: f64 = 0.4;

/// The rows of the card that are noise at a ratio; each cell tells ΔUA and the unchanged share.
pub fn svg(card: &RobustnessCard) -> String {
    let levels = SNRS_DB.map(|db| format!("{db} dB"));
    let is_noise = |row: &&Row| levels.contains(&row.level);
    let mut kinds: Vec<&str> = Vec::new();
    for row in card.rows.iter().filter(is_noise) {
        if !kinds.contains(&row.kind.as_str()) {
            kinds.push(&row.kind);
        }
    }
    let width = NAMES + levels.len() * CELL[0] + 10;
    let height = HEAD + kinds.len() * CELL[1] + FOOT;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let title = format!(
        "{}: ΔUA in points (unchanged answers), clean UA {:.1}",
        escape(&card.protocol.model),
        100.0 * card.clean.ua
    );
    text(&mut out, [width / 2, 22], &title);
    for (column, level) in levels.iter().enumerate() {
        text(&mut out, [NAMES + column * CELL[0] + CELL[0] / 2, HEAD - 10], level);
    }
    for (line, kind) in kinds.iter().enumerate() {
        let top = HEAD + line * CELL[1];
        text(&mut out, [NAMES / 2, top + CELL[1] / 2 + 5], &escape(kind));
        for (column, level) in levels.iter().enumerate() {
            let row = card.rows.iter().find(|row| row.kind == *kind && row.level == *level);
            if let Some(row) = row {
                cell(&mut out, [NAMES + column * CELL[0], top], row);
            }
        }
    }
    let foot = format!(
        "{} clips of {} speakers, {}; signal-to-noise ratio over the speech",
        card.protocol.clips,
        card.protocol.speakers,
        escape(&card.protocol.corpora.join(", "))
    );
    text(&mut out, [width / 2, height - 10], &foot);
    out.push_str("</svg>\n");
    out
}

/// White where nothing is lost, red where much is.
fn cell(out: &mut String, [left, top]: [usize; 2], row: &Row) {
    let loss = (-row.delta_ua / DARKEST).clamp(0.0, 1.0);
    let shade = 250.0 - 160.0 * loss;
    let [width, height] = [CELL[0] - 2, CELL[1] - 2];
    let fill = format!("rgb(250,{shade:.0},{shade:.0})");
    let rect = format!(
        "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>\n"
    );
    out.push_str(&rect);
    let delta = format!("{:+.1} ({:.2})", 100.0 * row.delta_ua, row.unchanged).replace('-', "−");
    text(out, [left + CELL[0] / 2, top + CELL[1] / 2 + 5], &delta);
}

fn text(out: &mut String, [x, y]: [usize; 2], text: &str) {
    writeln!(out, "<text x=\"{x}\" y=\"{y}\">{text}</text>").expect("a String takes all");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::robustness::card::tests::card;

    #[test]
    fn each_noise_has_its_cell_and_a_loss_is_red() {
        let mut card = card();
        card.protocol.model = "a<b".to_owned();
        let picture = svg(&card);
        // A loss of 25 of 40 points: 250 - 160 · 0.625 = 150.
        for part in
            ["rgb(250,150,150)", "−25.0 (0.75)", "rgb(250,250,250)", "+0.0 (1.00)", "a&lt;b"]
        {
            assert!(picture.contains(part), "{part}\n{picture}");
        }
        assert_eq!(picture.matches("<rect").count(), 1 + 2);
    }
}
