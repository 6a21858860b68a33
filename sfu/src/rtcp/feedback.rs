//! Requests of a receiver to a sender: NACK, PLI (RFC 4585), FIR (RFC 5104), REMB (draft-alvestrand-rmcat-remb-03).

use super::u32_at;
use crate::rtp::{SequenceNumber, Ssrc};

/// Where the sender's and the media SSRC end and the feedback control information begins.
const CONTROL_AT: usize = 8;
pub(super) const REMB_NAME: &[u8; 4] = b"REMB";

/// A generic NACK.
#[derive(Clone, Copy, Debug)]
pub struct Nack<'a> {
    /// Who asks.
    pub sender: Ssrc,
    /// The stream that lost packets.
    pub media: Ssrc,
    items: &'a [u8],
}

/// A picture loss indication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureLoss {
    /// Who asks.
    pub sender: Ssrc,
    /// The stream that needs a keyframe.
    pub media: Ssrc,
}

/// A full intra request.
#[derive(Clone, Copy, Debug)]
pub struct FullIntraRequest<'a> {
    /// Who asks.
    pub sender: Ssrc,
    entries: &'a [u8],
}

/// A receiver's estimate of the bandwidth toward it.
#[derive(Clone, Copy, Debug)]
pub struct Remb<'a> {
    /// Who estimates.
    pub sender: Ssrc,
    /// The estimate, over all the streams together.
    pub bits_per_second: u64,
    ssrcs: &'a [u8],
}

impl<'a> Nack<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        Some(Self { sender: Ssrc(u32_at(body, 0)?), media: Ssrc(u32_at(body, 4)?), items: body.get(CONTROL_AT..)? })
    }

    /// The lost packets: for each item the number it names, then those of its bit mask (RFC 4585 §6.2.1). At most 17
    /// per four bytes; may repeat.
    pub fn lost(&self) -> impl Iterator<Item = SequenceNumber> + use<'a> {
        self.items.as_chunks::<4>().0.iter().flat_map(|&[p0, p1, m0, m1]| {
            let first = SequenceNumber(u16::from_be_bytes([p0, p1]));
            let mask = u16::from_be_bytes([m0, m1]);
            let following = (0..16).filter(move |bit| mask >> bit & 1 == 1).map(move |bit| first.plus(bit + 1));
            std::iter::once(first).chain(following)
        })
    }
}

impl PictureLoss {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        Some(Self { sender: Ssrc(u32_at(body, 0)?), media: Ssrc(u32_at(body, 4)?) })
    }
}

impl<'a> FullIntraRequest<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        Some(Self { sender: Ssrc(u32_at(body, 0)?), entries: body.get(CONTROL_AT..)? })
    }

    /// The streams that need a keyframe, each with the number of the request: a repeated number is a repeated request
    /// (RFC 5104 §4.3.1.1).
    pub fn requests(&self) -> impl Iterator<Item = (Ssrc, u8)> + use<'a> {
        self.entries
            .as_chunks::<8>()
            .0
            .iter()
            .map(|&[s0, s1, s2, s3, number, ..]| (Ssrc(u32::from_be_bytes([s0, s1, s2, s3])), number))
    }
}

impl<'a> Remb<'a> {
    /// Whether application-layer feedback is a REMB.
    pub(super) fn is_remb(body: &[u8]) -> bool {
        body.get(CONTROL_AT..CONTROL_AT + 4) == Some(REMB_NAME)
    }

    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let word = u32_at(body, CONTROL_AT + 4)?;
        let ssrc_count = (word >> 24) as usize;
        let (exponent, mantissa) = (word >> 18 & 0x3f, u64::from(word & 0x3_ffff));
        // An exponent that shifts the value out of 64 bits is nonsense, but the sense of it is "no limit".
        let bits_per_second = if mantissa.leading_zeros() >= exponent { mantissa << exponent } else { u64::MAX };
        let ssrcs = body.get(CONTROL_AT + 8..CONTROL_AT + 8 + 4 * ssrc_count)?;
        Some(Self { sender: Ssrc(u32_at(body, 0)?), bits_per_second, ssrcs })
    }

    /// The streams the estimate is for.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        self.ssrcs.as_chunks::<4>().0.iter().map(|bytes| Ssrc(u32::from_be_bytes(*bytes)))
    }
}

/// The 18-bit mantissa and 6-bit exponent of an estimate, rounded down.
pub(super) fn remb_mantissa_and_exponent(bits_per_second: u64) -> u32 {
    let exponent = (u64::BITS - bits_per_second.leading_zeros()).saturating_sub(18);
    exponent << 18 | (bits_per_second >> exponent) as u32
}
