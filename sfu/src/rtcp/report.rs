//! Sender and receiver reports, source descriptions and goodbyes (RFC 3550 §6.4 to §6.6).

use super::u32_at;
use crate::rtp::Ssrc;

/// Bytes of one report block.
pub(super) const REPORT_BLOCK_BYTES: usize = 24;
/// The SDES item that names a source for as long as it lives; the others are nobody's business.
pub(super) const SDES_CNAME: u8 = 1;

/// Wall-clock time as NTP has it: seconds since 1900 in the upper half, fractions of 2⁻³² s in the lower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NtpTime(pub u64);

/// What one receiver says about one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream reported on.
    pub ssrc: Ssrc,
    /// Loss since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning, −2²³ to 2²³ − 1; negative when duplicates outnumber losses.
    pub cumulative_lost: i32,
    /// Highest sequence number received, with the receiver's own count of wraps above it.
    pub highest_sequence: u32,
    /// Interarrival jitter in ticks of the media clock.
    pub jitter: u32,
    /// The middle of the NTP time of the last sender report received; 0 if there was none.
    pub last_sender_report: u32,
    /// From receiving that report to sending this, in 65,536ths of a second.
    pub delay_since_last: u32,
}

/// The sender's part of a sender report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sender's wall clock at sending.
    pub ntp: NtpTime,
    /// The media clock at the same moment.
    pub rtp_timestamp: u32,
    /// Packets sent so far, modulo 2³².
    pub packets: u32,
    /// Payload bytes sent so far, modulo 2³².
    pub payload_bytes: u32,
}

/// A sender report.
#[derive(Clone, Copy, Debug)]
pub struct SenderReport<'a> {
    /// The stream that reports.
    pub ssrc: Ssrc,
    /// What it sent.
    pub info: SenderInfo,
    blocks: &'a [u8],
}

/// A receiver report.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    blocks: &'a [u8],
}

/// A source description.
#[derive(Clone, Copy, Debug)]
pub struct SourceDescription<'a> {
    chunk_count: u8,
    chunks: &'a [u8],
}

/// A goodbye.
#[derive(Clone, Copy, Debug)]
pub struct Goodbye<'a> {
    ssrcs: &'a [u8],
}

impl NtpTime {
    /// The middle 32 bits, in 65,536ths of a second: what reports echo.
    #[must_use]
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

impl ReportBlock {
    fn parse(block: &[u8; REPORT_BLOCK_BYTES]) -> Self {
        let word = |at: usize| u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        Self {
            ssrc: Ssrc(word(0)),
            fraction_lost: block[4],
            // 24 bits, signed: shifted up to the sign bit and back.
            cumulative_lost: (word(4) << 8) as i32 >> 8,
            highest_sequence: word(8),
            jitter: word(12),
            last_sender_report: word(16),
            delay_since_last: word(20),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; REPORT_BLOCK_BYTES] {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        let words = [
            self.ssrc.0,
            u32::from(self.fraction_lost) << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sender_report,
            self.delay_since_last,
        ];
        let mut bytes = [0; REPORT_BLOCK_BYTES];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

fn report_blocks(bytes: &[u8]) -> impl Iterator<Item = ReportBlock> {
    bytes.as_chunks::<REPORT_BLOCK_BYTES>().0.iter().map(ReportBlock::parse)
}

impl<'a> SenderReport<'a> {
    /// Profile-specific extensions after the report blocks are ignored.
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        let ntp = u64::from(u32_at(body, 4)?) << 32 | u64::from(u32_at(body, 8)?);
        let info = SenderInfo {
            ntp: NtpTime(ntp),
            rtp_timestamp: u32_at(body, 12)?,
            packets: u32_at(body, 16)?,
            payload_bytes: u32_at(body, 20)?,
        };
        let blocks = body.get(24..24 + usize::from(count) * REPORT_BLOCK_BYTES)?;
        Some(Self { ssrc: Ssrc(u32_at(body, 0)?), info, blocks })
    }

    /// What it has received itself.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        report_blocks(self.blocks)
    }
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        let blocks = body.get(4..4 + usize::from(count) * REPORT_BLOCK_BYTES)?;
        Some(Self { ssrc: Ssrc(u32_at(body, 0)?), blocks })
    }

    /// What it has received.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        report_blocks(self.blocks)
    }
}

impl<'a> SourceDescription<'a> {
    pub(super) fn new(chunk_count: u8, chunks: &'a [u8]) -> Self {
        Self { chunk_count, chunks }
    }

    /// The CNAME of each source that has one. Ends early at a malformed chunk. A CNAME is any bytes, up to 255.
    pub fn cnames(&self) -> impl Iterator<Item = (Ssrc, &'a [u8])> + use<'a> {
        let mut rest = self.chunks;
        (0..self.chunk_count).map_while(move |_| take_chunk(&mut rest)).filter_map(|(ssrc, cname)| Some((ssrc, cname?)))
    }
}

/// Takes one chunk: an SSRC, items of type, length and text, and a zero byte with padding to the next word.
fn take_chunk<'a>(rest: &mut &'a [u8]) -> Option<(Ssrc, Option<&'a [u8]>)> {
    let ssrc = Ssrc(u32_at(rest, 0)?);
    let mut cname = None;
    let mut at = 4;
    loop {
        let item = *rest.get(at)?;
        if item == 0 {
            break;
        }
        let text_at = at + 2;
        let text = rest.get(text_at..text_at + usize::from(*rest.get(at + 1)?))?;
        if item == SDES_CNAME {
            cname = Some(text);
        }
        at = text_at + text.len();
    }
    // At least one zero byte ends the chunk. Some senders leave out the padding behind the last one.
    *rest = rest.get((at + 1).next_multiple_of(4)..).unwrap_or_default();
    Some((ssrc, cname))
}

impl<'a> Goodbye<'a> {
    /// The reason text after the sources is ignored.
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        Some(Self { ssrcs: body.get(..usize::from(count) * 4)? })
    }

    /// The sources that end.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        self.ssrcs.as_chunks::<4>().0.iter().map(|bytes| Ssrc(u32::from_be_bytes(*bytes)))
    }
}
