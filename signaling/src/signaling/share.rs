//! Shares: who asks for a page, who consents, where each share stands, who may see it and who does.
//!
//! Owns everything about a share but the page, which lives in a relay: [`ShareCommand`] goes there, [`ShareEvent`]
//! comes back. A ticket opens `/v1/share` for one holder of one share, and dies with either.

mod act;
mod border;
mod life;
mod stream;

pub(super) use act::Refusal;
pub use border::{Holder, Opening, ShareCommand, ShareEvent, ShareRules, StreamPass};

use super::Signaling;
use super::control::Control;
use super::output::Output;
use crate::protocol::{ControlWhy, ServerMessage, ShareByeReason, SharePhase, ShareState, ShareWhy};
use crate::random;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tillside_cobrowse::relay::{SHARES_MAX, ShareId, ViewerId};
use tillside_sfu::id::{ParticipantId, RoomId};

#[derive(Debug)]
pub(super) struct Share {
    /// The name clients know.
    pub(super) public: String,
    pub(super) room: RoomId,
    pub(super) sharer: Sharer,
    /// The agent who asked, if one did.
    pub(super) by: Option<(ParticipantId, String)>,
    pub(super) phase: Phase,
    /// Whether a relay knows it: from the first consent on.
    pub(super) open: bool,
    /// Those who hold a ticket to see it.
    pub(super) viewers: BTreeMap<ParticipantId, Viewer>,
    pub(super) control: Control,
    pub(super) rules: Arc<ShareRules>,
}

#[derive(Debug)]
pub(super) struct Sharer {
    /// The shopper's last session.
    pub(super) id: ParticipantId,
    pub(super) public: String,
    pub(super) name: String,
    pub(super) tenant: String,
    /// Whom its token is about: a new session of the same shopper may take the share over.
    pub(super) subject: String,
    pub(super) ticket: Ticket,
    /// Whether its page is connected to `/v1/share`.
    pub(super) attached: bool,
    /// Whether a new session has taken the share over since a page was connected last.
    pub(super) continued: bool,
    /// Since when its session is gone.
    pub(super) gone: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) public: String,
    pub(super) ticket: Ticket,
    /// Whether it is connected to `/v1/share`.
    pub(super) sees: bool,
}

/// Where a share stands. One that has ended is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Requested,
    Live,
    Paused(ShareWhy),
}

/// A secret that is compared in constant time and never shown.
#[derive(Clone)]
pub(super) struct Ticket(String);

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket")
    }
}

/// How many shares there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShareCounts {
    /// Asked for.
    pub requested: u64,
    /// Shown.
    pub live: u64,
    /// Not shown for now.
    pub paused: u64,
    /// Those who see them, all together.
    pub viewers: u64,
}

impl ShareCounts {
    pub(super) fn add(&mut self, share: &Share) {
        match share.phase {
            Phase::Requested => self.requested += 1,
            Phase::Live => self.live += 1,
            Phase::Paused(_) => self.paused += 1,
        }
        self.viewers += share.seeing().count() as u64;
    }
}

impl Share {
    /// As everybody is told; a ticket is added for its holder only.
    fn state(&self) -> ShareState {
        let (phase, why) = match self.phase {
            Phase::Requested => (SharePhase::Requested, None),
            Phase::Live => (SharePhase::Live, None),
            Phase::Paused(why) => (SharePhase::Paused, Some(why)),
        };
        ShareState {
            share: self.public.clone(),
            sharer: self.sharer.public.clone(),
            phase,
            why,
            by: self.by.as_ref().map(|(_, public)| public.clone()),
            ticket: None,
            viewers: self.seeing().map(|(_, viewer)| viewer.public.clone()).collect(),
        }
    }

    /// Those who see it now.
    pub(super) fn seeing(&self) -> impl Iterator<Item = (ParticipantId, &Viewer)> {
        self.viewers.iter().filter(|(_, viewer)| viewer.sees).map(|(id, viewer)| (*id, viewer))
    }

    pub(super) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    pub(super) fn is_seen_by(&self, participant: ParticipantId) -> bool {
        self.viewers.get(&participant).is_some_and(|viewer| viewer.sees)
    }
}

impl Signaling {
    /// Whether there may be one share more.
    fn has_room_for_share(&self) -> bool {
        self.shares.len() < SHARES_MAX
    }

    /// Makes a share of `sharer`, as yet only asked for.
    fn make_share(&mut self, room: RoomId, sharer: ParticipantId, by: Option<(ParticipantId, String)>) -> ShareId {
        let id = ShareId(self.fresh_id());
        let public = random::name("h_", &mut self.rng);
        let ticket = Ticket::new(&public, "sharer", random::secret(&mut self.rng));
        let session = self.sessions.get(&sharer).expect("the caller has found it in the room");
        let rules = self.share_rules.get(&session.claims.tenant).cloned().unwrap_or_default();
        let sharer = Sharer {
            id: sharer,
            public: session.public.clone(),
            name: session.claims.name.clone(),
            tenant: session.claims.tenant.clone(),
            subject: session.claims.sub.clone(),
            ticket,
            attached: false,
            continued: false,
            gone: None,
        };
        let share = Share {
            public: public.clone(),
            room,
            sharer,
            by,
            phase: Phase::Requested,
            open: false,
            viewers: BTreeMap::new(),
            control: Control::default(),
            rules,
        };
        self.shares.insert(id, share);
        self.share_names.insert(public, id);
        id
    }

    /// Tells the sharer and all who may see it where a share stands.
    pub(super) fn tell_share(&mut self, id: ShareId) {
        for participant in self.audience(id) {
            self.tell_share_to(id, participant);
        }
    }

    pub(super) fn tell_share_to(&mut self, id: ShareId, to: ParticipantId) {
        let Some(share) = self.shares.get(&id) else { return };
        let mut state = share.state();
        if share.phase == Phase::Live {
            state.ticket = self.ticket(id, to);
        }
        self.tell(to, &ServerMessage::Share(state));
    }

    /// Tells one who has just come, or may have missed it, of the shares of its room.
    pub(super) fn tell_shares(&mut self, now: Instant, to: ParticipantId) {
        let Some(room) = self.sessions.get(&to).and_then(|session| session.room) else { return };
        let shares: Vec<_> = self.shares.iter().filter(|(_, share)| share.room == room).map(|(id, _)| *id).collect();
        for id in shares {
            if self.audience(id).contains(&to) {
                self.tell_share_to(id, to);
                self.tell_control_to(now, id, to);
            }
        }
    }

    /// The sharer, and everybody in the room who may see pages.
    fn audience(&self, id: ShareId) -> Vec<ParticipantId> {
        let Some(share) = self.shares.get(&id) else { return Vec::new() };
        let Some(room) = self.rooms.get(&share.room) else { return Vec::new() };
        let may_know = |id: &ParticipantId| {
            *id == share.sharer.id || self.sessions.get(id).is_some_and(|session| session.claims.may_view_pages())
        };
        room.present().map(|(participant, _)| participant).filter(may_know).collect()
    }

    /// The ticket of a holder; made, and made known to the relay, where it has none yet.
    fn ticket(&mut self, id: ShareId, holder: ParticipantId) -> Option<String> {
        let share = self.shares.get_mut(&id)?;
        if holder == share.sharer.id {
            return Some(share.sharer.ticket.text());
        }
        if let Some(viewer) = share.viewers.get(&holder) {
            return Some(viewer.ticket.text());
        }
        let session = self.sessions.get(&holder)?;
        let ticket = Ticket::new(&share.public, &session.public, random::secret(&mut self.rng));
        let text = ticket.text();
        let (public, name) = (session.public.clone(), session.claims.name.clone());
        share.viewers.insert(holder, Viewer { public: public.clone(), ticket, sees: false });
        self.share_command(id, ShareCommand::Admit { viewer: ViewerId(holder.0), public, name });
        Some(text)
    }

    /// Pauses a live share. What the relay knows of the page is wiped, and control ends; but if the page has only gone
    /// away, as it does on the way to the next one, control waits for it.
    fn pause_share(&mut self, now: Instant, id: ShareId, why: ShareWhy) {
        if why == ShareWhy::SharerLeft {
            self.suspend_control(now, id);
        } else {
            self.end_control(now, id, ControlWhy::Paused);
        }
        let Some(share) = self.shares.get_mut(&id) else { return };
        share.phase = Phase::Paused(why);
        self.share_command(id, ShareCommand::Pause(border::relay_why(why)));
        self.audit_share("share paused", id, Some(why));
        self.tell_share(id);
    }

    /// Ends a share for good; its streams are told `bye`.
    pub(super) fn end_share(&mut self, now: Instant, id: ShareId, why: ShareWhy, bye: ShareByeReason) {
        self.end_control(now, id, ControlWhy::Paused);
        self.audit_share("share ended", id, Some(why));
        let audience = self.audience(id);
        let Some(share) = self.shares.remove(&id) else { return };
        self.share_names.remove(&share.public);
        let state = ShareState { phase: SharePhase::Ended, why: Some(why), viewers: Vec::new(), ..share.state() };
        for participant in audience {
            self.tell(participant, &ServerMessage::Share(state.clone()));
        }
        if share.open {
            let command = ShareCommand::End { why: border::relay_why(why), bye };
            self.outputs.push_back(Output::Share { share: id, command });
        }
    }

    /// Tells the relay, if it knows the share.
    pub(super) fn share_command(&mut self, id: ShareId, command: ShareCommand) {
        if self.shares.get(&id).is_some_and(|share| share.open) {
            self.outputs.push_back(Output::Share { share: id, command });
        }
    }

    /// The share of a shopper's page.
    pub(super) fn share_of(&self, sharer: ParticipantId) -> Option<ShareId> {
        self.shares.iter().find(|(_, share)| share.sharer.id == sharer).map(|(id, _)| *id)
    }

    /// Finds a share of a room by the name clients know. One of another room is not there (SEC-29).
    pub(super) fn find_share(&self, room: RoomId, public: &str) -> Option<ShareId> {
        let id = *self.share_names.get(public)?;
        self.shares.get(&id).filter(|share| share.room == room).map(|_| id)
    }

    /// A line of the audit log: ids, kinds and times, never content.
    fn audit_share(&self, event: &'static str, id: ShareId, why: Option<ShareWhy>) {
        let Some(share) = self.shares.get(&id) else { return };
        let by = share.by.as_ref().map(|(_, public)| public.as_str()).unwrap_or_default();
        tracing::info!(
            target: "audit", event, tenant = %share.sharer.tenant, share = %share.public, sharer = %share.sharer.public,
            by, why = why.map(border::label).unwrap_or_default(),
        );
    }

    /// A line of the audit log about one viewer.
    pub(super) fn audit_viewer(&self, event: &'static str, id: ShareId, viewer: &str) {
        let Some(share) = self.shares.get(&id) else { return };
        tracing::info!(target: "audit", event, tenant = %share.sharer.tenant, share = %share.public, viewer);
    }
}
