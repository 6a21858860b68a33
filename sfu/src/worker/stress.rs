//! How busy a worker is: the part of its time that it does not spend waiting.
//!
//! Pure: the time is an argument. By the clock, not by CPU time, so that a worker that others keep from its core counts
//! as busy, too: newcomers would harm its rooms just the same.

use std::time::{Duration, Instant};

/// A worker this busy takes nobody new, in permille. Beyond it queues grow with every further packet; the rest is for
/// the keyframes and retransmissions of those who are here.
pub(super) const BUSY_PERMILLE_MAX: u32 = 900;
/// Over which time it is measured: long enough that a burst of joins or a keyframe to everybody does not count as
/// stress, short enough to act before buffers are full.
const WINDOW: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Stress {
    since: Instant,
    waited: Duration,
}

impl Stress {
    /// Begins to measure.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, waited: Duration::ZERO }
    }

    /// The worker waited from `began` to `now`. Gives the share of the window that it was busy, in permille, once the
    /// window is over.
    pub(super) fn note_wait(&mut self, began: Instant, now: Instant) -> Option<u32> {
        self.waited += now.saturating_duration_since(began);
        let window = now.saturating_duration_since(self.since);
        if window < WINDOW {
            return None;
        }
        let waited = self.waited.min(window).as_micros() * 1_000 / window.as_micros();
        *self = Self::new(now);
        Some(1_000 - u32::try_from(waited).expect("at most 1,000"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_what_is_not_spent_waiting() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut stress = Stress::new(start);
        assert_eq!(stress.note_wait(ms(0), ms(100)), None);
        assert_eq!(stress.note_wait(ms(900), ms(1_000)), Some(800));
        assert_eq!(stress.note_wait(ms(1_000), ms(2_000)), Some(0), "each window begins anew");
        assert_eq!(stress.note_wait(ms(4_000), ms(4_000)), Some(1_000));
    }
}
