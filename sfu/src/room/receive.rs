//! Datagrams of participants: into their transports, and from there into the rings of their publications.

use super::participant::Participant;
use super::publication::{Publication, StreamRole};
use super::{ARRIVALS_MAX, Arrival, Change, Context, Room, passed};
use crate::command::{Event, LeaveReason};
use crate::demux::ParticipantKey;
use crate::ice::PathChange;
use crate::id::{Mid, Rid};
use crate::rtp::{DatagramKind, RtpPacket, classify};
use crate::sdp::{Extension, MediaKind};
use crate::sends::NetPath;
use crate::stream::level::AudioLevel;
use crate::stream::worker_time::WorkerTime;
use crate::transport::{EndReason, TransportEvent};
use slab::Slab;
use std::time::Instant;

impl Room {
    /// A STUN message for the participant's user name fragment, from anywhere.
    pub(crate) fn handle_stun(&mut self, context: &mut Context<'_>, key: ParticipantKey, from: NetPath, bytes: &[u8]) {
        self.participants[key.0].transport.handle_stun(context.now, from, bytes, context.sends);
        self.follow_transport(context, key);
    }

    /// A DTLS datagram on a path of the participant.
    pub(crate) fn handle_dtls(
        &mut self,
        context: &mut Context<'_>,
        key: ParticipantKey,
        from: NetPath,
        bytes: &mut [u8],
    ) {
        self.participants[key.0].transport.handle_dtls(context.now, from, bytes, context.sends);
        self.follow_transport(context, key);
    }

    /// A path of the participant is no more.
    pub(crate) fn handle_disconnect(&mut self, context: &mut Context<'_>, key: ParticipantKey, path: NetPath) {
        self.participants[key.0].transport.remove_path(path);
        self.follow_transport(context, key);
    }

    /// An SRTP packet on a path of the participant.
    #[inline]
    pub(crate) fn handle_rtp(
        &mut self,
        context: &mut Context<'_>,
        key: ParticipantKey,
        from: NetPath,
        bytes: &mut [u8],
    ) {
        let participant = &mut self.participants[key.0];
        let Some(opened) = participant.transport.open_rtp(context.now, from, bytes) else { return };
        context.counters.rtp_in += 1;
        context.counters.rtp_bytes_in += bytes.len() as u64;
        match opened.packet(bytes) {
            Some(packet) => self.receive(context, key, &packet),
            None => context.counters.drop_malformed += 1,
        }
    }

    /// One authentic packet: note its arrival, find whose it is, put it into the ring, remember to forward it.
    fn receive(&mut self, context: &mut Context<'_>, key: ParticipantKey, packet: &RtpPacket<'_>) {
        let now = context.now;
        if let Some(at) = self.participants[key.0].note_arrival((now, context.time), packet) {
            self.wake(key, at);
        }
        let participant = &mut self.participants[key.0];
        let Some(role) = participant.role_of(packet, &mut self.publications) else {
            context.counters.drop_unpublished += 1;
            return;
        };
        if !role.rtx {
            participant.uplink.newest_ssrc = packet.ssrc();
        }
        let publication = &mut self.publications[role.publication.0];
        if publication.muted {
            context.counters.drop_unpublished += 1;
            return;
        }
        let encoding = usize::from(role.encoding);
        let was_live = publication.encodings[encoding].is_live(context.time);
        let passed = &mut self.scratch.passed;
        let used = passed::collect(packet.extensions(), &publication.extensions, passed);
        let passed = &passed[..used];
        let Some(sequence) = publication.receive(now, context.time, role, packet, passed) else { return };
        if publication.kind == MediaKind::Audio
            && let Some(level) = passed::audio_level(passed)
        {
            self.speakers.handle_level(context.time, role.publication, AudioLevel::from_byte(level));
        }
        let feedback = publication.encodings[encoding].next_feedback(now);
        self.note(context, Arrival { publication: role.publication, encoding: role.encoding, sequence });
        if let Some(at) = feedback {
            self.wake(key, at);
        }
        if !was_live {
            self.select_soon(now);
        }
    }

    /// A packet is in its ring: remember to forward it.
    pub(super) fn note(&mut self, context: &mut Context<'_>, arrival: Arrival) {
        if self.arrivals.len() < ARRIVALS_MAX {
            self.dirty |= self.arrivals.is_empty();
            self.arrivals.push(arrival);
        } else {
            context.counters.drop_other += 1;
        }
    }

    /// What slots show may depend on which encodings live (media trap A6).
    pub(super) fn select_soon(&mut self, now: Instant) {
        self.select_at = now;
    }

    /// Drains what a transport has to say.
    pub(super) fn follow_transport(&mut self, context: &mut Context<'_>, key: ParticipantKey) {
        while let Some(event) = self.participants[key.0].transport.poll_event() {
            match event {
                TransportEvent::Path(PathChange::Added(path)) => self.changes.push_back(Change::PathAdded(key, path)),
                TransportEvent::Path(PathChange::Removed(path)) => {
                    self.changes.push_back(Change::PathRemoved(key, path));
                }
                TransportEvent::Path(PathChange::Selected(_)) => {}
                TransportEvent::Connected { srtp, dtls: _ } => {
                    let participant = &mut self.participants[key.0];
                    participant.connected = true;
                    context.counters.srtp_profiles[srtp as usize] += 1;
                    context.events.push_back(Event::Connected { participant: participant.id, srtp });
                    // Its first reports.
                    self.wake(key, context.now);
                    self.select_for(context, key);
                    self.handle_early(context, key);
                }
                TransportEvent::Ended(reason) => {
                    if !self.participants[key.0].connected {
                        context.counters.connect_failures[usize::from(matches!(reason, EndReason::Dtls(_)))] += 1;
                    }
                    self.leave(context, key, leave_reason(reason));
                    return;
                }
            }
        }
        if let Some(at) = self.participants[key.0].transport.poll_timeout() {
            self.wake(key, at);
        }
    }

    /// Media that overtook the end of the handshake.
    fn handle_early(&mut self, context: &mut Context<'_>, key: ParticipantKey) {
        while let Some(mut early) = self.participants[key.0].transport.poll_early() {
            match classify(&early.bytes) {
                DatagramKind::Rtp => self.handle_rtp(context, key, early.from, &mut early.bytes),
                DatagramKind::Rtcp => self.handle_rtcp(context, key, early.from, &mut early.bytes),
                DatagramKind::Stun | DatagramKind::Dtls | DatagramKind::Other => {}
            }
        }
    }
}

impl Participant {
    /// Transport-wide arrival times are of all packets, whatever they carry. Says when they must be told.
    fn note_arrival(&mut self, now: (Instant, WorkerTime), packet: &RtpPacket<'_>) -> Option<Instant> {
        let number = self.uplink.extensions.id(Extension::TransportCc).and_then(|id| packet.extension(id));
        if let Some(&[high, low]) = number {
            self.uplink.twcc.record(now, u16::from_be_bytes([high, low]));
        }
        self.uplink.twcc.poll_timeout()
    }

    /// What the packet's SSRC carries, learnt from the packet itself if it was not seen before (media traps I3, B4).
    #[inline]
    fn role_of(&mut self, packet: &RtpPacket<'_>, publications: &mut Slab<Publication>) -> Option<StreamRole> {
        self.streams.role_of(packet.ssrc()).or_else(|| self.learn_stream(packet, publications))
    }

    #[cold]
    fn learn_stream(&mut self, packet: &RtpPacket<'_>, publications: &mut Slab<Publication>) -> Option<StreamRole> {
        let role = self.named_role(packet, publications).or_else(|| self.announced_role(packet, publications))?;
        if !self.streams.learn(packet.ssrc(), role) {
            return None;
        }
        if !role.rtx {
            publications[role.publication.0].encodings[usize::from(role.encoding)].restart(packet.ssrc());
        }
        Some(role)
    }

    /// By the mid and rid that the packet carries.
    fn named_role(&self, packet: &RtpPacket<'_>, publications: &Slab<Publication>) -> Option<StreamRole> {
        let value = |extension| self.uplink.extensions.id(extension).and_then(|id| packet.extension(id));
        let mid = value(Extension::Mid).and_then(Mid::parse)?;
        let key = *self.publications.iter().find(|key| publications[key.0].id.mid == mid)?;
        let publication = &publications[key.0];
        let rtx = publication.payload_types.repaired_by(packet.payload_type().value()).is_some();
        let rid = value(if rtx { Extension::RepairedRid } else { Extension::Rid }).and_then(Rid::parse);
        let encoding = if publication.encodings.len() == 1 { 0 } else { publication.encoding_of(rid)? };
        Some(StreamRole { publication: key, encoding, rtx })
    }

    /// By the SSRCs of the offer, else by a payload type that only one m-line has.
    fn announced_role(&self, packet: &RtpPacket<'_>, publications: &Slab<Publication>) -> Option<StreamRole> {
        let payload_type = packet.payload_type().value();
        let mut carriers = Vec::new();
        for &key in &self.publications {
            let publication = &publications[key.0];
            if let Some((encoding, rtx)) = publication.announced(packet.ssrc()) {
                return Some(StreamRole { publication: key, encoding, rtx });
            }
            let rtx = publication.payload_types.repaired_by(payload_type).is_some();
            if (rtx || publication.payload_types.codec_for(payload_type).is_some()) && publication.encodings.len() == 1
            {
                carriers.push(StreamRole { publication: key, encoding: 0, rtx });
            }
        }
        match carriers.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

fn leave_reason(reason: EndReason) -> LeaveReason {
    match reason {
        EndReason::Dtls(_) => LeaveReason::HandshakeFailed,
        EndReason::ConnectTimedOut | EndReason::ConsentExpired => LeaveReason::ConsentExpired,
        EndReason::ClosedByPeer => LeaveReason::Closed,
    }
}
