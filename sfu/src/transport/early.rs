//! Media that overtakes the end of the handshake.

use std::collections::VecDeque;
use std::time::Instant;

use crate::sends::NetPath;

/// Early packets kept: about half a second of audio and the start of a video.
pub const EARLY_PACKETS_MAX: usize = 32;
/// Bytes of them kept. Whoever sends them is validated but not yet authenticated.
pub const EARLY_BYTES_MAX: usize = 48 * 1024;

/// A sealed packet that came before its keys.
#[derive(Debug)]
pub struct EarlyPacket {
    /// When it came.
    pub arrived: Instant,
    /// The path it came by.
    pub from: NetPath,
    /// The datagram.
    pub bytes: Vec<u8>,
}

/// The youngest early packets, oldest first.
#[derive(Default)]
pub(super) struct EarlyPackets {
    packets: VecDeque<EarlyPacket>,
    bytes: usize,
}

impl EarlyPackets {
    /// Keeps a copy of `packet` and drops the oldest until it fits. Returns how many were dropped.
    pub(super) fn push(&mut self, arrived: Instant, from: NetPath, packet: &[u8]) -> u64 {
        if packet.len() > EARLY_BYTES_MAX {
            return 1;
        }
        let mut dropped = 0;
        while self.packets.len() >= EARLY_PACKETS_MAX || self.bytes + packet.len() > EARLY_BYTES_MAX {
            let oldest = self.packets.pop_front().expect("what exceeds the limits is not empty");
            self.bytes -= oldest.bytes.len();
            dropped += 1;
        }
        self.bytes += packet.len();
        self.packets.push_back(EarlyPacket { arrived, from, bytes: packet.to_vec() });
        dropped
    }

    pub(super) fn pop(&mut self) -> Option<EarlyPacket> {
        let packet = self.packets.pop_front();
        if packet.is_none() {
            // Also gives back the queue's own memory.
            *self = Self::default();
        }
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an arbitrary start of simulated time")]
    fn keeps_the_youngest_within_both_limits() {
        let now = Instant::now();
        let from = NetPath::udp(([192, 0, 2, 1], 4000).into());
        let mut early = EarlyPackets::default();
        let dropped: u64 = (0..100u8).map(|number| early.push(now, from, &[number; 10])).sum();
        assert_eq!(dropped, 100 - EARLY_PACKETS_MAX as u64);
        assert_eq!(early.push(now, from, &[200; EARLY_BYTES_MAX - 10]), EARLY_PACKETS_MAX as u64 - 1);
        assert_eq!(early.push(now, from, &[0; EARLY_BYTES_MAX + 1]), 1);
        let kept: Vec<u8> = std::iter::from_fn(|| early.pop()).map(|packet| packet.bytes[0]).collect();
        assert_eq!(kept, [99, 200]);
    }
}
