//! Which ports an LV2 plug-in has, and whether this host can run it at all: sound in and out,
//! features that it needs, ports of known kinds. The meaning of its controls is left to `controls`.
//! On the plug-in thread.

use livi::lilv::node::Node;
use livi::lilv::plugin::Plugin;
use livi::lilv::port::Port;

use crate::plugins::error::PluginError;
use crate::plugins::lv2::vocabulary::{Vocabulary, number, text};
use crate::plugins::processor::PORTS_MAX;
use crate::units::to_count;

/// Room for what a plug-in tells through an atom port, in bytes, if it does not ask for more. The
/// least that hosts give by custom.
const SEQUENCE_BYTES: usize = 8192;

/// What a plug-in needs around its code.
pub struct Layout {
    pub uri: String,
    pub name: String,
    pub audio_inputs: usize,
    pub audio_outputs: usize,
    pub sequence_inputs: usize,
    /// The bytes of each.
    pub sequence_outputs: Vec<usize>,
    pub cv_inputs: usize,
    pub cv_outputs: usize,
    pub control_inputs: Vec<Port>,
}

/// Why a plug-in cannot be used.
pub fn refused(uri: &str, reason: impl Into<String>) -> PluginError {
    PluginError::Refused { uri: uri.to_owned(), reason: reason.into() }
}

/// The ports of a plug-in that can be hosted.
pub fn layout(plugin: &Plugin, words: &Vocabulary) -> Result<Layout, PluginError> {
    let uri = text(Some(&plugin.uri()));
    // Without this, asking for the name may panic.
    if !plugin.verify() {
        return Err(refused(&uri, "its description has errors"));
    }
    refuse_features(&uri, plugin)?;
    let mut layout = Layout {
        name: text(Some(&plugin.name())),
        uri,
        audio_inputs: 0,
        audio_outputs: 0,
        sequence_inputs: 0,
        sequence_outputs: Vec::new(),
        cv_inputs: 0,
        cv_outputs: 0,
        control_inputs: Vec::new(),
    };
    for port in plugin.iter_ports() {
        layout.take(port, words)?;
    }
    let (inputs, outputs) = (layout.audio_inputs, layout.audio_outputs);
    let allowed = 1..=PORTS_MAX;
    if !(allowed.contains(&inputs) && allowed.contains(&outputs)) {
        return Err(PluginError::Ports { uri: layout.uri, inputs, outputs });
    }
    Ok(layout)
}

fn refuse_features(uri: &str, plugin: &Plugin) -> Result<(), PluginError> {
    let supported = livi::Features::supported_features();
    let required = plugin.required_features();
    let missing: Vec<String> = required
        .iter()
        .map(|feature| text(Some(&feature)))
        .filter(|feature| !supported.contains(feature.as_str()))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(refused(uri, format!("it needs of its host {}", missing.join(", "))))
}

impl Layout {
    fn take(&mut self, port: Port, words: &Vocabulary) -> Result<(), PluginError> {
        self.refuse_port(&port, words)?;
        let is_input = port.is_a(&words.input);
        // In the order in which livi decides.
        if port.is_a(&words.audio) {
            *if is_input { &mut self.audio_inputs } else { &mut self.audio_outputs } += 1;
        } else if port.is_a(&words.control) {
            if is_input {
                self.control_inputs.push(port);
            }
        } else if port.is_a(&words.atom) {
            if is_input {
                self.sequence_inputs += 1;
            } else {
                let wanted = port.get(&words.minimum_size).as_ref().and_then(number);
                let bytes = to_count(f64::from(wanted.unwrap_or_default()));
                self.sequence_outputs.push(bytes.max(SEQUENCE_BYTES));
            }
        } else {
            *if is_input { &mut self.cv_inputs } else { &mut self.cv_outputs } += 1;
        }
        Ok(())
    }

    /// The same kinds that livi takes, so that its refusals have a reason.
    fn refuse_port(&self, port: &Port, words: &Vocabulary) -> Result<(), PluginError> {
        let directions = [&words.input, &words.output];
        let kinds = [&words.audio, &words.control, &words.atom, &words.cv];
        let symbol = text(port.symbol().as_ref());
        let refuse = |what: &str| Err(refused(&self.uri, format!("its port {symbol:?} {what}")));
        if symbol.is_empty() || port.name().is_none() {
            return refuse("has no symbol or no name");
        }
        let is_known = |class: &Node| {
            directions.contains(&class) || kinds.contains(&class) || *class == words.mod_cv
        };
        let has_one = |classes: &[&Node]| classes.iter().any(|class| port.is_a(class));
        if !port.classes().iter().all(|class| is_known(&class))
            || !has_one(&directions)
            || !has_one(&kinds)
        {
            return refuse("is of a kind that this host does not have");
        }
        let takes_sequences =
            || port.value(&words.buffer_type).iter().any(|buffer| buffer == words.sequence);
        if port.is_a(&words.atom) && !takes_sequences() {
            return refuse("takes no sequences");
        }
        Ok(())
    }
}
