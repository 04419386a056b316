//! Percentiles over the last results. Takes durations; reads no clock.

/// Results that the percentiles look back on: 30 s of one channel at 10 Hz.
const RESULTS: usize = 300;

/// The last durations, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    last: Vec<f32>,
    next: usize,
    sorted: Vec<f32>,
}

impl Latencies {
    pub fn push(&mut self, ms: f32) {
        if self.last.len() < RESULTS {
            self.last.push(ms);
        } else {
            self.last[self.next] = ms;
        }
        self.next = (self.next + 1) % RESULTS;
    }

    /// Nearest-rank percentiles, 0..1; 0 before the first result.
    pub fn percentiles<const N: usize>(&mut self, shares: [f32; N]) -> [f32; N] {
        self.sorted.clone_from(&self.last);
        self.sorted.sort_unstable_by(f32::total_cmp);
        shares.map(|share| {
            let Some(last) = self.sorted.len().checked_sub(1) else { return 0.0 };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of an index below 300"
            )]
            let rank = (share * last as f32).round() as usize;
            self.sorted[rank.min(last)]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_last_results_only() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentiles([0.5]), [0.0]);
        (0..RESULTS).for_each(|_| latencies.push(1000.0));
        (0..RESULTS).for_each(|index| latencies.push(index as f32));
        assert_eq!(latencies.percentiles([0.0, 0.5, 1.0]), [0.0, 150.0, 299.0]);
    }
}
