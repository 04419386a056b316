//! Power mel spectrum of a stream, one frame per hop. Equal to librosa's
//! `melspectrogram(htk=True, norm=None, center=False)`; tests/suite/golden.rs holds the proof.
//! No allocation after construction.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::features::FeatureSpec;
use crate::units::to_f32;

/// Sliding window, FFT and filter bank of one channel.
pub struct MelSpectrum {
    hop: usize,
    /// The last `window` samples, oldest first.
    history: Vec<f32>,
    hann: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    padded: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
    filters: Vec<Filter>,
}

/// One triangle: its weights on consecutive FFT bins from `first_bin` on.
struct Filter {
    first_bin: usize,
    weights: Vec<f32>,
}

impl MelSpectrum {
    pub fn new(spec: &FeatureSpec) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(spec.fft);
        Self {
            hop: spec.hop,
            history: vec![0.0; spec.window],
            hann: periodic_hann(spec.window),
            padded: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; spec.fft / 2 + 1],
            filters: filter_bank(spec),
            fft,
        }
    }

    /// Takes `hop` new samples and writes the power of each mel band, at a scale where a sample of
    /// 1 is full scale. The window ends with the newest sample; before the first samples lies
    /// silence.
    pub fn process(&mut self, hop: &[f32], bands: &mut [f32]) {
        assert_eq!(hop.len(), self.hop, "a mel frame takes exactly one hop");
        let keep = self.history.len() - self.hop;
        self.history.copy_within(self.hop.., 0);
        self.history[keep..].copy_from_slice(hop);

        let (windowed, padding) = self.padded.split_at_mut(self.history.len());
        for ((out, sample), weight) in windowed.iter_mut().zip(&self.history).zip(&self.hann) {
            *out = sample * weight;
        }
        padding.fill(0.0);
        self.fft
            .process_with_scratch(&mut self.padded, &mut self.spectrum, &mut self.scratch)
            .expect("buffers come from the plan itself");
        for (power, bin) in self.power.iter_mut().zip(&self.spectrum) {
            *power = bin.norm_sqr();
        }
        for (band, filter) in bands.iter_mut().zip(&self.filters) {
            let bins = &self.power[filter.first_bin..][..filter.weights.len()];
            *band = bins.iter().zip(&filter.weights).map(|(power, weight)| power * weight).sum();
        }
    }

    /// As if silence had been there for ever.
    pub fn reset(&mut self) {
        self.history.fill(0.0);
    }
}

/// Hann window of a periodic signal, as `scipy.signal.get_window("hann", n)` makes it.
fn periodic_hann(length: usize) -> Vec<f32> {
    let turn = std::f64::consts::TAU / length as f64;
    (0..length).map(|index| to_f32(0.5 - 0.5 * (turn * index as f64).cos())).collect()
}

/// HTK mel scale (Young et al., The HTK Book, 5.4).
fn hz_to_mel(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

fn mel_to_hz(mel: f64) -> f64 {
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}

/// Triangles of height 1, evenly spaced on the mel scale from 0 Hz to half the rate.
fn filter_bank(spec: &FeatureSpec) -> Vec<Filter> {
    let nyquist = f64::from(spec.rate_hz) / 2.0;
    let step = hz_to_mel(nyquist) / (spec.mels + 1) as f64;
    let edge = |index: usize| mel_to_hz(step * index as f64);
    let bin_hz = f64::from(spec.rate_hz) / spec.fft as f64;
    (0..spec.mels)
        .map(|band| {
            let (low, centre, high) = (edge(band), edge(band + 1), edge(band + 2));
            let weight = |bin: usize| {
                let hz = bin as f64 * bin_hz;
                ((hz - low) / (centre - low)).min((high - hz) / (high - centre)).max(0.0)
            };
            let bins = 0..=spec.fft / 2;
            let first_bin = bins.clone().find(|&bin| weight(bin) > 0.0).unwrap_or(0);
            let weights = bins
                .skip(first_bin)
                .map(|bin| to_f32(weight(bin)))
                .take_while(|&weight| weight > 0.0)
                .collect();
            Filter { first_bin, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Band with the most power when a sine of `hz` has filled the window.
    fn loudest_band(hz: f32) -> usize {
        let spec = FeatureSpec::default();
        let mut mel = MelSpectrum::new(&spec);
        let mut bands = vec![0.0; spec.mels];
        for hop in 0..5 {
            let samples: Vec<f32> = (0..spec.hop)
                .map(|index| (hop * spec.hop + index) as f32 / spec.rate_hz as f32)
                .map(|time_s| (std::f32::consts::TAU * hz * time_s).sin())
                .collect();
            mel.process(&samples, &mut bands);
        }
        (0..spec.mels).max_by(|&a, &b| bands[a].total_cmp(&bands[b])).expect("64 bands")
    }

    #[test]
    fn a_sine_lands_in_the_band_around_its_mel() {
        // 65 steps of 2840.02/65 = 43.69 mel; 1 kHz is mel 999.99, step 22.9: band 22 (from 0).
        assert_eq!(loudest_band(1000.0), 22);
        // 4 kHz is mel 2146.1, step 49.1: band 48.
        assert_eq!(loudest_band(4000.0), 48);
    }

    #[test]
    fn silence_has_no_power_and_reset_forgets() {
        let spec = FeatureSpec::default();
        let mut mel = MelSpectrum::new(&spec);
        let mut bands = vec![1.0; spec.mels];
        mel.process(&[0.5; 160], &mut bands);
        assert!(bands[0] > 0.0);
        mel.reset();
        mel.process(&[0.0; 160], &mut bands);
        assert_eq!(bands, vec![0.0; spec.mels]);
    }
}
