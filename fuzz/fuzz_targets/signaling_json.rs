//! A frame of the signaling socket: read or refused, and what is read can be written and read again.
#![cfg_attr(fuzzing, no_main)]

use tillside::protocol::{FRAME_BYTES_MAX, read};
use tillside::signaling::Inbound;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(&bytes[..bytes.len().min(FRAME_BYTES_MAX)]) else { return };
    let Ok(message) = read(text) else { return };
    let written = serde_json::to_string(&message).expect("messages can be written");
    assert!(read(&written).is_ok());
    let _ = Inbound::new(message);
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));
