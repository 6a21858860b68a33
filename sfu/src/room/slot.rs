//! A slot: the m-line on which one participant receives, and the rewriting that makes whatever is bound to it one
//! continuous stream.

use super::encoding::clock_rate;
use super::passed;
use super::publication::{Publication, PublicationKey};
use crate::command::{SlotWish, Why};
use crate::id::Mid;
use crate::rtp::vp8::{self, FrameNumbers};
use crate::rtp::{self, HeaderFields, PayloadType, SequenceNumber, Ssrc, write_header_with};
use crate::sdp::{self, Codec, Extension, ExtensionMap, MediaKind, NegotiatedMedia, PayloadTypes};
use crate::sends::{NetPath, Sends};
use crate::srtp::SrtpSealer;
use crate::stream::ENCODINGS_MAX;
use crate::stream::clock::RtpClock;
use crate::stream::history::Origin;
use crate::stream::keyframe::RequesterLimit;
use crate::stream::picture::{Picture, PictureId};
use crate::stream::rewrite::{Kind, Resend, Rewriter, Rewritten, Start};
use crate::stream::ring::StoredMut;
use crate::stream::twcc::TwccSender;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Packets that may have overtaken the first one of a keyframe and wait in the ring: those of a round trip, when it was
/// lost and sent again.
const OVERTAKERS_MAX: u64 = 128;

/// See the module.
pub(super) struct Slot {
    pub(super) mid: Mid,
    pub(super) kind: MediaKind,
    pub(super) ssrc: Ssrc,
    pub(super) rtx_ssrc: Option<Ssrc>,
    pub(super) wish: Option<SlotWish>,
    pub(super) subscription: Option<Subscription>,
    pub(super) keyframe_limit: RequesterLimit,
    /// Since the participant joined, for sender reports (RFC 3550 §6.4.1).
    pub(super) packets_sent: u32,
    pub(super) octets_sent: u32,
    payload_types: PayloadTypes,
    extensions: ExtensionMap,
    rewriter: Rewriter,
    /// Extended number of the next retransmission: they are numbered apart from the media (RFC 4588 §4).
    next_rtx: u64,
}

/// One participant's copy of a publication.
pub(super) struct Subscription {
    pub(super) publication: PublicationKey,
    pub(super) choice: Choice,
    /// [`super::encoding::Encoding::generation`] of the encoding that is forwarded.
    generation: u32,
}

/// What a subscription is to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// The encoding that should be shown; its publisher is told.
    pub(super) wanted: Option<u8>,
    /// The best encoding for that among those that arrive; `None`: nothing is sent.
    pub(super) target: Option<u8>,
    /// Why nothing, or less than asked, is sent.
    pub(super) why: Option<Why>,
}

/// What sealing toward one participant takes: where it goes, with which key, and the transport-wide count.
pub(super) struct Egress<'a> {
    pub(super) now: Instant,
    pub(super) path: NetPath,
    pub(super) sealer: &'a SrtpSealer,
    pub(super) twcc: &'a mut TwccSender,
}

/// The same packet for the first time, or again on request.
#[derive(Clone, Copy)]
enum Copy {
    First,
    Again,
}

impl Slot {
    /// `media` has a slot. `start` are random first numbers.
    pub(super) fn new(now: Instant, media: &NegotiatedMedia, slot: &sdp::Slot, start: Start) -> Self {
        let kind = if media.kind == MediaKind::Audio { Kind::Audio } else { Kind::Video };
        Self {
            mid: media.mid,
            kind: media.kind,
            ssrc: Ssrc(slot.ssrc),
            rtx_ssrc: slot.rtx_ssrc.map(Ssrc),
            wish: None,
            subscription: None,
            keyframe_limit: RequesterLimit::new(),
            packets_sent: 0,
            octets_sent: 0,
            payload_types: media.payload_types.clone(),
            extensions: slot.extensions.clone(),
            rewriter: Rewriter::new(now, kind, clock_rate(media.kind), start),
            next_rtx: u64::from(start.sequence ^ 0x5555),
        }
    }

    /// A later answer may have changed codecs and extensions; SSRCs and numbers go on.
    pub(super) fn renegotiate(&mut self, media: &NegotiatedMedia, slot: &sdp::Slot) {
        self.payload_types = media.payload_types.clone();
        self.extensions = slot.extensions.clone();
        self.rtx_ssrc = slot.rtx_ssrc.map(Ssrc);
    }

    /// Shows another publication from its next keyframe on, or nothing.
    pub(super) fn bind(&mut self, publication: Option<PublicationKey>) {
        self.rewriter.rebind();
        self.subscription =
            publication.map(|publication| Subscription { publication, choice: Choice::default(), generation: 0 });
    }

    /// What an answer says of it.
    pub(super) fn description(&self) -> sdp::SlotDescription {
        // The RTX number and the names are chosen anew where the client did not take them before.
        let rtx_ssrc = self.rtx_ssrc.map_or(self.ssrc.0 ^ 1, |ssrc| ssrc.0);
        let msid = sdp::Msid { stream: String::new(), track: String::new() };
        sdp::SlotDescription { mid: self.mid, ssrc: self.ssrc.0, rtx_ssrc, msid }
    }

    /// The publication in the slot.
    pub(super) fn publication(&self) -> Option<PublicationKey> {
        self.subscription.as_ref().map(|subscription| subscription.publication)
    }

    /// The encoding on its way now.
    pub(super) fn encoding(&self) -> Option<u8> {
        self.rewriter.encoding()
    }

    /// The encoding whose keyframe is waited for.
    pub(super) fn awaited_encoding(&self, publication: &Publication) -> Option<u8> {
        let subscription = self.subscription.as_ref()?;
        subscription.choice.target.filter(|target| !self.is_forwarding(publication, *target))
    }

    /// Whether the receiver can decode any codec of the publication.
    pub(super) fn understands(&self, publication: &Publication) -> bool {
        publication.payload_types.codecs().iter().any(|codec| self.payload_type_for(codec.codec).is_some())
    }

    /// Whether the receiver reports send times instead of transport-wide numbers.
    pub(super) fn uses_transport_cc(&self) -> bool {
        self.extensions.id(Extension::TransportCc).is_some()
    }

    /// Forwards one new packet of the bound publication, if it belongs to what the slot shows. Returns packets written.
    #[inline]
    pub(super) fn forward(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &mut Publication,
        encoding: u8,
        sequence: u64,
        sends: &mut Sends,
    ) -> u32 {
        if self.is_forwarding(publication, encoding) {
            return u32::from(self.forward_stored(egress, publication, encoding, sequence, sends));
        }
        let awaited = self.subscription.as_ref().and_then(|subscription| subscription.choice.target) == Some(encoding);
        if awaited { self.switch(egress, publication, encoding, sequence, sends) } else { 0 }
    }

    /// Sends a packet again that the receiver says it lost. Returns whether it was sent.
    pub(super) fn resend(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &mut Publication,
        sequence: u16,
        rtt: Duration,
        sends: &mut Sends,
    ) -> bool {
        let Ok(Resend { origin: Origin::Source { encoding, sequence }, rewritten }) =
            self.rewriter.resend(egress.now, sequence, rtt)
        else {
            return false;
        };
        let Publication { encodings, payload_types, .. } = publication;
        let stored = encodings.get_mut(usize::from(encoding)).and_then(|source| source.ring.packet_mut(sequence));
        stored.is_some_and(|stored| self.write(egress, payload_types, stored, &rewritten, Copy::Again, sends))
    }

    /// Where a timestamp of the forwarded encoding lies on the slot's clock, for sender reports.
    pub(super) fn translate(&self, timestamp: u32) -> Option<u32> {
        self.rewriter.translate(timestamp)
    }

    #[inline]
    fn is_forwarding(&self, publication: &Publication, encoding: u8) -> bool {
        let generation = publication.encodings[usize::from(encoding)].generation;
        self.rewriter.encoding() == Some(encoding)
            && self.subscription.as_ref().is_some_and(|s| s.generation == generation && s.choice.target.is_some())
    }

    /// Goes over to another encoding or publication, if this packet is one where a decoder can.
    #[cold]
    fn switch(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &mut Publication,
        encoding: u8,
        sequence: u64,
        sends: &mut Sends,
    ) -> u32 {
        let source = &publication.encodings[usize::from(encoding)];
        let Some(stored) = source.ring.packet(sequence).filter(|stored| stored.facts.is_switch_point()) else {
            return 0;
        };
        let mut clocks: [Option<RtpClock>; ENCODINGS_MAX] = [None; ENCODINGS_MAX];
        for (clock, encoding) in clocks.iter_mut().zip(&publication.encodings) {
            *clock = encoding.clock;
        }
        let subscription = self.subscription.as_mut().expect("only what is subscribed is switched to");
        if subscription.generation != source.generation {
            subscription.generation = source.generation;
            self.rewriter.rebind();
        }
        let Some(rewritten) = self.rewriter.switch(encoding, sequence, stored.facts, &clocks) else { return 0 };
        let newest = source.ring.highest().unwrap_or(sequence);
        let mut written = u32::from(self.write_first(egress, publication, encoding, sequence, &rewritten, sends));
        for overtaker in sequence + 1..=newest.min(sequence + OVERTAKERS_MAX) {
            written += u32::from(self.forward_stored(egress, publication, encoding, overtaker, sends));
        }
        written
    }

    /// Forwards a packet of the encoding that is on its way, if the ring has it. Returns whether it was written.
    #[inline(always)]
    fn forward_stored(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &mut Publication,
        encoding: u8,
        sequence: u64,
        sends: &mut Sends,
    ) -> bool {
        let Publication { encodings, payload_types, .. } = publication;
        let Some(stored) = encodings[usize::from(encoding)].ring.packet_mut(sequence) else { return false };
        if stored.payload.is_empty() {
            // Padding, with which a publisher probes: it has a number, which must not become a gap.
            self.rewriter.skip(encoding, sequence, stored.facts);
            return false;
        }
        let facts = stored.facts;
        let Some(rewritten) = self.rewriter.forward(encoding, sequence, facts) else { return false };
        let written = self.write(egress, payload_types, stored, &rewritten, Copy::First, sends);
        self.rewriter.note(encoding, sequence, facts, &rewritten);
        written
    }

    fn write_first(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &mut Publication,
        encoding: u8,
        sequence: u64,
        rewritten: &Rewritten,
        sends: &mut Sends,
    ) -> bool {
        let Publication { encodings, payload_types, .. } = publication;
        let Some(stored) = encodings[usize::from(encoding)].ring.packet_mut(sequence) else { return false };
        let facts = stored.facts;
        let written = self.write(egress, payload_types, stored, rewritten, Copy::First, sends);
        self.rewriter.note(encoding, sequence, facts, rewritten);
        written
    }

    /// Seals one packet straight into the send slab.
    #[inline(always)]
    fn write(
        &mut self,
        egress: &mut Egress<'_>,
        payload_types: &PayloadTypes,
        stored: StoredMut<'_>,
        rewritten: &Rewritten,
        copy: Copy,
        sends: &mut Sends,
    ) -> bool {
        let StoredMut { facts, extensions, payload: whole } = stored;
        let Some(codec) = payload_types.codec_for(facts.payload_type) else { return false };
        let Some((payload_type, part)) = self.payload_for(codec, whole) else { return false };
        let Some(header) = self.header(payload_type, rewritten, copy) else { return false };
        let original = rewritten.picture.map(|picture| Original::renumber(&mut whole[part.clone()], &picture));
        let payload = &whole[part.clone()];

        let stamp_id = self.extensions.id(Extension::TransportCc);
        let stamp = stamp_id.map_or(0, |_| egress.twcc.stamp(egress.now, payload.len())).to_be_bytes();
        let (roc, sealer, map) = (header.roc, egress.sealer, &self.extensions);
        let push = |block: &mut rtp::ShortBlock<'_>| {
            passed::push(extensions, map, block) && stamp_id.is_none_or(|id| block.push(id, &stamp))
        };
        let all = || passed::translate(extensions, map).chain(stamp_id.map(|id| rtp::Extension { id, value: &stamp }));
        let written = sends.write(egress.path, |out| {
            let header_len = write_header_with(out, &header.fields, push, all)?;
            match copy {
                Copy::First => sealer.seal_rtp(roc, out, header_len, payload),
                Copy::Again => {
                    let number = rewritten.sequence().to_be_bytes();
                    sealer.seal_rtp_parts(roc, out, header_len, &number, payload)
                }
            }
        });
        if written && let Copy::First = copy {
            self.packets_sent = self.packets_sent.wrapping_add(1);
            self.octets_sent = self.octets_sent.wrapping_add(payload.len() as u32);
        }
        if let Some(original) = original {
            original.restore(&mut whole[part]);
        }
        written
    }

    /// The receiver's payload type for a codec, with the part of the payload it can read. Redundant Opus loses its
    /// redundancy for a receiver that does not know it, and for one that numbers Opus otherwise than the redundancy's
    /// headers say.
    #[inline]
    fn payload_for(&self, codec: Codec, payload: &[u8]) -> Option<(u8, Range<usize>)> {
        if codec == Codec::OpusRed {
            return self.redundant_payload_for(payload);
        }
        Some((self.payload_types.pt_for(codec)?, 0..payload.len()))
    }

    fn redundant_payload_for(&self, payload: &[u8]) -> Option<(u8, Range<usize>)> {
        let opus = self.payload_types.pt_for(Codec::Opus)?;
        let primary = rtp::red::primary(payload)?;
        match self.payload_types.pt_for(Codec::OpusRed) {
            Some(red) if primary.payload_type == opus => Some((red, 0..payload.len())),
            // The primary encoding comes last (RFC 2198 §3).
            _ => Some((opus, payload.len() - primary.payload.len()..payload.len())),
        }
    }

    fn payload_type_for(&self, codec: Codec) -> Option<u8> {
        let codec = if codec == Codec::OpusRed { Codec::Opus } else { codec };
        self.payload_types.pt_for(codec)
    }

    #[inline]
    fn header(&mut self, payload_type: u8, rewritten: &Rewritten, copy: Copy) -> Option<Header> {
        let (payload_type, ssrc, sequence, roc) = match copy {
            Copy::First => (payload_type, self.ssrc, rewritten.sequence(), rewritten.roc()),
            Copy::Again => {
                let rtx = self.payload_types.rtx_for(payload_type)?;
                let index = self.next_rtx;
                self.next_rtx += 1;
                (rtx, self.rtx_ssrc?, index as u16, (index >> 16) as u32)
            }
        };
        let fields = HeaderFields {
            marker: rewritten.marker,
            payload_type: PayloadType::new(payload_type)?,
            sequence: SequenceNumber(sequence),
            timestamp: rewritten.timestamp,
            ssrc,
        };
        Some(Header { fields, roc })
    }
}

struct Header {
    fields: HeaderFields,
    roc: u32,
}

/// The head of a payload as the publisher wrote it, while the ring's copy carries a subscriber's frame numbers. That copy
/// is sealed straight from the ring then, and put right afterwards: a word moves instead of the packet.
struct Original(u64);

impl Original {
    /// Puts other numbers into the descriptor that `payload` begins with.
    #[inline(always)]
    fn renumber(payload: &mut [u8], picture: &Picture) -> Self {
        let original = Self::head(payload);
        let numbers = FrameNumbers {
            picture_id: picture.id.map_or(0, PictureId::value),
            tl0: picture.tl0.unwrap_or_default(),
            key_index: picture.key_index.unwrap_or_default(),
        };
        Self::set_head(payload, vp8::renumber(original, numbers));
        Self(original)
    }

    #[inline(always)]
    fn restore(&self, payload: &mut [u8]) {
        Self::set_head(payload, self.0);
    }

    /// The first bytes; of a shorter payload all, followed by zeros.
    #[inline(always)]
    fn head(payload: &[u8]) -> u64 {
        payload.first_chunk().map_or_else(|| Self::short_head(payload), |head| u64::from_be_bytes(*head))
    }

    #[inline(always)]
    fn set_head(payload: &mut [u8], head: u64) {
        match payload.first_chunk_mut() {
            Some(place) => *place = head.to_be_bytes(),
            None => payload.copy_from_slice(&head.to_be_bytes()[..payload.len()]),
        }
    }

    #[cold]
    fn short_head(payload: &[u8]) -> u64 {
        let mut head = [0; size_of::<u64>()];
        head[..payload.len()].copy_from_slice(payload);
        u64::from_be_bytes(head)
    }
}
