//! AES-GCM as SRTP uses it (RFC 7714), for either key length. One value protects one direction of one protocol.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::kdf::{Label, derive};
use super::keys::{MasterKey, SrtpProfile};

pub(super) const TAG: usize = 16;
const SALT: usize = 12;

/// A session key and salt. The key schedule is expanded once; the library wipes it when dropped.
pub(super) struct Gcm {
    key: LessSafeKey,
    /// In the high bytes.
    salt: Zeroizing<u128>,
}

impl Gcm {
    pub(super) fn new(master: &MasterKey, encryption: Label, salting: Label) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..master.profile().key_len()];
        derive(master, encryption, key);
        let mut salt = Zeroizing::new([0; SALT]);
        derive(master, salting, &mut *salt);
        Self::from_session(master.profile(), key, *salt)
    }

    pub(super) fn from_session(profile: SrtpProfile, key: &[u8], salt: [u8; SALT]) -> Self {
        let algorithm = match profile {
            SrtpProfile::AeadAes128Gcm => &AES_128_GCM,
            SrtpProfile::AeadAes256Gcm => &AES_256_GCM,
            SrtpProfile::Aes128CmSha1_80 => unreachable!("not a GCM profile"),
        };
        let key = UnboundKey::new(algorithm, key).expect("the key has the length of the algorithm");
        let mut high = Zeroizing::new([0; size_of::<u128>()]);
        high[..SALT].copy_from_slice(&salt);
        Self { key: LessSafeKey::new(key), salt: Zeroizing::new(u128::from_be_bytes(*high)) }
    }

    /// Salt xor (0, 0, SSRC, 48-bit index) (RFC 7714 §8.1; §9.1 for SRTCP, whose index is the low 31 bits). Every
    /// packet we seal has its own index, so no nonce comes twice under one key.
    #[inline]
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        debug_assert!(index < 1 << 48);
        let packet = u128::from(ssrc) << 48 | u128::from(index);
        let nonce = (*self.salt ^ packet << 32).to_be_bytes();
        Nonce::assume_unique_for_key(*nonce.first_chunk().expect("12 of 16 bytes"))
    }

    /// Seals `plaintext` into `out`, which is exactly [`TAG`] bytes longer.
    #[inline]
    pub(super) fn seal_from(&self, ssrc: u32, index: u64, aad: &[u8], plaintext: &[u8], out: &mut [u8]) {
        let (ciphertext, tag) = out.split_at_mut(plaintext.len());
        self.key
            .seal_out_of_place_scatter(self.nonce(ssrc, index), Aad::from(aad), plaintext, ciphertext, &[], tag)
            .expect("lengths match and are far below the limit of the algorithm");
    }

    /// Seals `body` in place, whose last [`TAG`] bytes are free for the tag.
    #[inline]
    pub(super) fn seal_in_place(&self, ssrc: u32, index: u64, aad: &[u8], body: &mut [u8]) {
        let (plaintext, tag_place) = body.split_at_mut(body.len() - TAG);
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(ssrc, index), Aad::from(aad), plaintext)
            .expect("lengths are far below the limit of the algorithm");
        tag_place.copy_from_slice(tag.as_ref());
    }

    /// Opens `body`, ciphertext and tag, in place. Says whether it is authentic; if not, `body` is destroyed.
    #[inline]
    #[must_use]
    pub(super) fn open_in_place(&self, ssrc: u32, index: u64, aad: &[u8], body: &mut [u8]) -> bool {
        self.key.open_in_place(self.nonce(ssrc, index), Aad::from(aad), body).is_ok()
    }
}
