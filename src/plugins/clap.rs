//! CLAP plug-ins: lists those of the search path and builds one that runs. On the plug-in thread,
//! which is the main thread that CLAP speaks of; the half that the audio thread gets is
//! `processor`. A plug-in that crashes takes its process along: isolation is left to the caller.

mod control;

mod files;

mod host;

mod parameters;

mod ports;

mod processor;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clack_host::prelude::{
    HostInfo, PluginAudioConfiguration, PluginEntry, PluginInstance, PluginInstanceError,
};

use crate::plugins::clap::control::ClapControl;
use crate::plugins::clap::files::{Address, Described};
use crate::plugins::clap::host::{Ear, Notes};
use crate::plugins::clap::ports::Layout;
use crate::plugins::clap::processor::ClapProcessor;
use crate::plugins::error::PluginError;
use crate::plugins::processor::{Built, FRAMES_MAX, Format, Listed, Order};

/// What a uri of this format begins with: `clap:ID`, or `clap:/path/to/file.clap#ID`, where `#ID`
/// may be left out if the file has one plug-in.
pub const PREFIX: &str = "clap:";

/// All CLAP plug-ins of this machine.
pub struct Clap {
    folders: Vec<PathBuf>,
    info: HostInfo,
    /// Ids that were seen, and their files.
    known: Vec<(String, PathBuf)>,
}

impl Default for Clap {
    fn default() -> Self {
        Self::new()
    }
}

impl Clap {
    pub fn new() -> Self {
        Self::in_folders(files::folders(|name| std::env::var_os(name)))
    }

    fn in_folders(folders: Vec<PathBuf>) -> Self {
        let info = HostInfo::new("affectd", "affectd", "", env!("CARGO_PKG_VERSION"));
        let info = info.expect("none of these has a zero byte");
        Self { folders, info, known: Vec::new() }
    }

    /// Loads all files of the search path, which takes its time; `progress` gets the part that is
    /// done and the file that is next. Of plug-ins with the same id the first one counts. What
    /// [`Self::build`] would refuse is left out.
    pub fn list(&mut self, progress: &mut dyn FnMut(f32, &str)) -> Vec<Listed> {
        self.known.clear();
        let mut listed = Vec::new();
        let paths = files::find(&self.folders);
        for (index, path) in paths.iter().enumerate() {
            progress(index as f32 / paths.len() as f32, &path.to_string_lossy());
            match files::load(path) {
                Ok(entry) => self.list_file(path, &entry, &mut listed),
                Err(reason) => log::warn!("{} is left out: {reason}", path.display()),
            }
        }
        listed
    }

    fn list_file(&mut self, path: &Path, entry: &PluginEntry, listed: &mut Vec<Listed>) {
        for described in files::describe(entry) {
            let id = described.id();
            if self.known.iter().any(|(known, _)| *known == id) {
                continue;
            }
            let uri = format!("{PREFIX}{id}");
            self.known.push((id, path.to_owned()));
            let instance = self.instance(entry, &described, &uri);
            let layout = instance.and_then(|mut instance| {
                Layout::read(instance.instance.plugin_handle(), &instance.uri)
            });
            match layout {
                Ok(layout) => listed.push(Listed {
                    uri,
                    name: described.name,
                    format: Format::Clap,
                    inputs: layout.main_inputs(),
                    outputs: layout.main_outputs(),
                }),
                Err(error) => log::debug!("left out: {error}"),
            }
        }
    }

    pub fn build(&mut self, order: &Order) -> Result<Built, PluginError> {
        let uri = order.uri;
        let (entry, described) = self.find(uri)?;
        if let Some(preset) = order.preset {
            let (preset, known) = (preset.into(), "none".into());
            return Err(PluginError::Preset { uri: uri.into(), preset, known });
        }
        let mut control = self.instance(&entry, &described, uri)?;
        let layout = Layout::read(control.instance.plugin_handle(), uri)?;
        if let Some(state) = order.state {
            control.restore(state)?;
        }
        let found = parameters::read(control.instance.plugin_handle());
        let frames_max = u32::try_from(FRAMES_MAX).expect("it is a few thousand");
        let configuration = PluginAudioConfiguration {
            sample_rate: f64::from(order.rate_hz),
            min_frames_count: 1,
            max_frames_count: frames_max,
        };
        let plugin = control
            .instance
            .activate(|_, _| (), configuration)
            .map_err(|error| refused(uri, instance_error(error)))?;
        control.read_latency();
        let notes = Arc::clone(&control.notes);
        let processor = ClapProcessor::new(plugin.into(), notes, &layout, found.places);
        Ok(Built {
            name: described.name,
            inputs: layout.main_inputs(),
            outputs: layout.main_outputs(),
            parameters: found.parameters,
            values: found.values,
            is_saved_at_rest: false,
            processor: Box::new(processor),
            control: Box::new(control),
        })
    }

    /// The file that has the plug-in, loaded.
    fn find(&mut self, uri: &str) -> Result<(PluginEntry, Described), PluginError> {
        let unknown = || PluginError::Unknown { uri: uri.into() };
        match Address::parse(uri.strip_prefix(PREFIX).ok_or_else(unknown)?) {
            Address::Id(id) => self.find_id(id).ok_or_else(unknown),
            Address::File { path, .. } if !path.exists() => Err(unknown()),
            Address::File { path, id } => {
                let entry = files::load(path).map_err(|reason| refused(uri, reason))?;
                let described = pick(files::describe(&entry), id);
                Ok((entry, described.map_err(|reason| refused(uri, reason))?))
            }
        }
    }

    /// In the files that were seen, or else in all of the search path.
    fn find_id(&mut self, id: &str) -> Option<(PluginEntry, Described)> {
        let load = |path: &PathBuf| {
            let entry = files::load(path).ok()?;
            let described = pick(files::describe(&entry), Some(id)).ok()?;
            Some((entry, described))
        };
        if let Some((_, path)) = self.known.iter().find(|(known, _)| known == id) {
            return load(path);
        }
        let mut paths = files::find(&self.folders).into_iter();
        let (path, found) = paths.find_map(|path| load(&path).map(|found| (path, found)))?;
        self.known.push((id.to_owned(), path));
        Some(found)
    }

    fn instance(
        &self,
        entry: &PluginEntry,
        described: &Described,
        uri: &str,
    ) -> Result<ClapControl, PluginError> {
        let notes = Arc::new(Notes::new());
        let ear = Ear(Arc::clone(&notes));
        let own = ear.clone();
        let instance = PluginInstance::new(|_| ear, |_| own, entry, &described.id, &self.info);
        match instance {
            Ok(instance) => Ok(ClapControl { instance, notes, uri: uri.into() }),
            Err(error) => {
                notes.report(uri);
                Err(refused(uri, instance_error(error)))
            }
        }
    }
}

/// The plug-in of a file that is meant; the error is for a person.
fn pick(mut described: Vec<Described>, id: Option<&str>) -> Result<Described, String> {
    let ids: Vec<_> = described.iter().map(Described::id).collect();
    let index = match id {
        Some(id) => ids.iter().position(|known| known == id),
        None => (ids.len() == 1).then_some(0),
    };
    match index {
        Some(index) => Ok(described.swap_remove(index)),
        None if ids.is_empty() => Err("its file has no plug-in".into()),
        None if id.is_none() => Err(format!("its file has several, add # and one of {ids:?}")),
        None => Err(format!("its file has only {ids:?}")),
    }
}

fn refused(uri: &str, reason: String) -> PluginError {
    PluginError::Refused { uri: uri.into(), reason }
}

/// In the words of whoever waits for the plug-in.
fn instance_error(error: PluginInstanceError) -> String {
    match error {
        PluginInstanceError::ActivationFailed => "it does not start at this rate".into(),
        PluginInstanceError::InstantiationFailed => "it failed to initialize itself".into(),
        other => other.to_string(),
    }
}
