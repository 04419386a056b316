//! Everything that one trained fold is asked, tier by tier, kept as soon as a tier is done.

use std::path::Path;

use anyhow::{Result, bail};

use crate::eval::clips::Tier;
use crate::eval::folds::answers::{Alone, Answers, InTurn, TestClip};
use crate::eval::folds::enrolled::{few_shot, neutral_enrolled};
use crate::eval::folds::listening::{AFTER_ONSET_S, Listening, Voices, ms_per_3s, seeds};
use crate::eval::folds::plan::{Job, LEAKY, Material};
use crate::model::backend::{self, Choice};
use crate::model::predictor::Predictor;
use crate::train::corpus::{Clip, Part};

/// What a job is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub tiers: Vec<Tier>,
    /// How long each fold is trained.
    pub length: String,
}

impl Wanted {
    /// The control stands beside T0 and nothing else.
    pub fn of(&self, job: &Job) -> impl Iterator<Item = Tier> {
        let is_control = job.fold == LEAKY;
        let tiers = self.tiers.clone().into_iter();
        tiers.filter(move |tier| !is_control || *tier == Tier::T0)
    }

    /// Whether `answers` are all that is wanted. Those of another training are refused.
    pub fn is_met_by(&self, job: &Job, answers: &Answers, folder: &Path) -> Result<bool> {
        if answers.length != self.length {
            bail!(
                "{} was trained for {}, asked for is {}; use another --work",
                folder.display(),
                answers.length,
                self.length
            );
        }
        Ok(self.of(job).all(|tier| answers.has(tier)))
    }
}

/// The model of a job and the clips that it is asked about.
struct Exam<'a> {
    model: Predictor,
    test: Vec<&'a Clip>,
    validation: Vec<&'a Clip>,
    root: &'a Path,
}

/// Asks the model in `model` for the tiers that are not answered yet and keeps the answers in
/// `folder`.
pub fn score(
    job: &Job,
    wanted: &Wanted,
    material: &Material,
    root: &Path,
    [model, folder]: [&Path; 2],
) -> Result<()> {
    let part = |part| {
        let clips = material.clips.iter();
        clips.filter(|clip| material.split.part_of(clip) == part).collect::<Vec<_>>()
    };
    let mut exam = Exam {
        model: backend::load(model, Choice::Cpu)?.predictor,
        test: part(Part::Test),
        validation: part(Part::Validation),
        root,
    };
    let voices = Voices::load(&exam.test, root, &exam.model)?;
    let mut answers = match Answers::load(folder)? {
        Some(answers) => answers,
        None => exam.blank(job, &wanted.length)?,
    };
    for tier in wanted.of(job).filter(|&tier| !answers.has(tier)).collect::<Vec<_>>() {
        match tier {
            Tier::T0 => answers.t0 = Some(exam.alone(&voices)?),
            Tier::T1 => answers.t1 = Some(exam.in_turn(&voices)?),
            Tier::T2 | Tier::T3 => exam.enrolled(tier, &voices, &mut answers)?,
        }
        answers.save(folder)?;
    }
    Ok(())
}

impl Exam<'_> {
    fn blank(&self, job: &Job, length: &str) -> Result<Answers> {
        let card = self.model.card();
        let label = |clip: &Clip| card.labels.iter().position(|label| *label == clip.emotion);
        let clips = self.test.iter().filter_map(|clip| {
            Some(TestClip {
                path: clip.path.to_string_lossy().into_owned(),
                speaker: clip.speaker_key(),
                label: label(clip)?,
            })
        });
        Ok(Answers {
            fold: job.fold.clone(),
            seed: job.seed,
            length: length.to_owned(),
            sha256: card.sha256.clone(),
            parameters: card.parameters,
            ms_per_3s: ms_per_3s(&self.model)?,
            labels: card.labels.clone(),
            clips: clips.collect(),
            t0: None,
            t1: None,
            t2: None,
            t3: None,
        })
    }

    fn alone(&self, voices: &Voices) -> Result<Alone> {
        let mut listening = Listening::new(voices, &self.model);
        let said = listening.alone()?;
        let moments = AFTER_ONSET_S.into_iter();
        let after_onset =
            moments.map(|s| Ok((s, listening.alone_for(s)?))).collect::<Result<_>>()?;
        Ok(Alone { said, after_onset })
    }

    fn in_turn(&mut self, voices: &Voices) -> Result<InTurn> {
        let mut listening = Listening::new(voices, &self.model);
        let orders =
            seeds(Tier::T1).map(|order| listening.in_turn(order)).collect::<Result<_>>()?;
        let [one_emotion, one_emotion_late] = listening.one_emotion()?;
        Ok(InTurn { orders, one_emotion, one_emotion_late })
    }

    fn enrolled(&self, tier: Tier, voices: &Voices, answers: &mut Answers) -> Result<()> {
        let others = Voices::load(&self.validation, self.root, &self.model)?;
        let mut test = Listening::new(voices, &self.model);
        let mut validation = Listening::new(&others, &self.model);
        match tier {
            Tier::T2 => answers.t2 = Some(neutral_enrolled(&mut test, &mut validation)?),
            _ => answers.t3 = Some(few_shot(&mut test, &mut validation)?),
        }
        Ok(())
    }
}
