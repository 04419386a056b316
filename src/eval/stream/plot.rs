//! Flips against delay as a picture: SVG, drawn by hand. Pure.

use std::fmt::Write;

use crate::eval::stream::run::{Report, Row};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
/// Room for the axes' names: left, top, right, bottom.
const ROOM: [f64; 4] = [64.0, 40.0, 150.0, 52.0];

/// Readable on white as on black; the reader's own scheme decides.
const STYLE: &str = "text{font:13px sans-serif;fill:#1f2328;text-anchor:middle}\
    .left{text-anchor:start}.right{text-anchor:end}.axis{stroke:#8b949e;fill:none}\
    .off{fill:#8b949e}.release{fill:#3b82f6}.one_euro{fill:#f59e0b}.hmm{fill:#10b981}\
    .default{fill:none;stroke:#ef4444;stroke-width:2}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}}";

const MODES: [&str; 4] = ["off", "release", "one_euro", "hmm"];

/// A point per setting: flips a minute to the right, median delay upwards. Points without a delay
/// are left out.
pub fn draw(report: &Report) -> String {
    let points: Vec<(&Row, f64)> =
        report.rows.iter().filter_map(|row| Some((row, row.following.delay_median_s?))).collect();
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max).max(1.0) * 1.1;
    let flips_max = most(&mut points.iter().map(|(row, _)| row.following.flips_per_minute));
    let delay_max = most(&mut points.iter().map(|(_, delay_s)| *delay_s));
    let [left, top, right, bottom] = ROOM;
    let x = |flips: f64| left + (WIDTH - left - right) * flips / flips_max;
    let y = |delay_s: f64| HEIGHT - bottom - (HEIGHT - top - bottom) * delay_s / delay_max;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">\n<title>Flips a minute and delay of \
         the label</title>\n<style>{STYLE}</style>\n"
    );
    let mut add = |line: std::fmt::Arguments| {
        writeln!(svg, "{line}").expect("a String takes all");
    };
    let (x0, x1, y0, y1) = (x(0.0), x(flips_max), y(0.0), y(delay_max));
    add(format_args!("<path class=\"axis\" d=\"M{x0:.0} {y1:.0}V{y0:.0}H{x1:.0}\"/>"));
    for tick in 0..=4 {
        let share = f64::from(tick) / 4.0;
        let (flips, delay_s) = (share * flips_max, share * delay_max);
        add(format_args!("<text x=\"{:.0}\" y=\"{:.0}\">{flips:.0}</text>", x(flips), y0 + 18.0));
        let (at_x, at_y) = (x0 - 8.0, y(delay_s) + 4.0);
        let text =
            format_args!("<text class=\"right\" x=\"{at_x:.0}\" y=\"{at_y:.0}\">").to_string();
        add(format_args!("{text}{delay_s:.1}</text>"));
    }
    let (middle, below) = ((x0 + x1) / 2.0, HEIGHT - 12.0);
    add(format_args!("<text x=\"{middle:.0}\" y=\"{below:.0}\">flips a minute</text>"));
    add(format_args!(
        "<text class=\"left\" x=\"8\" y=\"20\">median delay after a change, s</text>"
    ));
    for (row, delay_s) in &points {
        let (at_x, at_y) = (x(row.following.flips_per_minute), y(*delay_s));
        let (mode, setting) = (row.mode, &row.setting);
        add(format_args!(
            "<circle class=\"{mode}\" cx=\"{at_x:.1}\" cy=\"{at_y:.1}\" r=\"5\">\
             <title>{mode} {setting}</title></circle>"
        ));
        if row.is_default {
            add(format_args!(
                "<circle class=\"default\" cx=\"{at_x:.1}\" cy=\"{at_y:.1}\" r=\"9\"/>"
            ));
        }
    }
    for (index, mode) in (0_u8..).zip(MODES) {
        let (at_x, at_y) = (WIDTH - right + 24.0, top + 20.0 * f64::from(index));
        add(format_args!("<circle class=\"{mode}\" cx=\"{at_x:.0}\" cy=\"{at_y:.0}\" r=\"5\"/>"));
        let (text_x, text_y) = (at_x + 12.0, at_y + 4.0);
        add(format_args!("<text class=\"left\" x=\"{text_x:.0}\" y=\"{text_y:.0}\">{mode}</text>"));
    }
    svg + "</svg>\n"
}
