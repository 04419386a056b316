//! What all folds and seeds came to: the figures that the report shows, made from whatever is done,
//! and a list of what is not. How it is written down is left to `markdown`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::eval::clips::Tier;
use crate::eval::folds::answers::{Answers, Said};
use crate::eval::folds::figures::{CrowdRow, Row, Run, Sureness, mean};
use crate::eval::folds::peers::{Condition, Peer};
use crate::eval::folds::plan::{Human, LEAKY, Plan, Target};
use crate::eval::metrics::{Answer, Confusion};
use crate::train::votes::Votes;

/// Whom our own rows are of.
pub const OURS: &str = "affectd";

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    pub corpus: String,
    pub description: String,
    pub command: String,
    pub labels: Vec<String>,
    pub folds: usize,
    pub seeds: Vec<u64>,
    /// How long each fold was trained.
    pub length: String,
    /// Of our network.
    pub parameters: usize,
    /// Seeds were reported apart and joined.
    #[serde(default)]
    pub is_joined: bool,
    /// Of the folds and controls that were asked for, those that are not in the figures.
    pub missing: Vec<String>,
    /// Ours, peers, the control, humans: against the intended emotion.
    pub rows: Vec<Row>,
    pub tiers: Vec<TierDetail>,
    pub after_onset: Vec<Moment>,
    /// Ours, then peers.
    pub one_emotion: Vec<OneEmotion>,
    /// Ours, peers and humans against what most listeners heard.
    pub crowd: Vec<CrowdRow>,
    pub crowd_humans: Vec<Human>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TierDetail {
    pub tier: Tier,
    pub known: String,
    /// What validation speakers chose in each run, as `enrolled` names it.
    pub chosen: Vec<Vec<f32>>,
    /// Share of each label's clips that were found; none without a clip.
    pub recalls: Vec<Option<f64>>,
    /// A row per right label, summed over all answers.
    pub confusion: Vec<Vec<u32>>,
}

/// T0 some time after the onset of speech.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Moment {
    pub seconds: f32,
    pub ua: f64,
    /// Of the UA over whole clips.
    pub share: f64,
}

/// T1 with a speaker who shows one emotion only, beside the rest.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OneEmotion {
    pub who: String,
    pub ua_t0: Option<f64>,
    pub ua_t1: Option<f64>,
    pub ua: f64,
    /// In the second half of each stream; of peers it is not known.
    pub ua_late: Option<f64>,
}

/// All that a report is made from.
pub struct Source<'a> {
    pub plan: &'a Plan,
    pub command: String,
    pub seeds: Vec<u64>,
    /// How long each fold was trained.
    pub length: String,
    pub tiers: Vec<Tier>,
    /// Of the jobs that are done.
    pub answers: Vec<Answers>,
    pub missing: Vec<String>,
    pub votes: Option<&'a Votes>,
    pub peers: Vec<Peer>,
    pub speakers: Speakers,
}

/// Numbers the speakers of the whole corpus in the order in which they come up.
#[derive(Debug, Default)]
pub struct Speakers(BTreeMap<String, usize>);

impl Speakers {
    pub fn number(&mut self, name: &str) -> usize {
        let next = self.0.len();
        *self.0.entry(name.to_owned()).or_insert(next)
    }
}

impl Report {
    pub fn new(mut source: Source) -> Self {
        let labels = source.plan.table.labels.clone();
        let humans = |target| {
            let all = source.plan.table.humans.iter().filter(move |human| human.target == target);
            all.cloned().collect::<Vec<_>>()
        };
        let (humans, crowd_humans) = (humans(Target::Intended), humans(Target::Crowd));
        let tiers = source.tier_details(&labels);
        let mut rows = source.own_rows(&labels);
        rows.extend(source.peer_rows(&labels));
        rows.extend(source.control(&labels));
        rows.extend(humans.iter().map(human_row));
        Self {
            after_onset: source.after_onset(&labels),
            one_emotion: source.one_emotion(&labels),
            crowd: source.crowd(&labels),
            corpus: source.plan.name.clone(),
            description: source.plan.table.description.clone(),
            folds: source.plan.folds.len(),
            parameters: source.answers.first().map_or(0, |answers| answers.parameters),
            command: source.command,
            seeds: source.seeds,
            length: source.length,
            missing: source.missing,
            is_joined: false,
            labels,
            rows,
            tiers,
            crowd_humans,
        }
    }
}

impl Source<'_> {
    /// One run a job, of what `pick` finds in its answers; empty ones are left out.
    fn runs(&mut self, is_control: bool, pick: impl Fn(&Answers) -> Vec<&Said>) -> Vec<Run> {
        let mut runs = Vec::new();
        for answers in self.answers.iter().filter(|one| (one.fold == LEAKY) == is_control) {
            let speakers = &mut self.speakers;
            let mut number = |name: &str| speakers.number(name);
            let said = pick(answers).into_iter();
            let run: Run = said.map(|said| answers.answer(said, &mut number)).collect();
            runs.extend((!run.is_empty()).then_some(run));
        }
        runs
    }

    fn tier_runs(&mut self, tier: Tier) -> Vec<Run> {
        self.runs(false, |answers| answers.runs(tier).iter().flatten().collect())
    }

    fn own_rows(&mut self, labels: &[String]) -> Vec<Row> {
        let tiers = self.tiers.clone();
        let times: Vec<f64> = self.answers.iter().map(|answers| answers.ms_per_3s).collect();
        let row = |tier: Tier| {
            let runs = self.tier_runs(tier);
            let row = Row::new(OURS, &format!("{tier:?}"), &runs, labels)?;
            Some(Row {
                sureness: Some(Sureness::new(&runs, labels)),
                ms_per_3s: Some(mean(&times)),
                command: self.command.clone(),
                ..row
            })
        };
        tiers.into_iter().filter_map(row).collect()
    }

    fn control(&mut self, labels: &[String]) -> Option<Row> {
        let runs = self.runs(true, |answers| answers.runs(Tier::T0).iter().flatten().collect());
        let row = Row::new(OURS, "T0, random split, leaky, for reference", &runs, labels)?;
        // Its speakers are on all sides, so other speakers say nothing about it.
        Some(Row {
            ua_interval: None,
            sureness: Some(Sureness::new(&runs, labels)),
            command: self.command.clone(),
            ..row
        })
    }

    /// Of the peers that are held against the intended emotion.
    fn intended(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().filter(|peer| peer.target == Target::Intended)
    }

    fn peer_rows(&self, labels: &[String]) -> Vec<Row> {
        let row = |peer: &Peer| {
            let Condition::Tier(tier) = peer.condition else { return None };
            let row = Row::new(&peer.who, &format!("{tier:?}"), &peer.answers(), labels)?;
            Some(Row { ms_per_3s: peer.ms_per_3s, command: peer.command.clone(), ..row })
        };
        self.intended().filter_map(row).collect()
    }

    fn tier_details(&mut self, labels: &[String]) -> Vec<TierDetail> {
        let tiers = self.tiers.clone();
        let detail = |tier: Tier| {
            let runs = self.tier_runs(tier);
            let confusion = Confusion::of(runs.iter().flatten(), labels.len());
            let chosen = self.answers.iter().filter_map(|answers| match tier {
                Tier::T2 => answers.t2.as_ref().map(|t2| t2.chosen.clone()),
                Tier::T3 => answers.t3.as_ref().map(|t3| t3.chosen.clone()),
                Tier::T0 | Tier::T1 => None,
            });
            (!runs.is_empty()).then(|| TierDetail {
                tier,
                known: tier.what_is_known().to_owned(),
                chosen: chosen.collect(),
                recalls: (0..labels.len()).map(|label| confusion.recall(label)).collect(),
                confusion: confusion.counts().to_vec(),
            })
        };
        tiers.into_iter().filter_map(detail).collect()
    }

    fn after_onset(&mut self, labels: &[String]) -> Vec<Moment> {
        let whole = self.tier_runs(Tier::T0);
        let alone = self.answers.iter().filter_map(|answers| answers.t0.as_ref()).next();
        let moments: Vec<f32> =
            alone.map(|t0| t0.after_onset.iter().map(|(s, _)| *s).collect()).unwrap_or_default();
        let ua = |runs: &[Run]| Confusion::of(runs.iter().flatten(), labels.len()).ua();
        let moment = |(index, seconds): (usize, f32)| {
            let runs = self.runs(false, |answers| {
                let moment = answers.t0.as_ref().and_then(|t0| t0.after_onset.get(index));
                moment.map(|(_, said)| said.iter().collect()).unwrap_or_default()
            });
            Moment { seconds, ua: ua(&runs), share: ua(&runs) / ua(&whole).max(f64::MIN_POSITIVE) }
        };
        if whole.is_empty() {
            return Vec::new();
        }
        moments.into_iter().enumerate().map(moment).collect()
    }

    fn one_emotion(&mut self, labels: &[String]) -> Vec<OneEmotion> {
        let ua = |runs: &[Run]| {
            (!runs.is_empty()).then(|| Confusion::of(runs.iter().flatten(), labels.len()).ua())
        };
        let all = self.runs(false, |answers| {
            answers.t1.as_ref().map(|t1| t1.one_emotion.iter().collect()).unwrap_or_default()
        });
        let late = self.runs(false, |answers| {
            answers.t1.as_ref().map(|t1| t1.one_emotion_late.iter().collect()).unwrap_or_default()
        });
        let [ua_t0, ua_t1] = [Tier::T0, Tier::T1].map(|tier| ua(&self.tier_runs(tier)));
        let own =
            |all| OneEmotion { who: OURS.to_owned(), ua_t0, ua_t1, ua: all, ua_late: ua(&late) };
        let alone = |peer: &&Peer| peer.condition == Condition::OneEmotion;
        let peer = |peer: &Peer| {
            let under = |condition| {
                let mut same = self.intended().filter(|other| other.who == peer.who);
                same.find(|other| other.condition == condition).and_then(|one| ua(&one.answers()))
            };
            let [ua_t0, ua_t1] = [Tier::T0, Tier::T1].map(|tier| under(Condition::Tier(tier)));
            let ua = ua(&peer.answers())?;
            Some(OneEmotion { who: peer.who.clone(), ua_t0, ua_t1, ua, ua_late: None })
        };
        let peers = self.intended().filter(alone).filter_map(peer);
        ua(&all).map(own).into_iter().chain(peers).collect()
    }

    fn crowd(&mut self, labels: &[String]) -> Vec<CrowdRow> {
        let Some(votes) = self.votes else { return Vec::new() };
        let mut rows = Vec::new();
        for &tier in &self.tiers {
            let mut heard: Vec<(&str, Answer)> = Vec::new();
            for answers in self.answers.iter().filter(|answers| answers.fold != LEAKY) {
                let mut number = |name: &str| self.speakers.number(name);
                let said = answers.runs(tier).iter().flatten();
                heard.extend(said.map(|said| {
                    let path = answers.clips[said.clip].path.as_str();
                    (path, answers.answer(said, &mut number))
                }));
            }
            let heard: Vec<_> = heard.iter().map(|(path, answer)| (*path, answer)).collect();
            rows.extend(CrowdRow::new([OURS, &format!("{tier:?}")], &heard, votes, labels, true));
        }
        for peer in self.peers.iter().filter(|peer| peer.target == Target::Crowd) {
            let Condition::Tier(tier) = peer.condition else { continue };
            let runs = peer.runs.values().flatten();
            let heard: Vec<_> = runs.map(|(path, answer)| (path.as_str(), answer)).collect();
            let tier = format!("{tier:?}");
            rows.extend(CrowdRow::new([&peer.who, &tier], &heard, votes, labels, false));
        }
        rows
    }
}

fn human_row(human: &Human) -> Row {
    Row {
        who: human.who.clone(),
        tier: "humans, the voice only".to_owned(),
        ua: human.ua / 100.0,
        ua_deviation: None,
        ua_pooled: None,
        ua_interval: None,
        wa: None,
        sureness: None,
        ms_per_3s: None,
        runs: 0,
        command: String::new(),
    }
}
