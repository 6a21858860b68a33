//! Replays the seeds and findings of every fuzz target through the function that the fuzzer runs (SEC-06).

use std::fs;
use std::path::Path;

#[path = "../../fuzz/fuzz_targets/client_hello.rs"]
mod client_hello;
#[path = "../../fuzz/fuzz_targets/codec.rs"]
mod codec;
#[path = "../../fuzz/fuzz_targets/rtcp.rs"]
mod rtcp;
#[path = "../../fuzz/fuzz_targets/rtp.rs"]
mod rtp;
#[path = "../../fuzz/fuzz_targets/sdp.rs"]
mod sdp;
#[path = "../../fuzz/fuzz_targets/srtp_open.rs"]
mod srtp_open;
#[path = "../../fuzz/fuzz_targets/stun.rs"]
mod stun;

/// Runs every file of the target's corpus, whole and cut short at 64 places.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files: Vec<_> =
        fs::read_dir(&folder).expect("corpus is there").map(|entry| entry.expect("readable").path()).collect();
    assert!(files.len() >= 4, "{target} has seeds");
    for file in files {
        let bytes = fs::read(&file).expect("readable");
        let step = bytes.len().div_ceil(64).max(1);
        (0..bytes.len()).step_by(step).for_each(|cut| run(&bytes[..cut]));
        run(&bytes);
    }
}

#[test]
fn sec_06_rtp() {
    replay("rtp", rtp::run);
}

#[test]
fn sec_06_rtcp() {
    replay("rtcp", rtcp::run);
}

#[test]
fn sec_06_srtp_open() {
    replay("srtp_open", srtp_open::run);
}

#[test]
fn sec_06_codec() {
    replay("codec", codec::run);
}

#[test]
fn sec_06_stun() {
    replay("stun", stun::run);
}

#[test]
fn sec_06_client_hello() {
    replay("client_hello", client_hello::run);
}

#[test]
fn sec_06_sdp() {
    replay("sdp", sdp::run);
}
