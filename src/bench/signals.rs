//! What a hop costs beside the network: from a channel's samples at 48 kHz to what a patch gets,
//! segments and triggers among it. Silence counts too.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use anyhow::Result;

use crate::bench::Times;
use crate::bench::network::UPSAMPLED;
use crate::config::checked::Config;
use crate::config::trigger::TypedTrigger;
use crate::engine::reading::Names;
use crate::engine::segments::Segments;
use crate::engine::step::Engine;
use crate::engine::triggers::Triggers;
use crate::model::card::{Card, LABELS_MAX};
use crate::model::predictor::{Predict, Prediction};
use crate::plugins::check::upsampled;
use crate::units::to_count;
use crate::wav::Sound;

/// Hops that the percentiles are taken over.
const RUNS: usize = 2000;

/// As many as a busy patch may have, each on another stream.
const SOURCES: [&str; 8] = [
    "ch/1/dim/arousal",
    "ch/1/dim/valence",
    "ch/1/class/angry",
    "ch/1/class/sad",
    "ch/1/level",
    "ch/1/feat/f0",
    "ch/1/voice/prob",
    "ch/1/conf",
];

/// Says the same of every window, at no cost.
struct Certain;

impl Predict for Certain {
    fn predict(&mut self, _features: &[f32], _frames: usize) -> Prediction {
        let mut probabilities = [0.0; LABELS_MAX];
        probabilities[0] = 1.0;
        Prediction { probabilities, ..Prediction::NOTHING }
    }
}

/// The row of the report, for hops of `voice` and a model with this card.
pub fn write_row(
    card: &Card,
    config: &Config,
    voice: &Sound,
    out: &mut dyn Write,
    hop_us: f64,
) -> Result<()> {
    let what = "resampling, voice, MFCC, prosody, smoothing, segments, 8 triggers: no network";
    hop_times(card, config, voice)?.write(out, what, hop_us)
}

fn hop_times(card: &Card, config: &Config, voice: &Sound) -> Result<Times> {
    let rate_hz = voice.rate_hz * u32::from(UPSAMPLED);
    let mut engine = Engine::new(rate_hz, card, config)?;
    let mut segments = Segments::new(1);
    let mut triggers = Triggers::default();
    let typed = SOURCES.map(|source| TypedTrigger { source: source.into(), ..Default::default() });
    triggers.set_all(typed.iter().map(TypedTrigger::check).collect::<Result<_, _>>()?)?;
    let samples = upsampled(&voice.samples, voice.channels, UPSAMPLED);
    let hop_s = engine.hop_s();
    let hop = to_count(f64::from(hop_s) * f64::from(rate_hz));
    let passes = RUNS.div_ceil(samples.len() / hop);
    let hops = std::iter::repeat_n(&samples, passes).flat_map(|all| all.chunks_exact(hop));
    let time = |hop| {
        let begun = Instant::now();
        engine.step(hop, &mut Certain, &mut |update| {
            segments.advance(update, &config.voice, &mut |event| {
                black_box(event);
            });
            black_box(triggers.advance(update, Names { labels: &card.labels, taught: &[] }, hop_s));
        });
        1e6 * begun.elapsed().as_secs_f64()
    };
    Ok(Times(hops.take(RUNS).map(time).collect()))
}
