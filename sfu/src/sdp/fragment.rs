//! What WHIP and WHEP send between offers: `application/trickle-ice-sdpfrag` (RFC 8840 §9, RFC 9725 §4.3).
//!
//! A fragment trickles candidates, which ICE-lite does not need, or restarts ICE with new credentials, which we answer
//! with a fragment of our own.

use super::line::Sections;
use super::{Candidate, IceCredentials, Offer, SdpError};
use std::fmt::{self, Write as _};

/// Longest fragment accepted, in bytes: credentials and some dozens of candidates.
pub const FRAGMENT_BYTES_MAX: usize = 16 * 1024;

/// The client's credentials from a fragment.
///
/// # Errors
/// [`SdpError`] if it is no fragment or too long, or has no credentials in the session part or its first m-line, as
/// RFC 8840 §9.1 demands of every fragment.
pub fn parse_fragment(text: &str) -> Result<IceCredentials, SdpError> {
    if text.len() > FRAGMENT_BYTES_MAX {
        return Err(SdpError::TooLong { bytes: text.len(), max: FRAGMENT_BYTES_MAX });
    }
    let sections = Sections::parse_fragment(text)?;
    let media = sections.media.first().map_or(&sections.session, |(_, section)| section);
    IceCredentials::parse(media, &sections.session)?.ok_or(SdpError::FragmentWithoutIce)
}

/// The fragment that answers an ICE restart: our new credentials and all candidates, for the m-line that describes the
/// transport.
#[must_use]
pub fn write_fragment(offer: &Offer, ice: &IceCredentials, candidates: &[Candidate]) -> String {
    let mut out = String::new();
    try_write(&mut out, offer, ice, candidates).expect("strings take everything");
    out
}

fn try_write(out: &mut String, offer: &Offer, ice: &IceCredentials, candidates: &[Candidate]) -> fmt::Result {
    let media = offer.bundle().next().expect("an offer has an m-line that can be accepted");
    let heading = &media.heading;
    write!(out, "a=ice-lite\r\nm={} 9 {} {}\r\n", heading.media, heading.protocol, heading.first_format)?;
    write!(out, "a=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", media.mid, ice.ufrag, ice.password)?;
    Candidate::write_all(candidates, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAGMENT: &str = "a=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n\
        a=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n";

    #[test]
    fn credentials_stand_in_the_first_m_line_or_before_it() {
        let ice = parse_fragment(FRAGMENT).expect("good");
        assert_eq!((ice.ufrag.as_str(), ice.password.as_str()), ("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1"));
        assert_eq!(parse_fragment("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1"), Ok(ice));
    }

    #[test]
    fn other_texts_are_refused() {
        let without = FRAGMENT.replace("a=ice-pwd", "a=ice-other");
        for text in ["", "a=mid:0", &without, "{}", "v=0\r\nnonsense", &"a=x\r\n".repeat(4000)] {
            assert!(parse_fragment(text).is_err(), "{text:.40}");
        }
    }
}
