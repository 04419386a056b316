//! `affectd eval stream`: what the streams are worth as signals. How restless the label is and how
//! late it follows a voice whose emotion changes, for every kind of smoothing; how soon a first
//! label is there; and how often a noise alone is taken for a voice. Runs on the main thread,
//! through the live engine.

pub mod run;

pub mod tally;

pub mod first;

pub mod noise;

pub mod plot;

pub mod markdown;
