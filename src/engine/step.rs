//! The engine: all channels in step. `step` takes what the ring gave, `skip` what it lost.

use std::ops::Range;

use crate::config::checked::Config;
use crate::engine::lane::{EngineError, Lane};
use crate::engine::person::Person;
use crate::messages::Update;
use crate::model::card::Card;
use crate::model::predictor::{Batch, Predict, Prediction};
use crate::personal::baseline::Baseline;
use crate::units::to_count;

/// Silence put in place of lost sound; what is lost beyond it is jumped over.
const GAP_FILLED_S: u64 = 3;

/// Frames taken apart at a time; bounds the buffer, changes no result.
const BLOCK_FRAMES: usize = 4096;

/// The whole analysis of one source.
pub struct Engine {
    lanes: Vec<Lane>,
    planar: Vec<f32>,
    /// What the lanes ask in one hop, one after the other, and the answers.
    windows: Vec<f32>,
    /// Rows that each lane asks about; none, 0..0.
    asked: Vec<Range<u64>>,
    batch: Vec<Prediction>,
    answers: Vec<Option<Prediction>>,
    rate_hz: u32,
    hop_s: f32,
    frames_per_s: f32,
    window_frames: [usize; 2],
    labels: Vec<String>,
    /// The card's own, where the configuration names none.
    card_window_s: f32,
    card_hop_s: f32,
    lost_hops: u32,
}

impl Engine {
    /// For a source of `rate_hz` with as many channels as the configuration analyses.
    pub fn new(rate_hz: u32, card: &Card, config: &Config) -> Result<Self, EngineError> {
        let lanes = (1..=config.input.channels)
            .map(|channel| Lane::new(channel, rate_hz, card, config))
            .collect::<Result<_, _>>()?;
        let mut engine = Self {
            lanes,
            planar: Vec::with_capacity(BLOCK_FRAMES),
            windows: Vec::new(),
            asked: Vec::new(),
            batch: Vec::new(),
            answers: vec![None; usize::from(config.input.channels)],
            rate_hz,
            hop_s: card.hop_s,
            frames_per_s: card.features.frames_per_s(),
            window_frames: card.window_feature_frames(),
            labels: card.labels.clone(),
            card_window_s: card.window_s,
            card_hop_s: card.hop_s,
            lost_hops: 0,
        };
        engine.configure(config);
        Ok(engine)
    }

    /// Takes over what may change while sound goes on: gate, shaping, mask, window and hop.
    pub fn configure(&mut self, config: &Config) {
        let hop_s = config.model.hop_s.unwrap_or(self.card_hop_s);
        let hop_frames = to_count(f64::from(hop_s * self.frames_per_s)).max(1);
        self.hop_s = hop_frames as f32 / self.frames_per_s;
        let kept = &config.output.mask;
        let mask: Vec<bool> =
            self.labels.iter().map(|label| kept.is_empty() || kept.contains(label)).collect();
        self.set_window_s(config.model.window_s.unwrap_or(self.card_window_s));
        self.lanes.iter_mut().for_each(|lane| lane.configure(config, hop_frames, &mask));
    }

    /// Takes the place of another engine: its sequence and counts go on.
    pub fn follow(&mut self, before: &Self) {
        self.lost_hops = before.lost_hops;
        let sequence = before.lanes.iter().map(Lane::sequence).max().unwrap_or(0);
        self.lanes.iter_mut().for_each(|lane| lane.follow(sequence));
    }

    /// Of a channel counted from 1.
    pub fn person(&mut self, channel: u16) -> Option<&mut Person> {
        self.lane(channel).map(Lane::person)
    }

    /// This person speaks on the channel from now on; `None`: somebody unknown.
    pub fn enrol(&mut self, channel: u16, baseline: Option<Baseline>) {
        if let Some(lane) = self.lane(channel) {
            lane.enrol(baseline);
        }
    }

    /// The people of an engine of the same model, whose place this one takes.
    pub fn seat_people_of(&mut self, before: &mut Self) {
        for (lane, old) in self.lanes.iter_mut().zip(&mut before.lanes) {
            lane.seat(std::mem::take(old.person()));
        }
    }

    fn lane(&mut self, channel: u16) -> Option<&mut Lane> {
        self.lanes.get_mut(usize::from(channel).checked_sub(1)?)
    }

    pub fn channels(&self) -> usize {
        self.lanes.len()
    }

    /// Time between two updates.
    pub fn hop_s(&self) -> f32 {
        self.hop_s
    }

    /// Takes interleaved frames and says what each hop completed by them brought.
    pub fn step(
        &mut self,
        interleaved: &[f32],
        model: &mut dyn Predict,
        emit: &mut dyn FnMut(&Update),
    ) {
        let channels = self.lanes.len();
        for block in interleaved.chunks(BLOCK_FRAMES * channels) {
            for (index, lane) in self.lanes.iter_mut().enumerate() {
                self.planar.clear();
                self.planar.extend(block.iter().skip(index).step_by(channels));
                lane.push(&self.planar);
            }
            self.hops(model, emit);
        }
    }

    /// Every hop that is complete now. All lanes hear the same number of samples, so their hops end
    /// together.
    fn hops(&mut self, model: &mut dyn Predict, emit: &mut dyn FnMut(&Update)) {
        // Each lane is filled, also where another is not there yet.
        let count = |lane: &mut Lane| usize::from(lane.fill_hop());
        while self.lanes.iter_mut().map(count).sum::<usize>() == self.lanes.len() {
            self.ask(model);
            for (lane, answer) in self.lanes.iter_mut().zip(&self.answers) {
                emit(&lane.finish_hop(answer.as_ref()));
            }
        }
    }

    /// Leaves an answer for each lane that has something to ask. Where the model does not follow
    /// the lanes, windows of one length are asked about together.
    fn ask(&mut self, model: &mut dyn Predict) {
        self.asked.clear();
        self.asked.extend(self.lanes.iter().map(|lane| lane.window().unwrap_or(0..0)));
        let lanes = self.lanes.iter_mut().zip(&self.asked);
        for ((lane, rows), answer) in lanes.zip(&mut self.answers) {
            *answer = if rows.is_empty() { None } else { lane.answer(rows.clone(), model) };
        }
        for index in 0..self.lanes.len() {
            let frames = frames_of(&self.asked[index]);
            if frames == 0 || self.answers[index].is_some() {
                continue;
            }
            let asked = &self.asked;
            let alike = (index..asked.len()).filter(|&other| frames_of(&asked[other]) == frames);
            self.windows.clear();
            for other in alike.clone() {
                let rows = self.lanes[other].rows(asked[other].clone());
                self.windows.extend_from_slice(rows);
            }
            self.batch.clear();
            let batch = Batch { windows: &self.windows, count: alike.clone().count(), frames };
            model.predict_batch(batch, &mut self.batch);
            for (other, answer) in alike.zip(&self.batch) {
                self.answers[other] = Some(*answer);
                let (lane, rows) = (&mut self.lanes[other], self.asked[other].clone());
                lane.embed_if_wanted(rows, model);
            }
        }
    }

    /// Sound of this many frames was lost: silence in its place keeps the time; hops that end in
    /// it are not told and counted as lost.
    pub fn skip(&mut self, frames: u64, model: &mut dyn Predict) {
        let hop_frames = to_count(f64::from(self.rate_hz) * f64::from(self.hop_s)) as u64;
        let filled_at_least = GAP_FILLED_S * u64::from(self.rate_hz);
        let jumped = frames.saturating_sub(filled_at_least) / hop_frames;
        let silence = vec![0.0; usize::try_from(frames - jumped * hop_frames).unwrap_or(0)];
        let mut lost = 0;
        self.lanes.iter_mut().for_each(|lane| lane.push(&silence));
        self.hops(model, &mut |update| lost += u32::from(update.channel == 1));
        if 0 < jumped {
            let jumped = u32::try_from(jumped).unwrap_or(u32::MAX);
            self.lanes.iter_mut().for_each(|lane| lane.skip_hops(jumped));
        }
        self.lost_hops += lost + u32::try_from(jumped).unwrap_or(u32::MAX);
    }

    /// The source was opened again, maybe at another rate.
    pub fn reopen(&mut self, rate_hz: u32) -> Result<(), EngineError> {
        self.rate_hz = rate_hz;
        self.lanes.iter_mut().try_for_each(|lane| lane.reopen(rate_hz))
    }

    /// Another model, of the same card, answers from now on; what was heard stays.
    pub fn change_model(&mut self) {
        self.lanes.iter_mut().for_each(Lane::forget_model);
    }

    /// Hops that nobody was told of, since the start.
    pub fn lost_hops(&self) -> u32 {
        self.lost_hops
    }

    /// Longest stretch of speech that one inference sees; held to what the model allows.
    pub fn set_window_s(&mut self, window_s: f32) {
        let [shortest, longest] = self.window_frames;
        let frames = to_count(f64::from(window_s * self.frames_per_s)).clamp(shortest, longest);
        self.lanes.iter_mut().for_each(|lane| lane.set_window_frames(frames));
    }
}

fn frames_of(rows: &Range<u64>) -> usize {
    usize::try_from(rows.end - rows.start).unwrap_or(0)
}
