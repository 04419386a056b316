//! The fundamental frequency of a voice over time: of the periods that explain a frame, the one
//! that the frames before lead to. Dynamic programming over candidates with the costs of RAPT
//! (Talkin 1995), decided at once, so that it lags behind nothing. No allocation.

/// Periods that a frame is given.
pub const CANDIDATES: usize = 5;

/// What another octave costs more than a glide, and what a glide of one e-fold costs.
const OCTAVE_COST: f32 = 0.35;
const GLIDE_COST: f32 = 0.5;

/// From voiced to unvoiced and back.
const SWITCH_COST: f32 = 0.1;

/// One explanation of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Candidate {
    /// 0..1, the normalised correlation.
    pub strength: f32,
    /// Strength less what a long period costs.
    pub score: f32,
    pub hz: f32,
}

/// The best path to each explanation of the last frame.
#[derive(Clone, Debug)]
pub struct Tracker {
    costs: [f32; CANDIDATES],
    hz: [f32; CANDIDATES],
    count: usize,
    unvoiced: f32,
}

impl Default for Tracker {
    fn default() -> Self {
        Self { costs: [0.0; CANDIDATES], hz: [0.0; CANDIDATES], count: 0, unvoiced: 0.0 }
    }
}

impl Tracker {
    /// One frame; the candidate that it is, or none where it is unvoiced.
    pub fn step(&mut self, candidates: &[Candidate]) -> Option<Candidate> {
        let count = candidates.len().min(CANDIDATES);
        let strongest = candidates.iter().map(|one| one.strength).fold(0.0, f32::max);
        let before = self.clone();
        for (index, one) in candidates[..count].iter().enumerate() {
            let from_voiced = (0..before.count).map(|other| {
                let glide = (one.hz / before.hz[other]).ln().abs();
                let jump = OCTAVE_COST + (glide - std::f32::consts::LN_2).abs();
                before.costs[other] + GLIDE_COST * glide.min(jump)
            });
            let cheapest = from_voiced.fold(before.unvoiced + SWITCH_COST, f32::min);
            self.costs[index] = cheapest + 1.0 - one.score;
            self.hz[index] = one.hz;
        }
        let from_voiced = before.costs[..before.count].iter().map(|cost| cost + SWITCH_COST);
        self.unvoiced = from_voiced.fold(before.unvoiced, f32::min) + strongest;
        self.count = count;
        let best = (0..count).min_by(|&a, &b| self.costs[a].total_cmp(&self.costs[b]));
        // Costs are compared, never summed up for ever.
        let least = best.map_or(self.unvoiced, |best| self.costs[best].min(self.unvoiced));
        self.costs[..count].iter_mut().for_each(|cost| *cost -= least);
        self.unvoiced -= least;
        best.filter(|&best| self.costs[best] < self.unvoiced).map(|best| candidates[best])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(strength: f32, hz: f32) -> Candidate {
        Candidate { strength, score: strength, hz }
    }

    #[test]
    fn a_frame_that_is_better_explained_an_octave_off_is_not_believed() {
        let mut tracker = Tracker::default();
        let frame = [candidate(0.9, 120.0), candidate(0.85, 60.0)];
        assert_eq!((0..5).map(|_| tracker.step(&frame)).last(), Some(Some(frame[0])));
        let odd = [candidate(0.85, 121.0), candidate(0.95, 60.5)];
        assert_eq!(tracker.step(&odd), Some(odd[0]));
    }

    #[test]
    fn weak_frames_are_unvoiced_and_strong_ones_voiced_again() {
        let mut tracker = Tracker::default();
        let (voice, noise) = ([candidate(0.9, 200.0)], [candidate(0.2, 333.0)]);
        assert!(tracker.step(&voice).is_some());
        tracker.step(&noise);
        assert_eq!(tracker.step(&noise), None);
        tracker.step(&voice);
        assert_eq!(tracker.step(&voice), Some(voice[0]));
        assert_eq!(tracker.step(&[]), None);
    }
}
