//! The plug-in host: a chain that the voice runs through on the audio thread, edited while it runs.
//!
//! - [`chain`] and [`mod@unit`] run on the audio thread; [`processor`] is what a plug-in is there.
//! - [`builtin`], [`clap`] and `lv2` are the formats, [`formats`] the door to all of them.
//! - [`isolated`] hosts untrusted plug-ins in a process of their own.
//! - [`check`] and [`show`] are what the command line tells of one, [`catalogue`] of all.
//! - [`rack`] builds and edits on the plug-in thread, by [`instance`] and over [`wire`]; the
//!   [`board`] is what it tells the others.

pub mod error;

pub mod processor;

pub mod unit;

pub mod chain;

pub mod builtin;

pub mod clap;

#[cfg(feature = "lv2")]
pub mod lv2;

pub mod formats;

pub mod catalogue;

pub mod wire;

pub mod instance;

pub mod isolated;

pub mod board;

pub mod rack;

pub mod check;

pub mod show;
