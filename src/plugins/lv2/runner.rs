//! A running LV2 plug-in: the half that the audio thread runs and the half that does its deferred
//! work. Finding and describing it is left to `lv2` and its other files. `process`, `set` and
//! `latency_frames` never allocate, free, lock, log or wait; the rest is for the plug-in thread.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::cell::Cell;
use std::sync::Arc;

use livi::event::LV2AtomSequence;
use livi::{Features, Instance, PortConnections, PortIndex};

use crate::plugins::error::PluginError;
use crate::plugins::lv2::controls::ControlInput;
use crate::plugins::lv2::ports::Layout;
use crate::plugins::lv2::seal::seal;
use crate::plugins::processor::{Control, FRAMES_MAX, Processor};
use crate::units::to_count;

/// The subject of saved states; any name does.
const STATE_URI: &str = "urn:affectd:state";

/// Room for events to a plug-in, in bytes. None are sent.
const NO_EVENTS_BYTES: usize = 64;

/// Longer delays are a plug-in's mistake: 10 s at 192 kHz.
const LATENCY_FRAMES_MAX: f32 = 1_920_000.0;

/// One instance with all that its ports are connected to.
pub struct Runner {
    /// First, so that it goes before what it is connected to.
    instance: Instance,
    uri: String,
    controls: Box<[Connected]>,
    sequence_inputs: Box<[LV2AtomSequence]>,
    sequence_outputs: Box<[LV2AtomSequence]>,
    silence: Box<[f32]>,
    cv_inputs: usize,
    cv_outputs: Box<[f32]>,
    latency: Option<PortIndex>,
    has_state: bool,
    has_output: bool,
}

/// A control input and its value, which the plug-in reads through a pointer. livi's own place for
/// it is used only while a state is saved or restored: its setter knows no bounds that are
/// multiples of the rate, and panics at bounds the wrong way round.
struct Connected {
    index: PortIndex,
    value: Cell<f32>,
    is_kept_by_livi: bool,
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "built, saved and restored on the plug-in thread"
)]
impl Runner {
    /// Takes the inputs in this order: `set` counts them so.
    pub fn new(
        mut instance: Instance,
        features: &Features,
        layout: &Layout,
        inputs: &[ControlInput],
        latency: Option<usize>,
        has_state: bool,
    ) -> Self {
        let controls = inputs.iter().map(|input| start(&mut instance, input)).collect();
        let sequence = |bytes| LV2AtomSequence::new(features, bytes);
        let mut runner = Self {
            instance,
            uri: layout.uri.clone(),
            controls,
            sequence_inputs: vec![NO_EVENTS_BYTES; layout.sequence_inputs]
                .into_iter()
                .map(sequence)
                .collect(),
            sequence_outputs: layout.sequence_outputs.iter().copied().map(sequence).collect(),
            silence: vec![0.0; FRAMES_MAX].into(),
            cv_inputs: layout.cv_inputs,
            cv_outputs: vec![0.0; FRAMES_MAX * layout.cv_outputs].into(),
            latency: latency.map(PortIndex),
            has_state,
            has_output: true,
        };
        runner.connect();
        runner
    }

    /// The values of the control inputs.
    pub fn values(&self) -> impl Iterator<Item = f32> {
        self.controls.iter().map(|control| control.value.get())
    }

    /// Takes on a state, with the control inputs that it names; before the first `process`.
    pub fn restore(&mut self, state: &livi::State, inputs: &[ControlInput]) -> Result<(), String> {
        if let Some(input) = inputs.iter().find(|input| !input.has_order) {
            let symbol = &input.parameter.symbol;
            return Err(format!("the range of its parameter {symbol} is the wrong way round"));
        }
        self.instance.restore_state(state).map_err(|error| error.to_string())?;
        for (control, input) in self.controls.iter().zip(inputs) {
            let restored = self.instance.control_input(control.index);
            if control.is_kept_by_livi && input.is_offered {
                control.value.set(input.parameter.nearest(restored.unwrap_or(f32::NAN)));
            }
        }
        Ok(())
    }

    fn connect(&mut self) {
        for control in &self.controls {
            let port = self.instance.raw_mut().instance_mut();
            #[expect(unsafe_code, reason = "a plug-in reads its controls through a pointer")]
            // SAFETY: the index is that of a control input, which is one f32. The boxed cell stays
            // where it is for as long as the instance, which is dropped first.
            unsafe {
                port.connect_port_mut(control.index.0, control.value.as_ptr());
            }
        }
    }

    fn state(&mut self) -> Result<String, livi::error::StateError> {
        for control in self.controls.iter().filter(|control| control.is_kept_by_livi) {
            self.instance.set_control_input(control.index, control.value.get());
        }
        // Setting has connected them to livi's places.
        self.connect();
        self.instance.state()?.to_string(STATE_URI)
    }
}

/// The value to start with: what livi has, as a plug-in may load a state when it starts, or the
/// repaired default.
fn start(instance: &mut Instance, input: &ControlInput) -> Connected {
    let (index, parameter) = (PortIndex(input.index), &input.parameter);
    let is_kept_by_livi = input.has_order && !input.is_of_rate;
    let loaded = instance.control_input(index);
    let value = match loaded {
        Some(value) if is_kept_by_livi && input.has_default && input.is_offered => {
            parameter.nearest(value)
        }
        _ => parameter.default,
    };
    if is_kept_by_livi {
        instance.set_control_input(index, value);
    }
    Connected { index, value: Cell::new(value), is_kept_by_livi }
}

impl Processor for Runner {
    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let frames = inputs.first().map_or(0, |input| input.len()).min(FRAMES_MAX);
        let silence = &*self.silence;
        let ports = PortConnections {
            audio_inputs: inputs.iter().map(|input| &**input),
            audio_outputs: outputs.iter_mut().map(|output| &mut **output),
            atom_sequence_inputs: self.sequence_inputs.iter(),
            atom_sequence_outputs: self.sequence_outputs.iter_mut(),
            cv_inputs: (0..self.cv_inputs).map(|_| silence),
            cv_outputs: self.cv_outputs.chunks_exact_mut(FRAMES_MAX),
        };
        #[expect(unsafe_code, reason = "a plug-in is foreign code")]
        // SAFETY: the buffers are of the counts that the plug-in's description says, borrowed for
        // this call and checked for length by livi; the sequences are empty and made with the
        // instance's own features; nobody else runs the instance. That the plug-in keeps to its
        // description is what loading it trusts in.
        let result = unsafe { self.instance.run(frames, ports) };
        self.has_output = result.is_ok();
        if !self.has_output {
            for output in outputs {
                output.fill(0.0);
            }
        }
    }

    fn set(&mut self, parameter: usize, value: f32) {
        if let Some(control) = self.controls.get(parameter) {
            control.value.set(value);
        }
    }

    fn has_output(&self) -> bool {
        self.has_output
    }

    fn latency_frames(&self) -> u32 {
        let told = self.latency.and_then(|index| self.instance.control_output(index));
        // NaN stays NaN and counts as 0.
        let frames = told.unwrap_or(0.0).clamp(0.0, LATENCY_FRAMES_MAX);
        u32::try_from(to_count(f64::from(frames))).unwrap_or(0)
    }

    #[expect(clippy::disallowed_methods, reason = "called on the plug-in thread")]
    fn save(&mut self) -> Result<Option<Vec<u8>>, PluginError> {
        if !self.has_state {
            return Ok(None);
        }
        match self.state() {
            Ok(turtle) => Ok(Some(seal(&turtle))),
            Err(error) => {
                Err(PluginError::State { uri: self.uri.clone(), reason: error.to_string() })
            }
        }
    }
}

/// Does the work that the plug-in leaves for later. livi does it too, ten times a second on a
/// thread of its own that ends with the last of the features; here it is done as often as asked.
/// Waits while that thread is at it, as does freeing the instance; `process` only ever touches the
/// rings between them.
pub struct Tender {
    pub features: Arc<Features>,
}

impl Control for Tender {
    fn tend(&mut self) {
        self.features.worker_manager().run_workers();
    }
}
