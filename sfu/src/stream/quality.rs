//! A quality score for people: 1 (unusable) to 5 (nothing to notice), and what costs most.
//!
//! A simplified E-model (ITU-T G.107): delay and loss are taken off a perfect rating, and the rating is cut into five.
//! Coarse on purpose; the numbers behind it are in the statistics.

use std::time::Duration;

/// What was measured over the last few seconds on one path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Share of packets that were lost for good or came too late, 0.0 to 1.0.
    pub loss: f32,
    /// Round-trip time; zero while not known.
    pub rtt: Duration,
    /// Interarrival jitter.
    pub jitter: Duration,
}

/// What costs most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Packets are lost.
    Loss,
    /// The path is long.
    Delay,
    /// Arrival times vary, so that the receiver must buffer.
    Jitter,
}

/// A score with its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// 1 to 5.
    pub score: u8,
    /// What costs most; `None` at score 5.
    pub cause: Option<Cause>,
}

/// Rating of a perfect path in the E-model with default values.
const PERFECT: f32 = 93.2;
/// Least rating of the scores 5, 4, 3 and 2 (G.107 Annex B: "satisfied" to "nearly all dissatisfied").
const LEAST: [(f32, u8); 4] = [(80.0, 5), (70.0, 4), (60.0, 3), (50.0, 2)];

/// Scores a path.
#[must_use]
pub fn quality(measured: &Measured) -> Quality {
    let one_way_ms = measured.rtt.as_secs_f32() * 500.0;
    // A receiver's buffer grows to about twice the jitter.
    let buffer_ms = measured.jitter.as_secs_f32() * 2000.0;
    let delay = delay_impairment(one_way_ms + buffer_ms);
    let by_buffer = delay - delay_impairment(one_way_ms);
    let by_distance = delay - by_buffer;
    let by_loss = loss_impairment(measured.loss.clamp(0.0, 1.0));
    let rating = PERFECT - delay - by_loss;
    let score = LEAST.iter().find(|(least, _)| rating >= *least).map_or(1, |(_, score)| *score);
    let cause = if by_loss >= by_distance && by_loss >= by_buffer {
        Cause::Loss
    } else if by_distance >= by_buffer {
        Cause::Delay
    } else {
        Cause::Jitter
    };
    Quality { score, cause: (score < 5).then_some(cause) }
}

/// G.107's delay term as the usual two straight lines: people begin to talk into each other beyond 177 ms.
fn delay_impairment(one_way_ms: f32) -> f32 {
    0.024 * one_way_ms + 0.11 * (one_way_ms - 177.3).max(0.0)
}

/// G.113's packet-loss term with a robustness (Bpl) of 10 %, between plain Opus and Opus with FEC.
fn loss_impairment(loss: f32) -> f32 {
    let percent = loss * 100.0;
    95.0 * percent / (percent + 10.0)
}
