//! Transport-wide sequence numbers (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! [`TwccRecorder`] notes when a publisher's packets arrive, for the feedback we send. [`TwccSender`] stamps what we
//! send to a subscriber and turns the feedback that comes back into [`PacketResult`]s, the only loss that may move a
//! bandwidth estimate (media trap E2). Both hold numbers only: the RTCP codec packs and unpacks the chunks.

use std::time::{Duration, Instant};

use crate::stream::sequence::Unwrapper;
use crate::stream::worker_time::WorkerTime;

/// Least time between two feedbacks: as other media servers do. libwebrtc takes 50 to 250 ms; in small rooms, half of that
/// would cost as much as a tenth of the media.
pub const FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);
/// Packets that one feedback tells of at most: with two bytes for each and the chunks, it fits one datagram.
pub const FEEDBACK_PACKETS_MAX: usize = 500;
/// Longest time between two arrivals in one feedback; the wire's delta reaches ±8.19 s (16 bits of 250 µs).
pub const FEEDBACK_DELTA_MAX: Duration = Duration::from_secs(8);
/// Arrivals kept: those of 100 ms at 100 Mbit/s, and a late packet's neighbours.
const ARRIVALS: usize = 1024;
/// Sent packets kept: the feedback for 600 packets/s may come 1.7 s late.
const SENT: usize = 1024;

/// Arrival times of one publisher's packets, by transport-wide number.
#[derive(Clone, Debug)]
pub struct TwccRecorder {
    origin: WorkerTime,
    unwrapper: Unwrapper,
    /// Number and microseconds since `origin`.
    arrivals: Box<[Option<(u64, u64)>]>,
    /// First number of the next feedback.
    next: u64,
    /// One more than the highest number recorded.
    end: u64,
    due: Option<Instant>,
    sent_at: Option<Instant>,
    count: u8,
}

/// One feedback message in numbers.
#[derive(Clone, Copy, Debug)]
pub struct Feedback<'a> {
    recorder: &'a TwccRecorder,
    first: u64,
    end: u64,
    /// The "feedback packet count", modulo 256.
    pub count: u8,
}

impl Feedback<'_> {
    /// Transport-wide number of the first packet it tells of.
    #[must_use]
    pub fn base(&self) -> u16 {
        self.first as u16
    }

    /// Packets it tells of, received or not: 1 to [`FEEDBACK_PACKETS_MAX`].
    #[must_use]
    pub fn len(&self) -> u16 {
        (self.end - self.first) as u16
    }

    /// Never true.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first == self.end
    }

    /// In order of number: the number, and the arrival in microseconds since the recorder began, if it arrived.
    /// Times within one feedback differ by less than [`FEEDBACK_DELTA_MAX`] from one to the next.
    pub fn packets(&self) -> impl Iterator<Item = (u16, Option<u64>)> + '_ {
        (self.first..self.end).map(|number| (number as u16, self.recorder.arrival(number)))
    }
}

impl TwccRecorder {
    /// A recorder that counts microseconds from `origin`.
    #[must_use]
    pub fn new(origin: WorkerTime) -> Self {
        Self {
            origin,
            unwrapper: Unwrapper::default(),
            arrivals: Box::default(),
            next: 0,
            end: 0,
            due: None,
            sent_at: None,
            count: 0,
        }
    }

    /// A packet with this transport-wide number arrived at this time, given in both forms. The first arrival of a number
    /// counts.
    pub fn record(&mut self, (now, time): (Instant, WorkerTime), number: u16) {
        if self.arrivals.is_empty() {
            self.arrivals = vec![None; ARRIVALS].into_boxed_slice();
        }
        let number = self.unwrapper.extend(number);
        if self.end == 0 {
            (self.next, self.end) = (number, number);
        }
        if number + ARRIVALS as u64 <= self.end {
            return;
        }
        let slot = &mut self.arrivals[number as usize % ARRIVALS];
        if slot.is_some_and(|(held, _)| held == number) {
            return;
        }
        *slot = Some((number, time.micros_since(self.origin)));
        self.end = self.end.max(number + 1);
        // A late packet was told of as lost: tell again from there on.
        self.next = self.next.min(number).max(self.end.saturating_sub(ARRIVALS as u64));
        if self.due.is_none() {
            self.due = Some(self.sent_at.map_or(now, |sent_at| (sent_at + FEEDBACK_INTERVAL).max(now)));
        }
    }

    /// The next feedback, if one is due. More than one may be due after a burst: poll until `None`.
    pub fn poll(&mut self, now: Instant) -> Option<Feedback<'_>> {
        self.due.filter(|&due| due <= now)?;
        let Some((first, end)) = self.take_range() else {
            self.due = None;
            return None;
        };
        self.next = end;
        if self.next == self.end {
            self.due = None;
        }
        self.sent_at = Some(now);
        let count = self.count;
        self.count = self.count.wrapping_add(1);
        Some(Feedback { recorder: self, first, end, count })
    }

    /// When [`Self::poll`] has something to give.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// What the next feedback tells of: from a packet that arrived to a packet that arrived, cut where it would no
    /// longer fit the wire.
    fn take_range(&self) -> Option<(u64, u64)> {
        let first = (self.next..self.end).find(|&number| self.arrival(number).is_some())?;
        let mut previous = self.arrival(first)?;
        let mut end = first;
        for number in first..self.end.min(first + FEEDBACK_PACKETS_MAX as u64) {
            let Some(arrival) = self.arrival(number) else { continue };
            if u128::from(arrival.abs_diff(previous)) >= FEEDBACK_DELTA_MAX.as_micros() {
                break;
            }
            previous = arrival;
            end = number + 1;
        }
        Some((first, end))
    }

    fn arrival(&self, number: u64) -> Option<u64> {
        let (held, micros) = self.arrivals[number as usize % ARRIVALS]?;
        (held == number).then_some(micros)
    }
}

/// What became of one packet that we sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketResult {
    /// Extended transport-wide number.
    pub number: u64,
    /// When it was sent.
    pub sent_at: Instant,
    /// Size on the wire, in bytes.
    pub bytes: u16,
    /// When it arrived, in microseconds of the receiver's own clock; `None` when it is reported lost. A packet that
    /// was reported lost may be reported again with a time.
    pub arrival_micros: Option<i64>,
}

/// Stamps what is sent on one transport and remembers when.
#[derive(Clone, Debug)]
pub struct TwccSender {
    next: u64,
    /// By number. Numbers are given without gaps, so each place holds the newest number that belongs there.
    sent: Box<[SentPacket]>,
    rtt: Option<Duration>,
    unanswered_since: Option<WorkerTime>,
}

/// One packet, packed into a word: every packet writes one for every subscriber, into memory that has left the caches
/// since its last turn.
///
/// From the low bits: size in bytes, [`Fate`], and when it was sent in [`SENT_UNIT_MICROS`]. Feedback comes within the
/// half minute after which that time wraps, or is of no use.
#[derive(Clone, Copy, Debug)]
struct SentPacket(u32);

/// Datagrams are shorter than 2¹¹ bytes.
const SIZE_BITS: u32 = 11;
const FATE_BITS: u32 = 2;
/// Receivers tell arrivals in steps of 250 µs.
const SENT_UNIT_MICROS: u64 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Flying,
    Lost,
    Arrived,
}

impl SentPacket {
    #[inline(always)]
    fn flying(now: WorkerTime, bytes: usize) -> Self {
        let size = (bytes as u32).min((1 << SIZE_BITS) - 1);
        let time = (now.micros() / SENT_UNIT_MICROS) as u32;
        Self(time << (SIZE_BITS + FATE_BITS) | (Fate::Flying as u32) << SIZE_BITS | size)
    }

    fn bytes(self) -> u16 {
        (self.0 & ((1 << SIZE_BITS) - 1)) as u16
    }

    fn fate(self) -> Fate {
        match self.0 >> SIZE_BITS & ((1 << FATE_BITS) - 1) {
            fate if fate == Fate::Flying as u32 => Fate::Flying,
            fate if fate == Fate::Lost as u32 => Fate::Lost,
            _ => Fate::Arrived,
        }
    }

    fn set_fate(&mut self, fate: Fate) {
        self.0 = self.0 & !(((1 << FATE_BITS) - 1) << SIZE_BITS) | (fate as u32) << SIZE_BITS;
    }

    /// How long ago it was sent.
    fn age(self, now: WorkerTime) -> Duration {
        let sent_shifted = self.0 & !((1 << (SIZE_BITS + FATE_BITS)) - 1);
        let now_shifted = ((now.micros() / SENT_UNIT_MICROS) as u32) << (SIZE_BITS + FATE_BITS);
        let units = now_shifted.wrapping_sub(sent_shifted) >> (SIZE_BITS + FATE_BITS);
        Duration::from_micros(u64::from(units) * SENT_UNIT_MICROS)
    }
}

/// A sender whose first number is 1 (libwebrtc begins there too).
impl Default for TwccSender {
    fn default() -> Self {
        Self { next: 1, sent: Box::default(), rtt: None, unanswered_since: None }
    }
}

impl TwccSender {
    /// The number for the packet that leaves now: media, RTX or padding alike, after pacing (media trap E1).
    #[inline(always)]
    pub fn stamp(&mut self, now: WorkerTime, bytes: usize) -> u16 {
        if self.sent.is_empty() {
            let mut never = SentPacket(0);
            never.set_fate(Fate::Arrived);
            self.sent = vec![never; SENT].into_boxed_slice();
        }
        let number = self.next;
        self.next += 1;
        self.unanswered_since.get_or_insert(now);
        self.sent[number as usize % SENT] = SentPacket::flying(now, bytes);
        number as u16
    }

    /// A feedback arrived at this time, given in both forms: the receiver's numbers, each with its arrival in microseconds
    /// of the receiver's clock or `None` for lost. Appends what is new to `results`; unknown and repeated numbers are left
    /// out.
    pub fn handle_feedback(
        &mut self,
        (now, time): (Instant, WorkerTime),
        packets: impl Iterator<Item = (u16, Option<i64>)>,
        results: &mut Vec<PacketResult>,
    ) {
        let mut newest = None;
        for (number, arrival_micros) in packets.take(SENT) {
            let Some(number) = self.extend(number) else { continue };
            let sent = &mut self.sent[number as usize % SENT];
            let fate = if arrival_micros.is_some() { Fate::Arrived } else { Fate::Lost };
            if sent.fate() == fate || sent.fate() == Fate::Arrived {
                continue;
            }
            sent.set_fate(fate);
            self.unanswered_since = None;
            let sent_at = now - sent.age(time);
            results.push(PacketResult { number, sent_at, bytes: sent.bytes(), arrival_micros });
            if fate == Fate::Arrived {
                newest = newest.max(Some(sent_at));
            }
        }
        if let Some(sent_at) = newest {
            self.note_rtt(now.saturating_duration_since(sent_at));
        }
    }

    /// Smoothed time from sending a packet to its feedback: round-trip time plus the receiver's feedback delay.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// How long ago the first packet after the last feedback was sent; `None` while nothing waits for feedback.
    #[must_use]
    pub fn unanswered_for(&self, now: WorkerTime) -> Option<Duration> {
        self.unanswered_since.map(|since| Duration::from_micros(now.micros_since(since)))
    }

    /// Numbers lie at most [`SENT`] behind the newest; anything else was never sent, or too long ago.
    fn extend(&self, number: u16) -> Option<u64> {
        let newest = self.next - 1;
        let behind = u64::from((newest as u16).wrapping_sub(number));
        if self.sent.is_empty() || behind >= SENT as u64 {
            None
        } else {
            newest.checked_sub(behind).filter(|number| *number > 0)
        }
    }

    /// RFC 6298 §2 smoothing.
    fn note_rtt(&mut self, sample: Duration) {
        self.rtt = Some(self.rtt.map_or(sample, |rtt| (rtt * 7 + sample) / 8));
    }
}

#[cfg(test)]
mod tests;
