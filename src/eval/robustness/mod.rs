//! The robustness card of a model, the command behind `affectd eval robustness`: the same clips
//! clean and with noise, in rooms, through a phone; what that costs in UA, and how many answers
//! stay. Scoring is left to `eval::clips`, the spoiling of samples to `train`. Runs on the main
//! thread and shows progress.

pub mod takes;

pub mod people;

pub mod noises;

pub mod rig;

pub mod strangers;

pub mod marks;

pub mod card;

pub mod markdown;

pub mod heat_map;

pub mod run;
