//! Tillside's node, as a library: the binary, the bench harness and the tests start it from here.

pub mod protocol;
