//! What a bot receives in one slot: repaired by NACK, and what its person would have noticed.

use crate::marker::{Marker, Origin};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// First NACK this long after a gap is seen; packets that only overtook each other come before.
const NACK_AFTER: Duration = Duration::from_millis(15);
/// Between NACKs for the same packet.
const NACK_EVERY: Duration = Duration::from_millis(60);
/// NACKs for one packet, then it is given up.
const NACKS_MAX: u8 = 10;
/// A larger step is a restart of the stream, not loss.
const GAP_MAX: u64 = 512;

/// See the module.
#[derive(Debug, Default)]
pub struct Reception {
    /// Media packets, repaired ones included, repeated ones not.
    pub packets: u64,
    /// Packets that came by retransmission.
    pub repaired: u64,
    /// Packets that never came.
    pub given_up: u64,
    /// Packets that came twice on the slot's own SSRC.
    pub repeated: u64,
    /// Streams that were in this slot, in order.
    pub origins: Vec<Origin>,
    /// When the first packet came.
    pub first_at: Option<Instant>,
    /// When the newest packet came.
    pub last_at: Option<Instant>,
    /// The longest time without a packet, between two.
    pub longest_gap: Duration,
    highest: Option<u64>,
    missing: BTreeMap<u64, (Instant, u8)>,
}

impl Reception {
    /// Takes a packet in: its sequence number, and whether it came as a retransmission.
    pub(super) fn handle_packet(&mut self, now: Instant, sequence: u16, payload: &[u8], repaired: bool) {
        let sequence = self.extend(sequence);
        let is_new = self.note_sequence(now, sequence);
        if !is_new {
            self.repeated += u64::from(!repaired);
            return;
        }
        self.packets += 1;
        self.repaired += u64::from(repaired);
        if let Some(last) = self.last_at {
            self.longest_gap = self.longest_gap.max(now - last);
        }
        self.first_at = self.first_at.or(Some(now));
        self.last_at = Some(now);
        let origin = Marker::find(payload).map(|marker| marker.origin());
        if let Some(origin) = origin.filter(|origin| !repaired && self.origins.last() != Some(origin)) {
            self.origins.push(origin);
        }
    }

    /// Whether media is arriving: a packet within the last `within`.
    #[must_use]
    pub fn is_live(&self, now: Instant, within: Duration) -> bool {
        self.last_at.is_some_and(|last| now - last <= within)
    }

    /// Begins to measure the longest gap anew.
    pub fn reset_gap(&mut self, now: Instant) {
        self.longest_gap = Duration::ZERO;
        self.last_at = self.last_at.map(|_| now);
    }

    /// Sequence numbers to ask for again now.
    pub(super) fn poll_nacks(&mut self, now: Instant) -> Vec<u16> {
        let mut nacks = Vec::new();
        for (sequence, (due, asked)) in &mut self.missing {
            if *due <= now && *asked < NACKS_MAX {
                *due = now + NACK_EVERY;
                *asked += 1;
                nacks.push(*sequence as u16);
            }
        }
        let before = self.missing.len();
        self.missing.retain(|_, (due, asked)| *asked < NACKS_MAX || *due > now);
        self.given_up += (before - self.missing.len()) as u64;
        nacks
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.missing.values().map(|(due, _)| *due).min()
    }

    fn note_sequence(&mut self, now: Instant, sequence: u64) -> bool {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            return true;
        };
        if sequence > highest {
            if sequence - highest <= GAP_MAX {
                self.missing.extend((highest + 1..sequence).map(|missing| (missing, (now + NACK_AFTER, 0))));
            }
            self.highest = Some(sequence);
            return true;
        }
        self.missing.remove(&sequence).is_some()
    }

    /// The 64-bit number nearest to the newest one that ends in `sequence`; begins far above 0, so that it may go down.
    fn extend(&self, sequence: u16) -> u64 {
        let reference = self.highest.unwrap_or(1 << 32 | u64::from(sequence));
        let step = sequence.wrapping_sub(reference as u16) as i16;
        reference.wrapping_add_signed(i64::from(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_packet_is_asked_for_until_it_comes() {
        let now = crate::clock::start_of_time();
        let ms = |ms| now + Duration::from_millis(ms);
        let mut reception = Reception::default();
        for (at, sequence) in [(0, 65534u16), (20, 65535), (60, 1)] {
            reception.handle_packet(ms(at), sequence, &[], false);
        }
        assert!(reception.poll_nacks(ms(60)).is_empty(), "it may only be late");
        assert_eq!(reception.poll_nacks(ms(80)), [0]);
        assert!(reception.poll_nacks(ms(90)).is_empty());
        assert_eq!(reception.poll_nacks(ms(150)), [0]);
        reception.handle_packet(ms(160), 0, &[], true);
        reception.handle_packet(ms(161), 0, &[], true);
        assert!(reception.poll_nacks(ms(400)).is_empty());
        assert_eq!((reception.packets, reception.repaired, reception.given_up), (4, 1, 0));
        assert_eq!(reception.longest_gap, Duration::from_millis(100));
    }

    #[test]
    fn a_packet_that_never_comes_is_given_up_and_counted() {
        let now = crate::clock::start_of_time();
        let mut reception = Reception::default();
        reception.handle_packet(now, 1, &[], false);
        reception.handle_packet(now, 3, &[], false);
        let asked: usize = (0..200).map(|n| reception.poll_nacks(now + n * Duration::from_millis(20)).len()).sum();
        assert_eq!((asked, reception.given_up, reception.poll_timeout()), (usize::from(NACKS_MAX), 1, None));
    }
}
