//! The level of the noise that a voice stands in, and how far above it speech is. Minimum
//! statistics (Martin 2001) over short-time levels: whatever the voice does, within some seconds it
//! pauses. No allocation.

use crate::units::{SILENCE_DB, one_pole_step, to_count};

/// Levels are smoothed so far before their least is taken: single frames of noise vary by 10 dB.
const SMOOTHING_S: f32 = 0.02;

/// The least is taken over this many blocks of this length: 4 to 4.5 s, longer than anybody speaks
/// without a pause for breath or a stop.
const BLOCKS: usize = 9;
const BLOCK_S: f32 = 0.5;

/// The least of a noise is below its mean: by so much over 4 s of smoothed white noise (our
/// measurement, `the_floor_of_a_noise_is_its_level`).
const BIAS_DB: f32 = 0.7;

/// Time constant of the level of speech.
const SPEECH_S: f32 = 1.0;

/// One channel's floor; frames are those of the features.
#[derive(Clone, Debug)]
pub struct Floor {
    step: f32,
    speech_step: f32,
    block_frames: usize,
    /// Of the mean square.
    power: Option<f32>,
    /// Least level of each block, dBFS; the last one goes on.
    blocks: [f32; BLOCKS],
    frames: usize,
    speech_db: Option<f32>,
}

impl Floor {
    pub fn new(frames_per_s: f32) -> Self {
        let frame_s = 1.0 / frames_per_s;
        Self {
            step: one_pole_step(frame_s, SMOOTHING_S),
            speech_step: one_pole_step(frame_s, SPEECH_S),
            block_frames: to_count(f64::from(BLOCK_S * frames_per_s)),
            power: None,
            blocks: [f32::INFINITY; BLOCKS],
            frames: 0,
            speech_db: None,
        }
    }

    /// Takes the level of one frame.
    pub fn observe(&mut self, level_db: f32) {
        let power = 10f32.powf(level_db / 10.0);
        let before = self.power.unwrap_or(power);
        let power = before + (power - before) * self.step;
        self.power = Some(power);
        let level_db = (10.0 * power.log10()).max(SILENCE_DB);
        let last = &mut self.blocks[BLOCKS - 1];
        *last = last.min(level_db);
        self.frames += 1;
        if self.frames == self.block_frames {
            self.blocks.rotate_left(1);
            self.blocks[BLOCKS - 1] = f32::INFINITY;
            self.frames = 0;
        }
    }

    /// The frame was speech.
    pub fn observe_speech(&mut self, level_db: f32) {
        let before = self.speech_db.unwrap_or(level_db);
        self.speech_db = Some(before + (level_db - before) * self.speech_step);
    }

    /// In dBFS; [`SILENCE_DB`] before the first frame.
    pub fn level_db(&self) -> f32 {
        let least = self.blocks.iter().copied().fold(f32::INFINITY, f32::min);
        if least.is_finite() { (least + BIAS_DB).max(SILENCE_DB) } else { SILENCE_DB }
    }

    /// How far the speech of the last seconds stands above it; 0 before any.
    pub fn snr_db(&self) -> f32 {
        self.speech_db.map_or(0.0, |speech_db| (speech_db - self.level_db()).max(0.0))
    }

    /// Another room, maybe: nothing is known.
    pub fn reset(&mut self) {
        *self = Self { blocks: [f32::INFINITY; BLOCKS], power: None, frames: 0, ..*self };
        self.speech_db = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::amplitude_to_db;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    /// Levels of frames of 10 ms of white noise at -40 dBFS.
    fn noise(frames: usize) -> Vec<f32> {
        let mut random = StdRng::seed_from_u64(1);
        let amplitude = 0.01 * 3f32.sqrt();
        let frame = |_| {
            let squares: f32 =
                (0..160).map(|_| random.random_range(-amplitude..amplitude).powi(2)).sum();
            amplitude_to_db((squares / 160.0).sqrt())
        };
        (0..frames).map(frame).collect()
    }

    #[test]
    fn the_floor_of_a_noise_is_its_level() {
        let mut floor = Floor::new(100.0);
        assert_eq!(floor.level_db(), SILENCE_DB);
        noise(600).into_iter().for_each(|level_db| floor.observe(level_db));
        assert!((floor.level_db() + 40.0).abs() < 1.0, "{}", floor.level_db());
    }

    #[test]
    fn speech_leaves_the_floor_where_it_is_and_a_new_noise_moves_it() {
        let mut floor = Floor::new(100.0);
        let noise = noise(400);
        // Two seconds of noise, then words of 0.8 s at -20 dBFS with pauses of 0.2 s.
        noise[..200].iter().for_each(|&level_db| floor.observe(level_db));
        for index in 0..1000 {
            let is_word = index % 100 < 80;
            let level_db = if is_word { -20.0 } else { noise[index % 400] };
            floor.observe(level_db);
            if is_word {
                floor.observe_speech(level_db);
            }
        }
        assert!((floor.level_db() + 40.0).abs() < 3.0, "{}", floor.level_db());
        assert!((floor.snr_db() - 20.0).abs() < 3.0, "{}", floor.snr_db());
        for level_db in noise.iter().chain(&noise) {
            floor.observe(level_db + 15.0);
        }
        assert!((floor.level_db() + 25.0).abs() < 1.5, "{}", floor.level_db());
    }

    #[test]
    fn digital_silence_has_no_floor() {
        let mut floor = Floor::new(100.0);
        (0..300).for_each(|_| floor.observe(SILENCE_DB));
        assert!(floor.level_db() < SILENCE_DB + 1.0);
        floor.reset();
        assert_eq!(floor.snr_db(), 0.0);
    }
}
