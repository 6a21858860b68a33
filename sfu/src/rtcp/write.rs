//! Writes compound packets into a fixed buffer.

use super::extended::{BLOCK_DELAY_SINCE_RRTR, BLOCK_RECEIVER_REFERENCE_TIME, DelaySinceRrtr};
use super::feedback::{REMB_NAME, remb_mantissa_and_exponent};
use super::report::{NtpTime, ReportBlock, SDES_CNAME, SenderInfo};
use super::{HEADER_BYTES, format, packet_type, transport_feedback};
use crate::rtp::{SequenceNumber, Ssrc};

/// Most entries of a packet whose entries are counted in its header.
const COUNT_MAX: usize = 31;

/// Appends parts to a compound packet. A part either fits whole or leaves the packet as it was; each method says which.
///
/// The order is the caller's: a report first, then a source description, then feedback, unless reduced size was
/// negotiated (RFC 3550 §6.1, RFC 5506).
#[derive(Debug)]
pub struct CompoundWriter<'a> {
    out: &'a mut [u8],
    len: usize,
}

/// A part being written: fails softly when the buffer is full.
struct Part<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> CompoundWriter<'a> {
    /// Into `out`, which should leave room for what sealing adds ([`crate::srtp::SRTCP_OVERHEAD_MAX`]).
    #[must_use]
    pub fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    /// Length of the compound packet so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The compound packet so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.out[..self.len]
    }

    /// A sender report. At most 31 blocks.
    pub fn sender_report(&mut self, ssrc: Ssrc, info: &SenderInfo, blocks: &[ReportBlock]) -> bool {
        self.part(packet_type::SENDER_REPORT, count_of(blocks), |part| {
            part.word(ssrc.0)?;
            part.bytes(&info.ntp.0.to_be_bytes())?;
            part.word(info.rtp_timestamp)?;
            part.word(info.packets)?;
            part.word(info.payload_bytes)?;
            blocks.iter().try_for_each(|block| part.bytes(&block.to_bytes()))
        })
    }

    /// A receiver report. At most 31 blocks; none is fine.
    pub fn receiver_report(&mut self, ssrc: Ssrc, blocks: &[ReportBlock]) -> bool {
        self.part(packet_type::RECEIVER_REPORT, count_of(blocks), |part| {
            part.word(ssrc.0)?;
            blocks.iter().try_for_each(|block| part.bytes(&block.to_bytes()))
        })
    }

    /// The CNAME of one source, at most 255 bytes.
    pub fn source_description(&mut self, ssrc: Ssrc, cname: &str) -> bool {
        self.part(packet_type::SOURCE_DESCRIPTION, Some(1), |part| {
            part.word(ssrc.0)?;
            part.bytes(&[SDES_CNAME, u8::try_from(cname.len()).ok()?])?;
            part.bytes(cname.as_bytes())?;
            part.bytes(&[0])
        })
    }

    /// The end of up to 31 sources.
    pub fn goodbye(&mut self, ssrcs: &[Ssrc]) -> bool {
        self.part(packet_type::GOODBYE, count_of(ssrcs), |part| ssrcs.iter().try_for_each(|ssrc| part.word(ssrc.0)))
    }

    /// Lost packets of one stream, in ascending order (modulo wrap): neighbours share an item. False also if there are
    /// none.
    pub fn nack(&mut self, sender: Ssrc, media: Ssrc, lost: impl IntoIterator<Item = SequenceNumber>) -> bool {
        self.part(packet_type::TRANSPORT_FEEDBACK, Some(format::NACK), |part| {
            part.word(sender.0)?;
            part.word(media.0)?;
            let mut lost = lost.into_iter();
            let (mut first, mut mask) = (lost.next()?, 0_u16);
            for number in lost {
                match number.distance_from(first) {
                    0 => {}
                    distance @ 1..=16 => mask |= 1 << (distance - 1),
                    _ => {
                        part.word(u32::from(first.0) << 16 | u32::from(mask))?;
                        (first, mask) = (number, 0);
                    }
                }
            }
            part.word(u32::from(first.0) << 16 | u32::from(mask))
        })
    }

    /// A picture loss indication.
    pub fn picture_loss(&mut self, sender: Ssrc, media: Ssrc) -> bool {
        self.part(packet_type::PAYLOAD_FEEDBACK, Some(format::PICTURE_LOSS), |part| {
            part.word(sender.0)?;
            part.word(media.0)
        })
    }

    /// A full intra request; `number` grows by one with each new request to the stream.
    pub fn full_intra_request(&mut self, sender: Ssrc, media: Ssrc, number: u8) -> bool {
        self.part(packet_type::PAYLOAD_FEEDBACK, Some(format::FULL_INTRA), |part| {
            part.word(sender.0)?;
            part.word(0)?; // the stream is in the entry (RFC 5104 §4.3.1.2)
            part.word(media.0)?;
            part.bytes(&[number, 0, 0, 0])
        })
    }

    /// An estimate of the bandwidth toward us, for up to 255 streams. Rounded down to 18 significant bits.
    pub fn remb(&mut self, sender: Ssrc, bits_per_second: u64, ssrcs: &[Ssrc]) -> bool {
        self.part(packet_type::PAYLOAD_FEEDBACK, Some(format::APPLICATION), |part| {
            let ssrc_count = u8::try_from(ssrcs.len()).ok()?;
            part.word(sender.0)?;
            part.word(0)?;
            part.bytes(REMB_NAME)?;
            part.word(u32::from(ssrc_count) << 24 | remb_mantissa_and_exponent(bits_per_second))?;
            ssrcs.iter().try_for_each(|ssrc| part.word(ssrc.0))
        })
    }

    /// Arrivals of consecutive transport-wide sequence numbers from `base` on, in µs on our clock, `None` for what did
    /// not arrive. Returns how many it covers, for the next feedback to go on from there; 0 if nothing was written,
    /// which is so when there is no room or nothing arrived.
    pub fn transport_feedback(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        feedback_count: u8,
        base: SequenceNumber,
        arrivals: impl IntoIterator<Item = Option<i64>>,
    ) -> usize {
        let mut covered = 0;
        let written = self.part(packet_type::TRANSPORT_FEEDBACK, Some(format::TRANSPORT_WIDE), |part| {
            part.word(sender.0)?;
            part.word(media.0)?;
            // A whole number of words of room, so that padding cannot overflow.
            let room = (part.out.len() - part.len) & !3;
            let free = &mut part.out[part.len..][..room];
            let (len, count) = transport_feedback::write_control(free, base, feedback_count, arrivals.into_iter())?;
            part.len += len;
            covered = count;
            Some(())
        });
        if written { covered } else { 0 }
    }

    /// Our clock, for the other side to answer (RRTR).
    pub fn reference_time(&mut self, sender: Ssrc, now: NtpTime) -> bool {
        self.part(packet_type::EXTENDED_REPORT, Some(0), |part| {
            part.word(sender.0)?;
            part.bytes(&[BLOCK_RECEIVER_REFERENCE_TIME, 0, 0, 2])?;
            part.bytes(&now.0.to_be_bytes())
        })
    }

    /// Answers to reference times (DLRR).
    pub fn delays_since_rrtr(&mut self, sender: Ssrc, answers: &[DelaySinceRrtr]) -> bool {
        self.part(packet_type::EXTENDED_REPORT, Some(0), |part| {
            let words = u16::try_from(3 * answers.len()).ok()?;
            part.word(sender.0)?;
            part.word(u32::from(BLOCK_DELAY_SINCE_RRTR) << 24 | u32::from(words))?;
            answers.iter().try_for_each(|answer| {
                part.word(answer.ssrc.0)?;
                part.word(answer.last_reference_time)?;
                part.word(answer.delay_since_last)
            })
        })
    }

    /// Writes one part: header, what `write` adds, zeros up to the next word. `None` for `count` or from `write` undoes
    /// it.
    fn part(&mut self, packet_type: u8, count: Option<u8>, write: impl FnOnce(&mut Part<'_>) -> Option<()>) -> bool {
        let mut part = Part { out: &mut self.out[self.len..], len: 0 };
        let finished = count.and_then(|count| {
            part.bytes(&[0x80 | count, packet_type, 0, 0])?;
            write(&mut part)?;
            part.finish()
        });
        self.len += finished.unwrap_or(0);
        finished.is_some()
    }
}

fn count_of<T>(entries: &[T]) -> Option<u8> {
    (entries.len() <= COUNT_MAX).then_some(entries.len() as u8)
}

impl Part<'_> {
    fn word(&mut self, word: u32) -> Option<()> {
        self.bytes(&word.to_be_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.out.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    /// Pads to a whole number of words, fills in the length, and returns it in bytes.
    fn finish(mut self) -> Option<usize> {
        let padding = self.len.next_multiple_of(4) - self.len;
        self.bytes(&[0; 3][..padding])?;
        let words = u16::try_from((self.len - HEADER_BYTES) / 4).ok()?;
        self.out[2..4].copy_from_slice(&words.to_be_bytes());
        Some(self.len)
    }
}

#[cfg(test)]
mod tests;
