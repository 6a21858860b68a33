//! A slot: the m-line on which one participant receives, and the rewriting that makes whatever is bound to it one
//! continuous stream.

use super::encoding::clock_rate;
use super::passed::{self, WRITTEN_MAX};
use super::publication::{Publication, PublicationKey};
use crate::command::{SlotWish, Why};
use crate::id::Mid;
use crate::rtp::vp8::{VP8_DESCRIPTOR_MAX, Vp8Descriptor};
use crate::rtp::{self, HeaderFields, PayloadType, SequenceNumber, Ssrc, write_header};
use crate::sdp::{self, Codec, Extension, ExtensionMap, MediaKind, NegotiatedMedia, PayloadTypes};
use crate::sends::{NetPath, Sends};
use crate::srtp::SrtpSealer;
use crate::stream::ENCODINGS_MAX;
use crate::stream::clock::RtpClock;
use crate::stream::history::Origin;
use crate::stream::keyframe::RequesterLimit;
use crate::stream::picture::Picture;
use crate::stream::rewrite::{Kind, Resend, Rewriter, Rewritten, Start};
use crate::stream::ring::Stored;
use crate::stream::twcc::TwccSender;
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
    /// The encoding that should be shown; its publisher is told.
    pub(super) wanted: Option<u8>,
    /// The best encoding for that among those that arrive; `None`: nothing is sent.
    pub(super) target: Option<u8>,
    /// Why nothing, or less than asked, is sent.
    pub(super) why: Option<Why>,
    /// [`super::encoding::Encoding::generation`] of the encoding that is forwarded.
    generation: u32,
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
        self.subscription = publication.map(|publication| Subscription {
            publication,
            wanted: None,
            target: None,
            why: None,
            generation: 0,
        });
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
        subscription.target.filter(|target| !self.is_forwarding(publication, *target))
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
        publication: &Publication,
        encoding: u8,
        sequence: u64,
        sends: &mut Sends,
    ) -> u32 {
        let source = &publication.encodings[usize::from(encoding)];
        let Some(stored) = source.ring.packet(sequence) else { return 0 };
        if self.is_forwarding(publication, encoding) {
            return self.forward_stored(egress, publication, encoding, &stored, sends);
        }
        let awaited = self.subscription.as_ref().and_then(|subscription| subscription.target) == Some(encoding);
        if awaited && stored.facts.is_switch_point() {
            return self.switch(egress, publication, encoding, &stored, sends);
        }
        0
    }

    /// Sends a packet again that the receiver says it lost. Returns whether it was sent.
    pub(super) fn resend(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &Publication,
        sequence: u16,
        rtt: Duration,
        sends: &mut Sends,
    ) -> bool {
        let Ok(Resend { origin: Origin::Source { encoding, sequence }, rewritten }) =
            self.rewriter.resend(egress.now, sequence, rtt)
        else {
            return false;
        };
        let stored = publication.encodings.get(usize::from(encoding)).and_then(|source| source.ring.packet(sequence));
        stored.is_some_and(|stored| self.write(egress, publication, &stored, &rewritten, Copy::Again, sends))
    }

    /// Where a timestamp of the forwarded encoding lies on the slot's clock, for sender reports.
    pub(super) fn translate(&self, timestamp: u32) -> Option<u32> {
        self.rewriter.translate(timestamp)
    }

    fn is_forwarding(&self, publication: &Publication, encoding: u8) -> bool {
        let generation = publication.encodings[usize::from(encoding)].generation;
        self.rewriter.encoding() == Some(encoding)
            && self.subscription.as_ref().is_some_and(|s| s.generation == generation && s.target.is_some())
    }

    fn switch(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &Publication,
        encoding: u8,
        stored: &Stored<'_>,
        sends: &mut Sends,
    ) -> u32 {
        let source = &publication.encodings[usize::from(encoding)];
        let mut clocks: [Option<RtpClock>; ENCODINGS_MAX] = [None; ENCODINGS_MAX];
        for (clock, encoding) in clocks.iter_mut().zip(&publication.encodings) {
            *clock = encoding.clock;
        }
        let subscription = self.subscription.as_mut().expect("only what is subscribed is switched to");
        if subscription.generation != source.generation {
            subscription.generation = source.generation;
            self.rewriter.rebind();
        }
        let Some(rewritten) = self.rewriter.switch(encoding, stored.sequence, stored.facts, &clocks) else { return 0 };
        let mut written = u32::from(self.write(egress, publication, stored, &rewritten, Copy::First, sends));
        let newest = source.ring.highest().unwrap_or(stored.sequence);
        for sequence in stored.sequence + 1..=newest.min(stored.sequence + OVERTAKERS_MAX) {
            if let Some(overtaker) = source.ring.packet(sequence) {
                written += self.forward_stored(egress, publication, encoding, &overtaker, sends);
            }
        }
        written
    }

    fn forward_stored(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &Publication,
        encoding: u8,
        stored: &Stored<'_>,
        sends: &mut Sends,
    ) -> u32 {
        if stored.payload.is_empty() {
            // Padding, with which a publisher probes: it has a number, which must not become a gap.
            self.rewriter.skip(encoding, stored.sequence, stored.facts);
            return 0;
        }
        let rewritten = self.rewriter.forward(encoding, stored.sequence, stored.facts);
        rewritten
            .map_or(0, |rewritten| u32::from(self.write(egress, publication, stored, &rewritten, Copy::First, sends)))
    }

    /// Seals one packet straight into the send slab.
    fn write(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &Publication,
        stored: &Stored<'_>,
        rewritten: &Rewritten,
        copy: Copy,
        sends: &mut Sends,
    ) -> bool {
        let Some(codec) = publication.payload_types.codec_for(stored.facts.payload_type) else { return false };
        let Some((payload_type, payload)) = self.payload_for(codec, stored.payload) else { return false };
        let Some(header) = self.header(payload_type, rewritten, copy) else { return false };

        let mut prefix = Prefix::default();
        if let Copy::Again = copy {
            prefix.push(&rewritten.sequence().to_be_bytes());
        }
        let replaced = rewritten.picture.map_or(0, |picture| prefix.push_vp8(payload, &picture));
        let rest = &payload[replaced..];

        let mut extensions = [rtp::Extension { id: 0, value: &[] }; WRITTEN_MAX];
        let mut count = passed::translate(stored.extensions, &self.extensions, &mut extensions);
        let stamp;
        if let Some(id) = self.extensions.id(Extension::TransportCc) {
            stamp = egress.twcc.stamp(egress.now, payload.len()).to_be_bytes();
            extensions[count] = rtp::Extension { id, value: &stamp };
            count += 1;
        }

        let (roc, sealer) = (header.roc, egress.sealer);
        let written = sends.write(egress.path, |out| {
            let header_len = write_header(out, &header.fields, &extensions[..count])?;
            if prefix.is_empty() {
                sealer.seal_rtp(roc, out, header_len, rest)
            } else {
                sealer.seal_rtp_parts(roc, out, header_len, prefix.as_bytes(), rest)
            }
        });
        if written && let Copy::First = copy {
            self.packets_sent = self.packets_sent.wrapping_add(1);
            self.octets_sent = self.octets_sent.wrapping_add(payload.len() as u32);
        }
        written
    }

    /// The receiver's payload type for a codec, with the payload it can read. Redundant Opus loses its redundancy for
    /// a receiver that does not know it, and for one that numbers Opus otherwise than the redundancy's headers say.
    fn payload_for<'a>(&self, codec: Codec, payload: &'a [u8]) -> Option<(u8, &'a [u8])> {
        match (self.payload_types.pt_for(codec), codec) {
            (Some(payload_type), Codec::OpusRed) => {
                let opus = self.payload_types.pt_for(Codec::Opus)?;
                match rtp::red::primary(payload) {
                    Some(primary) if primary.payload_type != opus => Some((opus, primary.payload)),
                    Some(_) => Some((payload_type, payload)),
                    None => None,
                }
            }
            (Some(payload_type), _) => Some((payload_type, payload)),
            (None, Codec::OpusRed) => {
                let opus = self.payload_types.pt_for(Codec::Opus)?;
                rtp::red::primary(payload).map(|primary| (opus, primary.payload))
            }
            (None, _) => None,
        }
    }

    fn payload_type_for(&self, codec: Codec) -> Option<u8> {
        let codec = if codec == Codec::OpusRed { Codec::Opus } else { codec };
        self.payload_types.pt_for(codec)
    }

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

/// The bytes that stand before the stored payload, or in place of its beginning.
#[derive(Default)]
struct Prefix {
    bytes: [u8; 2 + VP8_DESCRIPTOR_MAX],
    len: usize,
}

impl Prefix {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Writes the payload's VP8 descriptor with other numbers; returns the length of what it replaces.
    fn push_vp8(&mut self, payload: &[u8], picture: &Picture) -> usize {
        let Some(descriptor) = Vp8Descriptor::parse(payload) else { return 0 };
        let start = self.len;
        self.push(&payload[..descriptor.len]);
        let bytes = &mut self.bytes[start..self.len];
        if let Some(id) = picture.id {
            descriptor.patch_picture_id(bytes, id.value());
        }
        if let Some(tl0) = picture.tl0 {
            descriptor.patch_tl0_picture_index(bytes, tl0);
        }
        if let Some(key_index) = picture.key_index {
            descriptor.patch_key_index(bytes, key_index);
        }
        descriptor.len
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
