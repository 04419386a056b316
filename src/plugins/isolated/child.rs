//! The process that hosts untrusted plug-ins: a chain of its own between the two rings of the
//! shared memory. Its main thread builds the plug-ins, answers and tends; its audio thread looks
//! for sound several times a block and sleeps in between, so that the callback on the other side
//! needs no system call to wake it. Ends with its standard input.

use std::io::{BufRead, Write, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::audio::denormals::without_denormals;
use crate::audio::priority::Priority;
use crate::plugins::builtin::denoise::prepare_thread;
use crate::plugins::chain::{Chains, Edit, Move, Place, chains};
use crate::plugins::formats::Formats;
use crate::plugins::instance::Instance;
use crate::plugins::isolated::memory::{MEMBERS_MAX, Memory, RING_FRAMES, Report, VALUES_MAX, Way};
use crate::plugins::isolated::protocol::{Answer, Ask, BuiltMember, Wanted};
use crate::plugins::processor::FRAMES_MAX;
use crate::plugins::wire::Wire;
use crate::ring::{Block, CHANNELS_MAX};

/// How often the plug-ins are tended.
const TEND: Duration = Duration::from_millis(10);

/// Looks for sound in the time of a block. Those of the first three quarters are left out: blocks
/// come evenly, and each look costs some 15 us of a virtual machine's core (our measurement,
/// 2026-11).
const LOOKS_PER_BLOCK: u32 = 8;
const LOOKS_LEFT_OUT: u32 = 6;

const NAP_MIN: Duration = Duration::from_micros(50);

/// When none has come for a while.
const NAP_MAX: Duration = Duration::from_millis(5);

/// What it may take to end once nobody asks any more.
const END_LIMIT: Duration = Duration::from_secs(1);

/// A parameter glides to its value in so many seconds, as in process.
const GLIDE_S: f32 = 0.02;

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("this command is run by affectd itself, with its questions on standard input")]
    NotAsked,
    #[error("the shared memory cannot be used: {0}")]
    Memory(#[from] std::io::Error),
}

/// Until standard input ends.
pub fn run() -> Result<(), HostError> {
    let (asked, questions) = sync_channel(4);
    std::thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if asked.send(line).is_err() {
                break;
            }
        }
        // A plug-in that hangs would keep the process for ever.
        drop(asked);
        std::thread::sleep(END_LIMIT);
        std::process::exit(0);
    });
    let line = questions.recv().map_err(|_| HostError::NotAsked)?;
    let Ok(Ask::Build(wanted)) = serde_json::from_str(&line) else {
        return Err(HostError::NotAsked);
    };
    let memory = Arc::new(Memory::open(&wanted.memory, wanted.channels)?);
    let mut formats = Formats::default();
    let mut instances: Vec<Instance> = Vec::new();
    let (chains, ends) = chains(wanted.channels, wanted.rate_hz);
    let mut wire = Wire::new(ends);
    for (index, member) in wanted.members.iter().enumerate().take(MEMBERS_MAX) {
        memory.set_running(u32::try_from(index).unwrap_or(0));
        let built = Instance::build(&mut formats, member, wanted.channels, wanted.rate_hz);
        match built {
            Ok((instance, unit)) => {
                let slot = u32::try_from(index).unwrap_or(0);
                let place = Place { channel: None, is_heard: true };
                let unit = Box::new(unit);
                let edit = Edit::Insert { slot, place, before: None, unit, bypass: false };
                wire.push(edit);
                instances.push(instance);
            }
            Err(error) => {
                answer(&Answer::Refused { member: index, error })?;
                return Ok(());
            }
        }
    }
    serve(&questions, &memory, (chains, wire), &mut instances, &wanted)
}

fn serve(
    questions: &Receiver<String>,
    memory: &Arc<Memory>,
    (chains, mut wire): (Chains, Wire),
    instances: &mut [Instance],
    wanted: &Wanted,
) -> Result<(), HostError> {
    let member = |instance: &Instance| BuiltMember {
        title: instance.title.clone(),
        parameters: instance.parameters.to_vec(),
        values: instance.values.all(),
        base: instance.base.clone(),
    };
    let built: Vec<_> = instances.iter().map(member).collect();
    let layout = Layout::of(&built);
    let stop = Arc::new(AtomicBool::new(false));
    let mut audio = Audio::new(Arc::clone(memory), chains, layout, wanted);
    let ends_too = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        prepare_thread();
        while !ends_too.load(Ordering::Relaxed) {
            let nap = audio.look();
            std::thread::sleep(nap);
        }
    });
    answer(&Answer::Built(built))?;
    loop {
        match questions.recv_timeout(TEND) {
            Ok(line) => {
                if let Ok(Ask::Save) = serde_json::from_str(&line) {
                    answer(&Answer::Saved(save(&mut wire, instances)))?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        for (index, instance) in instances.iter_mut().enumerate() {
            instance.tend();
            let status = &instance.status;
            let report = Report {
                load: status.load(),
                latency_frames: status.latency_frames(),
                is_muted: status.is_muted.load(Ordering::Relaxed),
            };
            memory.set_report(index, report);
        }
        // Too late for the `save` that asked for it.
        for unit in wire.returned() {
            let mut owners = (0..).zip(&*instances);
            if let Some((slot, owner)) = owners.find(|(_, one)| one.serial == unit.serial) {
                owner.send_back(&mut wire, slot, unit);
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    // The plug-ins run until then; one that hangs is ended with the process.
    thread.join().unwrap_or_default();
    Ok(())
}

fn save(wire: &mut Wire, instances: &mut [Instance]) -> Vec<Option<Vec<u8>>> {
    let mut one = |(index, instance): (usize, &mut Instance)| {
        let slot = u32::try_from(index).unwrap_or(0);
        instance.save(Some(&mut *wire), slot).unwrap_or_else(|error| {
            log::warn!("{error}");
            None
        })
    };
    instances.iter_mut().enumerate().map(&mut one).collect()
}

fn answer(answer: &Answer) -> std::io::Result<()> {
    let mut out = stdout().lock();
    // On a line of its own, whatever a plug-in has printed before it.
    out.write_all(b"\n")?;
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Which value in the shared memory is which parameter: those of the first plug-in, those of the
/// second …, then whether each is passed by.
struct Layout {
    /// Slot and parameter of each value.
    parameters: Vec<(u32, usize)>,
    members: usize,
}

impl Layout {
    fn of(built: &[BuiltMember]) -> Self {
        let of = |(slot, member): (u32, &BuiltMember)| {
            (0..member.parameters.len()).map(move |parameter| (slot, parameter))
        };
        let parameters = (0_u32..).zip(built).flat_map(of).take(VALUES_MAX).collect();
        Self { parameters, members: built.len() }
    }
}

/// All that its audio thread has.
struct Audio {
    memory: Arc<Memory>,
    chains: Chains,
    layout: Layout,
    /// The values as they were applied; NaN for none yet, which equals nothing.
    values: Vec<f32>,
    version: u32,
    done: u32,
    input: Vec<Vec<f32>>,
    nap: Duration,
    rate_hz: u32,
    has_priority: bool,
    priority: Priority,
}

impl Audio {
    fn new(memory: Arc<Memory>, chains: Chains, layout: Layout, wanted: &Wanted) -> Self {
        let marks = Arc::clone(&memory);
        Self {
            chains: chains.marking(Box::new(move |slot| marks.set_running(slot))),
            values: vec![f32::NAN; layout.parameters.len() + layout.members],
            done: memory.end(Way::There),
            memory,
            layout,
            version: 0,
            input: vec![vec![0.0; FRAMES_MAX]; wanted.channels.min(CHANNELS_MAX)],
            nap: NAP_MIN,
            rate_hz: wanted.rate_hz,
            has_priority: false,
            priority: Priority::default(),
        }
    }

    /// Takes what has come; gives how long to sleep until the next look.
    fn look(&mut self) -> Duration {
        let pending = self.memory.end(Way::There).wrapping_sub(self.done);
        if pending == 0 {
            self.nap = (self.nap + self.nap / 16).min(NAP_MAX);
            return self.nap;
        }
        if RING_FRAMES / 2 < pending {
            // Too late for all of that: the newest only.
            self.done = self.done.wrapping_add(pending - RING_FRAMES / 4);
            return Duration::ZERO;
        }
        let frames = (pending as usize).min(FRAMES_MAX);
        if !self.has_priority {
            self.has_priority = true;
            self.priority.raise(frames, self.rate_hz);
        }
        let begun = Instant::now();
        without_denormals(|| {
            self.chains.obey();
            self.follow_values();
            self.process(frames);
        });
        let block = Duration::from_secs_f64(frames as f64 / f64::from(self.rate_hz.max(1)));
        self.nap = (block / LOOKS_PER_BLOCK).clamp(NAP_MIN, NAP_MAX);
        (LOOKS_LEFT_OUT * self.nap).saturating_sub(begun.elapsed()).max(NAP_MIN)
    }

    fn follow_values(&mut self) {
        let version = self.memory.version();
        if version == self.version {
            return;
        }
        self.version = version;
        let frames = crate::units::to_count(f64::from(GLIDE_S) * f64::from(self.rate_hz));
        let frames = u32::try_from(frames).unwrap_or(0);
        for (index, old) in self.values.iter_mut().enumerate() {
            let value = self.memory.value(index);
            if value == *old {
                continue;
            }
            *old = value;
            match self.layout.parameters.get(index) {
                Some(&(slot, parameter)) => {
                    self.chains.set(Move { slot, parameter, value, frames });
                }
                None => {
                    let member = index - self.layout.parameters.len();
                    let slot = u32::try_from(member).unwrap_or(0);
                    if !self.chains.bypass(slot, value >= 0.5) {
                        // It still fades; at the next look.
                        *old = f32::NAN;
                        self.version = version.wrapping_sub(1);
                    }
                }
            }
        }
    }

    fn process(&mut self, frames: usize) {
        let (memory, done, channels) = (&self.memory, self.done, self.input.len());
        let mut slices: [&[f32]; CHANNELS_MAX] = [&[]; CHANNELS_MAX];
        for (channel, (slice, input)) in slices.iter_mut().zip(&mut self.input).enumerate() {
            memory.read(Way::There, channel, done, &mut input[..frames]);
            *slice = &input[..frames];
        }
        let block = Block::Planar(&slices[..channels]);
        self.chains.load(block, 0);
        self.chains.run(true, frames);
        self.chains.each_plane(frames, |channel, samples| {
            memory.write(Way::Back, channel, done, samples);
        });
        self.chains.settle();
        // A piece is at most FRAMES_MAX.
        self.done = done.wrapping_add(u32::try_from(frames).unwrap_or(0));
        memory.set_end(Way::Back, self.done);
    }
}
