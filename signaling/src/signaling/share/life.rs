//! What becomes of shares when people, sessions, pages and rooms come and go.

use super::{Phase, Share, ShareCommand, ShareEvent};
use crate::moment::Moment;
use crate::protocol::{ControlWhy, RESUME_WINDOW_MS, ShareByeReason, ShareWhy};
use crate::signaling::Signaling;
use std::time::{Duration, Instant};
use tillside_cobrowse::relay::{ShareId, ViewerId};
use tillside_sfu::id::{ParticipantId, RoomId};

/// How long a share waits for a new session of its sharer: as long as media waits for a session.
const SHARER_AWAY_MAX: Duration = Duration::from_millis(RESUME_WINDOW_MS);

impl Signaling {
    /// Takes what a relay tells. Events of shares that have ended are late, and of no interest.
    pub fn handle_share_event(&mut self, now: Moment, id: ShareId, event: ShareEvent) {
        if !self.shares.contains_key(&id) {
            return;
        }
        match event {
            ShareEvent::SharerAttached => self.sharer_attached(now.instant, id),
            ShareEvent::SharerGone => self.sharer_gone(now.instant, id),
            ShareEvent::ViewerAttached(viewer) => self.viewer_attached(now.instant, id, participant(viewer)),
            ShareEvent::ViewerGone(viewer) => self.viewer_gone(now.instant, id, participant(viewer)),
            ShareEvent::Paused => self.paused_by_relay(now.instant, id),
            ShareEvent::Resumed => self.resumed_by_relay(id),
            ShareEvent::Unfollowable => {
                self.end_share(now.instant, id, ShareWhy::Unfollowable, ShareByeReason::Ended);
            }
            ShareEvent::Granted { viewer, rung, duration } => {
                self.granted(now.instant, id, participant(viewer), rung, duration);
            }
            ShareEvent::GrantEnded { viewer, why } => self.grant_ended(now.instant, id, participant(viewer), why),
        }
    }

    /// A page is connected: the first one, the same again, or its successor.
    fn sharer_attached(&mut self, now: Instant, id: ShareId) {
        if !self.is_next_page(id) {
            self.end_control(now, id, ControlWhy::Paused);
        }
        let Some(share) = self.shares.get_mut(&id) else { return };
        share.sharer.attached = true;
        if share.phase == Phase::Live {
            self.share_command(id, ShareCommand::Resume);
        } else {
            self.go_on(id);
        }
    }

    /// Whether the page that connects is where the tab of the page before went to: that page has gone, and so has its
    /// session, or a new one has continued the share. Else it is another tab, or the same page that was away: control was
    /// not given for that.
    fn is_next_page(&self, id: ShareId) -> bool {
        let Some(Share { sharer, .. }) = self.shares.get(&id) else { return false };
        let is_connected = self.sessions.get(&sharer.id).is_some_and(|session| session.socket().is_some());
        !sharer.attached && (sharer.continued || !is_connected)
    }

    fn sharer_gone(&mut self, now: Instant, id: ShareId) {
        let Some(share) = self.shares.get_mut(&id) else { return };
        (share.sharer.attached, share.sharer.continued) = (false, false);
        if share.phase == Phase::Live {
            self.pause_share(now, id, ShareWhy::SharerLeft);
        }
    }

    fn viewer_attached(&mut self, now: Instant, id: ShareId, viewer: ParticipantId) {
        let Some(known) = self.shares.get_mut(&id).and_then(|share| share.viewers.get_mut(&viewer)) else { return };
        known.sees = true;
        let public = known.public.clone();
        self.audit_viewer("viewer joined", id, &public);
        self.tell_share(id);
        self.tell_control_to(now, id, viewer);
    }

    fn viewer_gone(&mut self, now: Instant, id: ShareId, viewer: ParticipantId) {
        // As long as it counts as a viewer, so that it is told, too.
        self.drop_control_of(now, id, viewer);
        let Some(known) = self.shares.get_mut(&id).and_then(|share| share.viewers.get_mut(&viewer)) else { return };
        known.sees = false;
        let public = known.public.clone();
        self.audit_viewer("viewer left", id, &public);
        self.tell_share(id);
    }

    fn paused_by_relay(&mut self, now: Instant, id: ShareId) {
        if self.shares.get(&id).is_none_or(|share| share.phase != Phase::Live) {
            return;
        }
        self.end_control(now, id, ControlWhy::Paused);
        let share = self.shares.get_mut(&id).expect("it was found above");
        share.phase = Phase::Paused(ShareWhy::Page);
        self.audit_share("share paused", id, Some(ShareWhy::Page));
        self.tell_share(id);
    }

    fn resumed_by_relay(&mut self, id: ShareId) {
        let Some(share) = self.shares.get_mut(&id) else { return };
        if share.phase == Phase::Paused(ShareWhy::Page) {
            share.phase = Phase::Live;
            self.audit_share("share resumed", id, None);
            self.tell_share(id);
        }
    }

    /// Somebody leaves a room. `bye`: what its streams are told.
    pub(in crate::signaling) fn leave_shares(&mut self, now: Instant, participant: ParticipantId, bye: ShareByeReason) {
        for id in self.shares.keys().copied().collect::<Vec<_>>() {
            let Some(share) = self.shares.get(&id) else { continue };
            let asked = share.by.as_ref().is_some_and(|(agent, _)| *agent == participant);
            if share.sharer.id == participant {
                self.sharer_leaves(now, id, bye);
            } else if asked && share.phase == Phase::Requested {
                self.end_share(now, id, ShareWhy::Withdrawn, ShareByeReason::Ended);
            } else if share.viewers.contains_key(&participant) {
                self.viewer_leaves(now, id, participant, bye);
            }
        }
    }

    /// A shopper whose token no longer counts shares nothing; any other may come back with a new session.
    fn sharer_leaves(&mut self, now: Instant, id: ShareId, bye: ShareByeReason) {
        let Some(share) = self.shares.get_mut(&id) else { return };
        if share.phase == Phase::Requested || bye != ShareByeReason::Ended {
            return self.end_share(now, id, ShareWhy::SharerLeft, bye);
        }
        share.sharer.gone.get_or_insert(now);
        if share.phase == Phase::Live {
            self.pause_share(now, id, ShareWhy::SharerLeft);
        }
    }

    fn viewer_leaves(&mut self, now: Instant, id: ShareId, viewer: ParticipantId, bye: ShareByeReason) {
        self.drop_control_of(now, id, viewer);
        let Some(gone) = self.shares.get_mut(&id).and_then(|share| share.viewers.remove(&viewer)) else { return };
        self.share_command(id, ShareCommand::Expel { viewer: ViewerId(viewer.0), bye });
        if gone.sees {
            self.audit_viewer("viewer left", id, &gone.public);
            self.tell_share(id);
        }
    }

    /// A room is over, and its shares with it.
    pub(in crate::signaling) fn end_shares_of(&mut self, now: Instant, room: RoomId, bye: ShareByeReason) {
        let ids = self.shares.iter().filter(|(_, share)| share.room == room).map(|(id, _)| *id);
        for id in ids.collect::<Vec<_>>() {
            self.end_share(now, id, ShareWhy::CallEnded, bye);
        }
    }

    /// Ends shares whose sharer has not come back.
    pub(in crate::signaling) fn sweep_shares(&mut self, now: Moment) {
        let left = |since: Option<Instant>| since.is_some_and(|since| now.since(since) >= SHARER_AWAY_MAX);
        let ids = self.shares.iter().filter(|(_, share)| left(share.sharer.gone)).map(|(id, _)| *id);
        for id in ids.collect::<Vec<_>>() {
            self.end_share(now.instant, id, ShareWhy::SharerLeft, ShareByeReason::Ended);
        }
    }
}

/// A relay knows a viewer by the number of its session.
fn participant(viewer: ViewerId) -> ParticipantId {
    ParticipantId(viewer.0)
}
