//! How many channels a CLAP plug-in's ports for sound have. On the plug-in thread.

use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_host::prelude::PluginMainThreadHandle;

use crate::plugins::error::PluginError;
use crate::plugins::processor::PORTS_MAX;

/// Most channels of all ports of one direction. The largest that is known, ambisonics of the
/// seventh order, has 64; more are a broken plug-in, for which no memory is taken.
const CHANNELS_MAX: usize = 256;

/// Channels of each port; the first ports are the main ones.
#[derive(Debug)]
pub struct Layout {
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
}

impl Layout {
    pub fn read(plugin: PluginMainThreadHandle<'_>, uri: &str) -> Result<Self, PluginError> {
        let refused =
            |reason: &str| PluginError::Refused { uri: uri.into(), reason: reason.into() };
        let Some(ports) = plugin.get_extension::<PluginAudioPorts>() else {
            return Err(refused("it has no ports for sound"));
        };
        let read = |is_input| {
            channels(plugin, ports, is_input).ok_or_else(|| refused("its ports make no sense"))
        };
        let layout = Self { inputs: read(true)?, outputs: read(false)? };
        let (inputs, outputs) = (layout.main_inputs(), layout.main_outputs());
        let is_usable = |channels| (1..=PORTS_MAX).contains(&channels);
        if !is_usable(inputs) || !is_usable(outputs) {
            return Err(PluginError::Ports { uri: uri.into(), inputs, outputs });
        }
        Ok(layout)
    }

    pub fn main_inputs(&self) -> usize {
        self.inputs.first().copied().unwrap_or(0)
    }

    pub fn main_outputs(&self) -> usize {
        self.outputs.first().copied().unwrap_or(0)
    }
}

fn channels(
    plugin: PluginMainThreadHandle<'_>,
    ports: PluginAudioPorts,
    is_input: bool,
) -> Option<Vec<usize>> {
    let mut buffer = AudioPortInfoBuffer::new();
    let (mut channels, mut sum) = (Vec::new(), 0);
    for index in 0..ports.count(&plugin, is_input) {
        let port = ports.get(&plugin, index, is_input, &mut buffer)?;
        let count = usize::try_from(port.channel_count).ok()?;
        sum += count.max(1); // an empty port needs room too
        if CHANNELS_MAX < sum {
            return None;
        }
        channels.push(count);
    }
    Some(channels)
}
