//! Replays the seeds and findings of the fuzz target of this crate through the function that the fuzzer runs (SEC-06).
#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::path::Path;

#[path = "../../fuzz/fuzz_targets/signaling_json.rs"]
mod signaling_json;

#[test]
fn sec_06_signaling_json() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/signaling_json");
    let mut seeds = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let step = bytes.len().div_ceil(64).max(1);
        (0..bytes.len()).step_by(step).for_each(|cut| signaling_json::run(&bytes[..cut]));
        signaling_json::run(&bytes);
        seeds += 1;
    }
    assert!(seeds > 10);
}
