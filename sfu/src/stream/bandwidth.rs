//! How much one subscriber's downlink carries: a deliberately plain estimate.
//!
//! Additive-increase, multiplicative-decrease on transport-wide loss and on the queue that builds up in front of the
//! receiver. It is good enough to choose layers by and errs on the low side; it does not probe, so it rises with
//! what is sent. Receiver-report loss must never come in here: it contains the publisher's own (media trap E2).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::stream::twcc::PacketResult;

/// Bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bitrate(pub u64);

impl Bitrate {
    /// From kilobits per second.
    #[must_use]
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps * 1000)
    }

    /// Bits per second.
    #[must_use]
    pub const fn bps(self) -> u64 {
        self.0
    }

    /// `numerator / denominator` of it.
    #[must_use]
    pub fn scaled(self, numerator: u64, denominator: u64) -> Self {
        Self(self.0.saturating_mul(numerator) / denominator)
    }
}

/// Estimate before anything is known: a middle simulcast layer and audio.
pub const START: Bitrate = Bitrate::from_kbps(1000);
/// Never lower: audio and the smallest layer's keyframes.
pub const FLOOR: Bitrate = Bitrate::from_kbps(60);
/// Never higher: more than one subscriber's slots can carry.
pub const CEILING: Bitrate = Bitrate::from_kbps(30_000);

/// Loss that is taken for chance (2 %) and loss that is taken for congestion (10 %), in permille, as in GCC.
const LOSS_CHANCE_PERMILLE: u64 = 20;
const LOSS_CONGESTION_PERMILLE: u64 = 100;
/// Packets over which loss is judged; fewer say nothing.
const LOSS_PACKETS_MIN: u64 = 80;
/// A queue that is congestion however it moves, and one that is congestion while it grows.
const QUEUE_STANDING_MICROS: i64 = 100_000;
const QUEUE_GROWING_MICROS: i64 = 25_000;
/// The least delay of the last one to two windows is the path without a queue.
const BASE_WINDOW: Duration = Duration::from_secs(10);
/// Window in which the delivered rate is measured.
const RATE_WINDOW: Duration = Duration::from_millis(500);
/// Feedbacks in that window; more are dropped, oldest first.
const RATE_SAMPLES_MAX: usize = 64;
/// Time between two decreases: the queue must have had time to show the first.
const DECREASE_INTERVAL: Duration = Duration::from_millis(300);
/// Time without any feedback after which nothing seems to arrive, and between the decreases that follow from it.
const SILENCE: Duration = Duration::from_secs(1);
/// Time without increase after a decrease.
const HOLD: Duration = Duration::from_secs(1);
/// The estimate may be this many times what was delivered, enough to step up one simulcast layer (factor 3 to 4),
/// and this much more, so that a lowest layer can begin where only audio flows (media trap E4).
const HEADROOM: u64 = 4;
const HEADROOM_BASE: Bitrate = Bitrate::from_kbps(300);
/// Decreases in a row after which the delay is the path's own: a new route, not a queue.
const DECREASES_MAX: u32 = 8;

/// Estimates the bandwidth toward one subscriber from the fate of its packets.
#[derive(Clone, Debug)]
pub struct BandwidthEstimate {
    estimate: Bitrate,
    base: BaseDelay,
    /// Queue at the feedback before, in microseconds.
    queue_micros: i64,
    lost: u64,
    packets: u64,
    delivered: VecDeque<(Instant, u64)>,
    began: Option<Instant>,
    updated_at: Option<Instant>,
    decreased_at: Option<Instant>,
    /// Decreases since the path was last not congested.
    decreases: u32,
}

/// What the feedbacks say about the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Clear,
    Strained,
    Congested,
}

impl Default for BandwidthEstimate {
    fn default() -> Self {
        Self::new()
    }
}

impl BandwidthEstimate {
    /// An estimate of [`START`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            estimate: START,
            base: BaseDelay::default(),
            queue_micros: 0,
            lost: 0,
            packets: 0,
            delivered: VecDeque::new(),
            began: None,
            updated_at: None,
            decreased_at: None,
            decreases: 0,
        }
    }

    /// A feedback arrived at `now` with these results ([`super::twcc::TwccSender::handle_feedback`]).
    pub fn on_feedback(&mut self, now: Instant, results: &[PacketResult]) {
        if results.is_empty() {
            return;
        }
        let origin = *self.began.get_or_insert(now);
        let loss = self.note_loss(results);
        let queue = self.note_delay(now, origin, results);
        self.note_delivered(now, results);
        let growing = queue > self.queue_micros;
        self.queue_micros = queue;
        let signal = if loss >= LOSS_CONGESTION_PERMILLE
            || queue >= QUEUE_STANDING_MICROS
            || (growing && queue >= QUEUE_GROWING_MICROS)
        {
            Signal::Congested
        } else if loss >= LOSS_CHANCE_PERMILLE || queue >= QUEUE_GROWING_MICROS {
            Signal::Strained
        } else {
            Signal::Clear
        };
        self.react(now, signal, loss);
    }

    /// Packets sent since `since` ([`super::twcc::TwccSender::unanswered_since`]) have had no feedback at all. The
    /// estimate halves each second of it. Only for receivers that do send feedback.
    pub fn on_silence(&mut self, now: Instant, since: Instant) {
        let begun = self.decreased_at.map_or(since, |at| at.max(since));
        if now.saturating_duration_since(begun) >= SILENCE {
            self.estimate = self.estimate.scaled(1, 2).max(FLOOR);
            self.decreased_at = Some(now);
        }
    }

    /// What the path carries, as far as known.
    #[must_use]
    pub fn estimate(&self) -> Bitrate {
        self.estimate
    }

    /// What arrived lately.
    #[must_use]
    pub fn delivered(&self) -> Bitrate {
        let Some((first, _)) = self.delivered.front() else { return Bitrate(0) };
        let Some((last, _)) = self.delivered.back() else { return Bitrate(0) };
        let window = last.saturating_duration_since(*first).max(RATE_WINDOW / 2);
        // The first feedback of the window tells of the time before it.
        let bytes: u64 = self.delivered.iter().skip(1).map(|(_, bytes)| bytes).sum();
        Bitrate((u128::from(bytes) * 8_000_000 / window.as_micros()) as u64)
    }

    fn react(&mut self, now: Instant, signal: Signal, loss_permille: u64) {
        let passed = self.updated_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.updated_at = Some(now);
        let since_decrease = self.decreased_at.map(|at| now.saturating_duration_since(at));
        if signal != Signal::Congested {
            self.decreases = 0;
        }
        match signal {
            Signal::Congested if since_decrease.is_none_or(|since| since >= DECREASE_INTERVAL) => {
                self.decrease(loss_permille);
                self.decreased_at = Some(now);
            }
            Signal::Clear if since_decrease.is_none_or(|since| since >= HOLD) => {
                let millis = passed.min(Duration::from_secs(1)).as_millis() as u64;
                let raised = Bitrate(self.estimate.0 + self.estimate.0 * 8 * millis / 100_000);
                let ceiling = Bitrate(self.delivered().0 * HEADROOM + HEADROOM_BASE.0).max(self.estimate);
                self.estimate = raised.min(ceiling);
            }
            Signal::Congested | Signal::Strained | Signal::Clear => {}
        }
        self.estimate = self.estimate.clamp(FLOOR, CEILING);
    }

    /// To what arrives, but at most by half: what arrives may be little because little was sent.
    fn decrease(&mut self, loss_permille: u64) {
        self.estimate = if self.queue_micros >= QUEUE_GROWING_MICROS {
            let drained = self.delivered().scaled(85, 100);
            drained.clamp(self.estimate.scaled(1, 2), self.estimate.scaled(95, 100))
        } else {
            self.estimate.scaled(1000 - (loss_permille / 2).min(500), 1000)
        };
        // The packets that showed this congestion must not be judged twice.
        (self.packets, self.lost) = (0, 0);
        self.decreases += 1;
        if self.decreases == DECREASES_MAX {
            self.base = BaseDelay::default();
            self.decreases = 0;
        }
    }

    /// Loss in permille over the last [`LOSS_PACKETS_MIN`] packets or more; 0 while too few are known.
    fn note_loss(&mut self, results: &[PacketResult]) -> u64 {
        self.packets += results.len() as u64;
        self.lost += results.iter().filter(|result| result.arrival_micros.is_none()).count() as u64;
        if self.packets < LOSS_PACKETS_MIN {
            return 0;
        }
        let permille = self.lost * 1000 / self.packets;
        // Halving keeps the older packets at half their weight.
        (self.packets, self.lost) = (self.packets / 2, self.lost / 2);
        permille
    }

    /// The queue in front of the receiver: this feedback's least one-way delay over the base. Clock offsets cancel.
    fn note_delay(&mut self, now: Instant, origin: Instant, results: &[PacketResult]) -> i64 {
        let micros = |at: Instant| match at.checked_duration_since(origin) {
            Some(after) => after.as_micros() as i64,
            None => -(origin.saturating_duration_since(at).as_micros() as i64),
        };
        let least =
            results.iter().filter_map(|result| Some(result.arrival_micros?.wrapping_sub(micros(result.sent_at)))).min();
        let Some(delay) = least else { return self.queue_micros };
        delay.saturating_sub(self.base.least(now, delay))
    }

    fn note_delivered(&mut self, now: Instant, results: &[PacketResult]) {
        let arrived = results.iter().filter(|result| result.arrival_micros.is_some());
        let bytes = arrived.map(|result| u64::from(result.bytes)).sum();
        if self.delivered.capacity() == 0 {
            self.delivered.reserve_exact(RATE_SAMPLES_MAX);
        }
        if self.delivered.len() == RATE_SAMPLES_MAX {
            self.delivered.pop_front();
        }
        self.delivered.push_back((now, bytes));
        while self.delivered.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > RATE_WINDOW) {
            self.delivered.pop_front();
        }
    }
}

/// The least delay of this window and the one before, so that drifting clocks and new routes are forgotten.
#[derive(Clone, Debug, Default)]
struct BaseDelay {
    began: Option<Instant>,
    current: Option<i64>,
    before: Option<i64>,
}

impl BaseDelay {
    fn least(&mut self, now: Instant, delay: i64) -> i64 {
        let began = *self.began.get_or_insert(now);
        if now.saturating_duration_since(began) >= BASE_WINDOW {
            (self.before, self.current) = (self.current.take(), None);
            self.began = Some(now);
        }
        let current = self.current.map_or(delay, |least| least.min(delay));
        self.current = Some(current);
        self.before.map_or(current, |before| before.min(current))
    }
}

#[cfg(test)]
mod tests;
