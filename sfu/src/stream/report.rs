//! What RTCP reports say about one stream.
//!
//! [`ReceiverStats`] watches a publisher's SSRC and gives the numbers of a report block (RFC 3550 §6.4.1, Appendix
//! A.3 and A.8). [`Rtt`] reads the round-trip time out of what comes back. Reports are made and ended here: no number
//! of one transport's RTCP ever reaches another (media trap B2).

use std::time::{Duration, Instant};

use crate::stream::clock::Ntp;
use crate::stream::worker_time::WorkerTime;

/// The numbers of one report block (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// Share of packets lost since the last block, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning: a signed 24-bit number, negative when duplicates outnumber losses.
    pub cumulative_lost: i32,
    /// Extended highest sequence number; the upper half counts roll-overs since the first packet.
    pub highest: u32,
    /// Interarrival jitter, in timestamp ticks.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time, 0 if none came.
    pub last_sr: u32,
    /// Time since that report arrived, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

/// Statistics of one received stream.
#[derive(Clone, Debug)]
pub struct ReceiverStats {
    rate: u32,
    base: Option<u64>,
    highest: u64,
    received: u64,
    /// Expected and received at the block before.
    reported: (u64, u64),
    jitter: Jitter,
    last_sr: Option<(Ntp, Instant)>,
}

/// RFC 3550 Appendix A.8, in ticks times 16.
#[derive(Clone, Copy, Debug, Default)]
struct Jitter {
    scaled: u64,
    newest: Option<(WorkerTime, u32)>,
}

impl ReceiverStats {
    /// Statistics for a stream of `rate` ticks per second.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        assert!(rate > 0);
        Self { rate, base: None, highest: 0, received: 0, reported: (0, 0), jitter: Jitter::default(), last_sr: None }
    }

    /// A packet arrived on the stream itself. RTX copies do not count (RFC 4588 §4): they are not sent on this SSRC.
    pub fn handle_packet(&mut self, now: WorkerTime, sequence: u64, timestamp: u32) {
        let newest = sequence > self.highest;
        self.base = Some(self.base.map_or(sequence, |base| base.min(sequence)));
        self.highest = self.highest.max(sequence);
        self.received += 1;
        if newest {
            self.jitter.note(now, timestamp, self.rate);
        }
    }

    /// A sender report with this NTP time arrived.
    pub fn handle_sender_report(&mut self, now: Instant, ntp: Ntp) {
        self.last_sr = Some((ntp, now));
    }

    /// The numbers of a report block sent now, which begins a new interval. `None` before the first packet.
    pub fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        let base = self.base?;
        let expected = self.highest - base + 1;
        let (expected_before, received_before) = self.reported;
        let in_interval = expected - expected_before;
        let lost = in_interval.saturating_sub(self.received - received_before);
        self.reported = (expected, self.received);
        let (last_sr, delay_since_last_sr) =
            self.last_sr.map_or((0, 0), |(ntp, at)| (ntp.middle(), compact(now.saturating_duration_since(at))));
        let first_cycle = base & !0xffff;
        Some(ReportBlock {
            fraction_lost: (lost * 256).checked_div(in_interval).map_or(0, |fraction| fraction.min(255) as u8),
            cumulative_lost: (expected as i64 - self.received as i64).clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest: (self.highest - first_cycle) as u32,
            jitter: self.jitter.ticks(),
            last_sr,
            delay_since_last_sr,
        })
    }

    /// Jitter as time, for statistics.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        Duration::from_micros(u64::from(self.jitter.ticks()) * 1_000_000 / u64::from(self.rate))
    }

    /// Packets received and packets expected, since the beginning.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        (self.received, self.base.map_or(0, |base| self.highest - base + 1))
    }
}

impl Jitter {
    /// Larger steps are pauses and restarts, not jitter: five seconds.
    const STEP_SECONDS_MAX: u64 = 5;

    /// Counts the first packet of each timestamp: the rest of a video frame waited for the frame's own packets.
    fn note(&mut self, now: WorkerTime, timestamp: u32, rate: u32) {
        let Some((at, previous)) = self.newest else {
            self.newest = Some((now, timestamp));
            return;
        };
        if timestamp == previous {
            return;
        }
        self.newest = Some((now, timestamp));
        let elapsed = now.micros_since(at).saturating_mul(u64::from(rate)) / 1_000_000;
        let advance = i64::from(timestamp.wrapping_sub(previous) as i32);
        let difference = (elapsed as i64).abs_diff(advance);
        if difference < u64::from(rate) * Self::STEP_SECONDS_MAX {
            self.scaled = self.scaled + difference - ((self.scaled + 8) >> 4);
        }
    }

    fn ticks(&self) -> u32 {
        (self.scaled >> 4) as u32
    }
}

/// A smoothed round-trip time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rtt {
    smoothed: Option<Duration>,
}

impl Rtt {
    /// A round trip longer than this is a wrong report.
    pub const MAX: Duration = Duration::from_secs(10);

    /// A report block, or a DLRR sub-block (RFC 3611 §4.5), arrived when our clock showed `ours`. Blocks that answer
    /// no report of ours (`last_sr` 0) and impossible ones are ignored.
    pub fn handle_report(&mut self, ours: Ntp, last_sr: u32, delay_since_last_sr: u32) {
        if last_sr == 0 {
            return;
        }
        let trip = ours.middle().wrapping_sub(last_sr).wrapping_sub(delay_since_last_sr);
        let trip = Duration::from_nanos((u64::from(trip) * 1_000_000_000) >> 16);
        if trip <= Self::MAX {
            self.smoothed = Some(self.smoothed.map_or(trip, |smoothed| (smoothed * 7 + trip) / 8));
        }
    }

    /// The smoothed time; `None` before the first report.
    #[must_use]
    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }
}

/// A duration in 1/65536 s, as RTCP carries it.
fn compact(duration: Duration) -> u32 {
    u32::try_from((duration.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
