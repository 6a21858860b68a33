//! A token bucket: so many per second on average, so many at once.

use std::time::Instant;

/// Counts down with use and fills with time.
#[derive(Clone, Debug)]
pub struct Bucket {
    per_second: f64,
    burst: f64,
    level: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(now: Instant, per_second: u32, burst: u32) -> Self {
        let burst = f64::from(burst);
        Self { per_second: f64::from(per_second), burst, level: burst, filled: now }
    }

    /// Takes one, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        self.fill(now);
        let granted = self.level >= 1.0;
        if granted {
            self.level -= 1.0;
        }
        granted
    }

    /// Whether it is full again, so that it may be forgotten.
    pub fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.level >= self.burst
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.level = (self.level + elapsed * self.per_second).min(self.burst);
        self.filled = self.filled.max(now);
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test needs some first instant
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn gives_the_burst_then_the_average() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, 50, 100);
        assert_eq!((0..200).filter(|_| bucket.take(start)).count(), 100);
        assert_eq!((0..200).filter(|_| bucket.take(start + Duration::from_secs(1))).count(), 50);
        assert!(!bucket.is_full(start + Duration::from_secs(2)));
        assert!(bucket.is_full(start + Duration::from_secs(4)));
    }

    proptest! {
        #[test]
        fn never_gives_more_than_burst_plus_average(gaps_ms in prop::collection::vec(0u64..100, 1..500)) {
            let start = Instant::now();
            let mut bucket = Bucket::new(start, 50, 100);
            let mut at = Duration::ZERO;
            let mut given = 0.0;
            for gap in gaps_ms {
                at += Duration::from_millis(gap);
                given += f64::from(u8::from(bucket.take(start + at)));
                prop_assert!(given <= 100.0 + 50.0 * at.as_secs_f64() + 1e-6);
            }
        }
    }
}
