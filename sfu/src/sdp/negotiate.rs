//! What one m-line becomes: chosen codecs, extensions and role. Decides everything and writes nothing.

use super::answer::{LocalDescription, Purpose};
use super::{
    Codec, Direction, Extension, ExtensionMap, Feedback, MediaKind, MediaOffer, NegotiatedCodec, OfferedCodec,
    PayloadTypes, Source,
};
use crate::id::{Mid, Rid};

/// An m-line as both sides understand it after the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedMedia {
    /// Its name.
    pub mid: Mid,
    /// What it carries.
    pub kind: MediaKind,
    /// Who does what.
    pub role: Role,
    /// Payload types, the same in both directions; empty if rejected.
    pub payload_types: PayloadTypes,
    /// RTCP to the client may leave out the report in front (RFC 5506).
    pub rtcp_rsize: bool,
}

/// What an m-line is for.
#[allow(clippy::large_enum_variant, reason = "one per m-line, kept in place, its tables looked up per packet")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client sends.
    Publishing(Publishing),
    /// The client receives.
    Slot(Slot),
    /// Both, on one m-line (clients that know nothing of slots).
    Both(Publishing, Slot),
    /// Neither for now.
    Inactive,
    /// Port 0 in the answer.
    Rejected(Rejection),
}

/// The sending half of a client's m-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publishing {
    /// Encodings in the client's order; empty for a single one without a rid.
    pub encodings: Vec<Rid>,
    /// SSRCs that the client announced. They are hints: mid and rid of the packets decide (trap I3).
    pub sources: Vec<Source>,
    /// What extension ids in the client's packets mean.
    pub extensions: ExtensionMap,
}

/// The receiving half of a client's m-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The SSRC of everything we send here.
    pub ssrc: u32,
    /// The SSRC of its retransmissions, if any codec has them.
    pub rtx_ssrc: Option<u32>,
    /// Which extensions we write, and their ids.
    pub extensions: ExtensionMap,
}

/// Why an m-line was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The client has stopped it.
    Disabled,
    /// It stands outside the BUNDLE group and would need a transport of its own.
    NotBundled,
    /// Neither audio nor video.
    Kind,
    /// No codec in common.
    NoCodec,
}

impl NegotiatedMedia {
    /// What the client sends here, if it does.
    #[must_use]
    pub fn publishing(&self) -> Option<&Publishing> {
        match &self.role {
            Role::Publishing(publishing) | Role::Both(publishing, _) => Some(publishing),
            Role::Slot(_) | Role::Inactive | Role::Rejected(_) => None,
        }
    }

    /// What the client receives here, if it does.
    #[must_use]
    pub fn slot(&self) -> Option<&Slot> {
        match &self.role {
            Role::Slot(slot) | Role::Both(_, slot) => Some(slot),
            Role::Publishing(_) | Role::Inactive | Role::Rejected(_) => None,
        }
    }

    /// Whether the answer keeps the m-line.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        !matches!(self.role, Role::Rejected(_))
    }

    /// Our direction, the client's seen from the other end.
    pub(super) fn direction(&self) -> Direction {
        match &self.role {
            Role::Publishing(_) => Direction::RecvOnly,
            Role::Slot(_) => Direction::SendOnly,
            Role::Both(..) => Direction::SendRecv,
            Role::Inactive | Role::Rejected(_) => Direction::Inactive,
        }
    }
}

pub(super) fn negotiate(offer: &MediaOffer, local: &LocalDescription<'_>) -> NegotiatedMedia {
    let (mid, kind) = (offer.mid, offer.kind);
    if let Some(rejection) = rejection(offer) {
        let (role, payload_types) = (Role::Rejected(rejection), PayloadTypes::default());
        return NegotiatedMedia { mid, kind, role, payload_types, rtcp_rsize: false };
    }
    let payload_types = PayloadTypes::new(choose_codecs(offer));
    let sends = offer.direction.sends() && matches!(local.purpose, Purpose::Call | Purpose::Publish);
    let receives = offer.direction.receives() && matches!(local.purpose, Purpose::Call | Purpose::Play);
    let publishing = sends.then(|| publishing(offer));
    let slot = if receives { slot(offer, local, &payload_types) } else { None };
    let role = match (publishing, slot) {
        (Some(publishing), Some(slot)) => Role::Both(publishing, slot),
        (Some(publishing), None) => Role::Publishing(publishing),
        (None, Some(slot)) => Role::Slot(slot),
        (None, None) => Role::Inactive,
    };
    NegotiatedMedia { mid, kind, role, payload_types, rtcp_rsize: offer.rtcp_rsize }
}

fn rejection(offer: &MediaOffer) -> Option<Rejection> {
    if offer.disabled {
        Some(Rejection::Disabled)
    } else if !offer.bundled {
        Some(Rejection::NotBundled)
    } else if offer.kind == MediaKind::Other {
        Some(Rejection::Kind)
    } else if offer.codecs.is_empty() {
        Some(Rejection::NoCodec)
    } else {
        None
    }
}

fn publishing(offer: &MediaOffer) -> Publishing {
    let extensions = choose_extensions(offer, Direction::sends, Extension::is_received);
    Publishing { encodings: offer.encodings.clone(), sources: offer.sources.clone(), extensions }
}

/// `None` if the room has no slot for this m-line, which is then answered as one that we do not send on.
fn slot(offer: &MediaOffer, local: &LocalDescription<'_>, payload_types: &PayloadTypes) -> Option<Slot> {
    let description = local.slots.iter().find(|slot| slot.mid == offer.mid)?;
    let has_rtx = payload_types.codecs().iter().any(|codec| codec.rtx.is_some());
    let extensions = choose_extensions(offer, Direction::receives, Extension::is_sent);
    Some(Slot { ssrc: description.ssrc, rtx_ssrc: has_rtx.then_some(description.rtx_ssrc), extensions })
}

/// The codecs that the offer and we have, best first.
///
/// H.264 in mode 0 is left out beside mode 1 of the same profile, which can carry all of it: Chromium offers every
/// profile twice, and an answer of fewer bytes arrives a round trip earlier.
///
/// What the client only receives stays in its order. Where it sends, the first codec is what it will send: its own
/// first is kept, which is how a page chooses with `setCodecPreferences`, and the rest follow ours: what most
/// receivers decode in hardware or cheaply comes first.
fn choose_codecs(offer: &MediaOffer) -> Vec<NegotiatedCodec> {
    let transport_cc = offers_transport_cc(offer);
    let is_covered = |codec: Codec| {
        let mut others = offer.codecs.iter().map(|other| other.codec);
        others.any(|other| other != codec && codec.is_decodable_as(other))
    };
    let mut codecs: Vec<&OfferedCodec> = offer.codecs.iter().filter(|codec| !is_covered(codec.codec)).collect();
    if offer.direction.sends() {
        codecs[1..].sort_by_key(|codec| preference(codec.codec));
    }
    let negotiated = |codec: &&OfferedCodec| NegotiatedCodec {
        codec: codec.codec,
        payload_type: codec.payload_type,
        rtx: codec.rtx,
        feedback: choose_feedback(codec.feedback, transport_cc),
    };
    codecs.iter().map(negotiated).collect()
}

/// Lower is better; equal ones stay in the client's order.
fn preference(codec: Codec) -> u8 {
    match codec {
        Codec::Opus | Codec::OpusRed | Codec::Vp8 => 0,
        Codec::H264 { .. } => 1,
        Codec::Vp9 { .. } => 2,
        Codec::Av1 { .. } => 3,
    }
}

/// REMB is for clients without transport-cc: with both, each fills its estimate with padding.
fn choose_feedback(offered: Feedback, transport_cc: bool) -> Feedback {
    Feedback { transport_cc: offered.transport_cc && transport_cc, remb: offered.remb && !transport_cc, ..offered }
}

/// Transport-cc works only with both the extension and the feedback.
fn offers_transport_cc(offer: &MediaOffer) -> bool {
    let extension = offer.extensions.iter().any(|offered| offered.extension == Extension::TransportCc);
    extension && offer.codecs.iter().any(|codec| codec.feedback.transport_cc)
}

fn choose_extensions(
    offer: &MediaOffer,
    usable: impl Fn(Direction) -> bool,
    wanted: impl Fn(Extension) -> bool,
) -> ExtensionMap {
    let transport_cc = offers_transport_cc(offer);
    let mut map = ExtensionMap::default();
    for offered in &offer.extensions {
        // The send time only feeds REMB, and costs four bytes of every packet.
        let superfluous = match offered.extension {
            Extension::AbsSendTime => transport_cc,
            Extension::TransportCc => !transport_cc,
            _ => false,
        };
        if usable(offered.direction) && wanted(offered.extension) && !superfluous {
            let inserted = map.insert(offered.extension, offered.id);
            assert!(inserted, "an offer has one meaning for each id");
        }
    }
    map
}
