//! Redundant audio (RFC 2198), as browsers send it around Opus: older frames first, the newest, the *primary*, last.

/// Redundant blocks in one packet. Browsers send one or two.
const BLOCKS_MAX: usize = 8;

/// The newest frame of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Primary<'a> {
    /// Its payload type, in the sender's numbering.
    pub payload_type: u8,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// Finds the newest frame; `None` if the headers do not fit the payload.
#[must_use]
pub fn primary(payload: &[u8]) -> Option<Primary<'_>> {
    let (mut at, mut redundant) = (0, 0);
    for _ in 0..=BLOCKS_MAX {
        let first = *payload.get(at)?;
        if first & 0x80 == 0 {
            let payload = payload.get(at + 1 + redundant..)?;
            return Some(Primary { payload_type: first & 0x7f, payload });
        }
        let header = payload.get(at..at + 4)?;
        redundant += usize::from(u16::from_be_bytes([header[2], header[3]]) & 0x3ff);
        at += 4;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(payload: &[u8], expected: Option<(u8, &[u8])>) {
        let found = primary(payload).map(|primary| (primary.payload_type, primary.payload));
        assert_eq!(found, expected, "{payload:02x?}");
    }

    #[test]
    fn finds_the_last_block() {
        check(&[111, 1, 2], Some((111, &[1, 2])));
        // One redundant block of 2 bytes, 960 ticks old.
        check(&[0x80 | 111, 0x0f, 0x00, 2, 111, 8, 9, 1, 2, 3], Some((111, &[1, 2, 3])));
        check(&[111], Some((111, &[])));
    }

    #[test]
    fn headers_that_do_not_fit_are_refused() {
        check(&[], None);
        check(&[0x80 | 111, 0, 0], None);
        check(&[0x80 | 111, 0, 0, 9, 111, 1], None);
        check(&[0xff; 64], None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(payload in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(primary) = primary(&payload) {
                prop_assert!(payload.ends_with(primary.payload));
            }
        }
    }
}
