//! Which numbers a subscription has sent, and how often again.
//!
//! A NACK names our number; which packet that was, and with what header it left, follows from the maps of
//! [`super::rewrite`]. What does not follow is remembered here: whether a number was sent at all, which must not happen
//! twice as a first copy (media trap F2), and when it was sent again. A bit for each packet, because every packet writes
//! one for every subscriber, and what lies in no cache takes longer to write than to seal.

use std::time::Duration;

use crate::stream::worker_time::WorkerTime;

/// Copies of one packet that are sent on request, apart from the first. More do not help: the receiver's jitter
/// buffer has given up by then.
pub const RESENDS_MAX: u8 = 3;
/// Least time between two copies, when the round-trip time is shorter or not known.
pub const RESEND_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Why a NACK is not answered. Each is a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// We never sent this number, or no longer know.
    Unknown,
    /// Older than the newest keyframe, or than the publication that the slot shows (media trap D2).
    Outdated,
    /// The last copy may still be on its way.
    TooSoon,
    /// [`RESENDS_MAX`] copies were sent.
    TooOften,
}

/// The newest numbers of one output stream.
#[derive(Clone, Debug)]
pub struct History {
    size: u64,
    /// One more than the highest number that was sent.
    end: u64,
    /// A bit for each of the last `size` numbers, at its low bits: whether it was sent. Taken with the first.
    sent: Box<[u64]>,
    /// By low bits of their number, for whom something was lost. Taken with the first request.
    copies: Box<[Copies]>,
}

/// Copies of one packet that were sent on request.
#[derive(Clone, Copy, Debug, Default)]
struct Copies {
    /// Low bits of its number. Numbers that share a place and these bits lie 2³² apart.
    out: u32,
    /// Low bits of the microseconds at which the latest copy was sent: an hour is longer than anybody asks back.
    latest: u32,
    count: u8,
}

impl History {
    /// A history of `size` packets, a power of two and at least 64. Memory is taken when the first packet is noted.
    #[must_use]
    pub fn new(size: usize) -> Self {
        assert!(size.is_power_of_two() && size >= u64::BITS as usize);
        Self { size: size as u64, end: 0, sent: Box::default(), copies: Box::default() }
    }

    /// Whether `out` was sent before, or is too old to tell: then it must not be sent as new.
    #[inline(always)]
    #[must_use]
    pub fn was_sent(&self, out: u64) -> bool {
        out < self.end && !self.is_open(out)
    }

    /// Notes that `out` is sent for the first time.
    #[inline(always)]
    pub fn note(&mut self, out: u64) {
        if out != self.end || self.sent.is_empty() {
            self.leave_gap(out);
        }
        self.end = self.end.max(out + 1);
        let (word, bit) = self.place(out);
        self.sent[word] |= bit;
    }

    /// Whether a receiver may be asking for `out`: it was sent, and not too long ago.
    #[must_use]
    pub fn holds(&self, out: u64) -> bool {
        let (word, bit) = self.place(out);
        self.reaches(out) && self.sent[word] & bit != 0
    }

    /// A receiver asks for `out` again, which was sent first at `sent_at`. Counts the copy when it is granted.
    pub fn resend(&mut self, now: WorkerTime, out: u64, sent_at: WorkerTime, rtt: Duration) -> Result<(), Refusal> {
        if !self.holds(out) {
            return Err(Refusal::Unknown);
        }
        if self.copies.is_empty() {
            self.copies = vec![Copies::default(); self.size as usize].into_boxed_slice();
        }
        let copies = &mut self.copies[(out % self.size) as usize];
        if copies.count == 0 || copies.out != out as u32 {
            *copies = Copies { out: out as u32, latest: sent_at.micros() as u32, count: 0 };
        }
        if copies.count >= RESENDS_MAX {
            return Err(Refusal::TooOften);
        }
        let now = now.micros() as u32;
        if u128::from(now.wrapping_sub(copies.latest)) < rtt.max(RESEND_INTERVAL_MIN).as_micros() {
            return Err(Refusal::TooSoon);
        }
        copies.count += 1;
        copies.latest = now;
        Ok(())
    }

    /// Whether `out` lies within reach and was not sent.
    #[cold]
    fn is_open(&self, out: u64) -> bool {
        let (word, bit) = self.place(out);
        self.reaches(out) && self.sent[word] & bit == 0
    }

    fn reaches(&self, out: u64) -> bool {
        out < self.end && self.end - out <= self.size
    }

    /// The numbers between the last one sent and `out` were not: their bits are still those of a round before. Also
    /// where the first number finds its memory.
    #[cold]
    fn leave_gap(&mut self, out: u64) {
        if self.sent.is_empty() {
            self.sent = vec![0; (self.size / u64::from(u64::BITS)) as usize].into_boxed_slice();
            return;
        }
        for unsent in self.end.max(out.saturating_sub(self.size))..out {
            let (word, bit) = self.place(unsent);
            self.sent[word] &= !bit;
        }
    }

    #[inline(always)]
    fn place(&self, out: u64) -> (usize, u64) {
        let place = out & (self.size - 1);
        ((place / u64::from(u64::BITS)) as usize, 1 << (place % u64::from(u64::BITS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn ms(millis: u64) -> WorkerTime {
        WorkerTime::default() + Duration::from_millis(millis)
    }

    #[test]
    fn holds_the_last_packets_and_no_more() {
        let mut history = History::new(64);
        assert!(!history.holds(0) && !history.was_sent(0));
        for out in 100..228 {
            assert!(!history.was_sent(out));
            history.note(out);
        }
        assert!(history.was_sent(227), "sent before");
        assert!(history.was_sent(163), "too old to tell");
        assert_eq!((history.holds(163), history.holds(164), history.holds(228)), (false, true, false));
        let resend = |out| history.clone().resend(ms(1000), out, ms(0), Duration::ZERO);
        assert_eq!((resend(163), resend(164)), (Err(Refusal::Unknown), Ok(())));
    }

    #[test]
    fn trap_d1_a_place_that_is_taken_over_counts_anew() {
        let mut history = History::new(64);
        history.note(10);
        for copy in 1..=u64::from(RESENDS_MAX) {
            assert_eq!(history.resend(ms(100 * copy), 10, ms(0), Duration::ZERO), Ok(()));
        }
        assert_eq!(history.resend(ms(900), 10, ms(0), Duration::ZERO), Err(Refusal::TooOften));
        history.note(74);
        assert_eq!(history.resend(ms(1000), 10, ms(0), Duration::ZERO), Err(Refusal::Unknown));
        assert_eq!(history.resend(ms(1005), 74, ms(1000), Duration::ZERO), Err(Refusal::TooSoon), "on its way");
        assert_eq!(history.resend(ms(1010), 74, ms(1000), Duration::ZERO), Ok(()));
    }

    proptest! {
        #[test]
        fn trap_f2_it_knows_exactly_what_was_sent(
            first in 0u64..200,
            steps in prop::collection::vec((0u64..6, 0u64..90), 1..400),
        ) {
            let (mut history, mut sent, mut end) = (History::new(64), BTreeSet::from([first]), first + 1);
            history.note(first);
            for (gap, back) in steps {
                // Mostly in order, at times after a gap or late.
                let out = if gap == 5 { end.saturating_sub(back) } else { end + gap.saturating_sub(2) * back / 2 };
                let in_reach = end.saturating_sub(out) <= 64;
                prop_assert_eq!(history.was_sent(out), out < end && (!in_reach || sent.contains(&out)));
                prop_assert_eq!(history.holds(out), in_reach && sent.contains(&out));
                if !history.was_sent(out) {
                    history.note(out);
                    sent.insert(out);
                    end = end.max(out + 1);
                }
            }
        }
    }
}
