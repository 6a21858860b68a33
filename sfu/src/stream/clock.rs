//! Clocks: NTP time, the publisher's mapping between NTP and RTP, and our own offset to it.
//!
//! A publisher's sender reports tell which NTP time belongs to which RTP timestamp of each of its streams. All its
//! streams share one NTP clock, so one [`PublisherClock`] per publishing transport and one [`RtpClock`] per stream
//! are enough to line up layers at a switch (media trap A4) and to write sender reports that keep lips in sync
//! (media trap B1). Wall time comes in through [`WallClock`]; nothing here reads a clock.

use std::time::{Duration, Instant};

/// A point in time in NTP's 32.32 fixed point format, seconds since 1900 (RFC 5905 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ntp(pub u64);

impl Ntp {
    /// The middle 32 bits, as LSR and DLRR carry them (RFC 3550 §6.4.1): units of 1/65536 s.
    #[must_use]
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// Signed microseconds from `earlier` to `self`. Wraps with the NTP era (2036), so neighbours stay neighbours.
    #[must_use]
    pub fn micros_since(self, earlier: Self) -> i64 {
        let difference = i128::from(self.0.wrapping_sub(earlier.0) as i64);
        ((difference * 1_000_000) >> 32) as i64
    }

    /// This time moved by signed microseconds.
    #[must_use]
    pub fn offset_by_micros(self, micros: i64) -> Self {
        let difference = (i128::from(micros) << 32) / 1_000_000;
        Self(self.0.wrapping_add(difference as i64 as u64))
    }
}

/// Our own NTP clock: the wall time read once at start, carried on by the monotonic clock so that it never steps.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    at: Instant,
    ntp: Ntp,
}

impl WallClock {
    /// Seconds from the NTP epoch (1900) to the Unix epoch (RFC 5905 Appendix A.4).
    const UNIX_EPOCH_SECS: u64 = 2_208_988_800;

    /// `since_unix_epoch` was the wall time at `at`.
    #[must_use]
    pub fn new(at: Instant, since_unix_epoch: Duration) -> Self {
        let seconds = since_unix_epoch.as_secs().wrapping_add(Self::UNIX_EPOCH_SECS);
        let fraction = (u64::from(since_unix_epoch.subsec_nanos()) << 32) / 1_000_000_000;
        Self { at, ntp: Ntp((seconds << 32) | fraction) }
    }

    /// The NTP time at `now`.
    #[must_use]
    pub fn ntp(&self, now: Instant) -> Ntp {
        self.ntp.offset_by_micros(now.saturating_duration_since(self.at).as_micros() as i64)
    }
}

/// One stream's newest pair of NTP time and RTP timestamp, from its sender report (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpClock {
    /// The publisher's NTP time.
    pub ntp: Ntp,
    /// The RTP timestamp at that time.
    pub rtp: u32,
    /// Ticks per second of the RTP timestamp.
    pub rate: u32,
}

impl RtpClock {
    /// When the publisher captured what carries `timestamp`, in the publisher's NTP time.
    #[must_use]
    pub fn capture_time(&self, timestamp: u32) -> Ntp {
        let ticks = i64::from(timestamp.wrapping_sub(self.rtp) as i32);
        self.ntp.offset_by_micros(ticks * 1_000_000 / i64::from(self.rate))
    }

    /// The RTP timestamp of what is captured at `ntp`.
    #[must_use]
    pub fn timestamp_at(&self, ntp: Ntp) -> u32 {
        let ticks = i128::from(ntp.micros_since(self.ntp)) * i128::from(self.rate) / 1_000_000;
        self.rtp.wrapping_add(ticks as i64 as u32)
    }
}

/// The offset from a publisher's NTP clock to ours, smoothed over all its sender reports.
///
/// A report that waited in a queue looks late, never early. So the offset follows early reports at once and late
/// ones slowly, and a queue in front of one of the streams does not move it.
#[derive(Clone, Debug, Default)]
pub struct PublisherClock {
    offset_micros: Option<i64>,
    reports: u32,
    /// Reports in a row that disagree by more than [`PublisherClock::STEP_MICROS`].
    strays: u32,
}

impl PublisherClock {
    /// Reports before the offset is trusted (media trap B1); fewer may all have met the same queue.
    pub const REPORTS_MIN: u32 = 3;
    /// A difference no queue explains: the publisher's wall clock was set.
    const STEP_MICROS: i64 = 2_000_000;
    /// Stray reports in a row after which the step is believed.
    const STRAYS_MAX: u32 = 3;
    /// Weight of a late report: 1/256. Two clocks that drift apart by 100 ppm are followed 26 ms behind, which shifts
    /// all streams alike; a queue of 200 ms moves the offset by less than a millisecond per report.
    const LATE_WEIGHT: i64 = 256;

    /// A sender report with the publisher's time `theirs` arrived at our time `ours`.
    pub fn handle_sender_report(&mut self, ours: Ntp, theirs: Ntp) {
        let sample = ours.micros_since(theirs);
        self.reports = self.reports.saturating_add(1);
        let Some(offset) = self.offset_micros else {
            self.offset_micros = Some(sample);
            return;
        };
        let error = sample.saturating_sub(offset);
        if error.abs() > Self::STEP_MICROS {
            self.strays += 1;
            if self.strays >= Self::STRAYS_MAX {
                *self = Self { offset_micros: Some(sample), reports: self.reports, strays: 0 };
            }
            return;
        }
        self.strays = 0;
        let correction = if error < 0 { error } else { error / Self::LATE_WEIGHT };
        self.offset_micros = Some(offset + correction);
    }

    /// The publisher's NTP time at our time `ours`; `None` before [`Self::REPORTS_MIN`] reports.
    #[must_use]
    pub fn their_time(&self, ours: Ntp) -> Option<Ntp> {
        if self.reports < Self::REPORTS_MIN {
            return None;
        }
        self.offset_micros.map(|offset| ours.offset_by_micros(-offset))
    }

    /// The RTP timestamp of `stream` at our time `ours`: what our own sender report says, once the subscription's
    /// rewriting is applied to it.
    #[must_use]
    pub fn timestamp_at(&self, ours: Ntp, stream: &RtpClock) -> Option<u32> {
        self.their_time(ours).map(|theirs| stream.timestamp_at(theirs))
    }
}

#[cfg(test)]
mod tests;
