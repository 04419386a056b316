//! What the surface asks of those who can do it, and what they answer. Plain values that cross
//! threads.

use std::path::PathBuf;

use crate::config::running::{Origin, State};
use crate::config::typed::Typed;
use crate::messages::{DeviceItem, ModelItem};
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
}
