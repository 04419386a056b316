//! Models for people: the list of those there are, and a card as text. Reading them is left to
//! `folder` and `card`. Runs on the main thread.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use crate::model::card::{Card, Corpus, ModelError, Training};
use crate::model::folder::{self, ModelFolder};

/// `affectd model list`.
pub struct List {
    models: Vec<ModelFolder>,
    /// Name of the configured one, if it is among them.
    current: Option<String>,
}

/// The models below `root`; the one in `configured` is marked.
pub fn list(root: &Path, configured: &Path) -> Result<List, ModelError> {
    let models = folder::list(root)?;
    let is_current = |model: &&ModelFolder| same(&model.folder, configured).unwrap_or_default();
    let current = models.iter().find(is_current).map(|model| model.name.clone());
    Ok(List { models, current })
}

fn same(a: &Path, b: &Path) -> std::io::Result<bool> {
    Ok(a.canonicalize()? == b.canonicalize()?)
}

impl Display for List {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        if self.models.is_empty() {
            return writeln!(out, "no model is there");
        }
        let width = self.models.iter().map(|model| model.name.len()).max().unwrap_or_default();
        writeln!(out, "models (* the one configured):")?;
        for model in &self.models {
            let mark = if Some(&model.name) == self.current.as_ref() { "*" } else { " " };
            write!(out, "{mark} {:width$}  ", model.name)?;
            match &model.card {
                Ok(card) => {
                    let size = size(&model.folder.join(&card.weights));
                    write!(out, "{}, {} parameters, {size}", headline(card), card.parameters)?;
                    writeln!(out, " {}: {}", kind(card), card.labels.join(" "))?;
                }
                Err(error) => writeln!(out, "cannot be used: {error}")?,
            }
        }
        Ok(())
    }
}

/// The first score of the card, and whose clips it is about.
fn headline(card: &Card) -> String {
    let Some(score) = card.scores.first() else { return "not scored".to_owned() };
    let whose = score.protocol.split([',', '(']).next().unwrap_or_default().trim();
    format!("UA {:.1} % ({whose})", 100.0 * score.ua)
}

fn size(weights: &Path) -> String {
    match weights.metadata() {
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 bytes")]
        Ok(data) => format!("{:.2} MB", data.len() as f64 / 1e6),
        Err(error) => format!("no weights ({error})"),
    }
}

/// `int8, 50 % pruned`.
fn kind(card: &Card) -> String {
    if card.pruned == 0.0 {
        return card.storage.name().to_owned();
    }
    format!("{}, {:.0} % pruned", card.storage.name(), 100.0 * card.pruned)
}

/// `affectd model card`.
pub struct Readable(pub Card);

impl Display for Readable {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        let card = &self.0;
        writeln!(out, "{}: {}\n", card.name, card.description)?;
        writeln!(out, "  labels      {}", card.labels.join(" "))?;
        writeln!(out, "  dimensions  {}", card.dimensions)?;
        writeln!(out, "  weights     {} parameters, {}", card.parameters, kind(card))?;
        writeln!(out, "  sha256      {}", card.sha256)?;
        writeln!(out, "  window      {} to {} s", card.window_min_s, card.window_s)?;
        writeln!(out, "  result      each {} s", card.hop_s)?;
        if let Some(outlier) = &card.outlier {
            let parameters = outlier.parameters;
            writeln!(out, "  outlier     {parameters} parameters, commit {}", outlier.commit)?;
            writeln!(out, "              {}", outlier.command)?;
            for Corpus { name, clips, licence, .. } in &outlier.corpora {
                writeln!(out, "              {name}: {clips} clips, {licence}")?;
            }
        }
        writeln!(out, "\nTrained on")?;
        for corpus in &card.corpora {
            let (clips, speakers) = (corpus.clips, corpus.speakers);
            writeln!(out, "  {}: {clips} clips of {speakers} speakers", corpus.name)?;
            writeln!(out, "    licence {}", corpus.licence)?;
            writeln!(out, "    credit  {}", corpus.credit)?;
        }
        if card.corpora.is_empty() {
            writeln!(out, "  the card does not say")?;
        }
        writeln!(out, "\nScores")?;
        for score in &card.scores {
            let [ua, wa, f1] = [score.ua, score.wa, score.macro_f1].map(|share| 100.0 * share);
            write!(out, "  UA {ua:.1} %, WA {wa:.1} %, macro F1 {f1:.1} %, ECE {:.3}", score.ece)?;
            writeln!(out, ", {} clips\n    {}", score.clips, score.protocol)?;
        }
        if card.scores.is_empty() {
            writeln!(out, "  none; affectd eval … --write-card enters them")?;
        }
        let training = &card.training;
        writeln!(out, "\nTraining\n  {}", training.command)?;
        let Training { commit, seed, epochs, .. } = training;
        writeln!(out, "  commit {commit}, seed {seed}, weights after {epochs} epochs")?;
        writeln!(out, "  split: {}", training.split)
    }
}
