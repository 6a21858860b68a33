//! A quality score for people: 1 (unusable) to 5 (nothing to notice), and what costs most.
//!
//! A simplified E-model (ITU-T G.107): delay and loss are taken off a perfect rating, and the rating is cut into five.
//! Coarse on purpose; the numbers behind it are in the statistics.

use std::time::Duration;

/// What was measured over the last few seconds on one path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Share of packets that were lost for good or came too late, 0.0 to 1.0; zero where no packet was due.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_and_causes() {
        #[track_caller]
        fn check(loss_percent: f32, rtt_ms: u64, jitter_ms: u64, score: u8, cause: Option<Cause>) {
            let (rtt, jitter) = (Duration::from_millis(rtt_ms), Duration::from_millis(jitter_ms));
            assert_eq!(quality(&Measured { loss: loss_percent / 100.0, rtt, jitter }), Quality { score, cause });
        }
        check(0.0, 0, 0, 5, None);
        check(0.5, 60, 5, 5, None);
        check(2.0, 60, 5, 4, Some(Cause::Loss));
        check(5.0, 60, 5, 3, Some(Cause::Loss));
        check(10.0, 60, 5, 1, Some(Cause::Loss));
        check(0.0, 300, 5, 5, None);
        check(0.0, 500, 5, 4, Some(Cause::Delay));
        check(0.0, 700, 5, 3, Some(Cause::Delay));
        check(0.0, 40, 140, 4, Some(Cause::Jitter));
        check(0.0, 2_000, 5, 1, Some(Cause::Delay));
        check(0.0, 2_000, 900, 1, Some(Cause::Jitter));
        check(100.0, 0, 0, 1, Some(Cause::Loss));
    }

    #[test]
    fn worse_numbers_never_make_a_better_score() {
        let score = |loss: f32, ms: u64| {
            quality(&Measured { loss, rtt: Duration::from_millis(ms), jitter: Duration::from_millis(ms / 10) }).score
        };
        for ms in (0..2_000).step_by(50) {
            assert!((0..100).is_sorted_by(|a, b| score(*a as f32 / 100.0, ms) >= score(*b as f32 / 100.0, ms)));
            assert!(score(0.0, ms) >= score(0.0, ms + 50));
        }
    }
}
