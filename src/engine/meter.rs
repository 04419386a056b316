//! Level and peak over one hop. Pure.

use crate::units::amplitude_to_db;

/// A sample this close to full scale counts as clipped; 16-bit converters stop one step below 1.
const CLIP_AMPLITUDE: f32 = 0.999;

/// Sums over one hop.
#[derive(Default)]
pub struct HopMeter {
    pub feature_frames: usize,
    squares: f32,
    samples: usize,
    peak: f32,
}

impl HopMeter {
    /// One feature frame more; its level (RMS) in dBFS.
    pub fn add(&mut self, samples: &[f32]) -> f32 {
        let squares: f32 = samples.iter().map(|sample| sample * sample).sum();
        self.squares += squares;
        self.samples += samples.len();
        self.peak = samples.iter().fold(self.peak, |peak, sample| peak.max(sample.abs()));
        self.feature_frames += 1;
        amplitude_to_db((squares / samples.len() as f32).sqrt())
    }

    pub fn level_db(&self) -> f32 {
        amplitude_to_db((self.squares / self.samples as f32).sqrt())
    }

    pub fn is_clipped(&self) -> bool {
        CLIP_AMPLITUDE <= self.peak
    }
}
