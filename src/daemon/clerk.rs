//! The clerk's thread: everything that a command asks for and that may take its time, one after the
//! other. Files, host names, lists of devices, models to be loaded. The worker never waits for it.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender};
use rosc::OscType;

use crate::audio::{self, Direction};
use crate::config::running::{Origin, State};
use crate::config::slots::TypedPlugins;
use crate::config::typed::Typed;
use crate::config::{ConfigError, checked, file, personal};
use crate::daemon::{load_model, model_folder};
use crate::messages::{DeviceItem, ModelItem};
use crate::model::backend::{BackendError, Loaded};
use crate::model::card::Card;
use crate::model::folder::{self, ModelFolder};
use crate::osc::fault::{Code, Fault};
use crate::osc::saved::{self, SavedReceiver};
use crate::osc::surface::{Done, Ticket};
use crate::personal::enrolment::Enrolment;
use crate::personal::head::{self, Head, Score, TooFew};
use crate::personal::lesson::Lesson;
use crate::personal::profile::Profile;
use crate::plugins::catalogue;
use crate::plugins::processor::Listed;

/// Jobs that may wait; a patch that asks for more at once is told to ask again.
pub const JOBS_MAX: usize = 16;

/// What is to be done.
pub enum Job {
    Reload(Option<Ticket>, Origin),
    Check(Ticket, Box<Typed>),
    Validate(Ticket, PathBuf, String),
    Save(Ticket, PathBuf, Box<Typed>),
    ListDevices(Ticket, Direction),
    ListModels(Ticket, PathBuf),
    LoadModel(checked::Model),
    SaveReceivers(Vec<SavedReceiver>),
    ScanPlugins(Ticket),
    SaveChain(Ticket, PathBuf, TypedPlugins),
    LoadChain(Ticket, PathBuf),
    /// Of a channel; nobody waits for it when the configuration names it.
    ReadProfile(Option<Ticket>, u16, PathBuf),
    SaveProfile(Ticket, PathBuf, String),
    ListProfiles(Ticket, PathBuf),
    /// Of a channel; the number tells it from those before.
    Train {
        channel: u16,
        number: u32,
        lesson: Lesson,
        classes: Vec<String>,
    },
}

/// What a lesson came to.
pub struct Trained {
    pub head: Head,
    pub score: Score,
    pub enrolment: Option<Enrolment>,
}

/// What came of it.
pub enum Finished {
    Answer(Ticket, Result<Done, Fault>),
    /// A whole configuration, to be adopted; with the file's own words after a reload.
    Configuration {
        ticket: Option<Ticket>,
        read: Result<(Box<State>, Option<Box<Typed>>), Fault>,
    },
    Loaded(Result<Box<Loaded>, Fault>),
    ReceiversNotSaved(String),
    /// It goes on: 0..1, and with what.
    Progress(Ticket, f32, String),
    /// What a profile's file says, for a channel.
    Profile {
        ticket: Option<Ticket>,
        channel: u16,
        file: PathBuf,
        read: Result<String, Fault>,
    },
    Trained {
        channel: u16,
        number: u32,
        result: Result<Box<Trained>, Fault>,
    },
    /// The slots that a file has.
    Chain(Ticket, Result<TypedPlugins, Fault>),
}

/// Until the worker has gone.
pub fn run(jobs: &Receiver<Job>, finished: &Sender<Finished>, receivers: &Path) {
    for job in jobs {
        // Nobody hears of progress once the worker has gone.
        let progress = |ticket, share, what: &str| {
            finished.send(Finished::Progress(ticket, share, what.to_owned())).unwrap_or_default();
        };
        let Some(result) = carry_out(job, receivers, &progress) else { continue };
        if finished.send(result).is_err() {
            return;
        }
    }
}

fn carry_out(job: Job, receivers: &Path, progress: &dyn Fn(Ticket, f32, &str)) -> Option<Finished> {
    Some(match job {
        Job::Reload(ticket, origin) => {
            let read = file::load(&origin.file, &origin.overrides);
            let read = read.map(|(state, saved)| (Box::new(state), Some(Box::new(saved))));
            Finished::Configuration { ticket, read: read.map_err(config_fault) }
        }
        Job::Check(ticket, typed) => {
            let checked = typed.check().map_err(|problems| {
                let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
                Fault::new(Code::OutOfRange, texts.join("; "))
            });
            let state = checked.map(|config| (Box::new(State { typed: *typed, config }), None));
            Finished::Configuration { ticket: Some(ticket), read: state }
        }
        Job::Validate(ticket, folder, name) => {
            let checked = file::validate(&folder, &name).map(|()| Done::Plain);
            Finished::Answer(ticket, checked.map_err(config_fault))
        }
        Job::Save(ticket, path, typed) => {
            let saved = file::save(&path, &typed).map(|()| Done::Saved(typed));
            Finished::Answer(ticket, saved.map_err(config_fault))
        }
        Job::ListDevices(ticket, direction) => {
            Finished::Answer(ticket, Ok(Done::Devices(devices(direction))))
        }
        Job::ListModels(ticket, folder) => {
            Finished::Answer(ticket, Ok(Done::Models(models(&folder))))
        }
        Job::LoadModel(model) => {
            let loaded = load_model(&model).map(Box::new);
            Finished::Loaded(loaded.map_err(|error| model_fault(&error)))
        }
        Job::ScanPlugins(ticket) => {
            let found = catalogue::scan(&mut |share, what| progress(ticket, share, what));
            let done = found.map(|found| Done::Items(listed(found)));
            let failed = |error: std::io::Error| Fault::new(Code::General, error.to_string());
            Finished::Answer(ticket, done.map_err(failed))
        }
        Job::SaveChain(ticket, path, plugins) => {
            let saved = file::save_slots(&path, plugins).map(|()| Done::Plain);
            Finished::Answer(ticket, saved.map_err(config_fault))
        }
        Job::LoadChain(ticket, path) => {
            Finished::Chain(ticket, file::load_slots(&path).map_err(config_fault))
        }
        Job::ReadProfile(ticket, channel, file) => {
            let read = file::read(&file).map_err(config_fault);
            Finished::Profile { ticket, channel, file, read }
        }
        Job::SaveProfile(ticket, path, text) => Finished::Answer(ticket, save(path, &text)),
        Job::ListProfiles(ticket, folder) => Finished::Answer(ticket, profiles(&folder)),
        Job::Train { channel, number, lesson, classes } => {
            Finished::Trained { channel, number, result: trained(&lesson, &classes) }
        }
        Job::SaveReceivers(list) => match saved::save(receivers, list) {
            Ok(()) => return None,
            Err(error) => Finished::ReceiversNotSaved(error.to_string()),
        },
    })
}

fn trained(lesson: &Lesson, classes: &[String]) -> Result<Box<Trained>, Fault> {
    let wrong = |error: TooFew| Fault::new(Code::NotNow, error.to_string());
    Ok(Box::new(Trained {
        head: Head::train(lesson).map_err(wrong)?,
        score: head::score(lesson).map_err(wrong)?,
        enrolment: Enrolment::learn(lesson, classes),
    }))
}

fn save(path: PathBuf, text: &str) -> Result<Done, Fault> {
    let saved = file::write_whole(&path, text.as_bytes());
    saved.map_err(|source| config_fault(ConfigError::Write { path, source }))?;
    Ok(Done::Plain)
}

fn profiles(folder: &Path) -> Result<Done, Fault> {
    let failed = |source| config_fault(ConfigError::Read { path: folder.to_owned(), source });
    let names = personal::profile_names(folder).map_err(failed)?;
    let item = |name: String| {
        // One that cannot be read is told by name all the same; loading it says why.
        let text = file::read(&personal::profile_file(folder, &name)).unwrap_or_default();
        let model = Profile::model_of(&text).unwrap_or_default();
        ("profile/item", vec![name.into(), model.into()])
    };
    Ok(Done::Items(names.into_iter().map(item).collect()))
}

fn listed(found: Vec<Listed>) -> Vec<(&'static str, Vec<OscType>)> {
    let int = |value: usize| OscType::Int(i32::try_from(value).unwrap_or(i32::MAX));
    let row = |one: Listed| {
        let words = [one.uri, one.name, one.format.name().to_owned()].map(OscType::String);
        let ports = [one.inputs, one.outputs].map(int);
        ("plugin/found", words.into_iter().chain(ports).collect())
    };
    found.into_iter().map(row).collect()
}

fn config_fault(error: ConfigError) -> Fault {
    let code = match &error {
        ConfigError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Code::NoSuchThing
        }
        ConfigError::Read { .. } | ConfigError::Write { .. } => Code::File,
        ConfigError::Outside { .. } => Code::NotAllowed,
        ConfigError::Syntax { .. } | ConfigError::Invalid(_) => Code::Config,
    };
    Fault::new(code, error.to_string())
}

fn model_fault(error: &anyhow::Error) -> Fault {
    let code = match error.downcast_ref() {
        Some(BackendError::NoGpu { .. }) => Code::Inference,
        _ => Code::File,
    };
    Fault::new(code, format!("{error:#}"))
}

fn devices(direction: Direction) -> Vec<DeviceItem> {
    let (lines, demo) = match direction {
        Direction::Input => (audio::list_inputs(), Some(demo())),
        Direction::Output => (audio::list_outputs(), None),
    };
    let items = lines.into_iter().map(|line| DeviceItem {
        id: line.id,
        name: line.name,
        channels: line.channels,
        rate_hz: line.rate_hz,
        is_default: line.is_default,
    });
    items.chain(demo).collect()
}

fn demo() -> DeviceItem {
    DeviceItem {
        id: "demo".to_owned(),
        name: "the voice that comes with affectd".to_owned(),
        channels: 1,
        rate_hz: 16_000,
        is_default: false,
    }
}

/// The models beside this one; a folder without a good card is none.
fn models(configured: &Path) -> Vec<ModelItem> {
    let configured = model_folder(configured);
    // A root that cannot be read has none.
    let listed = folder::list(folder::root_of(&configured)).unwrap_or_default();
    let item = |model: ModelFolder| {
        let Card { description, parameters, .. } = model.card.ok()?;
        Some(ModelItem { name: model.name, description, parameters })
    };
    listed.into_iter().filter_map(item).collect()
}
