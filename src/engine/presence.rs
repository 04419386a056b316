//! Whether it is a voice, over time. One window that passes for a voice in the middle of a song is
//! none, and one that does not in the middle of a sentence takes nothing away: the forward filter
//! of a hidden Markov model with two states, a voice and no voice, that last (EXPERIMENTS.md, Q13).
//! No allocation.

use crate::engine::smoothing::forward_step;
use crate::units::one_pole_step;

/// What was heard is forgotten with this time constant, in silence too.
const MEMORY_S: f32 = 5.0;

/// So many seconds of windows, which overlap, count as one observation.
const OBSERVATION_S: f32 = 0.1;

/// Before anything was heard either is as likely.
const NOBODY_KNOWS: f32 = 0.5;

/// No window is surer than this of either.
const SURE: std::ops::RangeInclusive<f32> = 0.02..=0.98;

/// Of one channel.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Probability that it is no voice.
    doubt: f32,
    /// Probability that neither state gives way to the other in one hop.
    stays: f32,
    /// Observations in one hop.
    weight: f32,
}

impl Presence {
    pub fn new(hop_s: f32) -> Self {
        let stays = 1.0 - one_pole_step(hop_s, MEMORY_S) / 2.0;
        Self { doubt: NOBODY_KNOWS, stays, weight: hop_s / OBSERVATION_S }
    }

    /// Another hop from now on.
    pub fn configure(&mut self, hop_s: f32) {
        *self = Self { doubt: self.doubt, ..Self::new(hop_s) };
    }

    /// A hop in which nothing was asked.
    pub fn pass(&mut self) {
        self.step([1.0, 1.0]);
    }

    /// A hop whose window was with this probability no voice. 0 says that nothing looked, and then
    /// nothing is doubted.
    pub fn hear(&mut self, outlier: f32) {
        if outlier <= 0.0 {
            self.doubt = 0.0;
            return;
        }
        let said = outlier.clamp(*SURE.start(), *SURE.end());
        self.step([said, 1.0 - said].map(|said| said.powf(self.weight)));
    }

    fn step(&mut self, said: [f32; 2]) {
        let mut belief = [self.doubt, 1.0 - self.doubt];
        forward_step(&mut belief, self.stays, said.into_iter());
        [self.doubt, _] = belief;
    }

    /// Probability that what is heard now is no voice.
    pub fn doubt(&self) -> f32 {
        self.doubt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOP_S: f32 = 0.1;

    fn after(said: &[f32]) -> f32 {
        let mut presence = Presence::new(HOP_S);
        said.iter().for_each(|outlier| presence.hear(*outlier));
        presence.doubt()
    }

    #[test]
    fn the_first_window_is_believed_and_an_odd_one_among_others_is_not() {
        assert!(after(&[0.4]) < 0.5);
        assert!(0.5 < after(&[0.6]));
        let mut song = [0.9; 20];
        song[12] = 0.02;
        assert!(0.5 < after(&song[..13]), "{}", after(&song[..13]));
        let mut sentence = [0.1; 20];
        sentence[12] = 0.98;
        assert!(after(&sentence[..13]) < 0.5);
    }

    #[test]
    fn a_voice_after_a_song_is_known_within_half_a_second() {
        let mut said = vec![0.98; 600];
        said.extend([0.1; 5]);
        assert!(after(&said) < 0.5, "{}", after(&said));
    }

    #[test]
    fn silence_forgets_and_where_nothing_looks_nothing_is_doubted() {
        let mut presence = Presence::new(HOP_S);
        presence.hear(0.98);
        assert!(0.9 < presence.doubt());
        (0..300).for_each(|_| presence.pass());
        assert!((presence.doubt() - 0.5).abs() < 0.01);
        presence.hear(0.0);
        assert_eq!(presence.doubt(), 0.0);
    }

    proptest! {
        /// Twice as many hops of half the length say the same.
        #[test]
        fn the_hop_does_not_matter(outlier in 0.0_f32..=1.0, hops in 1_usize..40) {
            let mut fine = Presence::new(HOP_S / 2.0);
            (0..2 * hops).for_each(|_| fine.hear(outlier));
            let coarse = after(&vec![outlier; hops]);
            prop_assert!((fine.doubt() - coarse).abs() < 0.05, "{} {coarse}", fine.doubt());
            prop_assert!((0.0..=1.0).contains(&coarse));
        }
    }
}
