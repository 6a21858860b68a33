//! A track that a participant sends: its encodings, and which of its packets belong to which.

use super::encoding::{Encoding, Incoming};
use super::passed::{self, PASSED_BYTES_MAX};
use crate::command::{Source, Track};
use crate::demux::ParticipantKey;
use crate::id::{PublicationId, Rid};
use crate::rtp::{RtpPacket, Ssrc};
use crate::sdp::{self, Extension, ExtensionMap, MediaKind, NegotiatedMedia, PayloadTypes};
use std::time::Instant;

/// Index of a publication in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PublicationKey(pub(super) usize);

/// See the module.
pub(super) struct Publication {
    pub(super) id: PublicationId,
    pub(super) owner: ParticipantKey,
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
        source: Source,
        muted: bool,
        media: &NegotiatedMedia,
    ) -> Self {
        let publishing = media.publishing().expect("the caller has checked that the client sends here");
        let encodings = match publishing.encodings.as_slice() {
            [] => vec![Encoding::new(media.kind, None)],
            rids => rids.iter().map(|rid| Encoding::new(media.kind, Some(*rid))).collect(),
        };
        Self {
            id,
            owner,
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

    /// Takes in a packet of one of the encodings. Gives its extended sequence number if it is new and readable.
    pub(super) fn receive(&mut self, now: Instant, role: StreamRole, packet: &RtpPacket<'_>) -> Option<u64> {
        let mut scratch = [0; PASSED_BYTES_MAX];
        let used = passed::collect(packet.extensions(), &self.extensions, &mut scratch);
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
            extensions: &scratch[..used],
            dependency_descriptor: descriptor,
        };
        self.encodings[usize::from(role.encoding)].receive(now, &incoming)
    }

    /// The packet inside an RTX packet (RFC 4588 §4): its number comes first, then its payload. Packets of padding
    /// only, with which browsers probe, have none.
    fn unwrap_rtx<'a>(&self, packet: &RtpPacket<'a>) -> Option<(u16, u8, &'a [u8])> {
        let payload_type = self.payload_types.repaired_by(packet.payload_type().value())?;
        let (number, payload) = packet.payload().split_first_chunk()?;
        Some((u16::from_be_bytes(*number), payload_type, payload))
    }
}
