//! Where CLAP plug-ins lie, how they are named, and what a file has in it. On the plug-in thread;
//! loading a file runs code of the plug-in.

use std::ffi::{CString, OsString};
use std::path::{Path, PathBuf};

use clack_host::prelude::PluginEntry;

/// Folders within folders that are looked into; a link that leads back ends here.
const DEPTH_MAX: usize = 8;

/// What stands behind `clap:`.
#[derive(Debug, PartialEq)]
pub enum Address<'a> {
    /// To be looked for in the search path.
    Id(&'a str),
    File {
        path: &'a Path,
        /// `None` for the only one of the file.
        id: Option<&'a str>,
    },
}

impl<'a> Address<'a> {
    pub fn parse(text: &'a str) -> Self {
        if !Path::new(text).is_absolute() {
            return Self::Id(text);
        }
        // A path may have a # of its own, an id has none.
        match text.rsplit_once('#') {
            Some((path, id)) if !Path::new(text).exists() => {
                Self::File { path: Path::new(path), id: Some(id) }
            }
            _ => Self::File { path: Path::new(text), id: None },
        }
    }
}

/// The search path of CLAP's entry.h: the folders of CLAP_PATH, then those of the system.
pub fn folders(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let inside = |name, folder: &str| variable(name).map(|root| PathBuf::from(root).join(folder));
    let named = variable("CLAP_PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&named).filter(|f| f.is_absolute()).collect();
    if cfg!(target_os = "macos") {
        folders.extend(inside("HOME", "Library/Audio/Plug-Ins/CLAP"));
        folders.push("/Library/Audio/Plug-Ins/CLAP".into());
    } else if cfg!(windows) {
        folders.extend(inside("LOCALAPPDATA", "Programs/Common/CLAP"));
        folders.extend(inside("COMMONPROGRAMFILES", "CLAP"));
    } else {
        folders.extend(inside("HOME", ".clap"));
        // The second is not in entry.h; what is built by hand is installed there.
        folders.extend(["/usr/lib/clap", "/usr/local/lib/clap"].map(PathBuf::from));
    }
    folders
}

/// All `.clap` files of these folders and of those within, in order. Bundles are files here.
pub fn find(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    folders.iter().for_each(|folder| collect(folder, DEPTH_MAX, &mut files));
    files
}

/// A folder that is not there has none.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_named = path.extension().is_some_and(|extension| extension == "clap");
        if is_named && (cfg!(target_os = "macos") || path.is_file()) {
            files.push(path);
        } else if 0 < depth && path.is_dir() {
            collect(&path, depth - 1, files);
        }
    }
}

/// The error is for a person.
#[expect(unsafe_code, reason = "a library of somebody else is loaded")]
pub fn load(path: &Path) -> Result<PluginEntry, String> {
    // SAFETY: nobody can promise what a foreign library does; whoever names it trusts it, and a
    // process of its own is what protects the rest from it.
    unsafe { PluginEntry::load(path) }.map_err(|error| error.to_string())
}

/// A plug-in that a file has.
#[derive(Debug)]
pub struct Described {
    pub id: CString,
    pub name: String,
}

impl Described {
    pub fn id(&self) -> String {
        self.id.to_string_lossy().into_owned()
    }
}

/// The plug-ins of a file; one without an id cannot be asked for.
pub fn describe(entry: &PluginEntry) -> Vec<Described> {
    let factory = entry.get_plugin_factory();
    let descriptors = factory.iter().flat_map(|factory| factory.plugin_descriptors());
    let described = descriptors.filter_map(|descriptor| {
        let id = descriptor.id()?;
        let name = descriptor.name().unwrap_or(id).to_string_lossy().into_owned();
        Some(Described { id: id.to_owned(), name })
    });
    described.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_an_id() {
        assert_eq!(Address::parse("org.some.gain"), Address::Id("org.some.gain"));
        let path = Path::new("/none/a#b.clap");
        assert_eq!(
            Address::parse("/none/a#b.clap#org.some.gain"),
            Address::File { path, id: Some("org.some.gain") }
        );
        let path = Path::new("/none/a.clap");
        assert_eq!(Address::parse("/none/a.clap"), Address::File { path, id: None });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_users_own_folders_come_first() {
        let folders = folders(|name| match name {
            "CLAP_PATH" => Some("/one:/two:relative:".into()),
            "HOME" => Some("/me".into()),
            _ => None,
        });
        let expected = ["/one", "/two", "/me/.clap", "/usr/lib/clap", "/usr/local/lib/clap"];
        assert_eq!(folders, expected.map(PathBuf::from));
    }

    #[test]
    fn files_are_found_in_folders_within_folders_and_others_left_out() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("b/c")).unwrap();
        for name in ["z.clap", "b/c/a.clap", "b/readme.txt", "b/x.so"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = find(&[folder.path().into(), "/none".into()]);
        assert_eq!(found, ["b/c/a.clap", "z.clap"].map(|name| folder.path().join(name)));
    }
}
