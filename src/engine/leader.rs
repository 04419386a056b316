//! The names that a voice goes by: the likeliest label and the quadrant of arousal and valence.
//! Both are told with hysteresis, so that two that are nearly equal do not alternate. No
//! allocation.

use crate::messages::{ClassScores, Dimensions, Quadrant};

/// Half a width of the band around 0.5 in which an axis keeps its side.
const BAND: f32 = 0.03;

/// Distance from the centre that leaves neutral, and the one that comes back to it: further apart
/// than a dither of both axes within the band can go.
const OUT: f32 = 0.1;
const BACK: f32 = 0.06;

/// Of one channel.
#[derive(Clone, Debug)]
pub struct Leader {
    /// How far another label must be ahead.
    lead: f32,
    top: Option<usize>,
    is_neutral: bool,
    /// Sides of arousal and valence; none before the first hop.
    sides: Option<[bool; 2]>,
}

impl Leader {
    pub fn new(lead: f32) -> Self {
        Self { lead, top: None, is_neutral: true, sides: None }
    }

    pub fn set_lead(&mut self, lead: f32) {
        self.lead = lead;
    }

    /// Index of the label that leads after this hop.
    pub fn top(&mut self, classes: &ClassScores) -> usize {
        let (best, value) = classes.top();
        let held = self.top.and_then(|top| classes.as_slice().get(top).map(|held| (top, *held)));
        let top = match held {
            Some((top, held)) if value < held + self.lead || value == held => top,
            _ => best,
        };
        self.top = Some(top);
        top
    }

    pub fn quadrant(&mut self, dimensions: Dimensions) -> Quadrant {
        let from_centre = [dimensions.arousal - 0.5, dimensions.valence - 0.5];
        let before = self.sides.unwrap_or(from_centre.map(|value| 0.0 < value));
        let side = |axis: usize| {
            let value = from_centre[axis];
            if value.abs() < BAND { before[axis] } else { 0.0 < value }
        };
        let [is_excited, is_pleasant] = [0, 1].map(side);
        self.sides = Some([is_excited, is_pleasant]);
        let distance = from_centre[0].hypot(from_centre[1]);
        self.is_neutral = distance < if self.is_neutral { OUT } else { BACK };
        match (self.is_neutral, is_excited, is_pleasant) {
            (true, _, _) => Quadrant::Neutral,
            (_, true, true) => Quadrant::Excited,
            (_, true, false) => Quadrant::Tense,
            (_, false, false) => Quadrant::Gloomy,
            (_, false, true) => Quadrant::Calm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(arousal: f32, valence: f32) -> Dimensions {
        Dimensions { arousal, valence, dominance: 0.5 }
    }

    fn top(leader: &mut Leader, values: [f32; 3]) -> usize {
        let mut scores = ClassScores::unknown(2);
        scores.as_mut_slice().copy_from_slice(&values);
        leader.top(&scores)
    }

    #[test]
    fn a_label_leads_until_another_is_well_ahead() {
        let mut leader = Leader::new(0.1);
        assert_eq!(top(&mut leader, [0.4, 0.35, 0.25]), 0);
        assert_eq!(top(&mut leader, [0.35, 0.44, 0.21]), 0);
        assert_eq!(top(&mut leader, [0.3, 0.41, 0.29]), 1);
        leader.set_lead(0.0);
        assert_eq!(top(&mut leader, [0.4, 0.4, 0.2]), 1, "equals change nothing");
        assert_eq!(top(&mut leader, [0.41, 0.4, 0.19]), 0);
    }

    #[test]
    fn quadrants_have_their_names() {
        for (arousal, valence, expected) in [
            (0.9, 0.8, Quadrant::Excited),
            (0.9, 0.1, Quadrant::Tense),
            (0.2, 0.1, Quadrant::Gloomy),
            (0.2, 0.9, Quadrant::Calm),
            (0.52, 0.48, Quadrant::Neutral),
        ] {
            assert_eq!(Leader::new(0.0).quadrant(at(arousal, valence)), expected);
        }
    }

    proptest! {
        #[test]
        fn a_dithered_input_never_chatters(
            noise in prop::collection::vec(-0.025_f32..0.025, 50),
            arousal in 0.0_f32..1.0,
            valence in 0.0_f32..1.0,
        ) {
            let mut leader = Leader::new(0.06);
            leader.quadrant(at(arousal, valence));
            let mut told = Vec::new();
            for noise in noise {
                let quadrant = leader.quadrant(at(arousal + noise / 2.0, valence - noise / 2.0));
                told.push((quadrant, top(&mut leader, [0.4 + noise, 0.4 - noise, 0.2])));
            }
            let changes = told.windows(2).filter(|pair| pair[0] != pair[1]).count();
            // From where it began to where it stays.
            prop_assert!(changes <= 1, "{:?}", told);
        }
    }
}
