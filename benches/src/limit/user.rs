//! The fan without sockets: what of a packet's cost is neither the kernel's nor avoidable.

use super::fan::{Fan, HEADER_BYTES, TAG_BYTES};
use crate::cpu::timed;
use std::time::Duration;
use tillside_sfu::srtp::SrtpProfile;

/// Bytes written before the first are overwritten. Like a slab that is flushed often, this stays in the second-level
/// cache.
const OUT_BYTES: usize = 256 * 1024;

/// A fan and where it writes.
pub(crate) struct UserPart {
    fan: Fan,
    batch: usize,
    out: Vec<u8>,
    used: usize,
}

impl UserPart {
    /// See [`Fan::new`].
    pub(crate) fn new(profile: SrtpProfile, subscribers: usize, payload: usize, batch: usize) -> Self {
        let room = HEADER_BYTES + payload + TAG_BYTES;
        Self { fan: Fan::new(profile, subscribers, payload, batch), batch, out: vec![0; OUT_BYTES + room], used: 0 }
    }

    /// Handles so many batches; gives the datagrams written and the CPU time taken.
    pub(crate) fn run(&mut self, batches: usize) -> (u64, Duration) {
        timed(|| self.drive_floor(batches))
    }

    /// The work itself. Never inlined: instructions are counted by its name.
    #[inline(never)]
    fn drive_floor(&mut self, batches: usize) -> u64 {
        (0..batches).map(|_| self.handle_batch()).sum()
    }

    fn handle_batch(&mut self) -> u64 {
        self.fan.open_next();
        let (out, used) = (&mut self.out, &mut self.used);
        let mut written = 0;
        self.fan.fan_out(self.batch, |_, subscriber, packet| {
            if *used > OUT_BYTES {
                *used = 0;
            }
            *used += subscriber.write(packet, &mut out[*used..]);
            written += 1;
        });
        written
    }
}
