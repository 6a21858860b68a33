//! A participant: its transport, what it sends and the slots on which it receives.

use super::publication::{PublicationKey, StreamRole};
use super::slot::{Egress, Slot};
use crate::command::Binding;
use crate::id::{Mid, ParticipantId};
use crate::rtp::Ssrc;
use crate::sdp::{ExtensionMap, MediaKind, OfferOutline, Purpose};
use crate::sends::Sends;
use crate::srtp::SSRCS_PER_SESSION_MAX;
use crate::stream::bandwidth::BandwidthEstimate;
use crate::stream::clock::PublisherClock;
use crate::stream::report::Rtt;
use crate::stream::twcc::{TwccRecorder, TwccSender};
use crate::stream::worker_time::WorkerTime;
use crate::transport::{Rate, Transport};
use std::time::{Duration, Instant};

/// See the module.
pub(super) struct Participant {
    pub(super) id: ParticipantId,
    pub(super) transport: Transport,
    pub(super) priority: u8,
    pub(super) subscribes: bool,
    /// Whether its slots may play (media trap D7).
    pub(super) ready: bool,
    pub(super) connected: bool,
    /// In the order of the offer.
    pub(super) publications: Vec<PublicationKey>,
    pub(super) slots: Vec<Slot>,
    /// Which of the slots show something, in the order of the receiver's priorities, audio first. Forwarding and layer
    /// choice walk this short list instead of the slots, which are large.
    pub(super) playing: Vec<usize>,
    /// Whether what the slots show has changed since the participant was told.
    pub(super) slots_changed: bool,
    /// Whether the receiver reports arrival times of transport-wide numbers.
    pub(super) reports_arrivals: bool,
    pub(super) streams: Streams,
    pub(super) uplink: Uplink,
    pub(super) downlink: Downlink,
    /// Retransmissions asked for per second (SEC-12).
    pub(super) nacks: Rate,
    /// Our ICE user name fragments that lead here, oldest first.
    pub(super) ufrags: Vec<Box<str>>,
    pub(super) negotiation: Box<Negotiation>,
    /// When the next sender and receiver reports are due.
    pub(super) report_at: Instant,
    /// When it is time for one although it would say nothing.
    pub(super) empty_report_at: Instant,
    /// The quality last told.
    pub(super) told_score: u8,
    /// The bindings last told.
    pub(super) told_slots: Vec<Binding>,
}

/// What is kept of offer and answer for the next ones.
pub(super) struct Negotiation {
    pub(super) offer: OfferOutline,
    pub(super) session_id: u64,
    pub(super) answers: u64,
    /// The CNAME of all we send.
    pub(super) cname: String,
    pub(super) purpose: Purpose,
}

/// The way from the participant to us.
pub(super) struct Uplink {
    /// What extension ids mean before the m-line of a packet is known.
    pub(super) extensions: ExtensionMap,
    pub(super) twcc: TwccRecorder,
    /// Of the newest media packet: what feedback about the whole transport names.
    pub(super) newest_ssrc: Ssrc,
    pub(super) clock: PublisherClock,
    /// Our SSRC as a receiver (RFC 3550 §6.4.2).
    pub(super) ssrc: Ssrc,
    /// The newest reference time, for us to answer: whose, its middle 32 bits, when it came (RFC 3611 §4.4).
    pub(super) reference_time: Option<(Ssrc, u32, Instant)>,
}

/// The way from us to the participant.
pub(super) struct Downlink {
    pub(super) twcc: TwccSender,
    pub(super) bandwidth: BandwidthEstimate,
    /// The estimate of a receiver that reports no transport-wide arrival times, in bits per second.
    pub(super) remb: Option<u64>,
    pub(super) report_rtt: Rtt,
    /// Share of what we sent that was lost, of the newest report, in 1/256.
    pub(super) fraction_lost: u8,
}

/// A participant that is sent to; the fields are its own.
pub(super) struct Sending<'a> {
    pub(super) egress: Egress<'a>,
    pub(super) slots: &'a mut [Slot],
    pub(super) playing: &'a [usize],
    pub(super) slots_changed: &'a mut bool,
}

/// Which publication and encoding each of a participant's SSRCs carries. A short list, searched from the front: a
/// participant sends two to ten streams.
#[derive(Default)]
pub(super) struct Streams {
    known: Vec<(Ssrc, StreamRole)>,
}

impl Participant {
    /// What sending to this participant takes; `None` while it cannot be sent to.
    #[inline]
    pub(super) fn sending<'a>(&'a mut self, now: WorkerTime, sends: &'a mut Sends) -> Option<Sending<'a>> {
        let Self { transport, downlink, slots, playing, slots_changed, .. } = self;
        let (path, sealer) = transport.sending()?;
        let egress = Egress { now, lane: sends.lane(path), sealer, twcc: &mut downlink.twcc };
        Some(Sending { egress, slots, playing, slots_changed })
    }

    /// Brings in line what follows from the slots. To be called whenever one was bound, wished for, or taken away.
    pub(super) fn arrange(&mut self) {
        let Self { slots, playing, .. } = self;
        playing.clear();
        playing.extend((0..slots.len()).filter(|&index| slots[index].subscription.is_some()));
        playing.sort_unstable_by_key(|&index| {
            let slot = &slots[index];
            (slot.kind != MediaKind::Audio, slot.wish.map_or(0, |wish| wish.priority), index)
        });
        self.reports_arrivals = slots.iter().any(Slot::uses_transport_cc);
        self.slots_changed = true;
    }

    pub(super) fn slot(&mut self, mid: Mid) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.mid == mid)
    }
}

impl Downlink {
    /// The round-trip time, as far as it was measured.
    pub(super) fn rtt(&self) -> Option<Duration> {
        self.report_rtt.smoothed().or(self.twcc.rtt())
    }
}

impl Streams {
    #[inline]
    pub(super) fn role_of(&self, ssrc: Ssrc) -> Option<StreamRole> {
        self.known.iter().find(|(known, _)| *known == ssrc).map(|(_, role)| *role)
    }

    /// Notes a stream, in place of the one that had the role before (media trap I3). False if there are too many.
    pub(super) fn learn(&mut self, ssrc: Ssrc, role: StreamRole) -> bool {
        self.known.retain(|(known, other)| *known != ssrc && *other != role);
        let fits = self.known.len() < SSRCS_PER_SESSION_MAX;
        if fits {
            self.known.push((ssrc, role));
        }
        fits
    }

    pub(super) fn forget(&mut self, publication: PublicationKey) {
        self.known.retain(|(_, role)| role.publication != publication);
    }
}
