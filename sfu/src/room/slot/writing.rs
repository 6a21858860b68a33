//! Bytes of a slot: one stored packet under the receiver's numbers, sealed straight into the send slab.

use super::super::passed::ExtensionBlock;
use super::Slot;
use crate::rtp::header::FIXED_HEADER_BYTES;
use crate::rtp::vp8::{self, FrameNumbers};
use crate::rtp::{self, HeaderFields, PayloadType, SequenceNumber};
use crate::sdp::{Codec, PayloadTypes};
use crate::sends::Lane;
use crate::srtp::SrtpSealer;
use crate::stream::picture::{Picture, PictureId};
use crate::stream::rewrite::Rewritten;
use crate::stream::ring::StoredMut;
use crate::stream::twcc::TwccSender;
use crate::stream::worker_time::WorkerTime;
use std::ops::Range;

/// What sealing toward one participant takes: where it goes, with which key, and the transport-wide count.
pub(in crate::room) struct Egress<'a> {
    pub(in crate::room) now: WorkerTime,
    pub(in crate::room) lane: Lane<'a>,
    pub(in crate::room) sealer: &'a SrtpSealer,
    pub(in crate::room) twcc: &'a mut TwccSender,
}

/// How the receiver takes packets of one payload type of the publisher's. Looked up once for all that follow each other.
#[derive(Clone, Copy)]
pub(super) struct Outlet {
    /// The publisher's payload type.
    pub(super) source: u8,
    /// The receiver's, for all but redundant Opus.
    payload_type: PayloadType,
    /// Redundant Opus, where each packet's own blocks decide.
    redundant: bool,
}

/// The part of a packet's payload that the receiver can read, and its payload type there.
struct Readable {
    payload_type: PayloadType,
    part: Range<usize>,
}

impl Slot {
    /// How packets of the publisher's payload type `source` are written; `None` if the receiver knows no such codec.
    pub(super) fn outlet(&self, publisher: &PayloadTypes, source: u8) -> Option<Outlet> {
        let codec = publisher.codec_for(source)?;
        let payload_type = PayloadType::new(self.payload_type_for(codec)?)?;
        Some(Outlet { source, payload_type, redundant: codec == Codec::OpusRed })
    }

    /// Whether the receiver can decode what is published as `codec`.
    pub(super) fn decodes(&self, codec: Codec) -> bool {
        self.payload_type_for(codec).is_some()
    }

    /// Redundant Opus can be read by whoever reads Opus.
    fn payload_type_for(&self, codec: Codec) -> Option<u8> {
        self.payload_types.pt_for(if codec == Codec::OpusRed { Codec::Opus } else { codec })
    }

    /// Seals a packet for the first time.
    #[inline(always)]
    pub(super) fn write_first(
        &mut self,
        egress: &mut Egress<'_>,
        outlet: Outlet,
        block: &mut ExtensionBlock,
        stored: StoredMut<'_>,
        rewritten: &Rewritten,
    ) -> bool {
        let Some(Readable { payload_type, part }) = self.readable(outlet, stored.payload) else { return false };
        let fields = HeaderFields {
            marker: rewritten.marker,
            payload_type,
            sequence: SequenceNumber(rewritten.sequence()),
            timestamp: rewritten.timestamp,
            ssrc: self.ssrc,
        };
        if block.set(stored.extensions, &self.extensions).is_none() {
            return false;
        }
        let len = part.len();
        let payload = &mut stored.payload[part];
        let written = seal(egress, &fields, block, payload, rewritten.picture, |sealer, out, header_len, payload| {
            sealer.seal_rtp(rewritten.roc(), out, header_len, payload)
        });
        if written {
            self.packets_sent = self.packets_sent.wrapping_add(1);
            self.octets_sent = self.octets_sent.wrapping_add(len as u32);
        }
        written
    }

    /// Seals a packet again, on the slot's RTX stream: its number comes before its payload (RFC 4588 §4).
    #[cold]
    pub(super) fn write_again(
        &mut self,
        egress: &mut Egress<'_>,
        publisher: &PayloadTypes,
        stored: StoredMut<'_>,
        rewritten: &Rewritten,
    ) -> bool {
        let outlet = self.outlet(publisher, stored.facts.payload_type);
        let Some(Readable { payload_type, part }) = outlet.and_then(|outlet| self.readable(outlet, stored.payload))
        else {
            return false;
        };
        let rtx = self.payload_types.rtx_for(payload_type.value()).and_then(PayloadType::new);
        let (Some(payload_type), Some(ssrc)) = (rtx, self.rtx_ssrc) else { return false };
        let index = self.next_rtx;
        self.next_rtx += 1;
        let fields = HeaderFields {
            marker: rewritten.marker,
            payload_type,
            sequence: SequenceNumber(index as u16),
            timestamp: rewritten.timestamp,
            ssrc,
        };
        let number = rewritten.sequence().to_be_bytes();
        let mut block = ExtensionBlock::new();
        if block.set(stored.extensions, &self.extensions).is_none() {
            return false;
        }
        let payload = &mut stored.payload[part];
        seal(egress, &fields, &block, payload, rewritten.picture, |sealer, out, header_len, payload| {
            sealer.seal_rtp_parts((index >> 16) as u32, out, header_len, &number, payload)
        })
    }

    #[inline(always)]
    fn readable(&self, outlet: Outlet, payload: &[u8]) -> Option<Readable> {
        if outlet.redundant {
            return self.readable_redundant(outlet, payload);
        }
        Some(Readable { payload_type: outlet.payload_type, part: 0..payload.len() })
    }

    /// Redundant Opus loses its redundancy for a receiver that does not know it, and for one that numbers Opus otherwise
    /// than the redundancy's headers say.
    fn readable_redundant(&self, outlet: Outlet, payload: &[u8]) -> Option<Readable> {
        let primary = rtp::red::primary(payload)?;
        match self.payload_types.pt_for(Codec::OpusRed).and_then(PayloadType::new) {
            Some(red) if primary.payload_type == outlet.payload_type.value() => {
                Some(Readable { payload_type: red, part: 0..payload.len() })
            }
            // The primary encoding comes last (RFC 2198 §3).
            _ => {
                let part = payload.len() - primary.payload.len()..payload.len();
                Some(Readable { payload_type: outlet.payload_type, part })
            }
        }
    }
}

/// Writes the header with its extensions and lets `seal` do the rest: it is given what to write to, where the header ends,
/// and the payload, with the frame numbers of `picture`.
#[inline(always)]
fn seal(
    egress: &mut Egress<'_>,
    fields: &HeaderFields,
    block: &ExtensionBlock,
    payload: &mut [u8],
    picture: Option<Picture>,
    seal: impl FnOnce(&SrtpSealer, &mut [u8], usize, &[u8]) -> Option<usize>,
) -> bool {
    let Egress { now, lane, sealer, twcc } = egress;
    let original = picture.map(|picture| Original::renumber(payload, &picture));
    let written = lane.write(|out| {
        let (fixed, rest) = out.split_first_chunk_mut()?;
        let number = if block.is_numbered() { twcc.stamp(*now, payload.len()) } else { 0 };
        let block_len = block.copy(rest, number)?;
        fields.write(fixed, block_len != 0);
        seal(sealer, out, FIXED_HEADER_BYTES + block_len, payload)
    });
    if let Some(original) = original {
        original.restore(payload);
    }
    written
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
