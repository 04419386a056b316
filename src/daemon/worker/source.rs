//! What the supervisor says about the source. Plain values that cross threads.

use std::sync::Arc;
use std::time::Duration;

use crate::audio::through::Fader;
use crate::daemon::supervisor::output::OutputChange;
use crate::plugins::chain::Ends;
use crate::ring::Reader;

/// What the supervisor says about the source.
pub enum SourceChange {
    Opened {
        reader: Box<Reader>,
        fader: Arc<Fader>,
        plugins: Box<Ends>,
        id: String,
        why: Why,
    },
    Lost {
        id: String,
        outage: Outage,
    },
    /// The source that was asked for cannot be had; the one before goes on.
    Refused {
        text: String,
    },
    /// The output that its sound goes on to went, or came back.
    Output(OutputChange),
    /// An attempt that was asked for: why it failed, if it did.
    Retried {
        refused: Option<String>,
    },
}

/// Why a source is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    First,
    /// It was gone for so long.
    Back(Duration),
    /// A command asked for it.
    Chosen,
}

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
