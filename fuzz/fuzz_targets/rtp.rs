//! A plaintext RTP packet: whatever is read can be written again and reads the same.
#![cfg_attr(fuzzing, no_main)]

use tillside_sfu::rtp::{Extension, RtpPacket, write_header};

pub(crate) fn run(bytes: &[u8]) {
    let Some(packet) = RtpPacket::parse(bytes) else { return };
    assert!(packet.header().len() + packet.payload().len() + packet.padding_len() == bytes.len());
    let extensions: Vec<Extension<'_>> = packet.extensions().collect();
    let mut out = vec![0; 4 * bytes.len() + 16];
    let len = write_header(&mut out, &packet.header().fields(), &extensions).expect("what was read can be written");
    let again = RtpPacket::parse(&out[..len]).expect("what was written can be read");
    assert_eq!(again.header().fields(), packet.header().fields());
    assert!(again.extensions().eq(extensions));
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));
