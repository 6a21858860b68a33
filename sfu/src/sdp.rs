//! Offer in, answer out: what a client's session description means, and what we make of it.
//!
//! Owns the whole of SDP: [`Offer::parse`] turns text into types once, [`answer`] chooses what both sides can do and
//! gives the text of the answer together with [`NegotiatedMedia`], the tables that the packet path indexes by payload
//! type and header extension id. Knows nothing of rooms, sockets or packets.
//!
//! The client always offers and we always answer (ICE-lite, one BUNDLE, DTLS server). An m-line that the client
//! receives on is a *slot*: we announce one SSRC for it and bind publications to it later without SDP.
//!
//! The line parser is our own fifty lines and not the one of `rtc-sdp`: that one gives attributes as strings, which is
//! where the work only begins, loses line numbers, and its errors quote the offending text, which may be a password.

mod answer;
mod codec;
mod error;
mod extension;
mod fingerprint;
mod fragment;
mod ice;
mod line;
mod media;
mod negotiate;
mod offer;
mod payload_types;
mod reoffer;

pub use answer::{LocalDescription, Negotiated, Purpose, SlotDescription, answer};
pub use codec::{Codec, Feedback, H264Profile, MediaKind, OfferedCodec, Packetization};
pub use error::SdpError;
pub use extension::{EXTENSION_COUNT, Extension, ExtensionMap, OfferedExtension};
pub use fragment::{FRAGMENT_BYTES_MAX, parse_fragment, write_fragment};
pub use ice::{Candidate, CandidateTransport, IceCredentials};
pub use media::{Direction, MediaOffer, Msid, Source};
pub use negotiate::{NegotiatedMedia, Publishing, Rejection, Role, Slot};
pub use offer::Offer;
pub use payload_types::{NegotiatedCodec, PayloadTypes};
pub use reoffer::{Changes, OfferOutline};

/// Longest offer accepted, in bytes. Chromium's nine m-lines take 29 kB; thirty-two would take about twice this and
/// are refused with a clear message, since every byte is parsed before anybody is known to be there.
pub const OFFER_BYTES_MAX: usize = 64 * 1024;
/// Most m-lines of one offer: a camera, a microphone, a screen with sound, and slots for a large stage.
pub const MEDIA_MAX: usize = 32;
/// Most payload types of one m-line. Chromium receives 34; the number space without RTCP's share has 93 (RFC 5761 §4).
pub const PAYLOAD_TYPES_MAX: usize = 96;
/// Most simulcast encodings of one m-line. Browsers send three at most.
pub const ENCODINGS_MAX: usize = 4;
/// Most announced SSRCs of one m-line: media and RTX of each encoding, twice over.
pub const SOURCES_MAX: usize = 16;
