//! A slot: the m-line on which one participant receives, and the rewriting that makes whatever is bound to it one
//! continuous stream. Bytes are written by [`writing`].

mod writing;

use super::Arrival;
use super::encoding::{Encoding, clock_rate};
use super::passed::ExtensionBlock;
use super::publication::{Publication, PublicationKey};
use crate::command::{SlotWish, Why};
use crate::id::Mid;
use crate::rtp::Ssrc;
use crate::sdp::{self, Extension, ExtensionMap, MediaKind, NegotiatedMedia, PayloadTypes};
use crate::stream::ENCODINGS_MAX;
use crate::stream::clock::RtpClock;
use crate::stream::keyframe::RequesterLimit;
use crate::stream::rewrite::{Kind, Rewriter, Start};
use std::time::Duration;
pub(super) use writing::Egress;
use writing::Outlet;

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

impl Slot {
    /// `media` has a slot. `start` are random first numbers.
    pub(super) fn new(media: &NegotiatedMedia, slot: &sdp::Slot, start: Start) -> Self {
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
            rewriter: Rewriter::new(kind, clock_rate(media.kind), start),
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
        subscription.choice.target.filter(|target| self.shown(publication) != Some(*target))
    }

    /// Whether the receiver can decode any codec of the publication.
    pub(super) fn understands(&self, publication: &Publication) -> bool {
        publication.payload_types.codecs().iter().any(|codec| self.decodes(codec.codec))
    }

    /// Whether the receiver reports send times instead of transport-wide numbers.
    pub(super) fn uses_transport_cc(&self) -> bool {
        self.extensions.id(Extension::TransportCc).is_some()
    }

    /// Forwards what arrived of the bound publication, as far as it belongs to what the slot shows. Returns packets
    /// written.
    #[inline]
    pub(super) fn forward<'a>(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &mut Publication,
        arrivals: impl Iterator<Item = (&'a Arrival, &'a mut ExtensionBlock)>,
    ) -> u32 {
        let mut written = 0;
        let mut outlet = None;
        let mut shown = self.shown(publication);
        for (&Arrival { encoding, sequence, .. }, block) in arrivals {
            if shown == Some(encoding) {
                written += u32::from(self.forward_stored(egress, &mut outlet, block, publication, encoding, sequence));
            } else if self.subscription.as_ref().is_some_and(|wanted| wanted.choice.target == Some(encoding)) {
                written += self.switch(egress, publication, encoding, sequence);
                shown = self.shown(publication);
            }
        }
        written
    }

    /// Sends a packet again that the receiver says it lost. Returns whether it was sent.
    pub(super) fn resend(
        &mut self,
        egress: &mut Egress<'_>,
        publication: &mut Publication,
        sequence: u16,
        rtt: Duration,
    ) -> bool {
        let Ok(requested) = self.rewriter.requested(sequence) else { return false };
        let Publication { encodings, payload_types, .. } = publication;
        let Some(source) = encodings.get_mut(usize::from(requested.encoding)).filter(|source| self.follows(source))
        else {
            return false;
        };
        let Some(stored) = source.ring.packet_mut(requested.sequence) else { return false };
        let rewritten = self.rewriter.resend(egress.now, requested, stored.facts, rtt);
        rewritten.is_ok_and(|rewritten| self.write_again(egress, payload_types, stored, &rewritten))
    }

    /// Where a timestamp of the forwarded encoding lies on the slot's clock, for sender reports.
    pub(super) fn translate(&self, timestamp: u32) -> Option<u32> {
        self.rewriter.translate(timestamp)
    }

    /// The encoding on its way, while it is to be shown and has not begun anew.
    #[inline]
    fn shown(&self, publication: &Publication) -> Option<u8> {
        let encoding = self.rewriter.encoding()?;
        let subscription = self.subscription.as_ref()?;
        let follows = self.follows(&publication.encodings[usize::from(encoding)]);
        (follows && subscription.choice.target.is_some()).then_some(encoding)
    }

    /// Whether an encoding has not begun anew since the slot went over to it.
    #[inline]
    fn follows(&self, encoding: &Encoding) -> bool {
        self.subscription.as_ref().is_some_and(|subscription| subscription.generation == encoding.generation)
    }

    /// Goes over to another encoding or publication, if this packet is one where a decoder can.
    #[cold]
    fn switch(&mut self, egress: &mut Egress<'_>, publication: &mut Publication, encoding: u8, sequence: u64) -> u32 {
        let Publication { encodings, payload_types, .. } = publication;
        let mut clocks: [Option<RtpClock>; ENCODINGS_MAX] = [None; ENCODINGS_MAX];
        for (clock, encoding) in clocks.iter_mut().zip(&*encodings) {
            *clock = encoding.clock;
        }
        let source = &mut encodings[usize::from(encoding)];
        let newest = source.ring.highest().unwrap_or(sequence);
        let Some(stored) = source.ring.packet_mut(sequence).filter(|stored| stored.facts.is_switch_point()) else {
            return 0;
        };
        let subscription = self.subscription.as_mut().expect("only what is subscribed is switched to");
        if subscription.generation != source.generation {
            subscription.generation = source.generation;
            self.rewriter.rebind();
        }
        let facts = stored.facts;
        let Some(rewritten) = self.rewriter.switch(encoding, sequence, facts, &clocks) else { return 0 };
        let mut outlet = self.outlet(payload_types, facts.payload_type);
        let mut block = ExtensionBlock::new();
        let written = outlet.is_some_and(|outlet| self.write_first(egress, outlet, &mut block, stored, &rewritten));
        let mut written = u32::from(written);
        self.rewriter.note(&rewritten);
        for overtaker in sequence + 1..=newest.min(sequence + OVERTAKERS_MAX) {
            block.forget();
            written +=
                u32::from(self.forward_stored(egress, &mut outlet, &mut block, publication, encoding, overtaker));
        }
        written
    }

    /// Forwards a packet of the encoding that is on its way, if the ring has it. Returns whether it was written.
    /// `outlet` is that of the packet before.
    #[inline(always)]
    fn forward_stored(
        &mut self,
        egress: &mut Egress<'_>,
        outlet: &mut Option<Outlet>,
        block: &mut ExtensionBlock,
        publication: &mut Publication,
        encoding: u8,
        sequence: u64,
    ) -> bool {
        let Publication { encodings, payload_types, .. } = publication;
        let Some(stored) = encodings[usize::from(encoding)].ring.packet_mut(sequence) else { return false };
        let facts = stored.facts;
        if stored.payload.is_empty() {
            // Padding, with which a publisher probes: it has a number, which must not become a gap.
            self.rewriter.skip(encoding, sequence, facts);
            return false;
        }
        if outlet.is_none_or(|outlet| outlet.source != facts.payload_type) {
            *outlet = self.outlet(payload_types, facts.payload_type);
        }
        let Some(rewritten) = self.rewriter.forward(encoding, sequence, facts) else { return false };
        let written = outlet.is_some_and(|outlet| self.write_first(egress, outlet, block, stored, &rewritten));
        self.rewriter.note(&rewritten);
        written
    }
}
