//! What people say about a share on `/v1/ws`.

use super::{Opening, Phase, ShareCommand};
use crate::moment::Moment;
use crate::protocol::{ErrorCode, PauseWhy, ShareAction, ShareByeReason, ShareWhy};
use crate::signaling::Signaling;
use crate::token::Claims;
use tillside_cobrowse::relay::ShareId;
use tillside_sfu::id::{ParticipantId, RoomId};

/// Why something asked for was not done: for programs and for people.
pub(in crate::signaling) type Refusal = (ErrorCode, &'static str);

const NO_SHARE: Refusal = (ErrorCode::NotFound, "there is no such share: it may just have ended");
const NOT_SHARED: Refusal = (ErrorCode::OutOfOrder, "your page is not shared");

impl Signaling {
    pub(in crate::signaling) fn handle_share(
        &mut self,
        now: Moment,
        from: ParticipantId,
        action: &ShareAction,
    ) -> Result<(), Refusal> {
        let room = self.present_in(from)?;
        match action {
            ShareAction::Request { sharer } => self.request_share(room, from, sharer),
            ShareAction::Withdraw { share } => self.withdraw_share(now, room, from, share),
            ShareAction::Consent => self.consent(room, from),
            ShareAction::Decline => self.decline(now, from),
            ShareAction::Pause { why } => self.pause(now, from, *why),
            ShareAction::End => {
                let id = self.own_share(from)?;
                self.end_share(now.instant, id, ShareWhy::Shopper, ShareByeReason::Ended);
                Ok(())
            }
            ShareAction::Continue { ticket } => self.continue_share(now, room, from, ticket),
        }
    }

    fn request_share(&mut self, room: RoomId, from: ParticipantId, sharer: &str) -> Result<(), Refusal> {
        let claims = self.claims(from);
        if !claims.may_ask_for_pages() {
            return Err((ErrorCode::Forbidden, "your token does not allow to ask for a page"));
        }
        let target = self.rooms.get(&room).and_then(|room| room.find(sharer));
        let target = target.ok_or((ErrorCode::NotFound, "there is no such participant: it may just have left"))?;
        if !self.claims(target).may_share() {
            return Err((ErrorCode::Forbidden, "that participant may not share its page"));
        }
        if self.share_of(target).is_some() {
            return Err((ErrorCode::OutOfOrder, "that page is shared, or was asked for, already"));
        }
        self.check_room_for_share()?;
        let by = self.sessions.get(&from).map(|session| (from, session.public.clone()));
        let id = self.make_share(room, target, by);
        self.audit_share("share requested", id, None);
        self.tell_share(id);
        Ok(())
    }

    fn withdraw_share(&mut self, now: Moment, room: RoomId, from: ParticipantId, public: &str) -> Result<(), Refusal> {
        let id = self.find_share(room, public).ok_or(NO_SHARE)?;
        let share = self.shares.get(&id).expect("find_share has found it");
        let asked = share.by.as_ref().is_some_and(|(agent, _)| *agent == from);
        if !asked || share.phase != Phase::Requested {
            return Err((ErrorCode::OutOfOrder, "you have no question open about that page"));
        }
        self.end_share(now.instant, id, ShareWhy::Withdrawn, ShareByeReason::Ended);
        Ok(())
    }

    /// The shopper shares its page: asked for or not, or again after a pause.
    fn consent(&mut self, room: RoomId, from: ParticipantId) -> Result<(), Refusal> {
        if !self.claims(from).may_share() {
            return Err((ErrorCode::Forbidden, "your token does not allow to share a page"));
        }
        let id = match self.share_of(from) {
            Some(id) => id,
            None => {
                self.check_room_for_share()?;
                self.make_share(room, from, None)
            }
        };
        let share = self.shares.get_mut(&id).expect("it was found or made");
        let first = !std::mem::replace(&mut share.open, true);
        let before = std::mem::replace(&mut share.phase, Phase::Live);
        if before == Phase::Live {
            return Ok(());
        }
        let command = if first {
            let policy = share.rules.policy.clone();
            ShareCommand::Open(Box::new(Opening {
                public: share.public.clone(),
                tenant: share.sharer.tenant.clone(),
                policy,
                images: share.rules.images,
            }))
        } else {
            ShareCommand::Resume
        };
        self.share_command(id, command);
        self.audit_share(if first { "share consented" } else { "share resumed" }, id, None);
        self.tell_share(id);
        Ok(())
    }

    fn decline(&mut self, now: Moment, from: ParticipantId) -> Result<(), Refusal> {
        let id = self.own_share(from)?;
        if self.shares.get(&id).is_some_and(|share| share.phase != Phase::Requested) {
            return Err((ErrorCode::OutOfOrder, "your page is shared already: `end` it instead"));
        }
        self.end_share(now.instant, id, ShareWhy::Declined, ShareByeReason::Ended);
        Ok(())
    }

    fn pause(&mut self, now: Moment, from: ParticipantId, why: PauseWhy) -> Result<(), Refusal> {
        let id = self.own_share(from)?;
        if self.shares.get(&id).is_some_and(|share| share.phase == Phase::Requested) {
            return Err(NOT_SHARED);
        }
        self.pause_share(now.instant, id, why.into());
        Ok(())
    }

    /// A new session of the same shopper, in the same room, takes over the share of the page before. The ticket proves
    /// that it is that page's successor.
    fn continue_share(&mut self, now: Moment, room: RoomId, from: ParticipantId, ticket: &str) -> Result<(), Refusal> {
        let session = self.sessions.get(&from).expect("present_in has looked");
        let claims = &session.claims;
        if !claims.may_share() {
            return Err((ErrorCode::Forbidden, "your token does not allow to share a page"));
        }
        let id = self.sharer_by_ticket(ticket).ok_or(NO_SHARE)?;
        let share = self.shares.get(&id).expect("sharer_by_ticket has found it");
        let same = (share.room, &share.sharer.tenant, &share.sharer.subject) == (room, &claims.tenant, &claims.sub);
        if !same {
            return Err(NO_SHARE);
        }
        if self.share_of(from).is_some_and(|own| own != id) {
            return Err((ErrorCode::OutOfOrder, "you share a page already: `end` it first"));
        }
        let (public, name) = (session.public.clone(), claims.name.clone());
        let share = self.shares.get_mut(&id).expect("it was found above");
        (share.sharer.id, share.sharer.public, share.sharer.name) = (from, public, name);
        (share.sharer.gone, share.sharer.continued) = (None, true);
        self.audit_share("share continued", id, None);
        if !self.go_on(id) {
            self.tell_share(id);
        }
        self.tell_control_to(now.instant, id, from);
        Ok(())
    }

    /// A share that was paused because its sharer was away goes on, if page and session are both there.
    pub(super) fn go_on(&mut self, id: ShareId) -> bool {
        let Some(share) = self.shares.get_mut(&id) else { return false };
        let waits = share.phase == Phase::Paused(ShareWhy::SharerLeft);
        if !waits || !share.sharer.attached || share.sharer.gone.is_some() {
            return false;
        }
        share.phase = Phase::Live;
        self.share_command(id, ShareCommand::Resume);
        self.audit_share("share resumed", id, None);
        self.tell_share(id);
        true
    }

    fn own_share(&self, from: ParticipantId) -> Result<ShareId, Refusal> {
        self.share_of(from).ok_or(NOT_SHARED)
    }

    fn check_room_for_share(&self) -> Result<(), Refusal> {
        let message = "this node has as many shares as it takes: try again soon";
        if self.has_room_for_share() && !self.draining { Ok(()) } else { Err((ErrorCode::Overloaded, message)) }
    }

    pub(in crate::signaling) fn claims(&self, participant: ParticipantId) -> &Claims {
        &self.sessions.get(&participant).expect("a present participant has a session").claims
    }
}
