//! The configuration that holds now: what was typed and what came of it, with the states before,
//! so that a change can be looked at, taken back and saved. Reads and writes no file. The worker's
//! thread.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::config::checked::Config;
use crate::config::document::Document;
use crate::config::error::Problem;
use crate::config::typed::Typed;
use crate::config::{Overrides, file};

/// States that can be taken back; older ones are forgotten.
const HISTORY: usize = 16;

/// One whole configuration; `config` is what `typed` was checked to.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub typed: Typed,
    pub config: Config,
}

/// A key whose value is another one than in the file; both as TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub key: String,
    pub running: String,
    pub saved: String,
}

/// What to read again at a reload.
#[derive(Clone, Debug)]
pub struct Origin {
    pub file: PathBuf,
    pub overrides: Overrides,
}

#[derive(Clone, Debug)]
pub struct Running {
    state: State,
    before: Vec<State>,
    origin: Origin,
    /// As the file has it, without the command line.
    saved: Typed,
}

impl Running {
    pub fn new(state: State, origin: Origin, saved: Typed) -> Self {
        Self { state, before: Vec::new(), origin, saved }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn config(&self) -> &Config {
        &self.state.config
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Where `config/validate` may look.
    pub fn folder(&self) -> &Path {
        file::folder_of(&self.origin.file)
    }

    /// The value of `section.key`; `None` for a key that has none because it is the model's own.
    pub fn get(&self, key: &str) -> Result<Option<Value>, Problem> {
        split(key, &self.state.typed)?;
        Ok(value(&self.state.typed, key))
    }

    /// What would hold if this key had this value, or its default. Waits for nothing: `[osc]` is
    /// for [`Typed::check`] on a thread that may.
    pub fn changed(state: &State, key: &str, value: Option<Value>) -> Result<State, Vec<Problem>> {
        let typed = retyped(&state.typed, key, value)?;
        let config = typed.check_with(state.config.osc.clone())?;
        Ok(State { typed, config })
    }

    /// From now on this holds.
    pub fn adopt(&mut self, state: State) {
        if self.before.len() == HISTORY {
            self.before.remove(0);
        }
        self.before.push(std::mem::replace(&mut self.state, state));
    }

    /// What held before the last change.
    pub fn previous(&self) -> Option<&State> {
        self.before.last()
    }

    /// `previous` holds again.
    pub fn roll_back(&mut self) {
        if let Some(state) = self.before.pop() {
            self.state = state;
        }
    }

    /// The file has this now.
    pub fn set_saved(&mut self, saved: Typed) {
        self.saved = saved;
    }

    /// What plays has moved, and was saved so; no change that could be taken back.
    pub fn keep_slots(&mut self, saved: &Typed) {
        self.state.typed.plugins = saved.plugins.clone();
        if let Ok(plugins) = saved.plugins.check(self.state.typed.input.channels) {
            self.state.config.plugins = plugins;
        }
    }

    pub fn differences(&self) -> Vec<Difference> {
        let (running, saved) = (table(&self.state.typed), table(&Typed::default()));
        let in_file = table(&self.saved);
        let mut found = Vec::new();
        for section in saved.keys() {
            let of = |table: &Table| table[section].as_table().cloned().unwrap_or_default();
            let (running, in_file) = (of(&running), of(&in_file));
            let names = running.keys().chain(in_file.keys().filter(|k| !running.contains_key(*k)));
            for name in names.filter(|name| running.get(*name) != in_file.get(*name)) {
                let key = format!("{section}.{name}");
                let told = |table: &Table| shown(&key, table.get(name));
                found.push(Difference { running: told(&running), saved: told(&in_file), key });
            }
        }
        for key in ["map", "trigger"] {
            let told = |table: &Table| shown(key, table.get(key));
            let (running, saved) = (told(&running), told(&in_file));
            if running != saved {
                found.push(Difference { key: key.to_owned(), running, saved });
            }
        }
        found
    }
}

/// The value of a key, if it is one and has one.
pub fn value(typed: &Typed, key: &str) -> Option<Value> {
    let (section, name) = key.split_once('.')?;
    table(typed).get(section)?.get(name).cloned()
}

/// The value as TOML; the token stays hidden.
pub fn shown(key: &str, value: Option<&Value>) -> String {
    match value {
        Some(_) if key == "osc.token" => "(hidden)".to_owned(),
        Some(Value::Float(number)) => format!("{:?}", crate::units::to_f32(*number)),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// With the key's value set or, without one, at its default.
pub fn retyped(typed: &Typed, key: &str, value: Option<Value>) -> Result<Typed, Vec<Problem>> {
    let (section, name) = split(key, typed).map_err(|problem| vec![problem])?;
    let mut whole = table(typed);
    let entries = whole[section].as_table_mut().expect("every section is a table");
    match value {
        Some(value) => entries.insert(name.to_owned(), value),
        None => entries.remove(name),
    };
    let text = toml::to_string(&whole).expect("a table of plain values is TOML");
    let document = Document::parse(&text).expect("what toml wrote, it reads");
    let problems: Vec<_> = document.problems.into_iter().map(|(_, problem)| problem).collect();
    if problems.is_empty() { Ok(document.typed) } else { Err(problems) }
}

pub(crate) fn table(typed: &Typed) -> Table {
    Table::try_from(typed).expect("the typed configuration is made of plain values")
}

/// Section and name, if the section is there; an unknown name is told by [`Document`].
fn split<'a>(key: &'a str, typed: &Typed) -> Result<(&'a str, &'a str), Problem> {
    let sections = table(typed);
    let known = || Problem::Unknown {
        key: key.to_owned(),
        known: sections.keys().map(|section| format!("{section}.…")).collect(),
    };
    let (section, name) = key.split_once('.').ok_or_else(known)?;
    let Some(entries) = sections.get(section).and_then(Value::as_table) else {
        return Err(known());
    };
    let optional = ["model.window_s", "model.hop_s"];
    if !entries.contains_key(name) && !optional.contains(&key) {
        let known = entries.keys().cloned().collect();
        return Err(Problem::Unknown { key: key.to_owned(), known });
    }
    Ok((section, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Running {
        let typed = Typed::default();
        let state = State { config: typed.check().expect("the defaults"), typed: typed.clone() };
        let origin = Origin { file: "config.toml".into(), overrides: Overrides::default() };
        Running::new(state, origin, typed)
    }

    fn change(running: &mut Running, key: &str, value: impl Into<Value>) {
        let state = Running::changed(running.state(), key, Some(value.into())).expect("allowed");
        running.adopt(state);
    }

    #[test]
    fn a_change_holds_is_told_and_can_be_taken_back() {
        let mut running = running();
        change(&mut running, "voice.threshold", 0.25);
        assert_eq!(running.config().voice.threshold, 0.25);
        assert_eq!(running.get("voice.threshold"), Ok(Some(Value::Float(0.25))));
        let expected = Difference {
            key: "voice.threshold".into(),
            running: "0.25".into(),
            saved: "0.8".into(),
        };
        assert_eq!(running.differences(), [expected]);
        running.roll_back();
        assert_eq!(running.config().voice.threshold, 0.8);
        assert_eq!(running.differences(), []);
        assert_eq!(running.previous(), None);
    }

    #[test]
    fn what_is_wrong_is_told_and_changes_nothing() {
        let running = running();
        let told = |key: &str, value: Value| {
            let problems = Running::changed(running.state(), key, Some(value)).expect_err("wrong");
            problems[0].to_string()
        };
        assert_eq!(told("voice.threshold", 7.0.into()), "voice.threshold = 7: allowed is 0..1");
        let text = told("voice.treshold", 0.5.into());
        assert!(text.starts_with("voice.treshold: unknown, did you mean threshold?"), "{text}");
        assert!(told("voices.x", 1.into()).starts_with("voices.x: unknown"));
        assert!(told("voice", 1.into()).starts_with("voice: unknown"));
        assert!(told("hold.policy", 3.into()).contains("expected a string"));
    }

    #[test]
    fn a_key_that_is_the_models_own_can_be_set_and_unset() {
        let mut running = running();
        assert_eq!(running.get("model.window_s"), Ok(None));
        change(&mut running, "model.window_s", 1.5);
        assert_eq!(running.config().model.window_s, Some(1.5));
        assert_eq!(running.differences()[0].saved, "");
        let state = Running::changed(running.state(), "model.window_s", None).expect("allowed");
        assert_eq!(state.config.model.window_s, None);
    }

    #[test]
    fn only_the_last_states_are_kept() {
        let mut running = running();
        for index in 0..100u8 {
            change(&mut running, "hold.time_s", f64::from(index) + 1.0);
        }
        assert_eq!(running.before.len(), HISTORY);
    }
}
