//! Extended reports (RFC 3611): only the two blocks that give receivers a round-trip time (§4.4, §4.5).

use super::report::NtpTime;
use super::{u16_at, u32_at};
use crate::rtp::Ssrc;

pub(super) const BLOCK_RECEIVER_REFERENCE_TIME: u8 = 4;
pub(super) const BLOCK_DELAY_SINCE_RRTR: u8 = 5;
/// Most blocks of one packet that are looked at: two are usual.
const BLOCKS_MAX: usize = 16;

/// An extended report.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    blocks: &'a [u8],
}

/// The answer to a receiver's reference time (a DLRR sub-block): as a report block echoes a sender report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelaySinceRrtr {
    /// Whose reference time is answered.
    pub ssrc: Ssrc,
    /// The middle of that reference time.
    pub last_reference_time: u32,
    /// From receiving it to sending this, in 65,536ths of a second.
    pub delay_since_last: u32,
}

impl<'a> ExtendedReport<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        Some(Self { ssrc: Ssrc(u32_at(body, 0)?), blocks: body.get(4..)? })
    }

    /// The receiver's clock, if it asks to have it answered (RRTR).
    #[must_use]
    pub fn reference_time(&self) -> Option<NtpTime> {
        let (_, block) = self.blocks().find(|(kind, _)| *kind == BLOCK_RECEIVER_REFERENCE_TIME)?;
        Some(NtpTime(u64::from(u32_at(block, 0)?) << 32 | u64::from(u32_at(block, 4)?)))
    }

    /// The answers to reference times (DLRR).
    pub fn delays(&self) -> impl Iterator<Item = DelaySinceRrtr> + use<'a> {
        let answers = self.blocks().filter(|(kind, _)| *kind == BLOCK_DELAY_SINCE_RRTR);
        answers.flat_map(|(_, block)| {
            block.as_chunks::<12>().0.iter().map(|&[s0, s1, s2, s3, l0, l1, l2, l3, d0, d1, d2, d3]| DelaySinceRrtr {
                ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
                last_reference_time: u32::from_be_bytes([l0, l1, l2, l3]),
                delay_since_last: u32::from_be_bytes([d0, d1, d2, d3]),
            })
        })
    }

    /// Block types with their contents; ends early at a malformed block.
    fn blocks(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut rest = self.blocks;
        (0..BLOCKS_MAX).map_while(move |_| {
            let kind = *rest.first()?;
            let end = 4 + 4 * usize::from(u16_at(rest, 2)?);
            let block = rest.get(4..end)?;
            rest = &rest[end..];
            Some((kind, block))
        })
    }
}
