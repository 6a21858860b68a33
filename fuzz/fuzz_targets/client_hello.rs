//! DTLS before the engine: records, fragments of a ClientHello put together, and the hello itself.
#![cfg_attr(fuzzing, no_main)]

pub(crate) fn run(bytes: &[u8]) {
    tillside_sfu::dtls::fuzz_hello(bytes);
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));
