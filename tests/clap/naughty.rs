//! A CLAP plug-in that misbehaves on demand, to test what its host survives: one channel, copied
//! unless `mode` says otherwise, from the first `process` after the mode arrived.

mod mono;

use std::ffi::CStr;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clack_extensions::audio_ports::{AudioPortInfoWriter, PluginAudioPorts, PluginAudioPortsImpl};
use clack_extensions::params::{
    ParamDisplayWriter, ParamInfo, ParamInfoFlags, ParamInfoWriter, PluginAudioProcessorParams,
    PluginMainThreadParams, PluginParams,
};
use clack_plugin::events::event_types::ParamValueEvent;
use clack_plugin::prelude::*;

const MODES: [&str; 7] =
    ["clean", "crash", "hang", "not a number", "allocates", "runaway", "sleeps"];

/// Longer than any block.
const SLEEP: Duration = Duration::from_millis(100);

/// Where the runaway ends: far beyond full scale, and still a number.
const LEVEL_MAX: f32 = 1e30;

struct Naughty;

struct Shared {
    mode: AtomicU32,
}

struct MainThread<'a>(&'a Shared);

struct Processor<'a> {
    shared: &'a Shared,
    level: f32,
}

impl Plugin for Naughty {
    type AudioProcessor<'a> = Processor<'a>;
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread<'a>;

    fn declare_extensions(builder: &mut PluginExtensions<Self>, _: Option<&Shared>) {
        builder.register::<PluginAudioPorts>().register::<PluginParams>();
    }
}

impl DefaultPluginFactory for Naughty {
    fn get_descriptor() -> PluginDescriptor {
        PluginDescriptor::new("org.affectd.test.naughty", "Test Naughty")
    }

    fn new_shared(_: HostSharedHandle<'_>) -> Result<Shared, PluginError> {
        Ok(Shared { mode: AtomicU32::new(0) })
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
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates, and no other mode is known"
    )]
    fn take(&self, events: &InputEvents) {
        for event in events {
            if let Some(event) = event.as_event::<ParamValueEvent>() {
                self.mode.store(event.value() as u32, Ordering::Relaxed);
            }
        }
    }
}

impl<'a> PluginAudioProcessor<'a, Shared, MainThread<'a>> for Processor<'a> {
    fn activate(
        _: HostAudioProcessorHandle<'a>,
        _: &MainThread<'a>,
        shared: &'a Shared,
        _: PluginAudioConfiguration,
    ) -> Result<Self, PluginError> {
        Ok(Self { shared, level: 1.0 })
    }

    fn process(
        &mut self,
        _: Process,
        mut audio: Audio,
        events: Events,
    ) -> Result<ProcessStatus, PluginError> {
        self.shared.take(events.input);
        let (input, output) = mono::channel(&mut audio)?;
        output.copy_from_slice(input);
        match self.shared.mode.load(Ordering::Relaxed) {
            1 => crash(),
            2 => loop {
                std::hint::spin_loop();
            },
            3 => output.fill(f32::NAN),
            4 => drop(black_box(vec![0_u8; 1000])),
            5 => {
                self.level = (2.0 * self.level).min(LEVEL_MAX);
                output.iter_mut().for_each(|sample| *sample *= self.level);
            }
            6 => std::thread::sleep(SLEEP),
            _ => {}
        }
        Ok(ProcessStatus::Continue)
    }
}

#[expect(unsafe_code, reason = "to crash is what it is for")]
fn crash() {
    // SAFETY: none. The page at 0 is not mapped, so the system ends the process here.
    unsafe { black_box(std::ptr::null_mut::<u8>()).write_volatile(1) }
}

impl<'a> PluginMainThread<'a, Shared> for MainThread<'a> {}

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
        1
    }

    fn get_info(&self, index: u32, writer: &mut ParamInfoWriter) {
        if index == 0 {
            writer.set(&ParamInfo {
                id: ClapId::new(1),
                flags: ParamInfoFlags::IS_STEPPED,
                cookie: Default::default(),
                name: b"Mode",
                module: b"",
                min_value: 0.0,
                max_value: 6.0,
                default_value: 0.0,
            });
        }
    }

    fn get_value(&self, _: ClapId) -> Option<f64> {
        Some(self.0.mode.load(Ordering::Relaxed).into())
    }

    fn value_to_text(
        &self,
        _: ClapId,
        value: f64,
        writer: &mut ParamDisplayWriter,
    ) -> std::fmt::Result {
        let labelled = (0_u32..).zip(MODES).find(|(mode, _)| f64::from(*mode) == value);
        writer.write_str(labelled.map_or("?", |(_, label)| label))
    }

    fn text_to_value(&self, _: ClapId, text: &CStr) -> Option<f64> {
        text.to_str().ok()?.parse().ok()
    }

    fn flush(&self, input: &InputEvents, _: &mut OutputEvents) {
        self.0.take(input);
    }
}

impl PluginAudioProcessorParams for Processor<'_> {
    fn flush(&mut self, input: &InputEvents, _: &mut OutputEvents) {
        self.shared.take(input);
    }
}

clack_export_entry!(SinglePluginEntry<Naughty>);
