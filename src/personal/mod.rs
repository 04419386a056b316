//! What is particular to one speaker: so far the causal baseline that is taken out of the
//! features. Training, evaluation and the live engine use the same code.

pub mod normaliser;
