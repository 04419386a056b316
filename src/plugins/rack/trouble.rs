//! When to build again what failed: soon at first, then ever later. On the plug-in thread.

use std::time::{Duration, Instant};

/// The first wait before what failed is built again; doubled each time up to the second.
const RETRY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(60)];

/// What has run for so long counts as well again.
const WELL: Duration = Duration::from_secs(60);

/// What is known of the failures of one element.
#[derive(Default)]
pub struct Trouble {
    wait: Option<Duration>,
    pub retry_at: Option<Instant>,
    built_at: Option<Instant>,
}

impl Trouble {
    pub fn built(&mut self, now: Instant) {
        self.built_at = Some(now);
        self.retry_at = None;
    }

    /// Gives how long to wait.
    pub fn failed(&mut self, now: Instant) -> Duration {
        // What cannot be built has not run since.
        let built_at = self.built_at.take();
        let ran = built_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let wait = match self.wait {
            Some(wait) if ran < WELL => (2 * wait).min(RETRY[1]),
            _ => RETRY[0],
        };
        self.wait = Some(wait);
        self.retry_at = Some(now + wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits of so many failures, each this long after the element was built.
    fn waits(failures: usize, ran: Duration) -> Vec<f32> {
        let (mut trouble, mut now) = (Trouble::default(), Instant::now());
        let mut wait = || {
            trouble.built(now);
            now += ran;
            trouble.failed(now).as_secs_f32()
        };
        (0..failures).map(|_| wait()).collect()
    }

    #[test]
    fn each_wait_is_twice_the_last_up_to_a_minute() {
        assert_eq!(waits(9, Duration::ZERO), [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
    }

    #[test]
    fn what_ran_for_a_minute_counts_as_well() {
        assert_eq!(waits(3, WELL), [0.5; 3]);
    }

    #[test]
    fn what_ran_well_and_then_cannot_be_built_waits_ever_longer() {
        let (mut trouble, begun) = (Trouble::default(), Instant::now());
        trouble.built(begun);
        let waits = [0, 1, 2].map(|_| trouble.failed(begun + 2 * WELL).as_secs_f32());
        assert_eq!(waits, [0.5, 1.0, 2.0]);
    }
}
