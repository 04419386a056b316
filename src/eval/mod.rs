//! Says how good a model is on speakers that it was not trained on. The command behind
//! `affectd eval`: clips are heard with the live code, each number stands with its protocol.
//! Reading manifests, splits and sound is left to `train`. Runs on the main thread and shows
//! progress.

pub mod metrics;

pub mod clips;

pub mod listener;

pub mod report;

pub mod run;

pub mod folds;

pub mod robustness;

pub mod stream;

pub mod teach;
