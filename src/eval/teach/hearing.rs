//! Clips as somebody who teaches them is heard: each through the live engine, from a person whom it
//! does not know.

use anyhow::{Context, Result};

use crate::config::Config;
use crate::engine::step::Engine;
use crate::eval::folds::listening::found;
use crate::eval::teach::run::Options;
use crate::model::predictor::Predictor;
use crate::personal::lesson::{Example, Kind};
use crate::train::bank::{progress_bar, read_sound};
use crate::train::corpus::Clip;

/// Silence after each clip, in seconds: its last speech is finished.
const TAIL_S: usize = 1;

/// What a clip is called while it is shown.
const SHOWN: &str = "clip";

const CHANNEL: u16 = 1;

/// What was heard of a clip; without examples, too little voice.
pub struct Heard {
    pub speaker: String,
    pub emotion: String,
    pub examples: Vec<Example>,
}

pub fn hear(
    clips: &[&Clip],
    options: &Options,
    config: &Config,
    model: &mut Predictor,
) -> Result<Vec<Heard>> {
    let card = model.card().clone();
    let mut config = config.clone();
    config.input.channels = 1;
    let tail = vec![0.0; TAIL_S * card.features.rate_hz as usize];
    let progress = progress_bar(clips.len(), "clips");
    let mut heard = Vec::with_capacity(clips.len());
    for clip in clips {
        progress.inc(1);
        let path = found(&options.scope.audio_root, clip)?;
        let samples = read_sound(&path).with_context(|| format!("in {}", path.display()))?;
        let mut engine = Engine::new(card.features.rate_hz, &card, &config)?;
        let missing = "the engine has no channel";
        engine.person(CHANNEL).context(missing)?.show(SHOWN, Kind::Label, 1.0)?;
        for samples in [&samples, &tail] {
            engine.step(samples, model, &mut |_| {});
        }
        let lesson = engine.person(CHANNEL).context(missing)?.lesson();
        let examples = lesson.outputs.first().map(|output| output.examples.clone());
        heard.push(Heard {
            speaker: clip.speaker_key(),
            emotion: clip.emotion.clone(),
            examples: examples.unwrap_or_default(),
        });
    }
    progress.finish_and_clear();
    Ok(heard)
}
