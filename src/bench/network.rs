//! What an answer of the network costs, followed from hop to hop and about a whole window, and what
//! a whole hop costs, from samples at 48 kHz to the update. Beside the table there is JSON for the
//! scripts that run other engines on the same network: it says what we answer too.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::bench::Times;
use crate::config::checked::Config;
use crate::engine::step::Engine;
use crate::model::card::Card;
use crate::model::predictor::{Predict, Prediction, Predictor, Window};
use crate::model::stream::Stream;
use crate::model::window::WindowRule;
use crate::plugins::check::upsampled;
use crate::units::to_count;
use crate::wav::Sound;

/// Answers that the percentiles are taken over.
const RUNS: usize = 2000;

/// Longer than any pause of the demo voice: the gate stays open, so the window soon is the longest
/// and stays so.
const GATE_OFF_MS: u32 = 10_000;

/// From 16 kHz to the usual rate of a sound card.
pub const UPSAMPLED: u16 = 3;

/// All of it, in microseconds.
pub struct Measured {
    /// A hop of the network alone with the longest window; none where it is not followed.
    stream: Option<Times>,
    /// The same windows, each by itself: burn's forward pass on the CPU.
    window: Times,
    /// Whole hops of a voice with the longest window, all stages.
    hops: Times,
    /// None where it is not followed.
    golden: Option<Golden>,
}

/// An answer to hold others against.
#[derive(Debug, Serialize)]
struct Golden {
    frames: usize,
    coefficients: usize,
    probabilities: Vec<f32>,
    dimensions: [f32; 3],
    embedding: Vec<f32>,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    median_us: f64,
    p99_us: f64,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    stream: Option<Percentiles>,
    window: Percentiles,
    hop: Percentiles,
    golden: Option<&'a Golden>,
}

/// Measures on `predictor`; the whole hops are those of the demo voice, `voice`.
pub fn measure(predictor: &mut Predictor, config: &Config, voice: &Sound) -> Result<Measured> {
    let windows = Windows::new(predictor.card());
    let stream = predictor.stream().map(|mut stream| {
        let mut count = 0;
        Times::of(RUNS, || {
            stream.predict(windows.get(count));
            count += 1;
        })
    });
    let mut count = 0;
    let window = Times::of(RUNS, || {
        let window = windows.get(count).rows;
        predictor.answer(window, window.len() / windows.width);
        count += 1;
    });
    let golden = golden(predictor, windows.get(0));
    let hops = hop_times(predictor, config, voice)?;
    Ok(Measured { stream, window, hops, golden })
}

impl Measured {
    pub fn write_rows(&self, out: &mut dyn Write, backend: &str, hop_us: f64) -> Result<()> {
        if let Some(stream) = &self.stream {
            stream.write(out, "network, a hop of the longest window, followed", hop_us)?;
        }
        self.window.write(
            out,
            &format!("network, all of the longest window, {backend}"),
            hop_us,
        )?;
        let what = "whole hop: resampling from 48 kHz, voice, MFCC, network";
        self.hops.write(out, &format!("{what}, {backend}"), hop_us)?;
        if let Some(stream) = &self.stream {
            let ratio = self.window.percentile(50) / stream.percentile(50);
            writeln!(out, "| the network followed is so many times faster | {ratio:.2} | | |")?;
        }
        Ok(())
    }

    pub fn write_json(&self, out: &mut dyn Write) -> Result<()> {
        let report = Report {
            stream: self.stream.as_ref().map(Percentiles::of),
            window: Percentiles::of(&self.window),
            hop: Percentiles::of(&self.hops),
            golden: self.golden.as_ref(),
        };
        Ok(writeln!(out, "{}", serde_json::to_string(&report)?)?)
    }
}

impl Percentiles {
    fn of(times: &Times) -> Self {
        Self { median_us: times.percentile(50), p99_us: times.percentile(99) }
    }
}

/// The longest windows of speech that goes on and on, a hop apart.
struct Windows {
    rule: WindowRule,
    hop: usize,
    width: usize,
    rows: Vec<f32>,
}

impl Windows {
    /// Normalised features that another program can make to the last bit: whole numbers from 0 to
    /// 999 in a scrambled order, as -1 to just below 1.
    fn new(card: &Card) -> Self {
        /// A prime.
        const STRIDE: usize = 7919;
        let (rule, hop) = (card.window_rule(), card.hop_feature_frames().max(1));
        let width = card.features.rows();
        let number = |index: usize| (index * STRIDE % 1000) as f32 / 500.0 - 1.0;
        let rows = (0..(rule.longest + hop * RUNS) * width).map(number).collect();
        Self { rule, hop, width, rows }
    }

    fn get(&self, index: usize) -> Window<'_> {
        let end = self.rule.longest + self.hop * index;
        let start = self.rule.window(0..end as u64).map_or(0, |window| window.start);
        let first = usize::try_from(start).unwrap_or(0);
        Window { rows: &self.rows[first * self.width..end * self.width], start }
    }
}

fn golden(predictor: &Predictor, window: Window) -> Option<Golden> {
    let card = predictor.card();
    let coefficients = card.features.rows();
    let mut stream = predictor.stream()?;
    let Prediction { probabilities, dimensions, .. } = stream.predict(window);
    Some(Golden {
        frames: window.rows.len() / coefficients,
        coefficients,
        probabilities: probabilities[..card.labels.len()].to_vec(),
        dimensions,
        embedding: stream.embedding().to_vec(),
    })
}

/// A model of which it is known whether it was asked about the longest window.
struct Seen<'a> {
    predictor: &'a mut Predictor,
    longest: usize,
    is_longest: bool,
}

impl Seen<'_> {
    fn note(&mut self, frames: usize) {
        let card = self.predictor.card();
        self.is_longest = self.longest < frames + card.network.step_frames();
    }
}

impl Predict for Seen<'_> {
    fn open(&self) -> Option<Stream> {
        self.predictor.open()
    }

    fn follow(&mut self, stream: &mut Stream, window: Window) -> Prediction {
        self.note(window.rows.len() / self.predictor.card().features.rows());
        self.predictor.follow(stream, window)
    }

    fn predict(&mut self, features: &[f32], frames: usize) -> Prediction {
        self.note(frames);
        self.predictor.predict(features, frames)
    }
}

/// Hops in which the network was asked about the longest window.
fn hop_times(predictor: &mut Predictor, config: &Config, voice: &Sound) -> Result<Times> {
    let rate_hz = voice.rate_hz * u32::from(UPSAMPLED);
    let mut config = config.clone();
    config.voice.off_ms = GATE_OFF_MS;
    let mut engine = Engine::new(rate_hz, predictor.card(), &config)?;
    let samples = upsampled(&voice.samples, voice.channels, UPSAMPLED);
    let hop = to_count(f64::from(engine.hop_s()) * f64::from(rate_hz));
    let [_, longest] = predictor.card().window_feature_frames();
    let mut model = Seen { predictor, longest, is_longest: false };
    let mut times = Vec::with_capacity(RUNS);
    // At least half of it is speech; a voice that is not heard ends all the same.
    let passes = 2 * RUNS.div_ceil(samples.len() / hop);
    for hop in std::iter::repeat_n(&samples, passes).flat_map(|all| all.chunks_exact(hop)) {
        model.is_longest = false;
        let begun = Instant::now();
        engine.step(hop, &mut model, &mut |update| {
            black_box(update);
        });
        if model.is_longest {
            times.push(1e6 * begun.elapsed().as_secs_f64());
        }
        if times.len() == RUNS {
            break;
        }
    }
    ensure!(!times.is_empty(), "the demo voice is not heard as a voice");
    Ok(Times(times))
}
