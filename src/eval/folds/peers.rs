//! What other programs said about the same clips of the same folds, as their scripts wrote it.
//! Their answers are scored by the code that scores ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::eval::clips::Tier;
use crate::eval::folds::plan::{Plan, Target};
use crate::eval::metrics::Answer;
use crate::messages::Dimensions;
use crate::train::corpus::{Clip, Part};

/// One file of a peer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    peer: String,
    version: String,
    /// Runs it again.
    command: String,
    /// Name of the plan.
    corpus: String,
    target: Target,
    ms_per_3s: Option<f64>,
    runs: Vec<Run>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    tier: Condition,
    seed: u64,
    fold: String,
    /// Of the clips, where the tier has several.
    order: u64,
    /// Path as in the manifest, label said.
    clips: Vec<(String, String)>,
}

/// What a peer knew, as its scripts spell it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// T1 with a speaker who shows one emotion only.
    #[serde(rename = "one-emotion")]
    OneEmotion,
    #[serde(untagged)]
    Tier(Tier),
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneEmotion => write!(f, "one emotion"),
            Self::Tier(tier) => write!(f, "{tier:?}"),
        }
    }
}

/// A peer under one condition.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Name and version.
    pub who: String,
    pub command: String,
    pub target: Target,
    pub condition: Condition,
    pub ms_per_3s: Option<f64>,
    /// Answers of each fold and seed, all orders together, with the clips that they are about.
    pub runs: BTreeMap<(String, u64), Vec<(String, Answer)>>,
}

impl Peer {
    /// The answers of each fold and seed.
    pub fn answers(&self) -> Vec<Vec<Answer>> {
        let answers =
            |run: &Vec<(String, Answer)>| run.iter().map(|(_, answer)| answer.clone()).collect();
        self.runs.values().map(answers).collect()
    }
}

/// What the answers of peers are held against.
pub struct Rules<'a> {
    plan: &'a Plan,
    clips: BTreeMap<&'a str, &'a Clip>,
}

impl<'a> Rules<'a> {
    pub fn new(plan: &'a Plan, clips: &'a [Clip]) -> Self {
        let by_path = clips.iter().filter_map(|clip| Some((clip.path.to_str()?, clip)));
        Self { plan, clips: by_path.collect() }
    }

    /// All peers of this corpus in `folder`. `speaker` numbers the speakers.
    pub fn read(&self, folder: &Path, speaker: &mut dyn FnMut(&str) -> usize) -> Result<Vec<Peer>> {
        let entries =
            fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        paths.sort();
        let mut peers = Vec::new();
        for path in paths {
            let context = || format!("in the peer's answers {}", path.display());
            let text = fs::read_to_string(&path).with_context(context)?;
            let file: File = serde_json::from_str(&text).with_context(context)?;
            if file.corpus == self.plan.name {
                peers.extend(self.peers(&file, speaker).with_context(context)?);
            }
        }
        Ok(peers)
    }

    /// One for each condition of the file.
    fn peers(&self, file: &File, speaker: &mut dyn FnMut(&str) -> usize) -> Result<Vec<Peer>> {
        let conditions: BTreeSet<Condition> = file.runs.iter().map(|run| run.tier).collect();
        let mut peers = Vec::new();
        for condition in conditions {
            let mut runs = BTreeMap::<_, Vec<_>>::new();
            for run in file.runs.iter().filter(|run| run.tier == condition) {
                let answers = self.answers(run, speaker).with_context(|| {
                    format!("fold {}, seed {}, order {}", run.fold, run.seed, run.order)
                })?;
                runs.entry((run.fold.clone(), run.seed)).or_default().extend(answers);
            }
            peers.push(Peer {
                who: format!("{} {}", file.peer, file.version),
                command: file.command.clone(),
                target: file.target,
                condition,
                ms_per_3s: file.ms_per_3s,
                runs,
            });
        }
        Ok(peers)
    }

    fn answers(
        &self,
        run: &Run,
        speaker: &mut dyn FnMut(&str) -> usize,
    ) -> Result<Vec<(String, Answer)>> {
        let Some(fold) = self.plan.folds.iter().find(|fold| fold.name == run.fold) else {
            bail!("{} has no such fold", self.plan.name);
        };
        let labels = &self.plan.table.labels;
        let place = |label: &str| labels.iter().position(|known| known == label);
        let answer = |(path, said): &(String, String)| {
            let clip =
                self.clips.get(path.as_str()).with_context(|| format!("no clip is {path}"))?;
            if fold.split.part_of(clip) != Part::Test {
                bail!("{path} is not for test in this fold");
            }
            let said = self.plan.label_of(said).and_then(place);
            let said = said.with_context(|| format!("{path} is said to be no label of ours"))?;
            let mut probabilities = vec![0.0; labels.len()];
            probabilities[said] = 1.0;
            let label = place(&clip.emotion).with_context(|| format!("{path} has no label"))?;
            let speaker = speaker(&clip.speaker_key());
            let dimensions = Dimensions::NEUTRAL;
            Ok((path.clone(), Answer { speaker, label, probabilities, dimensions, outlier: 0.0 }))
        };
        run.clips.iter().map(answer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clips() -> Vec<Clip> {
        let clip = |(speaker, emotion): (&str, &str)| Clip {
            path: format!("{speaker}-{emotion}.opus").into(),
            corpus: "tiny".to_owned(),
            speaker: speaker.to_owned(),
            emotion: emotion.to_owned(),
            licence: String::new(),
        };
        [("a", "neutral"), ("a", "sad"), ("b", "sad")].map(clip).to_vec()
    }

    /// Reads a file with one run of speaker a.
    fn read(fold: &str, clips_said: &str) -> Result<Vec<Peer>> {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("tiny");
        fs::create_dir(&plan).unwrap();
        let table = "description = \"\"\ncorpora = [\"tiny\"]\nlabels = [\"neutral\", \"sad\"]\n\
                     rename = { calm = \"neutral\" }";
        fs::write(plan.join("folds.toml"), table).unwrap();
        let split = "description = \"\"\ntest = [\"tiny:a\"]\nvalidation = [\"tiny:b\"]";
        fs::write(plan.join("1.toml"), split).unwrap();
        let plan = Plan::read(folder.path(), "tiny").unwrap();
        let text = format!(
            "{{\"peer\": \"P\", \"version\": \"2\", \"command\": \"run p\", \"corpus\": \"tiny\", \
             \"target\": \"intended\", \"ms_per_3s\": null, \"runs\": [{{\"tier\": \"T0\", \
             \"seed\": 1, \"fold\": \"{fold}\", \"order\": 1, \"clips\": {clips_said}}}]}}"
        );
        fs::write(folder.path().join("p-tiny.json"), text).unwrap();
        Rules::new(&plan, &clips()).read(folder.path(), &mut |_| 0)
    }

    fn check_refused(fold: &str, clips_said: &str, expected: &str) {
        let error = format!("{:#}", read(fold, clips_said).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_peer_is_scored_on_our_labels() {
        let peers = read("1", "[[\"a-sad.opus\", \"calm\"], [\"a-neutral.opus\", \"neutral\"]]");
        let peers = peers.unwrap();
        assert_eq!((peers[0].who.as_str(), peers[0].condition), ("P 2", Condition::Tier(Tier::T0)));
        let run = &peers[0].runs[&("1".to_owned(), 1)];
        let tops: Vec<(usize, usize)> = run.iter().map(|(_, a)| (a.label, a.top().0)).collect();
        assert_eq!(tops, [(1, 0), (0, 0)]);
    }

    #[test]
    fn what_is_not_of_the_fold_is_refused() {
        check_refused("2", "[]", "tiny has no such fold");
        check_refused("1", "[[\"b-sad.opus\", \"sad\"]]", "b-sad.opus is not for test");
        check_refused("1", "[[\"c.opus\", \"sad\"]]", "no clip is c.opus");
        check_refused("1", "[[\"a-sad.opus\", \"glum\"]]", "no label of ours");
    }

    #[test]
    fn what_a_peer_knew_is_a_tier_or_a_stream_of_one_emotion() {
        let condition = serde_json::from_str::<Condition>;
        assert_eq!(condition("\"T3\"").unwrap(), Condition::Tier(Tier::T3));
        assert_eq!(condition("\"one-emotion\"").unwrap(), Condition::OneEmotion);
        assert!(condition("\"T9\"").is_err());
    }
}
