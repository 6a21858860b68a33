//! RTCP: it ends here in both directions (media trap B2). What a receiver reports moves keyframe requests, repeats and
//! estimates; what a publisher must know is written anew.

use super::participant::Participant;
use super::publication::PublicationKey;
use super::{Context, Room, Scratch};
use crate::command::{Event, QualityCause};
use crate::demux::ParticipantKey;
use crate::rtcp::{
    Compound, CompoundWriter, DelaySinceRrtr, NtpTime, ReportBlock, RtcpPacket, SenderInfo, SenderReport,
};
use crate::rtp::{SequenceNumber, Ssrc};
use crate::sends::NetPath;
use crate::srtp::SRTCP_OVERHEAD_MAX;
use crate::stream::clock::Ntp;
use crate::stream::quality::{Cause, Measured, quality};
use std::time::Duration;

/// Longest compound packet that we write: fits every path that carries media.
const RTCP_BYTES_MAX: usize = 1200;
/// How often somebody is reported to who sends nothing and is sent nothing: the least that RFC 3550 §6.2 asks for.
const EMPTY_REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// Round-trip time assumed until it is measured.
const RTT_ASSUMED: Duration = Duration::from_millis(100);

impl Room {
    /// An SRTCP packet on a path of the participant.
    pub(crate) fn handle_rtcp(
        &mut self,
        context: &mut Context<'_>,
        key: ParticipantKey,
        from: NetPath,
        bytes: &mut [u8],
    ) {
        let Some(len) = self.participants[key.0].transport.open_rtcp(context.now, from, bytes) else { return };
        let mut compound = Compound::new(&bytes[..len]);
        for packet in compound.by_ref() {
            match packet {
                RtcpPacket::SenderReport(report) => {
                    self.handle_sender_report(context, key, &report);
                    report.blocks().for_each(|block| self.participants[key.0].handle_block(context, &block));
                }
                RtcpPacket::ReceiverReport(report) => {
                    report.blocks().for_each(|block| self.participants[key.0].handle_block(context, &block));
                }
                RtcpPacket::Nack(nack) => self.handle_nack(context, key, nack.media, nack.lost()),
                RtcpPacket::PictureLoss(loss) => self.handle_keyframe_request(context, key, loss.media),
                RtcpPacket::FullIntraRequest(request) => {
                    request.requests().for_each(|(media, _)| self.handle_keyframe_request(context, key, media));
                }
                RtcpPacket::Remb(remb) => self.participants[key.0].downlink.remb = Some(remb.bits_per_second),
                RtcpPacket::TransportFeedback(feedback) => {
                    let downlink = &mut self.participants[key.0].downlink;
                    let arrivals = feedback.arrivals().map(|(number, at)| (number.0, at));
                    let results = &mut self.scratch.results;
                    results.clear();
                    downlink.twcc.handle_feedback((context.now, context.time), arrivals, results);
                    downlink.bandwidth.on_feedback(context.now, results);
                }
                RtcpPacket::ExtendedReport(report) => {
                    let reference = report.reference_time().map(|time| (report.ssrc, time.middle(), context.now));
                    let known = &mut self.participants[key.0].uplink.reference_time;
                    *known = reference.or(*known);
                }
                RtcpPacket::SourceDescription(_) | RtcpPacket::Goodbye(_) | RtcpPacket::Unknown { .. } => {}
            }
        }
        context.counters.drop_malformed += u64::from(compound.malformed());
    }

    fn handle_sender_report(&mut self, context: &Context<'_>, key: ParticipantKey, report: &SenderReport<'_>) {
        let participant = &mut self.participants[key.0];
        let Some(role) = participant.streams.role_of(report.ssrc).filter(|role| !role.rtx) else { return };
        let theirs = Ntp(report.info.ntp.0);
        participant.uplink.clock.handle_sender_report(context.config.wall.ntp(context.now), theirs);
        let encoding = &mut self.publications[role.publication.0].encodings[usize::from(role.encoding)];
        encoding.handle_sender_report(context.now, theirs, report.info.rtp_timestamp);
        self.tell_clock(role.publication, role.encoding);
    }

    /// A receiver lost packets: it gets them from the ring, on the slot's RTX stream.
    fn handle_nack(
        &mut self,
        context: &mut Context<'_>,
        key: ParticipantKey,
        media: Ssrc,
        lost: impl Iterator<Item = SequenceNumber>,
    ) {
        let participant = &mut self.participants[key.0];
        let rtt = participant.downlink.rtt().unwrap_or_default();
        let mut limit = participant.nacks;
        let Some(mut sending) = participant.sending(context.time, context.sends) else { return };
        let Some(slot) = sending.slots.iter_mut().find(|slot| slot.ssrc == media) else { return };
        let Some(publication) = slot.publication().map(|key| &mut self.publications[key.0]) else { return };
        for number in lost {
            context.counters.nack_in += 1;
            if limit.take(context.now) && slot.resend(&mut sending.egress, publication, number.0, rtt) {
                context.counters.rtx_out += 1;
            }
        }
        self.participants[key.0].nacks = limit;
    }

    fn handle_keyframe_request(&mut self, context: &mut Context<'_>, key: ParticipantKey, media: Ssrc) {
        context.counters.pli_in += 1;
        let slot = self.participants[key.0].slots.iter_mut().find(|slot| slot.ssrc == media);
        let Some(slot) = slot else { return };
        if !slot.keyframe_limit.allows(context.now) {
            return;
        }
        let Some(publication) = slot.publication().map(|key| &mut self.publications[key.0]) else { return };
        let wanted = slot.awaited_encoding(publication).or(slot.encoding());
        if let Some(encoding) = wanted {
            publication.encodings[usize::from(encoding)].keyframes.request();
            self.timers.wake_owner(&publication.owner, context.now);
        }
    }

    /// Keyframe requests, NACKs and arrival times to one publisher, as far as they are due.
    pub(super) fn send_feedback(&mut self, context: &mut Context<'_>, key: ParticipantKey) {
        let Self { participants, publications, scratch: Scratch { missing, .. }, .. } = self;
        let participant = &mut participants[key.0];
        let (ours, rtt) = (participant.uplink.ssrc, participant.downlink.rtt().unwrap_or(RTT_ASSUMED));
        for own in &participant.publications {
            let publication = &mut publications[own.0];
            for encoding in &mut publication.encodings {
                let Some(media) = encoding.ssrc else { continue };
                let nacks = publication.payload_types.codecs().iter().any(|codec| codec.feedback.nack);
                encoding.nack.poll(context.now, rtt, missing);
                if nacks && !missing.is_empty() {
                    let lost = missing.iter().map(|number| SequenceNumber(*number as u16));
                    if send_rtcp(&mut participant.transport, context, Some(ours), |out| out.nack(ours, media, lost)) {
                        context.counters.nack_out += missing.len() as u64;
                    }
                }
                if encoding.keyframes.poll(context.now)
                    && send_rtcp(&mut participant.transport, context, Some(ours), |out| out.picture_loss(ours, media))
                {
                    context.counters.pli_out += 1;
                }
            }
        }
        participant.send_arrival_times(context);
    }

    /// Sender and receiver reports of one participant, once a second.
    pub(super) fn send_reports(&mut self, context: &mut Context<'_>, key: ParticipantKey) {
        let (mut blocks, mut senders) =
            (std::mem::take(&mut self.scratch.blocks), std::mem::take(&mut self.scratch.senders));
        self.report_blocks(context, key, &mut blocks);
        self.sender_infos(context, key, &mut senders);
        let participant = &mut self.participants[key.0];
        let ours = participant.uplink.ssrc;
        let reference = participant.uplink.reference_time.take();
        let (cname, now) = (participant.negotiation.cname.as_str(), context.now);
        let says_nothing = blocks.is_empty() && senders.is_empty() && reference.is_none();
        if !says_nothing || participant.empty_report_at <= now {
            participant.empty_report_at = now + EMPTY_REPORT_INTERVAL;
            send_rtcp(&mut participant.transport, context, None, |out| {
                let mut written = out.receiver_report(ours, &blocks) && out.source_description(ours, cname);
                for (ssrc, info) in &senders {
                    written |= out.sender_report(*ssrc, info, &[]) && out.source_description(*ssrc, cname);
                }
                if let Some((ssrc, last_reference_time, at)) = reference {
                    let delay = ((now.saturating_duration_since(at).as_micros() << 16) / 1_000_000) as u32;
                    let answer = DelaySinceRrtr { ssrc, last_reference_time, delay_since_last: delay };
                    out.delays_since_rrtr(ours, &[answer]);
                }
                written
            });
        }
        participant.tell_quality(context, &blocks);
        (self.scratch.blocks, self.scratch.senders) = (blocks, senders);
    }

    fn report_blocks(&mut self, context: &Context<'_>, key: ParticipantKey, blocks: &mut Vec<ReportBlock>) {
        blocks.clear();
        for own in &self.participants[key.0].publications {
            for encoding in &mut self.publications[own.0].encodings {
                let Some((ssrc, report)) = encoding.ssrc.zip(encoding.stats.report(context.now)) else { continue };
                blocks.push(ReportBlock {
                    ssrc,
                    fraction_lost: report.fraction_lost,
                    cumulative_lost: report.cumulative_lost,
                    highest_sequence: report.highest,
                    jitter: report.jitter,
                    last_sender_report: report.last_sr,
                    delay_since_last: report.delay_since_last_sr,
                });
            }
        }
    }

    /// Our sender reports lead the publisher's clock over to the slot's (media trap B1).
    fn sender_infos(&self, context: &Context<'_>, key: ParticipantKey, infos: &mut Vec<(Ssrc, SenderInfo)>) {
        infos.clear();
        let ntp = context.config.wall.ntp(context.now);
        let info = |slot: &super::slot::Slot| {
            let PublicationKey(publication) = slot.publication()?;
            let publication = &self.publications[publication];
            let clock = publication.encodings[usize::from(slot.encoding()?)].clock?;
            let publisher = self.publisher_clock(publication);
            let rtp_timestamp = slot.translate(publisher.timestamp_at(ntp, &clock)?)?;
            let (packets, payload_bytes) = (slot.packets_sent, slot.octets_sent);
            Some((slot.ssrc, SenderInfo { ntp: NtpTime(ntp.0), rtp_timestamp, packets, payload_bytes }))
        };
        let participant = &self.participants[key.0];
        infos.extend(participant.playing.iter().filter_map(|&slot| info(&participant.slots[slot])));
    }
}

impl Participant {
    fn handle_block(&mut self, context: &Context<'_>, block: &ReportBlock) {
        if self.slots.iter().any(|slot| slot.ssrc == block.ssrc) {
            let ours = context.config.wall.ntp(context.now);
            self.downlink.report_rtt.handle_report(ours, block.last_sender_report, block.delay_since_last);
            self.downlink.fraction_lost = block.fraction_lost;
        }
    }

    fn send_arrival_times(&mut self, context: &mut Context<'_>) {
        let ours = self.uplink.ssrc;
        while let Some(feedback) = self.uplink.twcc.poll(context.now) {
            let arrivals = feedback.packets().map(|(_, at)| at.map(|micros| micros as i64));
            let base = SequenceNumber(feedback.base());
            // The feedback is of the whole transport, but libwebrtc takes it only for an SSRC that it sends.
            let media = self.uplink.newest_ssrc;
            send_rtcp(&mut self.transport, context, Some(ours), |out| {
                out.transport_feedback(ours, media, feedback.count, base, arrivals) > 0
            });
        }
    }

    fn tell_quality(&mut self, context: &mut Context<'_>, received: &[ReportBlock]) {
        let worst_up = received.iter().map(|block| block.fraction_lost).max().unwrap_or(0);
        let loss = f32::from(worst_up.max(self.downlink.fraction_lost)) / 256.0;
        let jitter_ticks = received.iter().map(|block| block.jitter).max().unwrap_or(0);
        let measured = Measured {
            loss,
            rtt: self.downlink.rtt().unwrap_or_default(),
            jitter: Duration::from_micros(u64::from(jitter_ticks) * 1000 / 90),
        };
        let quality = quality(&measured);
        if std::mem::replace(&mut self.told_score, quality.score) != quality.score {
            let cause = match quality.cause {
                None => QualityCause::None,
                Some(Cause::Loss) => QualityCause::Loss,
                Some(Cause::Delay) => QualityCause::Delay,
                Some(Cause::Jitter) => QualityCause::Jitter,
            };
            context.events.push_back(Event::Quality { participant: self.id, score: quality.score, cause });
        }
    }
}

/// Writes and seals one compound packet. Feedback of a receiver begins with an empty report, which is what makes a
/// compound packet of it for clients that do not take reduced ones (media trap B3).
fn send_rtcp(
    transport: &mut crate::transport::Transport,
    context: &mut Context<'_>,
    report_of: Option<Ssrc>,
    write: impl FnOnce(&mut CompoundWriter<'_>) -> bool,
) -> bool {
    let Some((path, sealer)) = transport.sending() else { return false };
    context.sends.write(path, |out| {
        let mut writer = CompoundWriter::new(&mut out[..RTCP_BYTES_MAX - SRTCP_OVERHEAD_MAX]);
        if let Some(ssrc) = report_of {
            writer.receiver_report(ssrc, &[]);
        }
        if !write(&mut writer) {
            return None;
        }
        let len = writer.len();
        sealer.seal_rtcp(out, len)
    })
}
