//! Which frames of a channel the model is asked about: one rule for every backend and for the
//! evaluation. Pure arithmetic on the numbers of rows.

use std::ops::Range;

/// Lengths in feature frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowRule {
    pub shortest: usize,
    pub longest: usize,
    /// Frames in one step of the network after its pooling. Windows of one stretch of speech start
    /// whole steps apart, so that what the network made of a frame in one window holds in the next.
    pub step: usize,
}

impl WindowRule {
    /// All frames of `speech`, numbered, or the last of them that fit the longest window. Speech
    /// shorter than the shortest window is filled up with what came before, none if there is
    /// nothing that could have come before.
    ///
    /// A window starts whole steps after or before the speech does, so the longest may be up to a
    /// step short and the shortest up to a step long. Where windows end whole hops after the start
    /// of the speech, as the engine puts it, their lengths are whole hops and, beside the longest
    /// and the shortest, few that differ from these by less than a step: 26 + 2 with hops of 10
    /// frames, windows of 50 to 300 and steps of 4. Hops of 20 ms lead to five times as many.
    pub fn window(&self, speech: Range<u64>) -> Option<Range<u64>> {
        let (shortest, longest, step) =
            (self.shortest as u64, self.longest as u64, self.step as u64);
        let frames = speech.end.saturating_sub(speech.start);
        let left_out = frames.saturating_sub(longest).next_multiple_of(step);
        let added = shortest.saturating_sub(frames).next_multiple_of(step);
        let start = (speech.start + left_out).checked_sub(added)?;
        Some(start..speech.end)
    }

    /// All lengths that speech of whole hops leads to, each once, the shortest first.
    pub fn lengths(&self, hop_frames: usize) -> Vec<usize> {
        // Far enough in that all could come before, and long enough that sliding repeats itself.
        let start = self.rows_max();
        let hops = self.longest.div_ceil(hop_frames) + self.step;
        let window = |hops: usize| self.window(start as u64..(start + hops * hop_frames) as u64);
        let frames = |window: Range<u64>| usize::try_from(window.end - window.start).ok();
        let mut lengths: Vec<usize> = (1..=hops).filter_map(|n| frames(window(n)?)).collect();
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    }

    /// Longest window that [`Self::window`] gives.
    pub fn rows_max(&self) -> usize {
        self.longest.max(self.shortest + self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const RULE: WindowRule = WindowRule { shortest: 50, longest: 300, step: 4 };

    fn check(speech: Range<u64>, expected: Option<Range<u64>>) {
        assert_eq!(RULE.window(speech.clone()), expected, "{speech:?}");
    }

    #[test]
    fn a_window_is_all_of_the_speech_up_to_the_longest() {
        check(7..57, Some(7..57));
        check(7..306, Some(7..306));
        check(7..307, Some(7..307));
    }

    #[test]
    fn a_longer_one_slides_in_whole_steps() {
        check(7..308, Some(11..308)); // 301 frames: one too many, so a step of 4 is left out
        check(7..317, Some(19..317)); // 310: 10 too many, 3 steps
        check(7..327, Some(27..327)); // 320: 20 too many, 5 steps
    }

    #[test]
    fn a_shorter_one_is_filled_up_with_whole_steps_of_what_came_before() {
        check(100..140, Some(88..140)); // 10 are missing, 3 steps
        check(100..149, Some(96..149));
        check(8..38, None); // 20 are missing, 8 could be there
        check(20..50, Some(0..50));
    }

    #[test]
    fn hops_of_a_tenth_of_a_second_meet_few_lengths() {
        let lengths = RULE.lengths(10);
        // 50, 60 … 300; 52 where 10 or 30 were missing; 298 where 10 were too many.
        let expected = (50..=300).step_by(10).chain([52, 298]).collect::<BTreeSet<_>>();
        assert_eq!(lengths, expected.into_iter().collect::<Vec<_>>());
    }
}
