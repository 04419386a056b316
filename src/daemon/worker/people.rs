//! The worker's part in who speaks: calibrations that run, and profiles that come and go.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use crate::config::personal::profile_file;
use crate::daemon::clerk::Job;
use crate::daemon::worker::Worker;
use crate::engine::person::Person;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::{Done, PersonRequest, Ticket};
use crate::personal::baseline::Baseline;
use crate::personal::calibration::Calibration;
use crate::personal::profile::{Profile, ProfileError};

/// A calibration ends without a baseline once it has lasted so many times as long as the speech
/// that it wants.
const PATIENCE: f32 = 10.0;

/// What the worker keeps of people, by channel.
#[derive(Default)]
pub struct People {
    calibrating: BTreeMap<u16, Calibrating>,
    /// Loaded before there was an engine.
    waiting: BTreeMap<u16, Baseline>,
}

/// Who waits for a calibration.
struct Calibrating {
    ticket: Ticket,
    /// Time until it is given up.
    left_s: f32,
    /// Whole seconds of speech that were told.
    told_s: u32,
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
            } else {
                let file = profile_file(&folder, &wanted);
                self.hand_over(None, Job::ReadProfile(None, channel, file));
            }
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
            PersonRequest::Adapt { rate } => self.person(channel)?.set_adapt(rate),
            PersonRequest::Save { file } => {
                let baseline = self.person(channel)?.baseline().cloned().ok_or_else(|| {
                    let text = format!("channel {channel} has no baseline; calibrate first");
                    Fault::new(Code::NotNow, text)
                })?;
                let profile = Profile::new(self.model.predictor.card(), baseline);
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
        file: &Path,
        read: Result<String, Fault>,
    ) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let card = self.model.predictor.card();
        let result = read.and_then(|text| {
            let wrong = |error: ProfileError| Fault::new(Code::Format, error.to_string());
            Profile::parse(&name, &text, card).map_err(wrong)
        });
        let result = result.map(|profile| self.enrol(channel, Some(profile.baseline)));
        match (ticket, result) {
            (Some(ticket), result) => {
                self.surface.answer(ticket, result.map(|()| Done::Plain), Instant::now());
            }
            (None, Err(fault)) => log::error!("channel {channel} is somebody unknown: {fault}"),
            (None, Ok(())) => log::info!("channel {channel} is {name}"),
        }
    }

    fn enrol(&mut self, channel: u16, baseline: Option<Baseline>) {
        match (self.engine(), baseline) {
            (Some(engine), baseline) => engine.enrol(channel, baseline),
            (None, Some(baseline)) => {
                self.people.waiting.insert(channel, baseline);
            }
            (None, None) => {
                self.people.waiting.remove(&channel);
            }
        }
    }

    /// There is an engine now: who was read before comes in.
    pub(super) fn enrol_waiting(&mut self) {
        for (channel, baseline) in std::mem::take(&mut self.people.waiting) {
            self.enrol(channel, Some(baseline));
        }
    }

    fn person(&mut self, channel: u16) -> Result<&mut Person, Fault> {
        let person = self.engine().and_then(|engine| engine.person(channel));
        person.ok_or_else(|| Fault::new(Code::NotNow, "there is no sound yet"))
    }
}
