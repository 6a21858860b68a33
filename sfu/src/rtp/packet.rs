//! A view of one plaintext RTP packet.

use super::extension::Extensions;
use super::header::RtpHeader;
use super::number::{PayloadType, SequenceNumber, Ssrc};

/// A plaintext RTP packet: header, extensions, payload, with padding checked and set aside. Copies no bytes.
#[derive(Clone, Copy)]
pub struct RtpPacket<'a> {
    header: RtpHeader,
    bytes: &'a [u8],
    payload_end: usize,
}

impl<'a> RtpPacket<'a> {
    /// Reads a whole plaintext packet; `None` if the header or the padding does not fit (RFC 3550 §5.1).
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Self::with_header(RtpHeader::parse(bytes)?, bytes)
    }

    /// As [`RtpPacket::parse`], for a header already read from the same bytes (as opening SRTP does).
    #[inline]
    #[must_use]
    pub fn with_header(header: RtpHeader, bytes: &'a [u8]) -> Option<Self> {
        let room = bytes.len().checked_sub(header.len())?;
        let padding = match bytes.last() {
            Some(&count) if header.has_padding => usize::from(count),
            _ => 0,
        };
        // The count byte is part of the padding, so a set flag with count 0 contradicts itself.
        if padding > room || (header.has_padding && padding == 0) {
            return None;
        }
        Some(Self { header, bytes, payload_end: bytes.len() - padding })
    }

    /// The header's numbers.
    #[must_use]
    pub fn header(&self) -> &RtpHeader {
        &self.header
    }

    /// See [`RtpHeader::marker`].
    #[must_use]
    pub fn marker(&self) -> bool {
        self.header.marker
    }

    /// See [`RtpHeader::payload_type`].
    #[must_use]
    pub fn payload_type(&self) -> PayloadType {
        self.header.payload_type
    }

    /// See [`RtpHeader::sequence`].
    #[must_use]
    pub fn sequence(&self) -> SequenceNumber {
        self.header.sequence
    }

    /// See [`RtpHeader::timestamp`].
    #[must_use]
    pub fn timestamp(&self) -> u32 {
        self.header.timestamp
    }

    /// See [`RtpHeader::ssrc`].
    #[must_use]
    pub fn ssrc(&self) -> Ssrc {
        self.header.ssrc
    }

    /// The payload without padding. Empty for a packet of padding only, which browsers send to probe.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.header.len()..self.payload_end]
    }

    /// Bytes of padding, with the count byte; 0 if there is none.
    #[must_use]
    pub fn padding_len(&self) -> usize {
        self.bytes.len() - self.payload_end
    }

    /// All header extensions in order.
    #[inline]
    #[must_use]
    pub fn extensions(&self) -> Extensions<'a> {
        self.header.extensions(self.bytes)
    }

    /// The value of the first header extension with this id.
    #[inline]
    #[must_use]
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions().find(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(flags: u8, tail: &[u8]) -> Vec<u8> {
        let mut bytes = vec![flags, 96, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5];
        bytes.extend(tail);
        bytes
    }

    #[test]
    fn padding_is_set_aside() {
        let check = |tail: &[u8], expected: Option<(&[u8], usize)>| {
            let bytes = packet(0xa0, tail);
            let parsed = RtpPacket::parse(&bytes).map(|packet| (packet.payload(), packet.padding_len()));
            assert_eq!(parsed, expected, "tail {tail:?}");
        };
        check(b"abc\x01", Some((b"abc", 1)));
        check(b"abc\x00\x00\x03", Some((b"abc", 3)));
        check(b"\x00\x00\x00\x04", Some((b"", 4)));
        check(b"abc\x05", None);
        check(b"abc\x00", None);
    }

    #[test]
    fn padding_flag_without_payload_cannot_eat_the_header() {
        // The last byte of this packet is the low byte of its SSRC; it must not be taken for a padding count.
        assert!(RtpPacket::parse(&packet(0xa0, b"")).is_none());
    }

    #[test]
    fn without_the_flag_the_last_byte_is_payload() {
        let bytes = packet(0x80, b"abc\x02");
        let parsed = RtpPacket::parse(&bytes).expect("well formed");
        assert_eq!((parsed.payload(), parsed.padding_len()), (&b"abc\x02"[..], 0));
        assert_eq!((parsed.sequence(), parsed.timestamp(), parsed.ssrc()), (SequenceNumber(7), 9, Ssrc(5)));
    }
}
