//! What a sound is in memory: mel power, the stage of the features where gain, noise and the length
//! of a throat are still a multiplication, an addition and a shift; and the way from there to the
//! coefficients that the network sees.

use serde::{Deserialize, Serialize};

use crate::features::cepstrum::Cepstrum;
use crate::features::front_end::front_end;
use crate::features::mel::MelSpectrum;
use crate::features::{FeatureError, FeatureSpec, FrontEndKind};

/// Mel power of one sound, frame after frame; or, of a front end that knows no mel power, its
/// coefficients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bands {
    pub mels: usize,
    pub values: Vec<f32>,
}

impl Bands {
    pub fn of(samples: &[f32], spec: &FeatureSpec) -> Result<Self, FeatureError> {
        let mels = width(spec);
        let mut values = vec![0.0; samples.len() / spec.hop * mels];
        let frames = samples.chunks_exact(spec.hop).zip(values.chunks_exact_mut(mels));
        if has_bands(spec) {
            let mut mel = MelSpectrum::new(spec);
            frames.for_each(|(hop, out)| mel.process(hop, out));
        } else {
            let mut front_end = front_end(&FeatureSpec { pitch: false, ..spec.clone() })?;
            frames.for_each(|(hop, out)| front_end.process(hop, out));
        }
        Ok(Self { mels, values })
    }

    pub fn frames(&self) -> usize {
        self.values.len() / self.mels
    }

    pub fn frame(&self, index: usize) -> &[f32] {
        &self.values[index * self.mels..][..self.mels]
    }
}

/// Whether the front end has mel power, so that something can happen to it.
pub fn has_bands(spec: &FeatureSpec) -> bool {
    spec.front_end == FrontEndKind::Mfcc
}

/// Values of a frame of [`Bands`].
pub fn width(spec: &FeatureSpec) -> usize {
    if has_bands(spec) { spec.mels } else { spec.coefficients }
}

/// From a frame of [`Bands`] to its coefficients.
pub struct Coefficients(Option<Cepstrum>);

impl Coefficients {
    pub fn new(spec: &FeatureSpec) -> Self {
        Self(has_bands(spec).then(|| Cepstrum::new(spec)))
    }

    pub fn process(&self, bands: &[f32], out: &mut [f32]) {
        match &self.0 {
            Some(cepstrum) => cepstrum.process(bands, out),
            None => out.copy_from_slice(bands),
        }
    }
}
