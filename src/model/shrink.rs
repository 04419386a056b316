//! `affectd model shrink`: a smaller copy of a model, with a card that says what was done. How
//! weights are made smaller is left to `storage`. Runs on the main thread.

use std::path::Path;

use crate::model::card::{Card, FILE_NAME, ModelError};
use crate::model::folder::{self, Weights};
use crate::model::storage::{self, Storage};

/// Writes the model in `from` to `out`, stored as `storage`, a share of its weights set to 0; what
/// tells a voice from other sounds is small as it is.
/// The scores stay behind: they are those of other weights.
pub fn shrink(from: &Path, storage: Storage, pruned: f64, out: &Path) -> Result<Card, ModelError> {
    if out.join(FILE_NAME).exists() {
        return Err(ModelError::Taken { path: out.join(FILE_NAME) });
    }
    let card = Card::load(from)?;
    let weights = card.read_weights(from)?;
    let network = storage::shrink(&weights, storage, pruned).map_err(|error| {
        ModelError::Weights { path: from.join(&card.weights), reason: error.to_string() }
    })?;
    let weights = Weights { network, outlier: card.read_outlier(from)? };
    let bits = storage.name();
    let mut description = format!("{}; {bits} of {}", card.description, card.name);
    let mut training = card.training.clone();
    training.command.push_str(&format!(" && affectd model shrink {} --bits {bits}", card.name));
    if 0.0 < pruned {
        description.push_str(&format!(", {:.0} % of its weights pruned", 100.0 * pruned));
        training.command.push_str(&format!(" --prune {pruned}"));
    }
    let name = out.file_name().unwrap_or(out.as_os_str()).to_string_lossy().into_owned();
    let pruned = pruned.max(card.pruned);
    let card = Card { name, description, storage, pruned, training, scores: Vec::new(), ..card };
    folder::write(out, &weights, card)
}
