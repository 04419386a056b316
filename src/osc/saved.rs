//! The file of permanent receivers: who asked to be kept is there again after a restart. Reads and
//! writes on a thread that may wait.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::file::write_whole;
use crate::osc::endpoint::Endpoint;
use crate::osc::fault::Fault;
use crate::osc::groups::Groups;
use crate::osc::pace::Limits;
use crate::osc::profile::Profile;
use crate::osc::receivers::{Receiver, Terms};

/// One receiver as the file has it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SavedReceiver {
    pub host: IpAddr,
    pub port: u16,
    pub groups: String,
    pub max_hz: f32,
    pub deadband: f32,
    pub bipolar: bool,
    pub profile: String,
    pub root: String,
    pub enabled: bool,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    receiver: Vec<SavedReceiver>,
}

#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    #[error("permanent receivers cannot be read from or written to {path}: {source}")]
    File { path: String, source: io::Error },
    #[error("permanent receivers in {path} are not understood: {source}")]
    Text { path: String, source: toml::de::Error },
}

impl SavedReceiver {
    pub fn of(receiver: &Receiver) -> Self {
        let terms = &receiver.terms;
        Self {
            host: receiver.to.ip(),
            port: receiver.to.address().port(),
            groups: terms.groups.names(),
            max_hz: terms.limits.max_hz,
            deadband: terms.limits.deadband,
            bipolar: terms.is_bipolar,
            profile: terms.profile.name().to_owned(),
            root: terms.root.clone(),
            enabled: terms.is_enabled,
        }
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Udp(SocketAddr::new(self.host, self.port))
    }

    pub fn terms(&self) -> Result<Terms, Fault> {
        let profile = Profile::parse(&self.profile)?;
        Ok(Terms {
            groups: Groups::parse(&self.groups)?.unwrap_or(profile.groups()),
            limits: Limits { max_hz: self.max_hz, deadband: self.deadband },
            is_bipolar: self.bipolar,
            profile,
            root: self.root.clone(),
            is_enabled: self.enabled,
        })
    }
}

/// None where there is no file yet.
pub fn load(path: &Path) -> Result<Vec<SavedReceiver>, SavedError> {
    let named = || path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SavedError::File { path: named(), source }),
    };
    let document: Document =
        toml::from_str(&text).map_err(|source| SavedError::Text { path: named(), source })?;
    Ok(document.receiver)
}

/// Makes the folder if there is none.
pub fn save(path: &Path, receivers: Vec<SavedReceiver>) -> Result<(), SavedError> {
    let text = toml::to_string(&Document { receiver: receivers }).expect("plain values are TOML");
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| write_whole(path, text.as_bytes()));
    written.map_err(|source| SavedError::File { path: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_come_back_as_they_were() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("deeper/receivers.toml");
        assert_eq!(load(&path).expect("no file is no error"), []);
        let receiver = SavedReceiver {
            host: [192, 0, 2, 7].into(),
            port: 9000,
            groups: "core,event".into(),
            max_hz: 30.0,
            deadband: 0.01,
            bipolar: true,
            profile: "touchdesigner".into(),
            root: "/mic".into(),
            enabled: true,
        };
        save(&path, vec![receiver.clone()]).expect("a folder of ours");
        assert_eq!(load(&path).expect("just written"), std::slice::from_ref(&receiver));
        let terms = receiver.terms().expect("all names are known");
        assert_eq!((terms.profile, terms.is_bipolar), (Profile::TouchDesigner, true));
    }

    #[test]
    fn a_broken_file_is_told() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("receivers.toml");
        fs::write(&path, "[[receiver]]\nhost = 3").expect("ours");
        let error = load(&path).expect_err("no address").to_string();
        assert!(error.contains("receivers.toml") && error.contains("line 2"), "{error}");
    }
}
