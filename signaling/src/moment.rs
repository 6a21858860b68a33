//! The time, as the cores are told it.

use std::time::{Duration, Instant};

/// One point in time on both clocks: the steady one for intervals, the calendar for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Never goes backwards.
    pub instant: Instant,
    /// Seconds since 1970; follows the system's clock.
    pub unix: u64,
}

impl Moment {
    /// Reads both clocks. Only shells call this.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // the one place of this crate that reads the clocks for the cores
    pub fn now() -> Self {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { instant: Instant::now(), unix: since_1970.as_secs() }
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    #[must_use]
    pub fn since(&self, earlier: Instant) -> Duration {
        self.instant.saturating_duration_since(earlier)
    }
}

/// Later on both clocks.
impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self { instant: self.instant + duration, unix: self.unix + duration.as_secs() }
    }
}
