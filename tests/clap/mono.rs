//! What the plug-ins for tests have in common: one channel in, one out, not in place.

use clack_extensions::audio_ports::{
    AudioPortFlags, AudioPortInfo, AudioPortInfoWriter, AudioPortType,
};
use clack_plugin::prelude::*;

/// The only port of either direction.
pub fn describe(index: u32, writer: &mut AudioPortInfoWriter) {
    if index == 0 {
        writer.set(&AudioPortInfo {
            id: ClapId::new(1),
            name: b"main",
            channel_count: 1,
            flags: AudioPortFlags::IS_MAIN,
            port_type: Some(AudioPortType::MONO),
            in_place_pair: None,
        });
    }
}

/// Its sound, in and out.
pub fn channel<'a>(audio: &'a mut Audio) -> Result<(&'a [f32], &'a mut [f32]), PluginError> {
    let mut pair = audio.port_pair(0).ok_or(PluginError::Message("it has a port"))?;
    let channels = pair.channels()?.into_f32();
    match channels.and_then(|mut channels| channels.channel_pair(0)) {
        Some(ChannelPair::InputOutput(input, output)) => {
            assert_eq!(input.len(), output.len(), "the host promises one length of block");
            Ok((input, output))
        }
        _ => Err(PluginError::Message("it has a channel of f32, not in place")),
    }
}
