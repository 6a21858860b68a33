//! What the media workers tell.

use super::output::CloseCode;
use super::{Signaling, TellMedia};
use crate::moment::Moment;
use crate::protocol::{
    Bind, ByeAction, ByeReason, Quality, QualityCause, SendEncodings, ServerMessage, SlotBinding, Speakers, Why,
};
use tillside_sfu::command::{self, EncodingsWanted, Event, LeaveReason};
use tillside_sfu::id::{ParticipantId, PublicationId, RoomId};

impl Signaling {
    /// Takes an event of a media worker. Events about participants who are gone are late, and of no interest.
    pub fn handle_event(&mut self, now: Moment, event: Event) {
        match event {
            Event::Answered { participant, n, answer } => self.handle_answered(now, participant, n, answer.into()),
            Event::Refused { participant, n, error } => self.handle_refused(now, participant, n, &error),
            Event::Left { participant, reason } => self.handle_left(now, participant, reason),
            Event::Bound { participant, slots } => self.handle_bound(participant, &slots),
            Event::EncodingsWanted { publication, wanted } => self.handle_wanted(publication, wanted),
            Event::Speakers { room, participants } => self.handle_speakers(room, &participants),
            Event::Quality { participant, score, cause } => self.handle_quality(participant, score, cause),
            Event::RoomFailed(room) => self.end_room(now, room, ByeReason::RoomFailed),
            Event::Connected { participant, .. } => self.handle_connected(participant),
            // The switchboard has published them before they come here.
            Event::Counters(_) => {}
        }
        self.flush_desk(now);
    }

    fn handle_connected(&mut self, participant: ParticipantId) {
        if let Some(session) = self.sessions.get_mut(&participant) {
            session.told.forget_join();
        }
    }

    fn handle_left(&mut self, now: Moment, participant: ParticipantId, reason: LeaveReason) {
        let bye = match reason {
            // We said so, and forgot it then.
            LeaveReason::Command => return,
            LeaveReason::RoomClosed => (ByeReason::RoomEnded, ByeAction::None),
            LeaveReason::RoomFailed => (ByeReason::RoomFailed, ByeAction::Rejoin),
            LeaveReason::ConsentExpired | LeaveReason::HandshakeFailed | LeaveReason::Closed => {
                (ByeReason::MediaLost, ByeAction::Rejoin)
            }
        };
        self.leave_room(now, participant, TellMedia::No);
        self.end_session(now, participant, Some(bye), CloseCode::Normal);
    }

    fn handle_bound(&mut self, participant: ParticipantId, slots: &[command::Binding]) {
        let Some(room) = self.sessions.get(&participant).and_then(|session| self.rooms.get(&session.room?)) else {
            return;
        };
        let slots = slots.iter().map(|binding| SlotBinding {
            mid: binding.mid.to_string(),
            publication: binding.publication.and_then(|id| room.publication_name(id)),
            rid: binding.rid.map(|rid| rid.to_string()),
            why: binding.why.map(Why::from),
        });
        let bind = Bind { slots: slots.collect() };
        self.tell(participant, &ServerMessage::Bind(bind));
    }

    fn handle_wanted(&mut self, publication: PublicationId, wanted: EncodingsWanted) {
        let rids = match wanted {
            EncodingsWanted::Single(true) => vec!["*".to_owned()],
            EncodingsWanted::Single(false) => Vec::new(),
            EncodingsWanted::Rids(rids) => rids.iter().map(ToString::to_string).collect(),
        };
        let send = SendEncodings { mid: publication.mid.to_string(), rids };
        self.tell(publication.participant, &ServerMessage::Send(send));
    }

    fn handle_speakers(&mut self, id: RoomId, speakers: &[ParticipantId]) {
        let Some(room) = self.rooms.get(&id) else { return };
        let names = speakers.iter().filter_map(|speaker| room.participant(*speaker));
        let message = Speakers { participants: names.map(|participant| participant.public.clone()).collect() };
        let everybody: Vec<_> = room.present().map(|(participant, _)| participant).collect();
        self.tell_each(everybody, &ServerMessage::Speakers(message));
    }

    fn handle_quality(&mut self, participant: ParticipantId, score: u8, cause: command::QualityCause) {
        let Some(session) = self.sessions.get(&participant) else { return };
        let Some(room) = session.room else { return };
        let quality = Quality { participant: session.public.clone(), score, cause: cause.into() };
        let Some(room) = self.rooms.get(&room) else { return };
        let others = room.present().map(|(other, _)| other).filter(|other| *other != participant);
        let everybody: Vec<_> = std::iter::once(participant).chain(others).collect();
        self.tell_each(everybody, &ServerMessage::Quality(quality));
    }
}

impl From<command::Why> for Why {
    fn from(why: command::Why) -> Self {
        match why {
            command::Why::Bandwidth => Self::Bandwidth,
            command::Why::Policy => Self::Policy,
            command::Why::PublisherOff => Self::PublisherOff,
            command::Why::NotWanted => Self::NotWanted,
            command::Why::Codec => Self::Codec,
        }
    }
}

impl From<command::QualityCause> for QualityCause {
    fn from(cause: command::QualityCause) -> Self {
        match cause {
            command::QualityCause::None => Self::None,
            command::QualityCause::Loss => Self::Loss,
            command::QualityCause::Delay => Self::Delay,
            command::QualityCause::Jitter => Self::Jitter,
        }
    }
}
