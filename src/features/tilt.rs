//! Spectral tilt: how much stronger a sound is below 1 kHz than above, as eGeMAPS' alphaRatio. No
//! allocation after construction.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::features::FeatureSpec;

/// The bands that are compared, in Hz (Patel et al. 2010).
const LOW_HZ: [f32; 2] = [50.0, 1000.0];
const HIGH_HZ: [f32; 2] = [1000.0, 5000.0];

/// Of a band's energy: -120 dB of full scale.
const ENERGY_FLOOR: f32 = 1e-12;

/// Tilts are told between these.
pub const RANGE_DB: [f32; 2] = [-60.0, 60.0];

pub struct Tilt {
    /// The last window, oldest first.
    samples: Vec<f32>,
    bin_hz: f32,
    fft: Arc<dyn RealToComplex<f32>>,
    padded: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Tilt {
    pub fn new(spec: &FeatureSpec) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(spec.fft);
        Self {
            samples: vec![0.0; spec.window],
            bin_hz: spec.rate_hz as f32 / spec.fft as f32,
            padded: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// Takes new samples; NaN counts as silence.
    pub fn listen(&mut self, hop: &[f32]) {
        self.samples.copy_within(hop.len().., 0);
        let keep = self.samples.len() - hop.len();
        for (kept, sample) in self.samples[keep..].iter_mut().zip(hop) {
            *kept = if sample.is_finite() { *sample } else { 0.0 };
        }
    }

    /// Of the last window: the energy from 1 to 5 kHz over that from 50 Hz to 1 kHz.
    pub fn ratio_db(&mut self) -> f32 {
        let turn = std::f32::consts::TAU / self.samples.len() as f32;
        let (windowed, padding) = self.padded.split_at_mut(self.samples.len());
        for (index, (out, sample)) in windowed.iter_mut().zip(&self.samples).enumerate() {
            *out = sample * (0.5 - 0.5 * (turn * index as f32).cos());
        }
        padding.fill(0.0);
        self.fft
            .process_with_scratch(&mut self.padded, &mut self.spectrum, &mut self.scratch)
            .expect("buffers come from the plan itself");
        let energy = |[from_hz, to_hz]: [f32; 2]| {
            let bins = self.spectrum.iter().enumerate();
            let within = bins.filter(|(bin, _)| {
                let hz = *bin as f32 * self.bin_hz;
                from_hz <= hz && hz < to_hz
            });
            within.map(|(_, value)| value.norm_sqr()).sum::<f32>() + ENERGY_FLOOR
        };
        let ratio_db = 10.0 * (energy(HIGH_HZ) / energy(LOW_HZ)).log10();
        ratio_db.clamp(RANGE_DB[0], RANGE_DB[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tones_have_the_ratio_of_their_energies() {
        let spec = FeatureSpec::default();
        let mut tilt = Tilt::new(&spec);
        let tone =
            |hz: f32, index: u16| (std::f32::consts::TAU * hz * f32::from(index) / 16e3).sin();
        // A tenth of the amplitude: a hundredth of the energy.
        let sound: Vec<f32> =
            (0..1600).map(|index| 0.5 * tone(500.0, index) + 0.05 * tone(2500.0, index)).collect();
        sound.chunks_exact(spec.hop).for_each(|hop| tilt.listen(hop));
        assert!((tilt.ratio_db() + 20.0).abs() < 0.1, "{}", tilt.ratio_db());
    }
}
