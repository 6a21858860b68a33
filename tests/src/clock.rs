//! The one clock reading of the simulated world.

use std::sync::OnceLock;
use std::time::Instant;

/// The instant at which every world begins. `Instant` cannot be made from a number, so the real clock is read once;
/// from there on, worlds only add to it.
#[allow(clippy::disallowed_methods, reason = "the one reading, see above")]
#[must_use]
pub fn start_of_time() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}
