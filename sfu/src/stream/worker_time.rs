//! Time on the packet path: a number, because subtracting instants is not free and every packet asks.

use std::time::{Duration, Instant};

/// Microseconds since a worker's core began. What is dated with it is compared on that worker only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkerTime(u64);

impl WorkerTime {
    /// Microseconds from the beginning.
    #[inline]
    #[must_use]
    pub fn micros(self) -> u64 {
        self.0
    }

    /// Microseconds from `earlier` to here; 0 if it is later.
    #[inline]
    #[must_use]
    pub fn micros_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for WorkerTime {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + duration.as_micros() as u64)
    }
}

/// Turns instants into times of the worker. Packets of one batch share one instant: asked again about the instant of last
/// time, the answer is there already.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    began: Instant,
    latest: Instant,
    latest_time: WorkerTime,
}

impl Stopwatch {
    /// Begins at `began`.
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Self { began, latest: began, latest_time: WorkerTime::default() }
    }

    /// The time of `at`; the first one for what was before the beginning.
    #[inline]
    pub fn time(&mut self, at: Instant) -> WorkerTime {
        if at != self.latest {
            self.latest_time = WorkerTime(at.saturating_duration_since(self.began).as_micros() as u64);
            self.latest = at;
        }
        self.latest_time
    }
}
