//! Tillside bench harness.
fn main() {}
