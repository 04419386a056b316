//! affectd listens to a voice and tells other programs over OSC how it feels.
//!
//! The modules in the order in which sound flows through them:
//!
//! - [`audio`] opens a source (JACK, cpal, file, demo voice) and the outputs that its sound goes on
//!   to; its `callback` is THE real-time file.
//! - [`plugins`] are what the voice runs through on its way; its `chain` is real-time too.
//! - [`ring`] is the border between the audio thread and the worker.
//! - [`features`] turns samples into MFCC frames, [`voice`] says whether somebody speaks.
//! - [`model`] is the card, the network and the backends that it runs on.
//! - [`personal`] takes the speaker's own average out of the features and learns from examples.
//! - [`engine`] strings these together, hop by hop, without sockets, devices or clocks.
//! - [`osc`] speaks for the engine and hears commands.
//! - [`config`] is what was typed and what was checked; [`cli`] the command line.
//! - [`train`] makes the model, [`eval`] says how good it is.
//! - [`analyze`] runs files through the engine, [`mod@bench`] measures what it costs.
//! - [`daemon`] wires all of them; it alone knows all, and starts the threads.
//!
//! [`messages`] holds what crosses threads, [`units`] the conversions, [`wav`] reads sound files.
#![recursion_limit = "256"]

pub mod units;

pub mod messages;

pub mod config;

pub mod cli;

pub mod ring;

pub mod wav;

pub mod audio;

pub mod plugins;

pub mod features;

pub mod voice;

pub mod model;

pub mod personal;

pub mod engine;

pub mod osc;

pub mod train;

pub mod eval;

pub mod analyze;

pub mod bench;

pub mod daemon;
