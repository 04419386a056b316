//! When a block came, as its source says. Made on the audio thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

const NS_PER_S: u64 = 1_000_000_000;

/// Times on the clock of the source, whose zero may be anywhere, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When the audio thread got the block.
    pub called_ns: u64,
    /// When the block's first frame was captured.
    pub captured_ns: u64,
}

impl Stamp {
    /// For a block of so many frames. Nothing can be captured after it was delivered, whatever the
    /// source says: JACK gives a program's output a latency of 0, some hosts know none.
    pub fn new(called_ns: u64, captured_ns: u64, frames: usize, rate_hz: u32) -> Self {
        let latest_ns = called_ns.saturating_sub(duration_ns(frames as u64, rate_hz));
        Self { called_ns, captured_ns: captured_ns.min(latest_ns) }
    }
}

/// How long so many frames last; 0 for a rate of 0.
pub fn duration_ns(frames: u64, rate_hz: u32) -> u64 {
    frames.saturating_mul(NS_PER_S).checked_div(u64::from(rate_hz)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_delivered_had_been_captured() {
        let called_ns = 5 * NS_PER_S;
        for (said_ns, captured_ns) in [
            (called_ns, called_ns - 10_000_000),
            (called_ns - 1, called_ns - 10_000_000),
            (called_ns - 30_000_000, called_ns - 30_000_000),
        ] {
            let stamp = Stamp::new(called_ns, said_ns, 480, 48_000);
            assert_eq!(stamp, Stamp { called_ns, captured_ns });
        }
        assert_eq!(Stamp::new(1, 5, 480, 48_000).captured_ns, 0);
        assert_eq!(Stamp::new(7, 7, 480, 0).captured_ns, 7);
    }
}
