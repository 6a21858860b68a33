//! Time since a beginning, as a number.
//!
//! Packets of one batch share one instant, and subtracting instants is not free: asked again about the instant of last
//! time, the answer is there already.

use std::time::{Duration, Instant};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    latest: Instant,
    latest_micros: u64,
}

impl Stopwatch {
    /// Begins at `began`.
    pub(crate) fn new(began: Instant) -> Self {
        Self { began, latest: began, latest_micros: 0 }
    }

    /// Microseconds from the beginning to `at`; 0 before it.
    #[inline]
    pub(crate) fn micros(&mut self, at: Instant) -> u64 {
        if at != self.latest {
            self.latest_micros = at.saturating_duration_since(self.began).as_micros() as u64;
            self.latest = at;
        }
        self.latest_micros
    }

    /// The instant at `micros`.
    pub(crate) fn at(&self, micros: u64) -> Instant {
        self.began + Duration::from_micros(micros)
    }
}
