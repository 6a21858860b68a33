//! AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1). One value protects one direction of one protocol.

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::kdf::{Label, derive};
use super::keys::MasterKey;

pub(super) const TAG: usize = 10;
const SALT: usize = 14;

/// A session key, authentication key and salt, with the AES key schedule and the inner and outer HMAC states expanded
/// once: a packet borrows the first and copies the second.
pub(super) struct CmSha1 {
    aes: Aes128,
    hmac: Hmac<Sha1>,
    salt: Zeroizing<[u8; SALT]>,
}

impl CmSha1 {
    pub(super) fn new(master: &MasterKey, encryption: Label, authentication: Label, salting: Label) -> Self {
        let mut key = Zeroizing::new([0; 16]);
        derive(master, encryption, &mut *key);
        let mut authentication_key = Zeroizing::new([0; 20]);
        derive(master, authentication, &mut *authentication_key);
        let mut salt = Zeroizing::new([0; SALT]);
        derive(master, salting, &mut *salt);
        Self {
            aes: Aes128::new(GenericArray::from_slice(&*key)),
            hmac: <Hmac<Sha1> as Mac>::new_from_slice(&*authentication_key).expect("HMAC takes keys of any length"),
            salt,
        }
    }

    /// Encrypts or decrypts `body`: the key stream starts at salt·2¹⁶ xor SSRC·2⁶⁴ xor index·2¹⁶ (RFC 3711 §4.1.1).
    #[inline]
    pub(super) fn apply_key_stream(&self, ssrc: u32, index: u64, body: &mut [u8]) {
        let packet = u128::from(ssrc) << 64 | u128::from(index) << 16;
        let mut start = packet.to_be_bytes();
        for (byte, salt) in start.iter_mut().zip(self.salt.iter()) {
            *byte ^= salt;
        }
        let core = CtrCore::<_, Ctr128BE>::inner_iv_init(&self.aes, GenericArray::from_slice(&start));
        core.apply_keystream_partial(body.into());
    }

    /// The tag over `authenticated` and then `trailer` (the roll-over counter for SRTP, nothing for SRTCP).
    #[inline]
    pub(super) fn tag(&self, authenticated: &[u8], trailer: &[u8]) -> [u8; TAG] {
        let mut hmac = self.hmac.clone();
        hmac.update(authenticated);
        hmac.update(trailer);
        let digest = hmac.finalize().into_bytes();
        let mut tag = [0; TAG];
        tag.copy_from_slice(&digest[..TAG]);
        tag
    }

    /// Whether `tag` is the tag of these bytes, in constant time.
    #[inline]
    #[must_use]
    pub(super) fn verifies(&self, authenticated: &[u8], trailer: &[u8], tag: &[u8]) -> bool {
        self.tag(authenticated, trailer).ct_eq(tag).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::vectors::unhex;

    #[test]
    fn rfc_3711_appendix_b2() {
        let mut salt = Zeroizing::new([0; SALT]);
        salt.copy_from_slice(&unhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
        let cm = CmSha1 {
            aes: Aes128::new(GenericArray::from_slice(&unhex("2B7E151628AED2A6ABF7158809CF4F3C"))),
            hmac: <Hmac<Sha1> as Mac>::new_from_slice(&[0; 20]).expect("HMAC takes keys of any length"),
            salt,
        };
        let mut key_stream = vec![0; 0xff02 * 16];
        cm.apply_key_stream(0, 0, &mut key_stream);
        let check = |block: usize, expected: &str| {
            assert_eq!(key_stream[block * 16..block * 16 + 16], unhex(expected)[..], "block {block:04x}");
        };
        check(0x0000, "E03EAD0935C95E80E166B16DD92B4EB4");
        check(0x0001, "D23513162B02D0F72A43A2FE4A5F97AB");
        check(0x0002, "41E95B3BB0A2E8DD477901E4FCA894C0");
        check(0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4");
        check(0xff00, "362B7C3C6773516318A077D7FC5073AE");
        check(0xff01, "6A2CC3787889374FBEB4C81B17BA6C44");
    }
}
