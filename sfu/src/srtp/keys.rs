//! Master keys as the DTLS handshake exports them.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

const KEY_MAX: usize = 32;
const SALT_MAX: usize = 14;

/// The protection profiles we speak. The ones with a 32-bit tag are left out on purpose (media trap F4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    /// RFC 7714; preferred.
    AeadAes128Gcm,
    /// RFC 7714.
    AeadAes256Gcm,
    /// RFC 3711, with the 80-bit tag of RFC 5764 §4.1.2; five times the cost of GCM per video packet.
    Aes128CmSha1_80,
}

/// The master key and salt of one direction.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    #[zeroize(skip)]
    profile: SrtpProfile,
    key: [u8; KEY_MAX],
    salt: [u8; SALT_MAX],
}

/// The master keys of a transport, ours for what we send and theirs for what we receive. Wiped when dropped.
#[derive(Clone, Debug)]
pub struct SrtpKeys {
    /// What both sides agreed on.
    pub profile: SrtpProfile,
    /// Seals what we send.
    pub ours: MasterKey,
    /// Opens what we receive.
    pub theirs: MasterKey,
}

impl SrtpProfile {
    /// Length of the master key, and of the session key derived from it, in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::Aes128CmSha1_80 => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Length of the salt in bytes.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
            Self::Aes128CmSha1_80 => 14,
        }
    }

    /// Length of the authentication tag in bytes.
    #[must_use]
    pub const fn tag_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
            Self::Aes128CmSha1_80 => 10,
        }
    }

    /// How many bytes to take from the DTLS exporter (RFC 5764 §4.2): both keys, then both salts.
    #[must_use]
    pub const fn exported_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }
}

/// The IANA name, as browsers report it in their statistics.
impl fmt::Display for SrtpProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
            Self::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
        })
    }
}

impl MasterKey {
    /// `None` if a length is not the profile's.
    #[must_use]
    pub fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Option<Self> {
        if key.len() != profile.key_len() || salt.len() != profile.salt_len() {
            return None;
        }
        let mut master = Self { profile, key: [0; KEY_MAX], salt: [0; SALT_MAX] };
        master.key[..key.len()].copy_from_slice(key);
        master.salt[..salt.len()].copy_from_slice(salt);
        Some(master)
    }

    pub(super) fn profile(&self) -> SrtpProfile {
        self.profile
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.profile.key_len()]
    }

    /// Padded with zeros on the right to 14 bytes, which is how key derivation takes the shorter salt (RFC 7714 §11).
    pub(super) fn salt(&self) -> &[u8; SALT_MAX] {
        &self.salt
    }
}

/// Shows that there is a key, not which.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, redacted)", self.profile)
    }
}

/// In constant time.
impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        self.profile == other.profile && (self.key.ct_eq(&other.key) & self.salt.ct_eq(&other.salt)).into()
    }
}

impl Eq for MasterKey {}

impl SrtpKeys {
    /// The keys of a DTLS server from the handshake's exported bytes: client key, server key, client salt, server salt
    /// (RFC 5764 §4.2). `None` if there are not exactly [`SrtpProfile::exported_len`] bytes.
    #[must_use]
    pub fn of_dtls_server(profile: SrtpProfile, exported: &[u8]) -> Option<Self> {
        if exported.len() != profile.exported_len() {
            return None;
        }
        let (keys, salts) = exported.split_at(2 * profile.key_len());
        let (client_key, server_key) = keys.split_at(profile.key_len());
        let (client_salt, server_salt) = salts.split_at(profile.salt_len());
        Some(Self {
            profile,
            ours: MasterKey::new(profile, server_key, server_salt)?,
            theirs: MasterKey::new(profile, client_key, client_salt)?,
        })
    }

    /// The same, for a DTLS client.
    #[must_use]
    pub fn of_dtls_client(profile: SrtpProfile, exported: &[u8]) -> Option<Self> {
        let Self { ours, theirs, .. } = Self::of_dtls_server(profile, exported)?;
        Some(Self { profile, ours: theirs, theirs: ours })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_bytes_are_split_in_the_order_of_rfc_5764() {
        for profile in [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm, SrtpProfile::Aes128CmSha1_80] {
            let (key, salt) = (profile.key_len(), profile.salt_len());
            let exported: Vec<u8> = [vec![1; key], vec![2; key], vec![3; salt], vec![4; salt]].concat();
            let server = SrtpKeys::of_dtls_server(profile, &exported).expect("right length");
            assert!(server.theirs == MasterKey::new(profile, &vec![1; key], &vec![3; salt]).expect("right length"));
            assert!(server.ours == MasterKey::new(profile, &vec![2; key], &vec![4; salt]).expect("right length"));
            let client = SrtpKeys::of_dtls_client(profile, &exported).expect("right length");
            assert!(client.ours == server.theirs && client.theirs == server.ours && client.ours != client.theirs);
            assert!(SrtpKeys::of_dtls_server(profile, &exported[1..]).is_none());
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = SrtpKeys::of_dtls_server(SrtpProfile::AeadAes128Gcm, &[0xa7; 56]).expect("right length");
        let shown = format!("{keys:?}");
        assert!(shown.contains("redacted") && !shown.contains("167") && !shown.contains("a7"), "{shown}");
    }
}
