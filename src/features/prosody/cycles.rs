//! The cycles of a voice one by one: how much their length and height vary. Cycles are found as
//! Praat finds them (Boersma and Weenink, "To PointProcess (cc)"): the next is where the waveform
//! resembles the last one most, about a period on. No allocation after construction.

/// Samples kept: three of the longest periods and a hop.
const KEPT: usize = 1200;

/// The next cycle lies within so many periods.
const NEAREST: f32 = 0.8;
const FARTHEST: f32 = 1.25;

/// Cycles that differ by more are no neighbours (Praat's "maximum period factor" and "maximum
/// amplitude factor").
const LENGTH_FACTOR: f32 = 1.3;
const HEIGHT_FACTOR: f32 = 1.6;

/// Below this likeness of neighbours a cycle is none.
const LIKENESS_MIN: f32 = 0.3;

/// What two neighbouring cycles differ by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Of their lengths, as a share of the length.
    pub length: f32,
    /// Of their heights, in dB.
    pub height_db: f32,
}

#[derive(Clone, Copy, Debug)]
struct Cycle {
    /// Between samples.
    length: f32,
    height: f32,
}

/// The last samples of one channel, and where its cycles are.
#[derive(Clone, Debug)]
pub struct Cycles {
    /// Oldest first.
    samples: Vec<f32>,
    /// Place of the last mark, counted back from the end.
    mark_ago: Option<f32>,
    last: Option<Cycle>,
}

impl Default for Cycles {
    fn default() -> Self {
        Self { samples: vec![0.0; KEPT], mark_ago: None, last: None }
    }
}

impl Cycles {
    /// Takes new samples, which need no voice.
    pub fn listen(&mut self, hop: &[f32]) {
        self.samples.copy_within(hop.len().., 0);
        let keep = self.samples.len() - hop.len();
        self.samples[keep..].copy_from_slice(hop);
        self.mark_ago = self.mark_ago.map(|ago| ago + hop.len() as f32);
    }

    /// What was heard last is unvoiced: the next cycle has no neighbour.
    pub fn stop(&mut self) {
        (self.mark_ago, self.last) = (None, None);
    }

    /// What was heard last has this period in samples: `tell` hears how each cycle that is whole by
    /// now differs from the one before.
    pub fn follow(&mut self, period: f32, tell: &mut dyn FnMut(Difference)) {
        let end = self.samples.len() as f32;
        let half = 0.5 * period;
        let first = end - half - FARTHEST * period - 2.0;
        let too_old = |ago: &f32| end - ago - half < 1.0;
        let mark = self.mark_ago.filter(|ago| !too_old(ago)).map(|ago| end - ago);
        let Some(mut mark) = mark.or_else(|| self.summit(first - period, first)) else { return };
        while mark <= first {
            let Some((next, likeness)) = self.next(mark, period) else { break };
            if likeness < LIKENESS_MIN {
                self.last = None;
                mark += period;
                continue;
            }
            let cycle =
                Cycle { length: next - mark, height: self.height(next - half, next + half) };
            if let Some(difference) = self.last.and_then(|last| difference(last, cycle)) {
                tell(difference);
            }
            self.last = Some(cycle);
            mark = next;
        }
        self.mark_ago = Some(end - mark);
    }

    /// The place of the largest sample between these.
    fn summit(&self, from: f32, to: f32) -> Option<f32> {
        let (from, to) = (place(from)?, place(to)?.min(self.samples.len()));
        let largest =
            (from..to).max_by(|&a, &b| self.samples[a].abs().total_cmp(&self.samples[b].abs()))?;
        Some(largest as f32)
    }

    /// The place about a period behind the mark around which a period of sound is most like that
    /// around the mark, between samples, and how like: the normalised correlation.
    fn next(&self, mark: f32, period: f32) -> Option<(f32, f32)> {
        let length = place(period)?;
        let start = place(mark - 0.5 * period)?;
        let here = self.samples.get(start..start + length)?;
        let [nearest, farthest] = [NEAREST * period, FARTHEST * period].map(place);
        let (nearest, farthest) = (nearest?.max(1), farthest?);
        let likeness = |lag: usize| -> Option<f32> {
            let there = self.samples.get(start + lag..start + lag + length)?;
            let sums = here
                .iter()
                .zip(there)
                .fold([0.0_f32; 3], |[xy, xx, yy], (x, y)| [xy + x * y, xx + x * x, yy + y * y]);
            Some(sums[0] / (sums[1] * sums[2]).sqrt().max(1e-12))
        };
        let mut best = (nearest, likeness(nearest)?);
        for lag in nearest + 1..=farthest {
            let like = likeness(lag)?;
            if best.1 < like {
                best = (lag, like);
            }
        }
        let [before, after] = [best.0 - 1, best.0 + 1].map(likeness);
        let (before, after) = (before?, after?);
        let bend = before - 2.0 * best.1 + after;
        let offset =
            if bend < -1e-9 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        Some((mark + best.0 as f32 + offset, best.1))
    }

    /// Between the lowest and the highest sample of a cycle.
    fn height(&self, from: f32, to: f32) -> f32 {
        let range = place(from).zip(place(to)).and_then(|(from, to)| self.samples.get(from..to));
        let samples = range.unwrap_or_default().iter();
        let [low, high] =
            samples.fold([f32::MAX, f32::MIN], |[low, high], x| [low.min(*x), high.max(*x)]);
        (high - low).max(0.0)
    }
}

fn place(value: f32) -> Option<usize> {
    (0.0 <= value).then(|| crate::units::to_count(f64::from(value)))
}

fn difference(a: Cycle, b: Cycle) -> Option<Difference> {
    let are_near = |a: f32, b: f32, factor: f32| a < factor * b && b < factor * a;
    let is_pair =
        are_near(a.length, b.length, LENGTH_FACTOR) && are_near(a.height, b.height, HEIGHT_FACTOR);
    is_pair.then(|| Difference {
        length: 2.0 * (a.length - b.length).abs() / (a.length + b.length),
        height_db: 20.0 * (a.height / b.height).log10().abs(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP: usize = 160;

    /// Mean differences of a train of decaying pulses; each cycle has the next length and height
    /// of the two that alternate.
    fn mean(lengths: [f32; 2], heights: [f32; 2]) -> Difference {
        let mut sound = vec![0.0_f32; 16_000];
        let (mut at, mut cycle) = (50.0, 0);
        while at + 200.0 < 16_000.0 {
            let first = place(at).unwrap();
            for (index, sample) in sound.iter_mut().enumerate().skip(first).take(150) {
                let age = index as f32 - at;
                if 0.0 <= age {
                    *sample += heights[cycle % 2] * (-age / 25.0).exp() * (age * 0.4).sin();
                }
            }
            at += lengths[cycle % 2];
            cycle += 1;
        }
        let (mut cycles, mut all) = (Cycles::default(), Vec::new());
        for hop in sound.chunks_exact(HOP).take(95) {
            cycles.listen(hop);
            cycles.follow(f32::midpoint(lengths[0], lengths[1]), &mut |one| all.push(one));
        }
        assert!(100 < all.len(), "{}", all.len());
        let count = all.len() as f32;
        Difference {
            length: all.iter().map(|one| one.length).sum::<f32>() / count,
            height_db: all.iter().map(|one| one.height_db).sum::<f32>() / count,
        }
    }

    #[test]
    fn even_cycles_differ_in_nothing() {
        let even = mean([133.3, 133.3], [0.5, 0.5]);
        assert!(even.length < 0.003 && even.height_db < 0.15, "{even:?}");
    }

    #[test]
    fn cycles_of_two_lengths_and_heights_show_both() {
        let uneven = mean([132.0, 136.0], [0.5, 0.5]); // 4 of 134 samples: 3.0 %
        assert!((uneven.length - 0.0299).abs() < 0.004, "{uneven:?}");
        let uneven = mean([134.0, 134.0], [0.5, 0.45]); // 0.92 dB
        assert!((uneven.height_db - 0.915).abs() < 0.15, "{uneven:?}");
    }

    #[test]
    fn silence_has_no_cycles_that_differ() {
        let mut cycles = Cycles::default();
        for _ in 0..20 {
            cycles.listen(&[0.0; HOP]);
            cycles.follow(100.0, &mut |difference| panic!("{difference:?}"));
        }
        cycles.stop();
    }
}
