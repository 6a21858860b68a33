//! The outside of DTLS records: enough to count them and to find plaintext handshake fragments.

/// Bytes of a plaintext record header: type, version, epoch, sequence number, length (RFC 6347 §4.1).
pub(super) const RECORD_HEADER_LEN: usize = 13;
/// Bytes of a handshake fragment header: type, length, message number, offset, fragment length (RFC 6347 §4.2.2).
pub(super) const HANDSHAKE_HEADER_LEN: usize = 12;
/// Content type of handshake records.
pub(super) const HANDSHAKE: u8 = 22;

/// One record with a plaintext header, or with the unified header of DTLS 1.3 (then only its extent is known).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// Content types 20 to 25. Its body is plaintext in epoch 0 only.
    Plain { kind: u8, epoch: u16, sequence: [u8; 6], body: &'a [u8] },
    /// RFC 9147 §4: always encrypted.
    Unified,
}

/// The records of one datagram, up to the first that is malformed.
pub(super) struct Records<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let datagram = std::mem::take(&mut self.0);
        let (record, rest) = match *datagram.first()? {
            20..=25 => plain(datagram)?,
            first @ 0x20..=0x3F => (Record::Unified, after_unified(first, datagram)?),
            _ => return None,
        };
        self.0 = rest;
        Some(record)
    }
}

/// How many records a datagram costs: garbage counts as one, for it costs about as much.
pub(super) fn count_records(datagram: &[u8]) -> u32 {
    u32::try_from(Records(datagram).count()).unwrap_or(u32::MAX).max(1)
}

fn plain(datagram: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (header, rest) = datagram.split_first_chunk::<RECORD_HEADER_LEN>()?;
    let &[kind, _, _, epoch0, epoch1, s0, s1, s2, s3, s4, s5, len0, len1] = header;
    let (body, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([len0, len1])))?;
    let epoch = u16::from_be_bytes([epoch0, epoch1]);
    Some((Record::Plain { kind, epoch, sequence: [s0, s1, s2, s3, s4, s5], body }, rest))
}

/// What follows a record with the header `001CSLEE`: C says that a connection id is there (we never agree to one), S
/// how long the sequence number is, L whether there is a length. Without a length the record ends the datagram.
fn after_unified(first: u8, datagram: &[u8]) -> Option<&[u8]> {
    let has_connection_id = first & 0x10 != 0;
    let length_at = if first & 0x08 != 0 { 3 } else { 2 };
    if has_connection_id || first & 0x04 == 0 {
        return Some(&[]);
    }
    let (length, rest) = datagram.get(length_at..)?.split_first_chunk::<2>()?;
    rest.get(usize::from(u16::from_be_bytes(*length))..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_both_kinds_of_header() {
        let plain = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0xaa, 0xbb];
        let unified_with_length = [0x2e, 0, 1, 0, 3, 1, 2, 3];
        let unified_to_the_end = [0x2a, 0, 1, 9, 9, 9, 9];
        let datagram = [&plain[..], &unified_with_length, &plain, &unified_to_the_end].concat();
        assert_eq!(count_records(&datagram), 4);
        let Some(Record::Plain { kind: HANDSHAKE, epoch: 0, sequence: [0, 0, 0, 0, 0, 1], body: [0xaa, 0xbb] }) =
            Records(&datagram).next()
        else {
            panic!("a handshake record")
        };
    }

    #[test]
    fn garbage_and_truncation_count_as_one() {
        assert_eq!(count_records(&[0xff; 40]), 1);
        assert_eq!(count_records(&[22, 0xfe]), 1);
        assert_eq!(count_records(&[0x2e, 0, 1, 0xff, 0xff]), 1);
    }
}
