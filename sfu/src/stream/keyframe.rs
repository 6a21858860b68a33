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
