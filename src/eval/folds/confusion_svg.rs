//! A confusion matrix as SVG: what was said of each emotion, in percent of its clips. Pure.

use std::fmt::Write;

/// Sides of a cell, and room for the names, in pixels.
const CELL: usize = 52;
const NAMES: usize = 96;
const HEADING: usize = 64;

/// Readable on white as on black; the reader's own scheme decides.
const STYLE: &str = "text{font:13px sans-serif;fill:#1f2328;text-anchor:middle}\
    .name{text-anchor:end}.heading{text-anchor:start;font-weight:bold}\
    rect{fill:#3b82f6}.frame{fill:none;stroke:#8b949e}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}}";

/// A row per right label, a column per label said. A label without clips has an empty row.
pub fn draw(title: &str, labels: &[String], counts: &[Vec<u32>]) -> String {
    let side = labels.len() * CELL;
    let (width, height) = (NAMES + side + 8, HEADING + side + 8);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>{0}</title>\n<style>{STYLE}</style>\n\
         <text class=\"heading\" x=\"8\" y=\"20\">{0}</text>\n",
        escaped(title)
    );
    for (index, label) in labels.iter().enumerate() {
        let middle = index * CELL + CELL / 2;
        let label = escaped(label);
        let (x, y) = (NAMES + middle, HEADING + middle + 4);
        add(
            &mut svg,
            format_args!("<text x=\"{x}\" y=\"{}\">{}</text>", HEADING - 8, short(&label)),
        );
        add(
            &mut svg,
            format_args!("<text class=\"name\" x=\"{}\" y=\"{y}\">{label}</text>", NAMES - 8),
        );
    }
    for (row, counts) in counts.iter().enumerate() {
        let clips: u32 = counts.iter().sum();
        for (column, &count) in counts.iter().enumerate().filter(|_| 0 < clips) {
            let share = f64::from(count) / f64::from(clips);
            let (x, y) = (NAMES + column * CELL, HEADING + row * CELL);
            let rect = "width=\"52\" height=\"52\"";
            // Three quarters at most, so that the figure stays readable.
            let opacity = 0.75 * share;
            add(
                &mut svg,
                format_args!("<rect x=\"{x}\" y=\"{y}\" {rect} fill-opacity=\"{opacity:.3}\"/>"),
            );
            let (x, y, percent) = (x + CELL / 2, y + CELL / 2 + 4, 100.0 * share);
            add(&mut svg, format_args!("<text x=\"{x}\" y=\"{y}\">{percent:.0}</text>"));
        }
    }
    let frame = format_args!("<rect class=\"frame\" x=\"{NAMES}\" y=\"{HEADING}\"").to_string();
    add(&mut svg, format_args!("{frame} width=\"{side}\" height=\"{side}\"/>\n</svg>"));
    svg
}

fn add(svg: &mut String, line: std::fmt::Arguments) {
    writeln!(svg, "{line}").expect("a String takes all");
}

/// As much of a name as fits above a cell.
fn short(label: &str) -> String {
    const LETTERS: usize = 7;
    label.chars().take(LETTERS).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> String {
        let labels = ["angry", "neutral", "sad"].map(str::to_owned);
        draw("T0 <tiny>", &labels, &[vec![3, 1, 0], vec![0, 0, 0], vec![1, 1, 2]])
    }

    #[test]
    fn each_row_with_clips_is_told_in_percent_of_itself() {
        let svg = drawn();
        let percents: Vec<&str> = svg
            .lines()
            .filter(|line| line.starts_with("<text x=") && line.contains(">"))
            .filter_map(|line| line.split('>').nth(1)?.strip_suffix("</text"))
            .filter(|text| text.parse::<u32>().is_ok())
            .collect();
        assert_eq!(percents, ["75", "25", "0", "25", "25", "50"]);
        // 0.75 · 3/4 for the first cell.
        assert!(
            svg.contains("x=\"96\" y=\"64\" width=\"52\" height=\"52\" fill-opacity=\"0.562\"")
        );
    }

    #[test]
    fn names_and_titles_are_escaped_and_tags_are_closed() {
        let svg = drawn();
        assert!(svg.contains("<title>T0 &lt;tiny&gt;</title>"), "{svg}");
        assert!(
            svg.ends_with("</svg>\n")
                && svg.matches("<text").count() == svg.matches("</text>").count()
        );
    }
}
