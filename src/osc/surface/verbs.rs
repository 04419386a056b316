//! Commands that are no values: life, devices, models, configuration.

use std::path::Path;
use std::time::Instant;

use rosc::{OscPacket, OscType};

use crate::config::running::{retyped, shown};
use crate::osc::address::{CONTRACT_MAJOR, CONTRACT_MINOR, Verb};
use crate::osc::arguments::Arguments;
use crate::osc::encode::text;
use crate::osc::fault::{Code, Fault};
use crate::osc::surface::Surface;
use crate::osc::surface::commands::Outcome;
use crate::osc::surface::notice::NOTICES;
use crate::osc::surface::request::{Cause, Request};
use crate::osc::surface::settings::{fault, osc_values};
use crate::osc::surface::tickets::Caller;

/// So much of a label is told, so that all of them fit one datagram.
const LABEL_BYTES_MAX: usize = 64;

impl Surface {
    pub(super) fn run(
        &mut self,
        caller: &Caller,
        verb: Verb,
        arguments: &Arguments,
        replies: &mut Vec<OscPacket>,
        now: Instant,
    ) -> Result<Outcome, Fault> {
        let word = arguments.text(0).unwrap_or_default();
        match verb {
            Verb::Request => {
                Err(Fault::new(Code::WrongTypes, "a request cannot hold another request"))
            }
            Verb::Sync => Ok(Outcome::Sync(arguments.int(0).unwrap_or_default())),
            Verb::Subscribe => self.subscribe(caller, arguments, now),
            Verb::Unsubscribe => self.unsubscribe(caller, arguments.int(0)),
            Verb::Subscribers => Ok(self.list_subscribers(replies, now)),
            Verb::SubscribersClear => self.clear_subscribers(caller),
            Verb::Ping | Verb::PlainPing => {
                let receiver = self.receivers.of(caller.from);
                let (id, left) = receiver.map_or((0, 0.0), |r| (r.id, r.lease_left_s(now)));
                replies.push(self.item("pong", vec![OscType::Int(id), OscType::Float(left)]));
                Ok(Outcome::Done(Vec::new()))
            }
            Verb::Token => self.take_token(caller, word, now),
            Verb::Version => Ok(Outcome::Done(vec![
                text(concat!("affectd ", env!("CARGO_PKG_VERSION"))),
                OscType::Int(CONTRACT_MAJOR),
                OscType::Int(CONTRACT_MINOR),
            ])),
            Verb::List => Ok(self.list_addresses(word, replies)),
            Verb::Labels => {
                let cut =
                    |label: &String| text(&label[..label.floor_char_boundary(LABEL_BYTES_MAX)]);
                Ok(Outcome::Done(self.knowledge.identity.labels.iter().map(cut).collect()))
            }
            Verb::ModelCard => {
                let card = self.knowledge.identity.card.iter();
                replies.extend(card.map(|(key, value)| {
                    self.item("model/card/item", vec![text(key), text(value)])
                }));
                Ok(Outcome::Done(counted(replies)))
            }
            Verb::ConsentNotice => notice(word),
            Verb::Quit => {
                self.only_trusted(caller, "quit")?;
                Ok(Outcome::Later(Request::Quit))
            }
            Verb::DeviceList => Ok(Outcome::Later(Request::ListDevices)),
            Verb::ThroughList => Ok(Outcome::Later(Request::ListOutputs)),
            Verb::DeviceRetry => Ok(Outcome::Later(Request::RetryDevice)),
            Verb::DeviceSelect => self.select_device(word),
            Verb::ModelList => Ok(Outcome::Later(Request::ListModels)),
            Verb::ModelLoad => self.load_model(word),
            verb if verb.is_of_triggers() => self.run_triggers(verb, arguments, replies),
            verb if verb.is_of_maps() => self.run_maps(verb, arguments, replies),
            verb if verb.is_of_plugins() => self.run_plugins(caller, verb, arguments),
            _ => self.configure(caller, verb, arguments, replies),
        }
    }

    fn configure(
        &mut self,
        caller: &Caller,
        verb: Verb,
        arguments: &Arguments,
        replies: &mut Vec<OscPacket>,
    ) -> Result<Outcome, Fault> {
        let word = arguments.text(0).unwrap_or_default();
        match verb {
            Verb::ConfigGet if word == "osc.token" => Err(hidden()),
            Verb::ConfigGet => {
                let value = self.running.get(word).map_err(|problem| fault(&[problem]))?;
                Ok(Outcome::Done(value.map(|value| osc_values(&value)).unwrap_or_default()))
            }
            Verb::ConfigDiff => {
                let differences = self.running.differences().into_iter();
                replies.extend(differences.map(|found| {
                    let texts = [&found.key, &found.running, &found.saved].map(|part| text(part));
                    self.item("config/item", texts.to_vec())
                }));
                Ok(Outcome::Done(counted(replies)))
            }
            Verb::ConfigSet => self.set_key(caller, word, arguments),
            Verb::ConfigValidate => {
                let (folder, name) = (self.running.folder().to_owned(), word.to_owned());
                Ok(Outcome::Later(Request::Validate { folder, name }))
            }
            Verb::ConfigReload => {
                self.only_trusted(caller, "config/reload")?;
                Ok(Outcome::Later(Request::Reload(self.running.origin().clone())))
            }
            Verb::ConfigRollback => {
                let Some(state) = self.running.previous().cloned() else {
                    let text = "nothing was changed since the start";
                    return Err(Fault::new(Code::NotNow, text));
                };
                let (state, cause) = (Box::new(state), Cause::RollBack);
                Ok(Outcome::Later(Request::Adopt { state, cause }))
            }
            Verb::ConfigSave => {
                self.only_trusted(caller, "config/save")?;
                let file = self.running.origin().file.clone();
                let typed = Box::new(self.running.state().typed.clone());
                Ok(Outcome::Later(Request::Save { file, typed }))
            }
            other => Err(Fault::new(Code::General, format!("{other:?} has no code"))),
        }
    }

    /// One key; without a value its default.
    fn set_key(
        &mut self,
        caller: &Caller,
        key: &str,
        arguments: &Arguments,
    ) -> Result<Outcome, Fault> {
        let values = &arguments.all()[1..];
        let names_file =
            |value: &OscType| matches!(value, OscType::String(text) if text.starts_with("file:"));
        if key == "osc.token" {
            return Err(hidden());
        }
        if key == "model.folder" || key == "input.source" && values.iter().any(names_file) {
            let text = format!("{key} names a path; set it in the file, or use model/load");
            return Err(Fault::new(Code::NotAllowed, text));
        }
        let state = self.running.state();
        if key.starts_with("osc.") {
            // Host names may take seconds, and who may do what is for those to say who may.
            self.only_trusted(caller, key)?;
            let old = self.running.get(key).map_err(|problem| fault(&[problem]))?;
            let value = match (old, values) {
                (_, []) => None,
                (Some(toml::Value::Array(_)), values) => Some(strings(key, values)?.into()),
                (_, [OscType::String(text)]) => Some(text.as_str().into()),
                _ => return Err(Fault::new(Code::WrongTypes, format!("{key} takes a string"))),
            };
            let typed = retyped(&state.typed, key, value).map_err(|problems| fault(&problems))?;
            return Ok(Outcome::Later(Request::Check(Box::new(typed))));
        }
        let state = Box::new(self.changed(state, key, values)?);
        Ok(Outcome::Later(Request::Adopt { state, cause: Cause::Set(key.to_owned()) }))
    }

    fn select_device(&self, id: &str) -> Result<Outcome, Fault> {
        let source = match id {
            "auto" | "jack" | "cpal" | "demo" => id.to_owned(),
            id if id.starts_with("file:") => {
                let text = "a file is played by the configuration or --input, not by a command";
                return Err(Fault::new(Code::NotAllowed, text));
            }
            id if id.starts_with("cpal:") => id.to_owned(),
            id => format!("cpal:{id}"),
        };
        self.adopt_key("input.source", &source)
    }

    /// A folder beside the one that is configured: a name, no path.
    fn load_model(&self, name: &str) -> Result<Outcome, Fault> {
        let is_plain = Path::new(name).file_name().is_some_and(|plain| plain == name)
            && !name.contains(['/', '\\', '\0']);
        if !is_plain {
            let text = format!("model {name:?} is no plain name; model/list tells them");
            return Err(Fault::new(Code::NotAllowed, text));
        }
        let folder = self.running.config().model.folder.with_file_name(name);
        self.adopt_key("model.folder", &folder.to_string_lossy())
    }

    fn adopt_key(&self, key: &str, value: &str) -> Result<Outcome, Fault> {
        let values = [OscType::String(value.to_owned())];
        let state = Box::new(self.changed(self.running.state(), key, &values)?);
        let cause = Cause::Set(format!("{key} = {}", shown(key, Some(&value.into()))));
        Ok(Outcome::Later(Request::Adopt { state, cause }))
    }

    fn take_token(&mut self, caller: &Caller, token: &str, now: Instant) -> Result<Outcome, Fault> {
        if !self.destinations.is_token(token) {
            return Err(Fault::new(Code::NotAllowed, "token is wrong, or none is configured"));
        }
        self.peers.trust(caller.from, now);
        Ok(Outcome::Done(Vec::new()))
    }

    pub(super) fn only_trusted(&self, caller: &Caller, what: &str) -> Result<(), Fault> {
        if self.is_trusted(caller.from) {
            return Ok(());
        }
        let text = format!(
            "{what} from {}: only this machine may, osc.allow's networks, and who says the token",
            caller.from.ip()
        );
        Err(Fault::new(Code::NotAllowed, text))
    }

    fn list_addresses(&self, prefix: &str, replies: &mut Vec<OscPacket>) -> Outcome {
        for address in self.addresses.iter().filter(|address| address.name.starts_with(prefix)) {
            let access = OscType::Int(address.row.access());
            let arguments =
                vec![text(&address.name), text(address.row.types), access, text(address.row.text)];
            replies.push(self.item("item", arguments));
        }
        Outcome::Done(counted(replies))
    }
}

/// `ok` bears the number of items before it.
pub(super) fn counted(replies: &[OscPacket]) -> Vec<OscType> {
    vec![OscType::Int(i32::try_from(replies.len()).unwrap_or(i32::MAX))]
}

fn hidden() -> Fault {
    Fault::new(Code::NotAllowed, "osc.token is told to nobody; set it in the file")
}

fn strings(key: &str, values: &[OscType]) -> Result<Vec<String>, Fault> {
    let text = |value: &OscType| match value {
        OscType::String(text) => Some(text.clone()),
        _ => None,
    };
    let texts: Option<Vec<_>> = values.iter().map(text).collect();
    texts.ok_or_else(|| Fault::new(Code::WrongTypes, format!("{key} takes strings")))
}

fn notice(language: &str) -> Result<Outcome, Fault> {
    let language = if language.is_empty() { "en" } else { language };
    let Some((_, notice)) = NOTICES.iter().find(|(code, _)| *code == language) else {
        let known: Vec<_> = NOTICES.iter().map(|(code, _)| *code).collect();
        let text = format!("language {language:?} is not there, allowed: {}", known.join(", "));
        return Err(Fault::new(Code::NoSuchThing, text));
    };
    Ok(Outcome::Done(vec![text(notice)]))
}
