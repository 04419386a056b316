//! The configuration file on disk: found, read, checked, and written whole or not at all. On a
//! thread that may wait.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Value};

use crate::config::error::ConfigError;
use crate::config::running::{State, table};
use crate::config::slots::TypedPlugins;
use crate::config::typed::Typed;
use crate::config::{Overrides, parse_state};

pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// The folder that a file lies in.
pub fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Reads the file again; also what it says without the command line. A file that is not there has
/// the defaults.
pub fn load(path: &Path, overrides: &Overrides) -> Result<(State, Typed), ConfigError> {
    let text = match read(path) {
        Ok(text) => text,
        Err(ConfigError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            String::new()
        }
        Err(error) => return Err(error),
    };
    parse_state(path, &text, overrides)
}

/// Checks a file of this folder, named without a path.
pub fn validate(folder: &Path, name: &str) -> Result<(), ConfigError> {
    let path = confined(folder, name)?;
    parse_state(&path, &read(&path)?, &Overrides::default()).map(|_| ())
}

/// The file, if it lies in the folder and not only seems to.
fn confined(folder: &Path, name: &str) -> Result<PathBuf, ConfigError> {
    let outside = || ConfigError::Outside { name: name.to_owned(), folder: folder.to_owned() };
    let is_plain = Path::new(name).file_name().is_some_and(|plain| plain == name);
    if !is_plain || name.contains(['/', '\\', '\0']) {
        return Err(outside());
    }
    let path = folder.join(name);
    let unread = |source| ConfigError::Read { path: path.clone(), source };
    let real = path.canonicalize().map_err(unread)?;
    let home = folder.canonicalize().map_err(unread)?;
    if real.parent() == Some(home.as_path()) { Ok(path) } else { Err(outside()) }
}

/// Writes what is typed into the file; its comments, order and all other text stay.
pub fn save(path: &Path, typed: &Typed) -> Result<(), ConfigError> {
    let failed = |source| ConfigError::Write { path: path.to_owned(), source };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        failed(io::Error::new(io::ErrorKind::InvalidData, error.message().to_owned()))
    })?;
    let (wanted, defaults) = (table(typed), table(&Typed::default()));
    for (section, entries) in &wanted {
        // [[map]] is the only one that is none.
        let Some(entries) = entries.as_table() else { continue };
        for (name, value) in entries {
            let is_there = document.get(section).is_some_and(|item| item.get(name).is_some());
            if is_there || defaults[section].get(name) != Some(value) {
                let item = document.entry(section).or_insert_with(toml_edit::table);
                put(&mut item[name.as_str()], edited(value));
            }
        }
        // A key without a value is the model's own; it may not keep the one that it had.
        if let Some(old) = document.get_mut(section).and_then(Item::as_table_mut) {
            let gone: Vec<String> = old
                .iter()
                .map(|(n, _)| n.to_owned())
                .filter(|n| !entries.contains_key(n))
                .collect();
            gone.iter().for_each(|name| {
                old.remove(name);
            });
        }
    }
    put_maps(&mut document, typed, wanted.get("map"));
    write_whole(path, document.to_string().as_bytes()).map_err(failed)
}

/// A file that holds slots and nothing else.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Slots {
    plugins: TypedPlugins,
}

pub fn save_slots(path: &Path, plugins: TypedPlugins) -> Result<(), ConfigError> {
    let failed = |source| ConfigError::Write { path: path.to_owned(), source };
    let text = toml::to_string(&Slots { plugins });
    let text = text.map_err(|error| failed(io::Error::other(error.to_string())))?;
    write_whole(path, text.as_bytes()).map_err(failed)
}

pub fn load_slots(path: &Path) -> Result<TypedPlugins, ConfigError> {
    let read: Slots = toml::from_str(&read(path)?).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: 0,
        column: 0,
        message: error.message().to_owned(),
    })?;
    Ok(read.plugins)
}

/// All mappings anew, if they are others than the file's.
fn put_maps(document: &mut DocumentMut, typed: &Typed, wanted: Option<&toml::Value>) {
    let in_file = toml::from_str::<Typed>(&document.to_string()).map(|file| file.map);
    if in_file.is_ok_and(|in_file| in_file == typed.map) {
        return;
    }
    document.remove("map");
    let maps = wanted.and_then(toml::Value::as_array).into_iter().flatten();
    let tables: ArrayOfTables = maps
        .filter_map(toml::Value::as_table)
        .map(|map| map.iter().map(|(key, value)| (key.as_str(), edited(value))).collect())
        .collect();
    if !tables.is_empty() {
        document.insert("map", Item::ArrayOfTables(tables));
    }
}

/// In place of the old value, with the comment that stands behind it.
fn put(item: &mut Item, mut value: Value) {
    if let Some(old) = item.as_value() {
        *value.decor_mut() = old.decor().clone();
    }
    *item = Item::Value(value);
}

fn edited(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        // The shortest digits that give the same f32 again.
        toml::Value::Float(number) => {
            let shortest = crate::units::to_f32(*number).to_string().parse();
            shortest.unwrap_or(*number).into()
        }
        toml::Value::Boolean(flag) => (*flag).into(),
        toml::Value::Array(values) => Value::Array(values.iter().map(edited).collect()),
        toml::Value::Table(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.as_str(), edited(value)));
            Value::InlineTable(entries.collect())
        }
        toml::Value::Datetime(_) => unreachable!("no key of the configuration is a date"),
    }
}

/// A reader sees the old text or the new one, also after a power cut: written beside it, synced,
/// renamed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.new", std::process::id()));
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // Nothing may lie there; the error that counts is the first.
        fs::remove_file(&beside).unwrap_or_default();
        return Err(error);
    }
    // So that the rename itself is on the disk; not every system opens a folder.
    File::open(folder).and_then(|folder| folder.sync_all()).or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::map::TypedMap;
    use crate::config::slots::TypedSlot;

    const SHIPPED: &str = include_str!("../../config.toml");

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder for the test")
    }

    #[test]
    fn saving_keeps_comments_and_changes_only_what_changed() {
        let folder = folder();
        let path = folder.path().join("config.toml");
        fs::write(&path, SHIPPED).expect("ours");
        let mut typed = Typed::default();
        typed.smooth.attack_s = 0.3;
        typed.model.window_s = Some(1.5);
        save(&path, &typed).expect("a folder of ours");
        let text = fs::read_to_string(&path).expect("written");
        let changed: Vec<&str> = text.lines().filter(|l| !SHIPPED.contains(l)).collect();
        assert_eq!(changed, ["attack_s = 0.3", "window_s = 1.5"]);
        assert_eq!(text.lines().count(), SHIPPED.lines().count() + 1);
        assert_eq!(load(&path, &Overrides::default()).expect("good").1, typed);
        typed.model.window_s = None;
        save(&path, &typed).expect("a folder of ours");
        assert_eq!(load(&path, &Overrides::default()).expect("good").1, typed);
    }

    #[test]
    fn slots_and_mappings_are_saved_as_they_were_typed_and_read_again() {
        let folder = folder();
        let path = folder.path().join("config.toml");
        let text = "# ours\n[plugins]\ntap = 1 # the gate\nslots = [{ uri = \"affectd:gate\" }]\n\n\
                    [[map]]\nsource = \"arousal\"\ntarget = \"/light\"\n";
        fs::write(&path, text).expect("ours");
        let (_, mut typed) = load(&path, &Overrides::default()).expect("good");
        let mut room = TypedSlot { uri: "urn:room".to_owned(), ..TypedSlot::default() };
        room.set.insert("mix".to_owned(), 0.3);
        room.set_state(Some(b"a preset"));
        typed.plugins.slots.push(room);
        typed.map[0].output = [0.0, 255.0];
        typed.map.push(TypedMap {
            source: "angry".into(),
            target: "plugin/2/mix".into(),
            ..TypedMap::default()
        });
        typed.settle_names();
        save(&path, &typed).expect("a folder of ours");
        assert_eq!(load(&path, &Overrides::default()).expect("good").1, typed);
        let text = fs::read_to_string(&path).expect("written");
        assert!(text.starts_with("# ours\n[plugins]\ntap = 1 # the gate\nslots = ["), "{text}");
        typed.map.clear();
        typed.plugins = TypedPlugins::default();
        save(&path, &typed).expect("a folder of ours");
        assert_eq!(load(&path, &Overrides::default()).expect("good").1, typed);
    }

    #[test]
    fn a_chain_alone_is_saved_and_read_again() {
        let folder = folder();
        let path = folder.path().join("evening.chain.toml");
        let slot = TypedSlot { uri: "affectd:gate".to_owned(), ..TypedSlot::default() };
        let plugins = TypedPlugins { tap: 1, slots: vec![slot] };
        save_slots(&path, plugins.clone()).expect("a folder of ours");
        assert_eq!(load_slots(&path).expect("written"), plugins);
        fs::write(&path, "[voice]\n").expect("ours");
        assert!(matches!(load_slots(&path), Err(ConfigError::Syntax { .. })));
    }

    #[test]
    fn a_file_that_is_not_there_is_made_with_what_differs() {
        let folder = folder();
        let path = folder.path().join("config.toml");
        let mut typed = Typed::default();
        typed.output.mask = vec!["sad".to_owned(), "happy".to_owned()];
        save(&path, &typed).expect("a folder of ours");
        let text = fs::read_to_string(&path).expect("written");
        assert_eq!(text, "[output]\nmask = [\"sad\", \"happy\"]\n");
        assert_eq!(fs::read_dir(folder.path()).expect("ours").count(), 1);
    }

    #[test]
    fn only_files_of_the_folder_are_validated() {
        let folder = folder();
        let inside = folder.path().join("in");
        fs::create_dir(&inside).expect("ours");
        fs::write(folder.path().join("out.toml"), "").expect("ours");
        fs::write(inside.join("good.toml"), "[voice]\nthreshold = 0.4").expect("ours");
        fs::write(inside.join("bad.toml"), "[voice]\nthreshold = 4").expect("ours");
        assert!(validate(&inside, "good.toml").is_ok());
        assert!(matches!(validate(&inside, "bad.toml"), Err(ConfigError::Invalid(_))));
        assert!(matches!(validate(&inside, "none.toml"), Err(ConfigError::Read { .. })));
        for name in ["../out.toml", "..", ".", "", "/out.toml", "a/../../out.toml", "a\\b"] {
            let refused = validate(&inside, name);
            assert!(matches!(refused, Err(ConfigError::Outside { .. })), "{name}: {refused:?}");
        }
        #[cfg(unix)]
        {
            let link = inside.join("link.toml");
            std::os::unix::fs::symlink(folder.path().join("out.toml"), &link).expect("ours");
            assert!(matches!(validate(&inside, "link.toml"), Err(ConfigError::Outside { .. })));
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let folder = folder();
        let path = folder.path().join("no/such/config.toml");
        let error = save(&path, &Typed::default()).expect_err("no such folder");
        assert!(matches!(error, ConfigError::Write { .. }), "{error}");
    }
}
