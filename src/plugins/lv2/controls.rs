//! Control inputs of an LV2 plug-in as parameters: range, unit, scale and names of values, with
//! what is missing or contradicts itself repaired. On the plug-in thread.

use livi::lilv;
use livi::lilv::node::Node;
use livi::lilv::port::Port;

use crate::plugins::lv2::vocabulary::{Vocabulary, number, text};
use crate::plugins::processor::{Parameter, Scale};
use crate::units::to_count;

/// Steps of an enumeration are equal if they differ by no more than this part of one.
const STEP_TOLERANCE: f32 = 1e-3;

/// The most steps whose ends f32 still tells apart.
const STEPS_MAX: f32 = 16_777_216.0;

/// Printed for the units of LV2's own list, `http://lv2plug.in/ns/extensions/units`; it need not be
/// installed where plug-ins run.
const UNITS: [(&str, &str); 25] = [
    ("bar", "bars"),
    ("beat", "beats"),
    ("bpm", "BPM"),
    ("cent", "ct"),
    ("cm", "cm"),
    ("coef", ""),
    ("db", "dB"),
    ("degree", "°"),
    ("frame", "frames"),
    ("hz", "Hz"),
    ("inch", "in"),
    ("khz", "kHz"),
    ("km", "km"),
    ("m", "m"),
    ("mhz", "MHz"),
    ("midiNote", "note"),
    ("mile", "mi"),
    ("min", "min"),
    ("mm", "mm"),
    ("ms", "ms"),
    ("oct", "oct"),
    ("pc", "%"),
    ("s", "s"),
    ("semitone12TET", "semi"),
    ("volume", ""),
];

/// One control input.
pub struct ControlInput {
    pub index: usize,
    pub parameter: Parameter,
    /// Whether a person may move it; what tells the plug-in about its host stays as it is.
    pub is_offered: bool,
    /// Whether the description says where it starts.
    pub has_default: bool,
    /// Whether its bounds are multiples of the rate, which livi takes for plain numbers.
    pub is_of_rate: bool,
    /// Whether livi can clamp to its bounds without a panic.
    pub has_order: bool,
}

/// What a description says of a range; nothing in it is certain.
#[derive(Clone, Copy, Default)]
struct Declared {
    min: Option<f32>,
    max: Option<f32>,
    default: Option<f32>,
}

pub fn control_input(
    port: &Port,
    world: &lilv::World,
    words: &Vocabulary,
    rate_hz: u32,
) -> ControlInput {
    let range = port.range();
    let has_order = is_ordered(range.minimum.as_ref(), range.maximum.as_ref());
    let declared = Declared {
        min: range.minimum.as_ref().and_then(number),
        max: range.maximum.as_ref().and_then(number),
        default: range.default.as_ref().and_then(number),
    };
    let is_of_rate = port.has_property(&words.sample_rate);
    let factor = if is_of_rate { rate_hz as f32 } else { 1.0 };
    let is_enabled = is_designated(port, words, &words.enabled);
    let mut parameter = Parameter {
        symbol: symbol(port),
        name: text(port.name().as_ref()),
        unit: unit(port, world, words),
        scale: Scale::Linear,
        labels: labels(port),
        ..ranged(declared.scaled(factor))
    };
    shape(&mut parameter, port, words);
    if is_enabled {
        parameter.default = parameter.nearest(1.0);
    }
    ControlInput {
        index: port.index(),
        parameter,
        is_offered: !is_enabled && !is_designated(port, words, &words.free_wheeling),
        has_default: declared.default.is_some(),
        is_of_rate,
        has_order,
    }
}

fn is_designated(port: &Port, words: &Vocabulary, wanted: &Node) -> bool {
    port.value(&words.designation).iter().any(|node| node == *wanted)
}

/// Whether livi's own bounds are low to high: of what is no number it makes 0, and keeps what is
/// not finite.
fn is_ordered(min: Option<&Node>, max: Option<&Node>) -> bool {
    let bound = |node: Option<&Node>, missing: f32| {
        node.map_or(missing, |node| node.as_float().or_else(|| number(node)).unwrap_or_default())
    };
    bound(min, f32::NEG_INFINITY) <= bound(max, f32::INFINITY)
}

impl Declared {
    /// Bounds that are multiples of the rate. Some descriptions give the default as a multiple too,
    /// others in Hz: one that fits between the bounds as they stand is a multiple.
    fn scaled(self, factor: f32) -> Self {
        let is_multiple = |default: f32| {
            self.min.is_none_or(|min| min <= default) && self.max.is_none_or(|max| default <= max)
        };
        Self {
            min: self.min.map(|min| min * factor),
            max: self.max.map(|max| max * factor),
            default: self.default.map(|at| if is_multiple(at) { at * factor } else { at }),
        }
    }
}

/// The range repaired: what is missing is 0 to 1, widened to hold what is there; ends the wrong way
/// round are swapped; the default is within.
fn ranged(declared: Declared) -> Parameter {
    let default = declared.default.unwrap_or_default();
    let low = declared.min.unwrap_or_else(|| default.min(0.0).min(declared.max.unwrap_or(0.0)));
    let high = declared.max.unwrap_or_else(|| default.max(1.0).max(low));
    let (min, max) = if low <= high { (low, high) } else { (high, low) };
    Parameter {
        symbol: String::new(),
        name: String::new(),
        unit: String::new(),
        min,
        max,
        default: default.clamp(min, max),
        scale: Scale::Linear,
        labels: Vec::new(),
    }
}

/// How it moves, by its properties; the range follows where only some values are allowed.
fn shape(parameter: &mut Parameter, port: &Port, words: &Vocabulary) {
    if port.has_property(&words.toggled) {
        let is_on = parameter.default > 0.0;
        (parameter.min, parameter.max, parameter.scale) = (0.0, 1.0, Scale::Stepped(1));
        parameter.default = f32::from(u8::from(is_on));
    } else if port.has_property(&words.enumeration) && parameter.labels.len() > 1 {
        enumerate(parameter);
    } else if port.has_property(&words.integer) {
        whole(parameter);
    } else if port.has_property(&words.logarithmic) && has_ratios(parameter.min, parameter.max) {
        parameter.scale = Scale::Logarithmic;
    }
    let (min, max) = (parameter.min, parameter.max);
    parameter.labels.retain(|(value, _)| (min..=max).contains(value));
    parameter.default = parameter.nearest(parameter.default);
}

fn has_ratios(min: f32, max: f32) -> bool {
    min < max && (0.0 < min || max < 0.0)
}

/// Only the labelled values; steps if they are equally far apart.
fn enumerate(parameter: &mut Parameter) {
    let values: Vec<f32> = parameter.labels.iter().map(|(value, _)| *value).collect();
    let (Some(&min), Some(&max)) = (values.first(), values.last()) else { return };
    (parameter.min, parameter.max) = (min, max);
    parameter.default = parameter.default.clamp(min, max);
    let steps = values.len() - 1;
    let step = (max - min) / steps as f32;
    let is_even = values
        .iter()
        .enumerate()
        .all(|(at, value)| (value - (min + step * at as f32)).abs() <= STEP_TOLERANCE * step);
    match u32::try_from(steps) {
        Ok(steps) if is_even => parameter.scale = Scale::Stepped(steps),
        _ if values.iter().all(|value| value.fract() == 0.0) => whole(parameter),
        _ => {}
    }
}

/// Whole numbers only.
fn whole(parameter: &mut Parameter) {
    let (min, max) = (parameter.min.ceil(), parameter.max.floor());
    let span = max - min;
    if !(1.0..=STEPS_MAX).contains(&span) {
        return;
    }
    let Ok(steps) = u32::try_from(to_count(f64::from(span))) else { return };
    (parameter.min, parameter.max, parameter.scale) = (min, max, Scale::Stepped(steps));
}

/// Values that have names, from low to high, each once.
fn labels(port: &Port) -> Vec<(f32, String)> {
    let points = port.scale_points();
    if points.count() == 0 {
        return Vec::new();
    }
    let mut labels: Vec<(f32, String)> = points
        .iter()
        .filter_map(|point| Some((number(&point.value())?, text(Some(&point.label())))))
        .collect();
    labels.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    labels.dedup_by(|(a, _), (b, _)| a == b);
    labels
}

fn symbol(port: &Port) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let symbol = text(port.symbol().as_ref());
    symbol.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect()
}

fn unit(port: &Port, world: &lilv::World, words: &Vocabulary) -> String {
    let Some(unit) = port.get(&words.unit) else { return String::new() };
    let word = unit.as_uri().and_then(|uri| uri.rsplit_once('#')).map(|(_, word)| word);
    let known = UNITS.iter().find(|(name, _)| Some(*name) == word);
    match known {
        Some((_, printed)) => (*printed).to_owned(),
        None => text(world.get(Some(&unit), Some(&words.unit_symbol), None).as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first port of a plug-in that is described so.
    fn described(port: &str) -> ControlInput {
        let folder = tempfile::tempdir().unwrap();
        let prefixes = "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
            @prefix pprops: <http://lv2plug.in/ns/ext/port-props#> .
            @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
            @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
            @prefix units: <http://lv2plug.in/ns/extensions/units#> .
            @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .";
        let manifest = format!(
            "{prefixes} <urn:a> a lv2:Plugin ; lv2:binary <a.so> ;
            <http://usefulinc.com/ns/doap#name> \"A\" ; lv2:port [ a lv2:InputPort,
            lv2:ControlPort ; lv2:index 0 ; lv2:symbol \"x\" ; lv2:name \"X\" ; {port} ] ."
        );
        std::fs::write(folder.path().join("manifest.ttl"), manifest).unwrap();
        let world = lilv::World::new();
        world.load_bundle(&world.new_uri(&format!("file://{}/", folder.path().display())));
        let plugin = world.plugins().iter().next().unwrap();
        let port = plugin.port_by_index(0).unwrap();
        control_input(&port, &world, &Vocabulary::new(&world), 48_000)
    }

    fn check(port: &str, range: [f32; 3], scale: Scale) {
        let parameter = described(port).parameter;
        assert_eq!([parameter.min, parameter.default, parameter.max], range, "{port}");
        assert_eq!(parameter.scale, scale, "{port}");
    }

    #[test]
    fn what_a_range_misses_is_made_up_to_hold_the_rest() {
        check("", [0.0, 0.0, 1.0], Scale::Linear);
        check("lv2:default 7.0", [0.0, 7.0, 7.0], Scale::Linear);
        check("lv2:default -7.0", [-7.0, -7.0, 1.0], Scale::Linear);
        check("lv2:minimum 3.0", [3.0, 3.0, 3.0], Scale::Linear);
        check("lv2:maximum -3.0", [-3.0, -3.0, -3.0], Scale::Linear);
    }

    #[test]
    fn what_is_no_finite_number_counts_as_missing() {
        check("lv2:minimum \"x\" ; lv2:maximum 1e39", [0.0, 0.0, 1.0], Scale::Linear);
    }

    #[test]
    fn ends_the_wrong_way_round_are_swapped_and_told() {
        let range = "lv2:minimum 5 ; lv2:maximum 1 ; lv2:default 9";
        check(range, [1.0, 5.0, 5.0], Scale::Linear);
        assert!(!described(range).has_order);
        assert!(described("lv2:minimum 1").has_order);
    }

    #[test]
    fn switches_and_whole_numbers_go_in_steps() {
        check("lv2:portProperty lv2:toggled ; lv2:default 1", [0.0, 1.0, 1.0], Scale::Stepped(1));
        let whole = "lv2:portProperty lv2:integer ; lv2:minimum -2 ; lv2:maximum 5.5 ; lv2:default";
        check(&format!("{whole} 1.4"), [-2.0, 1.0, 5.0], Scale::Stepped(7));
    }

    #[test]
    fn named_values_go_in_steps_where_these_are_equal() {
        let point = |value: &str| format!("[ rdfs:label \"{value}\" ; rdf:value {value} ]");
        let points = |values: &[&str]| {
            let points: Vec<String> = values.iter().map(|value| point(value)).collect();
            format!("lv2:portProperty lv2:enumeration ; lv2:scalePoint {}", points.join(", "))
        };
        check(&points(&["0.5", "0.0", "1.0"]), [0.0, 0.0, 1.0], Scale::Stepped(2));
        check(&points(&["1", "2", "4"]), [1.0, 1.0, 4.0], Scale::Stepped(3));
        check(&points(&["0.1", "0.2", "0.7"]), [0.1, 0.1, 0.7], Scale::Linear);
        let labels = described(&points(&["2", "1"])).parameter.labels;
        assert_eq!(labels, [(1.0, "1".to_owned()), (2.0, "2".to_owned())]);
    }

    #[test]
    fn ratios_need_ends_of_one_sign() {
        let logarithmic = |min, max| {
            format!("lv2:portProperty pprops:logarithmic ; lv2:minimum {min} ; lv2:maximum {max}")
        };
        check(&logarithmic("20.0", "20000.0"), [20.0, 20.0, 20_000.0], Scale::Logarithmic);
        check(&logarithmic("0.0", "20000.0"), [0.0, 0.0, 20_000.0], Scale::Linear);
    }

    #[test]
    fn a_default_in_hz_stays_and_one_that_is_a_multiple_grows() {
        let rate = "lv2:portProperty lv2:sampleRate ; lv2:minimum 0.0 ; lv2:maximum 0.5 ;
            lv2:default";
        check(&format!("{rate} 0.25"), [0.0, 12_000.0, 24_000.0], Scale::Linear);
        check(&format!("{rate} 440.0"), [0.0, 440.0, 24_000.0], Scale::Linear);
    }

    #[test]
    fn units_are_printed_by_the_list_or_as_the_plugin_says() {
        assert_eq!(described("units:unit units:pc").parameter.unit, "%");
        assert_eq!(described("units:unit [ units:symbol \"bananas\" ]").parameter.unit, "bananas");
        assert_eq!(described("").parameter.unit, "");
    }

    #[test]
    fn what_the_host_decides_is_not_offered() {
        let enabled = described("lv2:designation lv2:enabled ; lv2:default 0 ; lv2:maximum 1");
        assert_eq!((enabled.is_offered, enabled.parameter.default), (false, 1.0));
        assert!(!described("lv2:designation lv2:freeWheeling").is_offered);
    }
}
