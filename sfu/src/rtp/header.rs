//! The RTP header (RFC 3550 §5.1): read once into numbers, and written anew for each subscriber.

use super::extension::{BlockWriter, Extension, Extensions};
use super::number::{PayloadType, SequenceNumber, Ssrc};

/// Length of the header without contributing sources and extensions.
pub const FIXED_HEADER_BYTES: usize = 12;

const VERSION_MASK: u8 = 0b1100_0000;
const VERSION_2: u8 = 0b1000_0000;
const PADDING: u8 = 0b0010_0000;
const EXTENSION: u8 = 0b0001_0000;
const MARKER: u8 = 0b1000_0000;

/// What the header of one packet says, and where its parts lie. The header is never encrypted, so this can be read
/// before the packet is authenticated; it must not be believed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// End of a frame for video, start of a talk spurt for audio.
    pub marker: bool,
    /// The codec configuration.
    pub payload_type: PayloadType,
    /// The number of this packet in its stream.
    pub sequence: SequenceNumber,
    /// Media time in ticks of the codec's clock.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
    pub(super) has_padding: bool,
    extension_profile: u16,
    extensions_start: u16,
    len: u16,
}

/// The fields that a rewritten header carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderFields {
    /// See [`RtpHeader::marker`].
    pub marker: bool,
    /// See [`RtpHeader::payload_type`].
    pub payload_type: PayloadType,
    /// See [`RtpHeader::sequence`].
    pub sequence: SequenceNumber,
    /// See [`RtpHeader::timestamp`].
    pub timestamp: u32,
    /// See [`RtpHeader::ssrc`].
    pub ssrc: Ssrc,
}

impl RtpHeader {
    /// Reads the header at the start of `packet`. `None` if the version is not 2, or if the header, with its
    /// contributing sources and extension block, does not fit into the packet.
    #[inline]
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let (fixed, rest) = packet.split_first_chunk::<FIXED_HEADER_BYTES>()?;
        let [flags, marker_and_type, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *fixed;
        if flags & VERSION_MASK != VERSION_2 {
            return None;
        }
        let csrc_bytes = usize::from(flags & 0x0f) * 4;
        let mut header = Self {
            marker: marker_and_type & MARKER != 0,
            payload_type: PayloadType::from_header_byte(marker_and_type),
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: Ssrc(u32::from_be_bytes([c0, c1, c2, c3])),
            has_padding: flags & PADDING != 0,
            extension_profile: 0,
            extensions_start: 0,
            len: (FIXED_HEADER_BYTES + csrc_bytes) as u16,
        };
        let rest = rest.get(csrc_bytes..)?;
        if flags & EXTENSION != 0 {
            let (&[p0, p1, w0, w1], block) = rest.split_first_chunk::<4>()?;
            let words = u16::from_be_bytes([w0, w1]);
            if block.len() < usize::from(words) * 4 {
                return None;
            }
            header.extension_profile = u16::from_be_bytes([p0, p1]);
            header.extensions_start = header.len + 4;
            // A block longer than a datagram cannot pass the check above, so this stays far below the type's limit.
            header.len = u16::try_from(usize::from(header.extensions_start) + usize::from(words) * 4).ok()?;
        }
        Some(header)
    }

    /// Length in bytes, with contributing sources and extensions: where the payload starts.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Never true; here for completeness.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The header extensions of `packet`, which must be the packet this header was read from.
    #[inline]
    #[must_use]
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Extensions<'a> {
        if self.extensions_start == 0 {
            return Extensions::empty();
        }
        let block = packet.get(usize::from(self.extensions_start)..self.len()).unwrap_or_default();
        Extensions::new(self.extension_profile, block)
    }

    /// The fields to start a rewritten header from.
    #[must_use]
    pub fn fields(&self) -> HeaderFields {
        HeaderFields {
            marker: self.marker,
            payload_type: self.payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        }
    }
}

/// Writes a header with `extensions` to the front of `out` and returns its length, or `None` if it does not fit or an
/// extension cannot be encoded.
///
/// Contributing sources are not written: what we forward has one source. Without extensions there is no extension
/// block. The one-byte form is used where every extension fits it (RFC 8285 §4.2), the two-byte form otherwise.
#[must_use]
pub fn write_header(out: &mut [u8], fields: &HeaderFields, extensions: &[Extension<'_>]) -> Option<usize> {
    let (fixed, rest) = out.split_first_chunk_mut()?;
    let mut block = BlockWriter::new(rest);
    extensions.iter().try_for_each(|extension| block.push(*extension))?;
    let block_len = block.finish()?;
    fields.write(fixed, block_len != 0);
    Some(FIXED_HEADER_BYTES + block_len)
}

impl HeaderFields {
    /// Writes the fixed header; whether an extension block follows it must be said there.
    #[inline(always)]
    pub(crate) fn write(&self, fixed: &mut [u8; FIXED_HEADER_BYTES], has_extensions: bool) {
        fixed[0] = VERSION_2 | if has_extensions { EXTENSION } else { 0 };
        fixed[1] = self.payload_type.value() | if self.marker { MARKER } else { 0 };
        fixed[2..4].copy_from_slice(&self.sequence.0.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        fixed[8..12].copy_from_slice(&self.ssrc.0.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: HeaderFields = HeaderFields {
        marker: true,
        payload_type: PayloadType::from_header_byte(111),
        sequence: SequenceNumber(0x1234),
        timestamp: 0xdead_beef,
        ssrc: Ssrc(0xcafe_f00d),
    };

    #[test]
    fn plain_header_has_the_layout_of_rfc_3550() {
        let mut out = [0; 20];
        assert_eq!(write_header(&mut out, &FIELDS, &[]), Some(12));
        assert_eq!(&out[..12], &[0x80, 0x80 | 111, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe, 0xf0, 0x0d]);
        let header = RtpHeader::parse(&out[..12]).expect("just written");
        assert_eq!((header.fields(), header.len()), (FIELDS, 12));
        assert_eq!(header.extensions(&out).count(), 0);
    }

    #[test]
    fn csrcs_and_extension_block_are_stepped_over() {
        let mut packet = vec![0x92, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        packet.extend([9; 8]); // two contributing sources
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 0x41, 0, 0]);
        packet.extend(b"payload");
        let header = RtpHeader::parse(&packet).expect("well formed");
        assert_eq!(header.len(), 28);
        assert_eq!(&packet[header.len()..], b"payload");
        assert_eq!(header.extensions(&packet).find(1), Some(&[0x41][..]));
    }

    #[test]
    fn every_truncation_is_refused() {
        let mut packet = [0; 64];
        let len = write_header(&mut packet, &FIELDS, &[Extension { id: 3, value: b"abc" }]).expect("fits");
        for cut in 0..len {
            assert_eq!(RtpHeader::parse(&packet[..cut]), None, "cut at {cut}");
        }
        assert!(RtpHeader::parse(&packet[..len]).is_some());
    }

    #[test]
    fn only_version_two_is_rtp() {
        for version in [0_u8, 1, 3] {
            let mut packet = [0; 12];
            packet[0] = version << 6;
            assert_eq!(RtpHeader::parse(&packet), None, "version {version}");
        }
    }

    #[test]
    fn too_small_a_buffer_is_refused() {
        let mut out = [0; 24];
        let extensions = [Extension { id: 1, value: b"12345678" }];
        assert_eq!(write_header(&mut out[..11], &FIELDS, &[]), None);
        assert_eq!(write_header(&mut out, &FIELDS, &extensions), None);
    }
}
