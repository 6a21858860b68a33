//! What a bot receives on one SSRC, counted by the numbers in the packets' headers.

use super::description::Kind;
use tillside_sfu::rtp::{SequenceNumber, Ssrc, Unwrapper};

/// See the module.
pub(super) struct Reception {
    pub(super) ssrc: Ssrc,
    pub(super) kind: Kind,
    numbers: Unwrapper,
    /// The first number that counts; `None` until a packet has come that was sent after the mark.
    base: Option<u64>,
    next: u64,
    /// Packets since the mark.
    pub(super) packets: u64,
    pub(super) keyframe_seen: bool,
}

impl Reception {
    pub(super) fn new(ssrc: Ssrc, kind: Kind) -> Self {
        let keyframe_seen = kind == Kind::Audio;
        Self { ssrc, kind, numbers: Unwrapper::default(), base: None, next: 0, packets: 0, keyframe_seen }
    }

    /// A packet's number without wraps.
    pub(super) fn number(&mut self, sequence: SequenceNumber) -> u64 {
        let number = self.numbers.unwrap(sequence).0;
        self.next = self.next.max(number + 1);
        number
    }

    /// Whether a packet that was sent after the mark has come: until then each has to show when it was sent.
    pub(super) fn has_begun(&self) -> bool {
        self.base.is_some()
    }

    /// Counts a packet that is not known to have been sent before the mark. False if its number says that it was.
    pub(super) fn count(&mut self, number: u64) -> bool {
        let counts = number >= *self.base.get_or_insert(number);
        self.packets += u64::from(counts);
        counts
    }

    /// Numbers that did not come, since the mark.
    pub(super) fn lost(&self) -> u64 {
        self.base.map_or(0, |base| (self.next - base).saturating_sub(self.packets))
    }

    /// Begins to count anew.
    pub(super) fn mark(&mut self) {
        self.base = None;
        self.packets = 0;
    }

    /// The highest number with the wraps above it, as reports have it (RFC 3550 §6.4.1).
    pub(super) fn highest(&self) -> u32 {
        self.next.saturating_sub(1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(reception: &mut Reception, sequence: u16) -> bool {
        let number = reception.number(SequenceNumber(sequence));
        reception.count(number)
    }

    #[test]
    fn gaps_count_as_lost_over_wraps_and_marks() {
        let mut reception = Reception::new(Ssrc(1), Kind::Video);
        assert!([65_533, 65_534, 0, 1].map(|sequence| take(&mut reception, sequence)).iter().all(|counts| *counts));
        assert_eq!((reception.packets, reception.lost()), (4, 1));
        reception.mark();
        assert_eq!((reception.packets, reception.lost(), reception.has_begun()), (0, 0, false));
    }

    #[test]
    fn what_was_sent_before_the_mark_does_not_count_after_it() {
        let mut reception = Reception::new(Ssrc(1), Kind::Video);
        take(&mut reception, 1);
        reception.mark();
        reception.number(SequenceNumber(2)); // its stamp says that it is too old: it is not counted at all
        assert!(!reception.has_begun());
        assert!(take(&mut reception, 4));
        assert!(!take(&mut reception, 3), "overtaken by the first that counts");
        assert!(take(&mut reception, 6));
        assert_eq!((reception.packets, reception.lost()), (2, 1));
    }
}
