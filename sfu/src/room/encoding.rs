//! One encoding of a publication: the newest packets of one RTP stream, and what is known of its loss and its clock.

use super::rate::RateMeter;
use crate::id::Rid;
use crate::link::LinkedPacket;
use crate::rtp::vp8::Vp8Descriptor;
use crate::rtp::{self, FrameInspector, FrameMarks, RtpPacket, Ssrc, vp8};
use crate::sdp::{Codec, MediaKind};
use crate::stream::clock::{Ntp, RtpClock};
use crate::stream::keyframe::KeyframeRequests;
use crate::stream::nack::{Arrival as NackArrival, NackGenerator};
use crate::stream::packet::PacketFacts;
use crate::stream::picture::{Picture, PictureId};
use crate::stream::report::ReceiverStats;
use crate::stream::ring::{Insertion, PacketRing, RingSize};
use crate::stream::sequence::Unwrapper;
use crate::stream::worker_time::WorkerTime;
use std::time::Instant;

/// An encoding that is silent for longer counts as off (media trap A7: shorter stalls are the network's).
const LIVE_FOR_MICROS: u64 = 2_000_000;

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
    pub(super) stats: ReceiverStats,
    pub(super) clock: Option<RtpClock>,
    pub(super) rate: RateMeter,
    /// Height of the newest keyframe in pixels, where the codec says it.
    pub(super) height: Option<u16>,
    inspector: Option<(Codec, FrameInspector)>,
    sequence: Unwrapper,
    last_packet: Option<WorkerTime>,
    kind: MediaKind,
}

/// One packet on its way in, as the publication found it.
pub(super) struct Incoming<'a> {
    pub(super) packet: RtpPacket<'a>,
    /// The payload to keep: that of the packet, or of the original inside an RTX packet.
    pub(super) payload: &'a [u8],
    /// The number in the encoding's own sequence.
    pub(super) sequence: u16,
    /// The payload type in the encoding, not that of RTX.
    pub(super) payload_type: u8,
    pub(super) codec: Codec,
    /// It came as RTX: a first copy like any other (media trap D3), which says nothing of the path's jitter.
    pub(super) repaired: bool,
    /// What subscribers get of its extensions, in the form of [`super::passed`].
    pub(super) extensions: &'a [u8],
    pub(super) dependency_descriptor: Option<&'a [u8]>,
}

impl Encoding {
    pub(super) fn new(kind: MediaKind, rid: Option<Rid>) -> Self {
        let size = if kind == MediaKind::Audio { RingSize::AUDIO } else { RingSize::VIDEO };
        Self {
            rid,
            ssrc: None,
            generation: 0,
            ring: PacketRing::new(size),
            nack: NackGenerator::new(),
            keyframes: KeyframeRequests::new(),
            stats: ReceiverStats::new(clock_rate(kind)),
            clock: None,
            rate: RateMeter::default(),
            height: None,
            inspector: None,
            sequence: Unwrapper::default(),
            last_packet: None,
            kind,
        }
    }

    /// Whether packets arrive.
    pub(super) fn is_live(&self, now: WorkerTime) -> bool {
        self.last_packet.is_some_and(|at| now.micros_since(at) < LIVE_FOR_MICROS)
    }

    /// The stream goes on under another SSRC: all that is counted per SSRC begins anew.
    pub(super) fn restart(&mut self, ssrc: Ssrc) {
        let replaced = self.ssrc.is_some();
        let wanted = replaced || self.keyframes.is_wanted();
        let generation = self.generation + u32::from(replaced);
        *self = Self { ssrc: Some(ssrc), generation, ..Self::new(self.kind, self.rid) };
        if wanted {
            self.keyframes.request();
        }
    }

    /// The stream goes on after an outage. What was sent meanwhile is stale: it is not asked for, and subscribers go on
    /// with a new keyframe, which mends sooner than a hundred packets sent again.
    fn resume(&mut self) {
        self.nack = NackGenerator::new();
        self.generation += 1;
        self.keyframes.request();
    }

    /// Takes in one packet: statistics, loss, what it means for its frame, and its bytes into the ring. Gives its
    /// extended sequence number if it is new, `None` if it is known, too old or too large.
    pub(super) fn receive(&mut self, now: Instant, time: WorkerTime, incoming: &Incoming<'_>) -> Option<u64> {
        let sequence = self.sequence.extend(incoming.sequence);
        if self.last_packet.is_some() && !self.is_live(time) {
            self.resume();
        }
        if !incoming.repaired {
            self.stats.handle_packet(time, sequence, incoming.packet.timestamp());
        }
        self.last_packet = Some(time);
        self.rate.add(time, incoming.payload.len());
        let facts = self.facts(time, incoming);
        if facts.is_switch_point() {
            self.keyframes.seen_keyframe();
        }
        if self.nack.handle_packet(now, sequence, facts.is_switch_point()) == NackArrival::Overflow {
            self.keyframes.request();
        }
        let inserted = self.ring.insert(sequence, facts, incoming.extensions, incoming.payload);
        (inserted == Insertion::New).then_some(sequence)
    }

    /// Takes in a packet that another worker has taken in before. False if it is known or too old.
    pub(super) fn receive_linked(&mut self, time: WorkerTime, packet: &LinkedPacket<'_>) -> bool {
        if packet.generation != self.generation {
            // What it costs is not forgotten by it: it would be taken up by those who cannot afford it.
            *self = Self { generation: packet.generation, rate: self.rate, ..Self::new(self.kind, self.rid) };
        }
        self.last_packet = Some(time);
        self.rate.add(time, packet.payload.len());
        self.height = packet.height;
        if packet.facts.is_switch_point() {
            self.keyframes.seen_keyframe();
        }
        let facts = PacketFacts { arrival: time, ..packet.facts };
        self.ring.insert(packet.sequence, facts, packet.extensions, packet.payload) == Insertion::New
    }

    /// When the publisher is to be asked for something: lost packets or a keyframe.
    pub(super) fn next_feedback(&self, now: Instant) -> Option<Instant> {
        [self.nack.poll_timeout(), self.keyframes.poll_timeout(now)].into_iter().flatten().min()
    }

    /// A sender report of this stream arrived.
    pub(super) fn handle_sender_report(&mut self, now: Instant, ntp: Ntp, rtp: u32) {
        self.stats.handle_sender_report(now, ntp);
        self.clock = Some(RtpClock { ntp, rtp, rate: clock_rate(self.kind) });
    }

    fn facts(&mut self, arrival: WorkerTime, incoming: &Incoming<'_>) -> PacketFacts {
        let marks = self.inspect(incoming);
        let vp8 = (incoming.codec == Codec::Vp8).then(|| Vp8Descriptor::parse(incoming.payload)).flatten();
        if let Some((_, height)) = vp8.and_then(|descriptor| descriptor.keyframe_size(incoming.payload)) {
            self.height = Some(height);
        }
        PacketFacts {
            timestamp: incoming.packet.timestamp(),
            arrival,
            marker: incoming.packet.marker(),
            starts_frame: marks.start,
            keyframe: marks.keyframe,
            temporal: marks.temporal,
            payload_type: incoming.payload_type,
            picture: vp8.as_ref().map(picture),
        }
    }

    /// The inspector follows the codec: a publisher may change it from one packet to the next.
    fn inspect(&mut self, incoming: &Incoming<'_>) -> FrameMarks {
        let codec = incoming.codec;
        if self.inspector.as_ref().is_none_or(|(known, _)| *known != codec) {
            self.inspector = Some((codec, FrameInspector::new(syntax(codec))));
        }
        let (_, inspector) = self.inspector.as_mut().expect("set above");
        inspector.inspect(incoming.payload, incoming.packet.marker(), incoming.dependency_descriptor)
    }
}

/// Ticks per second of every codec we forward: Opus counts at 48 kHz (RFC 7587 §4.1), video at 90 kHz.
pub(super) fn clock_rate(kind: MediaKind) -> u32 {
    if kind == MediaKind::Audio { 48_000 } else { 90_000 }
}

/// Which payload syntax a codec configuration has.
fn syntax(codec: Codec) -> rtp::Codec {
    match codec {
        Codec::Opus | Codec::OpusRed => rtp::Codec::Opus,
        Codec::Vp8 => rtp::Codec::Vp8,
        Codec::H264 { .. } => rtp::Codec::H264,
        Codec::Vp9 { .. } => rtp::Codec::Vp9,
        Codec::Av1 { .. } => rtp::Codec::Av1,
    }
}

fn picture(descriptor: &Vp8Descriptor) -> Picture {
    Picture {
        id: descriptor.picture_id.map(|id| match id {
            vp8::PictureId::Short(id) => PictureId::Narrow(id),
            vp8::PictureId::Long(id) => PictureId::Wide(id),
        }),
        tl0: descriptor.tl0_picture_index,
        key_index: descriptor.layer.map(|layer| layer.key_index),
    }
}
