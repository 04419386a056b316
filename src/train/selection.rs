//! Who takes part in a run: the bank's examples that train, or validate, with their labels and by
//! speaker. Several runs select from one bank.

use std::collections::BTreeMap;

use crate::messages::Dimensions;
use crate::train::affect;
use crate::train::bank::{Bank, Example};
use crate::train::corpus::Clip;
use crate::train::left_out::LeftOut;
use crate::train::votes::Votes;
use crate::units::to_f32;

/// One example of a selection.
#[derive(Clone, Debug)]
pub struct Member {
    /// Place in the bank.
    pub example: usize,
    /// Index into the labels; none if they have no such label.
    pub label: Option<usize>,
    /// None if the emotion has no coordinates.
    pub dimensions: Option<Dimensions>,
    /// Probability of each label as listeners or teachers have it.
    pub soft: Option<Vec<f32>>,
    /// Index into the selection's speakers.
    pub speaker: usize,
    /// Of other corpora than the ones trained for: heard now and then, so that what they taught
    /// before is not forgotten.
    pub is_rehearsed: bool,
}

/// A part of a bank.
#[derive(Clone)]
pub struct Selection<'a> {
    pub bank: &'a Bank,
    pub members: Vec<Member>,
    /// Members of each speaker.
    pub speakers: Vec<Vec<usize>>,
    pub labels: usize,
}

impl<'a> Selection<'a> {
    /// The examples that `keep` wants and that have a label, or coordinates; others are told.
    pub fn new(bank: &'a Bank, labels: &[String], keep: impl Fn(&Clip) -> bool) -> Self {
        let mut left_out = LeftOut::default();
        let mut speakers: BTreeMap<usize, usize> = BTreeMap::new();
        let mut selection =
            Self { bank, members: Vec::new(), speakers: Vec::new(), labels: labels.len() };
        for (example, heard) in bank.examples.iter().enumerate() {
            let emotion = &heard.clip.emotion;
            if !keep(&heard.clip) {
                continue;
            }
            let label = labels.iter().position(|label| label == emotion);
            let dimensions = affect::coordinates(emotion);
            if label.is_none() && dimensions.is_none() {
                left_out.note_label(emotion);
                continue;
            }
            let next = speakers.len();
            let speaker = *speakers.entry(heard.speaker).or_insert(next);
            if speaker == selection.speakers.len() {
                selection.speakers.push(Vec::new());
            }
            selection.speakers[speaker].push(selection.members.len());
            selection.members.push(Member {
                example,
                label,
                dimensions,
                soft: None,
                speaker,
                is_rehearsed: false,
            });
        }
        left_out.tell();
        // Where no clip has coordinates, all get the neutral ones: an untrained head would make up
        // something else.
        if selection.members.iter().all(|member| member.dimensions.is_none()) {
            let neutral = |member: &mut Member| member.dimensions = Some(Dimensions::NEUTRAL);
            selection.members.iter_mut().for_each(neutral);
        }
        selection
    }

    /// Clips that are not the run's own are rehearsed only.
    pub fn rehearse(&mut self, is_own: impl Fn(&Clip) -> bool) {
        for member in &mut self.members {
            member.is_rehearsed = !is_own(&self.bank.examples[member.example].clip);
        }
    }

    /// Members that the run is for, and those that are rehearsed.
    pub fn own_and_rehearsed(&self) -> [Vec<usize>; 2] {
        (0..self.members.len()).partition(|&member| !self.members[member].is_rehearsed).into()
    }

    /// Gives the members that listeners voted on their shares.
    pub fn heed(&mut self, votes: &Votes) {
        for member in &mut self.members {
            let clip = &self.bank.examples[member.example].clip;
            let shares = clip.path.to_str().and_then(|path| votes.shares(path));
            member.soft = shares.map(|shares| shares.into_iter().map(to_f32).collect());
        }
    }

    pub fn example(&self, member: usize) -> &'a Example {
        &self.bank.examples[self.members[member].example]
    }

    /// Members of each label, of those that the run is for.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.labels];
        let own = self.members.iter().filter(|member| !member.is_rehearsed);
        own.filter_map(|member| member.label).for_each(|label| counts[label] += 1);
        counts
    }

    pub fn is_empty(&self) -> bool {
        self.members.iter().all(|member| member.label.is_none())
    }
}
