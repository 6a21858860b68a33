//! The state machine of all shares of a node: the crate's face.
//!
//! Input by `handle_*` and the verbs of a share's life, output by `poll_*`; time enters as `now`. Pure: no clock, no
//! socket, no lock. Bytes that viewers get come only from the mirror; bytes that the sharer gets only from checked
//! verbs.

use crate::control::{Guard, Refusal, Verb};
use crate::counters::Counters;
use crate::desync::Desync;
use crate::grant::Rung;
use crate::policy::Policy;
use crate::share::Share;
use crate::viewer::Viewer;
use crate::wipe::wipe;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A share, as signaling names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShareId(pub u64);

/// A viewer of a share, as signaling names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewerId(pub u64);

/// Most viewers of one share: agents and supervisors of one call.
pub const VIEWERS_MAX: usize = 16;

/// Most shares of one node; at the median of 1.5 MiB each, what a node has memory for.
pub const SHARES_MAX: usize = 16_384;

/// Events that wait to be polled; signaling polls after every input, so this is never reached in order.
const EVENTS_MAX: usize = 65_536;

/// Where a share stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// An agent asked; the shopper has not answered.
    Requested,
    /// Consented and shown.
    Live,
    /// Not shown for now.
    Paused(Why),
    /// Over; nothing of it is left.
    Ended(Why),
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Live => "live",
            Self::Paused(_) => "paused",
            Self::Ended(_) => "ended",
        }
    }

    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::Requested | Self::Live => "",
            Self::Paused(why) | Self::Ended(why) => why.name(),
        }
    }
}

/// Why a share is paused or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The shopper wished it.
    Shopper,
    /// The shopper's tab is hidden.
    Hidden,
    /// The policy never shows this page.
    Page,
    /// The page is too large to be sent.
    TooLarge,
    /// The shopper's page is gone.
    SharerLeft,
    /// The call ended.
    CallEnded,
    /// The relay could not follow the page, again and again.
    Unfollowable,
}

impl Why {
    fn name(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Hidden => "hidden",
            Self::Page => "page",
            Self::TooLarge => "too_large",
            Self::SharerLeft => "sharer_left",
            Self::CallEnded => "call_ended",
            Self::Unfollowable => "unfollowable",
        }
    }
}

/// What signaling must do or know.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// Ask the sharer's SDK for a snapshot.
    SnapshotWanted {
        /// Why: for the metric and the log.
        reason: Desync,
    },
    /// A snapshot was taken in; viewers see the page of this epoch.
    Synced {
        /// Counts snapshots of this share.
        epoch: u32,
    },
    /// The share paused by itself.
    Paused {
        /// Why.
        why: Why,
    },
    /// A share that had paused by itself goes on.
    Resumed,
    /// The share ended by itself.
    Ended {
        /// Why.
        why: Why,
    },
    /// Pass this checked verb to the sharer's SDK, and its kind to the audit log.
    Verb {
        /// Who acts.
        viewer: ViewerId,
        /// What.
        verb: Verb,
        /// What the shopper must confirm first.
        guard: Option<Guard>,
    },
    /// A verb was refused; tell the agent.
    VerbRefused {
        /// Whose.
        viewer: ViewerId,
        /// Why.
        refusal: Refusal,
    },
    /// A grant ended or shrank by itself; tell both sides.
    GrantEnded {
        /// Whose.
        viewer: ViewerId,
        /// Why.
        why: GrantEnd,
    },
}

/// Why a grant ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantEnd {
    /// Its time was over.
    Expired,
    /// The agent left.
    ViewerLeft,
    /// The page moved to another origin.
    NewOrigin,
    /// Payment fields appeared: only pointing is left.
    PaymentPage,
}

/// Why a command was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No share of that id, or it has ended.
    #[error("no such share")]
    NoShare,
    /// There is a share of that id already.
    #[error("the share exists")]
    ShareExists,
    /// No viewer of that id.
    #[error("no such viewer")]
    NoViewer,
    /// [`VIEWERS_MAX`] or [`SHARES_MAX`] is reached.
    #[error("too many viewers or shares")]
    Full,
}

/// All shares of a node.
#[derive(Default)]
pub struct Relay {
    shares: BTreeMap<ShareId, Share>,
    events: VecDeque<(ShareId, Event)>,
}

impl Relay {
    /// An agent asks for the page. Nothing is taken in before the shopper consents.
    ///
    /// # Errors
    /// [`CommandError::ShareExists`], [`CommandError::Full`].
    pub fn request(&mut self, now: Instant, share: ShareId, policy: Policy) -> Result<(), CommandError> {
        if self.shares.contains_key(&share) {
            return Err(CommandError::ShareExists);
        }
        if self.shares.len() >= SHARES_MAX {
            return Err(CommandError::Full);
        }
        self.shares.insert(share, Share::new(now, policy));
        Ok(())
    }

    /// The shopper consents, or goes on after a pause. The SDK is asked for a snapshot.
    ///
    /// # Errors
    /// [`CommandError::NoShare`].
    pub fn consent(&mut self, share: ShareId) -> Result<(), CommandError> {
        let state = self.share(share)?;
        if state.phase != Phase::Live {
            state.go_live();
            self.events.push_back((share, Event::SnapshotWanted { reason: Desync::NoSnapshot }));
        }
        Ok(())
    }

    /// The shopper pauses, or the tab is hidden: what is known of the page is wiped at once.
    ///
    /// # Errors
    /// [`CommandError::NoShare`].
    pub fn pause(&mut self, share: ShareId, why: Why) -> Result<(), CommandError> {
        self.share(share)?.pause(why);
        Ok(())
    }

    /// Ends a share. Its viewers may still poll the news until [`Self::forget`].
    ///
    /// # Errors
    /// [`CommandError::NoShare`].
    pub fn end(&mut self, share: ShareId, why: Why) -> Result<(), CommandError> {
        self.share(share)?.end(why);
        Ok(())
    }

    /// Forgets an ended or abandoned share, viewers and counters too.
    pub fn forget(&mut self, share: ShareId) {
        self.shares.remove(&share);
        self.events.retain(|(known, _)| *known != share);
    }

    /// Takes one message of the sharer (see `PROTOCOL.md` for its frame) and zeroes it. What is wrong with it is
    /// counted, and where the tree can no longer be trusted shows in [`Event::SnapshotWanted`].
    pub fn handle_record(&mut self, now: Instant, share: ShareId, message: &mut [u8]) {
        let Some(state) = self.shares.get_mut(&share) else {
            wipe(message);
            return;
        };
        let mut events = VecDeque::new();
        state.handle_record(now, message, &mut events);
        self.push(share, events);
    }

    /// Lets a viewer in: the first thing it polls is the whole page, from the mirror.
    ///
    /// # Errors
    /// [`CommandError::NoShare`], [`CommandError::Full`].
    pub fn add_viewer(&mut self, share: ShareId, viewer: ViewerId) -> Result<(), CommandError> {
        let state = self.share(share)?;
        if state.viewers.len() >= VIEWERS_MAX && !state.viewers.contains_key(&viewer) {
            return Err(CommandError::Full);
        }
        state.viewers.insert(viewer, Viewer::new());
        Ok(())
    }

    /// Lets a viewer go, and its grant with it.
    pub fn remove_viewer(&mut self, share: ShareId, viewer: ViewerId) {
        let Some(state) = self.shares.get_mut(&share) else { return };
        state.viewers.remove(&viewer);
        if let Some(viewer) = state.grants.forget(viewer) {
            self.events.push_back((share, Event::GrantEnded { viewer, why: GrantEnd::ViewerLeft }));
        }
    }

    /// What is next for a viewer: a JSON array of rrweb events; `None` for now. Poll until `None` after every input.
    pub fn poll_viewer(&mut self, share: ShareId, viewer: ViewerId) -> Option<Arc<[u8]>> {
        self.shares.get_mut(&share)?.poll_viewer(viewer)
    }

    /// The shopper gives a viewer control up to `rung` (on a page with payment fields up to pointing), for at most
    /// [`crate::grant::GRANT_DURATION_MAX`]. Says how far it really reaches.
    ///
    /// # Errors
    /// [`CommandError::NoShare`], [`CommandError::NoViewer`].
    pub fn grant(
        &mut self,
        now: Instant,
        share: ShareId,
        viewer: ViewerId,
        rung: Rung,
        duration: Duration,
    ) -> Result<Rung, CommandError> {
        let state = self.share(share)?;
        if !state.viewers.contains_key(&viewer) {
            return Err(CommandError::NoViewer);
        }
        Ok(state.give(now, viewer, rung, duration))
    }

    /// The shopper takes control back.
    ///
    /// # Errors
    /// [`CommandError::NoShare`].
    pub fn revoke(&mut self, share: ShareId) -> Result<(), CommandError> {
        self.share(share)?.grants.clear();
        Ok(())
    }

    /// Takes a verb of a viewer: passed on as [`Event::Verb`] or refused as [`Event::VerbRefused`].
    pub fn handle_verb(&mut self, now: Instant, share: ShareId, viewer: ViewerId, verb: &[u8]) {
        let Some(state) = self.shares.get_mut(&share) else { return };
        let event = match state.handle_verb(now, viewer, verb) {
            Ok((verb, guard)) => Event::Verb { viewer, verb, guard },
            Err(refusal) => Event::VerbRefused { viewer, refusal },
        };
        self.push(share, VecDeque::from([event]));
    }

    /// Ends what has run out by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        for (share, state) in &mut self.shares {
            if let Some(viewer) = state.grants.expire(now) {
                self.events.push_back((*share, Event::GrantEnded { viewer, why: GrantEnd::Expired }));
            }
        }
    }

    /// When [`Self::handle_timeout`] has something to do next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.shares.values().filter_map(|state| state.grants.until()).min()
    }

    /// What signaling must do or know next.
    pub fn poll_event(&mut self) -> Option<(ShareId, Event)> {
        self.events.pop_front()
    }

    /// Where a share stands.
    #[must_use]
    pub fn phase(&self, share: ShareId) -> Option<Phase> {
        self.shares.get(&share).map(|state| state.phase)
    }

    /// What the barriers of a share had to stop.
    #[must_use]
    pub fn counters(&self, share: ShareId) -> Option<&Counters> {
        self.shares.get(&share).map(|state| &state.counters)
    }

    /// How much a share holds: nodes, and bytes of their text.
    #[must_use]
    pub fn size(&self, share: ShareId) -> Option<(usize, usize)> {
        self.shares.get(&share).map(|state| (state.mirror.len(), state.mirror.text_bytes()))
    }

    /// How hidden a node is by now, by its recorder's id.
    #[must_use]
    pub fn level(&self, share: ShareId, node: u32) -> Option<crate::mask::Level> {
        self.shares.get(&share)?.level_of(crate::record::NodeId(node))
    }

    fn share(&mut self, share: ShareId) -> Result<&mut Share, CommandError> {
        let state = self.shares.get_mut(&share).ok_or(CommandError::NoShare)?;
        if matches!(state.phase, Phase::Ended(_)) { Err(CommandError::NoShare) } else { Ok(state) }
    }

    fn push(&mut self, share: ShareId, events: VecDeque<Event>) {
        for event in events {
            if self.events.len() < EVENTS_MAX {
                self.events.push_back((share, event));
            }
        }
    }
}
