//! RTP timestamps of a subscription: one clock across encodings, publications and pauses.
//!
//! Within a stretch of one encoding the output is the source plus a constant, so that the publisher's own timing
//! passes through. At a switch the constant is chosen anew (media trap A4): by the two encodings' sender reports
//! where both are known, else by the time that passed between arrivals, within bounds. The output never goes back
//! at a switch, and it advances with wall time while nothing is sent (media trap A5).

use std::time::Duration;

use crate::stream::clock::RtpClock;
use crate::stream::stretch::Stretches;
use crate::stream::worker_time::WorkerTime;

/// How far an alignment by sender reports may lie from what arrival times say before it is disbelieved: more than
/// any queue that a call survives.
const ALIGNMENT_TRUST: Duration = Duration::from_secs(1);
/// How far the fallback may run ahead of the time that passed since the newest frame. One video frame and its
/// jitter; mediasoup allows the same.
const FALLBACK_AHEAD_MAX: Duration = Duration::from_millis(75);
/// How far a publisher's timestamp may drift from arrival time between two frames before it counts as restarted.
/// Longer than a stall of the network that a call survives, which looks the same.
const RESTART_DRIFT: Duration = Duration::from_secs(5);
/// Longest step between packets that one turn of the worker found, as a part of a second: those of a burst.
const BURSTS_PER_SECOND: u32 = 10;
/// Steps of one millisecond keep frames apart where clocks would make them meet.
const STEPS_PER_SECOND: u32 = 1000;
/// Frames over which the mean transit time is taken, as a power of two: 20 s of audio, 34 s of video. Long enough to
/// average jitter away, short enough to follow two clocks that drift apart by 100 ppm to within 4 ms.
const TRANSIT_FRAMES_SHIFT: u32 = 10;

/// Maps timestamps of whatever is forwarded to one output clock.
#[derive(Clone, Debug)]
pub struct TimestampMap {
    rate: u32,
    start: u32,
    /// Output minus source, modulo 2³².
    offsets: Stretches<u32>,
    newest: Option<Newest>,
    transit: Option<Transit>,
}

/// The newest frame that was mapped.
#[derive(Clone, Copy, Debug)]
struct Newest {
    encoding: u8,
    sequence: u64,
    source: u32,
    /// Output timestamp, extended.
    out: i64,
    /// When it arrived, or the first of its burst.
    arrival: WorkerTime,
}

/// The running mean of arrival time minus output timestamp. Unlike the newest frame alone it has no jitter, so
/// that many switches do not add up to an error.
#[derive(Clone, Copy, Debug)]
struct Transit {
    /// In ticks, shifted by [`TRANSIT_FRAMES_SHIFT`] so that a frame's share of it is not rounded away.
    mean: i64,
    frames: u32,
}

impl Transit {
    /// Each frame counts as much as a power of two of frames does, at least as many as there were.
    #[inline]
    fn note(&mut self, ticks: i64) {
        self.mean += ((ticks << TRANSIT_FRAMES_SHIFT) - self.mean) >> self.frames.ilog2().min(TRANSIT_FRAMES_SHIFT);
        self.frames = self.frames.saturating_add(1);
    }
}

impl TimestampMap {
    /// A map for a clock of `rate` ticks per second, whose first output timestamp is `start`.
    #[must_use]
    pub fn new(rate: u32, start: u32) -> Self {
        assert!(rate >= STEPS_PER_SECOND, "no RTP clock ticks slower than 1 kHz");
        Self { rate, start, offsets: Stretches::new(), newest: None, transit: None }
    }

    /// Begins a stretch of `encoding` at the packet `sequence`, which carries `timestamp` and arrived at `now`.
    ///
    /// `from` and `to` are the sender-report clocks of the encoding forwarded so far and of the new one. Both must
    /// come from one publisher: pass `None` when the publication changed.
    pub fn switch(
        &mut self,
        now: WorkerTime,
        encoding: u8,
        sequence: u64,
        timestamp: u32,
        from: Option<&RtpClock>,
        to: Option<&RtpClock>,
    ) {
        let out = match self.newest {
            None => i64::from(self.start),
            Some(newest) => {
                let by_arrival = self.expected(now, &newest);
                let aligned = from.zip(to).map(|(from, to)| self.aligned(&newest, from, to, timestamp));
                let trust = self.ticks(ALIGNMENT_TRUST).unsigned_abs();
                let believed = aligned.filter(|aligned| aligned.abs_diff(by_arrival) <= trust);
                believed.unwrap_or(by_arrival).max(newest.out + self.step())
            }
        };
        self.begin(now, encoding, sequence, timestamp, out);
    }

    /// The output timestamp of a packet that is forwarded. `None` when its stretch is no longer remembered.
    #[inline(always)]
    pub fn forward(&mut self, now: WorkerTime, encoding: u8, sequence: u64, timestamp: u32) -> Option<u32> {
        let offset = *self.offsets.at(encoding, sequence)?;
        let out = timestamp.wrapping_add(offset);
        let (longest_burst, newest) = (self.rate / BURSTS_PER_SECOND, self.newest.as_mut()?);
        if encoding != newest.encoding || sequence <= newest.sequence {
            return Some(out);
        }
        let advance = out.wrapping_sub(newest.out as u32);
        // Packets of one frame, and frames that came in one burst, tell nothing new of the clock.
        if advance == 0 || (now == newest.arrival && advance < longest_burst) {
            newest.sequence = sequence;
            newest.source = timestamp;
            newest.out += i64::from(advance);
            return Some(out);
        }
        self.forward_frame(now, encoding, sequence, timestamp, out)
    }

    /// The packet is the first of a turn that shows a new frame.
    fn forward_frame(&mut self, now: WorkerTime, encoding: u8, sequence: u64, timestamp: u32, out: u32) -> Option<u32> {
        let newest = self.newest?;
        let advance = i64::from(out.wrapping_sub(newest.out as u32) as i32);
        let elapsed = self.ticks_of(now.micros_since(newest.arrival));
        if advance.abs_diff(elapsed) > self.ticks(RESTART_DRIFT).unsigned_abs() {
            let out = self.expected(now, &newest);
            self.begin(now, encoding, sequence, timestamp, out);
            return Some(out as u32);
        }
        if advance > 0 {
            self.note_frame(now, encoding, sequence, timestamp, newest.out + advance);
        }
        Some(out)
    }

    /// The output timestamp that [`Self::forward`] gave for a packet.
    #[must_use]
    pub fn recall(&self, encoding: u8, sequence: u64, timestamp: u32) -> Option<u32> {
        self.offsets.recall(encoding, sequence).map(|offset| timestamp.wrapping_add(*offset))
    }

    /// Where a source timestamp of the current stretch lies on the output clock, for sender reports.
    #[must_use]
    pub fn translate(&self, timestamp: u32) -> Option<u32> {
        self.offsets.newest().map(|offset| timestamp.wrapping_add(*offset))
    }

    /// Forgets the source, whose numbers mean something else from now on; the output clock continues.
    pub fn forget_source(&mut self) {
        self.offsets.clear();
    }

    fn begin(&mut self, now: WorkerTime, encoding: u8, sequence: u64, timestamp: u32, out: i64) {
        assert!(self.newest.is_none_or(|newest| out > newest.out), "a switch never goes back in time");
        self.offsets.begin(encoding, sequence, (out as u32).wrapping_sub(timestamp));
        self.note_frame(now, encoding, sequence, timestamp, out);
    }

    #[inline]
    fn note_frame(&mut self, now: WorkerTime, encoding: u8, sequence: u64, source: u32, out: i64) {
        self.newest = Some(Newest { encoding, sequence, source, out, arrival: now });
        let ticks = self.ticks_at(now);
        self.transit.get_or_insert(Transit { mean: 0, frames: 1 }).note(ticks - out);
    }

    /// The output timestamp of `timestamp` on the clock `to`, by the time that passed between its capture and that of
    /// the newest frame, which was on the clock `from`.
    fn aligned(&self, newest: &Newest, from: &RtpClock, to: &RtpClock, timestamp: u32) -> i64 {
        let captured = to.capture_time(timestamp).micros_since(from.capture_time(newest.source));
        // Reports may hold any time at all, so this is far from fitting the ticks of a sane one.
        let ticks = i128::from(captured) * i128::from(self.rate) / 1_000_000;
        newest.out.saturating_add(i64::try_from(ticks).unwrap_or(i64::MAX))
    }

    /// The output timestamp of a new frame that arrives at `now`, by arrival times alone.
    fn expected(&self, now: WorkerTime, newest: &Newest) -> i64 {
        let earliest = newest.out + self.step();
        let elapsed = self.ticks_of(now.micros_since(newest.arrival));
        let latest = newest.out + elapsed + self.ticks(FALLBACK_AHEAD_MAX);
        let by_mean =
            self.transit.map_or(latest, |transit| self.ticks_at(now) - (transit.mean >> TRANSIT_FRAMES_SHIFT));
        by_mean.clamp(earliest, latest)
    }

    /// Ticks in a constant duration.
    fn ticks(&self, duration: Duration) -> i64 {
        self.ticks_of(duration.as_micros() as u64)
    }

    #[inline]
    fn ticks_of(&self, micros: u64) -> i64 {
        (micros.saturating_mul(u64::from(self.rate)) / 1_000_000) as i64
    }

    /// A time on a clock of this rate.
    #[inline]
    fn ticks_at(&self, time: WorkerTime) -> i64 {
        self.ticks_of(time.micros())
    }

    fn step(&self) -> i64 {
        i64::from(self.rate / STEPS_PER_SECOND)
    }
}

#[cfg(test)]
mod tests;
