//! What can go wrong with a plug-in: what, which one, and what is allowed.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, thiserror::Error)]
pub enum PluginError {
    #[error("plug-in {uri:?} is not there; plugin/list and `affectd plugins` tell which are")]
    Unknown { uri: String },
    #[error("this build has no {format} plug-ins; build it with --features {feature}")]
    NotBuiltIn { format: String, feature: String },
    #[error(
        "plug-in {uri} has {inputs} inputs and {outputs} outputs for sound, allowed are 1 to 8 each"
    )]
    Ports { uri: String, inputs: usize, outputs: usize },
    #[error("plug-in {uri} cannot be used: {reason}")]
    Refused { uri: String, reason: String },
    #[error("plug-in {uri} does not take this state: {reason}")]
    State { uri: String, reason: String },
    #[error("plug-in {uri} has no preset {preset:?}; it has {known}")]
    Preset { uri: String, preset: String, known: String },
}
