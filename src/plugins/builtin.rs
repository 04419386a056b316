//! The plug-ins that are always there, whatever is installed: one input, one output, and nothing to
//! keep beyond their parameters. Each is a file of its own; the host makes one for each channel.
//! Lists and builds them on the plug-in thread; what it builds runs on the audio thread.

pub mod parts;

pub mod gain;

pub mod high_pass;

pub mod gate;

pub mod denoise;

pub mod round_trip;

pub mod compressor;

pub mod limiter;

#[cfg(test)]
mod testing;

use crate::plugins::builtin::compressor::Compressor;
use crate::plugins::builtin::denoise::Denoise;
use crate::plugins::builtin::gain::Gain;
use crate::plugins::builtin::gate::Gate;
use crate::plugins::builtin::high_pass::HighPass;
use crate::plugins::builtin::limiter::Limiter;
use crate::plugins::builtin::parts::Knob;
use crate::plugins::error::PluginError;
use crate::plugins::processor::{Built, Format, Listed, NoControl, Order, Parameter, Processor};
use crate::units::RATES_HZ;

/// What the URI of each starts with.
pub const PREFIX: &str = "affectd:";

/// All in the catalogue, in the order in which a voice usually meets them.
pub fn list() -> Vec<Listed> {
    let listed = |row: &Row| Listed {
        uri: format!("{PREFIX}{}", row.symbol),
        name: row.name.to_owned(),
        format: Format::BuiltIn,
        inputs: 1,
        outputs: 1,
    };
    ROWS.iter().map(listed).collect()
}

/// With every parameter at its default.
pub fn build(order: &Order) -> Result<Built, PluginError> {
    let uri = order.uri.to_owned();
    let symbol = order.uri.strip_prefix(PREFIX);
    let Some(row) = ROWS.iter().find(|row| Some(row.symbol) == symbol) else {
        return Err(PluginError::Unknown { uri });
    };
    if order.state.is_some_and(|state| !state.is_empty()) {
        let reason = "it has none beside its parameters".to_owned();
        return Err(PluginError::State { uri, reason });
    }
    if let Some(preset) = order.preset {
        let (preset, known) = (preset.to_owned(), "none".to_owned());
        return Err(PluginError::Preset { uri, preset, known });
    }
    let (low, high) = (RATES_HZ.start(), RATES_HZ.end());
    if !RATES_HZ.contains(&order.rate_hz) {
        let reason = format!("{} Hz, allowed are {low} to {high}", order.rate_hz);
        return Err(PluginError::Refused { uri, reason });
    }
    let mut processor =
        (row.make)(order.rate_hz).map_err(|reason| PluginError::Refused { uri, reason })?;
    let parameters: Vec<Parameter> = row.knobs.iter().map(Knob::parameter).collect();
    let values: Vec<f32> = parameters.iter().map(|parameter| parameter.default).collect();
    for (index, &value) in values.iter().enumerate() {
        processor.set(index, value);
    }
    Ok(Built {
        name: row.name.to_owned(),
        inputs: 1,
        outputs: 1,
        parameters,
        values,
        is_saved_at_rest: false,
        processor,
        control: Box::new(NoControl),
    })
}

struct Row {
    symbol: &'static str,
    name: &'static str,
    knobs: &'static [Knob],
    /// For a rate in Hz; the error is the reason for a person.
    make: fn(u32) -> Result<Box<dyn Processor>, String>,
}

const ROWS: &[Row] = &[
    Row {
        symbol: "high_pass",
        name: "High-pass filter",
        knobs: high_pass::KNOBS,
        make: |rate_hz| Ok(Box::new(HighPass::new(rate_hz))),
    },
    Row {
        symbol: "denoise",
        name: "Noise suppressor",
        knobs: denoise::KNOBS,
        make: |rate_hz| Ok(Box::new(Denoise::new(rate_hz)?)),
    },
    Row {
        symbol: "gate",
        name: "Noise gate",
        knobs: gate::KNOBS,
        make: |rate_hz| Ok(Box::new(Gate::new(rate_hz))),
    },
    Row {
        symbol: "compressor",
        name: "Compressor",
        knobs: compressor::KNOBS,
        make: |rate_hz| Ok(Box::new(Compressor::new(rate_hz))),
    },
    Row {
        symbol: "gain",
        name: "Gain",
        knobs: gain::KNOBS,
        make: |rate_hz| Ok(Box::new(Gain::new(rate_hz))),
    },
    Row {
        symbol: "limiter",
        name: "Limiter",
        knobs: limiter::KNOBS,
        make: |rate_hz| Ok(Box::new(Limiter::new(rate_hz))),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::builtin::testing::{Rig, noise};
    use crate::plugins::processor::FRAMES_MAX;

    fn refusal(order: &Order) -> String {
        build(order).err().map_or_else(String::new, |error| error.to_string())
    }

    fn order(uri: &str) -> Order<'_> {
        Order { uri, rate_hz: 48_000, state: None, preset: None }
    }

    /// Every plug-in at a rate of each kind.
    fn each_rig(mut check: impl FnMut(&str, u32)) {
        for listed in list() {
            for rate_hz in [4000, 16_000, 44_100, 48_000, 96_000, 768_000] {
                check(&listed.uri, rate_hz);
            }
        }
    }

    #[test]
    fn all_that_is_listed_is_built_with_its_defaults() {
        for Listed { uri, name, inputs, outputs, .. } in list() {
            let built = build(&order(&uri)).unwrap();
            assert_eq!((built.name, built.inputs, built.outputs), (name, inputs, outputs));
            for (parameter, value) in built.parameters.iter().zip(built.values) {
                assert_eq!(parameter.nearest(value), value, "{uri} {}", parameter.symbol);
            }
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for uri in ["gain", "affectd:", "affectd:reverb", "AFFECTD:gain", ""] {
            assert!(refusal(&order(uri)).contains("is not there"), "{uri}");
        }
    }

    #[test]
    fn there_are_no_presets_and_no_state() {
        let uri = "affectd:gain";
        assert!(refusal(&Order { preset: Some("soft"), ..order(uri) }).ends_with("it has none"));
        assert!(refusal(&Order { state: Some(b"x"), ..order(uri) }).contains("this state"));
        assert_eq!(refusal(&Order { state: Some(b""), ..order(uri) }), "");
        assert!(refusal(&Order { rate_hz: 0, ..order(uri) }).contains("0 Hz"));
    }

    #[test]
    fn the_length_of_the_pieces_changes_nothing() {
        each_rig(|uri, rate_hz| {
            let samples = noise(0.9, 9000);
            let whole = Rig::new(uri, rate_hz).run(&samples, FRAMES_MAX);
            for piece in [1, 7, 480] {
                assert!(Rig::new(uri, rate_hz).run(&samples, piece) == whole, "{uri} {rate_hz}");
            }
        });
    }

    #[test]
    fn what_is_not_a_number_is_silence_and_leaves_no_trace() {
        each_rig(|uri, rate_hz| {
            let (mut broken, mut silent) = (noise(0.9, 9000), noise(0.9, 9000));
            broken[100..103].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
            silent[100..103].fill(0.0);
            let heard = Rig::new(uri, rate_hz).run(&broken, 64);
            assert!(heard.iter().all(|sample| sample.is_finite()), "{uri} {rate_hz}");
            assert!(heard == Rig::new(uri, rate_hz).run(&silent, 64), "{uri} {rate_hz}");
        });
    }

    #[test]
    fn the_loudest_numbers_do_no_lasting_harm() {
        each_rig(|uri, rate_hz| {
            let mut rig = Rig::new(uri, rate_hz);
            let mut samples = vec![f32::MAX; 3000];
            samples[1000..2000].fill(f32::MIN);
            rig.run(&samples, 64);
            let heard = rig.run(&vec![0.0; rate_hz as usize * 5], FRAMES_MAX);
            let last = &heard[heard.len() - 1000..];
            assert!(last.iter().all(|sample| sample.abs() < 1e-6), "{uri} {rate_hz}");
        });
    }

    #[test]
    fn silence_stays_silence() {
        each_rig(|uri, rate_hz| {
            let heard = Rig::new(uri, rate_hz).run(&[0.0; 9000], 64);
            assert!(heard.iter().all(|&sample| sample == 0.0), "{uri} {rate_hz}");
        });
    }

    #[test]
    fn a_start_forgets_the_sound_before_it() {
        each_rig(|uri, rate_hz| {
            // The network's own memory has no reset; its sound has, see denoise.
            if uri != "affectd:denoise" {
                let mut rig = Rig::new(uri, rate_hz);
                let first = rig.run(&noise(0.9, 5000), 64);
                rig.built.processor.start();
                assert!(rig.run(&noise(0.9, 5000), 64) == first, "{uri} {rate_hz}");
            }
        });
    }
}
