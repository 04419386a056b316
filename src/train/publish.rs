//! Writes the model's folder: weights as safetensors and the card that goes with them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};

use crate::model::card::{Card, Corpus};
use crate::model::folder::{self, Weights};
use crate::model::network::Network;
use crate::train::corpus::Clip;

/// Who made the corpora that we train on; for others the card says to fill it in.
const CREDITS: [(&str, &str); 7] = [
    ("cremad", "Cao, Cooper, Keutmann, Gur, Nenkova, Verma: CREMA-D (2014)"),
    ("emodb", "Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: EmoDB (2005), audEERING's record"),
    ("banglaser", "Das, Islam, Ahmed, et al.: BanglaSER (2022)"),
    ("noise:esc10", "Piczak: ESC (2015), recordings from Freesound"),
    ("noise:kitchen", "Picovoice, recording from Freesound"),
    ("noise:speechcommands", "Warden: Speech Commands (2018), background noise"),
    ("noise:music", "Kevin MacLeod, sorohanro, by way of librosa; drums of the Web Audio samples"),
];

/// What the card says about the clips that were trained on.
pub fn corpora<'a>(clips: impl IntoIterator<Item = &'a Clip>) -> Vec<Corpus> {
    let mut by_name: BTreeMap<&str, Vec<&Clip>> = BTreeMap::new();
    for clip in clips {
        by_name.entry(&clip.corpus).or_default().push(clip);
    }
    by_name
        .into_iter()
        .map(|(name, clips)| {
            let join = |set: BTreeSet<&str>| set.into_iter().collect::<Vec<_>>().join(", ");
            let credit = CREDITS.iter().find(|(corpus, _)| *corpus == name);
            Corpus {
                name: name.to_owned(),
                clips: clips.len(),
                speakers: clips.iter().map(|clip| &clip.speaker).collect::<BTreeSet<_>>().len(),
                licence: join(clips.iter().map(|clip| clip.licence.as_str()).collect()),
                credit: credit.map_or("see its own page", |(_, credit)| credit).to_owned(),
            }
        })
        .collect()
}

/// Writes weights and card to `folder`; fills in the card's hash and count of parameters.
pub fn publish(folder: &Path, network: &Network, mut card: Card) -> Result<Card> {
    card.parameters = network.num_params();
    Ok(folder::write(folder, &Weights { network: safetensors(network)?, outlier: None }, card)?)
}

/// The weights' file; without metadata, whose order differs from run to run: same weights, same
/// file.
pub fn safetensors(network: &Network) -> Result<Vec<u8>> {
    let mut store = SafetensorsStore::from_bytes(None).clear_metadata();
    network.save_into(&mut store).context("the weights do not go into safetensors")?;
    Ok(store.get_bytes()?)
}
