//! Strings the stages together, hop by hop: samples in, updates out. Deterministic and without
//! sockets, devices or clocks; time is a count of frames. So a file analysed offline and a live
//! voice give the same numbers. Runs on the worker.

pub mod meter;

pub mod person;

pub mod lane;

pub mod history;

pub mod smoothing;

pub mod presence;

pub mod leader;

pub mod shaping;

pub mod reading;

pub mod mapping;

pub mod triggers;

pub mod segments;

pub mod step;

pub mod stats;
