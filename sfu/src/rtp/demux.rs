//! Which protocol a datagram speaks, told from its first two bytes.

/// The protocols that share one media socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramKind {
    /// STUN: first byte 0 to 3.
    Stun,
    /// DTLS: first byte 20 to 63.
    Dtls,
    /// SRTP: first byte 128 to 191 and not RTCP.
    Rtp,
    /// SRTCP: first byte as for SRTP, packet type 192 to 223.
    Rtcp,
    /// Anything else: ZRTP, TURN channels, noise.
    Other,
}

/// Sorts a datagram by RFC 7983 §7, and RTP from RTCP by RFC 5761 §4.
#[inline]
#[must_use]
pub fn classify(datagram: &[u8]) -> DatagramKind {
    match *datagram {
        [0..=3, ..] => DatagramKind::Stun,
        [20..=63, ..] => DatagramKind::Dtls,
        [128..=191, 192..=223, ..] => DatagramKind::Rtcp,
        [128..=191, _, ..] => DatagramKind::Rtp,
        _ => DatagramKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_its_protocol() {
        for first in 0..=255_u8 {
            let expected = match first {
                0..=3 => DatagramKind::Stun,
                20..=63 => DatagramKind::Dtls,
                128..=191 => DatagramKind::Rtp,
                _ => DatagramKind::Other,
            };
            assert_eq!(classify(&[first, 96, 0, 0]), expected, "first byte {first}");
        }
    }

    #[test]
    fn rtcp_is_told_by_its_packet_type() {
        assert_eq!(classify(&[0x80, 200]), DatagramKind::Rtcp);
        assert_eq!(classify(&[0xbf, 223]), DatagramKind::Rtcp);
        // Payload type 96 with the marker bit set is the byte 224, just above the RTCP range.
        assert_eq!(classify(&[0x80, 224]), DatagramKind::Rtp);
        assert_eq!(classify(&[0x80, 191]), DatagramKind::Rtp);
        assert_eq!(classify(&[0x80]), DatagramKind::Other);
        assert_eq!(classify(&[]), DatagramKind::Other);
    }
}
