//! What the agent in control may do, for how long, and how fast. The relay holds the truth; the page's SDK checks again.
//!
//! One controller at a time. A grant is asked for by an agent, given by the shopper for a time, and dies by itself, by
//! revocation, by the agent's leaving, by a new origin and on a page with payment fields.

use crate::record::NodeId;
use crate::relay::ViewerId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How far up the ladder a grant reaches; each rung includes those below. Viewing needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Show the pointer, highlight, draw.
    Point,
    /// Scroll and click.
    Click,
    /// Type and choose in shared fields.
    Type,
    /// Back, forward, reload, follow links.
    Navigate,
}

/// Longest time a grant may last; the shopper can give it again.
pub const GRANT_DURATION_MAX: Duration = Duration::from_secs(30 * 60);

/// Verbs an agent may send per second on average, and at once.
pub const VERBS_PER_SECOND: u32 = 30;

/// For how long the shopper's own input silences the agent.
pub const SHOPPER_FIRST: Duration = Duration::from_millis(1_500);

/// For how long a field that the agent acted on may answer: the way to the page, its scripts, and the way back.
const ECHO: Duration = Duration::from_secs(2);

/// Most viewers whose sequence numbers are remembered, gone ones included.
const VIEWERS_MAX: usize = 64;

/// Who controls, and what every agent sent last.
#[derive(Default)]
pub(crate) struct Grants {
    held: Option<Held>,
    senders: BTreeMap<ViewerId, Sender>,
    silent_until: Option<Instant>,
    /// The field that the agent acted on last, and when.
    acted: Option<(NodeId, Instant)>,
}

struct Held {
    viewer: ViewerId,
    rung: Rung,
    until: Instant,
}

struct Sender {
    sequence: u64,
    tokens: f64,
    at: Instant,
}

/// Why a grant does not cover a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncovered {
    NoGrant,
    Expired,
    BeyondGrant,
    ShopperActs,
}

impl Grants {
    /// Gives `viewer` the ladder up to `rung`, in place of whoever had it.
    pub(crate) fn give(&mut self, now: Instant, viewer: ViewerId, rung: Rung, duration: Duration) {
        self.held = Some(Held { viewer, rung, until: now + duration.min(GRANT_DURATION_MAX) });
    }

    /// Ends whatever is granted; gives who had it.
    pub(crate) fn clear(&mut self) -> Option<ViewerId> {
        self.held.take().map(|held| held.viewer)
    }

    /// Ends the grant of a viewer who left.
    pub(crate) fn forget(&mut self, viewer: ViewerId) -> Option<ViewerId> {
        if self.held.as_ref().is_some_and(|held| held.viewer == viewer) { self.clear() } else { None }
    }

    /// Lowers the grant to pointing; gives who lost something by it.
    pub(crate) fn lower_to_pointing(&mut self) -> Option<ViewerId> {
        let held = self.held.as_mut().filter(|held| held.rung > Rung::Point)?;
        held.rung = Rung::Point;
        Some(held.viewer)
    }

    /// Ends the grant if its time is over; gives who had it.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<ViewerId> {
        if self.held.as_ref().is_some_and(|held| held.until <= now) { self.clear() } else { None }
    }

    /// When the grant ends by itself.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.held.as_ref().map(|held| held.until)
    }

    /// A verb of the agent goes to this field: what the field holds next is likely the agent's doing.
    pub(crate) fn note_act(&mut self, now: Instant, field: NodeId) {
        self.acted = Some((field, now));
    }

    /// A field holds something else. If that is no echo of the agent's own verb, the shopper acts, and the agent is
    /// silent for a moment. The page, which tells a person's input from a script's, refuses verbs in that moment by
    /// itself.
    pub(crate) fn yield_to_shopper(&mut self, now: Instant, field: NodeId) {
        let is_echo = self.acted.is_some_and(|(acted, at)| acted == field && now.saturating_duration_since(at) < ECHO);
        if !is_echo {
            self.silent_until = Some(now + SHOPPER_FIRST);
        }
    }

    /// Whether `viewer` may act on this rung now. Pointing harms nobody's typing, so it is never silenced.
    pub(crate) fn cover(&self, now: Instant, viewer: ViewerId, rung: Rung) -> Result<(), Uncovered> {
        let held = self.held.as_ref().filter(|held| held.viewer == viewer).ok_or(Uncovered::NoGrant)?;
        if held.until <= now {
            Err(Uncovered::Expired)
        } else if held.rung < rung {
            Err(Uncovered::BeyondGrant)
        } else if rung > Rung::Point && self.silent_until.is_some_and(|until| now < until) {
            Err(Uncovered::ShopperActs)
        } else {
            Ok(())
        }
    }

    /// Takes a verb's sequence number; `false` if it was seen, is too old, or comes too fast.
    pub(crate) fn admit(&mut self, now: Instant, viewer: ViewerId, sequence: u64) -> bool {
        if self.senders.len() >= VIEWERS_MAX && !self.senders.contains_key(&viewer) {
            return false;
        }
        let full = f64::from(VERBS_PER_SECOND);
        let sender = self.senders.entry(viewer).or_insert(Sender { sequence: 0, tokens: full, at: now });
        let earned = now.saturating_duration_since(sender.at).as_secs_f64() * full;
        sender.tokens = (sender.tokens + earned).min(full);
        sender.at = now;
        if sequence <= sender.sequence || sender.tokens < 1.0 {
            return false;
        }
        sender.sequence = sequence;
        sender.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: ViewerId = ViewerId(1);
    const BEN: ViewerId = ViewerId(2);

    #[test]
    #[allow(clippy::disallowed_methods)] // a test needs some instant to start from
    fn sec_28_grants_are_one_agents_bounded_and_mortal() {
        let now = Instant::now();
        let mut grants = Grants::default();
        assert_eq!(grants.cover(now, ANNA, Rung::Point), Err(Uncovered::NoGrant));
        grants.give(now, ANNA, Rung::Click, Duration::from_secs(60));
        assert_eq!(grants.cover(now, ANNA, Rung::Point), Ok(()));
        assert_eq!(grants.cover(now, ANNA, Rung::Click), Ok(()));
        assert_eq!(grants.cover(now, ANNA, Rung::Type), Err(Uncovered::BeyondGrant));
        assert_eq!(grants.cover(now, BEN, Rung::Point), Err(Uncovered::NoGrant));
        let later = now + Duration::from_secs(60);
        assert_eq!(grants.cover(later, ANNA, Rung::Point), Err(Uncovered::Expired));
        assert_eq!(grants.expire(later), Some(ANNA));
        assert_eq!(grants.cover(now, ANNA, Rung::Point), Err(Uncovered::NoGrant));
        grants.give(now, ANNA, Rung::Navigate, Duration::MAX.min(GRANT_DURATION_MAX * 9));
        assert_eq!(grants.until(), Some(now + GRANT_DURATION_MAX));
        grants.give(now, BEN, Rung::Point, Duration::from_secs(1));
        assert_eq!(grants.cover(now, ANNA, Rung::Point), Err(Uncovered::NoGrant), "one controller at a time");
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn sec_28_replays_and_floods_are_refused() {
        let now = Instant::now();
        let mut grants = Grants::default();
        assert!(grants.admit(now, ANNA, 1) && grants.admit(now, ANNA, 5));
        assert!(!grants.admit(now, ANNA, 5) && !grants.admit(now, ANNA, 2));
        let passed = (6..200).filter(|sequence| grants.admit(now, ANNA, *sequence)).count();
        assert_eq!(passed, VERBS_PER_SECOND as usize - 2);
        assert!(grants.admit(now + Duration::from_secs(1), ANNA, 1_000));
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn the_shopper_acts_first() {
        let now = Instant::now();
        let mut grants = Grants::default();
        grants.give(now, ANNA, Rung::Type, Duration::from_secs(60));
        grants.yield_to_shopper(now, NodeId(7));
        assert_eq!(grants.cover(now, ANNA, Rung::Type), Err(Uncovered::ShopperActs));
        assert_eq!(grants.cover(now, ANNA, Rung::Point), Ok(()));
        assert_eq!(grants.cover(now + SHOPPER_FIRST, ANNA, Rung::Type), Ok(()));
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn what_the_agent_types_does_not_silence_the_agent() {
        let now = Instant::now();
        let mut grants = Grants::default();
        grants.give(now, ANNA, Rung::Type, Duration::from_secs(60));
        grants.note_act(now, NodeId(7));
        let echo = now + Duration::from_millis(200);
        grants.yield_to_shopper(echo, NodeId(7));
        assert_eq!(grants.cover(echo, ANNA, Rung::Type), Ok(()));
        grants.yield_to_shopper(echo, NodeId(8));
        assert_eq!(grants.cover(echo, ANNA, Rung::Type), Err(Uncovered::ShopperActs), "another field is the shopper's");
        let late = now + ECHO;
        grants.yield_to_shopper(late, NodeId(7));
        assert_eq!(grants.cover(late, ANNA, Rung::Type), Err(Uncovered::ShopperActs), "so is a late change");
    }
}
