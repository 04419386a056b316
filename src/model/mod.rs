//! The model: its card, the network, the backends it runs on. Only this module and `train` name
//! burn. Runs on the worker.

pub mod card;

pub mod bilstm;

pub mod network;

pub mod predictor;

pub mod backend;
