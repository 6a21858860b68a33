//! Test vectors of RFC 7714 §16 and §17, below key derivation (which RFC 3711 B.3 pins).

use super::cipher::{RtcpCipher, RtpCipher};
use super::gcm::{self, Gcm};
use super::keys::SrtpProfile;

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SALT: &[u8; 12] = b"Quid pro quo";

const RTP_HEADER: &str = "8040f17b8041f8d35501a0b2";
const RTP_PAYLOAD: &[u8] = b"Gallia est omnis divisa in partes tres";
const RTP_SSRC: u32 = 0x5501_a0b2;
const RTP_INDEX: u64 = 0xf17b;

const RTCP: &str =
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
const RTCP_SSRC: u32 = 0x4d61_7273;
const RTCP_INDEX: u32 = 0x5d4;

/// Bytes from hexadecimal digits.
pub(super) fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("hex digits")).collect()
}

fn gcm(profile: SrtpProfile) -> Gcm {
    Gcm::from_session(profile, &unhex(if profile == SrtpProfile::AeadAes256Gcm { KEY_256 } else { KEY_128 }), *SALT)
}

#[test]
fn rfc_7714_section_16_srtp() {
    let check = |profile, body: &str| {
        let cipher = RtpCipher::Gcm(gcm(profile));
        let header = unhex(RTP_HEADER);
        let sealed = [header.clone(), unhex(body)].concat();

        let mut out = [header.clone(), vec![0; RTP_PAYLOAD.len() + gcm::TAG]].concat();
        cipher.seal_from(RTP_SSRC, RTP_INDEX, header.len(), RTP_PAYLOAD, &mut out);
        assert_eq!(out, sealed, "{profile}, sealed from elsewhere");

        let mut out = [&header, RTP_PAYLOAD, &[0; gcm::TAG]].concat();
        cipher.seal_in_place(RTP_SSRC, RTP_INDEX, header.len(), &mut out);
        assert_eq!(out, sealed, "{profile}, sealed in place");

        assert!(cipher.open_in_place(RTP_SSRC, RTP_INDEX, header.len(), &mut out), "{profile}");
        assert_eq!(&out[header.len()..out.len() - gcm::TAG], RTP_PAYLOAD, "{profile}, opened");
    };
    check(
        SrtpProfile::AeadAes128Gcm,
        "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
    );
    check(
        SrtpProfile::AeadAes256Gcm,
        "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
    );
}

#[test]
fn rfc_7714_section_17_srtcp() {
    let check = |profile, sealed: &str| {
        let cipher = RtcpCipher::Gcm(gcm(profile));
        let plain = unhex(RTCP);
        let sealed = unhex(sealed);

        let mut out = [plain.clone(), vec![0; cipher.overhead()]].concat();
        cipher.seal_in_place(RTCP_SSRC, RTCP_INDEX, &mut out);
        assert_eq!(out, sealed, "{profile}, sealed");

        assert_eq!(cipher.index_of(&sealed), Some(RTCP_INDEX));
        assert!(cipher.open_in_place(RTCP_SSRC, RTCP_INDEX, &mut out), "{profile}");
        assert_eq!(&out[..plain.len()], plain, "{profile}, opened");
    };
    check(
        SrtpProfile::AeadAes128Gcm,
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
    );
    check(
        SrtpProfile::AeadAes256Gcm,
        "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
    );
}

#[test]
fn srtcp_without_encryption_has_no_index() {
    // The tag-only vector of RFC 7714 §17.3: authentic, but its E flag is clear.
    let tagged = "841dd9683dd78ec92ae58790125f62b3000005d4";
    let packet = [unhex(RTCP), unhex(tagged)].concat();
    assert_eq!(RtcpCipher::Gcm(gcm(SrtpProfile::AeadAes128Gcm)).index_of(&packet), None);
}
