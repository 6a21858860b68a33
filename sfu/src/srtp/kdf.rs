//! Session keys from master keys (RFC 3711 §4.3.1, RFC 7714 §11), with a key derivation rate of zero.

use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128, Aes256};

use super::keys::MasterKey;

/// What a session key is for (RFC 3711 §4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fills `out` with the key stream that `label` selects. The caller wipes `out`.
pub(super) fn derive(master: &MasterKey, label: Label, out: &mut [u8]) {
    match master.key() {
        key if key.len() == 16 => key_stream(&Aes128::new(GenericArray::from_slice(key)), master.salt(), label, out),
        key => key_stream(&Aes256::new(GenericArray::from_slice(key)), master.salt(), label, out),
    }
}

fn key_stream<C>(cipher: &C, salt: &[u8; 14], label: Label, out: &mut [u8])
where
    C: BlockEncrypt + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
{
    let mut counter_block = [0; 16];
    counter_block[..14].copy_from_slice(salt);
    counter_block[7] ^= label as u8;
    for (counter, chunk) in (0_u16..).zip(out.chunks_mut(16)) {
        counter_block[14..].copy_from_slice(&counter.to_be_bytes());
        let mut block = GenericArray::from(counter_block);
        cipher.encrypt_block(&mut block);
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::SrtpProfile;
    use super::*;
    use crate::srtp::vectors::unhex;

    #[test]
    fn rfc_3711_appendix_b3() {
        let master = MasterKey::new(
            SrtpProfile::Aes128CmSha1_80,
            &unhex("E1F97A0D3E018BE0D64FA32C06DE4139"),
            &unhex("0EC675AD498AFEEBB6960B3AABE6"),
        )
        .expect("right length");
        let check = |label, expected: &str| {
            let expected = unhex(expected);
            let mut out = vec![0; expected.len()];
            derive(&master, label, &mut out);
            assert_eq!(out, expected, "{label:?}");
        };
        check(Label::RtpEncryption, "C61E7A93744F39EE10734AFE3FF7A087");
        check(Label::RtpSalt, "30CBBC08863D8C85D49DB34A9AE1");
        check(
            Label::RtpAuthentication,
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2DC68",
        );
    }
}
