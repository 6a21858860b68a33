//! The SRTP profile that a measurement is made with, as a flag.

use clap::ValueEnum;
use tillside_sfu::srtp::SrtpProfile;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// AEAD_AES_128_GCM: what Firefox negotiates with our node
    Gcm128,
    /// AEAD_AES_256_GCM: what Chromium negotiates with our node
    Gcm256,
    /// AES128_CM_HMAC_SHA1_80: what servers without GCM negotiate
    CmSha1,
}

impl From<Profile> for SrtpProfile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Gcm128 => Self::AeadAes128Gcm,
            Profile::Gcm256 => Self::AeadAes256Gcm,
            Profile::CmSha1 => Self::Aes128CmSha1_80,
        }
    }
}
