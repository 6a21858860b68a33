//! A datagram that looks like STUN: read as a request by the server and as an answer by the client, proven or not.
#![cfg_attr(fuzzing, no_main)]

use tillside_sfu::stun::{IntegrityKey, UNKNOWN_ATTRIBUTES_MAX, UnverifiedRequest, read_answer, username_of};

pub(crate) fn run(bytes: &[u8]) {
    // The password of RFC 5769, with which some of the corpus is proven.
    let key = IntegrityKey::new(b"VOkJxbRl1RmTxUk/WvJxBt");
    let username = username_of(bytes);
    if let Ok(request) = UnverifiedRequest::parse(bytes) {
        assert_eq!(request.local_ufrag(), username.map(|(local, _)| local));
        if let Some(request) = request.verify(&key) {
            assert!(request.unknown.as_slice().len() <= UNKNOWN_ATTRIBUTES_MAX);
        }
    }
    let _ = read_answer(bytes, &key);
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));
