//! Makes the model: reads corpora, augments, trains, writes weights and card. The command behind
//! `affectd train`. Runs on the main thread and shows progress.

pub mod corpus;

pub mod folder;

pub mod kept;

pub mod left_out;

pub mod affect;

pub mod held_out;

pub mod bands;

pub mod bank;

pub mod convolver;

pub mod rooms;

pub mod channel;

pub mod recipe;

pub mod votes;

pub mod selection;

pub mod noise;

pub mod augment;

pub mod timbre;

pub mod draft;

pub mod mixup;

pub mod batch;

pub mod average;

pub mod checkpoint;

pub mod fit;

pub mod publish;

pub mod course;

pub mod run;

pub mod melody;

pub mod outlier;
