//! The choice of front end behind one trait: a hop of samples in, one vector of coefficients out.

use crate::features::cepstrum::Cepstrum;
use crate::features::mel::MelSpectrum;
use crate::features::{FeatureError, FeatureSpec, FrontEndKind};

/// Turns a stream into feature frames. One value per channel; keeps the overlap itself.
pub trait FrontEnd: Send {
    /// Takes exactly one hop of samples (1 is full scale) and writes `spec.coefficients` values.
    fn process(&mut self, hop: &[f32], coefficients: &mut [f32]);

    /// Forgets the stream so far.
    fn reset(&mut self);
}

/// Builds the front end that the card names.
pub fn front_end(spec: &FeatureSpec) -> Result<Box<dyn FrontEnd>, FeatureError> {
    spec.check()?;
    Ok(match spec.front_end {
        FrontEndKind::Mfcc => Box::new(Mfcc::new(spec)),
        #[cfg(feature = "crate-mfcc")]
        FrontEndKind::CrateMfcc => Box::new(crate::features::crate_mfcc::CrateMfcc::new(spec)),
        #[cfg(not(feature = "crate-mfcc"))]
        FrontEndKind::CrateMfcc => return Err(FeatureError::NotBuiltIn),
    })
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
