//! Control of a shared page: an agent asks, the shopper gives it for a while, anybody may end it.
//!
//! The relay holds the truth about what a grant covers; this tells both sides about it.

use super::Signaling;
use super::share::{Refusal, ShareCommand};
use crate::moment::Moment;
use crate::protocol::{
    ControlAction, ControlPhase, ControlState, ControlWhy, ErrorCode, GRANT_SECONDS_MAX, Rung, ServerMessage,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tillside_cobrowse::relay::{GrantEnd, ShareId, ViewerId};
use tillside_sfu::id::{ParticipantId, RoomId};

const NO_SHARE: Refusal = (ErrorCode::NotFound, "there is no such share: it may just have ended");
const NOT_SEEN: Refusal = (ErrorCode::OutOfOrder, "see the page first: it is not live, or you are not connected to it");

/// Who has control of a page, and who asks for it.
#[derive(Debug, Default)]
pub(super) struct Control {
    held: Option<Held>,
    asked: BTreeMap<ParticipantId, Rung>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    viewer: ParticipantId,
    rung: Rung,
    until: Instant,
    /// Whether the relay has said what it really gave.
    confirmed: bool,
}

impl Signaling {
    pub(super) fn handle_control(
        &mut self,
        now: Moment,
        from: ParticipantId,
        action: &ControlAction,
    ) -> Result<(), Refusal> {
        let room = self.present_in(from)?;
        match action {
            ControlAction::Request { share, rung } => self.request_control(now, room, from, share, *rung),
            ControlAction::Release { share } => self.release_control(now, room, from, share),
            ControlAction::Grant { viewer, rung, for_s } => self.give_control(now, room, from, viewer, *rung, *for_s),
            ControlAction::Deny { viewer } => self.deny_control(now, room, from, viewer),
            ControlAction::Revoke => {
                let id = self.page_of(from)?;
                self.end_control(now.instant, id, ControlWhy::Revoked);
                Ok(())
            }
        }
    }

    fn request_control(
        &mut self,
        now: Moment,
        room: RoomId,
        from: ParticipantId,
        share: &str,
        rung: Rung,
    ) -> Result<(), Refusal> {
        if !self.claims(from).may_control_pages() {
            return Err((ErrorCode::Forbidden, "your token does not allow to ask for control"));
        }
        let id = self.find_share(room, share).ok_or(NO_SHARE)?;
        let share = self.shares.get_mut(&id).expect("find_share has found it");
        if share.rules.control.is_none_or(|highest| rung > highest) {
            return Err((ErrorCode::Forbidden, "the store does not allow that much control"));
        }
        if !share.is_live() || !share.is_seen_by(from) {
            return Err(NOT_SEEN);
        }
        share.control.asked.insert(from, rung);
        self.tell_control(now.instant, id, from, ControlPhase::Requested, rung, None);
        Ok(())
    }

    fn release_control(&mut self, now: Moment, room: RoomId, from: ParticipantId, share: &str) -> Result<(), Refusal> {
        let id = self.find_share(room, share).ok_or(NO_SHARE)?;
        let control = &self.shares.get(&id).expect("find_share has found it").control;
        if control.held.is_none_or(|held| held.viewer != from) && !control.asked.contains_key(&from) {
            return Err((ErrorCode::OutOfOrder, "you have no control, and have not asked for it"));
        }
        self.stop_control_of(now.instant, id, from, ControlWhy::Released);
        Ok(())
    }

    fn give_control(
        &mut self,
        now: Moment,
        room: RoomId,
        from: ParticipantId,
        viewer: &str,
        rung: Rung,
        for_s: u32,
    ) -> Result<(), Refusal> {
        let id = self.page_of(from)?;
        let viewer = self.rooms.get(&room).and_then(|room| room.find(viewer));
        let viewer = viewer.ok_or((ErrorCode::NotFound, "there is no such participant: it may just have left"))?;
        if !self.claims(viewer).may_control_pages() {
            return Err((ErrorCode::Forbidden, "that participant may not control a page"));
        }
        let share = self.shares.get_mut(&id).expect("page_of has found it");
        let Some(highest) = share.rules.control else {
            return Err((ErrorCode::Forbidden, "the store allows no control"));
        };
        if !share.is_live() || !share.is_seen_by(viewer) {
            return Err((ErrorCode::OutOfOrder, "that participant does not see your page now"));
        }
        let duration = Duration::from_secs(u64::from(for_s).min(GRANT_SECONDS_MAX));
        let rung = rung.min(highest);
        share.control.asked.remove(&viewer);
        let held = Held { viewer, rung, until: now.instant + duration, confirmed: false };
        let before = share.control.held.replace(held);
        if let Some(before) = before.filter(|before| before.viewer != viewer) {
            self.tell_control(
                now.instant,
                id,
                before.viewer,
                ControlPhase::Ended,
                before.rung,
                Some(ControlWhy::Replaced),
            );
        }
        self.share_command(id, ShareCommand::Grant { viewer: ViewerId(viewer.0), rung, duration });
        Ok(())
    }

    fn deny_control(&mut self, now: Moment, room: RoomId, from: ParticipantId, viewer: &str) -> Result<(), Refusal> {
        let id = self.page_of(from)?;
        let viewer = self.rooms.get(&room).and_then(|room| room.find(viewer));
        let share = self.shares.get_mut(&id).expect("page_of has found it");
        let asked = viewer.and_then(|viewer| Some((viewer, share.control.asked.remove(&viewer)?)));
        let (viewer, rung) = asked.ok_or((ErrorCode::NotFound, "that participant has not asked"))?;
        self.tell_control(now.instant, id, viewer, ControlPhase::Denied, rung, None);
        Ok(())
    }

    /// The relay has given control, maybe less than the shopper said: on a page with payment fields only pointing.
    pub(super) fn granted(&mut self, now: Instant, id: ShareId, viewer: ParticipantId, rung: Rung, duration: Duration) {
        let Some(share) = self.shares.get_mut(&id) else { return };
        // Revoked meanwhile: the relay has got that word too.
        let Some(held) = share.control.held.as_mut().filter(|held| held.viewer == viewer) else { return };
        (held.rung, held.until, held.confirmed) = (rung, now + duration, true);
        self.tell_control(now, id, viewer, ControlPhase::Granted, rung, None);
    }

    /// The relay has ended control, or left only pointing.
    pub(super) fn grant_ended(&mut self, now: Instant, id: ShareId, viewer: ParticipantId, why: GrantEnd) {
        let why = match why {
            GrantEnd::Expired => ControlWhy::Expired,
            GrantEnd::ViewerLeft => ControlWhy::ViewerLeft,
            GrantEnd::NewOrigin => ControlWhy::NewOrigin,
            GrantEnd::PaymentPage => ControlWhy::PaymentPage,
        };
        let Some(share) = self.shares.get_mut(&id) else { return };
        let Some(held) = share.control.held.as_mut().filter(|held| held.viewer == viewer) else { return };
        let rung = held.rung;
        if why == ControlWhy::PaymentPage {
            held.rung = Rung::Point;
        } else {
            share.control.held = None;
        }
        self.tell_control(now, id, viewer, ControlPhase::Ended, rung, Some(why));
        if why == ControlWhy::PaymentPage {
            self.tell_control(now, id, viewer, ControlPhase::Granted, Rung::Point, None);
        }
    }

    /// Ends control of a page, whoever has it, and forgets who asks where the page itself goes away.
    pub(super) fn end_control(&mut self, now: Instant, id: ShareId, why: ControlWhy) {
        let Some(share) = self.shares.get(&id) else { return };
        let held = share.control.held.map(|held| held.viewer);
        let asked = share.control.asked.keys().copied().filter(|_| why == ControlWhy::Paused);
        for viewer in held.into_iter().chain(asked).collect::<Vec<_>>() {
            self.stop_control_of(now, id, viewer, why);
        }
    }

    /// The page is away for a moment. Questions to it are void; what the relay has given waits for its return.
    pub(super) fn suspend_control(&mut self, now: Instant, id: ShareId) {
        let Some(share) = self.shares.get_mut(&id) else { return };
        let kept = share.control.held.filter(|held| held.confirmed);
        let given = share.control.held.map(|held| held.viewer).filter(|_| kept.is_none());
        let asked: Vec<_> = share.control.asked.keys().copied().collect();
        for viewer in given.into_iter().chain(asked) {
            match kept.filter(|kept| kept.viewer == viewer) {
                None => self.stop_control_of(now, id, viewer, ControlWhy::Paused),
                // It had asked for more than it has.
                Some(kept) => {
                    self.shares.get_mut(&id).expect("it was found above").control.asked.remove(&viewer);
                    self.tell_control(now, id, viewer, ControlPhase::Granted, kept.rung, None);
                }
            }
        }
    }

    /// A viewer no longer sees the page.
    pub(super) fn drop_control_of(&mut self, now: Instant, id: ShareId, viewer: ParticipantId) {
        self.stop_control_of(now, id, viewer, ControlWhy::ViewerLeft);
    }

    /// Ends what one viewer has and asks for, and says so if there was something.
    fn stop_control_of(&mut self, now: Instant, id: ShareId, viewer: ParticipantId, why: ControlWhy) {
        let Some(share) = self.shares.get_mut(&id) else { return };
        let asked = share.control.asked.remove(&viewer);
        let held = share.control.held.take_if(|held| held.viewer == viewer);
        if held.is_some() {
            self.share_command(id, ShareCommand::Revoke);
        }
        if let Some(rung) = held.map(|held| held.rung).or(asked) {
            self.tell_control(now, id, viewer, ControlPhase::Ended, rung, Some(why));
        }
    }

    /// Tells one who comes late who has control, and who asks for it.
    pub(super) fn tell_control_to(&mut self, now: Instant, id: ShareId, to: ParticipantId) {
        let Some(share) = self.shares.get(&id) else { return };
        if to != share.sharer.id && !share.is_seen_by(to) {
            return;
        }
        let held = share.control.held.filter(|held| held.confirmed);
        let held = held.map(|held| (held.viewer, ControlPhase::Granted, held.rung));
        let asked = share.control.asked.iter().map(|(viewer, rung)| (*viewer, ControlPhase::Requested, *rung));
        for (viewer, phase, rung) in held.into_iter().chain(asked).collect::<Vec<_>>() {
            if let Some(state) = self.control_state(now, id, viewer, phase, rung, None) {
                self.tell(to, &ServerMessage::Control(state));
            }
        }
    }

    /// Tells the sharer and all viewers, and the audit log.
    fn tell_control(
        &mut self,
        now: Instant,
        id: ShareId,
        viewer: ParticipantId,
        phase: ControlPhase,
        rung: Rung,
        why: Option<ControlWhy>,
    ) {
        let Some(state) = self.control_state(now, id, viewer, phase, rung, why) else { return };
        self.audit_viewer(audit_name(phase), id, &state.viewer);
        let share = self.shares.get(&id).expect("control_state has found it");
        let seeing = share.seeing().map(|(participant, _)| participant);
        for participant in std::iter::once(share.sharer.id).chain(seeing).collect::<Vec<_>>() {
            self.tell(participant, &ServerMessage::Control(state.clone()));
        }
    }

    fn control_state(
        &self,
        now: Instant,
        id: ShareId,
        viewer: ParticipantId,
        phase: ControlPhase,
        rung: Rung,
        why: Option<ControlWhy>,
    ) -> Option<ControlState> {
        let share = self.shares.get(&id)?;
        let until = share.control.held.filter(|_| phase == ControlPhase::Granted).map(|held| held.until);
        let left = until.map(|until| until.saturating_duration_since(now).as_millis());
        Some(ControlState {
            share: share.public.clone(),
            viewer: share.viewers.get(&viewer)?.public.clone(),
            phase,
            rung,
            ends_in_ms: left.map(|left| u64::try_from(left).unwrap_or(u64::MAX)),
            why,
        })
    }

    /// The shared page of a shopper.
    fn page_of(&self, from: ParticipantId) -> Result<ShareId, Refusal> {
        self.share_of(from).ok_or((ErrorCode::OutOfOrder, "your page is not shared"))
    }
}

fn audit_name(phase: ControlPhase) -> &'static str {
    match phase {
        ControlPhase::Requested => "control requested",
        ControlPhase::Granted => "control granted",
        ControlPhase::Denied => "control denied",
        ControlPhase::Ended => "control ended",
    }
}
