//! One plug-in of a chain as the audio thread runs it: as many copies as the channels need, its
//! parameters gliding, its output checked. Built on the plug-in thread and moved in whole; never
//! allocates, frees, locks, logs, waits or panics once made.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod mend;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use crate::plugins::processor::{FRAMES_MAX, PORTS_MAX, Parameter, Processor};
use crate::plugins::unit::mend::Mender;
use crate::ring::CHANNELS_MAX;

/// A gliding parameter takes a step every so many frames: 0.3 ms at 48 kHz, which no ear follows.
const STEP_FRAMES: u32 = 16;

/// Output beyond this is no sound: 40 dB above full scale.
const RUNAWAY: f32 = 100.0;

/// A process takes all channels, which may be more than a plug-in has.
const PLANES_MAX: usize = if PORTS_MAX < CHANNELS_MAX { CHANNELS_MAX } else { PORTS_MAX };

/// The share of a new measurement in the load that is told: half of it is 70 blocks old or newer.
const LOAD_SHARE: f32 = 0.01;

/// What the audio thread tells of a unit. All Relaxed: numbers that guard no other memory.
#[derive(Debug, Default)]
pub struct Status {
    /// Bits of f32: the share of a block's time that it takes, smoothed.
    load: AtomicU32,
    latency_frames: AtomicU32,
    /// It gave NaN, infinity or far too loud a sound, and is silent since.
    pub is_muted: AtomicBool,
}

impl Status {
    /// Share of the time that a block lasts, 0..1 and above.
    pub fn load(&self) -> f32 {
        f32::from_bits(self.load.load(Ordering::Relaxed))
    }

    pub fn latency_frames(&self) -> u32 {
        self.latency_frames.load(Ordering::Relaxed)
    }

    /// Told by a process that measured it.
    pub fn tell(&self, load: f32, latency_frames: u32) {
        self.load.store(load.to_bits(), Ordering::Relaxed);
        self.latency_frames.store(latency_frames, Ordering::Relaxed);
    }
}

/// A parameter on its way.
#[derive(Clone, Copy, Debug)]
struct Glide {
    now: f32,
    target: f32,
    steps_left: u32,
    is_stepped: bool,
    min: f32,
    max: f32,
}

type Planes = Box<[Box<[f32]>]>;

pub struct Unit {
    /// Tells it from the unit that was in its slot before.
    pub serial: u64,
    processors: Box<[Box<dyn Processor>]>,
    /// Of one processor.
    inputs: usize,
    outputs: usize,
    glides: Box<[Glide]>,
    gliding: usize,
    /// Frames until the next step, whatever the blocks.
    until_step: usize,
    /// Mixed inputs, where it has fewer than there are channels.
    mixed: Planes,
    /// What the processors wrote.
    raw: Planes,
    /// What the channels get.
    out: Planes,
    mender: Mender,
    /// Frames since it started, and before the last render.
    rendered: usize,
    was_rendered: usize,
    /// A plug-in that tells a longer delay is not waited for.
    wait_frames_max: usize,
    ns_per_frame: f32,
    has_started: bool,
    status: Arc<Status>,
}

/// How many copies of a plug-in a chain of so many channels takes: one for each, or one for all
/// where inputs and outputs do not come out even.
pub fn copies(channels: usize, inputs: usize, outputs: usize) -> usize {
    let is_even = inputs == outputs && channels.is_multiple_of(inputs.max(1));
    if is_even { channels / inputs.max(1) } else { 1 }
}

/// What a unit is made of.
pub struct Parts<'a> {
    pub serial: u64,
    /// Of the chain.
    pub channels: usize,
    pub rate_hz: u32,
    pub inputs: usize,
    pub outputs: usize,
    pub parameters: &'a [Parameter],
    pub values: &'a [f32],
    /// As many as [`copies`] says, all with these values.
    pub processors: Vec<Box<dyn Processor>>,
}

impl Unit {
    #[expect(clippy::disallowed_methods, reason = "made on the plug-in thread")]
    pub fn new(parts: Parts) -> Self {
        let glides = parts.parameters.iter().zip(parts.values);
        let glide = |(parameter, &now): (&Parameter, &f32)| Glide {
            now,
            target: now,
            steps_left: 0,
            is_stepped: parameter.is_stepped(),
            min: parameter.min,
            max: parameter.max,
        };
        let written = parts.processors.len() * parts.outputs;
        let is_mixed = parts.processors.len() == 1 && parts.inputs < parts.channels;
        Self {
            serial: parts.serial,
            inputs: parts.inputs.min(PLANES_MAX),
            outputs: parts.outputs.min(PLANES_MAX),
            glides: glides.map(glide).collect(),
            gliding: 0,
            until_step: 0,
            mixed: planes(if is_mixed { parts.inputs } else { 0 }, FRAMES_MAX),
            raw: planes(written, FRAMES_MAX),
            out: planes(parts.channels, FRAMES_MAX),
            mender: Mender::new(parts.channels),
            rendered: 0,
            was_rendered: 0,
            wait_frames_max: parts.rate_hz as usize,
            ns_per_frame: 1e9 / parts.rate_hz as f32,
            has_started: false,
            processors: parts.processors.into_boxed_slice(),
            status: Arc::default(),
        }
    }

    pub fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// On the plug-in thread, while it does not run.
    pub fn processors(&mut self) -> &mut [Box<dyn Processor>] {
        &mut self.processors
    }

    /// This parameter goes to this value within so many frames. A value out of its range, as of
    /// one who does not know yet that another plug-in is here, goes to the range's end.
    pub fn set(&mut self, parameter: usize, value: f32, frames: u32) {
        let Some(glide) = self.glides.get_mut(parameter) else { return };
        let smooths_itself = self.processors.iter().any(|processor| processor.smooths_itself());
        let steps = match glide.is_stepped || smooths_itself {
            true => 1,
            false => (frames / STEP_FRAMES).max(1),
        };
        let value = value.max(glide.min).min(glide.max);
        if self.gliding == 0 {
            self.until_step = 0;
        }
        self.gliding += usize::from(glide.steps_left == 0);
        *glide = Glide { target: value, steps_left: steps, ..*glide };
    }

    /// All parameters at once, on the plug-in thread; what is there already stays as it is.
    pub fn set_all(&mut self, values: &[f32]) {
        for (index, &value) in values.iter().enumerate() {
            if self.glides.get(index).is_some_and(|glide| glide.target != value) {
                self.set(index, value, 0);
            }
        }
    }

    /// Renders what the channels get; it is there until the next call. 1 to [`FRAMES_MAX`] frames.
    pub fn render(&mut self, dry: &[&[f32]], frames: usize) {
        if dry.is_empty() || frames == 0 {
            return;
        }
        let begun = now();
        if !self.has_started {
            self.has_started = true;
            self.processors.iter_mut().for_each(|processor| processor.start());
        }
        let is_muted = self.status.is_muted.load(Ordering::Relaxed) || self.raw.is_empty();
        if !is_muted {
            self.run(dry, frames);
        }
        let has_output = !is_muted && self.processors.iter().all(|one| one.has_output());
        let is_sound = has_output && self.is_sound(frames);
        if has_output && !is_sound {
            self.status.is_muted.store(true, Ordering::Relaxed);
        }
        if is_sound && !self.mender.is_going() {
            self.hand_out(frames);
            self.mender.blend(&mut self.out, dry, frames);
        } else {
            self.mender.mend(&mut self.out, dry, frames);
        }
        self.was_rendered = self.rendered;
        self.rendered = self.rendered.saturating_add(frames);
        let spent = begun.elapsed().as_nanos() as f32;
        let load = spent / (self.ns_per_frame * frames as f32);
        let before = self.status.load();
        let latency = self.processors.iter().map(|one| one.latency_frames()).max().unwrap_or(0);
        self.status.tell(before + LOAD_SHARE * (load - before), latency);
    }

    /// It is somewhere else from here on, and what it holds comes from where it was.
    pub fn cool(&mut self) {
        (self.rendered, self.was_rendered) = (0, 0);
    }

    /// What was rendered last lies behind its delay.
    pub fn is_warm(&self) -> bool {
        let delay = self.status.latency_frames() as usize;
        delay.min(self.wait_frames_max) <= self.was_rendered
    }

    /// What was rendered last, one plane for each channel.
    pub fn out(&self) -> &[Box<[f32]>] {
        &self.out
    }

    /// Before it is given back.
    pub fn stop(&mut self) {
        if self.has_started {
            self.has_started = false;
            self.cool();
            self.mender.reset();
            self.processors.iter_mut().for_each(|processor| processor.stop());
        }
    }

    /// The piece in steps while a parameter glides, else at once.
    fn run(&mut self, dry: &[&[f32]], frames: usize) {
        let mut done = 0;
        while done < frames {
            if self.gliding > 0 && self.until_step == 0 {
                self.step_glides();
                self.until_step = STEP_FRAMES as usize;
            }
            let piece = match self.until_step {
                0 => frames - done,
                left => left.min(frames - done),
            };
            self.run_piece(dry, done, done + piece);
            self.until_step = self.until_step.saturating_sub(piece);
            done += piece;
        }
    }

    fn step_glides(&mut self) {
        for (index, glide) in self.glides.iter_mut().enumerate() {
            if glide.steps_left == 0 {
                continue;
            }
            glide.now += (glide.target - glide.now) / glide.steps_left as f32;
            glide.steps_left -= 1;
            if glide.steps_left == 0 {
                glide.now = glide.target;
                self.gliding -= 1;
            }
            self.processors.iter_mut().for_each(|processor| processor.set(index, glide.now));
        }
    }

    fn run_piece(&mut self, dry: &[&[f32]], from: usize, to: usize) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        mix(dry, &mut self.mixed, from..to);
        let is_single = self.processors.len() == 1;
        let mut raw = self.raw.iter_mut();
        for (copy, processor) in self.processors.iter_mut().enumerate() {
            let mut given: [&[f32]; PLANES_MAX] = [&[]; PLANES_MAX];
            for (port, slice) in given.iter_mut().enumerate().take(inputs) {
                *slice = match self.mixed.get(port) {
                    Some(mixed) => &mixed[from..to],
                    None if is_single => &dry[port % dry.len()][from..to],
                    None => &dry[(copy * inputs + port) % dry.len()][from..to],
                };
            }
            let mut taken: [&mut [f32]; PLANES_MAX] = Default::default();
            for (slice, plane) in taken.iter_mut().zip(raw.by_ref().take(outputs)) {
                *slice = &mut plane[from..to];
            }
            processor.process(&given[..inputs], &mut taken[..outputs]);
        }
    }

    fn is_sound(&self, frames: usize) -> bool {
        // NaN compares to nothing, so it is not within the bounds.
        let is_in_bounds = |plane: &[f32]| plane.iter().all(|sample| sample.abs() <= RUNAWAY);
        self.raw.iter().all(|plane| is_in_bounds(&plane[..frames]))
    }

    /// From the outputs to the channels: one each, or the mean of those that fall to a channel.
    fn hand_out(&mut self, frames: usize) {
        let (written, channels) = (self.raw.len(), self.out.len());
        if written == channels {
            std::mem::swap(&mut self.raw, &mut self.out);
            return;
        }
        for (channel, out) in self.out.iter_mut().enumerate() {
            let out = &mut out[..frames];
            if written < channels {
                out.copy_from_slice(&self.raw[channel % written][..frames]);
                continue;
            }
            average(self.raw.iter().skip(channel).step_by(channels).map(|p| &p[..frames]), out);
        }
    }
}

/// Each plane the mean of the channels that fall to it.
fn mix(dry: &[&[f32]], mixed: &mut [Box<[f32]>], piece: std::ops::Range<usize>) {
    let ports = mixed.len();
    for (port, plane) in mixed.iter_mut().enumerate() {
        let channels = dry.iter().skip(port).step_by(ports);
        average(channels.map(|channel| &channel[piece.clone()]), &mut plane[piece.clone()]);
    }
}

fn average<'a>(planes: impl Iterator<Item = &'a [f32]>, out: &mut [f32]) {
    out.fill(0.0);
    let mut count = 0.0_f32;
    for plane in planes {
        count += 1.0;
        out.iter_mut().zip(plane).for_each(|(out, sample)| *out += sample);
    }
    let scale = 1.0 / count.max(1.0);
    out.iter_mut().for_each(|out| *out *= scale);
}

#[expect(clippy::disallowed_methods, reason = "read from memory on Linux, macOS and Windows")]
fn now() -> Instant {
    Instant::now()
}

fn planes(count: usize, frames: usize) -> Planes {
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_macros,
        reason = "made on the plug-in thread"
    )]
    (0..count).map(|_| vec![0.0; frames].into_boxed_slice()).collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run on threads that may")]
pub mod testing;

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests run on threads that may"
)]
mod tests;
