//! The half of a CLAP plug-in that stays on the plug-in thread: does what the plug-in asked for,
//! saves its state, and destroys it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clack_extensions::latency::PluginLatency;
use clack_extensions::state::PluginState;
use clack_host::prelude::PluginInstance;

use crate::plugins::clap::host::{Host, Notes};
use crate::plugins::error::PluginError;
use crate::plugins::processor::Control;

/// The main-thread half.
pub struct ClapControl {
    pub instance: PluginInstance<Host>,
    pub notes: Arc<Notes>,
    pub uri: String,
}

impl ClapControl {
    /// What the plug-in says is told to the processor half from now on.
    pub fn read_latency(&mut self) {
        let plugin = self.instance.plugin_handle();
        let latency = plugin.get_extension::<PluginLatency>();
        let frames = latency.map_or(0, |latency| latency.get(&plugin));
        self.notes.latency_frames.store(frames, Ordering::Relaxed);
    }

    /// Before it is activated.
    pub fn restore(&mut self, mut state: &[u8]) -> Result<(), PluginError> {
        let plugin = self.instance.plugin_handle();
        let uri = || self.uri.clone();
        let Some(extension) = plugin.get_extension::<PluginState>() else {
            return Err(PluginError::State { uri: uri(), reason: "it keeps none".into() });
        };
        extension
            .load(&plugin, &mut state)
            .map_err(|_| PluginError::State { uri: uri(), reason: "it says so itself".into() })
    }
}

impl Control for ClapControl {
    fn tend(&mut self) {
        if self.notes.take_callback() {
            self.instance.call_on_main_thread_callback();
        }
        if self.notes.take_latency_changed() {
            self.read_latency();
        }
        if self.notes.take_restart() {
            log::info!("plug-in {}: asks to be restarted; load it anew for that", self.uri);
        }
        if self.notes.take_failed_start() {
            log::warn!("plug-in {}: refuses to process and is silent", self.uri);
        }
        self.notes.report(&self.uri);
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>, PluginError> {
        let plugin = self.instance.plugin_handle();
        let Some(extension) = plugin.get_extension::<PluginState>() else { return Ok(None) };
        let mut state = Vec::new();
        extension.save(&plugin, &mut state).map_err(|error| PluginError::Refused {
            uri: self.uri.clone(),
            reason: error.to_string(),
        })?;
        Ok(Some(state))
    }
}

impl Drop for ClapControl {
    /// A processor that was never stopped is stopped here, on this thread, as nobody else runs it
    /// any more. While there still is one, clack neither deactivates nor destroys the plug-in: it
    /// stays in memory for good, and the processor stays usable.
    fn drop(&mut self) {
        if self.instance.is_active() {
            self.notes.enter_audio();
            if let Err(error) = self.instance.try_deactivate() {
                self.notes.leave_audio();
                log::warn!("plug-in {} stays in memory: {error}", self.uri);
            }
        }
        self.notes.report(&self.uri);
    }
}
