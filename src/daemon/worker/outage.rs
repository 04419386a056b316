//! How a source can go away. Plain value for any thread.

/// How a source went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The system said so.
    Lost,
    /// It is still there and delivers nothing.
    Stalled,
    /// It calls without end: an ALSA plug-in without its server does.
    Unpaced,
}

impl Outage {
    pub fn text(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stalled => "frozen, no more blocks",
            Self::Unpaced => "out of step, far more blocks than time",
        }
    }
}
