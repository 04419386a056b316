//! A stream's value as a rule sees it, and whether the rule's gate is open. Pure functions of an
//! update.

use crate::config::rule::{Gate, SourceStream};
use crate::messages::{ClassScores, UNKNOWN, Update};
use crate::units::level_to_norm;

/// What the numbers of an update are called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// The model's labels, in the order of the scores, which `unknown` ends.
    pub labels: &'a [String],
    /// What the person on the update's channel taught.
    pub taught: &'a [String],
}

/// NaN opens no gate.
pub fn is_open(gate: Gate, update: &Update) -> bool {
    let is_sure = gate.confidence_min.is_none_or(|least| least <= update.confidence);
    let is_voice = update.voice_on || !gate.needs_voice;
    is_sure && is_voice && (update.voice_known || !gate.needs_known)
}

/// The stream's value, unless it is NaN, or model or person have nothing of that name.
pub fn read(stream: &SourceStream, update: &Update, names: Names) -> Option<f32> {
    let Names { labels, taught } = names;
    let score = |scores: &ClassScores, label: &String| {
        let place = labels.iter().position(|known| known == label);
        let unknown = (label == UNKNOWN).then_some(labels.len());
        scores.as_slice().get(place.or(unknown)?).copied()
    };
    let value = match stream {
        SourceStream::VoiceOn => f32::from(update.voice_on),
        SourceStream::VoiceProbability => update.voice_probability,
        SourceStream::Fresh => f32::from(update.fresh),
        SourceStream::Level => update.level_db,
        SourceStream::LevelClip => f32::from(update.clipped),
        SourceStream::TopIndex => update.top as f32,
        SourceStream::LevelNorm => level_to_norm(update.level_db),
        SourceStream::Class(label) => score(&update.classes, label)?,
        SourceStream::RawClass(label) => score(&update.raw, label)?,
        SourceStream::Taught(name) => {
            let place = taught.iter().position(|known| known == name)?;
            *update.taught.as_slice().get(place)?
        }
        SourceStream::Trigger(_, place) => f32::from(update.triggers.is_on(*place)),
        SourceStream::TopProbability => *update.classes.as_slice().get(update.top)?,
        SourceStream::Arousal => update.dimensions.arousal,
        SourceStream::Valence => update.dimensions.valence,
        SourceStream::Dominance => update.dimensions.dominance,
        SourceStream::RelativeArousal => update.relative?.arousal,
        SourceStream::RelativeValence => update.relative?.valence,
        SourceStream::RelativeDominance => update.relative?.dominance,
        SourceStream::Confidence => update.confidence,
        SourceStream::F0 => update.prosody.f0_hz,
        SourceStream::F0Range => update.prosody.f0_range,
        SourceStream::Rate => update.prosody.rate,
        SourceStream::Jitter => update.prosody.jitter,
        SourceStream::Shimmer => update.prosody.shimmer_db,
        SourceStream::Hnr => update.prosody.hnr_db,
        SourceStream::Tilt => update.prosody.tilt_db,
        SourceStream::Loudness => update.prosody.loudness,
        SourceStream::Snr => update.snr_db,
    };
    (!value.is_nan()).then_some(value)
}
