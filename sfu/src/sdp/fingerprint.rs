//! Certificate fingerprints (RFC 8122): by SHA-256 and longer only (SEC-04).

use super::SdpError;
use super::line::{Attribute, Section};
use crate::id::Mid;
use std::fmt;

/// The hash of a DTLS certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fingerprint {
    /// By SHA-256, what browsers use.
    Sha256([u8; 32]),
    /// By SHA-384.
    Sha384([u8; 48]),
    /// By SHA-512.
    Sha512([u8; 64]),
}

impl Fingerprint {
    /// The hash itself.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        match self {
            Self::Sha256(digest) => digest,
            Self::Sha384(digest) => digest,
            Self::Sha512(digest) => digest,
        }
    }

    fn hash_name(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha-256",
            Self::Sha384(_) => "sha-384",
            Self::Sha512(_) => "sha-512",
        }
    }

    /// Takes the first fingerprint of the m-line by a hash we know, else of the session. A certificate may be given by
    /// several hashes (RFC 8122 §5), of which the weak ones are passed over.
    pub(super) fn parse(mid: Mid, media: &Section<'_>, session: &Section<'_>) -> Result<Self, SdpError> {
        let section = if media.has("fingerprint") { media } else { session };
        let mut seen = false;
        for attribute in section.all("fingerprint") {
            seen = true;
            if let Some(fingerprint) = Self::parse_value(&attribute)? {
                return Ok(fingerprint);
            }
        }
        Err(if seen { SdpError::FingerprintWeak { mid } } else { SdpError::FingerprintMissing { mid } })
    }

    /// `None` for a hash we do not accept, an error for a digest of the wrong form.
    fn parse_value(attribute: &Attribute<'_>) -> Result<Option<Self>, SdpError> {
        let bad = SdpError::Attribute { line: attribute.line, name: "fingerprint", expected: "<hash> AB:CD:…" };
        let (hash, digest) = attribute.value.split_once(' ').ok_or(bad)?;
        let fingerprint = match hash.to_ascii_lowercase().as_str() {
            "sha-256" => parse_digest(digest).map(Self::Sha256),
            "sha-384" => parse_digest(digest).map(Self::Sha384),
            "sha-512" => parse_digest(digest).map(Self::Sha512),
            _ => return Ok(None),
        };
        fingerprint.map(Some).ok_or(bad)
    }
}

/// Reads exactly `N` pairs of hexadecimal digits with colons between them.
fn parse_digest<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut digest = [0; N];
    let mut pairs = text.trim().split(':');
    for byte in &mut digest {
        let pair = pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|c| c.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    pairs.next().is_none().then_some(digest)
}

/// As it stands after `a=fingerprint:`.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash_name())?;
        for (index, byte) in self.digest().iter().enumerate() {
            write!(f, "{}{byte:02X}", if index == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Option<Fingerprint>, SdpError> {
        Fingerprint::parse_value(&Attribute { line: 7, name: "fingerprint", value })
    }

    #[test]
    fn sec_04_accepts_sha_2_only_and_prints_what_it_read() {
        for (hash, bytes) in [("sha-256", 32), ("sha-384", 48), ("sha-512", 64)] {
            let text = format!("{hash} {}", vec!["0F"; bytes].join(":"));
            let fingerprint = parse(&text).expect("well formed").expect("accepted");
            assert_eq!(fingerprint.to_string(), text);
            assert_eq!(fingerprint.digest(), vec![0x0f; bytes]);
        }
        assert_eq!(parse(&format!("md5 {}", ["0F"; 16].join(":"))), Ok(None));
        assert_eq!(parse(&format!("sha-1 {}", ["0F"; 20].join(":"))), Ok(None));
    }

    #[test]
    fn digests_of_the_wrong_form_are_errors() {
        let short = ["0F"; 31].join(":");
        let long = ["0F"; 33].join(":");
        for digest in [short.as_str(), long.as_str(), "", "0F", "+F:0F", "\u{e9}"] {
            assert!(parse(&format!("sha-256 {digest}")).is_err(), "{digest:?}");
        }
        assert!(parse("sha-256").is_err());
    }
}
