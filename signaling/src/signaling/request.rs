//! Questions of the HTTP side: REST, WHIP, WHEP.

use super::output::{CloseCode, Enter, Output, Reply, Request, RequestId, Tally};
use super::room::{Publication, RoomKey};
use super::session::{Link, Offers, Session, Told};
use super::{SESSIONS_MAX, Signaling, join};
use crate::moment::Moment;
use crate::protocol::{ByeReason, ErrorCode, ServerMessage, Source};
use crate::random;
use crate::token::Claims;
use tillside_sfu::id::ParticipantId;

impl Signaling {
    /// Answers a question by an [`Output::Reply`], at once or when media has answered.
    pub fn handle_request(&mut self, now: Moment, id: RequestId, request: Request) {
        let reply = match request {
            Request::CreateRoom(key) => self.create_room(now, key),
            Request::EndRoom(key) => match self.room_ids.get(&key) {
                Some(room) => {
                    self.end_room(now, *room, ByeReason::RoomEnded);
                    Reply::Done
                }
                None => not_found(),
            },
            Request::Remove { room, participant } => self.remove(now, &room, &participant),
            Request::Revoke { tenant, jti } => {
                if self.revocations.revoke(&tenant, &jti, now.unix) {
                    self.recheck(now);
                    Reply::Done
                } else {
                    refused(ErrorCode::Overloaded, "this node remembers no more revocations: remove the key instead")
                }
            }
            Request::Enter(enter) => match self.enter_by_http(now, id, *enter) {
                Ok(()) => return self.flush_desk(now),
                Err((code, message)) => {
                    self.count(Tally::JoinRefused(code));
                    Reply::Refused { code, message }
                }
            },
            Request::Exit { token, resource } => match self.resource(now, &token, &resource) {
                Ok(participant) => {
                    self.end_session(now, participant, None, CloseCode::Normal);
                    Reply::Done
                }
                Err(reply) => reply,
            },
            Request::OpenStream(open) => self.open_stream(&open),
            Request::Look { token, resource } => match self.resource(now, &token, &resource) {
                Ok(_) => Reply::Done,
                Err(reply) => reply,
            },
        };
        self.outputs.push_back(Output::Reply { request: id, reply });
        self.flush_desk(now);
    }

    /// The HTTP request is gone before its answer: what it began ends.
    pub fn handle_request_gone(&mut self, now: Moment, id: RequestId) {
        let waits =
            |session: &Session| matches!(session.link, Link::Http { request: Some(request), .. } if request == id);
        if let Some(participant) = self.sessions.iter().find(|(_, session)| waits(session)).map(|(id, _)| *id) {
            self.end_session(now, participant, None, CloseCode::Normal);
        }
    }

    /// Turns what a session would be told into the answer of the HTTP request that waits for it.
    pub(super) fn reply_from_message(&mut self, to: ParticipantId, message: &ServerMessage) {
        let Some(session) = self.sessions.get_mut(&to) else { return };
        let Link::Http { resource, request } = &mut session.link else { return };
        let reply = match message {
            ServerMessage::Answer(answer) => Reply::Answered { resource: resource.clone(), answer: answer.sdp.clone() },
            ServerMessage::Error(error) => Reply::Refused { code: error.code, message: error.message.clone() },
            ServerMessage::Bye(_) => refused(ErrorCode::Overloaded, "the room ended before media answered"),
            _ => return,
        };
        let over = matches!(reply, Reply::Refused { .. }) && session.room.is_none();
        if let Some(request) = request.take() {
            self.outputs.push_back(Output::Reply { request, reply });
        }
        // A session that was refused its room has no further purpose: nobody can ask it for another one.
        if over {
            self.forget_session(to, CloseCode::Normal);
        }
    }

    fn create_room(&mut self, now: Moment, key: RoomKey) -> Reply {
        if self.draining {
            return refused(ErrorCode::Overloaded, "this node takes no new rooms now: try again soon");
        }
        let existing = self.room_ids.get(&key).copied();
        let id = match existing.map_or_else(|| self.make_room(now, key), Ok) {
            Ok(id) => id,
            Err((code, message)) => return Reply::Refused { code, message },
        };
        let room = self.rooms.get_mut(&id).expect("it was found or made");
        room.kept = true;
        let summary = room.summary();
        self.room_changed(now, id);
        Reply::Room { created: existing.is_none(), summary }
    }

    fn remove(&mut self, now: Moment, key: &RoomKey, public: &str) -> Reply {
        let room = self.room_ids.get(key).and_then(|id| self.rooms.get(id));
        match room.and_then(|room| room.find(public)) {
            Some(participant) => {
                self.kick(now, participant);
                Reply::Done
            }
            None => not_found(),
        }
    }

    fn enter_by_http(&mut self, now: Moment, request: RequestId, enter: Enter) -> Result<(), join::Refusal> {
        let claims = self.verify(&enter.token, now.unix).map_err(|error| {
            self.count(Tally::Unauthorized(error));
            (ErrorCode::Unauthorized, error.to_string())
        })?;
        if enter.origin.as_deref().is_some_and(|origin| !self.keyring.allows_origin(&claims.tenant, origin)) {
            self.count(Tally::ForeignOrigin);
            return Err((ErrorCode::Forbidden, "this page's origin is not one of the tenant's".to_owned()));
        }
        if self.sessions.len() >= SESSIONS_MAX {
            return Err((ErrorCode::Overloaded, "this node takes no new sessions now: try again soon".to_owned()));
        }
        let name = join::room_of(&claims, Some(&enter.room))?;
        let publications = publications(&claims, &enter)?;
        let participant = self.begin_http_session(claims, request);
        let entry = join::Entry { name, offer: enter.offer, publications, purpose: enter.purpose };
        let outcome = self.enter(now, participant, entry);
        if outcome.is_err() {
            self.forget_session(participant, CloseCode::Normal);
        }
        outcome
    }

    fn begin_http_session(&mut self, claims: Claims, request: RequestId) -> ParticipantId {
        let participant = ParticipantId(self.fresh_id());
        let resource = random::name("r_", &mut self.rng);
        let public = random::name("p_", &mut self.rng);
        tracing::info!(participant = %public, role = ?claims.role, tenant = %claims.tenant, "http session begins");
        let link = Link::Http { resource: resource.clone(), request: Some(request) };
        let session = Session { public, claims, link, room: None, offers: Offers::default(), told: Told::default() };
        self.sessions.insert(participant, Box::new(session));
        self.resources.insert(resource, participant);
        participant
    }

    /// The participant behind a resource, if the token is one of the same subject.
    fn resource(&mut self, now: Moment, token: &str, resource: &str) -> Result<ParticipantId, Reply> {
        let claims = self.verify(token, now.unix).map_err(|error| {
            self.count(Tally::Unauthorized(error));
            Reply::Refused { code: ErrorCode::Unauthorized, message: error.to_string() }
        })?;
        let participant = *self.resources.get(resource).ok_or_else(not_found)?;
        let owner = &self.sessions.get(&participant).ok_or_else(not_found)?.claims;
        // Another's resource looks like one that is not there (SEC-35).
        let same = (&owner.tenant, &owner.sub) == (&claims.tenant, &claims.sub);
        if same { Ok(participant) } else { Err(not_found()) }
    }
}

/// WHIP says what it sends by the m-lines alone: sound is a microphone, pictures are a camera.
fn publications(claims: &Claims, enter: &Enter) -> Result<Vec<Publication>, join::Refusal> {
    let publications: Vec<Publication> = enter
        .tracks
        .iter()
        .map(|track| Publication { mid: track.mid, source: Source::from(track.source), muted: track.muted })
        .collect();
    match publications.iter().find(|publication| !claims.may_publish(publication.source)) {
        Some(_) => Err((ErrorCode::Forbidden, "your token does not allow to send what the offer sends".to_owned())),
        None => Ok(publications),
    }
}

fn not_found() -> Reply {
    refused(ErrorCode::NotFound, "there is no such room, participant or resource")
}

fn refused(code: ErrorCode, message: &str) -> Reply {
    Reply::Refused { code, message: message.to_owned() }
}
