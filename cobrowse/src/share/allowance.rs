//! How fast a sharer may send.

use crate::desync::Desync;
use crate::limits::{RECORDS_BURST, RECORDS_PER_SECOND};
use std::time::Instant;

/// How many events the sharer may still send: a token bucket.
pub(super) struct Allowance {
    tokens: f64,
    at: Instant,
}

impl Allowance {
    /// Full at the start.
    pub(super) fn new(now: Instant) -> Self {
        Self { tokens: f64::from(RECORDS_BURST), at: now }
    }

    /// Takes one event from it.
    ///
    /// # Errors
    /// [`Desync::TooFast`] if nothing is left.
    pub(super) fn spend(&mut self, now: Instant) -> Result<(), Desync> {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(RECORDS_PER_SECOND);
        self.tokens = (self.tokens + earned).min(f64::from(RECORDS_BURST));
        self.at = now;
        if self.tokens < 1.0 {
            return Err(Desync::TooFast);
        }
        self.tokens -= 1.0;
        Ok(())
    }
}
