//! One encoding of a publication: the newest packets of one RTP stream, and what is known of its loss and its clock.

use crate::id::Rid;
use crate::rtp::{FrameInspector, FrameMarks, RtpPacket, Ssrc};
use crate::sdp::MediaKind;
use crate::stream::clock::{Ntp, RtpClock};
use crate::stream::keyframe::KeyframeRequests;
use crate::stream::nack::{Arrival as NackArrival, NackGenerator};
use crate::stream::packet::PacketFacts;
use crate::stream::report::ReceptionReport;
use crate::stream::ring::{Insertion, PacketRing, RingSize};
use crate::stream::sequence::Unwrapper;
use std::time::{Duration, Instant};

/// An encoding that is silent for longer counts as off (media trap A7: shorter stalls are the network's).
pub(super) const LIVE_FOR: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Encoding {
    /// Its name, where the publication is simulcast.
    pub(super) rid: Option<Rid>,
    /// The SSRC it arrives on, once a packet of it was authenticated.
    pub(super) ssrc: Option<Ssrc>,
    /// Counts how often the stream began anew on another SSRC (media trap I3); subscribers must switch again then.
    pub(super) generation: u32,
    pub(super) ring: PacketRing,
    pub(super) nack: NackGenerator,
    pub(super) keyframes: KeyframeRequests,
    pub(super) reception: ReceptionReport,
    pub(super) clock: Option<RtpClock>,
    pub(super) rate: RateMeter,
    /// Height of the newest keyframe in pixels, where the codec says it.
    pub(super) height: Option<u16>,
    inspector: Option<FrameInspector>,
    sequence: Unwrapper,
    last_packet: Option<Instant>,
    kind: MediaKind,
    clock_rate: u32,
}

/// What an arrived packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// New: forward it.
    New {
        /// Its extended sequence number in the encoding.
        sequence: u64,
    },
    /// Known, too old or too large: nothing to forward.
    Old,
}

impl Encoding {
    pub(super) fn new(kind: MediaKind, clock_rate: u32, rid: Option<Rid>) -> Self {
        let size = if kind == MediaKind::Audio { RingSize::AUDIO } else { RingSize::VIDEO };
        Self {
            rid,
            ssrc: None,
            generation: 0,
            ring: PacketRing::new(size),
            nack: NackGenerator::new(),
            keyframes: KeyframeRequests::new(),
            reception: ReceptionReport::new(clock_rate),
            clock: None,
            rate: RateMeter::default(),
            height: None,
            inspector: None,
            sequence: Unwrapper::default(),
            last_packet: None,
            kind,
            clock_rate,
        }
    }

    /// Whether packets arrive.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.last_packet.is_some_and(|at| now.saturating_duration_since(at) < LIVE_FOR)
    }

    /// Takes in one packet: statistics, loss, what it means for its frame, and its bytes into the ring.
    ///
    /// `repaired` says that it came as RTX and carries the original sequence number; such a packet is a first copy
    /// like any other (media trap D3), but it says nothing of the jitter of the path. `extensions` are those that
    /// subscribers get, in the form of [`super::passed`].
    pub(super) fn receive(
        &mut self,
        now: Instant,
        packet: &RtpPacket<'_>,
        number: Numbering,
        format: &Format,
        extensions: &[u8],
        dependency_descriptor: Option<&[u8]>,
    ) -> Received {
        let sequence = self.sequence.extend(number.sequence);
        if !number.repaired {
            self.reception.handle_packet(now, number.sequence, packet.timestamp());
        }
        self.last_packet = Some(now);
        self.rate.add(now, packet.payload().len());
        let facts = self.facts(now, packet, format, dependency_descriptor);
        if facts.is_switch_point() && self.kind == MediaKind::Video {
            self.keyframes.seen_keyframe();
        }
        if self.nack.handle_packet(now, sequence, facts.is_switch_point()) == NackArrival::Overflow {
            self.keyframes.request();
        }
        match self.ring.insert(sequence, facts, extensions, packet.payload()) {
            Insertion::New => Received::New { sequence },
            Insertion::Duplicate | Insertion::TooOld | Insertion::TooLarge => Received::Old,
        }
    }

    /// The stream goes on under another SSRC: everything counted per SSRC begins anew.
    pub(super) fn restart(&mut self, ssrc: Ssrc) {
        if self.ssrc.is_some() {
            self.generation += 1;
        }
        let (rid, generation) = (self.rid, self.generation);
        let wanted = self.keyframes.is_wanted();
        *self = Self { ssrc: Some(ssrc), generation, ..Self::new(self.kind, self.clock_rate, rid) };
        if wanted || generation > 0 {
            self.keyframes.request();
        }
    }
}
