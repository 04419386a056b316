//! One block of sound as the device hands it over, whatever its layout. Runs on the audio thread:
//! reading it never allocates and never panics. What the samples mean is left to others.

#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

/// What the device hands over in one callback.
#[derive(Clone, Copy, Debug)]
pub enum Block<'a> {
    /// One slice per channel, all of one length.
    Planar(&'a [&'a [f32]]),
    /// Frame after frame; a last frame that is cut short is not looked at.
    Interleaved { samples: &'a [f32], channels: usize },
}

impl Block<'_> {
    pub fn frames(&self) -> usize {
        match self {
            Self::Planar(slices) => slices.iter().map(|slice| slice.len()).min().unwrap_or(0),
            Self::Interleaved { samples, channels } => samples.len() / (*channels).max(1),
        }
    }

    /// A channel that the device does not have reads as silence: openers refuse such a device, and
    /// the audio thread may not panic over it.
    pub fn sample(&self, frame: usize, channel: usize) -> f32 {
        let sample = match self {
            Self::Planar(slices) => slices.get(channel).and_then(|slice| slice.get(frame)),
            Self::Interleaved { channels, .. } if channel >= *channels => None,
            Self::Interleaved { samples, channels } => samples.get(frame * channels + channel),
        };
        sample.copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_read_the_same() {
        let planar = Block::Planar(&[&[1.0, 3.0], &[2.0, 4.0]]);
        let interleaved = Block::Interleaved { samples: &[1.0, 2.0, 3.0, 4.0], channels: 2 };
        for (frame, channel) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            assert_eq!(planar.sample(frame, channel), interleaved.sample(frame, channel));
        }
        assert_eq!((planar.frames(), interleaved.frames()), (2, 2));
    }

    #[test]
    fn what_is_not_there_reads_as_silence() {
        for block in [
            Block::Planar(&[&[1.0, 2.0], &[3.0]]),
            Block::Interleaved { samples: &[1.0, 3.0, 2.0], channels: 2 },
        ] {
            assert_eq!(block.frames(), 1);
            assert_eq!([block.sample(7, 0), block.sample(0, 2)], [0.0, 0.0]);
        }
        assert_eq!(Block::Interleaved { samples: &[1.0], channels: 0 }.sample(0, 0), 0.0);
        assert_eq!(Block::Planar(&[]).frames(), 0);
    }
}
