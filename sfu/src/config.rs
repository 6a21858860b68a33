//! Limits of the core with their reasons.

use crate::sends::NetPath;

/// Participants of one room on one worker: 1 → 1,000 at 3 Mbit/s is more than a core forwards.
pub const ROOM_PARTICIPANTS_MAX: usize = 2_000;
/// Participants on one worker: at 16 KiB each when idle, 20,000 take 320 MiB.
pub const WORKER_PARTICIPANTS_MAX: usize = 20_000;
/// Commands that wait for a worker; signaling answers `overloaded` beyond.
pub const COMMANDS_MAX: usize = 4_096;
/// Events that wait for signaling.
pub const EVENTS_MAX: usize = 16_384;

/// True when a path could never be one of a participant: multicast or unspecified (SEC-11).
#[must_use]
pub fn is_impossible(path: &NetPath) -> bool {
    let ip = path.remote().ip();
    ip.is_multicast() || ip.is_unspecified() || path.remote().port() == 0
}
