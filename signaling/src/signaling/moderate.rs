//! A moderator's acts: mute, remove, lock, unlock, end.

use super::output::CloseCode;
use super::{Signaling, TellMedia};
use crate::moment::Moment;
use crate::protocol::{ByeAction, ByeReason, ErrorCode, Moderate, Muted, ServerMessage, ShareByeReason, State};
use tillside_sfu::command::Command;
use tillside_sfu::id::{Mid, ParticipantId, PublicationId, RoomId};

pub(super) const NOT_IN_A_ROOM: (ErrorCode, &str) = (ErrorCode::OutOfOrder, "join a room first, and wait for `joined`");
const NO_PARTICIPANT: (ErrorCode, &str) = (ErrorCode::NotFound, "there is no such participant: it may just have left");
const NO_TRACK: (ErrorCode, &str) = (ErrorCode::NotFound, "that participant publishes no such track");

impl Signaling {
    pub(super) fn handle_moderate(
        &mut self,
        now: Moment,
        by: ParticipantId,
        act: &Moderate,
    ) -> Result<(), (ErrorCode, &'static str)> {
        let room = self.present_in(by)?;
        let session = self.sessions.get(&by).expect("present_in has looked");
        if !session.claims.may_moderate() {
            return Err((ErrorCode::Forbidden, "your token does not allow to moderate"));
        }
        let moderator = session.public.clone();
        match act {
            Moderate::Mute { participant, mid } => {
                let target = self.find(room, participant).ok_or(NO_PARTICIPANT)?;
                let mid = Mid::parse(mid.as_bytes()).ok_or(NO_TRACK)?;
                self.set_muted(room, PublicationId { participant: target, mid }, true).ok_or(NO_TRACK)?;
                self.tell(target, &ServerMessage::Muted(Muted { mid: mid.to_string(), by: moderator }));
            }
            Moderate::Kick { participant } => {
                let target = self.find(room, participant).ok_or(NO_PARTICIPANT)?;
                self.kick(now, target);
            }
            Moderate::Lock => self.set_locked(now, room, true),
            Moderate::Unlock => self.set_locked(now, room, false),
            Moderate::End => self.end_room(now, room, ByeReason::RoomEnded),
        }
        Ok(())
    }

    /// Removes a participant. Its token goes with it: else it would be back within a second.
    pub(super) fn kick(&mut self, now: Moment, target: ParticipantId) {
        if let Some(session) = self.sessions.get(&target) {
            let (tenant, jti) = (session.claims.tenant.clone(), session.claims.jti.clone());
            if !self.revocations.revoke(&tenant, &jti, now.unix) {
                tracing::warn!(%tenant, "too many revocations: a removed participant can come back");
            }
        }
        self.end_session(now, target, Some((ByeReason::Kicked, ByeAction::None)), CloseCode::Normal);
    }

    /// Ends a room for all. `reason` is [`ByeReason::RoomEnded`] or, for a defect of ours, [`ByeReason::RoomFailed`].
    pub(super) fn end_room(&mut self, now: Moment, id: RoomId, reason: ByeReason) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.kept = false;
        let participants = room.ids();
        self.end_shares_of(now.instant, id, ShareByeReason::Ended);
        let action = if reason == ByeReason::RoomFailed { ByeAction::Rejoin } else { ByeAction::None };
        self.command(id, Command::CloseRoom(id));
        for participant in participants {
            // Out of the room first, so that nobody is told about everybody else's going.
            self.leave_quietly(now, participant);
            self.end_session(now, participant, Some((reason, action)), CloseCode::Normal);
        }
        self.room_changed(now, id);
    }

    fn leave_quietly(&mut self, now: Moment, participant: ParticipantId) {
        let Some(room) = self.sessions.get_mut(&participant).and_then(|session| session.room) else { return };
        if let Some(me) = self.rooms.get_mut(&room).and_then(|room| room.participant_mut(participant)) {
            me.present = false;
        }
        self.leave_room(now, participant, TellMedia::No);
    }

    fn set_locked(&mut self, now: Moment, id: RoomId, locked: bool) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.locked = locked;
        let change = State { full: false, participants: Vec::new(), left: Vec::new(), locked };
        let present: Vec<_> = room.present().map(|(participant, _)| participant).collect();
        for participant in present {
            self.tell(participant, &ServerMessage::State(change.clone()));
        }
        self.room_changed(now, id);
    }

    fn find(&self, room: RoomId, public: &str) -> Option<ParticipantId> {
        self.rooms.get(&room)?.find(public)
    }
}
