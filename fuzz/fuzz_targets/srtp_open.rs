//! A session of sealed datagrams, each after two bytes of length: nothing panics, no state beyond its cap. The keys are
//! those of a captured call, so that its datagrams are authentic.
#![cfg_attr(fuzzing, no_main)]

use tillside_sfu::rtp::{DatagramKind, classify};
use tillside_sfu::srtp::{NewSsrc, SSRCS_PER_SESSION_MAX, SrtpKeys, SrtpOpener, SrtpProfile};

const CALL: &[u8] = include_bytes!("../../sfu/tests/fixtures/chromium156.call");

pub(crate) fn run(bytes: &[u8]) {
    for profile in [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm, SrtpProfile::Aes128CmSha1_80] {
        let keys = SrtpKeys::of_dtls_server(profile, &CALL[..profile.exported_len()]).expect("right length");
        let mut opener = SrtpOpener::new(&keys.theirs);
        let mut rest = bytes;
        while let [l0, l1, tail @ ..] = rest {
            let (datagram, tail) = tail.split_at(tail.len().min(usize::from(u16::from_be_bytes([*l0, *l1]))));
            rest = tail;
            let mut datagram = datagram.to_vec();
            if classify(&datagram) == DatagramKind::Rtcp {
                let _ = opener.open_rtcp(&mut datagram).map(|len| assert!(len < datagram.len()));
            } else if let Ok(opened) = opener.open_rtp(&mut datagram, NewSsrc::Admit) {
                let _ = opened.packet(&datagram);
            }
            assert!(opener.ssrc_count() <= SSRCS_PER_SESSION_MAX);
        }
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));
