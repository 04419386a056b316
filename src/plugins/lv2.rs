//! LV2 plug-ins: finds what is installed, loads one with its presets and state, and makes of it a
//! [`Built`] that the chain runs. The manifests of all bundles are read on the first call, the full
//! descriptions only of what is asked for. Ports, parameters and running are left to the files
//! below. Lives on the plug-in thread; may wait for the disk.

mod controls;
mod ports;
mod runner;
mod seal;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::Arc;

use livi::lilv;
use livi::lilv::plugin::Plugin;

use crate::plugins::error::PluginError;
use crate::plugins::lv2::controls::{ControlInput, control_input};
use crate::plugins::lv2::ports::{Layout, layout, refused};
use crate::plugins::lv2::runner::{Runner, Tender};
use crate::plugins::lv2::seal::unseal;
use crate::plugins::lv2::vocabulary::{Vocabulary, text};
use crate::plugins::processor::{
    Built, Control, FRAMES_MAX, Format, Listed, NoControl, Order, Processor,
};

/// All LV2 plug-ins of this machine.
#[derive(Default)]
pub struct Lv2 {
    catalogue: Option<Catalogue>,
    /// livi's worlds of the bundles that something was built from, by URI.
    bundles: HashMap<String, livi::World>,
}

/// What the manifests of all bundles say.
struct Catalogue {
    world: lilv::World,
    words: Vocabulary,
}

/// A factory preset.
struct Preset {
    uri: String,
    label: String,
    bundle: Option<String>,
}

impl Lv2 {
    /// Reads nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All that can be hosted, by name. Reads every description anew, which takes seconds where
    /// hundreds are installed; `progress` hears which part is done and of which plug-in.
    pub fn list(&mut self, progress: &mut dyn FnMut(f32, &str)) -> Vec<Listed> {
        // What was there before may be gone; and the descriptions of all need not stay in memory.
        self.catalogue = None;
        self.bundles.clear();
        let catalogue = Catalogue::load();
        let plugins = catalogue.world.plugins();
        let count = plugins.count().max(1);
        let mut listed = Vec::new();
        for (index, plugin) in plugins.iter().enumerate() {
            progress(index as f32 / count as f32, &text(Some(&plugin.uri())));
            match layout(&plugin, &catalogue.words) {
                Ok(Layout { uri, name, audio_inputs: inputs, audio_outputs: outputs, .. }) => {
                    listed.push(Listed { uri, name, format: Format::Lv2, inputs, outputs });
                }
                Err(error) => log::debug!("{error}"),
            }
        }
        progress(1.0, "");
        listed.sort_by(|a, b| (&a.name, &a.uri).cmp(&(&b.name, &b.uri)));
        listed
    }

    /// URI and label of each factory preset, by label; none for a plug-in that is not there.
    pub fn presets(&mut self, uri: &str) -> Vec<(String, String)> {
        let catalogue = self.catalogue.get_or_insert_with(Catalogue::load);
        let presets = catalogue.plugin(uri).map(|plugin| catalogue.presets(&plugin));
        presets.unwrap_or_default().into_iter().map(|preset| (preset.uri, preset.label)).collect()
    }

    pub fn build(&mut self, order: &Order) -> Result<Built, PluginError> {
        let catalogue = self.catalogue.get_or_insert_with(Catalogue::load);
        let plugin = catalogue
            .plugin(order.uri)
            .ok_or_else(|| PluginError::Unknown { uri: order.uri.to_owned() })?;
        let words = &catalogue.words;
        let layout = layout(&plugin, words)?;
        let inputs = catalogue.control_inputs(&layout, order.rate_hz);
        if plugin.has_feature(&words.load_default_state) && !inputs.iter().all(|i| i.has_order) {
            return Err(refused(order.uri, "a range of it is the wrong way round"));
        }
        let preset = match order.preset {
            Some(wanted) => Some(catalogue.preset(&plugin, wanted)?),
            None => None,
        };
        let bundle = text(Some(&plugin.bundle_uri()));
        let world = load_bundle(&mut self.bundles, &bundle)
            .ok_or_else(|| refused(order.uri, format!("its bundle {bundle} has errors")))?;
        let (instance, features) = instantiate(world, order)?;
        let has_state = plugin.has_extension_data(&words.state_interface);
        let latency = plugin.latency_port_index();
        let mut runner = Runner::new(instance, &features, &layout, &inputs, latency, has_state);
        if let Some(preset) = preset {
            let state = preset.state(world, &features, &bundle);
            restore(&mut runner, state, &inputs, order.uri)?;
        }
        if let Some(bytes) = order.state {
            let state = saved_state(world, &features, bytes);
            restore(&mut runner, state, &inputs, order.uri)?;
        }
        let has_worker = plugin.has_feature(&words.worker_schedule);
        let control: Box<dyn Control> =
            if has_worker { Box::new(Tender { features }) } else { Box::new(NoControl) };
        let offered = inputs.iter().filter(|input| input.is_offered).count();
        Ok(Built {
            name: layout.name,
            inputs: layout.audio_inputs,
            outputs: layout.audio_outputs,
            values: runner.values().take(offered).collect(),
            parameters: inputs.into_iter().take(offered).map(|input| input.parameter).collect(),
            is_saved_at_rest: has_state,
            processor: Box::new(runner) as Box<dyn Processor>,
            control,
        })
    }
}

impl Catalogue {
    fn load() -> Self {
        let world = lilv::World::with_load_all();
        let words = Vocabulary::new(&world);
        Self { world, words }
    }

    /// Compared as text, because lilv panics at a URI that is none.
    fn plugin(&self, uri: &str) -> Option<Plugin> {
        self.world.plugins().iter().find(|plugin| plugin.uri().as_uri() == Some(uri))
    }

    /// Those that are offered come first.
    fn control_inputs(&self, layout: &Layout, rate_hz: u32) -> Vec<ControlInput> {
        let ports = layout.control_inputs.iter();
        let mut inputs: Vec<ControlInput> =
            ports.map(|port| control_input(port, &self.world, &self.words, rate_hz)).collect();
        inputs.sort_by_key(|input| !input.is_offered);
        inputs
    }

    fn presets(&self, plugin: &Plugin) -> Vec<Preset> {
        let Some(nodes) = plugin.related(Some(&self.words.preset)) else { return Vec::new() };
        let mut presets: Vec<Preset> = nodes
            .iter()
            .filter_map(|node| {
                let uri = node.as_uri()?.to_owned();
                // Often the label is not in the manifest.
                if self.world.load_resource(&node).is_none() {
                    log::debug!("preset {uri} has no file that can be read");
                }
                let found = |word| self.world.get(Some(&node), Some(word), None);
                let label = text(found(&self.words.label).as_ref());
                let file = text(found(&self.words.see_also).as_ref());
                let bundle = file.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
                Some(Preset { uri, label, bundle })
            })
            .collect();
        presets.sort_by(|a, b| (&a.label, &a.uri).cmp(&(&b.label, &b.uri)));
        presets
    }

    /// The one of this URI or label.
    fn preset(&self, plugin: &Plugin, wanted: &str) -> Result<Preset, PluginError> {
        let presets = self.presets(plugin);
        let known = presets.iter().map(|preset| preset.label.as_str()).collect::<Vec<_>>();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let is_wanted = |preset: &Preset| preset.uri == wanted || preset.label == wanted;
        presets.into_iter().find(is_wanted).ok_or_else(|| PluginError::Preset {
            uri: text(Some(&plugin.uri())),
            preset: wanted.to_owned(),
            known,
        })
    }
}

impl Preset {
    fn state(
        &self,
        world: &livi::World,
        features: &Arc<livi::Features>,
        plugin_bundle: &str,
    ) -> Result<livi::State, String> {
        let raw = world.raw();
        if let Some(bundle) = self.bundle.as_ref().filter(|bundle| *bundle != plugin_bundle) {
            raw.load_bundle(&raw.new_uri(bundle));
        }
        raw.load_resource(&raw.new_uri(&self.uri))
            .ok_or_else(|| format!("preset {} has no file that can be read", self.uri))?;
        world.state_from_uri(features, &self.uri).map_err(|error| error.to_string())
    }
}

/// livi reads the descriptions of all plug-ins of a bundle at once; `None` if one of them is so
/// wrong that it panics.
fn load_bundle<'a>(
    bundles: &'a mut HashMap<String, livi::World>,
    uri: &str,
) -> Option<&'a livi::World> {
    if !bundles.contains_key(uri) {
        let world = catch_unwind(|| livi::World::with_load_bundle(uri)).ok()?;
        bundles.insert(uri.to_owned(), world);
    }
    bundles.get(uri)
}

/// With features of its own, so that the work of one plug-in does not wait for that of another.
fn instantiate(
    world: &livi::World,
    order: &Order,
) -> Result<(livi::Instance, Arc<livi::Features>), PluginError> {
    let plugin = world
        .plugin_by_uri(order.uri)
        .ok_or_else(|| refused(order.uri, "livi does not take it; its log says why"))?;
    let blocks = livi::FeaturesBuilder { min_block_length: 1, max_block_length: FRAMES_MAX };
    let features =
        world.try_build_features(blocks).map_err(|error| refused(order.uri, error.to_string()))?;
    #[expect(unsafe_code, reason = "a plug-in is foreign code")]
    // SAFETY: the rate is finite and positive. That the plug-in keeps to its description and to
    // LV2's rules is what loading it trusts in.
    let instance = unsafe { plugin.instantiate(Arc::clone(&features), f64::from(order.rate_hz)) };
    match instance {
        Ok(instance) => Ok((instance, features)),
        Err(_) => Err(refused(order.uri, format!("it does not start at {} Hz", order.rate_hz))),
    }
}

fn saved_state(
    world: &livi::World,
    features: &Arc<livi::Features>,
    bytes: &[u8],
) -> Result<livi::State, String> {
    let turtle = unseal(bytes)?;
    world.state_from_string(features, turtle).map_err(|error| error.to_string())
}

fn restore(
    runner: &mut Runner,
    state: Result<livi::State, String>,
    inputs: &[ControlInput],
    uri: &str,
) -> Result<(), PluginError> {
    state
        .and_then(|state| runner.restore(&state, inputs))
        .map_err(|reason| PluginError::State { uri: uri.to_owned(), reason })
}
