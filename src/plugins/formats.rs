//! All formats of plug-ins behind one door: builds what a URI names and lists what there is. On the
//! plug-in thread, which for CLAP is the main thread.

use crate::plugins::builtin;
use crate::plugins::clap::{self, Clap};
use crate::plugins::error::PluginError;
#[cfg(feature = "lv2")]
use crate::plugins::lv2::Lv2;
use crate::plugins::processor::{Built, Listed, Order};

#[derive(Default)]
pub struct Formats {
    clap: Clap,
    #[cfg(feature = "lv2")]
    lv2: Lv2,
}

/// Whether it is ours: it runs in our process, trusted or not.
pub fn is_builtin(uri: &str) -> bool {
    uri.starts_with(builtin::PREFIX)
}

impl Formats {
    pub fn build(&mut self, order: &Order) -> Result<Built, PluginError> {
        if is_builtin(order.uri) {
            builtin::build(order)
        } else if order.uri.starts_with(clap::PREFIX) {
            self.clap.build(order)
        } else {
            self.build_lv2(order)
        }
    }

    /// The built-in ones, then what is installed. Takes some seconds; loads the code of CLAP
    /// plug-ins, so it belongs into a process of its own. `progress` is told 0..1 and what is
    /// looked at.
    pub fn list(&mut self, progress: &mut dyn FnMut(f32, &str)) -> Vec<Listed> {
        let mut found = builtin::list();
        found.extend(self.clap.list(&mut |share, what| progress(0.2 * share, what)));
        found.extend(self.list_lv2(&mut |share, what| progress(0.2 + 0.8 * share, what)));
        found
    }

    /// Label and URI of the factory presets; only LV2 has such.
    pub fn presets(&mut self, uri: &str) -> Vec<(String, String)> {
        match is_builtin(uri) || uri.starts_with(clap::PREFIX) {
            true => Vec::new(),
            false => self.presets_lv2(uri),
        }
    }

    #[cfg(feature = "lv2")]
    fn presets_lv2(&mut self, uri: &str) -> Vec<(String, String)> {
        self.lv2.presets(uri).into_iter().map(|(uri, label)| (label, uri)).collect()
    }

    #[cfg(not(feature = "lv2"))]
    fn presets_lv2(&mut self, _: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    #[cfg(feature = "lv2")]
    fn build_lv2(&mut self, order: &Order) -> Result<Built, PluginError> {
        self.lv2.build(order)
    }

    #[cfg(not(feature = "lv2"))]
    fn build_lv2(&mut self, order: &Order) -> Result<Built, PluginError> {
        // What is no URI is none of LV2 either.
        match order.uri.contains(':') {
            true => {
                let (format, feature) = ("LV2".to_owned(), "lv2".to_owned());
                Err(PluginError::NotBuiltIn { format, feature })
            }
            false => Err(PluginError::Unknown { uri: order.uri.to_owned() }),
        }
    }

    #[cfg(feature = "lv2")]
    fn list_lv2(&mut self, progress: &mut dyn FnMut(f32, &str)) -> Vec<Listed> {
        self.lv2.list(progress)
    }

    #[cfg(not(feature = "lv2"))]
    fn list_lv2(&mut self, _: &mut dyn FnMut(f32, &str)) -> Vec<Listed> {
        Vec::new()
    }
}
