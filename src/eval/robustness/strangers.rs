//! Sounds without a voice: how much of them the gate would let through, and how much of what is
//! said about them is `unknown`. The gate is left out of the second question, as it may err.

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;

use crate::engine::shaping::unknown_share;
use crate::eval::metrics::Answer;
use crate::eval::robustness::noises::Noise;
use crate::train::bank::VOICED;
use crate::units::ANALYSIS_RATE_HZ;
use crate::voice::activity::Activity;

/// A piece is as long as the longest window.
const PIECE: usize = 3 * ANALYSIS_RATE_HZ as usize;

/// Pieces of each kind.
const PIECES: usize = 40;

/// Loudest sample of a piece: -12 dBFS, as that of a voice.
const PEAK: f32 = 0.25;

const SEED: u64 = 0x57a9;

/// What becomes of one kind of sound, or of the voices beside it; shares as 0..1.
#[derive(Clone, Debug, Serialize)]
pub struct Stranger {
    pub kind: String,
    pub pieces: usize,
    /// Share of the time that the voice detector takes for a voice.
    pub taken_for_voice: f64,
    /// Mean share that goes to `unknown` once the gate has let it through.
    pub unknown: f64,
    /// How often a piece has more `unknown` than a clip of a voice: 0.5 by chance, 1 always.
    pub told_apart: Option<f64>,
}

/// Pieces of a noise, as the microphone might hear them.
pub fn pieces(noise: &Noise) -> Vec<Vec<f32>> {
    let mut rng = StdRng::seed_from_u64(SEED);
    let piece = |_| {
        let mut piece = noise.piece(PIECE, &(0..PIECE), &mut rng);
        let peak = piece.iter().fold(f32::MIN_POSITIVE, |most, sample| most.max(sample.abs()));
        piece.iter_mut().for_each(|sample| *sample *= PEAK / peak);
        piece
    };
    (0..PIECES).map(piece).collect()
}

impl Stranger {
    /// `answers` are about `sounds`, `voices` those about clips as they are; none for the voices
    /// themselves.
    pub fn new<'a>(
        kind: &str,
        sounds: impl Iterator<Item = &'a [f32]>,
        answers: &[Answer],
        voices: Option<&[Answer]>,
    ) -> Self {
        let own = unknowns(answers);
        Self {
            kind: kind.to_owned(),
            pieces: answers.len(),
            taken_for_voice: taken_for_voice(sounds),
            unknown: own.iter().sum::<f64>() / own.len().max(1) as f64,
            told_apart: voices.map(|voices| greater_share(&own, &unknowns(voices))),
        }
    }
}

/// As a full window has it.
fn unknowns(answers: &[Answer]) -> Vec<f64> {
    let share = |answer: &Answer| {
        f64::from(unknown_share(&answer.probabilities, f32::INFINITY, answer.outlier))
    };
    answers.iter().map(share).collect()
}

fn taken_for_voice<'a>(sounds: impl Iterator<Item = &'a [f32]>) -> f64 {
    const HOP: usize = ANALYSIS_RATE_HZ as usize / 100;
    let mut activity = Activity::default();
    let (mut voiced, mut all) = (0usize, 0usize);
    for sound in sounds {
        activity.reset();
        for hop in sound.chunks_exact(HOP) {
            voiced += usize::from(VOICED <= activity.process(hop));
            all += 1;
        }
    }
    voiced as f64 / all.max(1) as f64
}

/// Share of the pairs whose first is the greater; equal ones count half (the area under the curve
/// of Mann and Whitney 1947).
fn greater_share(first: &[f64], second: &[f64]) -> f64 {
    let mut sum = 0.0;
    for a in first {
        for b in second {
            sum += if b < a { 1.0 } else { f64::from(u8::from(a == b)) * 0.5 };
        }
    }
    sum / (first.len() * second.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Dimensions;

    fn answer(probability: f32) -> Answer {
        let probabilities = vec![probability, 1.0 - probability];
        let dimensions = Dimensions::NEUTRAL;
        Answer { speaker: 0, label: 0, probabilities, dimensions, outlier: 0.0 }
    }

    #[test]
    fn doubt_about_noise_and_none_about_voices_tells_them_apart() {
        let silence = vec![0.0; PIECE];
        let sounds = || std::iter::once(&silence[..]);
        let voices = [answer(1.0), answer(0.0)];
        let stranger = Stranger::new("hum", sounds(), &[answer(0.5)], Some(&voices));
        assert!((stranger.unknown - 1.0).abs() < 1e-6);
        assert_eq!((stranger.told_apart, stranger.taken_for_voice), (Some(1.0), 0.0));
        let sure = [Answer { outlier: 0.75, ..answer(1.0) }];
        let stranger = Stranger::new("hum", sounds(), &sure, Some(&voices));
        assert_eq!((stranger.unknown, stranger.told_apart), (0.75, Some(1.0)));
        let alike = Stranger::new("hum", sounds(), &[answer(1.0)], Some(&voices));
        assert_eq!((alike.told_apart, alike.unknown), (Some(0.5), 0.0));
    }

    #[test]
    fn pieces_are_as_loud_as_a_voice_and_as_long_as_a_window() {
        let noise = Noise { name: "hum", tracks: vec![vec![0.5, -1.0, 0.25]] };
        let pieces = pieces(&noise);
        assert_eq!(pieces.len(), PIECES);
        assert!(pieces.iter().all(|piece| piece.len() == PIECE && piece.contains(&-PEAK)));
    }
}
