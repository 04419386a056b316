//! A CLAP plug-in's parameters as the rest knows them: symbols, units and labels are made from its
//! names and texts. On the plug-in thread; moving them is left to `processor`.

use std::collections::HashSet;

use clack_extensions::params::{ParamInfo, ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_host::prelude::{ClapId, PluginMainThreadHandle};

use crate::plugins::processor::{Parameter, Scale};
use crate::units::{to_count, to_f32};

/// More steps than that are a range, whose values need no names.
const LABELLED_STEPS_MAX: u32 = 64;

/// Longest text of a value, in bytes: CLAP's CLAP_NAME_SIZE.
const TEXT_BYTES: usize = 256;

/// A number in a text is the value itself if it is this near to it, as a part of the range; texts
/// are rounded, and a value of 0.5 may be shown as `50 %`.
const ROUNDING: f64 = 0.01;

/// Where a parameter is in the plug-in.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub id: ClapId,
    pub min: f64,
    pub max: f64,
}

/// What can be moved; the three have the same order.
#[derive(Debug, Default)]
pub struct Found {
    pub parameters: Vec<Parameter>,
    pub places: Vec<Place>,
    pub values: Vec<f32>,
}

/// All that are neither hidden nor read-only, with their values as they are now.
pub fn read(plugin: PluginMainThreadHandle<'_>) -> Found {
    let mut found = Found::default();
    let Some(params) = plugin.get_extension::<PluginParams>() else { return found };
    let texts = Texts { plugin, params };
    let (mut buffer, mut taken) = (ParamInfoBuffer::new(), HashSet::new());
    for index in 0..params.count(&plugin) {
        let Some(info) = params.get_info(&plugin, index, &mut buffer) else { continue };
        if is_movable(&info) {
            let place = Place { id: info.id, min: info.min_value, max: info.max_value };
            let parameter = texts.parameter(&info, &mut taken);
            let value = params.get_value(&plugin, info.id).map_or(parameter.default, to_f32);
            found.values.push(parameter.nearest(value));
            found.parameters.push(parameter);
            found.places.push(place);
        }
    }
    found
}

fn is_movable(info: &ParamInfo) -> bool {
    let is_fixed = ParamInfoFlags::IS_HIDDEN | ParamInfoFlags::IS_READONLY;
    let is_range = info.min_value.is_finite() && info.max_value.is_finite();
    !info.flags.intersects(is_fixed) && is_range && info.min_value < info.max_value
}

struct Texts<'a> {
    plugin: PluginMainThreadHandle<'a>,
    params: PluginParams,
}

impl Texts<'_> {
    fn parameter(&self, info: &ParamInfo, taken: &mut HashSet<String>) -> Parameter {
        let name = String::from_utf8_lossy(info.name).trim().to_owned();
        let (min, max) = (to_f32(info.min_value), to_f32(info.max_value));
        let default = to_f32(info.default_value);
        let text = |value| self.text(info.id, value);
        let (scale, labels) = if info.flags.contains(ParamInfoFlags::IS_STEPPED) {
            let steps = to_count(info.max_value - info.min_value);
            let steps = u32::try_from(steps).unwrap_or(u32::MAX);
            (Scale::Stepped(steps), labels(info.min_value, steps, text))
        } else {
            (Scale::Linear, Vec::new())
        };
        let unit = if labels.is_empty() { unit(info, text) } else { String::new() };
        let default = if default.is_nan() { min } else { default.clamp(min, max) };
        let symbol = unique(&symbol(&name), taken);
        Parameter { symbol, name, unit, min, max, default, scale, labels }
    }

    fn text(&self, id: ClapId, value: f64) -> String {
        let mut buffer = [0; TEXT_BYTES];
        let text = self.params.value_to_text(&self.plugin, id, value, &mut buffer);
        text.map_or_else(|_| String::new(), |text| String::from_utf8_lossy(text).trim().to_owned())
    }
}

/// Names of the steps; none if all are numbers with the same unit.
fn labels(min: f64, steps: u32, text: impl Fn(f64) -> String) -> Vec<(f32, String)> {
    if steps > LABELLED_STEPS_MAX {
        return Vec::new();
    }
    let values = (0..=steps).map(|step| min + f64::from(step));
    let mut labels: Vec<_> = values.map(|value| (to_f32(value), text(value))).collect();
    let unit = |text: &str| measure(text).map(|(_, unit)| unit.to_owned());
    let first = unit(&labels[0].1);
    if first.is_some() && labels.iter().all(|(_, text)| unit(text) == first) {
        return Vec::new();
    }
    labels.retain(|(_, text)| !text.is_empty() && text.parse::<f64>().is_err());
    labels
}

/// The word after the number, if the number is the value and stays so up to the maximum.
fn unit(info: &ParamInfo, text: impl Fn(f64) -> String) -> String {
    let slack = ROUNDING * (info.max_value - info.min_value);
    let is_value = |number: f64, value: f64| (number - value).abs() <= slack;
    let (at_default, at_max) = (text(info.default_value), text(info.max_value));
    let Some((number, unit)) = measure(&at_default) else { return String::new() };
    let is_other =
        |(max, unit_at_max): (f64, &str)| unit_at_max == unit && !is_value(max, info.max_value);
    if !is_value(number, info.default_value) || measure(&at_max).is_some_and(is_other) {
        return String::new();
    }
    unit.to_owned()
}

/// `-3.5 dB` is -3.5 and `dB`, `7` has no unit; `None` is what does not begin with a number or goes
/// on with more than a word.
fn measure(text: &str) -> Option<(f64, &str)> {
    let is_numeric = |c: char| c.is_ascii_digit() || "+-.".contains(c);
    let (number, unit) = text.split_at(text.find(|c| !is_numeric(c)).unwrap_or(text.len()));
    let unit = unit.trim_start();
    let is_word = unit.chars().all(|c| c.is_alphabetic() || "%°/".contains(c));
    let begins = !unit.starts_with('/');
    number.parse().ok().filter(|_| is_word && begins).map(|number| (number, unit))
}

/// `Cut-off (Hz)` becomes `cut_off_hz`.
fn symbol(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// The same symbol, or with the first number that makes it another than all before.
fn unique(symbol: &str, taken: &mut HashSet<String>) -> String {
    let symbol = if symbol.is_empty() { "parameter" } else { symbol };
    let numbered = (2_u32..).map(|number| format!("{symbol}_{number}"));
    let mut candidates = std::iter::once(symbol.to_owned()).chain(numbered);
    let free = candidates.find(|candidate| taken.insert(candidate.clone()));
    free.expect("a plug-in has fewer parameters than there are numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words_that_are_all_different() {
        let mut taken = HashSet::new();
        let mut check = |name, expected| assert_eq!(unique(&symbol(name), &mut taken), expected);
        check("Cut-off  (Hz)", "cut_off_hz");
        check("Gain", "gain");
        check("gain!", "gain_2");
        check("Gain 2", "gain_2_2");
        check("", "parameter");
        check("Größe", "gr_e");
    }

    #[test]
    fn a_text_is_a_number_and_at_most_a_word() {
        assert_eq!(measure("-3.5 dB"), Some((-3.5, "dB")));
        assert_eq!(measure("50%"), Some((50.0, "%")));
        assert_eq!(measure("7"), Some((7.0, "")));
        for text in ["", "Off", "-inf dB", "1/4", "2 of 3", "-", "1.2.3 dB"] {
            assert_eq!(measure(text), None, "{text}");
        }
    }

    fn unit_of(min_value: f64, max_value: f64, text: impl Fn(f64) -> String) -> String {
        let (name, module) = (b"Level".as_slice(), b"".as_slice());
        let (id, flags, cookie) = (ClapId::new(1), ParamInfoFlags::empty(), Default::default());
        let default_value = min_value;
        let info =
            ParamInfo { id, flags, cookie, name, module, min_value, max_value, default_value };
        unit(&info, text)
    }

    #[test]
    fn a_unit_is_taken_only_if_the_number_before_it_is_the_value() {
        assert_eq!(unit_of(-24.0, 24.0, |value| format!("{value:.1} dB")), "dB");
        assert_eq!(unit_of(0.0, 1.0, |value| format!("{:.0} %", 100.0 * value)), "");
        let kilo = |hz: f64| {
            if hz < 1000.0 { format!("{hz} Hz") } else { format!("{} kHz", hz / 1000.0) }
        };
        assert_eq!(unit_of(20.0, 20_000.0, kilo), "Hz");
        assert_eq!(unit_of(2000.0, 20_000.0, kilo), "");
        assert_eq!(unit_of(0.0, 1.0, |_| "some".into()), "");
    }

    #[test]
    fn steps_have_labels_where_they_are_more_than_numbers() {
        assert_eq!(labels(1.0, 7, |value| format!("{value}")), []);
        assert_eq!(labels(1.0, 7, |value| format!("{value} voices")), []);
        let off = |value| if value == 0.0 { "Off".into() } else { format!("{value}") };
        assert_eq!(labels(0.0, 3, off), [(0.0, "Off".into())]);
        let order = |value| if value == 1.0 { "1st".into() } else { format!("{value}nd") };
        assert_eq!(labels(1.0, 1, order), [(1.0, "1st".into()), (2.0, "2nd".into())]);
        assert_eq!(labels(0.0, LABELLED_STEPS_MAX + 1, |_| "many".into()), []);
    }
}
