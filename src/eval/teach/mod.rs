//! `affectd eval teach`: what teaching by example is worth. Each speaker teaches every three of
//! their emotions by a few clips, through the live engine, and is tested on the others; beside it
//! the general model. Runs on the main thread.

pub mod run;

pub mod hearing;

pub mod markdown;
