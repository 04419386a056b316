//! Whether somebody speaks: the probability per feature frame, and the gate with its attack and
//! hang-over. Runs on the worker; no allocation after construction.

pub mod activity;

pub mod gate;

pub mod floor;
