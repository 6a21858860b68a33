//! What a subscription sent lately: from its own sequence number back to the source packet and the fix-ups.
//!
//! A NACK names our number, the ring is indexed by the publisher's (media trap D1). The history gives both, so that
//! a second copy has the bytes of the first, and it says when a copy may be sent at all. It also refuses to send one
//! number twice as a first copy (media trap F2).

use std::time::{Duration, Instant};

use crate::stream::picture::Picture;
use crate::stream::stopwatch::Stopwatch;

/// Copies of one packet that are sent on request, apart from the first. More do not help: the receiver's jitter
/// buffer has given up by then.
pub const RESENDS_MAX: u8 = 3;
/// Least time between two copies, when the round-trip time is shorter or not known.
pub const RESEND_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Where a sent packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A publisher's packet, by encoding and extended sequence number.
    Source {
        /// Index of the encoding in its publication.
        encoding: u8,
        /// Extended sequence number in that encoding.
        sequence: u64,
    },
    /// Padding of our own.
    Padding,
}

/// One packet as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Where its payload is.
    pub origin: Origin,
    /// RTP timestamp it was sent with.
    pub timestamp: u32,
    /// RTP marker it was sent with.
    pub marker: bool,
    /// VP8 frame numbers it was sent with.
    pub picture: Option<Picture>,
}

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

/// A ring of the packets sent last, indexed by output number.
#[derive(Clone, Debug)]
pub struct History {
    slots: Box<[Slot]>,
    size: usize,
    /// One more than the highest number that was sent. What is not below it needs no look at its slot, which is in no
    /// cache by now.
    end: u64,
    stopwatch: Stopwatch,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// One more than the number that was sent; 0: nothing was.
    end: u64,
    sent: Sent,
    /// Milliseconds from the beginning to the latest copy.
    latest_ms: u32,
    resends: u8,
}

impl History {
    /// A history of `size` packets, a power of two. Memory is taken when the first packet is noted.
    #[must_use]
    pub fn new(began: Instant, size: usize) -> Self {
        assert!(size.is_power_of_two());
        Self { slots: Box::default(), size, end: 0, stopwatch: Stopwatch::new(began) }
    }

    /// Notes that `out` is sent at `now`. False when it was sent before, or is too old to tell: then it must not be
    /// sent.
    #[inline]
    #[must_use]
    pub fn note(&mut self, now: Instant, out: u64, sent: Sent) -> bool {
        if self.slots.is_empty() {
            self.slots = vec![Slot::EMPTY; self.size].into_boxed_slice();
        }
        let latest_ms = self.millis(now);
        let slot = &mut self.slots[out as usize & (self.size - 1)];
        if out < self.end && slot.end > out {
            return false;
        }
        self.end = self.end.max(out + 1);
        *slot = Slot { end: out + 1, sent, latest_ms, resends: 0 };
        true
    }

    /// A receiver asks for `out` again. Counts the copy when it is granted.
    pub fn resend(&mut self, now: Instant, out: u64, rtt: Duration) -> Result<Sent, Refusal> {
        let now_ms = self.millis(now);
        let index = out as usize & (self.size - 1);
        let slot = self.slots.get_mut(index).filter(|slot| slot.end == out + 1);
        let slot = slot.ok_or(Refusal::Unknown)?;
        if slot.resends >= RESENDS_MAX {
            return Err(Refusal::TooOften);
        }
        let wait = rtt.max(RESEND_INTERVAL_MIN);
        if u128::from(now_ms.wrapping_sub(slot.latest_ms)) < wait.as_millis() {
            return Err(Refusal::TooSoon);
        }
        slot.resends += 1;
        slot.latest_ms = now_ms;
        Ok(slot.sent)
    }

    /// What was sent as `out`, without counting a copy; for probing with old packets (media trap E4).
    #[must_use]
    pub fn sent(&self, out: u64) -> Option<&Sent> {
        let slot = self.slots.get(out as usize & (self.size - 1))?;
        (slot.end == out + 1).then_some(&slot.sent)
    }

    /// Wraps after 49 days, as do the differences taken from it.
    #[inline]
    fn millis(&mut self, at: Instant) -> u32 {
        (self.stopwatch.micros(at) / 1000) as u32
    }
}

impl Slot {
    const EMPTY: Self = Self {
        end: 0,
        sent: Sent { origin: Origin::Padding, timestamp: 0, marker: false, picture: None },
        latest_ms: 0,
        resends: 0,
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]

    use super::*;

    const SENT: Sent = Sent { origin: Origin::Padding, timestamp: 7, marker: false, picture: None };

    #[test]
    fn holds_the_last_packets_and_no_more() {
        let now = Instant::now();
        let mut history = History::new(now, 8);
        assert_eq!(history.sent(0), None);
        assert!((100..120).all(|out| history.note(now, out, SENT)));
        assert!(!history.note(now, 119, SENT), "sent before");
        assert!(!history.note(now, 111, SENT), "too old to tell");
        assert_eq!(history.sent(112), Some(&SENT));
        assert_eq!(history.sent(111), None);
        let later = now + Duration::from_secs(1);
        assert_eq!(history.resend(later, 111, Duration::ZERO), Err(Refusal::Unknown));
        assert_eq!(history.resend(later, 112, Duration::ZERO), Ok(SENT));
    }

    #[test]
    fn a_slot_stays_small() {
        assert!(size_of::<Slot>() <= 48, "1,024 of them per video slot: {}", size_of::<Slot>());
    }
}
