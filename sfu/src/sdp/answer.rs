//! The text of an answer (RFC 8829 §5.3): ICE-lite, one BUNDLE, DTLS server, all candidates at once.

use super::negotiate::negotiate;
use super::{
    Candidate, Direction, ExtensionMap, IceCredentials, MediaOffer, Msid, NegotiatedMedia, Offer, OfferedCodec, Role,
    Slot,
};
use crate::dtls::Fingerprint;
use crate::id::Mid;
use std::fmt::{self, Write as _};

/// What the client joined for. It decides which half of a sendrecv m-line is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A participant of a room: sends and receives.
    Call,
    /// WHIP: only sends (RFC 9725 §4.2: the answer is recvonly even to sendrecv).
    Publish,
    /// WHEP: only receives.
    Play,
}

/// Our side of the session.
#[derive(Clone, Copy, Debug)]
pub struct LocalDescription<'a> {
    /// What the client may do.
    pub purpose: Purpose,
    /// Our ICE credentials for this participant.
    pub ice: &'a IceCredentials,
    /// Of our certificate.
    pub fingerprint: &'a Fingerprint,
    /// Where the participant's worker listens, best first.
    pub candidates: &'a [Candidate],
    /// Numeric, the same in every answer of a session (RFC 8866 §5.2).
    pub session_id: u64,
    /// One more in each answer.
    pub session_version: u64,
    /// The CNAME of all we send, which is what lets a client synchronise sound and picture.
    pub cname: &'a str,
    /// The m-lines that get a slot; one that wants to receive and is missing here is answered without.
    pub slots: &'a [SlotDescription],
}

/// What we announce for a receiving m-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotDescription {
    /// The m-line.
    pub mid: Mid,
    /// The SSRC of what we send.
    pub ssrc: u32,
    /// The SSRC of its retransmissions.
    pub rtx_ssrc: u32,
    /// How the client's track is called.
    pub msid: Msid,
}

/// An answer, and what it means for the packets.
#[derive(Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// The text for the client. Holds our ICE password; Debug does not show it.
    pub sdp: String,
    /// The m-lines, in the order of the offer.
    pub media: Vec<NegotiatedMedia>,
    /// What extension ids mean in packets whose m-line is not known yet: all of the BUNDLE together.
    pub received_extensions: ExtensionMap,
}

/// Answers an offer. Each m-line that can be accepted is; see [`NegotiatedMedia`] for what became of it.
#[must_use]
pub fn answer(offer: &Offer, local: &LocalDescription<'_>) -> Negotiated {
    let media: Vec<NegotiatedMedia> = offer.media().iter().map(|offer| negotiate(offer, local)).collect();
    let mut received_extensions = ExtensionMap::default();
    for (extension, id) in media.iter().filter_map(NegotiatedMedia::publishing).flat_map(|p| p.extensions.iter()) {
        let inserted = received_extensions.insert(extension, id);
        assert!(inserted, "an offer has one meaning for each id");
    }
    let mut sdp = String::new();
    write_answer(&mut sdp, offer, local, &media).expect("strings take everything");
    Negotiated { sdp, media, received_extensions }
}

fn write_answer(
    out: &mut String,
    offer: &Offer,
    local: &LocalDescription<'_>,
    media: &[NegotiatedMedia],
) -> fmt::Result {
    write!(out, "v=0\r\no=- {} {} IN IP4 127.0.0.1\r\n", local.session_id, local.session_version)?;
    write!(out, "s=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE")?;
    for media in offer.bundle() {
        write!(out, " {}", media.mid)?;
    }
    out.write_str("\r\n")?;
    if offer.allow_mixed() {
        out.write_str("a=extmap-allow-mixed\r\n")?;
    }
    out.write_str("a=msid-semantic: WMS *\r\n")?;
    // The transport of a BUNDLE is described by its first m-line; candidates elsewhere would only be skipped.
    let tagged = offer.bundle().next().map(|media| media.mid);
    for (offer, media) in offer.media().iter().zip(media) {
        if media.is_accepted() {
            write_transport(out, media, local, tagged == Some(media.mid))?;
            write_media(out, offer, media, local)?;
        } else {
            let heading = &offer.heading;
            write!(out, "m={} 0 {} {}\r\n", heading.media, heading.protocol, heading.first_format)?;
            write!(out, "c=IN IP4 0.0.0.0\r\na=mid:{}\r\na=inactive\r\n", media.mid)?;
        }
    }
    Ok(())
}

/// The m-line and how to reach us. Credentials and fingerprint stand in each m-line: not every client looks for them
/// in the session part.
fn write_transport(
    out: &mut String,
    media: &NegotiatedMedia,
    local: &LocalDescription<'_>,
    tagged: bool,
) -> fmt::Result {
    let kind = if media.kind == super::MediaKind::Audio { "audio" } else { "video" };
    write!(out, "m={kind} 9 UDP/TLS/RTP/SAVPF")?;
    for codec in media.payload_types.codecs() {
        write!(out, " {}", codec.payload_type)?;
        if let Some(rtx) = codec.rtx {
            write!(out, " {rtx}")?;
        }
    }
    write!(out, "\r\nc=IN IP4 0.0.0.0\r\n")?;
    write!(out, "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", local.ice.ufrag, local.ice.password)?;
    write!(out, "a=fingerprint:{}\r\na=setup:passive\r\n", local.fingerprint)?;
    if tagged {
        Candidate::write_all(local.candidates, out)?;
    }
    Ok(())
}

fn write_media(
    out: &mut String,
    offer: &MediaOffer,
    media: &NegotiatedMedia,
    local: &LocalDescription<'_>,
) -> fmt::Result {
    write!(out, "a=mid:{}\r\na={}\r\na=rtcp-mux\r\n", media.mid, media.direction().name())?;
    if media.rtcp_rsize {
        out.write_str("a=rtcp-rsize\r\n")?;
    }
    if offer.allow_mixed {
        out.write_str("a=extmap-allow-mixed\r\n")?;
    }
    write_extensions(out, offer, media)?;
    for codec in media.payload_types.codecs() {
        let number = codec.payload_type;
        write!(out, "a=rtpmap:{number} {}\r\n", codec.codec.rtpmap())?;
        for feedback in codec.feedback.names() {
            write!(out, "a=rtcp-fb:{number} {feedback}\r\n")?;
        }
        if let Some(fmtp) = answer_fmtp(&offer.codecs, number) {
            write!(out, "a=fmtp:{number} {fmtp}\r\n")?;
        }
        if let Some(rtx) = codec.rtx {
            write!(out, "a=rtpmap:{rtx} rtx/{}\r\na=fmtp:{rtx} apt={number}\r\n", codec.codec.clock_rate())?;
        }
    }
    write_encodings(out, media)?;
    match media.slot() {
        Some(slot) => write_slot(out, media.mid, slot, local),
        None => Ok(()),
    }
}

fn answer_fmtp(codecs: &[OfferedCodec], payload_type: u8) -> Option<&str> {
    let codec = codecs.iter().find(|codec| codec.payload_type == payload_type)?;
    Some(codec.answer_fmtp.as_str()).filter(|fmtp| !fmtp.is_empty())
}

/// Each extension used in some direction, with the direction where the client restricted it (RFC 8285 §6).
fn write_extensions(out: &mut String, offer: &MediaOffer, media: &NegotiatedMedia) -> fmt::Result {
    for offered in &offer.extensions {
        let received =
            media.publishing().is_some_and(|publishing| publishing.extensions.extension(offered.id).is_some());
        let sent = media.slot().is_some_and(|slot| slot.extensions.extension(offered.id).is_some());
        let direction = match offered.direction {
            Direction::SendOnly => "/recvonly",
            Direction::RecvOnly => "/sendonly",
            Direction::SendRecv | Direction::Inactive => "",
        };
        if received || sent {
            write!(out, "a=extmap:{}{direction} {}\r\n", offered.id, offered.extension.uri())?;
        }
    }
    Ok(())
}

fn write_encodings(out: &mut String, media: &NegotiatedMedia) -> fmt::Result {
    let (Role::Publishing(publishing) | Role::Both(publishing, _)) = &media.role else { return Ok(()) };
    for rid in &publishing.encodings {
        write!(out, "a=rid:{rid} recv\r\n")?;
    }
    if let Some((first, rest)) = publishing.encodings.split_first() {
        write!(out, "a=simulcast:recv {first}")?;
        for rid in rest {
            write!(out, ";{rid}")?;
        }
        out.write_str("\r\n")?;
    }
    Ok(())
}

fn write_slot(out: &mut String, mid: Mid, slot: &Slot, local: &LocalDescription<'_>) -> fmt::Result {
    let description = local.slots.iter().find(|description| description.mid == mid);
    let Msid { stream, track } = &description.expect("a slot was negotiated from its description").msid;
    write!(out, "a=msid:{stream} {track}\r\n")?;
    if let Some(rtx) = slot.rtx_ssrc {
        write!(out, "a=ssrc-group:FID {} {rtx}\r\n", slot.ssrc)?;
    }
    for ssrc in [Some(slot.ssrc), slot.rtx_ssrc].into_iter().flatten() {
        write!(out, "a=ssrc:{ssrc} cname:{}\r\n", local.cname)?;
    }
    Ok(())
}

impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sdp: _, media, received_extensions } = self;
        f.debug_struct("Negotiated")
            .field("media", media)
            .field("received_extensions", received_extensions)
            .finish_non_exhaustive()
    }
}
