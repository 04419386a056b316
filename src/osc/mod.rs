//! The OSC surface: what the daemon says and what it obeys. In reading order:
//!
//! [`address`] is the table of every address, and the one source for the dispatcher, `/ser/list`
//! and the README. Bytes come in through [`receive`] (datagrams) and [`tcp`] (connections, cut into
//! packets by `framing`), each on a thread of its own, become messages in [`decode`] and cross one
//! bounded queue to the worker, which owns the [`surface`]: its commands obey them. `streams` and
//! `health` hold the current values; a `view` shows them as one kind of receiver wants them
//! (`profile`), `pace` holds them back where it asked for that; [`encode`] makes datagrams and
//! [`send`] puts them on the wire for `receivers`, of whom [`saved`] keeps the permanent ones.

pub mod address;

pub mod endpoint;

pub mod fault;

pub mod receive;

pub mod tcp;

mod framing;

pub mod decode;

mod arguments;

mod pattern;

pub mod surface;

mod streams;

mod health;

mod profile;

mod groups;

mod view;

mod pace;

pub mod encode;

mod receivers;

pub mod saved;

mod destination;

mod peers;

pub mod send;
