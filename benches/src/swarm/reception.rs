//! What a bot receives on one SSRC, counted by the numbers in the packets' headers.

use super::description::Kind;
use tillside_sfu::rtp::{SequenceNumber, Ssrc, Unwrapper};

/// See the module.
pub(super) struct Reception {
    pub(super) ssrc: Ssrc,
    pub(super) kind: Kind,
    numbers: Unwrapper,
    /// The first number that counts.
    base: u64,
    next: u64,
    /// Packets since the mark.
    pub(super) packets: u64,
    pub(super) keyframe_seen: bool,
}

impl Reception {
    pub(super) fn new(ssrc: Ssrc, kind: Kind, first: SequenceNumber) -> Self {
        let mut numbers = Unwrapper::default();
        let base = numbers.unwrap(first).0;
        Self { ssrc, kind, numbers, base, next: base, packets: 0, keyframe_seen: kind == Kind::Audio }
    }

    /// Takes a packet's number; returns it without wraps.
    pub(super) fn count(&mut self, sequence: SequenceNumber) -> u64 {
        let number = self.numbers.unwrap(sequence).0;
        self.next = self.next.max(number + 1);
        self.packets += u64::from(number >= self.base);
        number
    }

    /// Numbers that did not come, since the mark.
    pub(super) fn lost(&self) -> u64 {
        (self.next - self.base).saturating_sub(self.packets)
    }

    /// Begins to count anew.
    pub(super) fn mark(&mut self) {
        self.base = self.next;
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

    #[test]
    fn gaps_count_as_lost_over_wraps_and_marks() {
        let mut reception = Reception::new(Ssrc(1), Kind::Video, SequenceNumber(65_533));
        for number in [65_533, 65_534, 0, 1] {
            reception.count(SequenceNumber(number));
        }
        assert_eq!((reception.packets, reception.lost()), (4, 1));
        reception.mark();
        assert_eq!((reception.packets, reception.lost()), (0, 0));
        reception.count(SequenceNumber(65_535)); // late, and of the time before the mark
        reception.count(SequenceNumber(3));
        assert_eq!((reception.packets, reception.lost()), (1, 1));
    }
}
