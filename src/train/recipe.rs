//! How a model is made, in numbers: the schedule, the losses and the augmentation, each of which
//! can be switched off to see what it is worth. What a run uses is this and nothing beside it.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::features::FeatureSpec;
use crate::model::network::NetworkSpec;
use crate::train::bands::has_bands;
use crate::train::bank::Degradation;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Passes over the clips.
    pub epochs: usize,
    /// Steps at least: of few clips there are more passes.
    pub steps: usize,
    /// Passes over the clips before that, to learn who speaks; 0 leaves it out.
    pub speaker_epochs: usize,
    /// Passes over the clips of other corpora that teach beforehand; 0 leaves it out.
    pub pretrain_epochs: usize,
    /// Factor of the learning rate where training goes on from a model.
    pub fine_tuning_rate: f64,
    /// Clips that one step sees.
    pub batch_size: usize,
    /// Peak of the learning rate of AdamW, under a rise of one epoch and half a cosine.
    pub learning_rate: f64,
    pub weight_decay: f32,
    /// Steps that the averaged weights remember, as a share of the whole run.
    pub average_share: f64,
    /// Probability mass that the right label shares with all (Szegedy et al. 2016).
    pub label_smoothing: f32,
    /// Weight of the coordinates' squared error beside the cross entropy.
    pub dimension_weight: f32,
    /// 0 weighs clips alike, 1 labels alike however rare.
    pub class_balance: f32,
    /// 0 draws clips alike, 1 corpora alike however small.
    pub corpus_balance: f64,
    /// Share of the examples that come from the corpora of the pretraining, each as often.
    pub rehearsal_share: f64,
    /// Shares of the examples that something happens to.
    pub new_speaker_share: f64,
    pub one_emotion_share: f64,
    pub noise_share: f64,
    pub degraded_share: f64,
    /// One of them each, drawn from this list: what comes twice is twice as likely.
    pub degraded_by: Vec<Degradation>,
    pub convert_share: f64,
    pub mask_share: f64,
    pub copy_paste_share: f64,
    pub mixup_share: f64,
    /// Silence before the speech, as where a phrase begins anew.
    pub silence_share: f64,
    /// Noise alone, of which nothing is to be said: every label is as likely (Hendrycks et al.,
    /// ICLR 2019).
    pub noise_alone_share: f64,
    /// 0 draws recordings of noise alike, 1 kinds alike however few recordings they have.
    pub noise_balance: f64,
    /// Made of the clips themselves, several speakers at once, as one more kind of noise.
    pub crowds: usize,
    /// Other playing speeds, by 10 %.
    pub speeds: bool,
    /// Largest change of the throat's length and of the tempo.
    pub throat: f32,
    pub tempo: f32,
    /// Half the range of the tilt from the lowest band to the highest.
    pub tilt_db: f32,
    /// Standard deviation of a smooth equaliser.
    pub equaliser_db: f32,
    /// Gains are drawn from this far below to half of it above.
    pub gain_db: f32,
    /// Weight of soft labels, of listeners or of teachers, where a clip has some.
    pub soft_weight: f32,
    pub features: FeatureSpec,
    pub network: NetworkSpec,
}

impl Default for Recipe {
    /// The frozen configuration of every published figure; models/EXPERIMENTS.md says how it was
    /// found.
    fn default() -> Self {
        Self {
            epochs: 40,
            steps: 3000,
            speaker_epochs: 0,
            pretrain_epochs: 30,
            fine_tuning_rate: 1.0,
            batch_size: 32,
            learning_rate: 0.002,
            weight_decay: 0.02,
            average_share: 0.08,
            label_smoothing: 0.1,
            dimension_weight: 2.0,
            class_balance: 1.0,
            corpus_balance: 0.5,
            rehearsal_share: 0.0,
            new_speaker_share: 0.4,
            one_emotion_share: 0.2,
            noise_share: 0.4,
            degraded_share: 0.1,
            degraded_by: vec![
                Degradation::Phone,
                Degradation::Clipping,
                Degradation::Room,
                Degradation::Room,
            ],
            convert_share: 0.1,
            mask_share: 0.2,
            copy_paste_share: 0.05,
            mixup_share: 0.0,
            silence_share: 0.1,
            noise_alone_share: 0.03,
            noise_balance: 0.0,
            crowds: 0,
            speeds: true,
            throat: 0.06,
            tempo: 0.06,
            tilt_db: 6.0,
            equaliser_db: 1.0,
            gain_db: 20.0,
            soft_weight: 0.0,
            features: FeatureSpec::default(),
            network: NetworkSpec::default(),
        }
    }
}

impl Recipe {
    /// The default with `key=value` put in place, as TOML spells both: `network.lstm=64`.
    pub fn with(changes: &[String]) -> Result<Self> {
        let mut table = toml::Table::try_from(Self::default()).expect("a recipe is a table");
        for change in changes {
            let (key, value) = change.split_once('=').with_context(|| {
                format!("{change:?} is no change of the recipe; write key=value")
            })?;
            let value = format!("value = {value}");
            let parsed: toml::Table =
                value.parse().with_context(|| format!("in the change {change:?}"))?;
            set(&mut table, key.trim(), parsed["value"].clone())
                .with_context(|| format!("in the change {change:?}"))?;
        }
        let recipe: Self = table.try_into().context("the recipe as changed does not hold")?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The same where it goes on from a model.
    pub fn fine_tuning(&self) -> Self {
        Self { learning_rate: self.learning_rate * self.fine_tuning_rate, ..self.clone() }
    }

    /// How long it trains, for people.
    pub fn length(&self) -> String {
        match self.steps {
            0 => format!("{} epochs", self.epochs),
            steps => format!("{} epochs or {steps} steps, whichever is more", self.epochs),
        }
    }

    /// The same with as many passes as its steps need, of so many examples each.
    pub fn for_examples(&self, examples: usize) -> Self {
        let wanted = (self.steps * self.batch_size).div_ceil(examples.max(1));
        Self { epochs: self.epochs.max(wanted), ..self.clone() }
    }

    fn check(&self) -> Result<()> {
        let range = |key: &str, value: f64, low: f64, high: f64| {
            if low <= value && value <= high {
                return Ok(());
            }
            bail!("{key} of the recipe is {value}; allowed is {low} to {high}")
        };
        for (key, share) in [
            ("new_speaker_share", self.new_speaker_share),
            ("one_emotion_share", self.one_emotion_share),
            ("noise_share", self.noise_share),
            ("degraded_share", self.degraded_share),
            ("convert_share", self.convert_share),
            ("mask_share", self.mask_share),
            ("copy_paste_share", self.copy_paste_share),
            ("mixup_share", self.mixup_share),
            ("silence_share", self.silence_share),
            ("noise_alone_share", self.noise_alone_share),
            ("noise_balance", self.noise_balance),
            ("average_share", self.average_share),
            ("corpus_balance", self.corpus_balance),
            ("class_balance", f64::from(self.class_balance)),
            ("soft_weight", f64::from(self.soft_weight)),
        ] {
            range(key, share, 0.0, 1.0)?;
        }
        range("rehearsal_share", self.rehearsal_share, 0.0, 0.9)?;
        range("label_smoothing", f64::from(self.label_smoothing), 0.0, 0.9)?;
        range("throat", f64::from(self.throat), 0.0, 0.3)?;
        range("tempo", f64::from(self.tempo), 0.0, 0.5)?;
        range("learning_rate", self.learning_rate, 1e-6, 1.0)?;
        range("fine_tuning_rate", self.fine_tuning_rate, 0.0, 10.0)?;
        range("epochs", self.epochs as f64, 1.0, 10_000.0)?;
        range("steps", self.steps as f64, 0.0, 1e6)?;
        range("crowds", self.crowds as f64, 0.0, 1000.0)?;
        range("batch_size", self.batch_size as f64, 2.0, 4096.0)?;
        if self.degraded_by.is_empty() {
            bail!(
                "degraded_by of the recipe is empty; allowed are phone, clipping and room, and \
                 degraded_share=0 for none"
            );
        }
        self.features.check().context("in the recipe")?;
        self.check_front_end()
    }

    /// Where the front end has no mel power, nothing can happen to it.
    fn check_front_end(&self) -> Result<()> {
        if has_bands(&self.features) {
            return Ok(());
        }
        for (key, value) in [
            ("noise_share", self.noise_share),
            ("noise_alone_share", self.noise_alone_share),
            ("crowds", self.crowds as f64),
            ("convert_share", self.convert_share),
            ("silence_share", self.silence_share),
            ("throat", f64::from(self.throat)),
            ("tilt_db", f64::from(self.tilt_db)),
            ("equaliser_db", f64::from(self.equaliser_db)),
            ("gain_db", f64::from(self.gain_db)),
        ] {
            if value != 0.0 {
                bail!(
                    "{key} of the recipe is {value}; allowed is 0 where the front end has no mel"
                );
            }
        }
        Ok(())
    }
}

/// Puts `value` where the dotted `key` lies, which has to be there already.
fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<()> {
    let known = table.keys().cloned().collect::<Vec<_>>().join(", ");
    let (first, rest) = key.split_once('.').map_or((key, None), |(a, b)| (a, Some(b)));
    let Some(place) = table.get_mut(first) else { bail!("there is no {first}; there is {known}") };
    match (rest, place) {
        (None, place) => *place = value,
        (Some(rest), toml::Value::Table(inner)) => set(inner, rest, value)?,
        (Some(_), _) => bail!("{first} is a value and has nothing below it"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[&str]) -> Result<Recipe> {
        Recipe::with(&changes.iter().map(|&change| change.to_owned()).collect::<Vec<_>>())
    }

    fn check_refused(change: &str, expected: &str) {
        let error = format!("{:#}", with(&[change]).expect_err(change));
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn changes_are_put_where_their_key_lies() {
        let recipe = with(&["mixup_share=0.3", "network.lstm = 64"]).expect("both are right");
        let network = NetworkSpec { lstm: 64, ..NetworkSpec::default() };
        assert_eq!(recipe, Recipe { mixup_share: 0.3, network, ..Recipe::default() });
    }

    #[test]
    fn few_clips_are_gone_through_more_often() {
        let recipe = Recipe { epochs: 10, steps: 300, batch_size: 32, ..Recipe::default() };
        assert_eq!(recipe.for_examples(320).epochs, 30);
        assert_eq!(recipe.for_examples(9600).epochs, 10);
        assert_eq!(recipe.for_examples(0).epochs, 9600);
    }

    #[test]
    fn a_front_end_without_mel_power_wants_nothing_done_to_it() {
        let crate_mfcc = ["features.front_end=\"crate-mfcc\"", "features.coefficients=16"];
        let error = with(&crate_mfcc).expect_err("noise is mixed in as mel power");
        let expected = if cfg!(feature = "crate-mfcc") { "noise_share" } else { "build with" };
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }

    #[test]
    fn what_does_not_hold_is_refused_with_what_does() {
        check_refused("mixup_share", "write key=value");
        check_refused("mixpu_share=0.3", "there is no mixpu_share; there is");
        check_refused("noise_share=1.5", "noise_share of the recipe is 1.5; allowed is 0 to 1");
        check_refused("epochs.best=3", "epochs is a value");
        check_refused("epochs=\"many\"", "does not hold");
        check_refused("degraded_by=[]", "allowed are phone, clipping and room");
        check_refused("degraded_by=[\"cave\"]", "does not hold");
    }
}
