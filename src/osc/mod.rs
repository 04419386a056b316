//! The OSC surface: what the daemon says and what it obeys. In reading order:
//!
//! [`address`] is the table of every address, and the one source for the dispatcher, `/ser/list`
//! and the README. Bytes come in through [`receive`] (its own thread), become messages in
//! [`decode`] and cross one bounded queue to the worker, which owns the [`surface`]: its `commands`
//! obey them, `streams` holds the current values, [`encode`] makes datagrams and [`send`] puts them
//! on the wire for `receivers`. Everything but [`receive`] and [`decode`] runs on the worker
//! thread.

pub mod address;

pub mod fault;

pub mod receive;

pub mod decode;

mod arguments;

mod pattern;

pub mod surface;

mod streams;

pub mod encode;

mod receivers;

mod destination;

mod peers;

pub mod send;
