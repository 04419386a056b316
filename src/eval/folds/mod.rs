//! `affectd eval folds`: trains and scores every fold of a corpus and writes one report. The
//! folds, their labels and what may teach beforehand lie in files; how a model is trained is
//! left to `train`, what figures mean to [`crate::eval::metrics`]. Runs on the main thread;
//! several starts of it, or children of its own, share the work.

pub mod plan;

pub mod answers;

pub mod listening;

pub mod enrolled;

pub mod job;

pub mod teacher;

pub mod scoring;

pub mod crowd;

pub mod peers;

pub mod figures;

pub mod report;

pub mod earlier;

pub mod seeds;

pub mod markdown;

pub mod confusion_svg;

pub mod workers;

pub mod run;
