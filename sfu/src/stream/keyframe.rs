//! Asking a publisher for a keyframe: many wishes in, few requests out.
//!
//! One [`KeyframeRequests`] per source encoding. The first wish goes out at once; later ones wait for their turn but
//! are never lost; and a request is repeated until a keyframe is *seen* (media trap D6). [`RequesterLimit`] keeps one
//! subscriber from causing more than its share.

use std::time::{Duration, Instant};

/// Least time between a request and the next one after it was answered: two keyframes a second cost a publisher's
/// picture quality already.
pub const ANSWERED_INTERVAL: Duration = Duration::from_millis(500);
/// Time after which an unanswered request is repeated. Three lost requests then cost 1.2 s.
pub const RETRY_INTERVAL: Duration = Duration::from_millis(400);
/// Quick repetitions; a publisher that has answered none of them will hardly answer the next.
pub const QUICK_RETRIES: u32 = 4;
/// Time between repetitions after that.
pub const SLOW_INTERVAL: Duration = Duration::from_secs(2);

/// The wish for a keyframe of one source encoding.
#[derive(Clone, Debug, Default)]
pub struct KeyframeRequests {
    wanted: bool,
    sent_at: Option<Instant>,
    /// Requests since the last keyframe was seen.
    unanswered: u32,
}

impl KeyframeRequests {
    /// Nothing is wanted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody needs a keyframe. [`Self::poll`] says whether to send a request now.
    pub fn request(&mut self) {
        self.wanted = true;
    }

    /// A keyframe began: every wish so far is fulfilled, since everybody gets this one.
    pub fn seen_keyframe(&mut self) {
        self.wanted = false;
        self.unanswered = 0;
    }

    /// Nobody wants the encoding any more.
    pub fn cancel(&mut self) {
        self.seen_keyframe();
    }

    /// Whether to send a request (PLI or FIR) to the publisher now.
    #[must_use]
    pub fn poll(&mut self, now: Instant) -> bool {
        let due = self.poll_timeout(now).is_some_and(|due| due <= now);
        if due {
            self.sent_at = Some(now);
            self.unanswered = self.unanswered.saturating_add(1);
        }
        due
    }

    /// When [`Self::poll`] says yes next, unless a keyframe comes before; `now` when it would at once.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if !self.wanted {
            return None;
        }
        let interval = match self.unanswered {
            0 => ANSWERED_INTERVAL,
            1..=QUICK_RETRIES => RETRY_INTERVAL,
            _ => SLOW_INTERVAL,
        };
        Some(self.sent_at.map_or(now, |sent_at| sent_at + interval))
    }

    /// Whether a wish is open.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }
}

/// Keyframe wishes of one subscriber: a token bucket.
#[derive(Clone, Debug)]
pub struct RequesterLimit {
    /// When the bucket is full again; each wish moves it on by [`Self::REFILL`].
    full_at: Option<Instant>,
}

impl Default for RequesterLimit {
    fn default() -> Self {
        Self::new()
    }
}

impl RequesterLimit {
    /// Wishes in quick succession: a receiver repeats its PLI while it waits.
    pub const BURST: u32 = 4;
    /// Time that earns one more. A receiver that cannot keep a keyframe for longer needs a lower layer instead.
    pub const REFILL: Duration = Duration::from_secs(1);

    /// A full bucket.
    #[must_use]
    pub fn new() -> Self {
        Self { full_at: None }
    }

    /// Whether a wish at `now` counts.
    #[must_use]
    pub fn allows(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + Self::REFILL;
        if full_at.saturating_duration_since(now) > Self::REFILL * Self::BURST {
            return false;
        }
        self.full_at = Some(full_at);
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Steps a millisecond at a time; gives when requests were sent. A request that is not among the first `deaf`
    /// makes the publisher's keyframe arrive `answer_ms` later.
    fn run(wishes_ms: &[u64], deaf: usize, answer_ms: u64, until_ms: u64) -> (Vec<u64>, Vec<u64>) {
        let (mut requests, start) = (KeyframeRequests::new(), Instant::now());
        let (mut sent, mut seen) = (Vec::new(), Vec::new());
        for at in 0..until_ms {
            if sent.iter().skip(deaf).any(|sent| sent + answer_ms == at) {
                requests.seen_keyframe();
                seen.push(at);
            }
            for _ in wishes_ms.iter().filter(|wish| **wish == at) {
                requests.request();
            }
            if requests.poll(start + ms(at)) {
                sent.push(at);
            }
        }
        (sent, seen)
    }

    #[test]
    fn trap_d6_a_hundred_wishes_make_one_request() {
        let wishes: Vec<u64> = (0..100).collect();
        let (sent, seen) = run(&wishes, 0, 150, 3000);
        assert_eq!((sent, seen), (vec![0], vec![150]));
    }

    #[test]
    fn trap_d6_a_wish_behind_the_keyframe_is_deferred_and_not_lost() {
        let (sent, seen) = run(&[0, 120, 130, 140], 0, 100, 3000);
        assert_eq!((sent, seen), (vec![0, 500], vec![100, 600]));
    }

    #[test]
    fn trap_d6_steady_wishes_make_two_requests_a_second() {
        let wishes: Vec<u64> = (0..10_000).step_by(7).collect();
        let (sent, _) = run(&wishes, 0, 80, 10_000);
        assert_eq!(sent.len(), 20);
        assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 500));
    }

    #[test]
    fn trap_d6_three_lost_requests_cost_less_than_a_second_and_a_half() {
        let (sent, seen) = run(&[0], 3, 120, 5000);
        assert_eq!((sent, seen), (vec![0, 400, 800, 1200], vec![1320]));
    }

    #[test]
    fn trap_d6_a_still_screen_share_is_asked_until_it_answers() {
        let (sent, seen) = run(&[0], 9, 100, 30_000);
        assert_eq!(sent, [0, 400, 800, 1200, 1600, 3600, 5600, 7600, 9600, 11_600]);
        assert_eq!(seen, [11_700]);
    }

    #[test]
    fn nothing_is_asked_for_an_encoding_that_nobody_wants() {
        let (mut requests, now) = (KeyframeRequests::new(), Instant::now());
        requests.request();
        assert_eq!(requests.poll_timeout(now), Some(now));
        requests.cancel();
        assert!(!requests.poll(now) && requests.poll_timeout(now).is_none());
    }

    #[test]
    fn trap_d6_one_requester_cannot_ask_without_end() {
        let (mut limit, start) = (RequesterLimit::new(), Instant::now());
        let granted = (0..10_000).step_by(10).filter(|at| limit.allows(start + ms(*at))).count();
        assert_eq!(granted, 4 + 9);
    }
}
