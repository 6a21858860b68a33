//! A track that a participant sends: its encodings, and which of its packets belong to which.

use super::encoding::{Encoding, Incoming};
use crate::command::{Source, Track};
use crate::demux::ParticipantKey;
use crate::id::{PublicationId, Rid, WorkerId};
use crate::link::{Announcement, LinkedId};
use crate::rtp::{RtpPacket, Ssrc};
use crate::sdp::{self, Extension, ExtensionMap, MediaKind, NegotiatedMedia, PayloadTypes};
use crate::stream::ENCODINGS_MAX;
use crate::stream::clock::PublisherClock;
use crate::stream::worker_time::WorkerTime;
use std::time::Instant;

/// Index of a publication in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PublicationKey(pub(super) usize);

/// See the module.
pub(super) struct Publication {
    pub(super) id: PublicationId,
    pub(super) owner: Owner,
    /// The publisher's place when slots are short; 0 first.
    pub(super) priority: u8,
    /// Which of those that ever had its key it is.
    pub(super) birth: u32,
    /// The linked workers it is announced to: all but the one it comes from.
    pub(super) downstreams: Vec<Downstream>,
    pub(super) source: Source,
    pub(super) kind: MediaKind,
    pub(super) muted: bool,
    /// The publisher's payload types.
    pub(super) payload_types: PayloadTypes,
    /// What extension ids mean in the publisher's packets.
    pub(super) extensions: ExtensionMap,
    /// One without simulcast; else in the publisher's order, which is lowest first in every browser.
    pub(super) encodings: Vec<Encoding>,
    announced: Vec<sdp::Source>,
    /// The encodings that the publisher was last told of as wanted, as bits; see
    /// [`crate::command::Event::EncodingsWanted`].
    pub(super) told_wanted: Option<u8>,
}

/// Where a publication comes from.
pub(super) enum Owner {
    /// A participant here.
    Participant(ParticipantKey),
    /// A participant on another worker.
    Upstream(Upstream),
}

/// The side of the room from which a publication comes.
pub(super) struct Upstream {
    pub(super) worker: WorkerId,
    /// Its name there.
    pub(super) id: LinkedId,
    /// Its publisher's clock, as far as it was told.
    pub(super) clock: PublisherClock,
    /// The encodings that were last told to be wanted, as bits.
    pub(super) told_wanted: u8,
}

/// A side of the room on which a publication may be shown.
pub(super) struct Downstream {
    pub(super) worker: WorkerId,
    /// The encodings that are wanted there, as bits.
    pub(super) wanted: u8,
    /// Whether it gets the packets in any case: the home must hear every voice to know who speaks.
    pub(super) listens: bool,
    /// By encoding.
    pub(super) feeds: [Feed; ENCODINGS_MAX],
}

/// What another worker gets of one encoding.
#[derive(Clone, Copy, Default)]
pub(super) struct Feed {
    /// Whether a packet was lost on the link: no more is sent before a keyframe.
    pub(super) cut: bool,
    /// How often it went on with a keyframe after that.
    pub(super) cuts: u32,
}

/// What an SSRC of a participant carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamRole {
    pub(super) publication: PublicationKey,
    pub(super) encoding: u8,
    /// Retransmissions of the encoding (RFC 4588) rather than the encoding itself.
    pub(super) rtx: bool,
}

impl Publication {
    pub(super) fn new(
        id: PublicationId,
        owner: ParticipantKey,
        priority: u8,
        track: &Track,
        media: &NegotiatedMedia,
    ) -> Self {
        let (source, muted) = (track.source, track.muted);
        let publishing = media.publishing().expect("the caller has checked that the client sends here");
        let encodings = match publishing.encodings.as_slice() {
            [] => vec![Encoding::new(media.kind, None)],
            rids => rids.iter().map(|rid| Encoding::new(media.kind, Some(*rid))).collect(),
        };
        Self {
            id,
            owner: Owner::Participant(owner),
            priority,
            birth: 0,
            downstreams: Vec::new(),
            source,
            kind: media.kind,
            muted,
            payload_types: media.payload_types.clone(),
            extensions: publishing.extensions.clone(),
            encodings,
            announced: publishing.sources.clone(),
            told_wanted: None,
        }
    }

    /// One that another worker has announced.
    pub(super) fn linked(worker: WorkerId, id: LinkedId, announced: Announcement) -> Self {
        let Announcement { id: name, source, kind, muted, priority, payload_types, encodings } = announced;
        Self {
            id: name,
            owner: Owner::Upstream(Upstream { worker, id, clock: PublisherClock::default(), told_wanted: 0 }),
            priority,
            birth: 0,
            downstreams: Vec::new(),
            source,
            kind,
            muted,
            payload_types,
            extensions: ExtensionMap::default(),
            encodings: encodings.into_iter().map(|rid| Encoding::new(kind, rid)).collect(),
            announced: Vec::new(),
            told_wanted: None,
        }
    }

    /// What other workers are told of it.
    pub(super) fn announcement(&self) -> Announcement {
        Announcement {
            id: self.id,
            source: self.source,
            kind: self.kind,
            muted: self.muted,
            priority: self.priority,
            payload_types: self.payload_types.clone(),
            encodings: self.encodings.iter().map(|encoding| encoding.rid).collect(),
        }
    }

    /// Another worker has negotiated anew; the streams go on.
    pub(super) fn update(&mut self, announced: Announcement) {
        self.payload_types = announced.payload_types;
        (self.source, self.muted, self.priority) = (announced.source, announced.muted, announced.priority);
    }

    /// Whether `participant` sends it.
    pub(super) fn is_of(&self, participant: ParticipantKey) -> bool {
        matches!(self.owner, Owner::Participant(owner) if owner == participant)
    }

    /// Whether another worker sends it to this one.
    pub(super) fn upstream(&mut self) -> Option<&mut Upstream> {
        match &mut self.owner {
            Owner::Participant(_) => None,
            Owner::Upstream(upstream) => Some(upstream),
        }
    }

    /// The encoding of this name; the only one if there are no names.
    pub(super) fn encoding_of(&self, rid: Option<Rid>) -> Option<u8> {
        self.encodings.iter().position(|encoding| encoding.rid == rid).map(|index| index as u8)
    }

    /// The encoding that the offer announced this SSRC for, and whether it is its RTX. Announced SSRCs stand in the
    /// order of the encodings.
    pub(super) fn announced(&self, ssrc: Ssrc) -> Option<(u8, bool)> {
        let of = |(index, source): (usize, &sdp::Source)| {
            let index = index as u8;
            match ssrc.0 {
                number if number == source.ssrc => Some((index, false)),
                number if Some(number) == source.rtx => Some((index, true)),
                _ => None,
            }
        };
        self.announced.iter().enumerate().take(self.encodings.len()).find_map(of)
    }

    /// A later answer may have changed codecs and extensions; the streams go on.
    pub(super) fn renegotiate(&mut self, media: &NegotiatedMedia, track: &Track) {
        let publishing = media.publishing().expect("the caller has checked that the client sends here");
        self.payload_types = media.payload_types.clone();
        self.extensions = publishing.extensions.clone();
        self.announced.clone_from(&publishing.sources);
        (self.source, self.muted) = (track.source, track.muted);
    }

    /// Takes in a packet of one of the encodings; `passed` are its extensions in the form of [`super::passed`]. Gives its
    /// extended sequence number if it is new and readable.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        time: WorkerTime,
        role: StreamRole,
        packet: &RtpPacket<'_>,
        passed: &[u8],
    ) -> Option<u64> {
        let descriptor = self.extensions.id(Extension::DependencyDescriptor).and_then(|id| packet.extension(id));
        let (sequence, payload_type, payload) = if role.rtx {
            self.unwrap_rtx(packet)?
        } else {
            (packet.sequence().0, packet.payload_type().value(), packet.payload())
        };
        let incoming = Incoming {
            packet: *packet,
            payload,
            sequence,
            payload_type,
            codec: self.payload_types.codec_for(payload_type)?,
            repaired: role.rtx,
            extensions: passed,
            dependency_descriptor: descriptor,
        };
        self.encodings[usize::from(role.encoding)].receive(now, time, &incoming)
    }

    /// The packet inside an RTX packet (RFC 4588 §4): its number comes first, then its payload. Packets of padding
    /// only, with which browsers probe, have none.
    fn unwrap_rtx<'a>(&self, packet: &RtpPacket<'a>) -> Option<(u16, u8, &'a [u8])> {
        let payload_type = self.payload_types.repaired_by(packet.payload_type().value())?;
        let (number, payload) = packet.payload().split_first_chunk()?;
        Some((u16::from_be_bytes(*number), payload_type, payload))
    }
}
