//! What is particular to one speaker: the causal baseline that is taken out of the features, and
//! what a few labelled examples teach. Training, evaluation and the live engine use the same code.

pub mod normaliser;

pub mod few_shot;
