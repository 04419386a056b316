//! The model: its card, the network, the backends it runs on. Only this module and `train` name
//! burn. Runs on the worker. On the CPU it follows a voice with `stream`, on a GPU it looks at
//! whole windows with `network`; both give the same answers.

pub mod card;

pub mod window;

pub mod outlier;

pub mod bilstm;

pub mod network;

pub mod storage;

pub mod folder;

pub mod stream;

pub mod predictor;

pub mod backend;

pub mod show;

pub mod verify;

pub mod shrink;
