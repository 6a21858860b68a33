//! How many frames one socket may send (SEC-20).

use crate::bucket::Bucket;
use std::time::Instant;

/// Frames over the limit that are dropped with a warning; with one more it is a breach.
const DROPPED_MAX: u32 = 200;

/// See the module.
pub(super) struct FrameLimit {
    bucket: Bucket,
    dropped: u32,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Drop { first: bool },
    Breach { first: bool },
}

impl FrameLimit {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self { bucket: Bucket::new(now(), per_second, burst), dropped: 0 }
    }

    pub(super) fn take(&mut self) -> Verdict {
        let now = now();
        if self.bucket.take(now) {
            // One message in a flood gets through now and then; only quiet makes up for it.
            if self.bucket.is_full(now) {
                self.dropped = 0;
            }
            return Verdict::Pass;
        }
        self.dropped += 1;
        match self.dropped.checked_sub(DROPPED_MAX) {
            None | Some(0) => Verdict::Drop { first: self.dropped == 1 },
            Some(beyond) => Verdict::Breach { first: beyond == 1 },
        }
    }
}

#[allow(clippy::disallowed_methods)] // the shell reads the clock for the limiter
fn now() -> Instant {
    Instant::now()
}
