//! One training from clips in memory to the model's folder: who trains, what the network starts
//! from, which constants go into the card. Several courses share a bank: pretraining once on the
//! other corpora, then fine-tuning fold by fold.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::module::Module;

use crate::model::card::{Card, Corpus, FORMAT, NormaliserSpec, Training};
use crate::model::network::Network;
use crate::model::predictor::load_network;
use crate::model::storage::Storage;
use crate::train::bank::Prepared;
use crate::train::draft::{CROP_FRAMES, epoch_length};
use crate::train::fit::{Fitted, Settings, Task, fit, taught};
use crate::train::recipe::Recipe;
use crate::train::selection::{Member, Selection};
use crate::train::timbre::statistics;
use crate::train::votes::Votes;
use crate::train::{affect, publish};

/// Time between two results of a published model: ten feature frames.
const HOP_S: f32 = 0.1;

/// Folder, below that of the course, where the network learns who speaks.
const SPEAKERS: &str = "speakers";

/// What does not depend on who trains.
pub struct Course<'a> {
    pub recipe: &'a Recipe,
    /// Recordings by kind.
    pub noise: &'a [Vec<Prepared>],
    pub labels: &'a [String],
    /// A model to go on from, instead of learning who speaks first.
    pub from: Option<&'a Path>,
    /// What listeners heard, and models to learn from: soft labels.
    pub votes: Option<&'a Votes>,
    pub teachers: &'a [PathBuf],
    pub settings: &'a Settings,
    pub name: &'a str,
    /// For the card.
    pub command: &'a str,
    pub split: &'a str,
    pub corpora: Vec<Corpus>,
}

impl Course<'_> {
    /// Trains and writes the model's folder.
    pub fn run(self, train: &Selection, validation: &Selection) -> Result<Card> {
        let recipe = self.recipe.for_examples(epoch_length(train, self.recipe));
        let course = Course { recipe: &recipe, ..self };
        course.teach(train, validation)
    }

    fn teach(self, train: &Selection, validation: &Selection) -> Result<Card> {
        let trained = self.settings.device.clone().autodiff();
        let before = self.from.map(|folder| load_network(folder, &trained)).transpose()?;
        let (normaliser, initial) = match before {
            Some((card, network)) => {
                (card.normaliser, Some(network.relabelled(&card.labels, self.labels)))
            }
            None => {
                let normaliser = statistics(train, self.recipe);
                let initial = self.learn_speakers(train, &normaliser)?;
                (normaliser, initial)
            }
        };
        let mut train = train.clone();
        if let Some(votes) = self.votes {
            train.heed(votes);
        }
        self.listen_to_teachers(&mut train)?;
        let task = Task {
            train: &train,
            validation,
            noise: self.noise,
            recipe: self.recipe,
            normaliser: &normaliser,
            initial,
        };
        let fitted = fit(&task, self.settings)?;
        let card = self.card(normaliser, fitted.temperature);
        publish::publish(&self.settings.out, &fitted.network, card).context(
            "the training is done, but its result could not be written; --resume tries again",
        )
    }

    /// The paper's transfer: a network that knows who speaks, to start from.
    fn learn_speakers(
        &self,
        train: &Selection,
        normaliser: &NormaliserSpec,
    ) -> Result<Option<Network>> {
        if self.recipe.speaker_epochs == 0 || train.speakers.len() < 2 {
            return Ok(None);
        }
        log::info!("first, who speaks: {} speakers", train.speakers.len());
        let recipe = of_speakers(self.recipe);
        let settings = Settings { out: self.settings.out.join(SPEAKERS), ..self.settings.clone() };
        let speakers = by_speaker(train);
        let nobody = Selection { members: Vec::new(), speakers: Vec::new(), ..by_speaker(train) };
        let task = Task {
            train: &speakers,
            validation: &nobody,
            noise: self.noise,
            recipe: &recipe,
            normaliser,
            initial: None,
        };
        let Fitted { network, .. } = fit(&task, &settings)?;
        Ok(Some(network.train().relabelled(&[], self.labels)))
    }

    /// Self-distillation from models of other seeds: their mean answer takes the place of the
    /// votes. Each hears with its own baseline, so they have to be trained by the same recipe.
    fn listen_to_teachers(&self, train: &mut Selection) -> Result<()> {
        let Some(first) = self.teachers.first() else { return Ok(()) };
        let mut networks = Vec::with_capacity(self.teachers.len());
        for folder in self.teachers {
            let (card, network) = load_network(folder, &self.settings.device)?;
            if card.labels != self.labels || card.features != self.recipe.features {
                bail!("the teacher {} has other labels or features", folder.display());
            }
            networks.push(network.valid());
        }
        let normaliser = Card::load(first)?.normaliser;
        let nobody = Selection { members: Vec::new(), speakers: Vec::new(), ..train.clone() };
        let task = Task {
            train,
            validation: &nobody,
            noise: &[],
            recipe: self.recipe,
            normaliser: &normaliser,
            initial: None,
        };
        let soft = taught(&task, &networks, self.settings);
        for (member, soft) in train.members.iter_mut().zip(soft) {
            member.soft = Some(soft);
        }
        Ok(())
    }

    fn card(&self, normaliser: NormaliserSpec, temperature: f32) -> Card {
        let Recipe { features, network, epochs, .. } = self.recipe.clone();
        let [shortest, longest] = [CROP_FRAMES.start(), CROP_FRAMES.end()]
            .map(|&frames| frames as f32 / features.frames_per_s());
        Card {
            format: FORMAT,
            name: self.name.to_owned(),
            description: "CNN + BiLSTM with attentive statistics pooling over MFCC and pitch"
                .to_owned(),
            weights: "weights.safetensors".to_owned(),
            sha256: String::new(),
            parameters: 0,
            labels: self.labels.to_vec(),
            temperature,
            hop_s: HOP_S,
            window_s: longest,
            window_min_s: shortest,
            dimensions: affect::described(self.labels),
            storage: Storage::F32,
            pruned: 0.0,
            training: Training {
                command: self.command.to_owned(),
                commit: commit(),
                seed: self.settings.seed,
                epochs,
                split: self.split.to_owned(),
            },
            corpora: self.corpora.clone(),
            scores: Vec::new(),
            features,
            network,
            normaliser,
            outlier: None,
        }
    }
}

/// The same voices, to be told apart by who speaks.
fn by_speaker<'a>(train: &Selection<'a>) -> Selection<'a> {
    let member = |member: &Member| Member {
        label: Some(member.speaker),
        dimensions: None,
        soft: None,
        ..*member
    };
    Selection {
        bank: train.bank,
        members: train.members.iter().map(member).collect(),
        speakers: train.speakers.clone(),
        labels: train.speakers.len(),
    }
}

/// What makes a voice another's, or hides whose it is, has no place in learning who speaks.
fn of_speakers(recipe: &Recipe) -> Recipe {
    Recipe {
        epochs: recipe.speaker_epochs,
        dimension_weight: 0.0,
        new_speaker_share: 1.0,
        convert_share: 0.0,
        copy_paste_share: 0.0,
        mixup_share: 0.0,
        speeds: false,
        throat: 0.0,
        ..recipe.clone()
    }
}

/// The commit of the working tree, or `unknown` outside of one.
pub fn commit() -> String {
    let output =
        std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}
