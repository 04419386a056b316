//! From samples to the vectors that the network sees: resampling, mel spectrum, cepstrum.
//! Live, training and evaluation call the same code. Runs on the worker; nothing here allocates
//! after construction except where a function's documentation says so.

pub mod mel;

pub mod cepstrum;

pub mod pitch;

pub mod tilt;

pub mod statistics;

pub mod prosody;

pub mod front_end;

#[cfg(feature = "crate-mfcc")]
pub mod crate_mfcc;

pub mod resample;

use serde::{Deserialize, Serialize};

use crate::units::ANALYSIS_RATE_HZ;

/// How features are made. It belongs to the weights, so it lives in the model's card and nowhere
/// else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpec {
    pub front_end: FrontEndKind,
    pub rate_hz: u32,
    /// Samples under the Hann window.
    pub window: usize,
    /// Samples between windows; one feature frame each.
    pub hop: usize,
    pub fft: usize,
    /// Triangular filters between 0 Hz and half the rate on the HTK mel scale.
    pub mels: usize,
    /// Cepstral coefficients kept, the 0th (level) among them.
    pub coefficients: usize,
    /// Two rows more: how periodic the frame is, and its fundamental frequency.
    #[serde(default)]
    pub pitch: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontEndKind {
    /// Ours, equal to librosa.
    Mfcc,
    /// The crate `mfcc`, for comparison; needs the cargo feature `crate-mfcc`.
    CrateMfcc,
}

impl Default for FeatureSpec {
    /// 25 ms windows every 10 ms: the setting of HTK and Kaldi, and of most of the field since.
    fn default() -> Self {
        Self {
            front_end: FrontEndKind::Mfcc,
            rate_hz: ANALYSIS_RATE_HZ,
            window: 400,
            hop: 160,
            fft: 512,
            mels: 64,
            coefficients: 40,
            pitch: true,
        }
    }
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum FeatureError {
    #[error("features.{key} is {value}; allowed is {allowed}")]
    OutOfRange { key: &'static str, value: usize, allowed: String },
    #[error(
        "the model wants the front end of the crate `mfcc`, which this build lacks; \
         build with --features crate-mfcc"
    )]
    NotBuiltIn,
}

impl FeatureSpec {
    /// Refuses what the front end cannot do.
    pub fn check(&self) -> Result<(), FeatureError> {
        let range = |key, value: usize, low: usize, high: usize| {
            if low <= value && value <= high {
                return Ok(());
            }
            Err(FeatureError::OutOfRange { key, value, allowed: format!("{low} to {high}") })
        };
        let rate = ANALYSIS_RATE_HZ as usize;
        range("rate_hz", self.rate_hz as usize, rate, rate)?;
        range("fft", self.fft, 64, 4096)?;
        range("window", self.window, 32, self.fft)?;
        range("hop", self.hop, 32, self.window)?;
        range("mels", self.mels, 8, self.fft / 4)?;
        match self.front_end {
            FrontEndKind::Mfcc => range("coefficients", self.coefficients, 1, self.mels),
            #[cfg(feature = "crate-mfcc")]
            FrontEndKind::CrateMfcc => {
                range("coefficients", self.coefficients, 1, crate_mfcc::COEFFICIENTS)
            }
            #[cfg(not(feature = "crate-mfcc"))]
            FrontEndKind::CrateMfcc => Err(FeatureError::NotBuiltIn),
        }
    }

    /// Values of one frame.
    pub fn rows(&self) -> usize {
        self.coefficients + if self.pitch { pitch::ROWS } else { 0 }
    }

    /// Feature frames per second.
    pub fn frames_per_s(&self) -> f32 {
        self.rate_hz as f32 / self.hop as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_spec_is_within_its_own_ranges() {
        assert_eq!(FeatureSpec::default().check(), Ok(()));
        assert_eq!(FeatureSpec::default().frames_per_s(), 100.0);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_range() {
        let spec = FeatureSpec { coefficients: 65, ..FeatureSpec::default() };
        let text = spec.check().expect_err("65 of 64").to_string();
        assert_eq!(text, "features.coefficients is 65; allowed is 1 to 64");
    }
}
