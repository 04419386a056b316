//! Fundamental frequency and how periodic the sound is, one pair per hop: the largest peak of the
//! normalised cross-correlation (Talkin, A Robust Algorithm for Pitch Tracking, 1995) between the
//! newest window and what came before it. No tracking over time: the network sees the neighbours.
//! No allocation after construction.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

use crate::features::FeatureSpec;
use crate::features::prosody::track::Candidate;
use crate::units::to_f32;

/// Range of the human voice in speech, shouts included.
const LOWEST_HZ: f64 = 60.0;
const HIGHEST_HZ: f64 = 500.0;

/// Octaves are counted from here, between the means of men and women.
const REFERENCE_HZ: f64 = 150.0;

/// Taken off a peak, in all, between the shortest and the longest period: of two periods that
/// explain the sound alike the shorter is the right one. A mild form of Talkin's, whose tracker
/// takes off 0.3.
const LONG_PERIOD_COST: f32 = 0.06;

/// Energy of a window, -100 dBFS, below which correlation means nothing.
const ENERGY_FLOOR: f32 = 4e-8;

/// A peak below this explains nothing.
const CANDIDATE_MIN: f32 = 0.3;

/// Values that a frame gets.
pub const ROWS: usize = 2;

/// From here on a frame counts as periodic.
pub const PERIODIC: f32 = 0.5;

/// What one frame says of its pitch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Voicing {
    /// Height of the peak: 1 is perfectly periodic, noise stays below 0.5.
    pub strength: f32,
    /// Octaves above 150 Hz; of no meaning where the strength is low.
    pub octaves: f32,
}

/// The last samples of one channel and what the correlation needs.
pub struct Pitch {
    hop: usize,
    window: usize,
    shortest: usize,
    /// The last `window + longest period` samples, oldest first.
    history: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    padded: Vec<f32>,
    newest: Vec<Complex32>,
    all: Vec<Complex32>,
    scratch: Vec<Complex32>,
    correlation: Vec<f32>,
    /// Energy of the samples before each place.
    energy: Vec<f32>,
    /// Normalised correlation by period, from the shortest on.
    peaks: Vec<f32>,
    rate_hz: f32,
}

impl Pitch {
    pub fn new(spec: &FeatureSpec) -> Self {
        let rate_hz = f64::from(spec.rate_hz);
        let period = |hz: f64| crate::units::to_count(rate_hz / hz);
        let (shortest, longest) = (period(HIGHEST_HZ), period(LOWEST_HZ));
        let samples = spec.window + longest;
        // Long enough that what wraps round lies beyond the periods looked at.
        let size = samples.next_power_of_two();
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(size);
        let inverse = planner.plan_fft_inverse(size);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            hop: spec.hop,
            window: spec.window,
            shortest,
            history: vec![0.0; samples],
            padded: forward.make_input_vec(),
            newest: forward.make_output_vec(),
            all: forward.make_output_vec(),
            scratch: vec![Complex32::default(); scratch],
            correlation: inverse.make_output_vec(),
            energy: vec![0.0; samples + 1],
            peaks: vec![0.0; longest + 1 - shortest],
            rate_hz: to_f32(rate_hz),
            forward,
            inverse,
        }
    }

    /// Takes `hop` new samples. NaN counts as silence.
    pub fn process(&mut self, hop: &[f32]) -> Voicing {
        self.listen(hop);
        self.correlate();
        self.best()
    }

    /// Takes `hop` new samples and says nothing about them.
    pub fn listen(&mut self, hop: &[f32]) {
        assert_eq!(hop.len(), self.hop, "a frame of pitch takes exactly one hop");
        let keep = self.history.len() - self.hop;
        self.history.copy_within(self.hop.., 0);
        for (kept, &sample) in self.history[keep..].iter_mut().zip(hop) {
            *kept = if sample.is_finite() { sample } else { 0.0 };
        }
    }

    /// The periods that explain the window processed last best, the best first; how many there are.
    pub fn candidates(&self, found: &mut [Candidate]) -> usize {
        let mut count = 0;
        for index in 1..self.peaks.len() - 1 {
            let [before, at, after] = [index - 1, index, index + 1].map(|i| self.peaks[i]);
            if at < CANDIDATE_MIN || at < before || at <= after {
                continue;
            }
            let (score, hz) = (self.score(index), self.hz(index));
            let place = found[..count].iter().position(|other| other.score < score);
            let place = place.unwrap_or(count);
            if place < found.len() {
                count = (count + 1).min(found.len());
                found[place..count].rotate_right(1);
                found[place] = Candidate { strength: at.clamp(0.0, 1.0), score, hz };
            }
        }
        count
    }

    /// The peak less what its period costs.
    fn score(&self, index: usize) -> f32 {
        let span = (self.peaks.len() as f32 / self.shortest as f32 + 1.0).log2();
        let longer = (1.0 + index as f32 / self.shortest as f32).log2() / span;
        self.peaks[index] * (1.0 - LONG_PERIOD_COST * longer)
    }

    /// Between samples by a parabola through the neighbours.
    fn hz(&self, index: usize) -> f32 {
        let middle = index.clamp(1, self.peaks.len() - 2);
        let [before, at, after] =
            [-1isize, 0, 1].map(|step| self.peaks[middle.saturating_add_signed(step)]);
        let bend = before - 2.0 * at + after;
        let offset =
            if bend < -1e-9 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        self.rate_hz / ((self.shortest + middle) as f32 + offset)
    }

    /// As if silence had been there for ever.
    pub fn reset(&mut self) {
        self.history.fill(0.0);
    }

    /// Fills `peaks`.
    fn correlate(&mut self) {
        let samples = self.history.len();
        let mean = self.history.iter().sum::<f32>() / samples as f32;
        let first = samples - self.window;
        self.padded.fill(0.0);
        for (out, sample) in self.padded.iter_mut().zip(&self.history[first..]) {
            *out = sample - mean;
        }
        let transform = |padded: &mut [f32], out: &mut [Complex32], scratch: &mut [Complex32]| {
            self.forward
                .process_with_scratch(padded, out, scratch)
                .expect("buffers come from the plan itself");
        };
        transform(&mut self.padded, &mut self.newest, &mut self.scratch);
        self.padded.fill(0.0);
        let mut energy = 0.0;
        for (index, sample) in self.history.iter().enumerate() {
            let value = sample - mean;
            self.padded[index] = value;
            energy += value * value;
            self.energy[index + 1] = energy;
        }
        transform(&mut self.padded, &mut self.all, &mut self.scratch);
        for (bin, newest) in self.all.iter_mut().zip(&self.newest) {
            *bin *= newest.conj();
        }
        // Exactly real in theory; rounding leaves a trace that the inverse would refuse.
        let last = self.all.len() - 1;
        self.all[0].im = 0.0;
        self.all[last].im = 0.0;
        self.inverse
            .process_with_scratch(&mut self.all, &mut self.correlation, &mut self.scratch)
            .expect("buffers come from the plan itself");
        let scale = 1.0 / self.correlation.len() as f32;
        let own = self.energy[samples] - self.energy[first];
        for (index, peak) in self.peaks.iter_mut().enumerate() {
            let place = first - (self.shortest + index);
            let other = self.energy[place + self.window] - self.energy[place];
            let both = (own.max(0.0) * other.max(0.0)).sqrt() + ENERGY_FLOOR;
            *peak = self.correlation[place] * scale / both;
        }
    }

    fn best(&self) -> Voicing {
        let mut best = (0, f32::MIN);
        for index in 0..self.peaks.len() {
            let score = self.score(index);
            if best.1 < score {
                best = (index, score);
            }
        }
        let hz = self.hz(best.0);
        Voicing {
            strength: self.peaks[best.0].clamp(0.0, 1.0),
            octaves: (hz / to_f32(REFERENCE_HZ)).log2(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the tracker says once it has heard 0.2 s of `sound`, given by sample.
    fn heard(sound: impl Fn(f32) -> f32) -> Voicing {
        let sample = |index: u16| sound(f32::from(index) / 16_000.0);
        said_of(&(0..3200).map(sample).collect::<Vec<f32>>())
    }

    fn said_of(samples: &[f32]) -> Voicing {
        let spec = FeatureSpec::default();
        let mut pitch = Pitch::new(&spec);
        samples.chunks_exact(spec.hop).map(|hop| pitch.process(hop)).last().expect("20 hops")
    }

    /// A voice of twelve harmonics that fall by 6 dB an octave.
    fn voice(hz: f32, time_s: f32) -> f32 {
        let harmonic = |n: u8| {
            let n = f32::from(n);
            (std::f32::consts::TAU * n * hz * time_s).sin() / n
        };
        0.1 * (1..=12).map(harmonic).sum::<f32>()
    }

    #[test]
    fn the_pitch_of_a_voice_is_found_within_a_twelfth_of_a_semitone() {
        for hz in [70.0, 110.0, 150.0, 233.0, 440.0] {
            let found = heard(|time_s| voice(hz, time_s));
            let right = (hz / 150.0).log2();
            assert!((found.octaves - right).abs() < 1.0 / 144.0, "{hz} Hz: {found:?}, {right}");
            assert!(0.95 < found.strength, "{hz} Hz: {found:?}");
        }
    }

    #[test]
    fn gain_and_offset_change_nothing() {
        let plain = heard(|time_s| voice(200.0, time_s));
        let other = heard(|time_s| 0.01 * voice(200.0, time_s) + 0.2);
        assert!((plain.octaves - other.octaves).abs() < 1e-2, "{plain:?} {other:?}");
        assert!((plain.strength - other.strength).abs() < 1e-2, "{plain:?} {other:?}");
    }

    #[test]
    fn noise_silence_and_nan_are_not_periodic() {
        let mut seed = 1u32;
        let noise: Vec<f32> = (0..3200)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f32::from(u16::try_from(seed >> 16).expect("16 bits")) / 327_680.0 - 0.1
            })
            .collect();
        // The largest of 235 correlations of 400 independent samples is about 3/√400 = 0.15.
        assert!(said_of(&noise).strength < 0.3, "{:?}", said_of(&noise));
        assert!(heard(|_| 0.0).strength < 0.1);
        let nan = heard(|_| f32::NAN);
        assert!(nan.strength < 0.1 && nan.octaves.is_finite());
    }
}
