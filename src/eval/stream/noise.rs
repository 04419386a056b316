//! How often a noise alone is taken for a voice: recordings of each kind one after the other,
//! brought to one level, through the live engine.

use std::collections::BTreeMap;
use std::path::Path;

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
use crate::train::channel::rms;
use crate::train::corpus::{Clip, read_manifest};
use crate::train::held_out::is_test_noise;
use crate::units::db_to_amplitude;

/// Level (RMS) of speech at arm's length, and how far below it the recordings are brought: from a
/// quiet room to one in which they are as loud.
const SPEECH_DB: f32 = -25.0;
const SNRS_DB: [f32; 4] = [20.0, 10.0, 5.0, 0.0];

/// In each recording of babble the voices begin and fall silent one by one, so that the first and
/// the last speak alone and can well be followed; so they are heard as a crowd too, some of them at
/// once.
const BABBLE: &str = "noise:babble";
const AT_ONCE: usize = 3;

/// Longest that is heard of one kind.
const MINUTES_MAX: f64 = 10.0;

/// One kind at one level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FalseVoice {
    pub kind: String,
    /// Of speech of -25 dBFS, were there any.
    pub snr_db: f32,
    pub minutes: f64,
    /// Which of the model's networks were trained with these recordings.
    pub heard_by: Vec<&'static str>,
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
        let mut kind = Kind::new(kind, clips, model.card(), &options.scope.audio_root)?;
        let ways = if kind.name == BABBLE { vec![1, AT_ONCE] } else { vec![1] };
        for at_once in ways {
            kind.at_once = at_once;
            for snr_db in SNRS_DB {
                rows.push(hear(&kind, snr_db, config, model)?);
            }
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
    /// What the manifest has in the place of a speaker, and the sound.
    recordings: Vec<(String, Vec<f32>)>,
    heard_by: Vec<&'static str>,
    /// So many of them are heard together.
    at_once: usize,
}

impl<'a> Kind<'a> {
    fn new(name: &'a str, clips: Vec<Clip>, card: &Card, root: &Path) -> Result<Self> {
        let (kept_back, heard): (Vec<Clip>, Vec<Clip>) = clips.into_iter().partition(is_test_noise);
        let (clips, heard_by) = if kept_back.is_empty() {
            let outlier = card.outlier.as_ref().map(|outlier| ("outlier", &outlier.command));
            let trained = outlier.into_iter().chain([("emotion", &card.training.command)]);
            let heard_by = trained.filter(|(_, command)| command.contains(name));
            (heard, heard_by.map(|(network, _)| network).collect())
        } else {
            (kept_back, Vec::new())
        };
        let read = |clip: &Clip| {
            let path = found(root, clip)?;
            let sound = read_sound(&path).with_context(|| format!("in {}", path.display()))?;
            Ok((clip.speaker.clone(), sound))
        };
        let recordings = clips.iter().map(read).collect::<Result<_>>()?;
        Ok(Self { name, recordings, heard_by, at_once: 1 })
    }

    /// The recording in this place and those that are heard with it, each as loud as the others
    /// and from another place on, together at this level.
    fn sound(&self, place: usize, level_db: f32) -> Vec<f32> {
        let (_, first) = &self.recordings[place];
        let mut sum = vec![0.0; first.len()];
        for other in 0..self.at_once {
            let (_, sound) = &self.recordings[(place + STRIDE * other) % self.recordings.len()];
            let factor = 1.0 / rms(sound);
            let later = sound.iter().cycle().skip(other * sound.len() / self.at_once);
            sum.iter_mut().zip(later).for_each(|(sum, sample)| *sum += factor * sample);
        }
        let factor = db_to_amplitude(level_db) / rms(&sum);
        sum.iter_mut().for_each(|sample| *sample *= factor);
        sum
    }
}

/// Places from one recording to the next that is heard with it.
const STRIDE: usize = 5;

fn hear(kind: &Kind, snr_db: f32, config: &Config, model: &mut Predictor) -> Result<FalseVoice> {
    let card = model.card().clone();
    let rate_hz = card.features.rate_hz;
    let mut engine = Engine::new(rate_hz, &card, config)?;
    let mut segments = Segments::new(1);
    let mut triggers = triggers(&card.labels)?;
    let (hop_s, mut on, mut switched) = (engine.hop_s(), TriggerStates::default(), 0_usize);
    let (mut hops, mut voiced, mut labelled, mut begun) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut begun_by = BTreeMap::new();
    let (mut seconds, unknown) = (0.0, card.labels.len());
    let progress = progress_bar(kind.recordings.len(), "noise");
    for (place, (speaker, _)) in kind.recordings.iter().enumerate() {
        progress.inc(1);
        if MINUTES_MAX * 60.0 <= seconds {
            continue;
        }
        let samples = kind.sound(place, SPEECH_DB - snr_db);
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
            *begun_by.entry(speaker.clone()).or_default() += begun - begun_before;
        }
    }
    progress.finish_and_clear();
    let minutes = seconds / 60.0;
    let share = |count: usize| count as f64 / hops.max(1) as f64;
    Ok(FalseVoice {
        kind: match kind.at_once {
            1 => kind.name.to_owned(),
            count => format!("{}, {count} at once", kind.name),
        },
        snr_db,
        minutes,
        heard_by: kind.heard_by.clone(),
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
