//! Models as folders: which there are, where one lies, and writing one so that nothing half
//! written takes the place of something whole. What stands in a card is left to `card`. Runs on any
//! thread that may wait for a disk.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::model::card::{Card, FILE_NAME, ModelError, sha256_hex};

/// A folder with a card, good or not.
pub struct ModelFolder {
    /// Name of the folder: what `--model` and `/ser/model/load` call the model.
    pub name: String,
    pub folder: PathBuf,
    pub card: Result<Card, ModelError>,
}

/// The folder that a model's folder lies in.
pub fn root_of(folder: &Path) -> &Path {
    match folder.parent() {
        Some(root) if root.as_os_str().is_empty() => Path::new("."),
        Some(root) => root,
        None => folder,
    }
}

/// All models below `root`, by name.
pub fn list(root: &Path) -> Result<Vec<ModelFolder>, ModelError> {
    let entries =
        fs::read_dir(root).map_err(|reason| ModelError::Read { path: root.to_owned(), reason })?;
    let mut found: Vec<ModelFolder> = entries
        .flatten()
        .filter(|entry| entry.path().join(FILE_NAME).is_file())
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(ModelFolder { name, folder: entry.path(), card: Card::load(&entry.path()) })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The folder of the model `name` below `root`; a name with a separator is a path of its own.
pub fn find(root: &Path, name: &str) -> Result<PathBuf, ModelError> {
    let typed = Path::new(name);
    let folder = if typed.components().count() == 1 { root.join(name) } else { typed.to_owned() };
    if folder.join(FILE_NAME).is_file() {
        return Ok(folder);
    }
    let names: Vec<String> = list(root)?.into_iter().map(|model| model.name).collect();
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(ModelError::NoSuch { name: name.to_owned(), root: root.to_owned(), known })
}

/// Weights as the bytes of their files.
pub struct Weights {
    pub network: Vec<u8>,
    /// What tells a voice from other sounds; without it the card tells of none.
    pub outlier: Option<Vec<u8>>,
}

/// Writes weights and card; fills in the card's hashes. Nothing takes the place of what was there
/// until all are on the disk.
pub fn write(folder: &Path, weights: &Weights, mut card: Card) -> Result<Card, ModelError> {
    fs::create_dir_all(folder)
        .map_err(|reason| ModelError::Write { path: folder.to_owned(), reason })?;
    card.sha256 = sha256_hex(&weights.network);
    let mut files = vec![Beside::write(folder.join(&card.weights), &weights.network)?];
    match (&mut card.outlier, &weights.outlier) {
        (Some(spec), Some(bytes)) => {
            spec.sha256 = sha256_hex(bytes);
            files.push(Beside::write(folder.join(&spec.weights), bytes)?);
        }
        _ => card.outlier = None,
    }
    files.push(Beside::write(folder.join(FILE_NAME), as_text(&card).as_bytes())?);
    files.into_iter().try_for_each(Beside::put)?;
    Ok(card)
}

/// Writes the card alone; the weights stay.
pub fn write_card(folder: &Path, card: &Card) -> Result<(), ModelError> {
    Beside::write(folder.join(FILE_NAME), as_text(card).as_bytes())?.put()
}

fn as_text(card: &Card) -> String {
    toml::to_string_pretty(card).expect("a card is a table of plain values")
}

/// A file that is whole on the disk, but not yet in its place.
struct Beside {
    fresh: PathBuf,
    path: PathBuf,
}

impl Beside {
    /// Writes `path` with `.new` after it; what does not get through is taken away.
    fn write(path: PathBuf, bytes: &[u8]) -> Result<Self, ModelError> {
        let mut name = path.file_name().map(OsString::from).unwrap_or_default();
        name.push(".new");
        let fresh = path.with_file_name(name);
        let written = File::create(&fresh).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        if let Err(reason) = written {
            if let Err(error) = fs::remove_file(&fresh) {
                log::debug!("{} stays behind: {error}", fresh.display());
            }
            return Err(ModelError::Write { path, reason });
        }
        Ok(Self { fresh, path })
    }

    fn put(self) -> Result<(), ModelError> {
        let Self { fresh, path } = self;
        fs::rename(fresh, &path).map_err(|reason| ModelError::Write { path, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_plain_name_is_here() {
        assert_eq!(root_of(Path::new("mine")), Path::new("."));
        assert_eq!(root_of(Path::new("models/mine")), Path::new("models"));
    }

    #[test]
    fn only_folders_with_a_card_are_models_and_a_bad_card_is_told() {
        let root = tempfile::tempdir().unwrap();
        for name in ["splits", "broken"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        fs::write(root.path().join("broken").join(FILE_NAME), "format = 1").unwrap();
        let found = list(root.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].name == "broken" && found[0].card.is_err());
        let error = find(root.path(), "mine").unwrap_err().to_string();
        assert!(error.starts_with("there is no model \"mine\""), "{error}");
        assert!(error.ends_with("there is broken"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        fs::write(&path, "old").unwrap();
        fs::create_dir(folder.path().join("weights.new")).unwrap(); // so that it cannot be made
        assert!(Beside::write(path.clone(), b"new").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}
