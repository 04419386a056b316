//! From the manifest to the report's files.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::config::checked::{Smooth, SmoothMode};
use crate::config::{self, Overrides};
use crate::eval::folds::listening::{Voices, found};
use crate::eval::run::{
    HASH_DIGITS, HeldOut, Opened, Scope, command, file_name, open, write_report,
};
use crate::eval::stream::first::{FirstLabel, first_labels};
use crate::eval::stream::markdown::Markdown;
use crate::eval::stream::noise::{FalseVoice, false_voices, kept_back};
use crate::eval::stream::plot;
use crate::eval::stream::tally::{Following, Tally, tallies};
use crate::train::corpus::Clip;

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    pub scope: Scope,
    pub part: HeldOut,
    pub noise_corpora: Vec<String>,
    /// Folder of the report's files, named for the model.
    pub out: PathBuf,
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub model: String,
    pub sha256: String,
    pub corpora: Vec<String>,
    pub split: String,
    pub part: &'static str,
    pub speakers: usize,
    pub minutes: f64,
    pub command: String,
    pub rows: Vec<Row>,
    pub first_labels: Vec<FirstLabel>,
    pub noises: Vec<FalseVoice>,
}

/// One setting of the smoothing.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub mode: &'static str,
    pub setting: String,
    pub is_default: bool,
    #[serde(flatten)]
    pub following: Following,
}

/// Measures and writes the report as Markdown, JSON and SVG; says where it is.
pub fn run(options: &Options) -> Result<PathBuf> {
    let Opened { split, mut model, card, clips } = open(&options.scope)?;
    let wanted = |clip: &&Clip| {
        split.part_of(clip) == options.part.part() && card.labels.contains(&clip.emotion)
    };
    let chosen: Vec<&Clip> = clips.iter().filter(wanted).collect();
    if chosen.is_empty() {
        bail!("no clip of these corpora has a label of the model and a speaker of that part");
    }
    let voices = Voices::load(&chosen, &options.scope.audio_root, &model)?;
    let paths = chosen
        .iter()
        .map(|clip| found(&options.scope.audio_root, clip))
        .collect::<Result<Vec<_>>>()?;
    let defaults = config::parse("config.toml".as_ref(), "", &Overrides::default())?;
    let settings = settings(&defaults.smooth);
    let smooths: Vec<Smooth> = settings.iter().map(|setting| setting.smooth.clone()).collect();
    let tallies = tallies(&voices, &paths, &mut model, &defaults, &smooths)?;
    let noise = match options.noise_corpora.as_slice() {
        [] => String::new(),
        kinds => format!(" --noise-corpora {}", kinds.join(",")),
    };
    let report = Report {
        model: card.name.clone(),
        sha256: card.sha256.chars().take(HASH_DIGITS).collect(),
        corpora: options.scope.corpora.clone(),
        split: file_name(&options.scope.split),
        part: options.part.name(),
        speakers: voices.speakers.len(),
        minutes: tallies.first().map_or(0.0, |tally| tally.seconds / 60.0),
        command: command("stream", &options.scope, options.part) + &noise,
        first_labels: first_labels(&voices, &paths, &mut model, &defaults, &kept_back(options)?)?,
        rows: settings.iter().zip(&tallies).map(|(one, tally)| Row::new(one, tally)).collect(),
        noises: false_voices(options, &defaults, &mut model)?,
    };
    let files = [
        ("svg", plot::draw(&report)),
        ("json", serde_json::to_string_pretty(&report)?),
        ("md", Markdown(&report).to_string()),
    ];
    write_report(&options.out, &report.model, files)?;
    Ok(options.out.join(format!("{}.md", report.model)))
}

/// What is compared, and whether config.toml has it so.
pub struct Setting {
    smooth: Smooth,
    text: String,
    is_default: bool,
}

impl Setting {
    fn mode(&self) -> &'static str {
        match self.smooth.mode {
            SmoothMode::Off => "off",
            SmoothMode::Release => "release",
            SmoothMode::OneEuro => "one_euro",
            SmoothMode::Hmm => "hmm",
        }
    }
}

/// The default first.
fn settings(default: &Smooth) -> Vec<Setting> {
    let mut smooths = vec![default.clone()];
    let with = |mode| Smooth { mode, ..default.clone() };
    smooths.push(with(SmoothMode::Off));
    smooths.extend([0.1, 0.2, 0.4, 0.8, 1.6].map(|time_s| Smooth {
        attack_s: time_s,
        release_s: time_s,
        ..with(SmoothMode::Release)
    }));
    for min_cutoff in [0.05, 0.1, 0.3, 1.0] {
        smooths.extend([0.2, 1.0].map(|beta| Smooth {
            min_cutoff,
            beta,
            ..with(SmoothMode::OneEuro)
        }));
    }
    smooths.extend(
        [1.0, 2.0, 5.0, 10.0, 30.0].map(|stay_s| Smooth { stay_s, ..with(SmoothMode::Hmm) }),
    );
    let setting = |(index, smooth): (usize, Smooth)| {
        let text = match smooth.mode {
            SmoothMode::Off => String::new(),
            SmoothMode::Release => {
                format!("attack_s {}, release_s {}", smooth.attack_s, smooth.release_s)
            }
            SmoothMode::OneEuro => {
                format!("min_cutoff {}, beta {}", smooth.min_cutoff, smooth.beta)
            }
            SmoothMode::Hmm => format!("stay_s {}", smooth.stay_s),
        };
        Setting { smooth, text, is_default: index == 0 }
    };
    smooths.into_iter().enumerate().map(setting).collect()
}

impl Row {
    fn new(setting: &Setting, tally: &Tally) -> Self {
        Self {
            mode: setting.mode(),
            setting: setting.text.clone(),
            is_default: setting.is_default,
            following: Following::new(tally),
        }
    }
}
