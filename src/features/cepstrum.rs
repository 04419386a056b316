//! Mel power to mel-frequency cepstral coefficients: decibels, then the orthonormal DCT-II.
//! Equal to librosa's `mfcc(S=power_to_db(mel, top_db=None))`. Pure; no allocation after
//! construction.

use crate::features::FeatureSpec;
use crate::units::to_f32;

/// Mel power below this counts as silence: librosa's `amin`, -100 dB.
pub const POWER_FLOOR: f32 = 1e-10;

/// The DCT's matrix, a weight per coefficient for one band after the other: so the sums of all
/// coefficients grow side by side, which a processor does eight or sixteen at a time.
pub struct Cepstrum {
    coefficients: usize,
    columns: Vec<f32>,
}

impl Cepstrum {
    pub fn new(spec: &FeatureSpec) -> Self {
        let mels = spec.mels as f64;
        let mut columns = Vec::with_capacity(spec.coefficients * spec.mels);
        for band in 0..spec.mels {
            for row in 0..spec.coefficients {
                // Orthonormal: the level row is scaled by sqrt(1/n), the others by sqrt(2/n).
                let scale = if row == 0 { (1.0 / mels).sqrt() } else { (2.0 / mels).sqrt() };
                let angle = std::f64::consts::PI / mels * (band as f64 + 0.5) * row as f64;
                columns.push(to_f32(scale * angle.cos()));
            }
        }
        Self { coefficients: spec.coefficients, columns }
    }

    /// Coefficients of one frame of mel power. NaN reads as silence.
    pub fn process(&self, bands: &[f32], coefficients: &mut [f32]) {
        coefficients.fill(0.0);
        for (&power, column) in bands.iter().zip(self.columns.chunks_exact(self.coefficients)) {
            let db = 10.0 * power.max(POWER_FLOOR).log10();
            for (out, weight) in coefficients.iter_mut().zip(column) {
                *out += weight * db;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_spectrum_has_only_a_level() {
        let spec = FeatureSpec::default();
        let mut out = vec![0.0; spec.coefficients];
        Cepstrum::new(&spec).process(&vec![1e-3; spec.mels], &mut out);
        // -30 dB in each of 64 bands: -30 · 64 · sqrt(1/64) = -240.
        assert!((out[0] + 240.0).abs() < 1e-3);
        assert!(out[1..].iter().all(|value| value.abs() < 1e-3));
    }

    #[test]
    fn silence_and_nan_stop_at_the_floor() {
        let spec = FeatureSpec::default();
        let cepstrum = Cepstrum::new(&spec);
        let mut out = vec![0.0; spec.coefficients];
        for power in [0.0, f32::NAN] {
            cepstrum.process(&vec![power; spec.mels], &mut out);
            assert!((out[0] + 800.0).abs() < 1e-2); // -100 dB · 64 · sqrt(1/64)
        }
    }
}
