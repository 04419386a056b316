//! A well-behaved CLAP plug-in for tests: one channel, times `gain`, inverted by `mode`, and 7
//! frames late, as it says itself. Honours the time of each event; its state is both parameters.

mod mono;

use std::ffi::CStr;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use clack_extensions::audio_ports::{AudioPortInfoWriter, PluginAudioPorts, PluginAudioPortsImpl};
use clack_extensions::latency::{PluginLatency, PluginLatencyImpl};
use clack_extensions::params::{
    ParamDisplayWriter, ParamInfo, ParamInfoFlags, ParamInfoWriter, PluginAudioProcessorParams,
    PluginMainThreadParams, PluginParams,
};
use clack_extensions::state::{PluginState, PluginStateImpl};
use clack_plugin::events::event_types::ParamValueEvent;
use clack_plugin::prelude::*;
use clack_plugin::stream::{InputStream, OutputStream};

const LATENCY_FRAMES: u32 = 7;
const MODES: [&str; 2] = ["normal", "inverted"];

struct Gain;

/// Bits of the values of gain and mode, whose ids are 1 and 2.
struct Shared([AtomicU64; 2]);

struct MainThread<'a>(&'a Shared);

struct Processor<'a> {
    shared: &'a Shared,
    /// What is to come out next is first.
    late: [f32; LATENCY_FRAMES as usize],
}

impl Plugin for Gain {
    type AudioProcessor<'a> = Processor<'a>;
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread<'a>;

    fn declare_extensions(builder: &mut PluginExtensions<Self>, _: Option<&Shared>) {
        builder
            .register::<PluginAudioPorts>()
            .register::<PluginLatency>()
            .register::<PluginParams>()
            .register::<PluginState>();
    }
}

impl DefaultPluginFactory for Gain {
    fn get_descriptor() -> PluginDescriptor {
        PluginDescriptor::new("org.affectd.test.gain", "Test Gain")
    }

    fn new_shared(_: HostSharedHandle<'_>) -> Result<Shared, PluginError> {
        Ok(Shared([1.0_f64, 0.0].map(|value| AtomicU64::new(value.to_bits()))))
    }

    fn new_main_thread<'a>(
        _: HostMainThreadHandle<'a>,
        shared: &'a Shared,
    ) -> Result<MainThread<'a>, PluginError> {
        Ok(MainThread(shared))
    }
}

impl PluginShared<'_> for Shared {}

impl Shared {
    fn slot(&self, id: ClapId) -> Option<&AtomicU64> {
        self.0.get(usize::try_from(id.get()).ok()?.checked_sub(1)?)
    }

    fn take(&self, event: &UnknownEvent) {
        let Some(event) = event.as_event::<ParamValueEvent>() else { return };
        if let Some(slot) = event.param_id().and_then(|id| self.slot(id)) {
            slot.store(event.value().to_bits(), Ordering::Relaxed);
        }
    }

    fn value(&self, index: usize) -> f64 {
        f64::from_bits(self.0[index].load(Ordering::Relaxed))
    }

    #[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
    fn factor(&self) -> f32 {
        let sign = if self.value(1) >= 1.0 { -1.0 } else { 1.0 };
        (sign * self.value(0)) as f32
    }
}

impl<'a> PluginAudioProcessor<'a, Shared, MainThread<'a>> for Processor<'a> {
    fn activate(
        _: HostAudioProcessorHandle<'a>,
        _: &MainThread<'a>,
        shared: &'a Shared,
        _: PluginAudioConfiguration,
    ) -> Result<Self, PluginError> {
        Ok(Self { shared, late: Default::default() })
    }

    fn process(
        &mut self,
        _: Process,
        mut audio: Audio,
        events: Events,
    ) -> Result<ProcessStatus, PluginError> {
        let (input, output) = mono::channel(&mut audio)?;
        for batch in events.input.batch() {
            batch.events().for_each(|event| self.shared.take(event));
            let (factor, frames) = (self.shared.factor(), batch.sample_bounds());
            for (sample, slot) in input[frames].iter().zip(&mut output[frames]) {
                self.late.rotate_left(1);
                let newest = &mut self.late[LATENCY_FRAMES as usize - 1];
                *slot = factor * std::mem::replace(newest, *sample);
            }
        }
        Ok(ProcessStatus::Continue)
    }
}

impl<'a> PluginMainThread<'a, Shared> for MainThread<'a> {}

impl PluginLatencyImpl for MainThread<'_> {
    fn get(&self) -> u32 {
        LATENCY_FRAMES
    }
}

impl PluginAudioPortsImpl for MainThread<'_> {
    fn count(&self, _: bool) -> u32 {
        1
    }

    fn get(&self, index: u32, _: bool, writer: &mut AudioPortInfoWriter) {
        mono::describe(index, writer);
    }
}

impl PluginMainThreadParams for MainThread<'_> {
    fn count(&self) -> u32 {
        3
    }

    fn get_info(&self, index: u32, writer: &mut ParamInfoWriter) {
        let stepped = ParamInfoFlags::IS_STEPPED;
        let (name, flags, max_value, default_value) = match index {
            0 => (b"Gain".as_slice(), ParamInfoFlags::IS_AUTOMATABLE, 2.0, 1.0),
            1 => (b"Mode".as_slice(), stepped, 1.0, 0.0),
            _ => (b"Secret".as_slice(), ParamInfoFlags::IS_HIDDEN, 1.0, 0.0),
        };
        let (id, cookie) = (ClapId::new(index + 1), Default::default());
        let (module, min_value) = (b"".as_slice(), 0.0);
        writer.set(&ParamInfo {
            id,
            flags,
            cookie,
            name,
            module,
            min_value,
            max_value,
            default_value,
        });
    }

    fn get_value(&self, id: ClapId) -> Option<f64> {
        self.0.slot(id).map(|slot| f64::from_bits(slot.load(Ordering::Relaxed)))
    }

    fn value_to_text(
        &self,
        id: ClapId,
        value: f64,
        writer: &mut ParamDisplayWriter,
    ) -> std::fmt::Result {
        match id.get() {
            2 => writer.write_str(MODES[usize::from(value >= 1.0)]),
            _ => write!(writer, "{value:.2} x"),
        }
    }

    fn text_to_value(&self, _: ClapId, text: &CStr) -> Option<f64> {
        text.to_str().ok()?.parse().ok()
    }

    fn flush(&self, input: &InputEvents, _: &mut OutputEvents) {
        input.iter().for_each(|event| self.0.take(event));
    }
}

impl PluginAudioProcessorParams for Processor<'_> {
    fn flush(&mut self, input: &InputEvents, _: &mut OutputEvents) {
        input.iter().for_each(|event| self.shared.take(event));
    }
}

impl PluginStateImpl for MainThread<'_> {
    fn save(&self, output: &mut OutputStream) -> Result<(), PluginError> {
        for slot in &self.0.0 {
            output.write_all(&slot.load(Ordering::Relaxed).to_le_bytes())?;
        }
        Ok(())
    }

    fn load(&self, input: &mut InputStream) -> Result<(), PluginError> {
        for slot in &self.0.0 {
            let mut bytes = [0; size_of::<u64>()];
            input.read_exact(&mut bytes)?;
            slot.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        }
        Ok(())
    }
}

clack_export_entry!(SinglePluginEntry<Gain>);
