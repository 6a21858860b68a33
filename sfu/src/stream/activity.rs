//! Whether an encoding is there: never seen, live, lost, switched off by its publisher or paused by us.
//!
//! The four ways of sending nothing are kept apart, because each is answered differently (media trap A7): a lost
//! encoding costs its subscribers a layer, a paused one is what we asked for. Any encoding is live from its first
//! packet on, whichever of its publication comes first (media trap A6).

use std::time::{Duration, Instant};

/// Silence after which a live encoding is lost. Encoders of screens and still pictures, and networks, stall for
/// shorter times all the time.
pub const LOST_AFTER: Duration = Duration::from_secs(2);

/// What an encoding is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// No packet has come yet.
    #[default]
    Unseen,
    /// Packets come.
    Live,
    /// Packets came, and stopped without a word.
    Lost,
    /// The publisher said that it does not send it (video layers allocation, target bitrate 0).
    Off,
    /// We told the publisher that nobody wants it.
    Paused,
}

/// The state of one encoding.
#[derive(Clone, Copy, Debug, Default)]
pub struct Activity {
    state: State,
    heard_at: Option<Instant>,
}

impl Activity {
    /// An encoding that was negotiated and has not been seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the encoding is doing.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// A packet came. True when the encoding became live by it. The last packets of a paused encoding, which were
    /// on their way, do not count.
    pub fn handle_packet(&mut self, now: Instant) -> bool {
        self.heard_at = Some(now);
        match self.state {
            State::Live | State::Paused => false,
            State::Unseen | State::Lost | State::Off => {
                self.state = State::Live;
                true
            }
        }
    }

    /// The publisher said that it does not send the encoding. True when that is news.
    pub fn handle_off(&mut self) -> bool {
        let is_news = self.state == State::Live;
        if self.state != State::Paused {
            self.state = State::Off;
        }
        is_news
    }

    /// Nobody wants the encoding, and its publisher was told so.
    pub fn pause(&mut self) {
        self.state = State::Paused;
    }

    /// Somebody wants the encoding again: it is live with its next packet.
    pub fn resume(&mut self) {
        if self.state == State::Paused {
            self.state = State::Unseen;
        }
    }

    /// True when the encoding is found to be lost, once for each time.
    pub fn poll(&mut self, now: Instant) -> bool {
        let is_lost = self.poll_timeout().is_some_and(|due| due <= now);
        if is_lost {
            self.state = State::Lost;
        }
        is_lost
    }

    /// When the encoding counts as lost unless a packet comes.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.heard_at.filter(|_| self.state == State::Live).map(|heard_at| heard_at + LOST_AFTER)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Losses found, looking every 10 ms, when packets come every 20 ms but for `stall_ms` in the middle.
    fn losses(stall_ms: u64) -> usize {
        let (mut activity, start) = (Activity::new(), Instant::now());
        (0..10_000u64)
            .step_by(10)
            .filter(|at| {
                let stalled = (3_000..3_000 + stall_ms).contains(at);
                if at % 20 == 0 && !stalled {
                    activity.handle_packet(start + ms(*at));
                }
                activity.poll(start + ms(*at))
            })
            .count()
    }

    #[test]
    fn trap_a7_a_short_stall_is_no_loss_and_a_long_one_is_one() {
        assert_eq!([0, 1_500, 2_500, 6_000].map(losses), [0, 0, 1, 1]);
    }

    #[test]
    fn trap_a7_off_holds_at_once_and_is_not_a_loss() {
        let (mut activity, now) = (Activity::new(), Instant::now());
        assert!(activity.handle_packet(now));
        assert!(activity.handle_off() && !activity.handle_off());
        assert_eq!((activity.state(), activity.poll(now + ms(9_000))), (State::Off, false));
        assert!(activity.handle_packet(now + ms(9_000)), "switched on again");
    }

    #[test]
    fn trap_a7_a_paused_encoding_is_neither_lost_nor_revived_by_stragglers() {
        let (mut activity, now) = (Activity::new(), Instant::now());
        activity.handle_packet(now);
        activity.pause();
        assert!(!activity.handle_packet(now + ms(50)) && !activity.handle_off());
        assert_eq!((activity.state(), activity.poll(now + ms(9_000))), (State::Paused, false));
        activity.resume();
        assert!(!activity.poll(now + ms(9_000)), "silent until its first packet");
        assert!(activity.handle_packet(now + ms(9_100)));
    }

    #[test]
    fn trap_a6_a_publication_is_live_with_whichever_encoding_comes_first() {
        let now = Instant::now();
        for first in 0..3 {
            let mut encodings = [Activity::new(); 3];
            assert!(encodings[first].handle_packet(now));
            let live: Vec<usize> = (0..3).filter(|index| encodings[*index].state() == State::Live).collect();
            assert_eq!(live, [first]);
            assert!(encodings.iter_mut().all(|encoding| !encoding.poll(now + ms(1_999))));
        }
    }
}
