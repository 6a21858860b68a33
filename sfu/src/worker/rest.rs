//! When a worker rests before it looks again: while packets come faster than it pays to wake for each.
//!
//! Waking costs more than forwarding, and packets that are handled together share a system call and warm caches. So turns
//! that follow each other closely begin at least [`TURN_MIN`] apart. A packet after a pause is never kept waiting, and
//! neither is one under load, where a turn takes longer than that. What is due meanwhile is done after the rest: reports
//! and feedback, of which small rooms have so many that waking for each would leave no rest. Pure: the time is an
//! argument.

use std::time::{Duration, Instant};

/// Least time between the beginnings of two turns while packets come closely: the most that resting adds to the delay of
/// a packet or a timer, and less than the millisecond that may be added at half of capacity.
const TURN_MIN: Duration = Duration::from_micros(700);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    woke: Instant,
    /// The turn in hand began soon after the one before it had ended.
    is_dense: bool,
}

impl Rest {
    /// Nothing has come yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { woke: now, is_dense: false }
    }

    /// How long to rest before waiting, at `now`, when the turn in hand is done.
    pub(super) fn due(&self, now: Instant) -> Duration {
        if self.is_dense { (self.woke + TURN_MIN).saturating_duration_since(now) } else { Duration::ZERO }
    }

    /// The worker waited from `began`, after its rest if there was one, and woke at `now`.
    pub(super) fn note_wake(&mut self, began: Instant, now: Instant) {
        self.is_dense = now.saturating_duration_since(began) < TURN_MIN;
        self.woke = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_turns_that_follow_closely_are_kept_apart() {
        let start = Instant::now();
        let at = |micros| start + Duration::from_micros(micros);
        let mut rest = Rest::new(start);
        rest.note_wake(at(0), at(5_000));
        assert_eq!(rest.due(at(5_020)), Duration::ZERO, "after a pause");
        rest.note_wake(at(5_020), at(5_100));
        assert_eq!(rest.due(at(5_150)), TURN_MIN - Duration::from_micros(50), "the next one came soon");
        rest.note_wake(at(5_500), at(5_500));
        assert_eq!(rest.due(at(6_500)), Duration::ZERO, "the turn took longer than that");
        rest.note_wake(at(6_500), at(9_000));
        assert_eq!(rest.due(at(9_010)), Duration::ZERO, "a pause again");
    }
}
