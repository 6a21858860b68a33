//! How many fragments a message may have (SEC-15).
//!
//! Reads the headers of frames as they pass (RFC 6455 §5.2) and steps over what they carry. Knows no socket; judges
//! nothing but the number of fragments, for everything else is refused by the library that reads after it.

/// Fragments of one message. Chromium 156 sends a mebibyte, the largest message that is taken, in nine of up to 131,000
/// bytes.
pub(super) const FRAGMENTS_MAX: u32 = 64;

/// FIN, the first bit of a frame (RFC 6455 §5.2).
const FIN: u8 = 0x80;
/// The bits of the operation code. Those from 8 on are control frames, which may stand between fragments.
const OPCODE: u8 = 0x0f;
const CONTINUATION: u8 = 0;
const FIRST_CONTROL: u8 = 8;
/// MASK, the first bit of the second byte.
const MASK: u8 = 0x80;
/// Bytes of a masking key.
const MASK_BYTES: u64 = 4;

/// Where it is in the stream, and what it has counted. See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fragments {
    at: At,
    /// Of the message that has begun; none between two messages.
    begun: u32,
    /// Whole messages and control frames that have passed.
    passed: u64,
    /// Whether the frame at hand is a message's last, or one for control.
    last: bool,
}

/// A message had more than [`FRAGMENTS_MAX`] fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message has more than {FRAGMENTS_MAX} fragments")]
pub(super) struct TooManyFragments;

/// What the next byte is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum At {
    /// The first of a frame.
    #[default]
    Frame,
    /// The second: whether there is a mask, and the length or how it follows.
    Length,
    /// One of the bytes of a longer length.
    LongLength { missing: u8, length: u64, masked: bool },
    /// One of so many of mask and payload.
    Payload { missing: u64 },
}

impl Fragments {
    /// Takes what has been read, in pieces of any size. After an error nothing more may be taken.
    ///
    /// # Errors
    /// See [`TooManyFragments`].
    pub(super) fn handle_bytes(&mut self, mut bytes: &[u8]) -> Result<(), TooManyFragments> {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.at {
                At::Frame => {
                    self.begin(byte)?;
                    self.at = At::Length;
                }
                At::Length => {
                    let masked = byte & MASK != 0;
                    match byte & !MASK {
                        126 => self.at = At::LongLength { missing: 2, length: 0, masked },
                        127 => self.at = At::LongLength { missing: 8, length: 0, masked },
                        length => self.pass_over(u64::from(length), masked),
                    }
                }
                At::LongLength { missing, length, masked } => {
                    let length = length << 8 | u64::from(byte);
                    match missing - 1 {
                        0 => self.pass_over(length, masked),
                        missing => self.at = At::LongLength { missing, length, masked },
                    }
                }
                At::Payload { missing } => {
                    // Not more than there is, so it fits.
                    let here = missing.min(bytes.len() as u64) as usize;
                    self.expect(missing - here as u64);
                    bytes = &bytes[here..];
                    continue;
                }
            }
            bytes = rest;
        }
        Ok(())
    }

    /// How many whole messages and control frames have passed, if nothing has passed since the last of them.
    pub(super) fn whole(&self) -> Option<u64> {
        (self.at == At::Frame && self.begun == 0).then_some(self.passed)
    }

    fn begin(&mut self, byte: u8) -> Result<(), TooManyFragments> {
        let (fin, opcode) = (byte & FIN != 0, byte & OPCODE);
        self.last = fin || opcode >= FIRST_CONTROL;
        if opcode >= FIRST_CONTROL {
            return Ok(());
        }
        // A message that begins within another is refused by the library.
        self.begun = if opcode == CONTINUATION { self.begun + 1 } else { 1 };
        if self.begun > FRAGMENTS_MAX {
            return Err(TooManyFragments);
        }
        if fin {
            self.begun = 0;
        }
        Ok(())
    }

    fn pass_over(&mut self, length: u64, masked: bool) {
        // A length beyond all limits is refused by the library; here it only must not wrap.
        self.expect(length.saturating_add(if masked { MASK_BYTES } else { 0 }));
    }

    fn expect(&mut self, missing: u64) {
        self.at = At::Payload { missing };
        if missing == 0 {
            self.at = At::Frame;
            self.passed += u64::from(self.last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: u8 = 1;
    const PING: u8 = 9;

    /// A frame as a client sends it.
    fn frame(fin: bool, opcode: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![if fin { FIN } else { 0 } | opcode];
        match length {
            0..126 => bytes.push(MASK | length as u8),
            126..65_536 => {
                bytes.push(MASK | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(MASK | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        // What looks like a header in mask and payload must not be taken for one.
        bytes.resize(bytes.len() + 4 + length, 0);
        bytes
    }

    /// A message in so many pieces of this length.
    fn message(pieces: u32, length: usize) -> Vec<u8> {
        (0..pieces).flat_map(|n| frame(n + 1 == pieces, if n == 0 { TEXT } else { CONTINUATION }, length)).collect()
    }

    #[test]
    fn sec_15_a_message_may_have_so_many_fragments_and_no_more() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let mut fragments = Fragments::default();
            assert_eq!(fragments.handle_bytes(&message(FRAGMENTS_MAX, length)), Ok(()), "{length}");
            assert_eq!(fragments.whole(), Some(1), "the next message counts from nothing");
            assert_eq!(fragments.handle_bytes(&message(FRAGMENTS_MAX, length)), Ok(()), "{length}");
            assert_eq!(fragments.handle_bytes(&message(FRAGMENTS_MAX + 1, length)), Err(TooManyFragments), "{length}");
        }
    }

    #[test]
    fn sec_15_control_frames_between_fragments_neither_count_nor_start_anew() {
        let mut fragments = Fragments::default();
        for n in 0..FRAGMENTS_MAX {
            fragments.handle_bytes(&frame(false, if n == 0 { TEXT } else { CONTINUATION }, 1)).unwrap();
            fragments.handle_bytes(&frame(true, PING, 5)).unwrap();
        }
        assert_eq!(fragments.whole(), None, "the message goes on");
        assert_eq!(fragments.handle_bytes(&frame(true, PING, 5)), Ok(()));
        assert_eq!(fragments.handle_bytes(&frame(true, CONTINUATION, 1)), Err(TooManyFragments));
    }

    #[test]
    fn a_length_of_all_ones_does_not_wrap() {
        let mut fragments = Fragments::default();
        fragments.handle_bytes(&[FIN | TEXT, MASK | 127]).unwrap();
        fragments.handle_bytes(&[0xff; 8]).unwrap();
        fragments.handle_bytes(&[0; 1_000]).unwrap();
        assert_eq!(fragments.at, At::Payload { missing: u64::MAX - 1_000 });
    }

    /// Some frames, not always in an order that makes sense.
    fn frames() -> impl Strategy<Value = Vec<(bool, u8, usize)>> {
        let opcode = prop_oneof![8 => Just(CONTINUATION), 2 => Just(TEXT), 1 => Just(PING)];
        let length = prop_oneof![20 => 0usize..4, 10 => 120usize..130, 1 => Just(66_000)];
        prop::collection::vec((prop::bool::weighted(0.02), opcode, length), 0..200)
    }

    proptest! {
        #[test]
        fn sec_15_how_the_bytes_are_split_changes_nothing(frames in frames(), sizes in prop::collection::vec(1usize..3_000, 1..20)) {
            let bytes: Vec<u8> = frames.iter().flat_map(|&(fin, opcode, length)| frame(fin, opcode, length)).collect();
            let mut whole = Fragments::default();
            let answer = whole.handle_bytes(&bytes);
            let (mut split, mut rest, mut outcome) = (Fragments::default(), &bytes[..], Ok(()));
            for size in sizes.iter().cycle() {
                if rest.is_empty() || outcome.is_err() {
                    break;
                }
                let (piece, others) = rest.split_at((*size).min(rest.len()));
                outcome = split.handle_bytes(piece);
                rest = others;
            }
            prop_assert_eq!(outcome, answer);
            prop_assert_eq!(split, whole);
        }

        #[test]
        fn sec_15_the_count_is_that_of_the_frames(frames in frames()) {
            let mut fragments = Fragments::default();
            let (mut begun, mut passed, mut too_many) = (0, 0, false);
            for &(fin, opcode, length) in &frames {
                let control = opcode == PING;
                if !control {
                    begun = if opcode == TEXT { 1 } else { begun + 1 };
                    too_many = begun > FRAGMENTS_MAX;
                }
                prop_assert_eq!(fragments.handle_bytes(&frame(fin, opcode, length)).is_err(), too_many);
                if too_many {
                    break;
                }
                passed += u64::from(fin || control);
                begun = if fin && !control { 0 } else { begun };
                prop_assert_eq!(fragments.whole(), (begun == 0).then_some(passed));
            }
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = Fragments::default().handle_bytes(&bytes);
        }
    }
}
