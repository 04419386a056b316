//! Noise that no training has heard: made here, mixed from voices that are not scored, or read
//! from files that `train::held_out` keeps back. Mixing it in is left to `train::channel`.

use std::ops::Range;

use rand::Rng;
use rand::rngs::StdRng;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex32;

use crate::train::channel::{power, stretch};
use crate::units::{ANALYSIS_RATE_HZ, to_f32};

/// A kind of noise.
#[derive(Clone, Debug)]
pub struct Noise {
    pub name: &'static str,
    /// Each with sound in it.
    pub tracks: Vec<Vec<f32>>,
}

/// Length of the noise that is made, in samples: half a minute, ten clips.
const MADE: usize = 30 * ANALYSIS_RATE_HZ as usize;

/// A place counts as noisy from this share of the track's power on: 10 dB below. Surroundings are
/// full of pauses, and silence at 0 dB would be a roar.
const NOISY: f64 = 0.1;

/// Draws until a noisy place is found; the last is taken as it is.
const DRAWS_MAX: usize = 50;

impl Noise {
    pub fn white(rng: &mut StdRng) -> Self {
        Self { name: "white", tracks: vec![(0..MADE).map(|_| gaussian(rng)).collect()] }
    }

    /// Power per octave is the same from 20 Hz on.
    pub fn pink(rng: &mut StdRng) -> Self {
        const LOWEST_HZ: f32 = 20.0;
        let inverse = RealFftPlanner::<f32>::new().plan_fft_inverse(MADE);
        let mut spectrum = inverse.make_input_vec();
        let bin_hz = ANALYSIS_RATE_HZ as f32 / MADE as f32;
        let ends = spectrum.len() - 1;
        for (bin, value) in spectrum.iter_mut().enumerate().take(ends).skip(1) {
            let hz = bin as f32 * bin_hz;
            if LOWEST_HZ <= hz {
                *value = Complex32::new(gaussian(rng), gaussian(rng)) / hz.sqrt();
            }
        }
        let mut track = inverse.make_output_vec();
        inverse.process(&mut spectrum, &mut track).expect("the buffers come from the plan itself");
        Self { name: "pink", tracks: vec![track] }
    }

    /// Voices at once, each as loud as the others and repeated until the longest ends.
    pub fn babble(voices: &[Vec<f32>]) -> Self {
        let voices: Vec<(&Vec<f32>, f32)> = voices
            .iter()
            .map(|voice| (voice, to_f32(power(voice).sqrt())))
            .filter(|(_, level)| 0.0 < *level)
            .collect();
        let length = voices.iter().map(|(voice, _)| voice.len()).max().unwrap_or(0);
        let mut track = vec![0.0; length];
        for (voice, level) in voices {
            for (sum, sample) in track.iter_mut().zip(voice.iter().cycle()) {
                *sum += sample / level;
            }
        }
        Self { name: "babble", tracks: vec![track] }
    }

    /// So many samples from a random place of a random track, where it is not silent over `span`.
    pub fn piece(&self, length: usize, span: &Range<usize>, rng: &mut StdRng) -> Vec<f32> {
        let mut piece = Vec::new();
        for _ in 0..DRAWS_MAX {
            let track = &self.tracks[rng.random_range(0..self.tracks.len())];
            piece = stretch(track, length, rng);
            if NOISY * power(track) <= power(&piece[span.clone()]) {
                break;
            }
        }
        piece
    }
}

/// A normal deviate, by Box and Muller (1958).
fn gaussian(rng: &mut StdRng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    /// Power in octaves from 250 Hz to 4 kHz, in dB over the first.
    fn octaves_db(noise: &Noise) -> Vec<f64> {
        let mut track = noise.tracks[0].clone();
        let forward = RealFftPlanner::<f32>::new().plan_fft_forward(track.len());
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut track, &mut spectrum).unwrap();
        let octave = |low_hz: usize| -> f64 {
            let bins = low_hz * 30..low_hz * 60; // 30 bins a Hz
            spectrum[bins].iter().map(|bin| f64::from(bin.norm_sqr())).sum()
        };
        [250, 500, 1000, 2000].map(|hz| 10.0 * (octave(hz) / octave(250)).log10()).to_vec()
    }

    fn check(noise: &Noise, db_per_octave: f64) {
        for (octave, db) in octaves_db(noise).into_iter().enumerate() {
            assert!((db - db_per_octave * octave as f64).abs() < 0.3, "{} {db}", noise.name);
        }
    }

    #[test]
    fn white_noise_doubles_with_each_octave_and_pink_noise_stays() {
        check(&Noise::white(&mut rng()), 3.01);
        check(&Noise::pink(&mut rng()), 0.0);
    }

    #[test]
    fn white_noise_has_the_power_of_a_normal_deviate() {
        let power = power(&Noise::white(&mut rng()).tracks[0]);
        assert!((power - 1.0).abs() < 0.01, "{power}"); // 480000 samples: ± 3 · sqrt(2 / 480000)
    }

    #[test]
    fn voices_babble_alike_however_loud_they_are() {
        let babble = Noise::babble(&[vec![0.5; 4], vec![-0.01, 0.01], vec![0.0; 9]]);
        assert_eq!(babble.tracks, [[0.0, 2.0, 0.0, 2.0]]);
    }

    #[test]
    fn a_piece_is_taken_where_there_is_noise() {
        let track = [vec![0.0; 900], vec![1.0; 100]].concat();
        let noise = Noise { name: "rain", tracks: vec![track] };
        let mut rng = rng();
        for _ in 0..20 {
            let piece = noise.piece(50, &(10..40), &mut rng);
            assert_eq!(piece.len(), 50);
            assert!(0.01 <= power(&piece[10..40]));
        }
        assert_eq!(noise.piece(3000, &(0..3000), &mut rng).len(), 3000);
    }
}
