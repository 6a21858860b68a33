//! A token bucket, for inputs that are allowed some times per second.

use std::time::{Duration, Instant};

/// Allows `per_second` on average and `burst` at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// The earliest time at which the bucket is full again; each token taken pushes it on by one interval.
    full_at: Instant,
    interval: Duration,
    burst: u32,
}

impl Rate {
    /// A full bucket.
    pub(crate) fn full(now: Instant, per_second: u32, burst: u32) -> Self {
        assert!(per_second > 0 && burst > 0);
        Self { full_at: now, interval: Duration::from_secs(1) / per_second, burst }
    }

    /// Takes one token, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.take_many(now, 1)
    }

    /// Takes `count` tokens, or none if there are fewer.
    pub(crate) fn take_many(&mut self, now: Instant, count: u32) -> bool {
        let full_at = self.full_after(now, count);
        let allowed = full_at <= now + self.interval * self.burst;
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }

    /// Whether there is a token, without taking it.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        self.full_after(now, 1) <= now + self.interval * self.burst
    }

    fn full_after(&self, now: Instant, count: u32) -> Instant {
        self.full_at.max(now) + self.interval.saturating_mul(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary start of simulated time")]
    fn allows_the_burst_then_the_rate() {
        let start = Instant::now();
        let mut rate = Rate::full(start, 10, 5);
        assert_eq!((0..100).filter(|_| rate.take(start)).count(), 5);
        let later = start + Duration::from_millis(250);
        assert_eq!((0..100).filter(|_| rate.take(later)).count(), 2);
        let idle = start + Duration::from_secs(60);
        assert!(!rate.take_many(idle, 6) && rate.take_many(idle, 5) && !rate.take(idle));
    }
}
