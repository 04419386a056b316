//! The half of a CLAP plug-in that the audio thread runs: moves become events, sound goes through
//! buffers of our own, for a plug-in may write into what it is given. Never allocates, frees,
//! locks, logs, waits or panics once made; what the plug-in itself does is up to it.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::{
    AudioPortBuffer, AudioPortBufferType, AudioPorts, InputAudioBuffers, InputChannel, InputEvents,
    OutputAudioBuffers, OutputEvents, Pckn, PluginAudioProcessor,
};

use crate::plugins::clap::host::{Host, Notes};
use crate::plugins::clap::parameters::Place;
use crate::plugins::clap::ports::Layout;
use crate::plugins::processor::{FRAMES_MAX, Processor};

/// The audio half.
pub struct ClapProcessor {
    plugin: PluginAudioProcessor<Host>,
    notes: Arc<Notes>,
    inputs: Ports,
    outputs: Ports,
    places: Box<[Place]>,
    moves: Moves,
    /// Since it was made.
    frames: u64,
}

impl ClapProcessor {
    pub fn new(
        plugin: PluginAudioProcessor<Host>,
        notes: Arc<Notes>,
        layout: &Layout,
        places: Vec<Place>,
    ) -> Self {
        let moves = Moves::new(&places);
        let (inputs, outputs) = (Ports::new(&layout.inputs), Ports::new(&layout.outputs));
        Self { plugin, notes, inputs, outputs, places: places.into(), moves, frames: 0 }
    }
}

impl Processor for ClapProcessor {
    fn start(&mut self) {
        self.notes.enter_audio();
        if self.plugin.ensure_processing_started().is_err() {
            self.notes.give_up_start();
        }
    }

    fn process(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        self.notes.enter_audio();
        let frames = outputs.first().map_or(0, |output| output.len().min(FRAMES_MAX));
        self.inputs.fill(inputs);
        let ran = self.plugin.as_started_mut().and_then(|plugin| {
            plugin.process(
                &self.inputs.as_inputs(frames),
                &mut self.outputs.as_outputs(frames),
                &InputEvents::from_buffer(&self.moves.queued()),
                &mut OutputEvents::void(),
                Some(self.frames),
                None,
            )
        });
        self.frames += frames as u64;
        if ran.is_ok() {
            self.moves.clear();
            self.outputs.empty(outputs);
        } else {
            outputs.iter_mut().for_each(|output| output.fill(0.0));
        }
    }

    fn set(&mut self, parameter: usize, value: f32) {
        if let Some(place) = self.places.get(parameter) {
            // The range was rounded to f32, perhaps to a number beyond it.
            let value = f64::from(value).max(place.min).min(place.max);
            self.moves.queue(parameter, place, value);
        }
    }

    fn latency_frames(&self) -> u32 {
        self.notes.latency_frames.load(Ordering::Relaxed)
    }

    fn stop(&mut self) {
        self.notes.enter_audio();
        self.plugin.ensure_processing_stopped();
        self.notes.leave_audio();
    }
}

/// The moves since the last block, at most one of each parameter: a later one replaces the earlier.
struct Moves {
    /// Room for one of each parameter; the first `count` are to be sent.
    events: Box<[ParamValueEvent]>,
    count: usize,
    /// Which of the events is the parameter's, if it is among those to be sent.
    indices: Box<[usize]>,
}

impl Moves {
    #[expect(clippy::disallowed_methods, reason = "made on the plug-in thread")]
    fn new(places: &[Place]) -> Self {
        let event = |place: &Place| ParamValueEvent::new(0, place.id, Pckn::match_all(), place.min);
        let indices = places.iter().map(|_| 0).collect();
        Self { events: places.iter().map(event).collect(), count: 0, indices }
    }

    fn queue(&mut self, parameter: usize, place: &Place, value: f64) {
        let Some(index) = self.indices.get_mut(parameter) else { return };
        let is_mine = |event: &ParamValueEvent| event.param_id() == Some(place.id);
        let is_queued = *index < self.count && self.events.get(*index).is_some_and(is_mine);
        if !is_queued {
            *index = self.count;
            self.count += 1;
        }
        if let Some(event) = self.events.get_mut(*index) {
            *event = ParamValueEvent::new(0, place.id, Pckn::match_all(), value);
        }
    }

    fn queued(&self) -> &[ParamValueEvent] {
        self.events.get(..self.count).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.count = 0;
    }
}

/// A buffer for each channel.
type Port = Box<[Box<[f32]>]>;

/// Buffers of all ports of one direction. Sound goes through the first; further inputs are silent,
/// and what comes out of further outputs is not heard.
struct Ports {
    buffers: Box<[Port]>,
    raw: AudioPorts,
}

impl Ports {
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_macros,
        reason = "made on the plug-in thread"
    )]
    fn new(channels: &[usize]) -> Self {
        let port = |&channels: &usize| {
            (0..channels).map(|_| vec![0.0; FRAMES_MAX].into_boxed_slice()).collect()
        };
        let raw = AudioPorts::with_capacity(channels.iter().sum(), channels.len());
        Self { buffers: channels.iter().map(port).collect(), raw }
    }

    fn fill(&mut self, inputs: &[&[f32]]) {
        let Some((first, further)) = self.buffers.split_first_mut() else { return };
        for (buffer, input) in first.iter_mut().zip(inputs) {
            buffer.iter_mut().zip(*input).for_each(|(slot, sample)| *slot = *sample);
        }
        // A plug-in may have written into them.
        further.iter_mut().flatten().for_each(|buffer| buffer.fill(0.0));
    }

    fn empty(&self, outputs: &mut [&mut [f32]]) {
        let Some(first) = self.buffers.first() else { return };
        for (buffer, output) in first.iter().zip(outputs) {
            output.iter_mut().zip(buffer).for_each(|(slot, sample)| *slot = *sample);
        }
    }

    fn as_inputs(&mut self, frames: usize) -> InputAudioBuffers<'_> {
        self.raw.with_input_buffers(self.buffers.iter_mut().map(|port| AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                port.iter_mut().map(move |buffer| InputChannel::variable(&mut buffer[..frames])),
            ),
        }))
    }

    fn as_outputs(&mut self, frames: usize) -> OutputAudioBuffers<'_> {
        self.raw.with_output_buffers(self.buffers.iter_mut().map(|port| AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                port.iter_mut().map(move |buffer| &mut buffer[..frames]),
            ),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_inputs_are_silent_and_only_the_first_output_is_heard() {
        let mut ports = Ports::new(&[1, 0, 2]);
        ports.buffers[2][1].fill(9.0);
        ports.fill(&[&[0.5; 10]]);
        let buffers = ports.as_inputs(10);
        assert!(buffers.port_infos().map(|port| port.channel_count()).eq([1, 0, 2]));
        assert_eq!(buffers.frames_count(), Some(10));
        assert_eq!(ports.buffers[2][1][..10], [0.0; 10]);
        let mut heard = [9.0; 10];
        ports.empty(&mut [&mut heard]);
        assert_eq!(heard, [0.5; 10]);
    }
}
