//! The memory that a chain and the process of its untrusted plug-ins share: sound on its way there
//! and back in two rings that are indexed by the count of frames, the wanted value of every
//! parameter, and what the process tells of each plug-in. Both sides only load and store words, so
//! neither can hold the other up; what a process that went astray writes there is noise at worst.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use crate::ring::CHANNELS_MAX;

/// Frames that a ring holds: the longest block and the longest delay twice over, and a power of
/// two, so that counts wrap.
pub const RING_FRAMES: u32 = 32_768;

/// Parameters of all plug-ins of one process; lsp's largest has some 500.
pub const VALUES_MAX: usize = 8192;

/// Plug-ins of one process.
pub const MEMBERS_MAX: usize = 64;

/// Words of the head, each on a cache line of its own, as two processes write them.
const LINE: usize = 16;
const IN_END: usize = 0;
const OUT_END: usize = LINE;
const VERSION: usize = 2 * LINE;
const RUNNING: usize = 3 * LINE;
const HEAD: usize = 4 * LINE;

/// Words that tell of a plug-in.
const LOAD: usize = 0;
const LATENCY: usize = 1;
const MUTED: usize = 2;
const REPORT: usize = 4;

const REPORTS: usize = HEAD;
const VALUES: usize = REPORTS + MEMBERS_MAX * REPORT;
const RINGS: usize = VALUES + VALUES_MAX;

/// A plug-in as its process sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Share of the time that a block lasts.
    pub load: f32,
    pub latency_frames: u32,
    /// It gave no sound and is passed by since.
    pub is_muted: bool,
}

/// Which way sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    There,
    Back,
}

pub struct Memory {
    map: MmapRaw,
    channels: usize,
}

impl Memory {
    /// Makes the file, for this user alone. `channels` at most [`CHANNELS_MAX`].
    pub fn create(path: &Path, channels: usize) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        // Written, not only made long: a full file system says so here, and not by a signal when
        // the audio thread comes to a page that is not there.
        file.write_all(&vec![0; 4 * words(channels)])?;
        Self::map(&file, channels)
    }

    pub fn open(path: &Path, channels: usize) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if file.metadata()?.len() < 4 * words(channels) as u64 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Self::map(&file, channels)
    }

    fn map(file: &File, channels: usize) -> io::Result<Self> {
        let channels = channels.min(CHANNELS_MAX);
        let map = MmapOptions::new().len(4 * words(channels)).populate().map_raw(file)?;
        Ok(Self { map, channels })
    }

    #[expect(unsafe_code, reason = "memory that another process has too")]
    fn words(&self) -> &[AtomicU32] {
        // SAFETY: the map is that long, on a page's border, and lives as long as `self`; any bits
        // are an AtomicU32, and both processes touch it by atomic operations alone.
        unsafe {
            std::slice::from_raw_parts(self.map.as_ptr().cast::<AtomicU32>(), words(self.channels))
        }
    }

    /// Frames that went so far, wrapping. Acquire pairs with the Release of `set_end`: what it
    /// counts is there to be read.
    pub fn end(&self, way: Way) -> u32 {
        self.words()[end_of(way)].load(Ordering::Acquire)
    }

    pub fn set_end(&self, way: Way, end: u32) {
        self.words()[end_of(way)].store(end, Ordering::Release);
    }

    pub fn write(&self, way: Way, channel: usize, position: u32, samples: &[f32]) {
        let (first, second) = self.places(way, channel, position, samples.len());
        for (word, sample) in first.iter().chain(second).zip(samples) {
            word.store(sample.to_bits(), Ordering::Relaxed);
        }
    }

    pub fn read(&self, way: Way, channel: usize, position: u32, samples: &mut [f32]) {
        let (first, second) = self.places(way, channel, position, samples.len());
        for (word, sample) in first.iter().chain(second).zip(samples) {
            *sample = f32::from_bits(word.load(Ordering::Relaxed));
        }
    }

    fn places(
        &self,
        way: Way,
        channel: usize,
        position: u32,
        frames: usize,
    ) -> (&[AtomicU32], &[AtomicU32]) {
        let ring_frames = RING_FRAMES as usize;
        let ring = channel + if way == Way::Back { self.channels } else { 0 };
        let ring = &self.words()[RINGS + ring * ring_frames..][..ring_frames];
        let from = (position % RING_FRAMES) as usize;
        let frames = frames.min(ring_frames);
        let to_end = frames.min(ring_frames - from);
        (&ring[from..from + to_end], &ring[..frames - to_end])
    }

    /// Counts the changes of values. Acquire and Release as with `end`.
    pub fn version(&self) -> u32 {
        self.words()[VERSION].load(Ordering::Acquire)
    }

    pub fn set_value(&self, index: usize, value: f32) {
        if index < VALUES_MAX {
            self.words()[VALUES + index].store(value.to_bits(), Ordering::Relaxed);
            self.words()[VERSION].fetch_add(1, Ordering::Release);
        }
    }

    pub fn value(&self, index: usize) -> f32 {
        f32::from_bits(self.words()[VALUES + index.min(VALUES_MAX - 1)].load(Ordering::Relaxed))
    }

    /// Which plug-in runs, as the process said before it went on: who is to blame for a crash.
    pub fn running(&self) -> usize {
        self.words()[RUNNING].load(Ordering::Relaxed) as usize
    }

    pub fn set_running(&self, member: u32) {
        self.words()[RUNNING].store(member, Ordering::Relaxed);
    }

    pub fn report(&self, member: usize) -> Report {
        let words = &self.words()[REPORTS + member.min(MEMBERS_MAX - 1) * REPORT..];
        Report {
            load: f32::from_bits(words[LOAD].load(Ordering::Relaxed)),
            latency_frames: words[LATENCY].load(Ordering::Relaxed),
            is_muted: words[MUTED].load(Ordering::Relaxed) != 0,
        }
    }

    pub fn set_report(&self, member: usize, report: Report) {
        let words = &self.words()[REPORTS + member.min(MEMBERS_MAX - 1) * REPORT..];
        words[LOAD].store(report.load.to_bits(), Ordering::Relaxed);
        words[LATENCY].store(report.latency_frames, Ordering::Relaxed);
        words[MUTED].store(u32::from(report.is_muted), Ordering::Relaxed);
    }
}

fn end_of(way: Way) -> usize {
    match way {
        Way::There => IN_END,
        Way::Back => OUT_END,
    }
}

fn words(channels: usize) -> usize {
    RINGS + 2 * channels.min(CHANNELS_MAX) * RING_FRAMES as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_comes_out_as_it_went_in_also_around_the_end_of_the_ring() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("memory");
        let ours = Memory::create(&path, 2).expect("a folder of ours");
        let theirs = Memory::open(&path, 2).expect("made above");
        let position = u32::MAX - 2; // also where the count wraps
        ours.write(Way::There, 1, position, &[1.0, 2.0, 3.0, 4.0, 5.0]);
        ours.set_end(Way::There, position.wrapping_add(5));
        let mut heard = [0.0; 5];
        theirs.read(Way::There, 1, position, &mut heard);
        assert_eq!((heard, theirs.end(Way::There)), ([1.0, 2.0, 3.0, 4.0, 5.0], 2));
        theirs.read(Way::Back, 1, position, &mut heard);
        assert_eq!(heard, [0.0; 5]);
    }

    #[test]
    fn a_file_that_is_too_short_is_refused() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("memory");
        std::fs::write(&path, [0; 100]).expect("a folder of ours");
        assert!(Memory::open(&path, 1).is_err());
    }
}
