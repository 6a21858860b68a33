//! RTP packets as a bot writes and reads them, by hand: the fixed header and one-byte extensions (RFC 8285).

use super::offer::extension;

/// A packet before its protection.
#[derive(Clone, Debug, Default)]
pub struct Outgoing<'a> {
    /// Payload type.
    pub payload_type: u8,
    /// Last packet of a frame.
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// SSRC.
    pub ssrc: u32,
    /// Extensions as id and value, at most 16 bytes each.
    pub extensions: Vec<(u8, Vec<u8>)>,
    /// What it carries.
    pub payload: &'a [u8],
}

impl Outgoing<'_> {
    /// The bytes of the packet.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = vec![0x90, self.payload_type | if self.marker { 0x80 } else { 0 }];
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.timestamp.to_be_bytes());
        bytes.extend_from_slice(&self.ssrc.to_be_bytes());
        let mut extensions = Vec::new();
        for (id, value) in &self.extensions {
            let length = u8::try_from(value.len() - 1).expect("at most 16 bytes");
            extensions.push(id << 4 | length);
            extensions.extend_from_slice(value);
        }
        extensions.resize(extensions.len().next_multiple_of(4), 0);
        bytes.extend_from_slice(&[0xBE, 0xDE]);
        bytes.extend_from_slice(&((extensions.len() / 4) as u16).to_be_bytes());
        bytes.extend_from_slice(&extensions);
        bytes.extend_from_slice(self.payload);
        bytes
    }
}

/// A packet after its protection was taken off.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Payload type.
    pub payload_type: u8,
    /// Last packet of a frame.
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// SSRC.
    pub ssrc: u32,
    /// Transport-wide sequence number, where there is one.
    pub transport_sequence: Option<u16>,
    /// What it carries, without padding.
    pub payload: &'a [u8],
}

impl<'a> Incoming<'a> {
    /// Reads a packet; `None` if it is none.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(12)?;
        if header[0] >> 6 != 2 {
            return None;
        }
        rest = rest.get(usize::from(header[0] & 0x0F) * 4..)?;
        let mut transport_sequence = None;
        if header[0] & 0x10 != 0 {
            let words = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
            let extensions = rest.get(4..4 + words * 4)?;
            transport_sequence = one_byte_extension(extensions, extension::TRANSPORT_CC)
                .and_then(|value| Some(u16::from_be_bytes(value.try_into().ok()?)));
            rest = &rest[4 + words * 4..];
        }
        if header[0] & 0x20 != 0 {
            rest = rest.get(..rest.len().checked_sub(usize::from(*rest.last()?))?)?;
        }
        let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        Some(Self {
            payload_type: header[1] & 0x7F,
            marker: header[1] & 0x80 != 0,
            sequence: u16::from_be_bytes([header[2], header[3]]),
            timestamp: word(4),
            ssrc: word(8),
            transport_sequence,
            payload: rest,
        })
    }
}

fn one_byte_extension(mut extensions: &[u8], wanted: u8) -> Option<&[u8]> {
    while let [first, rest @ ..] = extensions {
        if *first == 0 {
            extensions = rest;
            continue;
        }
        let length = usize::from(first & 0x0F) + 1;
        let value = rest.get(..length)?;
        if first >> 4 == wanted {
            return Some(value);
        }
        extensions = &rest[length..];
    }
    None
}
