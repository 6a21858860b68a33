//! Walks a compound packet (RFC 3550 §6.1, reduced size per RFC 5506) and hands out a view of each part.

use super::extended::ExtendedReport;
use super::feedback::{FullIntraRequest, Nack, PictureLoss, Remb};
use super::report::{Goodbye, ReceiverReport, SenderReport, SourceDescription};
use super::transport_feedback::TransportFeedback;
use super::{HEADER_BYTES, format, packet_type};

/// Most parts of one compound packet that are read. Browsers send up to about ten; a datagram could hold 370.
const PARTS_MAX: usize = 64;

/// One part of a compound packet. The order of parts and their presence is not checked: see media trap B3.
#[derive(Clone, Copy, Debug)]
pub enum RtcpPacket<'a> {
    /// What a sender has sent, with its clock.
    SenderReport(SenderReport<'a>),
    /// What a receiver has received.
    ReceiverReport(ReceiverReport<'a>),
    /// Names of sources.
    SourceDescription(SourceDescription<'a>),
    /// Sources that end.
    Goodbye(Goodbye<'a>),
    /// Packets to send again.
    Nack(Nack<'a>),
    /// A keyframe is needed.
    PictureLoss(PictureLoss),
    /// A keyframe is needed, the older way.
    FullIntraRequest(FullIntraRequest<'a>),
    /// A receiver's estimate of its bandwidth.
    Remb(Remb<'a>),
    /// Arrival times of packets.
    TransportFeedback(TransportFeedback<'a>),
    /// Round-trip times for receivers.
    ExtendedReport(ExtendedReport<'a>),
    /// Well framed, but of a kind we have no use for.
    Unknown {
        /// The packet type.
        packet_type: u8,
        /// The count or format field.
        count: u8,
    },
}

/// Iterates over the parts of one plaintext compound packet.
///
/// A part whose framing is broken ends the walk, since nothing after it can be found; a well-framed part with broken
/// content is stepped over. Both are counted in [`Compound::malformed`].
#[derive(Clone, Debug)]
pub struct Compound<'a> {
    rest: &'a [u8],
    parts_left: usize,
    malformed: u32,
}

/// A part taken off the front: its header's fields, and its body after the header without padding.
struct Part<'a> {
    packet_type: u8,
    count: u8,
    body: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Over the plaintext of one RTCP datagram.
    #[must_use]
    pub fn new(packet: &'a [u8]) -> Self {
        Self { rest: packet, parts_left: PARTS_MAX, malformed: 0 }
    }

    /// How many parts were dropped so far because they were malformed.
    #[must_use]
    pub fn malformed(&self) -> u32 {
        self.malformed
    }

    fn take_part(&mut self) -> Option<Part<'a>> {
        let &[flags, packet_type, l0, l1] = self.rest.first_chunk::<HEADER_BYTES>()?;
        let len = HEADER_BYTES + 4 * usize::from(u16::from_be_bytes([l0, l1]));
        let (part, rest) = self.rest.split_at_checked(len)?;
        let mut body = &part[HEADER_BYTES..];
        if flags >> 6 != 2 {
            return None;
        }
        if flags & 0x20 != 0 {
            let padding = usize::from(*body.last()?);
            if padding == 0 {
                return None;
            }
            body = &body[..body.len().checked_sub(padding)?];
        }
        self.rest = rest;
        Some(Part { packet_type, count: flags & 0x1f, body })
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<RtcpPacket<'a>> {
        while !self.rest.is_empty() && self.parts_left > 0 {
            self.parts_left -= 1;
            let Some(part) = self.take_part() else {
                self.rest = &[];
                self.malformed += 1;
                return None;
            };
            match part.read() {
                Some(packet) => return Some(packet),
                None => self.malformed += 1,
            }
        }
        None
    }
}

impl<'a> Part<'a> {
    fn read(self) -> Option<RtcpPacket<'a>> {
        let Self { packet_type, count, body } = self;
        Some(match (packet_type, count) {
            (packet_type::SENDER_REPORT, _) => RtcpPacket::SenderReport(SenderReport::parse(count, body)?),
            (packet_type::RECEIVER_REPORT, _) => RtcpPacket::ReceiverReport(ReceiverReport::parse(count, body)?),
            (packet_type::SOURCE_DESCRIPTION, _) => RtcpPacket::SourceDescription(SourceDescription::new(count, body)),
            (packet_type::GOODBYE, _) => RtcpPacket::Goodbye(Goodbye::parse(count, body)?),
            (packet_type::TRANSPORT_FEEDBACK, format::NACK) => RtcpPacket::Nack(Nack::parse(body)?),
            (packet_type::TRANSPORT_FEEDBACK, format::TRANSPORT_WIDE) => {
                RtcpPacket::TransportFeedback(TransportFeedback::parse(body)?)
            }
            (packet_type::PAYLOAD_FEEDBACK, format::PICTURE_LOSS) => RtcpPacket::PictureLoss(PictureLoss::parse(body)?),
            (packet_type::PAYLOAD_FEEDBACK, format::FULL_INTRA) => {
                RtcpPacket::FullIntraRequest(FullIntraRequest::parse(body)?)
            }
            (packet_type::PAYLOAD_FEEDBACK, format::APPLICATION) if Remb::is_remb(body) => {
                RtcpPacket::Remb(Remb::parse(body)?)
            }
            (packet_type::EXTENDED_REPORT, _) => RtcpPacket::ExtendedReport(ExtendedReport::parse(body)?),
            _ => RtcpPacket::Unknown { packet_type, count },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CompoundWriter, DelaySinceRrtr, NtpTime, ReportBlock, SenderInfo};
    use super::*;
    use crate::rtp::{SequenceNumber, Ssrc};
    use proptest::prelude::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: Ssrc(3),
        fraction_lost: 4,
        cumulative_lost: 5,
        highest_sequence: 6,
        jitter: 7,
        last_sender_report: 8,
        delay_since_last: 9,
    };

    /// One part of every kind we can write, in a fixed order.
    fn every_part() -> Vec<Vec<u8>> {
        type Write = fn(&mut CompoundWriter<'_>) -> bool;
        let info = |ntp| SenderInfo { ntp: NtpTime(ntp), rtp_timestamp: 1, packets: 2, payload_bytes: 3 };
        let mut out = [0; 256];
        let mut writer = CompoundWriter::new(&mut out);
        assert!(writer.sender_report(Ssrc(1), &info(4), &[BLOCK]));
        let mut parts = vec![writer.as_bytes().to_vec()];
        let others: [Write; 10] = [
            |writer| writer.receiver_report(Ssrc(1), &[BLOCK, BLOCK]),
            |writer| writer.source_description(Ssrc(1), "canary"),
            |writer| writer.goodbye(&[Ssrc(1), Ssrc(2)]),
            |writer| writer.nack(Ssrc(1), Ssrc(2), [1, 2, 90].map(SequenceNumber)),
            |writer| writer.picture_loss(Ssrc(1), Ssrc(2)),
            |writer| writer.full_intra_request(Ssrc(1), Ssrc(2), 3),
            |writer| writer.remb(Ssrc(1), 300_000, &[Ssrc(2)]),
            |writer| {
                writer.transport_feedback(Ssrc(1), Ssrc(2), 0, SequenceNumber(9), [Some(0), None, Some(90_000)]) == 3
            },
            |writer| writer.reference_time(Ssrc(1), NtpTime(5)),
            |writer| {
                let answer = DelaySinceRrtr { ssrc: Ssrc(1), last_reference_time: 2, delay_since_last: 3 };
                writer.delays_since_rrtr(Ssrc(1), &[answer])
            },
        ];
        parts.extend(others.map(|write| {
            let mut out = [0; 256];
            let mut writer = CompoundWriter::new(&mut out);
            assert!(write(&mut writer));
            writer.as_bytes().to_vec()
        }));
        parts
    }

    /// Reads everything there is to read; returns how many parts were good and how many were not.
    fn read_all(packet: &[u8]) -> (usize, u32) {
        let mut compound = Compound::new(packet);
        let good = compound.by_ref().inspect(read_part).count();
        (good, compound.malformed())
    }

    fn read_part(part: &RtcpPacket<'_>) {
        let entries = match part {
            RtcpPacket::SenderReport(report) => report.blocks().count(),
            RtcpPacket::ReceiverReport(report) => report.blocks().count(),
            RtcpPacket::SourceDescription(description) => description.cnames().count(),
            RtcpPacket::Goodbye(goodbye) => goodbye.ssrcs().count(),
            RtcpPacket::Nack(nack) => nack.lost().count(),
            RtcpPacket::FullIntraRequest(request) => request.requests().count(),
            RtcpPacket::Remb(remb) => remb.ssrcs().count(),
            RtcpPacket::TransportFeedback(feedback) => {
                assert_eq!(feedback.arrivals().count(), feedback.status_count());
                feedback.status_count()
            }
            RtcpPacket::ExtendedReport(report) => report.delays().count() + report.reference_time().iter().count(),
            RtcpPacket::PictureLoss(_) | RtcpPacket::Unknown { .. } => 0,
        };
        assert!(entries <= 65_535, "bounded by the datagram or by a named limit");
    }

    #[test]
    fn trap_b3_each_type_alone_and_all_pairs() {
        let parts = every_part();
        for first in &parts {
            assert_eq!(read_all(first), (1, 0));
            for second in &parts {
                assert_eq!(read_all(&[&first[..], second].concat()), (2, 0));
            }
        }
    }

    #[test]
    fn trap_b3_truncated_at_each_byte() {
        let leading = every_part().swap_remove(5);
        for part in every_part() {
            for cut in 1..part.len() {
                let packet = [&leading, &part[..cut]].concat();
                assert_eq!(read_all(&packet), (1, 1), "cut at {cut} of {part:02x?}");
            }
        }
    }

    #[test]
    fn broken_content_is_stepped_over() {
        let check = |part: &[u8]| {
            let packet = [part, &every_part()[5]].concat();
            assert_eq!(read_all(&packet), (1, 1), "{part:02x?}");
        };
        check(&[0x81, 200, 0, 0]); // a sender report without anything
        check(&[0x82, 201, 0, 1, 0, 0, 0, 1]); // two blocks announced, none there
        check(&[0x81, 203, 0, 0]); // goodbye of one source, none there
        check(&[0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 3, 0, 0, 0, 0]); // statuses announced, none there
        // Nine deltas announced, two there.
        check(&[0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 9, 0, 0, 0, 0, 0x20, 9, 0, 0]);
    }

    #[test]
    fn broken_framing_ends_the_walk() {
        let good = every_part().swap_remove(5);
        for framing in [&[0x40, 200, 0, 0][..], &[0x80, 200, 0xff, 0xff], &[0xa0, 201, 0, 1, 0, 0, 0, 5], &[0x80]] {
            assert_eq!(read_all(&[framing, &good].concat()), (0, 1), "{framing:02x?}");
        }
    }

    #[test]
    fn padding_belongs_to_nobody() {
        let mut part = every_part().swap_remove(3);
        part.extend([0, 0, 0, 4]);
        part[0] |= 0x20;
        part[3] += 1;
        let Some(RtcpPacket::Goodbye(goodbye)) = Compound::new(&part).next() else { panic!("a goodbye") };
        assert_eq!(goodbye.ssrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
    }

    #[test]
    fn unknown_kinds_are_named() {
        let application = [0x83, 204, 0, 2, 0, 0, 0, 1, b'n', b'a', b'm', b'e'];
        let parts: Vec<_> = Compound::new(&application).map(|part| format!("{part:?}")).collect();
        assert_eq!(parts, ["Unknown { packet_type: 204, count: 3 }"]);
        let not_remb = [0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, b'G', b'O', b'O', b'G'];
        assert_eq!(read_all(&not_remb), (1, 0));
    }

    #[test]
    fn parts_of_one_packet_are_limited() {
        let many = [0x80, 203, 0, 0].repeat(370);
        assert_eq!(read_all(&many), (PARTS_MAX, 0));
    }

    proptest! {
        #[test]
        fn trap_b3_any_bytes_are_read_within_bounds(
            kind in 190_u8..215,
            count in 0_u8..32,
            body in prop::collection::vec(any::<u8>(), 0..200),
            cut in 0_usize..4,
        ) {
            let words = (body.len() / 4) as u8;
            let packet = [&[0x80 | count, kind, 0, words][..], &body].concat();
            read_all(&packet[..packet.len().saturating_sub(cut)]);
        }
    }
}
