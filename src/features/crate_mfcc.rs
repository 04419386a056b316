//! The crate `mfcc` 0.1.0 (2019) behind our trait, for comparison; cargo feature `crate-mfcc`.
//!
//! Do not train with it but to see what it costs:
//!
//! - It wants two nightly gates. `.cargo/config.toml` sets `RUSTC_BOOTSTRAP` for this crate alone.
//! - It allocates on every frame, so it may not come near the audio thread.
//! - Window (Hamming, two hops), 40 bands and 16 coefficients are fixed; of the card's settings
//!   only rate and hop are heeded.
//! - It subtracts the mean of the last five frames. That takes loudness and every movement slower
//!   than 50 ms out of the features: a steady voice becomes zero.
//! - It applies the inverse DCT instead of the DCT.
//!
//! Its correlation with librosa, which had the same window, length and bands, is 0.20 to 0.61
//! per coefficient on the golden speech; 0.57 to 0.99 when the same running mean is taken from
//! librosa's; 0.73 to 1.00 when librosa's bands go through the inverse DCT as well. Ours differs
//! from librosa by 3e-7 of the frame's norm. tests/suite/golden.rs measures this.

use mfcc::mfcc::Transform;

use crate::features::FeatureSpec;
use crate::features::front_end::FrontEnd;
use crate::units::to_f32;

/// Cepstral coefficients of the crate, which cannot be changed.
pub const COEFFICIENTS: usize = 16;

/// The crate writes the coefficients, their first and their second differences.
const OUTPUTS: usize = 3 * COEFFICIENTS;

/// The crate's transform with buffers of the types that it wants.
pub struct CrateMfcc {
    transform: Transform,
    spec: FeatureSpec,
    samples: Vec<i16>,
    outputs: [f64; OUTPUTS],
}

impl CrateMfcc {
    pub fn new(spec: &FeatureSpec) -> Self {
        Self {
            transform: Transform::new(spec.rate_hz as usize, spec.hop),
            spec: spec.clone(),
            samples: Vec::with_capacity(spec.hop),
            outputs: [0.0; OUTPUTS],
        }
    }
}

impl FrontEnd for CrateMfcc {
    /// Samples beyond full scale are clipped.
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and NaN becomes 0")]
    fn process(&mut self, hop: &[f32], coefficients: &mut [f32]) {
        assert_eq!(hop.len(), self.spec.hop, "a frame takes exactly one hop");
        self.samples.clear();
        // The crate divides by i16::MAX.
        let scale = f32::from(i16::MAX);
        self.samples.extend(hop.iter().map(|sample| (sample * scale).round() as i16));
        self.transform.transform(&self.samples, &mut self.outputs);
        for (out, value) in coefficients.iter_mut().zip(&self.outputs[..COEFFICIENTS]) {
            *out = to_f32(*value);
        }
    }

    /// Builds the crate's transform anew, which allocates: it has no other way to forget.
    fn reset(&mut self) {
        self.transform = Transform::new(self.spec.rate_hz as usize, self.spec.hop);
    }
}
