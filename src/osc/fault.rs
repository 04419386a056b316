//! What `/ser/error` says: a code that is frozen for ever, and a text for people.

use std::fmt;

/// Codes of the contract; a program may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    General = -1,
    UnknownAddress = -2,
    WrongTypes = -3,
    OutOfRange = -4,
    NotNow = -5,
    NotAllowed = -6,
    NoSuchThing = -7,
    Exists = -8,
    Limit = -9,
    Format = -10,
    File = -11,
    Device = -12,
    Inference = -13,
    TimedOut = -14,
    Cancelled = -15,
    Config = -16,
    Loop = -17,
    NotBuiltIn = -18,
}

/// Why a command was not carried out. The text says what, which value and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    pub code: Code,
    pub text: String,
}

impl Fault {
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.text, self.code as i32)
    }
}
