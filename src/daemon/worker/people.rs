//! The worker's part in who speaks: calibrations that run, and profiles that come and go.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::config::personal::{SUFFIX, profile_file};
use crate::daemon::clerk::Job;
use crate::daemon::worker::Worker;
use crate::daemon::worker::teaching::Trainings;
use crate::engine::person::Person;
use crate::engine::reading::Names;
use crate::model::card::Card;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::{Done, PersonRequest, Ticket};
use crate::personal::baseline::Baseline;
use crate::personal::calibration::Calibration;
use crate::personal::lesson::Lesson;
use crate::personal::profile::{Profile, ProfileError};

/// A calibration ends without a baseline once it has lasted so many times as long as the speech
/// that it wants.
const PATIENCE: f32 = 10.0;

/// What the worker keeps of people, by channel.
#[derive(Default)]
pub struct People {
    calibrating: BTreeMap<u16, Calibrating>,
    pub(super) trainings: Trainings,
    /// Names of what was taught.
    pub(super) outputs: BTreeMap<u16, Vec<String>>,
    /// Read before there was an engine.
    waiting: BTreeMap<u16, Read>,
}

/// A profile's file.
struct Read {
    name: String,
    text: String,
}

/// Who waits for a calibration.
struct Calibrating {
    ticket: Ticket,
    /// Time until it is given up.
    left_s: f32,
    /// Whole seconds of speech that were told.
    told_s: u32,
}

impl People {
    /// What the numbers of an update of the channel are called.
    pub(super) fn names<'a>(&'a self, channel: u16, card: &'a Card) -> Names<'a> {
        let taught = self.outputs.get(&channel).map_or(&[][..], Vec::as_slice);
        Names { labels: &card.labels, taught }
    }
}

impl Worker {
    /// Where the configuration names others than these, its profiles.
    pub(super) fn take_profiles(&mut self, before: &[String]) {
        let folder = self.surface.running().folder().to_owned();
        let now = self.config.personal.profiles.clone();
        let name = |names: &[String], index: usize| names.get(index).cloned().unwrap_or_default();
        for (channel, index) in (1..).zip(0..now.len().max(before.len())) {
            let wanted = name(&now, index);
            if wanted == name(before, index) {
                continue;
            }
            if wanted.is_empty() {
                self.enrol(channel, None);
                self.take_lesson(None, channel, Lesson::default());
            } else {
                let file = profile_file(&folder, &wanted);
                self.hand_over(None, Job::ReadProfile(None, channel, file));
            }
        }
    }

    /// There is an engine now: who was read before comes in.
    pub(super) fn take_waiting(&mut self) {
        for (channel, Read { name, text }) in std::mem::take(&mut self.people.waiting) {
            self.take_profile(None, channel, name, Ok(text));
        }
    }

    pub(super) fn try_person(
        &mut self,
        ticket: Ticket,
        channel: u16,
        request: PersonRequest,
    ) -> Result<Option<Done>, Fault> {
        match request {
            PersonRequest::Calibrate { seconds } => {
                let calibration = Calibration::new(self.model.predictor.card(), seconds);
                self.person(channel)?.calibrate(calibration);
                let calibrating =
                    Calibrating { ticket, left_s: PATIENCE * seconds, told_s: u32::MAX };
                if let Some(before) = self.people.calibrating.insert(channel, calibrating) {
                    let fault = Fault::new(Code::Cancelled, "another calibration took its place");
                    self.surface.answer(before.ticket, Err(fault), Instant::now());
                }
                return Ok(None);
            }
            PersonRequest::Stop => {
                let Some(calibrating) = self.people.calibrating.remove(&channel) else {
                    let text = format!("nobody is being calibrated on channel {channel}");
                    return Err(Fault::new(Code::NotNow, text));
                };
                self.conclude_calibration(channel, calibrating.ticket);
            }
            PersonRequest::Reset => self.enrol(channel, None),
            PersonRequest::Teach(request) => return self.teach(ticket, channel, request),
            PersonRequest::Adapt { rate } => self.person(channel)?.set_adapt(rate),
            PersonRequest::Save { file } => {
                let person = self.person(channel)?;
                let (baseline, lesson) = (person.baseline().cloned(), person.lesson().clone());
                if baseline.is_none() && lesson.is_empty() {
                    let text = format!("channel {channel} has no baseline and was taught nothing");
                    return Err(Fault::new(Code::NotNow, text));
                }
                let profile = Profile::new(self.model.predictor.card(), baseline, lesson);
                self.hand_over(Some(ticket), Job::SaveProfile(ticket, file, profile.text()));
                return Ok(None);
            }
            PersonRequest::Load { file } => {
                self.hand_over(Some(ticket), Job::ReadProfile(Some(ticket), channel, file));
                return Ok(None);
            }
            PersonRequest::List { folder } => {
                self.hand_over(Some(ticket), Job::ListProfiles(ticket, folder));
                return Ok(None);
            }
        }
        Ok(Some(Done::Plain))
    }

    /// A hop of the channel has passed.
    pub(super) fn watch_calibration(&mut self, channel: u16, hop_s: f32) {
        let Some(calibrating) = self.people.calibrating.get_mut(&channel) else { return };
        calibrating.left_s -= hop_s;
        let (ticket, left_s, told_s) = (calibrating.ticket, calibrating.left_s, calibrating.told_s);
        let Ok(Some(calibration)) = self.person(channel).map(|person| person.calibration()) else {
            return self.refuse_calibration(
                channel,
                Code::Cancelled,
                "another model took its place",
            );
        };
        let (heard_s, share) = (calibration.heard_s(), calibration.share());
        if calibration.is_complete() {
            self.people.calibrating.remove(&channel);
            return self.conclude_calibration(channel, ticket);
        }
        if left_s <= 0.0 {
            let text = format!("{heard_s:.1} s of speech were heard in all this time");
            return self.refuse_calibration(channel, Code::TimedOut, &text);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 120")]
        let now_s = heard_s as u32;
        if now_s != told_s {
            if let Some(calibrating) = self.people.calibrating.get_mut(&channel) {
                calibrating.told_s = now_s;
            }
            self.surface.progress(ticket, share, &format!("{now_s} s of speech heard"));
        }
    }

    fn refuse_calibration(&mut self, channel: u16, code: Code, text: &str) {
        if let Ok(person) = self.person(channel) {
            person.give_up();
        }
        if let Some(calibrating) = self.people.calibrating.remove(&channel) {
            let fault = Fault::new(code, text);
            self.surface.answer(calibrating.ticket, Err(fault), Instant::now());
        }
    }

    /// What was collected becomes the baseline; who asked is told how much it was.
    fn conclude_calibration(&mut self, channel: u16, ticket: Ticket) {
        let card = self.model.predictor.card().clone();
        let engine = self.live.as_mut().map(|live| &mut live.engine).or(self.resting.as_mut());
        let person = engine.and_then(|engine| engine.person(channel));
        let finished = person.and_then(|person| {
            let heard_s = person.calibration()?.heard_s();
            let finished = person.finish_calibration(&card, &mut self.model)?;
            Some(finished.map(|baseline| (heard_s, baseline)))
        });
        let result = match finished {
            Some(Ok((heard_s, baseline))) => {
                self.enrol(channel, Some(baseline));
                Ok(Done::Values(vec![heard_s.into()]))
            }
            Some(Err(error)) => Err(Fault::new(Code::NotNow, error.to_string())),
            None => Err(Fault::new(Code::Cancelled, "another model took its place")),
        };
        self.surface.answer(ticket, result, Instant::now());
    }

    /// A profile's file was read.
    pub(super) fn take_profile(
        &mut self,
        ticket: Option<Ticket>,
        channel: u16,
        name: String,
        read: Result<String, Fault>,
    ) {
        let card = self.model.predictor.card();
        let parsed = read.and_then(|text| {
            let wrong = |error: ProfileError| Fault::new(Code::Format, error.to_string());
            let profile = Profile::parse(&name, &text, card).map_err(wrong)?;
            Ok((profile, text))
        });
        match (ticket, parsed) {
            (ticket, Ok((_, text))) if self.engine().is_none() => {
                self.people.waiting.insert(channel, Read { name, text });
                if let Some(ticket) = ticket {
                    self.surface.answer(ticket, Ok(Done::Plain), Instant::now());
                }
            }
            (ticket, Ok((Profile { baseline, lesson, .. }, _))) => {
                self.enrol(channel, baseline);
                log::info!("channel {channel} is {}", name.trim_end_matches(SUFFIX));
                self.take_lesson(ticket, channel, lesson);
            }
            (Some(ticket), Err(fault)) => self.surface.answer(ticket, Err(fault), Instant::now()),
            (None, Err(fault)) => log::error!("channel {channel} is somebody unknown: {fault}"),
        }
    }

    /// This person speaks; where there is no sound yet, nobody waits any more.
    fn enrol(&mut self, channel: u16, baseline: Option<Baseline>) {
        match self.engine() {
            Some(engine) => engine.enrol(channel, baseline),
            None => drop(self.people.waiting.remove(&channel)),
        }
    }

    pub(super) fn person(&mut self, channel: u16) -> Result<&mut Person, Fault> {
        let person = self.engine().and_then(|engine| engine.person(channel));
        person.ok_or_else(|| Fault::new(Code::NotNow, "there is no sound yet"))
    }
}
