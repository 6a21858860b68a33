//! The rate of one encoding, measured over whole windows: what a layer costs a subscriber.

use crate::stream::worker_time::WorkerTime;

/// Long enough to hold a keyframe and the frames around it.
const WINDOW_MICROS: u64 = 1_000_000;

/// Bytes per window, smoothed over the last few windows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RateMeter {
    window_began: Option<WorkerTime>,
    bytes: usize,
    bits_per_second: u64,
}

impl RateMeter {
    /// Notes a packet.
    #[inline]
    pub(super) fn add(&mut self, now: WorkerTime, bytes: usize) {
        let began = *self.window_began.get_or_insert(now);
        let elapsed = now.micros_since(began);
        if elapsed >= WINDOW_MICROS {
            let rate = self.bytes as u64 * 8 * 1_000_000 / elapsed;
            self.bits_per_second = if self.bits_per_second == 0 { rate } else { (self.bits_per_second + rate) / 2 };
            (self.window_began, self.bytes) = (Some(now), 0);
        }
        self.bytes += bytes;
    }

    /// Bits per second; 0 before the first window is over.
    pub(super) fn bits_per_second(&self) -> u64 {
        self.bits_per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_steady_stream_is_measured_as_it_is() {
        let start = WorkerTime::default();
        let mut meter = RateMeter::default();
        for packet in 0..300 {
            meter.add(start + Duration::from_millis(packet * 10), 1000);
        }
        assert!((780_000..=820_000).contains(&meter.bits_per_second()), "{}", meter.bits_per_second());
    }
}
