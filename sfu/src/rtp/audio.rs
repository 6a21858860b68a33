//! What an audio packet tells about loudness.

/// The audio level extension (RFC 6464): how loud this packet is, and whether the sender takes it for speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel {
    /// Loudness in −dBov: 0 is the loudest, 127 is silence.
    pub below_overload_db: u8,
    /// Voice activity as the sender sees it.
    pub voice: bool,
}

impl AudioLevel {
    /// Reads the extension's value; the two-byte form of the header extension may pad it to two bytes (RFC 6464 §3).
    #[inline]
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        match *value {
            [byte] | [byte, 0] => Some(Self { below_overload_db: byte & 0x7f, voice: byte & 0x80 != 0 }),
            _ => None,
        }
    }

    /// The extension's value.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 1] {
        [self.below_overload_db & 0x7f | if self.voice { 0x80 } else { 0 }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_and_voice_bit() {
        let level = |below_overload_db, voice| Some(AudioLevel { below_overload_db, voice });
        assert_eq!(AudioLevel::parse(&[0x80 | 30]), level(30, true));
        assert_eq!(AudioLevel::parse(&[127]), level(127, false));
        assert_eq!(AudioLevel::parse(&[5, 0]), level(5, false));
        assert_eq!(AudioLevel::parse(&[]), None);
        assert_eq!(AudioLevel::parse(&[1, 2]), None);
        for byte in 0..=255 {
            assert_eq!(AudioLevel::parse(&[byte]).map(AudioLevel::to_bytes), Some([byte]));
        }
    }
}
