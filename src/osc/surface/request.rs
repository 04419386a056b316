//! What the surface asks of those who can do it, and what they answer. Plain values that cross
//! threads.

use std::path::PathBuf;

use rosc::OscType;

use crate::config::running::{Origin, State};
use crate::config::typed::Typed;
use crate::messages::{DeviceItem, ModelItem};
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::tickets::Ticket;

/// A request that must be answered, once, through [`crate::osc::surface::Surface::answer`].
#[derive(Debug)]
pub struct Pending {
    pub ticket: Ticket,
    pub request: Request,
}

#[derive(Clone, Debug)]
pub enum Request {
    /// Leave in order.
    Quit,
    /// Make this configuration hold: engine, model and source. All of it or nothing.
    Adopt {
        state: Box<State>,
        cause: Cause,
    },
    /// The same after the file or host names are looked at, which may take a while.
    Reload(Origin),
    Check(Box<Typed>),
    Validate {
        folder: PathBuf,
        name: String,
    },
    Save {
        file: PathBuf,
        typed: Box<Typed>,
    },
    ListDevices,
    ListOutputs,
    RetryDevice,
    /// Models beside the one that is configured.
    ListModels,
    Plugin(PluginRequest),
    /// About who speaks on a channel, counted from 1.
    Person {
        channel: u16,
        request: PersonRequest,
    },
}

/// About a person's baseline, and the file that keeps it.
#[derive(Clone, Debug, PartialEq)]
pub enum PersonRequest {
    /// Of so much neutral speech.
    Calibrate {
        seconds: f32,
    },
    Stop,
    Reset,
    Adapt {
        rate: f32,
    },
    Save {
        file: PathBuf,
    },
    Load {
        file: PathBuf,
    },
    List {
        folder: PathBuf,
    },
    Teach(TeachRequest),
}

/// About what a person teaches.
#[derive(Clone, Debug, PartialEq)]
pub enum TeachRequest {
    /// It is shown from now on: a label, or a slider at this place.
    Show {
        name: String,
        slider: Option<f32>,
    },
    /// Until now.
    End {
        name: String,
    },
    Undo,
    Delete {
        name: String,
    },
    Count,
    Train,
    /// Labels that are called as classes of the model are change these too.
    Enrol {
        is_wanted: bool,
    },
    Cancel,
}

/// About slots, counted from 0, and their parameters, by symbol or number.
#[derive(Clone, Debug, PartialEq)]
pub enum PluginRequest {
    List,
    Scan,
    Parameters {
        slot: usize,
    },
    Presets {
        slot: usize,
    },
    Get {
        slot: usize,
        name: String,
    },
    Set {
        slot: usize,
        name: String,
        value: f32,
    },
    /// `None` ends it.
    Watch {
        slot: usize,
        name: String,
        condition: Option<(Comparison, f32)>,
    },
    SaveChain {
        file: PathBuf,
    },
    LoadChain {
        file: PathBuf,
    },
    /// Only this mapping acts; `None`: all.
    Solo {
        name: Option<String>,
    },
}

/// How a watched value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    Unequal,
}

impl Comparison {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        Ok(match text {
            ">" => Self::Above,
            ">=" => Self::AtLeast,
            "<" => Self::Below,
            "<=" => Self::AtMost,
            "==" => Self::Equal,
            "!=" => Self::Unequal,
            other => {
                let text = format!("comparison is {other:?}, allowed are > >= < <= == !=");
                return Err(Fault::new(Code::OutOfRange, text));
            }
        })
    }

    pub fn holds(self, value: f32, than: f32) -> bool {
        match self {
            Self::Above => value > than,
            Self::AtLeast => value >= than,
            Self::Below => value < than,
            Self::AtMost => value <= than,
            Self::Equal => value == than,
            Self::Unequal => value != than,
        }
    }

    pub fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "==",
            Self::Unequal => "!=",
        }
    }
}

/// Why a configuration is adopted; what the event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This key was set, by its own address or by `config/set`.
    Set(String),
    Reload,
    RollBack,
}

/// What came of a request.
#[derive(Debug)]
pub enum Done {
    Plain,
    Adopted {
        state: Box<State>,
        cause: Cause,
    },
    /// The file was read too; this is what it says.
    Reloaded {
        state: Box<State>,
        saved: Box<Typed>,
    },
    Saved(Box<Typed>),
    Devices(Vec<DeviceItem>),
    Models(Vec<ModelItem>),
    /// `ok` with these.
    Values(Vec<OscType>),
    /// Replies under this name, one for each row, then `ok` with their number.
    Items(Vec<(&'static str, Vec<OscType>)>),
    /// The same, then `ok` with these.
    Told {
        items: Vec<(&'static str, Vec<OscType>)>,
        results: Vec<OscType>,
    },
}
