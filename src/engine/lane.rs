//! One channel from samples at the device's rate to updates: resample, voice, features, baseline,
//! prediction, shaping. Each row of features is normalised as it arrives, with the baseline of that
//! moment, and keeps its values. Allocates only while its queues first grow.

use std::ops::Range;

use crate::config::checked::{Config, Voice};
use crate::engine::history::History;
use crate::engine::leader::Leader;
use crate::engine::meter::HopMeter;
use crate::engine::person::{Hop, Person};
use crate::engine::shaping::Shaping;
use crate::features::front_end::{FrontEnd, front_end};
use crate::features::prosody::ProsodyMeter;
use crate::features::resample::{ResampleError, Resampler};
use crate::features::{FeatureError, FeatureSpec};
use crate::messages::{CLASSES_MAX, TriggerStates, Update};
use crate::model::card::Card;
use crate::model::predictor::{Predict, Prediction, Window};
use crate::model::stream::Stream;
use crate::model::window::WindowRule;
use crate::personal::baseline::Baseline;
use crate::personal::normaliser::Normaliser;
use crate::units::ANALYSIS_RATE_HZ;
use crate::voice::activity::Activity;
use crate::voice::floor::Floor;
use crate::voice::gate::{Gate, GateSpec};

/// Kept before the first and after the last frame of speech; training crops have the same margin.
const MARGIN_FRAMES: usize = 10;

/// Speech that a first prediction needs: 0.3 s, so that a label is there within half a second of
/// the onset.
const SPEECH_FRAMES_MIN: usize = 30;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Resample(#[from] ResampleError),
    #[error(transparent)]
    Features(#[from] FeatureError),
}

/// One channel of the engine.
pub struct Lane {
    channel: u16,
    rate_hz: u32,
    features: FeatureSpec,
    hop_feature_frames: usize,
    windows: WindowRule,
    resampler: Resampler,
    /// Samples at the analysis rate that do not fill a feature hop yet.
    pending: Vec<f32>,
    front_end: Box<dyn FrontEnd>,
    prosody: ProsodyMeter,
    activity: Activity,
    floor: Floor,
    gate: Gate,
    normaliser: Normaliser,
    person: Person,
    /// Time constant of what the person taught.
    smooth_s: f32,
    shaping: Shaping,
    leader: Leader,
    history: History,
    /// What the model follows this channel with; not asked for yet, or none.
    stream: Option<Option<Stream>>,
    row: Vec<f32>,
    normalised: Vec<f32>,
    probability: f32,
    /// Feature frames since the present speech began, its margin included; 0 in silence.
    segment_frames: usize,
    /// Number of the row that its windows start from; see [`Self::grid_start`].
    segment_start: u64,
    /// Feature frames since the last one that was speech.
    frames_since_speech: usize,
    /// The network knows the present voice, or the last one, for one.
    is_known: bool,
    meter: HopMeter,
    sequence: u32,
    /// Feature frames since the source was opened that whole hops have told of.
    told_frames: u64,
}

impl Lane {
    pub fn new(
        channel: u16,
        rate_hz: u32,
        card: &Card,
        config: &Config,
    ) -> Result<Self, EngineError> {
        let features = card.features.clone();
        let windows = card.window_rule();
        Ok(Self {
            channel,
            rate_hz,
            hop_feature_frames: card.hop_feature_frames(),
            windows,
            resampler: Resampler::new(rate_hz)?,
            pending: Vec::new(),
            front_end: front_end(&features)?,
            prosody: ProsodyMeter::for_front_end(&features),
            activity: Activity::default(),
            floor: Floor::new(features.frames_per_s()),
            gate: Gate::new(gate_spec(&config.voice, &features)),
            normaliser: Normaliser::new(&card.normaliser),
            person: Person::default(),
            smooth_s: config.smooth.attack_s,
            shaping: Shaping::new(card.labels.len(), card.hop_s, &config.smooth, &config.hold),
            leader: Leader::new(config.output.lead),
            history: History::new(features.rows(), windows.rows_max() + MARGIN_FRAMES),
            stream: None,
            row: vec![0.0; features.rows()],
            normalised: vec![0.0; features.rows()],
            probability: 0.0,
            segment_frames: 0,
            segment_start: 0,
            frames_since_speech: 0,
            meter: HopMeter::default(),
            is_known: false,
            sequence: 0,
            told_frames: 0,
            features,
        })
    }

    /// Longest stretch of speech that one inference sees from now on.
    pub fn set_window_frames(&mut self, frames: usize) {
        self.windows.longest = frames;
    }

    /// Another gate, shaping and hop from now on; what was heard stays.
    pub fn configure(&mut self, config: &Config, hop_feature_frames: usize, mask: &[bool]) {
        self.gate.set_spec(gate_spec(&config.voice, &self.features));
        self.hop_feature_frames = hop_feature_frames;
        let hop_s = hop_feature_frames as f32 / self.features.frames_per_s();
        self.shaping.configure(hop_s, &config.smooth, &config.hold);
        self.smooth_s = config.smooth.attack_s;
        let mut whole = [true; CLASSES_MAX];
        whole[..mask.len()].copy_from_slice(mask);
        self.shaping.set_mask(whole);
        self.leader.set_lead(config.output.lead);
    }

    /// Goes on counting where another lane ended.
    pub fn follow(&mut self, sequence: u32) {
        self.sequence = sequence;
    }

    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    pub fn person(&mut self) -> &mut Person {
        &mut self.person
    }

    /// This person speaks from now on; `None`: somebody unknown.
    pub fn enrol(&mut self, baseline: Option<Baseline>) {
        match &baseline {
            Some(baseline) => baseline.enrol(&mut self.normaliser),
            None => self.normaliser.reset(),
        }
        self.person.set_baseline(baseline);
    }

    /// Somebody from another lane of the same model.
    pub fn seat(&mut self, person: Person) {
        self.person = person;
        if let Some(baseline) = self.person.baseline() {
            baseline.enrol(&mut self.normaliser);
        }
    }

    /// Takes samples of this channel at the source's rate.
    pub fn push(&mut self, samples: &[f32]) {
        self.resampler.process(samples, &mut self.pending);
    }

    /// Goes through what was pushed up to the end of the hop; true when it is complete. Then
    /// [`Self::window`] may be called and [`Self::finish_hop`] must be called.
    pub fn fill_hop(&mut self) -> bool {
        let hop = self.features.hop;
        let pending = std::mem::take(&mut self.pending);
        let mut frames = pending.chunks_exact(hop);
        let mut taken = 0;
        while self.meter.feature_frames < self.hop_feature_frames {
            let Some(frame) = frames.next() else { break };
            self.feature_frame(frame);
            taken += hop;
        }
        self.pending = pending;
        self.pending.drain(..taken);
        self.hop_feature_frames <= self.meter.feature_frames
    }

    /// Whole hops pass unheard.
    pub fn skip_hops(&mut self, hops: u32) {
        self.sequence = self.sequence.wrapping_add(hops);
        self.told_frames += u64::from(hops) * self.hop_feature_frames as u64;
        self.gate.close();
        self.segment_frames = 0;
    }

    /// The source was opened again, maybe at another rate: what was heard just before is
    /// forgotten; baseline, shaping and sequence go on.
    pub fn reopen(&mut self, rate_hz: u32) -> Result<(), EngineError> {
        self.resampler = Resampler::new(rate_hz)?;
        self.rate_hz = rate_hz;
        self.pending.clear();
        self.front_end.reset();
        self.prosody.reset();
        self.activity.reset();
        self.floor.reset();
        self.gate.close();
        self.history.clear();
        self.segment_frames = 0;
        self.meter = HopMeter::default();
        self.told_frames = 0;
        Ok(())
    }

    /// 10 ms: voice, level, cepstra, baseline.
    fn feature_frame(&mut self, samples: &[f32]) {
        let level_db = self.meter.add(samples);
        self.probability = self.activity.process(samples);
        let was_on = self.gate.is_on();
        self.floor.observe(level_db);
        let is_speech = self.gate.process(self.probability, level_db, self.floor.level_db());
        self.front_end.process(samples, &mut self.row);
        self.prosody.process(samples, level_db, self.gate.is_on(), self.front_end.pitch());
        if is_speech {
            self.normaliser.observe_weighted(&self.row, self.person.adapt());
            self.floor.observe_speech(level_db);
            self.frames_since_speech = 0;
        } else {
            self.frames_since_speech = self.frames_since_speech.saturating_add(1);
        }
        self.person.hear(self.gate.is_on().then_some((&self.row, is_speech)));
        self.normaliser.apply(&self.row, &mut self.normalised);
        self.history.push(&self.normalised);
        if !self.gate.is_on() {
            self.segment_frames = 0;
        } else if was_on {
            self.segment_frames += 1;
        } else {
            self.is_known = false;
            self.segment_frames = MARGIN_FRAMES + self.gate.onset_frames();
            self.segment_start = self.grid_start();
        }
    }

    /// The first row of the present speech, moved back by less than a hop of 100 ms so that it lies
    /// a whole number of hops before the end of this one: windows then grow by whole hops, and a
    /// GPU meets few lengths.
    fn grid_start(&self) -> u64 {
        let grid = self.hop_feature_frames.clamp(1, MARGIN_FRAMES);
        let left = self.hop_feature_frames.saturating_sub(self.meter.feature_frames);
        let back = (grid - (self.segment_frames + left) % grid) % grid;
        let start = self.history.end().saturating_sub((self.segment_frames + back) as u64);
        start.max(self.history.start()) // where the source was opened again just before
    }

    /// The hop is over; the prediction is of the window, if there was one.
    pub fn finish_hop(&mut self, prediction: Option<&Prediction>) -> Update {
        let meant = prediction.map(|prediction| self.person.mean(*prediction));
        if let Some(prediction) = &meant {
            let speech_s = self.seconds(self.speech_frames());
            self.shaping.observe(prediction, speech_s);
        }
        self.shaping.advance();
        self.is_known |= prediction.is_some() && self.shaping.is_known();
        let (classes, dimensions) = (self.shaping.classes(), self.shaping.dimensions());
        let voice_known = self.gate.is_on() && self.is_known;
        let relative = self.person.relative(dimensions, voice_known && prediction.is_some());
        let meter = std::mem::take(&mut self.meter);
        let clipped = meter.is_clipped();
        let labels = classes.as_slice().len() - 1;
        let said = prediction.map(|prediction| &prediction.probabilities[..labels]);
        let taught = self.person.hop(Hop {
            hop_s: self.seconds(self.hop_feature_frames),
            said: said.filter(|_| self.gate.is_on()),
            is_clipped: clipped,
            is_held: self.shaping.is_held(),
            smooth_s: self.smooth_s,
        });
        self.sequence = self.sequence.wrapping_add(1);
        self.told_frames += meter.feature_frames as u64;
        let end_frame = self.end_frame();
        Update {
            channel: self.channel,
            sequence: self.sequence,
            end_frame,
            time_s: end_frame as f64 / f64::from(self.rate_hz),
            voice_on: self.gate.is_on(),
            voice_known,
            voice_probability: self.probability.clamp(0.0, 1.0),
            fresh: self.shaping.is_fresh(),
            since_onset_s: self.seconds(self.segment_frames.saturating_sub(MARGIN_FRAMES)),
            since_speech_s: self.seconds(self.frames_since_speech),
            snr_db: self.floor.snr_db(),
            level_db: meter.level_db(),
            clipped,
            classes,
            top: self.leader.top(&classes),
            quadrant: self.leader.quadrant(dimensions),
            raw: self.shaping.raw(),
            dimensions,
            relative,
            confidence: self.shaping.confidence(),
            inferred: prediction.is_some(),
            prosody: self.prosody.values(),
            taught,
            triggers: TriggerStates::default(),
        }
    }

    /// Numbers of the rows that the model is to be asked about, if there is speech that it has not
    /// heard yet; [`Self::rows`] has them.
    pub fn window(&self) -> Option<Range<u64>> {
        let trailing = self.trailing_frames();
        let has_heard_it = 0 < trailing && self.hop_feature_frames <= self.frames_since_speech;
        if self.speech_frames() < SPEECH_FRAMES_MIN || has_heard_it {
            return None;
        }
        let end = self.history.end() - trailing as u64;
        let window = self.windows.window(self.segment_start..end)?;
        (self.history.start() <= window.start).then_some(window)
    }

    /// The model's answer about these rows, if it follows the channel.
    pub fn answer(&mut self, numbers: Range<u64>, model: &mut dyn Predict) -> Option<Prediction> {
        let stream = self.stream.get_or_insert_with(|| model.open()).as_mut()?;
        let start = numbers.start;
        let rows = self.history.rows(numbers);
        let answer = model.follow(stream, Window { rows, start });
        if self.person.wants_embedding() {
            self.person.take_embedding(stream.embedding(), rows, self.features.rows());
        }
        Some(answer)
    }

    /// What the heads see of these rows, where the model does not follow the channel.
    pub fn embed_if_wanted(&mut self, numbers: Range<u64>, model: &mut dyn Predict) {
        if self.person.wants_embedding() {
            let frames = usize::try_from(numbers.end - numbers.start).unwrap_or(0);
            let rows = self.history.rows(numbers);
            let embedding = model.embedding(rows, frames);
            self.person.take_embedding(&embedding, rows, self.features.rows());
        }
    }

    /// Another model answers from now on.
    pub fn forget_model(&mut self) {
        self.stream = None;
    }

    /// Normalised coefficients, row after row.
    pub fn rows(&self, numbers: Range<u64>) -> &[f32] {
        self.history.rows(numbers)
    }

    fn seconds(&self, feature_frames: usize) -> f32 {
        feature_frames as f32 / self.features.frames_per_s()
    }

    /// What came after the margin of the last speech.
    fn trailing_frames(&self) -> usize {
        self.frames_since_speech.saturating_sub(MARGIN_FRAMES)
    }

    /// Of the present speech, its margins included.
    fn speech_frames(&self) -> usize {
        self.segment_frames.saturating_sub(self.trailing_frames())
    }

    /// Source frame at the end of the hop just finished, as the microphone heard it: the
    /// resampler's delay is taken off.
    fn end_frame(&self) -> u64 {
        let samples = self.told_frames * self.features.hop as u64;
        let heard = samples.saturating_sub(self.resampler.delay() as u64);
        heard * u64::from(self.rate_hz) / u64::from(ANALYSIS_RATE_HZ)
    }
}

/// The configuration's milliseconds as feature frames.
fn gate_spec(voice: &Voice, features: &FeatureSpec) -> GateSpec {
    let frame_ms = features.hop * 1000 / features.rate_hz as usize;
    let frames = |ms: u32| (ms / u32::try_from(frame_ms).unwrap_or(1)).max(1);
    GateSpec {
        threshold: voice.threshold,
        floor_db: voice.floor_db,
        margin_db: voice.margin_db,
        on_frames: frames(voice.on_ms),
        off_frames: frames(voice.off_ms),
    }
}
