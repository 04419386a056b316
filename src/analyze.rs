//! `affectd analyze`: sound files through the same engine as a live voice, as fast as the machine
//! can. Runs on the main thread; what it writes goes to the writer it is given.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::config::checked::Config;
use crate::engine::step::Engine;
use crate::messages::{Prosody, UNKNOWN, Update};
use crate::model::predictor::Predictor;
use crate::wav::{self, Sound};

/// Silence after the end, so that the last speech is finished: the same as a live file gets.
const TAIL_S: f64 = 1.5;

/// Frames that the engine gets at a time.
const BLOCK_FRAMES: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Csv,
    Json,
    Table,
}

/// One hop of one channel, for CSV and JSON.
#[derive(Debug, Serialize)]
struct Row<'a> {
    file: &'a str,
    channel: u16,
    seq: u32,
    time_s: f64,
    voice: u8,
    voice_prob: f32,
    fresh: u8,
    level_db: f32,
    arousal: f32,
    valence: f32,
    dominance: f32,
    conf: f32,
    top: &'a str,
    quadrant: &'a str,
    snr_db: f32,
    #[serde(flatten)]
    prosody: Prosody,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<(&'a str, f32)>,
}

/// All updates of one sound. The number of channels is the configuration's; a sound with fewer is
/// an error.
pub fn updates(sound: &Sound, predictor: &mut Predictor, config: &Config) -> Result<Vec<Update>> {
    let channels = usize::from(config.input.channels);
    if sound.channels < channels {
        bail!("it has {} channels, but {channels} are to be analysed", sound.channels);
    }
    let mut engine = Engine::new(sound.rate_hz, predictor.card(), config)?;
    let mut updates = Vec::new();
    let frames = sound.samples.chunks_exact(sound.channels).map(|frame| &frame[..channels]);
    let mut taken: Vec<f32> = frames.flatten().copied().collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^20")]
    let tail = (TAIL_S * f64::from(sound.rate_hz)) as usize * channels;
    taken.resize(taken.len() + tail, 0.0);
    for block in taken.chunks(BLOCK_FRAMES * channels) {
        engine.step(block, predictor, &mut |update| updates.push(*update));
    }
    Ok(updates)
}

/// Analyses `files` and writes them in one layout.
pub fn run(
    files: &[PathBuf],
    layout: Layout,
    predictor: &mut Predictor,
    config: &Config,
    out: &mut dyn Write,
) -> Result<()> {
    let labels: Vec<String> =
        predictor.card().labels.iter().cloned().chain([UNKNOWN.to_owned()]).collect();
    match layout {
        Layout::Csv => {
            let header = CSV_COLUMNS.into_iter().chain(labels.iter().map(String::as_str));
            csv::Writer::from_writer(&mut *out).write_record(header)?;
        }
        Layout::Table => writeln!(
            out,
            "{:<28} {:>7} {:>6} {:>9} {:>5}  arousal valence domin.  speed",
            "file", "length", "voice", "emotion", ""
        )?,
        Layout::Json => {}
    }
    for file in files {
        let name = file.display().to_string();
        let sound = wav::read_file(file)?;
        let begun = Instant::now();
        let updates =
            updates(&sound, predictor, config).with_context(|| format!("cannot analyse {name}"))?;
        let speed = sound.duration_s() / begun.elapsed().as_secs_f64();
        match layout {
            Layout::Table => write_summary(out, file, &updates, &labels, &sound, speed)?,
            Layout::Csv => {
                let mut table = csv::Writer::from_writer(&mut *out);
                for update in &updates {
                    table.write_record(csv_record(&row(&name, update, &labels)))?;
                }
                table.flush()?;
            }
            Layout::Json => {
                for update in &updates {
                    writeln!(out, "{}", serde_json::to_string(&row(&name, update, &labels))?)?;
                }
            }
        }
    }
    Ok(())
}

fn row<'a>(file: &'a str, update: &Update, labels: &'a [String]) -> Row<'a> {
    let scores = update.classes.as_slice();
    Row {
        file,
        channel: update.channel,
        seq: update.sequence,
        time_s: update.time_s,
        voice: u8::from(update.voice_on),
        voice_prob: update.voice_probability,
        fresh: u8::from(update.fresh),
        level_db: update.level_db,
        arousal: update.dimensions.arousal,
        valence: update.dimensions.valence,
        dominance: update.dimensions.dominance,
        conf: update.confidence,
        top: &labels[update.top],
        quadrant: update.quadrant.name(),
        snr_db: update.snr_db,
        prosody: update.prosody,
        classes: labels.iter().map(String::as_str).zip(scores.iter().copied()).collect(),
    }
}

/// What a CSV row begins with; one column a label follows.
const CSV_COLUMNS: [&str; 23] = [
    "file",
    "channel",
    "seq",
    "time_s",
    "voice",
    "voice_prob",
    "fresh",
    "level_db",
    "arousal",
    "valence",
    "dominance",
    "conf",
    "top",
    "quadrant",
    "snr_db",
    "f0_hz",
    "f0_range",
    "rate",
    "jitter",
    "shimmer_db",
    "hnr_db",
    "tilt_db",
    "loudness",
];

fn csv_record(row: &Row) -> Vec<String> {
    let mut record = vec![
        row.file.to_owned(),
        row.channel.to_string(),
        row.seq.to_string(),
        format!("{:.4}", row.time_s),
        row.voice.to_string(),
        format!("{:.3}", row.voice_prob),
        row.fresh.to_string(),
        format!("{:.1}", row.level_db),
        format!("{:.4}", row.arousal),
        format!("{:.4}", row.valence),
        format!("{:.4}", row.dominance),
        format!("{:.4}", row.conf),
        row.top.to_owned(),
        row.quadrant.to_owned(),
        format!("{:.1}", row.snr_db),
    ];
    record.extend(row.prosody.all().iter().map(|value| format!("{value:.3}")));
    record.extend(row.classes.iter().map(|(_, score)| format!("{score:.4}")));
    record
}

/// One line a file: means over the hops in which the network answered.
fn write_summary(
    out: &mut dyn Write,
    file: &Path,
    updates: &[Update],
    labels: &[String],
    sound: &Sound,
    speed: f64,
) -> Result<()> {
    let spoken: Vec<&Update> = updates.iter().filter(|update| update.inferred).collect();
    let count = spoken.len().max(1) as f32;
    let mean = |value: fn(&Update) -> f32| -> f32 {
        spoken.iter().map(|update| value(update)).fold(0.0, |sum, value| sum + value) / count
    };
    let score = |label: usize| -> f32 {
        spoken.iter().map(|update| update.classes.as_slice()[label]).sum::<f32>() / count
    };
    let best = (0..labels.len() - 1).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap_or(0);
    let (label, share) = match spoken.is_empty() {
        true => ("no voice", 0.0),
        false => (labels[best].as_str(), score(best)),
    };
    let voiced = updates.iter().filter(|update| update.voice_on).count();
    writeln!(
        out,
        "{:<28} {:>5.1} s {:>4.0} % {:>9} {:>3.0} %  {:>7.2} {:>7.2} {:>6.2}  {:.0} × real time",
        file.file_name().unwrap_or_default().to_string_lossy(),
        sound.duration_s(),
        100.0 * voiced as f32 / updates.len().max(1) as f32,
        label,
        100.0 * share,
        mean(|update| update.dimensions.arousal),
        mean(|update| update.dimensions.valence),
        mean(|update| update.dimensions.dominance),
        speed,
    )?;
    Ok(())
}
