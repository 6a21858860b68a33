//! What a subscription sent lately: from its own sequence number back to the source packet and the fix-ups.
//!
//! A NACK names our number, the ring is indexed by the publisher's (media trap D1). The history gives both, so that
//! a second copy has the bytes of the first, and it says when a copy may be sent at all. It also refuses to send one
//! number twice as a first copy (media trap F2).

use std::time::Duration;

use crate::stream::picture::Picture;
use crate::stream::worker_time::WorkerTime;

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
}

/// A [`Sent`] and what became of it, packed: every packet writes one for every subscriber, into memory that has left
/// the caches since its last turn.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Low bits of the number that was sent. Numbers that share a slot and these bits lie 2³² apart.
    out: u32,
    timestamp: u32,
    /// Low bits of the microseconds at which the latest copy was sent: an hour is longer than anybody asks back.
    latest: u32,
    /// The source's number, of which 48 bits count two centuries of packets.
    sequence_low: u32,
    sequence_high: u16,
    picture: Option<Picture>,
    /// What was sent, and the marker: [`kind`].
    kind: u8,
    /// Index of the encoding in the low half, copies sent on request in the high one.
    encoding_and_resends: u8,
}

/// Bits of [`Slot::kind`].
mod kind {
    /// Something was sent: without it the slot is empty.
    pub(super) const SENT: u8 = 1;
    /// From a publisher's packet; padding otherwise.
    pub(super) const SOURCE: u8 = 1 << 1;
    pub(super) const MARKER: u8 = 1 << 2;
}

const RESENDS_SHIFT: u32 = 4;

impl History {
    /// A history of `size` packets, a power of two. Memory is taken when the first packet is noted.
    #[must_use]
    pub fn new(size: usize) -> Self {
        assert!(size.is_power_of_two());
        Self { slots: Box::default(), size, end: 0 }
    }

    /// Whether `out` was sent before, or is too old to tell: then it must not be sent as new.
    #[inline(always)]
    #[must_use]
    pub fn was_sent(&self, out: u64) -> bool {
        out < self.end && self.slots[self.place(out)].is_from(out)
    }

    /// Notes that `out` is sent at `now`, for the first time.
    #[inline(always)]
    pub fn note(&mut self, now: WorkerTime, out: u64, sent: Sent) {
        if self.slots.is_empty() {
            self.slots = vec![Slot::default(); self.size].into_boxed_slice();
        }
        self.end = self.end.max(out + 1);
        let place = self.place(out);
        self.slots[place] = Slot::new(out, sent, now);
    }

    /// A receiver asks for `out` again. Counts the copy when it is granted.
    pub fn resend(&mut self, now: WorkerTime, out: u64, rtt: Duration) -> Result<Sent, Refusal> {
        let now = now.micros() as u32;
        let place = self.place(out);
        let slot = self.slots.get_mut(place).filter(|slot| slot.holds(out));
        let slot = slot.ok_or(Refusal::Unknown)?;
        if slot.resends() >= RESENDS_MAX {
            return Err(Refusal::TooOften);
        }
        let wait = rtt.max(RESEND_INTERVAL_MIN);
        if u128::from(now.wrapping_sub(slot.latest)) < wait.as_micros() {
            return Err(Refusal::TooSoon);
        }
        slot.encoding_and_resends += 1 << RESENDS_SHIFT;
        slot.latest = now;
        Ok(slot.sent())
    }

    /// What was sent as `out`, without counting a copy; for probing with old packets (media trap E4).
    #[must_use]
    pub fn sent(&self, out: u64) -> Option<Sent> {
        let slot = self.slots.get(self.place(out))?;
        slot.holds(out).then(|| slot.sent())
    }

    #[inline(always)]
    fn place(&self, out: u64) -> usize {
        out as usize & (self.size - 1)
    }
}

impl Slot {
    #[inline(always)]
    fn new(out: u64, sent: Sent, now: WorkerTime) -> Self {
        let Sent { origin, timestamp, marker, picture } = sent;
        let (source, encoding, sequence) = match origin {
            Origin::Source { encoding, sequence } => (kind::SOURCE, encoding, sequence),
            Origin::Padding => (0, 0, 0),
        };
        Self {
            out: out as u32,
            timestamp,
            latest: now.micros() as u32,
            sequence_low: sequence as u32,
            sequence_high: (sequence >> 32) as u16,
            picture,
            kind: kind::SENT | source | if marker { kind::MARKER } else { 0 },
            encoding_and_resends: encoding,
        }
    }

    fn is(&self, kind: u8) -> bool {
        self.kind & kind != 0
    }

    fn holds(&self, out: u64) -> bool {
        self.is(kind::SENT) && self.out == out as u32
    }

    /// Whether it holds `out` or a later number.
    fn is_from(&self, out: u64) -> bool {
        self.is(kind::SENT) && self.out.wrapping_sub(out as u32) < 1 << 31
    }

    fn resends(&self) -> u8 {
        self.encoding_and_resends >> RESENDS_SHIFT
    }

    fn sent(&self) -> Sent {
        let sequence = u64::from(self.sequence_high) << 32 | u64::from(self.sequence_low);
        let encoding = self.encoding_and_resends & ((1 << RESENDS_SHIFT) - 1);
        Sent {
            origin: if self.is(kind::SOURCE) { Origin::Source { encoding, sequence } } else { Origin::Padding },
            timestamp: self.timestamp,
            marker: self.is(kind::MARKER),
            picture: self.picture,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::picture::PictureId;

    const SENT: Sent = Sent { origin: Origin::Padding, timestamp: 7, marker: false, picture: None };

    #[test]
    fn holds_the_last_packets_and_no_more() {
        let now = WorkerTime::default();
        let mut history = History::new(8);
        assert_eq!(history.sent(0), None);
        for out in 100..120 {
            assert!(!history.was_sent(out));
            history.note(now, out, SENT);
        }
        assert!(history.was_sent(119), "sent before");
        assert!(history.was_sent(111), "too old to tell");
        assert_eq!(history.sent(112), Some(SENT));
        assert_eq!(history.sent(111), None);
        let later = now + Duration::from_secs(1);
        assert_eq!(history.resend(later, 111, Duration::ZERO), Err(Refusal::Unknown));
        assert_eq!(history.resend(later, 112, Duration::ZERO), Ok(SENT));
    }

    #[test]
    fn gives_back_what_was_noted() {
        let ids = [None, Some(PictureId::Narrow(0x7f)), Some(PictureId::Wide(0x7fff)), Some(PictureId::Wide(3))];
        let shapes = [(None, None), (Some(0), Some(31)), (Some(255), None), (None, Some(0))];
        let pictures =
            ids.into_iter().flat_map(|id| shapes.map(|(tl0, key_index)| Some(Picture { id, tl0, key_index })));
        let origins = [Origin::Padding, Origin::Source { encoding: 3, sequence: (1 << 48) - 1 }];
        let now = WorkerTime::default();
        let mut history = History::new(64);
        let mut out = u64::from(u32::MAX) - 5;
        for picture in pictures.chain([None]) {
            for origin in origins {
                let sent = Sent { origin, timestamp: u32::MAX, marker: out % 3 == 0, picture };
                assert!(!history.was_sent(out));
                history.note(now, out, sent);
                assert!(history.was_sent(out));
                assert_eq!(history.sent(out), Some(sent));
                assert_eq!(history.resend(now + Duration::from_secs(1), out, Duration::ZERO), Ok(sent));
                assert_eq!(history.sent(out), Some(sent), "counting a copy changes nothing else");
                out += 1;
            }
        }
    }

    #[test]
    fn a_slot_stays_small() {
        assert!(size_of::<Slot>() <= 28, "1,024 of them per video slot: {}", size_of::<Slot>());
    }
}
