//! What a client says once it has a session.

use super::output::{CloseCode, Inbound};
use super::{Signaling, moderate};
use crate::moment::Moment;
use crate::protocol::{
    ByeAction, ByeReason, CHAT_BYTES_MAX, Chat, ChatReceived, ClientMessage, DATA_BYTES_MAX, Data, DataReceived,
    ErrorCode, Mute, Pong, ServerMessage, SlotView, State, TOPIC_BYTES_MAX, TRACKS_MAX,
};
use tillside_sfu::command::{Command, SlotWish};
use tillside_sfu::id::{Mid, ParticipantId, PublicationId, RoomId};

/// Why something asked for was not done: for programs and for people.
type Refusal = (ErrorCode, &'static str);

impl Signaling {
    pub(super) fn handle_message(&mut self, now: Moment, from: ParticipantId, inbound: Inbound) {
        let Inbound { message, offer } = inbound;
        let (re, outcome) = match message {
            ClientMessage::Hello(_) => ("hello", Err((ErrorCode::OutOfOrder, "`hello` is said once per socket"))),
            ClientMessage::Join(join) => {
                let offer = offer.expect("Inbound::new parses the offer of a join");
                return self.handle_join(now, from, &join, offer);
            }
            ClientMessage::Offer(message) => {
                let offer = offer.expect("Inbound::new parses the offer of an offer");
                return self.handle_offer(from, &message, offer);
            }
            ClientMessage::View(view) => ("view", self.handle_view(from, &view.slots)),
            ClientMessage::Mute(mute) => ("mute", self.handle_mute(from, &mute)),
            ClientMessage::Ready => ("ready", self.handle_ready(from)),
            ClientMessage::Chat(chat) => ("chat", self.handle_chat(from, chat)),
            ClientMessage::Data(data) => ("data", self.handle_data(from, data)),
            ClientMessage::Moderate(act) => ("moderate", self.handle_moderate(now, from, &act)),
            ClientMessage::Share(action) => ("share", self.handle_share(now, from, &action)),
            ClientMessage::Control(action) => ("control", self.handle_control(now, from, &action)),
            ClientMessage::Ping(ping) => {
                if let Some(socket) = self.sessions.get(&from).and_then(|session| session.socket()) {
                    self.say(socket, &ServerMessage::Pong(Pong { ts: ping.ts }));
                }
                return;
            }
            ClientMessage::Leave => {
                return self.end_session(now, from, Some((ByeReason::Left, ByeAction::None)), CloseCode::Normal);
            }
        };
        if let Err((code, message)) = outcome {
            self.tell_error(from, code, message, Some(re));
        }
    }

    fn handle_view(&mut self, from: ParticipantId, slots: &[SlotView]) -> Result<(), Refusal> {
        let room_id = self.present_in(from)?;
        if slots.len() > TRACKS_MAX {
            return Err((ErrorCode::Malformed, "a view has at most 32 slots"));
        }
        let room = self.rooms.get(&room_id).expect("present_in has looked");
        let mut wishes = Vec::with_capacity(slots.len());
        for slot in slots {
            let mid = Mid::parse(slot.mid.as_bytes())
                .ok_or((ErrorCode::Malformed, "a slot's `mid` must be that of an m-line"))?;
            let publication = match &slot.publication {
                None => None,
                Some(name) => Some(
                    room.find_publication(name)
                        .ok_or((ErrorCode::NotFound, "there is no such publication: it may just have gone"))?,
                ),
            };
            wishes.push(SlotWish { mid, publication, height: slot.height, priority: slot.priority });
        }
        self.command(room_id, Command::View(from, wishes));
        Ok(())
    }

    fn handle_mute(&mut self, from: ParticipantId, mute: &Mute) -> Result<(), Refusal> {
        let room_id = self.present_in(from)?;
        let mid = Mid::parse(mute.mid.as_bytes()).ok_or((ErrorCode::NotFound, "you publish no such track"))?;
        self.set_muted(room_id, PublicationId { participant: from, mid }, mute.muted)
            .ok_or((ErrorCode::NotFound, "you publish no such track"))?;
        Ok(())
    }

    /// Mutes or unmutes in media and for everybody else to see. `None`: there is no such publication.
    pub(super) fn set_muted(&mut self, room_id: RoomId, id: PublicationId, muted: bool) -> Option<()> {
        let room = self.rooms.get_mut(&room_id)?;
        let locked = room.locked;
        let participant = room.participant_mut(id.participant)?;
        let publication = participant.publication_mut(id.mid)?;
        if std::mem::replace(&mut publication.muted, muted) == muted {
            return Some(());
        }
        let change = State { full: false, participants: vec![participant.state()], left: Vec::new(), locked };
        self.command(room_id, Command::Mute(id, muted));
        self.tell_room(room_id, id.participant, &ServerMessage::State(change));
        Some(())
    }

    fn handle_ready(&mut self, from: ParticipantId) -> Result<(), Refusal> {
        let room = self.present_in(from)?;
        self.command(room, Command::Ready(from));
        Ok(())
    }

    fn handle_chat(&mut self, from: ParticipantId, chat: Chat) -> Result<(), Refusal> {
        let (room, sender) = self.speaker(from)?;
        if chat.text.is_empty() || chat.text.len() > CHAT_BYTES_MAX {
            return Err((ErrorCode::Malformed, "a chat line has 1 to 2000 bytes"));
        }
        let message = ChatReceived { from: sender, text: chat.text, private: chat.to.is_some() };
        self.route(room, from, chat.to.as_deref(), &ServerMessage::Chat(message))
    }

    fn handle_data(&mut self, from: ParticipantId, data: Data) -> Result<(), Refusal> {
        let (room, sender) = self.speaker(from)?;
        if data.topic.is_empty() || data.topic.len() > TOPIC_BYTES_MAX {
            return Err((ErrorCode::Malformed, "a topic has 1 to 64 bytes"));
        }
        if data.payload.len() > DATA_BYTES_MAX {
            return Err((ErrorCode::Malformed, "a data payload has at most 16384 bytes"));
        }
        let message = DataReceived { from: sender, topic: data.topic, payload: data.payload };
        self.route(room, from, data.to.as_deref(), &ServerMessage::Data(message))
    }

    /// Sends to one participant of the room, or to all others.
    fn route(
        &mut self,
        room: RoomId,
        from: ParticipantId,
        to: Option<&str>,
        message: &ServerMessage,
    ) -> Result<(), Refusal> {
        let Some(to) = to else {
            self.tell_room(room, from, message);
            return Ok(());
        };
        let receiver = self.rooms.get(&room).and_then(|room| room.find(to));
        let receiver = receiver.ok_or((ErrorCode::NotFound, "there is no such participant: it may just have left"))?;
        self.tell(receiver, message);
        Ok(())
    }

    /// The room of somebody who may write there, and the name it writes under.
    fn speaker(&self, from: ParticipantId) -> Result<(RoomId, String), Refusal> {
        let room = self.present_in(from)?;
        let session = self.sessions.get(&from).expect("present_in has looked");
        if !session.claims.may_speak() {
            return Err((ErrorCode::Forbidden, "an observer sends nothing"));
        }
        Ok((room, session.public.clone()))
    }

    /// The room that somebody is in, media having answered.
    pub(super) fn present_in(&self, from: ParticipantId) -> Result<RoomId, Refusal> {
        let room_id = self.sessions.get(&from).and_then(|session| session.room);
        let room = room_id.and_then(|id| self.rooms.get(&id));
        match room {
            Some(room) if room.participant(from).is_some_and(|me| me.present) => Ok(room.id),
            _ => Err(moderate::NOT_IN_A_ROOM),
        }
    }
}
