//! The choice of front end behind one trait: a hop of samples in, one vector of values out: the
//! coefficients, and behind them the pitch where the card wants it.

use crate::features::cepstrum::Cepstrum;
use crate::features::mel::MelSpectrum;
use crate::features::pitch::Pitch;
use crate::features::{FeatureError, FeatureSpec, FrontEndKind};

/// Turns a stream into feature frames. One value per channel; keeps the overlap itself.
pub trait FrontEnd: Send {
    /// Takes exactly one hop of samples (1 is full scale) and writes `spec.rows()` values.
    fn process(&mut self, hop: &[f32], row: &mut [f32]);

    /// What was found of the pitch of the last hop, where it is among the values.
    fn pitch(&self) -> Option<&Pitch> {
        None
    }

    /// Forgets the stream so far.
    fn reset(&mut self);
}

/// Builds the front end that the card names.
pub fn front_end(spec: &FeatureSpec) -> Result<Box<dyn FrontEnd>, FeatureError> {
    spec.check()?;
    let cepstra: Box<dyn FrontEnd> = match spec.front_end {
        FrontEndKind::Mfcc => Box::new(Mfcc::new(spec)),
        #[cfg(feature = "crate-mfcc")]
        FrontEndKind::CrateMfcc => Box::new(crate::features::crate_mfcc::CrateMfcc::new(spec)),
        #[cfg(not(feature = "crate-mfcc"))]
        FrontEndKind::CrateMfcc => return Err(FeatureError::NotBuiltIn),
    };
    if !spec.pitch {
        return Ok(cepstra);
    }
    Ok(Box::new(WithPitch { cepstra, coefficients: spec.coefficients, pitch: Pitch::new(spec) }))
}

/// Another front end's coefficients with two rows of pitch behind them: strength and octaves.
struct WithPitch {
    cepstra: Box<dyn FrontEnd>,
    coefficients: usize,
    pitch: Pitch,
}

impl FrontEnd for WithPitch {
    fn process(&mut self, hop: &[f32], row: &mut [f32]) {
        let (coefficients, pitch) = row.split_at_mut(self.coefficients);
        self.cepstra.process(hop, coefficients);
        let voicing = self.pitch.process(hop);
        pitch.copy_from_slice(&[voicing.strength, voicing.octaves]);
    }

    fn pitch(&self) -> Option<&Pitch> {
        Some(&self.pitch)
    }

    fn reset(&mut self) {
        self.cepstra.reset();
        self.pitch.reset();
    }
}

/// Our own front end. Allocates nothing after construction.
pub struct Mfcc {
    mel: MelSpectrum,
    cepstrum: Cepstrum,
    bands: Vec<f32>,
}

impl Mfcc {
    pub fn new(spec: &FeatureSpec) -> Self {
        Self {
            mel: MelSpectrum::new(spec),
            cepstrum: Cepstrum::new(spec),
            bands: vec![0.0; spec.mels],
        }
    }
}

impl FrontEnd for Mfcc {
    fn process(&mut self, hop: &[f32], coefficients: &mut [f32]) {
        self.mel.process(hop, &mut self.bands);
        self.cepstrum.process(&self.bands, coefficients);
    }

    fn reset(&mut self) {
        self.mel.reset();
    }
}
