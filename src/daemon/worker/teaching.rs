//! The worker's part in teaching: examples while they are shown, heads that the clerk trains, and
//! what they are called.

use std::collections::BTreeMap;
use std::time::Instant;

use rosc::OscType;

use crate::daemon::clerk::{Job, Trained};
use crate::daemon::knowledge;
use crate::daemon::worker::Worker;
use crate::engine::person::{EXAMPLE_S, Shown};
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::{Done, TeachRequest, Ticket};
use crate::personal::head::Score;
use crate::personal::lesson::{Kind, Lesson, LessonError, Output};

/// What is at the clerk, by channel.
#[derive(Default)]
pub struct Trainings {
    running: BTreeMap<u16, Training>,
    count: u32,
}

struct Training {
    number: u32,
    ticket: Option<Ticket>,
    /// Of a profile that is being loaded: then too few examples are no fault.
    is_loaded: bool,
}

impl Worker {
    pub(super) fn teach(
        &mut self,
        ticket: Ticket,
        channel: u16,
        request: TeachRequest,
    ) -> Result<Option<Done>, Fault> {
        Ok(Some(match request {
            TeachRequest::Show { name, slider } => {
                let kind = if slider.is_some() { Kind::Slider } else { Kind::Label };
                let shown = self.person(channel)?.show(&name, kind, slider.unwrap_or(1.0));
                shown.map_err(|error| lesson_fault(&error))?;
                Done::Plain
            }
            TeachRequest::End { name } => {
                let shown = self.person(channel)?.shown(&name);
                Done::Values(vec![OscType::Int(examples(&name, shown)?)])
            }
            TeachRequest::Undo => {
                let name = self.person(channel)?.lesson_mut().undo();
                let nothing = || Fault::new(Code::NotNow, "nothing was shown");
                Done::Values(vec![name.ok_or_else(nothing)?.into()])
            }
            TeachRequest::Delete { name } => {
                let person = self.person(channel)?;
                person.lesson_mut().delete(&name).map_err(|error| lesson_fault(&error))?;
                if person.outputs().contains(&name) {
                    person.set_head(None, None); // it would go on saying so
                    self.tell_knowledge();
                }
                Done::Plain
            }
            TeachRequest::Count => Done::Items(counts(self.person(channel)?.lesson())),
            TeachRequest::Train => {
                let lesson = self.person(channel)?.lesson().clone();
                if self.people.trainings.running.contains_key(&channel) {
                    return Err(Fault::new(Code::NotNow, "a training goes on; ask again"));
                }
                let count: usize = lesson.outputs.iter().map(|one| one.examples.len()).sum();
                self.surface.progress(ticket, 0.0, &format!("training on {count} examples"));
                self.train(Some(ticket), channel, lesson, false);
                return Ok(None);
            }
            TeachRequest::Enrol { is_wanted } => {
                if !self.person(channel)?.enrol_classes(is_wanted) {
                    let known = self.model.predictor.card().labels.join(", ");
                    let text = format!("two of {known} have to be taught and trained first");
                    return Err(Fault::new(Code::NotNow, text));
                }
                Done::Plain
            }
            TeachRequest::Cancel => {
                let Some(training) = self.people.trainings.running.remove(&channel) else {
                    return Err(Fault::new(Code::NotNow, "no training goes on"));
                };
                self.cancel(training);
                Done::Plain
            }
        }))
    }

    /// What a profile taught; who loads it is told once it answers.
    pub(super) fn take_lesson(&mut self, ticket: Option<Ticket>, channel: u16, lesson: Lesson) {
        if let Ok(person) = self.person(channel) {
            person.set_lesson(lesson.clone());
        }
        self.tell_knowledge();
        if let Some(before) = self.people.trainings.running.remove(&channel) {
            self.cancel(before);
        }
        if !lesson.is_empty() {
            self.train(ticket, channel, lesson, true);
        } else if let Some(ticket) = ticket {
            self.surface.answer(ticket, Ok(Done::Plain), Instant::now());
        }
    }

    fn train(&mut self, ticket: Option<Ticket>, channel: u16, lesson: Lesson, is_loaded: bool) {
        self.people.trainings.count = self.people.trainings.count.wrapping_add(1);
        let number = self.people.trainings.count;
        let classes = self.model.predictor.card().labels.clone();
        match (self.queue(Job::Train { channel, number, lesson, classes }), ticket) {
            (Ok(()), _) => {
                let training = Training { number, ticket, is_loaded };
                self.people.trainings.running.insert(channel, training);
            }
            (Err(fault), Some(ticket)) => self.surface.answer(ticket, Err(fault), Instant::now()),
            (Err(fault), None) => log::error!("what was taught on channel {channel}: {fault}"),
        }
    }

    /// The clerk has trained.
    pub(super) fn take_head(
        &mut self,
        channel: u16,
        number: u32,
        result: Result<Box<Trained>, Fault>,
    ) {
        let running = &mut self.people.trainings.running;
        if running.get(&channel).is_none_or(|training| training.number != number) {
            return; // cancelled
        }
        let Some(Training { ticket, is_loaded, .. }) = running.remove(&channel) else { return };
        let done = match result {
            Ok(trained) => {
                let Trained { head, score, enrolment } = *trained;
                let labels = head.names();
                if let Ok(person) = self.person(channel) {
                    person.set_head(Some(head), enrolment);
                }
                self.tell_knowledge();
                Ok(if is_loaded { Done::Plain } else { told(&labels, &score) })
            }
            Err(_) if is_loaded => Ok(Done::Plain),
            Err(fault) => Err(fault),
        };
        if let Some(ticket) = ticket {
            self.surface.answer(ticket, done, Instant::now());
        }
    }

    pub(super) fn cancel_trainings(&mut self) {
        let running = std::mem::take(&mut self.people.trainings.running);
        running.into_values().for_each(|training| self.cancel(training));
    }

    fn cancel(&mut self, training: Training) {
        if let Some(ticket) = training.ticket {
            let fault = Fault::new(Code::Cancelled, "the training was given up");
            self.surface.answer(ticket, Err(fault), Instant::now());
        }
    }

    /// What the surface tells of model and people.
    pub(super) fn tell_knowledge(&mut self) {
        self.people.outputs.clear();
        for channel in 1..=self.config.input.channels {
            let outputs = self.person(channel).map(|person| person.outputs()).unwrap_or_default();
            self.people.outputs.insert(channel, outputs);
        }
        let all = self.people.outputs.iter();
        let taught =
            all.flat_map(|(channel, names)| names.iter().map(|name| (*channel, name.clone())));
        let knowledge = knowledge(&self.config, self.model.predictor.card(), taught.collect());
        self.surface.set_knowledge(knowledge);
    }
}

fn lesson_fault(error: &LessonError) -> Fault {
    let code = match error {
        LessonError::Name { .. } => Code::NotAllowed,
        LessonError::Kind { .. } => Code::Exists,
        LessonError::TooMany(_) | LessonError::Full => Code::Limit,
        LessonError::Missing(..) => Code::NoSuchThing,
    };
    Fault::new(code, error.to_string())
}

/// Of one recording; none is a fault.
fn examples(name: &str, shown: Option<Shown>) -> Result<i32, Fault> {
    let text = match shown {
        None => format!("{name:?} is not being shown"),
        Some(Shown { examples: 0, hops: 0, .. }) => {
            format!("too little speech was heard while {name} was shown")
        }
        Some(Shown { examples: 0, .. }) => {
            format!("all that was heard while {name} was shown is clipped; play it softer")
        }
        Some(Shown { examples, .. }) => return Ok(i32::try_from(examples).unwrap_or(i32::MAX)),
    };
    Err(Fault::new(Code::NotNow, text))
}

fn counts(lesson: &Lesson) -> Vec<(&'static str, Vec<OscType>)> {
    let int = |count: usize| OscType::Int(i32::try_from(count).unwrap_or(i32::MAX));
    let item = |output: &Output| {
        let count = output.examples.len();
        let seconds = OscType::Float(EXAMPLE_S * count as f32);
        let name = output.name.clone().into();
        let row =
            vec![name, output.kind.name().into(), int(output.recordings()), int(count), seconds];
        ("teach/item", row)
    };
    lesson.outputs.iter().map(item).collect()
}

/// The confusion, then the score.
fn told(names: &[String], score: &Score) -> Done {
    let int = |count: &u32| OscType::Int(i32::try_from(*count).unwrap_or(i32::MAX));
    let row = |(name, row): (&String, &Vec<u32>)| {
        let counts = row.iter().map(int);
        ("teach/confusion", [name.clone().into()].into_iter().chain(counts).collect())
    };
    let items = names.iter().zip(&score.confusion).map(row).collect();
    Done::Told { items, results: vec![OscType::Float(score.share)] }
}
