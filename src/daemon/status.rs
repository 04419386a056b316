//! The one line on a terminal: level, voice, the strongest emotion, arousal and valence. Drawn by
//! the main thread, never by one that has something to miss.

use std::io::{Stdout, Write, stdout};

use crate::messages::{UNKNOWN, Update};
use crate::units::level_to_norm;

/// Width of a bar in characters.
const BAR: usize = 12;

pub struct StatusLine {
    labels: Vec<String>,
    out: Stdout,
}

impl StatusLine {
    pub fn new(labels: &[String]) -> Self {
        let labels = labels.iter().cloned().chain([UNKNOWN.to_owned()]).collect();
        Self { labels, out: stdout() }
    }

    /// Draws over the line before. A terminal that is gone is no reason to stop.
    pub fn draw(&mut self, update: &Update) {
        let text = self.text(update);
        if write!(self.out, "\r\x1b[2K{text}").and_then(|()| self.out.flush()).is_err() {
            log::debug!("the status line has no terminal any more");
        }
    }

    fn text(&self, update: &Update) -> String {
        let top = update.top;
        let probability = update.classes.as_slice().get(top).copied().unwrap_or(0.0);
        let voice = if update.voice_on { "●" } else { "·" };
        let clip = if update.clipped { "CLIP" } else { "    " };
        format!(
            "{voice} {} {:4.0} dB {clip} {:>9} {:3.0} %  arousal {}  valence {}",
            bar(level_to_norm(update.level_db)),
            update.level_db,
            self.labels.get(top).map_or("", String::as_str),
            100.0 * probability,
            bar(update.dimensions.arousal),
            bar(update.dimensions.valence),
        )
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        writeln!(self.out).unwrap_or_default();
    }
}

/// 0..1 as blocks.
fn bar(value: f32) -> String {
    let full = (1..=BAR).filter(|&step| step as f32 <= value * BAR as f32 + 0.5).count();
    "█".repeat(full) + &"░".repeat(BAR - full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_its_value() {
        assert_eq!(bar(0.0), "░".repeat(BAR));
        assert_eq!(bar(0.5), "█".repeat(BAR / 2) + &"░".repeat(BAR / 2));
        assert_eq!(bar(1.0), "█".repeat(BAR));
        assert_eq!(bar(f32::NAN), "░".repeat(BAR));
    }
}
