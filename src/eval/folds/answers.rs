//! All that one trained fold said about its test clips, as it lies in `answers.json`. Figures are
//! made from it later, so that a new figure needs no new training.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::eval::clips::Tier;
use crate::eval::metrics::Answer;
use crate::messages::Dimensions;

const FILE_NAME: &str = "answers.json";

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Answers {
    pub fold: String,
    pub seed: u64,
    /// How long it was trained.
    pub length: String,
    /// Of the weights.
    pub sha256: String,
    pub parameters: usize,
    /// Features and network over 3 s of speech at their fastest, on the machine that scored.
    pub ms_per_3s: f64,
    pub labels: Vec<String>,
    pub clips: Vec<TestClip>,
    pub t0: Option<Alone>,
    pub t1: Option<InTurn>,
    pub t2: Option<Enrolled>,
    pub t3: Option<Enrolled>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TestClip {
    /// As in the manifest.
    pub path: String,
    pub speaker: String,
    pub label: usize,
}

/// One answer about one clip.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Said {
    /// Index into [`Answers::clips`].
    pub clip: usize,
    pub probabilities: Vec<f32>,
    /// Arousal, valence, dominance.
    pub dimensions: [f32; 3],
}

/// T0.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Alone {
    pub said: Vec<Said>,
    /// What was said this many seconds after the onset of speech, from one window.
    pub after_onset: Vec<(f32, Vec<Said>)>,
}

/// T1.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct InTurn {
    pub orders: Vec<Vec<Said>>,
    /// The speaker shows one emotion and no other: the clips of each emotion in turn.
    pub one_emotion: Vec<Said>,
    /// The second half of each of those streams.
    pub one_emotion_late: Vec<Said>,
}

/// T2 and T3.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Enrolled {
    /// Clips to enrol are drawn anew in each; these are not scored.
    pub draws: Vec<Vec<Said>>,
    /// What was chosen on validation speakers, in the order in which `enrolled` names it.
    pub chosen: Vec<f32>,
}

impl Answers {
    /// Those in `folder`, if they are there.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE_NAME);
        if !path.is_file() {
            return Ok(None);
        }
        let context = || format!("cannot read {}", path.display());
        let text = fs::read_to_string(&path).with_context(context)?;
        serde_json::from_str(&text).map(Some).with_context(context)
    }

    pub fn save(&self, folder: &Path) -> Result<()> {
        write_whole(&folder.join(FILE_NAME), &serde_json::to_string(self)?)
    }

    pub fn has(&self, tier: Tier) -> bool {
        match tier {
            Tier::T0 => self.t0.is_some(),
            Tier::T1 => self.t1.is_some(),
            Tier::T2 => self.t2.is_some(),
            Tier::T3 => self.t3.is_some(),
        }
    }

    /// The runs of a tier: orders or draws.
    pub fn runs(&self, tier: Tier) -> &[Vec<Said>] {
        match tier {
            Tier::T0 => self.t0.as_ref().map_or(&[], |t0| std::slice::from_ref(&t0.said)),
            Tier::T1 => self.t1.as_ref().map_or(&[], |t1| &t1.orders),
            Tier::T2 => self.t2.as_ref().map_or(&[], |t2| &t2.draws),
            Tier::T3 => self.t3.as_ref().map_or(&[], |t3| &t3.draws),
        }
    }

    /// As the metrics want it; `speaker` numbers the speakers of the whole corpus.
    pub fn answer(&self, said: &Said, speaker: &mut dyn FnMut(&str) -> usize) -> Answer {
        let clip = &self.clips[said.clip];
        let [arousal, valence, dominance] = said.dimensions;
        Answer {
            speaker: speaker(&clip.speaker),
            label: clip.label,
            probabilities: said.probabilities.clone(),
            dimensions: Dimensions { arousal, valence, dominance },
            outlier: 0.0,
        }
    }
}

/// Writes beside the file and moves it over: nobody ever reads half of it.
pub fn write_whole(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_added_extension("new");
    let context = || format!("cannot write {}", path.display());
    fs::write(&fresh, text).with_context(context)?;
    fs::rename(&fresh, path).with_context(context)
}
