//! How often a noise alone is taken for a voice: recordings of each kind one after the other,
//! brought to one level, through the live engine.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::config::Config;
use crate::config::rule::RuleError;
use crate::config::trigger::TypedTrigger;
use crate::engine::reading::Names;
use crate::engine::segments::Segments;
use crate::engine::step::Engine;
use crate::engine::triggers::Triggers;
use crate::eval::folds::listening::found;
use crate::eval::stream::run::Options;
use crate::messages::{SegmentEvent, TriggerStates};
use crate::model::card::Card;
use crate::model::predictor::Predictor;
use crate::train::bank::{progress_bar, read_sound};
use crate::train::corpus::{Clip, read_manifest};
use crate::train::held_out::is_test_noise;
use crate::units::{amplitude_to_db, db_to_amplitude};

/// Levels (RMS) that the recordings are brought to: a quiet room, and one in which speech at arm's
/// length is as loud.
const LEVELS_DB: [f32; 2] = [-45.0, -25.0];

/// Longest that is heard of one kind.
const MINUTES_MAX: f64 = 10.0;

/// One kind at one level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FalseVoice {
    pub kind: String,
    pub level_db: f32,
    pub minutes: f64,
    /// Whether these recordings were mixed in, or heard alone, when the model was trained.
    pub is_heard: bool,
    pub segments_per_minute: f64,
    /// Segments, by what the manifest has in the place of a speaker, where there are any.
    pub begun_by: BTreeMap<String, usize>,
    /// Of triggers with the default thresholds on arousal and on each class.
    pub triggers_per_minute: f64,
    /// Share of the time in which a voice was said to be there.
    pub voice_share: f64,
    /// Share of the hops in which a label other than `unknown` led.
    pub labelled_share: f64,
}

pub fn false_voices(
    options: &Options,
    config: &Config,
    model: &mut Predictor,
) -> Result<Vec<FalseVoice>> {
    let mut rows = Vec::new();
    for kind in &options.noise_corpora {
        let clips = read_manifest(&options.scope.manifest, std::slice::from_ref(kind))?;
        let kind = Kind::new(kind, clips, model.card());
        for level_db in LEVELS_DB {
            rows.push(hear(&kind, level_db, options, config, model)?);
        }
    }
    Ok(rows)
}

/// What is kept for testing, by its kind.
pub fn kept_back(options: &Options) -> Result<Vec<Vec<Vec<f32>>>> {
    let mut kinds = Vec::new();
    for kind in &options.noise_corpora {
        let clips = read_manifest(&options.scope.manifest, std::slice::from_ref(kind))?;
        let clips = clips.iter().filter(|clip| is_test_noise(clip));
        let read = |clip: &Clip| read_sound(&found(&options.scope.audio_root, clip)?);
        let recordings: Vec<Vec<f32>> = clips.map(read).collect::<Result<_>>()?;
        kinds.extend((!recordings.is_empty()).then_some(recordings));
    }
    Ok(kinds)
}

/// Recordings of one kind; if some are kept for testing, those.
struct Kind<'a> {
    name: &'a str,
    clips: Vec<Clip>,
    is_heard: bool,
}

impl<'a> Kind<'a> {
    fn new(name: &'a str, clips: Vec<Clip>, card: &Card) -> Self {
        let (kept_back, heard): (Vec<Clip>, Vec<Clip>) = clips.into_iter().partition(is_test_noise);
        if kept_back.is_empty() {
            let is_heard = card.training.command.contains(name);
            return Self { name, clips: heard, is_heard };
        }
        Self { name, clips: kept_back, is_heard: false }
    }
}

fn hear(
    kind: &Kind,
    level_db: f32,
    options: &Options,
    config: &Config,
    model: &mut Predictor,
) -> Result<FalseVoice> {
    let card = model.card().clone();
    let rate_hz = card.features.rate_hz;
    let mut engine = Engine::new(rate_hz, &card, config)?;
    let mut segments = Segments::new(1);
    let mut triggers = triggers(&card.labels)?;
    let (hop_s, mut on, mut switched) = (engine.hop_s(), TriggerStates::default(), 0_usize);
    let (mut hops, mut voiced, mut labelled, mut begun) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut begun_by = BTreeMap::new();
    let (mut seconds, unknown) = (0.0, card.labels.len());
    let progress = progress_bar(kind.clips.len(), "noise");
    for clip in &kind.clips {
        progress.inc(1);
        if MINUTES_MAX * 60.0 <= seconds {
            continue;
        }
        let path = found(&options.scope.audio_root, clip)?;
        let mut samples = read_sound(&path).with_context(|| format!("in {}", path.display()))?;
        let squares: f32 = samples.iter().map(|sample| sample * sample).sum();
        let own_db = amplitude_to_db((squares / samples.len().max(1) as f32).sqrt());
        let gain = db_to_amplitude(level_db - own_db);
        samples.iter_mut().for_each(|sample| *sample *= gain);
        seconds += samples.len() as f64 / f64::from(rate_hz);
        let begun_before = begun;
        engine.step(&samples, model, &mut |update| {
            hops += 1;
            voiced += usize::from(update.voice_on);
            labelled += usize::from(update.top != unknown);
            let now = triggers.advance(update, Names { labels: &card.labels, taught: &[] }, hop_s);
            switched += (0..=card.labels.len()).filter(|&i| now.is_on(i) && !on.is_on(i)).count();
            on = now;
            segments.advance(update, &config.voice, &mut |event| {
                begun += usize::from(matches!(event, SegmentEvent::Start { .. }));
            });
        });
        if begun_before < begun {
            *begun_by.entry(clip.speaker.clone()).or_default() += begun - begun_before;
        }
    }
    progress.finish_and_clear();
    let minutes = seconds / 60.0;
    let share = |count: usize| count as f64 / hops.max(1) as f64;
    Ok(FalseVoice {
        kind: kind.name.to_owned(),
        level_db,
        minutes,
        is_heard: kind.is_heard,
        begun_by,
        segments_per_minute: begun as f64 / minutes.max(f64::MIN_POSITIVE),
        triggers_per_minute: switched as f64 / minutes.max(f64::MIN_POSITIVE),
        voice_share: share(voiced),
        labelled_share: share(labelled),
    })
}

/// One on arousal, one on each label.
fn triggers(labels: &[String]) -> Result<Triggers, RuleError> {
    let sources = labels.iter().map(|label| format!("class/{label}"));
    let typed = sources.chain(["arousal".to_owned()]);
    let typed = typed.map(|source| TypedTrigger { source, ..TypedTrigger::default() });
    let mut triggers = Triggers::default();
    triggers.set_all(typed.map(|trigger| trigger.check()).collect::<Result<_, _>>()?)?;
    Ok(triggers)
}
