//! Asking a publisher for packets that did not arrive.
//!
//! One [`NackGenerator`] per source stream. It is told of every packet, whether it came on the media SSRC, as RTX or
//! as padding, and says which numbers to ask for (media traps D3, D4). It does not know who wants the stream: its
//! owner pauses it while nobody does.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Numbers missing at one time. More is not loss but an outage, which a keyframe mends sooner.
pub const MISSING_MAX: usize = 1000;
/// Packets after which a missing one is given up, and the longest jump that is taken for loss.
pub const AGE_MAX: u64 = 10_000;
/// Times a number is asked for.
pub const TRIES_MAX: u8 = 10;
/// Least time between two requests for one number: browsers answer at once, but send from a paced queue.
pub const RETRY_MIN: Duration = Duration::from_millis(40);
/// Time that a reordered packet has to arrive by itself.
pub const REORDER_HOLD: Duration = Duration::from_millis(10);
/// Numbers given by one [`NackGenerator::poll`]: they fit one RTCP packet even if none are neighbours.
pub const POLL_MAX: usize = 250;

/// What a packet meant to the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Newer than all before it.
    Newest,
    /// It was missing, and had been asked for `tries` times.
    Recovered {
        /// Requests sent for it.
        tries: u8,
    },
    /// Neither newest nor missing: a duplicate, or given up before.
    Old,
    /// Too much is missing to ask for it: the list was cleared, and a keyframe must be requested.
    Overflow,
}

/// The missing numbers of one source stream.
#[derive(Clone, Debug, Default)]
pub struct NackGenerator {
    /// By ascending number.
    missing: VecDeque<Missing>,
    highest: Option<u64>,
    keyframe: Option<u64>,
    next_due: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u64,
    due: Instant,
    tries: u8,
}

impl NackGenerator {
    /// A generator that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet with this extended number arrived. `begins_keyframe` says that nothing older is needed to decode
    /// from here on, which is what gives way first when the list is full.
    pub fn handle_packet(&mut self, now: Instant, sequence: u64, begins_keyframe: bool) -> Arrival {
        if begins_keyframe {
            self.keyframe = self.keyframe.max(Some(sequence));
        }
        let Some(highest) = self.highest.replace(self.highest.map_or(sequence, |highest| highest.max(sequence))) else {
            return Arrival::Newest;
        };
        if sequence <= highest {
            return self.recover(sequence);
        }
        if self.note_gap(now, highest + 1, sequence) { Arrival::Newest } else { Arrival::Overflow }
    }

    /// Numbers to ask for now, ascending, at most [`POLL_MAX`]; `out` is cleared first.
    pub fn poll(&mut self, now: Instant, rtt: Duration, out: &mut Vec<u64>) {
        out.clear();
        if self.next_due.is_none_or(|due| now < due) {
            return;
        }
        let retry = rtt.max(RETRY_MIN);
        // A number that was asked for the last time stays until its answer is due, so that it counts as recovered.
        self.missing.retain(|missing| missing.tries < TRIES_MAX || missing.due > now);
        for missing in &mut self.missing {
            if missing.due <= now && out.len() < POLL_MAX {
                out.push(missing.sequence);
                missing.tries += 1;
                missing.due = now + retry;
            }
        }
        self.next_due = self.missing.iter().map(|missing| missing.due).min();
    }

    /// When [`Self::poll`] has something to give.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_due
    }

    /// Nobody wants the stream, or it began anew: nothing is missing, and the next packet is the first.
    pub fn pause(&mut self) {
        self.missing.clear();
        *self = Self { missing: std::mem::take(&mut self.missing), ..Self::default() };
    }

    /// Numbers missing at present.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.missing.len()
    }

    fn recover(&mut self, sequence: u64) -> Arrival {
        match self.missing.binary_search_by_key(&sequence, |missing| missing.sequence) {
            Ok(index) => {
                let tries = self.missing.remove(index).map_or(0, |missing| missing.tries);
                Arrival::Recovered { tries }
            }
            Err(_) => Arrival::Old,
        }
    }

    /// Adds `from..to`; false when that is too much.
    fn note_gap(&mut self, now: Instant, from: u64, to: u64) -> bool {
        self.forget_before(to.saturating_sub(AGE_MAX));
        if from == to {
            return true;
        }
        let gap = to - from;
        if self.missing.len() as u64 + gap > MISSING_MAX as u64 {
            self.forget_before(self.keyframe.unwrap_or(0));
        }
        if self.missing.len() as u64 + gap > MISSING_MAX as u64 {
            self.missing.clear();
            self.next_due = None;
            return false;
        }
        if self.missing.capacity() == 0 {
            self.missing.reserve_exact(MISSING_MAX);
        }
        let due = now + REORDER_HOLD;
        self.missing.extend((from..to).map(|sequence| Missing { sequence, due, tries: 0 }));
        self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
        true
    }

    fn forget_before(&mut self, sequence: u64) {
        let count = self.missing.partition_point(|missing| missing.sequence < sequence);
        self.missing.drain(..count);
    }
}

#[cfg(test)]
mod tests;
