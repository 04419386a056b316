//! Makes the model: reads corpora, augments, trains, writes weights and card. The command behind
//! `affectd train`. Runs on the main thread and shows progress.

pub mod corpus;

pub mod affect;

pub mod bank;

pub mod augment;

pub mod batch;

pub mod average;

pub mod checkpoint;

pub mod fit;

pub mod publish;

pub mod run;
