//! Certificate fingerprints (RFC 8122): how the answer names our certificate and the offer names the client's.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;

/// A fingerprint attribute we do not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// MD5, SHA-1 and anything unknown: a certificate with that digest could be made by somebody else (SEC-04).
    #[error("the fingerprint's hash function is not sha-256, sha-384 or sha-512")]
    Hash,
    /// Not as many hexadecimal pairs as the hash function gives, separated by colons.
    #[error("the fingerprint is not a list of hexadecimal pairs of the right length")]
    Digest,
}

/// The digest of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    hash: Hash,
    digest: [u8; digest::MAX_OUTPUT_LEN],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Fingerprint {
    /// Reads the value of an `a=fingerprint` attribute: `"sha-256 AB:CD:…"`, in upper or lower case.
    ///
    /// # Errors
    /// [`FingerprintError`] for weak or unknown hash functions and digests of another length.
    pub fn parse(value: &str) -> Result<Self, FingerprintError> {
        let (name, pairs) = value.trim().split_once(' ').ok_or(FingerprintError::Digest)?;
        let hash = Hash::named(name).ok_or(FingerprintError::Hash)?;
        let mut digest = [0; digest::MAX_OUTPUT_LEN];
        let mut pairs = pairs.trim().split(':');
        for place in &mut digest[..hash.len()] {
            let pair = pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|c| c.is_ascii_hexdigit()));
            let pair = pair.ok_or(FingerprintError::Digest)?;
            *place = u8::from_str_radix(pair, 16).map_err(|_| FingerprintError::Digest)?;
        }
        if pairs.next().is_some() {
            return Err(FingerprintError::Digest);
        }
        Ok(Self { hash, digest })
    }

    /// The SHA-256 fingerprint of a certificate.
    #[must_use]
    pub fn sha256_of(certificate: &[u8]) -> Self {
        Self::of(Hash::Sha256, certificate)
    }

    /// Whether this is the fingerprint of `certificate`. Compares in constant time.
    #[must_use]
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        verify_slices_are_equal(self.bytes(), Self::of(self.hash, certificate).bytes()).is_ok()
    }

    fn of(hash: Hash, certificate: &[u8]) -> Self {
        let computed = digest::digest(hash.algorithm(), certificate);
        let mut digest = [0; digest::MAX_OUTPUT_LEN];
        digest[..hash.len()].copy_from_slice(computed.as_ref());
        Self { hash, digest }
    }

    fn bytes(&self) -> &[u8] {
        &self.digest[..self.hash.len()]
    }
}

impl fmt::Display for Fingerprint {
    /// As in an `a=fingerprint` attribute.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.name())?;
        for (index, byte) in self.bytes().iter().enumerate() {
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

impl Hash {
    fn named(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha384, Self::Sha512].into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    fn len(self) -> usize {
        self.algorithm().output_len()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of the empty string (FIPS 180-4 example values).
    const EMPTY: &str = "sha-256 E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:\
                         78:52:B8:55";

    #[test]
    fn reads_what_it_writes_in_any_case() {
        for text in [EMPTY.to_owned(), EMPTY.to_lowercase(), format!(" {EMPTY}\r\n")] {
            let fingerprint = Fingerprint::parse(&text).expect("valid");
            assert_eq!(fingerprint.to_string(), EMPTY);
            assert!(fingerprint.is_of(b"") && !fingerprint.is_of(b"x"));
        }
    }

    #[test]
    fn longer_hashes_match_their_own_digest() {
        for hash in [Hash::Sha384, Hash::Sha512] {
            let text = Fingerprint::of(hash, b"certificate").to_string();
            let fingerprint = Fingerprint::parse(&text).expect("valid");
            assert!(fingerprint.is_of(b"certificate") && !fingerprint.is_of(b"other"));
        }
    }

    #[test]
    fn sec_04_weak_hashes_and_odd_digests_are_refused() {
        let check = |value: &str, expected| assert_eq!(Fingerprint::parse(value).err(), Some(expected), "{value}");
        check("sha-1 DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09", FingerprintError::Hash);
        check("md5 D4:1D:8C:D9:8F:00:B2:04:E9:80:09:98:EC:F8:42:7E", FingerprintError::Hash);
        check("sha-256", FingerprintError::Digest);
        check("sha-256 E3:B0", FingerprintError::Digest);
        check(&EMPTY.replace(':', ""), FingerprintError::Digest);
        check(&format!("{EMPTY}:00"), FingerprintError::Digest);
        check(&EMPTY.replace("E3", "+3"), FingerprintError::Digest);
        check(&EMPTY.replace("E3", "E"), FingerprintError::Digest);
    }
}
