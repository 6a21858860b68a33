//! The newest plaintext packets of one publisher's encoding.
//!
//! A packet is copied in once after decryption; from here it is sealed to every subscriber, and sealed again when a
//! subscriber lost it. Payload and header extensions lie in a log of fixed chunks that are taken as they are first
//! written, so that an idle publication costs nothing and a busy one stays within [`PacketRing::bytes_max`].
//! Knows nothing of encryption, of subscribers or of rewriting.

use crate::stream::packet::PacketFacts;
use std::ops::Range;

/// Largest payload plus extensions that is stored: what fits a datagram of 1,500 bytes.
pub const STORED_MAX: usize = 1500;

/// How much a ring holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSize {
    /// Packets, a power of two.
    pub packets: usize,
    /// Bytes of one chunk of the log, a power of two.
    pub chunk_bytes: usize,
    /// Chunks of the log, a power of two.
    pub chunks: usize,
}

impl RingSize {
    /// 1,024 packets or 1 MiB: three seconds of 2.5 Mbit/s, longer than any receiver waits for a repair.
    pub const VIDEO: Self = Self { packets: 1024, chunk_bytes: 64 * 1024, chunks: 16 };
    /// 128 packets or 32 KiB: 2.5 s of 20 ms Opus packets at up to 100 kbit/s.
    pub const AUDIO: Self = Self { packets: 128, chunk_bytes: 8 * 1024, chunks: 4 };
}

/// What became of a packet that was given to the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// Stored; forward it. Also for a packet that first came as RTX (media trap D3).
    New,
    /// Already here: an original behind its own RTX copy. Do not forward it.
    Duplicate,
    /// Older than the ring reaches back.
    TooOld,
    /// Longer than [`STORED_MAX`].
    TooLarge,
}

/// One stored packet.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Extended sequence number in the publisher's stream.
    pub sequence: u64,
    /// What is known of it.
    pub facts: &'a PacketFacts,
    /// Its header extensions, in whatever form they were given; empty when there are none.
    pub extensions: &'a [u8],
    /// The payload, without padding.
    pub payload: &'a [u8],
}

/// A stored packet in the hands of its only reader; see [`PacketRing::packet_mut`].
#[derive(Debug)]
pub struct StoredMut<'a> {
    /// As [`Stored::facts`].
    pub facts: &'a PacketFacts,
    /// As [`Stored::extensions`].
    pub extensions: &'a [u8],
    /// As [`Stored::payload`].
    pub payload: &'a mut [u8],
}

/// A ring of packets, indexed by extended sequence number.
#[derive(Debug)]
pub struct PacketRing {
    size: RingSize,
    slots: Box<[Option<Slot>]>,
    chunks: Vec<Box<[u8]>>,
    /// Bytes ever written to the log, unused ends of chunks included.
    written: u64,
    highest: Option<u64>,
    keyframe: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    sequence: u64,
    /// Where in the log, counted like `PacketRing::written`.
    position: u64,
    /// The same as a chunk and a place in it: divided once, and read for every subscriber.
    chunk: u16,
    start: u32,
    extensions_len: u16,
    payload_len: u16,
    facts: PacketFacts,
}

impl Slot {
    /// The bytes in the chunk: extensions, then payload.
    #[inline]
    fn range(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.extensions_len) + usize::from(self.payload_len)
    }
}

impl PacketRing {
    /// An empty ring, which takes no memory until its first packet.
    #[must_use]
    pub fn new(size: RingSize) -> Self {
        assert!([size.packets, size.chunk_bytes, size.chunks].into_iter().all(usize::is_power_of_two));
        assert!(size.chunk_bytes >= STORED_MAX);
        assert!(u32::try_from(size.chunk_bytes).is_ok() && u16::try_from(size.chunks).is_ok());
        Self { size, slots: Box::default(), chunks: Vec::new(), written: 0, highest: None, keyframe: None }
    }

    /// Stores a packet. Numbers may come in any order; the ring reaches back from the highest one.
    pub fn insert(&mut self, sequence: u64, facts: PacketFacts, extensions: &[u8], payload: &[u8]) -> Insertion {
        let len = extensions.len() + payload.len();
        if len > STORED_MAX {
            return Insertion::TooLarge;
        }
        if self.highest.is_some_and(|highest| sequence + self.size.packets as u64 <= highest) {
            return Insertion::TooOld;
        }
        if self.slots.is_empty() {
            self.slots = vec![None; self.size.packets].into_boxed_slice();
            self.chunks.reserve_exact(self.size.chunks);
        }
        let index = self.size.index(sequence);
        if self.slots[index].is_some_and(|slot| slot.sequence == sequence) {
            return Insertion::Duplicate;
        }
        let position = self.write(extensions, payload);
        let (chunk, start) = (self.size.chunk_of(position) as u16, self.size.start_of(position) as u32);
        let (extensions_len, payload_len) = (extensions.len() as u16, payload.len() as u16);
        self.slots[index] = Some(Slot { sequence, position, chunk, start, extensions_len, payload_len, facts });
        self.highest = self.highest.max(Some(sequence));
        if facts.is_switch_point() {
            self.keyframe = self.keyframe.max(Some(sequence));
        }
        Insertion::New
    }

    /// The packet with this number; `None` when it never came or has been overwritten.
    #[must_use]
    pub fn packet(&self, sequence: u64) -> Option<Stored<'_>> {
        let slot = slot_of(&self.slots, self.size, self.written, sequence)?;
        let bytes = &self.chunks[usize::from(slot.chunk)][slot.range()];
        let (extensions, payload) = bytes.split_at(usize::from(slot.extensions_len));
        Some(Stored { sequence, facts: &slot.facts, extensions, payload })
    }

    /// The same, for a reader that changes the payload for a moment: whoever reads it next must find it as it was.
    #[inline]
    #[must_use]
    pub fn packet_mut(&mut self, sequence: u64) -> Option<StoredMut<'_>> {
        let Self { size, slots, chunks, written, .. } = self;
        let slot = slot_of(slots, *size, *written, sequence)?;
        let bytes = &mut chunks[usize::from(slot.chunk)][slot.range()];
        let (extensions, payload) = bytes.split_at_mut(usize::from(slot.extensions_len));
        Some(StoredMut { facts: &slot.facts, extensions, payload })
    }

    /// The highest number stored.
    #[must_use]
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// The first packet of the newest keyframe, while it is still here: where a joiner may begin at once when the
    /// publisher does not answer keyframe requests (media trap D8).
    #[must_use]
    pub fn keyframe(&self) -> Option<u64> {
        self.keyframe.filter(|&sequence| self.packet(sequence).is_some())
    }

    /// Forgets all packets and gives the memory back, for a stream that stopped or began anew.
    pub fn clear(&mut self) {
        *self = Self::new(self.size);
    }

    /// Bytes of log held at present.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.chunks.len() * self.size.chunk_bytes
    }

    /// Bytes of log never exceeded.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.size.chunks * self.size.chunk_bytes
    }

    /// Appends to the log, over what is oldest there. A packet never straddles two chunks.
    fn write(&mut self, extensions: &[u8], payload: &[u8]) -> u64 {
        let chunk_bytes = self.size.chunk_bytes as u64;
        let len = (extensions.len() + payload.len()) as u64;
        let used = self.size.start_of(self.written) as u64;
        if used + len > chunk_bytes {
            self.written += chunk_bytes - used;
        }
        let position = self.written;
        let index = self.size.chunk_of(position);
        if index == self.chunks.len() {
            self.chunks.push(vec![0; self.size.chunk_bytes].into_boxed_slice());
        }
        let start = self.size.start_of(position);
        let middle = start + extensions.len();
        self.chunks[index][start..middle].copy_from_slice(extensions);
        self.chunks[index][middle..middle + payload.len()].copy_from_slice(payload);
        self.written += len;
        position
    }
}

impl RingSize {
    /// Where a packet's slot is.
    #[inline]
    fn index(self, sequence: u64) -> usize {
        sequence as usize & (self.packets - 1)
    }

    /// The chunk of a place in the log.
    #[inline]
    fn chunk_of(self, position: u64) -> usize {
        (position >> self.chunk_bytes.trailing_zeros()) as usize & (self.chunks - 1)
    }

    /// Where in its chunk a place in the log is.
    #[inline]
    fn start_of(self, position: u64) -> usize {
        position as usize & (self.chunk_bytes - 1)
    }

    /// Bytes that the log reaches back.
    #[inline]
    fn log_bytes(self) -> u64 {
        (self.chunks * self.chunk_bytes) as u64
    }
}

/// The slot of a packet whose bytes the log, of which so many were `written`, still has. Apart from [`PacketRing`], whose
/// chunks may be changed meanwhile.
#[inline]
fn slot_of(slots: &[Option<Slot>], size: RingSize, written: u64, sequence: u64) -> Option<&Slot> {
    let slot = slots.get(size.index(sequence))?.as_ref()?;
    (slot.sequence == sequence && slot.position + size.log_bytes() >= written).then_some(slot)
}

#[cfg(test)]
mod tests;
