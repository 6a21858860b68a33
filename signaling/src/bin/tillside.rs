//! The `tillside` binary.
fn main() {}
