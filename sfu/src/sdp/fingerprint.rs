//! Which of an offer's certificate fingerprints counts (RFC 8122): the first by a hash we trust (SEC-04).

use super::SdpError;
use super::line::{Attribute, Section};
use crate::dtls::{Fingerprint, FingerprintError};
use crate::id::Mid;

/// Takes the first fingerprint of the m-line by a hash we know, else of the session. A certificate may be given by
/// several hashes (RFC 8122 §5), of which the weak ones are passed over.
pub(super) fn parse(mid: Mid, media: &Section<'_>, session: &Section<'_>) -> Result<Fingerprint, SdpError> {
    let section = if media.has("fingerprint") { media } else { session };
    let mut seen = false;
    for attribute in section.all("fingerprint") {
        seen = true;
        if let Some(fingerprint) = parse_value(&attribute)? {
            return Ok(fingerprint);
        }
    }
    Err(if seen { SdpError::FingerprintWeak { mid } } else { SdpError::FingerprintMissing { mid } })
}

/// `None` for a hash we do not accept, an error for a digest of the wrong form.
fn parse_value(attribute: &Attribute<'_>) -> Result<Option<Fingerprint>, SdpError> {
    match Fingerprint::parse(attribute.value) {
        Ok(fingerprint) => Ok(Some(fingerprint)),
        Err(FingerprintError::Hash) => Ok(None),
        Err(FingerprintError::Digest) => {
            Err(SdpError::Attribute { line: attribute.line, name: "fingerprint", expected: "<hash> AB:CD:…" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Option<Fingerprint>, SdpError> {
        parse_value(&Attribute { line: 7, name: "fingerprint", value })
    }

    #[test]
    fn sec_04_accepts_sha_2_only_and_prints_what_it_read() {
        for (hash, bytes) in [("sha-256", 32), ("sha-384", 48), ("sha-512", 64)] {
            let text = format!("{hash} {}", vec!["0F"; bytes].join(":"));
            let fingerprint = parse(&text).expect("well formed").expect("accepted");
            assert_eq!(fingerprint.to_string(), text);
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
