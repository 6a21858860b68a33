//! What the last bytes of every packet say: its number, and when it was sent.
//!
//! At the end, because servers rewrite the beginning of a payload. Sender and receiver are one process, so the clock is
//! the same on both sides.

/// Bytes of a stamp.
pub(super) const STAMP_BYTES: usize = 16;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Counts the packets of a stream.
    pub(super) number: u64,
    /// Nanoseconds since 1970.
    pub(super) sent_at: u64,
}

impl Stamp {
    /// Writes it over the end of a payload.
    pub(super) fn write(self, payload: &mut [u8]) {
        let at = payload.len() - STAMP_BYTES;
        payload[at..at + 8].copy_from_slice(&self.number.to_be_bytes());
        payload[at + 8..].copy_from_slice(&self.sent_at.to_be_bytes());
    }

    /// Reads it off the end of a payload.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let (_, stamp) = payload.split_last_chunk::<STAMP_BYTES>()?;
        let (number, sent_at) = stamp.split_first_chunk::<8>()?;
        Some(Self { number: u64::from_be_bytes(*number), sent_at: u64::from_be_bytes(*sent_at.first_chunk()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_from_the_end() {
        let stamp = Stamp { number: 7, sent_at: 1_800_000_000_123_456_789 };
        let mut payload = [9; 20];
        stamp.write(&mut payload);
        assert_eq!((&payload[..4], Stamp::read(&payload)), (&[9; 4][..], Some(stamp)));
        assert_eq!(Stamp::read(&payload[..15]), None);
    }
}
