//! Arguments of a message, checked against the types that the table names. Pd sends every number as
//! a float, so whole floats pass as ints, and senders with 64-bit numbers are understood.

use rosc::{OscMessage, OscType};

use crate::osc::fault::{Code, Fault};

#[derive(Debug)]
pub struct Arguments(Vec<OscType>);

impl Arguments {
    /// `types` as in the table: what stands in brackets may be left out, `*` is anything.
    pub fn check(message: OscMessage, types: &str) -> Result<Self, Fault> {
        let (required, optional) = types.split_once('[').unwrap_or((types, ""));
        let optional = optional.trim_end_matches(']');
        let at_most = match optional {
            "*" => usize::MAX,
            _ => required.len() + optional.len(),
        };
        let count = message.args.len();
        if count < required.len() || at_most < count {
            let text = format!("{count} arguments given, needed are the types {types:?}");
            return Err(Fault::new(Code::WrongTypes, text));
        }
        let tags = required.bytes().chain(optional.bytes().filter(|&tag| tag != b'*'));
        let mut checked = Vec::with_capacity(count);
        for (index, argument) in message.args.into_iter().enumerate() {
            checked.push(match tags.clone().nth(index) {
                Some(tag) => coerce(argument, tag, index + 1)?,
                None => argument,
            });
        }
        Ok(Self(checked))
    }

    /// The int at `index` if it was given; only for places that the table calls `i`.
    pub fn int(&self, index: usize) -> Option<i32> {
        self.0.get(index).and_then(|argument| argument.clone().int())
    }

    pub fn float(&self, index: usize) -> Option<f32> {
        self.0.get(index).and_then(|argument| argument.clone().float())
    }

    pub fn text(&self, index: usize) -> Option<&str> {
        match self.0.get(index) {
            Some(OscType::String(text)) => Some(text),
            _ => None,
        }
    }

    pub fn all(&self) -> &[OscType] {
        &self.0
    }

    /// What is left from `index` on.
    pub fn split_off(mut self, index: usize) -> Vec<OscType> {
        self.0.split_off(index)
    }
}

#[expect(clippy::cast_precision_loss, reason = "int64 beyond 2^53 is no int32 of ours anyway")]
#[expect(clippy::cast_possible_truncation, reason = "the nearest float is what is asked for")]
fn coerce(argument: OscType, tag: u8, place: usize) -> Result<OscType, Fault> {
    let number = match &argument {
        OscType::Int(value) => Some(f64::from(*value)),
        OscType::Float(value) => Some(f64::from(*value)),
        OscType::Double(value) => Some(*value),
        OscType::Long(value) => Some(*value as f64),
        OscType::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    };
    match (tag, number) {
        (b'*', _) => Ok(argument),
        (b's', None) if matches!(argument, OscType::String(_)) => Ok(argument),
        (b'i', Some(number)) => whole(number, place),
        (b'f', Some(number)) if (number as f32).is_finite() => Ok(OscType::Float(number as f32)),
        (b'f', Some(number)) => {
            let text = format!("argument {place} is {number}, a finite number is needed");
            Err(Fault::new(Code::OutOfRange, text))
        }
        _ => {
            let needed = match tag {
                b'i' => "an int",
                b'f' => "a float",
                _ => "a string",
            };
            let text = format!("argument {place} is {}, needed is {needed}", kind(&argument));
            Err(Fault::new(Code::WrongTypes, text))
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "whole and within i32, as it checks")]
fn whole(number: f64, place: usize) -> Result<OscType, Fault> {
    if number.fract() != 0.0 {
        let text = format!("argument {place} is {number}, a whole number is needed");
        return Err(Fault::new(Code::WrongTypes, text));
    }
    if !(f64::from(i32::MIN) <= number && number <= f64::from(i32::MAX)) {
        let text = format!("argument {place} is {number}, it must fit 32 bits");
        return Err(Fault::new(Code::OutOfRange, text));
    }
    Ok(OscType::Int(number as i32))
}

fn kind(argument: &OscType) -> &'static str {
    match argument {
        OscType::Int(_) | OscType::Long(_) => "an int",
        OscType::Float(_) | OscType::Double(_) => "a float",
        OscType::String(_) => "a string",
        OscType::Bool(_) => "true or false",
        OscType::Blob(_) => "a blob",
        _ => "of a type that is not used here",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(types: &str, given: &[OscType], expected: Result<&[OscType], Code>) {
        let message = OscMessage { addr: "/a".to_string(), args: given.to_vec() };
        let found = Arguments::check(message, types).map(|arguments| arguments.0);
        let found = found.as_deref().map_err(|fault| fault.code);
        assert_eq!(found, expected, "{types} {given:?}");
    }

    #[test]
    fn a_whole_float_passes_as_an_int_and_an_int_as_a_float() {
        check("i", &[OscType::Float(7371.0)], Ok(&[OscType::Int(7371)]));
        check("f", &[OscType::Int(3)], Ok(&[OscType::Float(3.0)]));
        check("i", &[OscType::Bool(true)], Ok(&[OscType::Int(1)]));
        check("i", &[OscType::Long(-5)], Ok(&[OscType::Int(-5)]));
    }

    #[test]
    fn a_broken_float_is_no_int() {
        check("i", &[OscType::Float(0.5)], Err(Code::WrongTypes));
        check("i", &[OscType::Float(3e9)], Err(Code::OutOfRange));
        check("i", &[OscType::Float(f32::NAN)], Err(Code::WrongTypes)); // its fraction is NaN
    }

    #[test]
    fn floats_are_finite() {
        check("f", &[OscType::Float(f32::NAN)], Err(Code::OutOfRange));
        check("f", &[OscType::Double(1e300)], Err(Code::OutOfRange));
    }

    #[test]
    fn too_few_and_too_many_are_refused() {
        check("si", &[], Err(Code::WrongTypes));
        check("", &[OscType::Int(1)], Err(Code::WrongTypes));
        check("i[f]", &[OscType::Int(1), OscType::Int(1), OscType::Int(1)], Err(Code::WrongTypes));
    }

    #[test]
    fn bracketed_arguments_may_be_left_out_but_are_checked() {
        check("[si]", &[], Ok(&[]));
        check("[si]", &["a".into()], Ok(&["a".into()]));
        check("[si]", &[OscType::Int(1)], Err(Code::WrongTypes));
    }

    #[test]
    fn a_star_lets_anything_through() {
        check("i[*]", &[OscType::Int(1), OscType::Nil], Ok(&[OscType::Int(1), OscType::Nil]));
    }
}
