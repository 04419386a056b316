//! What a plug-in of any format is to the rest: a [`Processor`] that the audio thread runs, a
//! [`Control`] that stays on the plug-in thread, and the [`Parameter`]s that both know by index.

use serde::{Deserialize, Serialize};

use crate::plugins::error::PluginError;

/// Most frames that a processor is given at once, as many as JACK has in its longest block; longer
/// blocks are cut.
pub const FRAMES_MAX: usize = 8192;

/// Most inputs, and most outputs, of one processor.
pub const PORTS_MAX: usize = 8;

/// The half that runs on the audio thread. Built on the plug-in thread, moved there, and given back
/// to be freed. `start`, `stop`, `process` and `set` never allocate, free, lock, log or wait.
pub trait Processor: Send {
    /// Before the first `process`, on the audio thread.
    fn start(&mut self) {}

    /// One piece of sound: as many inputs and outputs as [`Built`] says, all of the same 1 to
    /// [`FRAMES_MAX`] frames. All outputs are written.
    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]);

    /// This parameter from the next piece on. The value is within its range.
    fn set(&mut self, parameter: usize, value: f32);

    /// Whether moves are handed over at once, because they are smoothed further on.
    fn smooths_itself(&self) -> bool {
        false
    }

    /// Whether the last `process` gave sound; what it wrote is thrown away if not.
    fn has_output(&self) -> bool {
        true
    }

    /// The delay that it adds, in frames, as it is now.
    fn latency_frames(&self) -> u32 {
        0
    }

    /// After the last `process`, on the audio thread.
    fn stop(&mut self) {}

    /// What the parameters do not say, for a format that asks the processing half for it; on the
    /// plug-in thread, while it does not run. `None`: there is nothing more.
    fn save(&mut self) -> Result<Option<Vec<u8>>, PluginError> {
        Ok(None)
    }
}

/// The half that stays on the plug-in thread; there for as long as its processor is.
pub trait Control {
    /// Many times a second: work that the processor left for a thread that may wait.
    fn tend(&mut self) {}

    /// What the parameters do not say, while it runs. `None`: there is nothing more.
    fn save(&mut self) -> Result<Option<Vec<u8>>, PluginError> {
        Ok(None)
    }
}

/// For a plug-in that leaves nothing behind.
pub struct NoControl;

impl Control for NoControl {}

/// A plug-in that is ready to run.
pub struct Built {
    pub name: String,
    pub inputs: usize,
    pub outputs: usize,
    pub parameters: Vec<Parameter>,
    /// One for each parameter, as the plug-in has them now.
    pub values: Vec<f32>,
    /// `Processor::save` has to be asked, which needs the processor back.
    pub is_saved_at_rest: bool,
    pub processor: Box<dyn Processor>,
    pub control: Box<dyn Control>,
}

/// What is wanted of a new plug-in.
pub struct Order<'a> {
    pub uri: &'a str,
    pub rate_hz: u32,
    /// What a `save` of the same plug-in gave.
    pub state: Option<&'a [u8]>,
    /// Name or URI of a factory preset.
    pub preset: Option<&'a str>,
}

/// One parameter of a plug-in.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Parameter {
    /// Short and stable: a-z, A-Z, 0-9, `_`.
    pub symbol: String,
    /// For a person.
    pub name: String,
    /// As it is printed after a number; empty for none.
    pub unit: String,
    pub min: f32,
    pub max: f32,
    pub default: f32,
    pub scale: Scale,
    /// Values that have names.
    pub labels: Vec<(f32, String)>,
}

/// How a parameter moves between its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Scale {
    Linear,
    /// Equal ratios are equal steps; `min` and `max` have the same sign.
    Logarithmic,
    /// In this many equal steps, and never smoothed; 1 is a switch.
    Stepped(u32),
}

impl Parameter {
    /// The nearest value that the plug-in takes; NaN gives the default.
    pub fn nearest(&self, value: f32) -> f32 {
        if value.is_nan() {
            return self.default;
        }
        let value = value.clamp(self.min, self.max);
        match self.scale {
            Scale::Stepped(steps) if steps > 0 => {
                let step = (self.max - self.min) / steps as f32;
                if step > 0.0 {
                    self.min + step * ((value - self.min) / step).round()
                } else {
                    self.min
                }
            }
            _ => value,
        }
    }

    pub fn is_stepped(&self) -> bool {
        matches!(self.scale, Scale::Stepped(_))
    }
}

/// The kinds of plug-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Format {
    BuiltIn,
    Lv2,
    Clap,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Lv2 => "LV2",
            Self::Clap => "CLAP",
        }
    }
}

/// A plug-in of the catalogue.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Listed {
    pub uri: String,
    pub name: String,
    pub format: Format,
    pub inputs: usize,
    pub outputs: usize,
}
