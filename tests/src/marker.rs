//! A mark inside every packet a bot sends: who sent it, and which of its packets it is.
//!
//! The server cannot know it is there, so whatever a bot receives proves by itself where it comes from. All oracles
//! rest on it.

use tillside_sfu::id::{ParticipantId, RoomId};

/// Begins a mark; searched for, because a codec's descriptor may stand before it.
const MAGIC: [u8; 4] = *b"\xF0TIL";
/// Bytes of a mark.
pub const MARKER_LEN: usize = 4 + 8 + 8 + 1 + 1 + 1 + 8 + 4;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Where the sender was.
    pub room: RoomId,
    /// Who sent it.
    pub participant: ParticipantId,
    /// On which of its m-lines, counted from 0.
    pub line: u8,
    /// Which simulcast encoding of it, counted from the smallest.
    pub encoding: u8,
    /// Whether a receiver may start here: the first packet of a keyframe, or any packet of sound.
    pub start: bool,
    /// Counts the packets of this encoding; consecutive packets have consecutive numbers.
    pub number: u64,
    /// The RTP timestamp it was sent with.
    pub timestamp: u32,
}

/// What a switch of a slot is noticed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Who sends.
    pub participant: ParticipantId,
    /// On which m-line.
    pub line: u8,
    /// Which encoding.
    pub encoding: u8,
}

impl Marker {
    /// The stream this packet belongs to.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { participant: self.participant, line: self.line, encoding: self.encoding }
    }

    /// Appends the mark.
    pub fn write(&self, payload: &mut Vec<u8>) {
        payload.extend_from_slice(&MAGIC);
        payload.extend_from_slice(&self.room.0.to_be_bytes());
        payload.extend_from_slice(&self.participant.0.to_be_bytes());
        payload.extend_from_slice(&[self.line, self.encoding, u8::from(self.start)]);
        payload.extend_from_slice(&self.number.to_be_bytes());
        payload.extend_from_slice(&self.timestamp.to_be_bytes());
    }

    /// The mark in `payload`, if it has one.
    #[must_use]
    pub fn find(payload: &[u8]) -> Option<Self> {
        let at = payload.windows(MAGIC.len()).position(|bytes| bytes == MAGIC)?;
        let mark: &[u8; MARKER_LEN] = payload.get(at..at + MARKER_LEN)?.try_into().ok()?;
        let u64_at = |at: usize| u64::from_be_bytes(mark[at..at + 8].try_into().expect("eight bytes"));
        Some(Self {
            room: RoomId(u64_at(4)),
            participant: ParticipantId(u64_at(12)),
            line: mark[20],
            encoding: mark[21],
            start: mark[22] != 0,
            number: u64_at(23),
            timestamp: u32::from_be_bytes(mark[31..35].try_into().expect("four bytes")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_behind_a_descriptor_and_nowhere_else() {
        let mark = Marker {
            room: RoomId(7),
            participant: ParticipantId(u64::MAX),
            line: 1,
            encoding: 2,
            start: true,
            number: 1 << 40,
            timestamp: 0xF054_494C,
        };
        let mut payload = vec![0x90, 0xE0, 0x81];
        mark.write(&mut payload);
        assert_eq!(Marker::find(&payload), Some(mark));
        payload.pop();
        assert_eq!(Marker::find(&payload), None);
        assert_eq!(Marker::find(&[]), None);
    }
}
