//! Into a room with one offer, and later offers.

use super::output::Tally;
use super::room::{Participant, Publication, Room, RoomKey};
use super::{ROOMS_MAX, Signaling, TellMedia};
use crate::moment::Moment;
use crate::protocol::{self, Answer, ErrorCode, Joined, Role, ServerMessage, State, TRACKS_MAX, Track};
use crate::token::{Claims, is_id};
use tillside_sfu::command::{self, Command, ReOffer, RefuseError};
use tillside_sfu::id::{Mid, ParticipantId, RoomId};
use tillside_sfu::sdp::{Offer, Purpose, SdpError};

/// Why somebody is not let in, or an offer is not passed on.
pub(super) type Refusal = (ErrorCode, String);

/// What somebody enters a room with.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) offer: Offer,
    pub(super) publications: Vec<Publication>,
    pub(super) purpose: Purpose,
}

impl Signaling {
    pub(super) fn handle_join(
        &mut self,
        now: Moment,
        participant: ParticipantId,
        join: &protocol::Join,
        offer: Result<Offer, SdpError>,
    ) {
        let outcome = self.try_join(now, participant, join, offer);
        if let Err((code, message)) = outcome {
            self.count(Tally::JoinRefused(code));
            self.tell_error(participant, code, message, Some("join"));
        }
    }

    fn try_join(
        &mut self,
        now: Moment,
        participant: ParticipantId,
        join: &protocol::Join,
        offer: Result<Offer, SdpError>,
    ) -> Result<(), Refusal> {
        let session = self.sessions.get(&participant).expect("a message comes from a session that is there");
        if session.room.is_some() {
            return Err((ErrorCode::OutOfOrder, "you are in a room already: say `leave` first".to_owned()));
        }
        let name = room_of(&session.claims, join.room.as_deref())?;
        let publications = publications(&session.claims, &join.tracks)?;
        let offer = offer.map_err(bad_offer)?;
        self.enter(now, participant, Entry { name, offer, publications, purpose: Purpose::Call })
    }

    /// Lets a session into a room, as far as signaling goes; media answers later.
    pub(super) fn enter(&mut self, now: Moment, participant: ParticipantId, entry: Entry) -> Result<(), Refusal> {
        if self.draining {
            return Err((ErrorCode::Overloaded, "this node takes no new calls now: try again soon".to_owned()));
        }
        let session = self.sessions.get(&participant).expect("the caller has looked");
        let claims = session.claims.clone();
        let newcomer = Participant {
            public: session.public.clone(),
            name: claims.name.clone(),
            role: claims.role,
            since: now.instant,
            present: false,
            publications: Vec::new(),
        };
        let room_id = self.room_for(now, &claims, entry.name)?;
        let tracks = entry.publications.iter().map(command_track).collect();
        self.rooms.get_mut(&room_id).expect("room_for finds or makes it").insert(participant, newcomer);

        let session = self.sessions.get_mut(&participant).expect("nothing was removed meanwhile");
        session.room = Some(room_id);
        session.offers.n = 1;
        session.offers.in_flight = Some(entry.publications);
        let join = command::Join {
            room: room_id,
            participant,
            offer: entry.offer,
            tracks,
            subscribe: claims.grants.subscribe,
            priority: priority(claims.role),
            purpose: entry.purpose,
            home: None,
        };
        self.command(room_id, Command::Join(Box::new(join)));
        Ok(())
    }

    /// Finds the room, or makes it where the token names it; says no where it is locked.
    fn room_for(&mut self, now: Moment, claims: &Claims, name: String) -> Result<RoomId, Refusal> {
        let key = RoomKey { tenant: claims.tenant.clone(), name };
        if let Some(id) = self.room_ids.get(&key) {
            let locked = self.rooms.get(id).is_some_and(|room| room.locked);
            if locked && !claims.may_moderate() {
                return Err((ErrorCode::Locked, "the room is locked: ask somebody inside to unlock it".to_owned()));
            }
            return Ok(*id);
        }
        if claims.grants.room.is_none() {
            return Err((ErrorCode::NotFound, "there is no such room: it may be over".to_owned()));
        }
        self.make_room(now, key)
    }

    pub(super) fn make_room(&mut self, now: Moment, key: RoomKey) -> Result<RoomId, Refusal> {
        if self.rooms.len() >= ROOMS_MAX {
            return Err((ErrorCode::Overloaded, "this node has as many rooms as it takes: try again soon".to_owned()));
        }
        let id = RoomId(self.fresh_id());
        self.rooms.insert(id, Room::new(id, key.clone(), now.instant));
        self.room_ids.insert(key, id);
        Ok(id)
    }

    pub(super) fn handle_offer(
        &mut self,
        participant: ParticipantId,
        offer: &protocol::Offer,
        sdp: Result<Offer, SdpError>,
    ) {
        if let Err((code, message)) = self.try_offer(participant, offer, sdp) {
            self.tell_error(participant, code, message, Some("offer"));
        }
    }

    fn try_offer(
        &mut self,
        participant: ParticipantId,
        offer: &protocol::Offer,
        sdp: Result<Offer, SdpError>,
    ) -> Result<(), Refusal> {
        let session = self.sessions.get_mut(&participant).expect("a message comes from a session that is there");
        let room = session.room.ok_or_else(|| out_of_order("join a room before you offer again"))?;
        if session.offers.in_flight.is_some() {
            return Err(out_of_order("one offer at a time: wait for the answer"));
        }
        if offer.n <= session.offers.n {
            return Err(out_of_order("`n` counts up with every offer"));
        }
        let publications = publications(&session.claims, &offer.tracks)?;
        let sdp = sdp.map_err(bad_offer)?;
        let tracks = publications.iter().map(command_track).collect();
        session.offers.n = offer.n;
        session.offers.in_flight = Some(publications);
        self.command(room, Command::Offer(Box::new(ReOffer { participant, n: offer.n, offer: sdp, tracks })));
        Ok(())
    }

    /// Media has answered an offer.
    pub(super) fn handle_answered(&mut self, now: Moment, participant: ParticipantId, n: u32, sdp: String) {
        let Some(session) = self.sessions.get_mut(&participant).filter(|session| session.in_flight(n)) else { return };
        let publications = session.offers.in_flight.take().unwrap_or_default();
        let Some(room_id) = session.room else { return };
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let name = room.key.name.clone();
        let Some(me) = room.participant_mut(participant) else { return };
        me.publications = publications;
        let first = !std::mem::replace(&mut me.present, true);
        let waits = first && me.role == Role::Shopper;
        let change = State { full: false, participants: vec![me.state()], left: Vec::new(), locked: room.locked };
        room.position_is_news |= waits;
        let joined = Joined { room: name, locked: room.locked };
        let everything = room.full_state(participant);
        if first {
            self.count(Tally::Joined);
            self.tell(participant, &ServerMessage::Joined(joined));
        }
        self.tell(participant, &ServerMessage::Answer(Answer { n, sdp }));
        if first {
            self.tell(participant, &ServerMessage::State(everything));
        }
        self.tell_room(room_id, participant, &ServerMessage::State(change));
        if first {
            self.tell_shares(now.instant, participant);
        }
        self.room_changed(now, room_id);
    }

    /// Media has refused an offer, or could not be asked.
    pub fn handle_refused(&mut self, now: Moment, participant: ParticipantId, n: u32, error: &RefuseError) {
        let Some(session) = self.sessions.get_mut(&participant).filter(|session| session.in_flight(n)) else { return };
        session.offers.in_flight = None;
        let code = match error {
            RefuseError::MediaLines | RefuseError::Track(_) => ErrorCode::BadOffer,
            RefuseError::RoomFull => ErrorCode::Full,
            RefuseError::Overloaded => ErrorCode::Overloaded,
            RefuseError::Participant => ErrorCode::Internal,
        };
        let was_in = session.room.and_then(|room| self.rooms.get(&room)).and_then(|room| room.participant(participant));
        let re = if was_in.is_some_and(|me| me.present) {
            "offer"
        } else {
            // A refused join leaves nothing behind in media; nor does it here.
            self.leave_room(now, participant, TellMedia::No);
            self.count(Tally::JoinRefused(code));
            "join"
        };
        self.tell_error(participant, code, error.to_string(), Some(re));
    }
}

/// The room to enter: the token's, or else the one asked for.
pub(super) fn room_of(claims: &Claims, asked: Option<&str>) -> Result<String, Refusal> {
    match (claims.grants.room.as_deref(), asked) {
        (Some(own), Some(other)) if own != other => {
            Err((ErrorCode::Forbidden, "your token is for another room".to_owned()))
        }
        (Some(room), _) => Ok(room.to_owned()),
        (None, Some(room)) if is_id(room) => Ok(room.to_owned()),
        (None, Some(_)) => Err((ErrorCode::NotFound, "there is no such room: it may be over".to_owned())),
        (None, None) => {
            Err((ErrorCode::Malformed, "say which `room`: your token is good for any room of the tenant".to_owned()))
        }
    }
}

/// What an offer's tracks will publish, if the token allows each.
pub(super) fn publications(claims: &Claims, tracks: &[Track]) -> Result<Vec<Publication>, Refusal> {
    if tracks.len() > TRACKS_MAX {
        return Err((ErrorCode::BadOffer, format!("at most {TRACKS_MAX} tracks can be published at once")));
    }
    let mut publications: Vec<Publication> = Vec::with_capacity(tracks.len());
    for track in tracks {
        if !claims.may_publish(track.source) {
            return Err((ErrorCode::Forbidden, format!("your token does not allow to send {}", name(track.source))));
        }
        let mid = Mid::parse(track.mid.as_bytes())
            .ok_or_else(|| (ErrorCode::BadOffer, "a track's `mid` must be that of an m-line".to_owned()))?;
        if publications.iter().any(|publication| publication.mid == mid) {
            return Err((ErrorCode::BadOffer, "two tracks name the same `mid`".to_owned()));
        }
        publications.push(Publication { mid, source: track.source, muted: track.muted });
    }
    Ok(publications)
}

fn command_track(publication: &Publication) -> command::Track {
    command::Track { mid: publication.mid, source: publication.source.into(), muted: publication.muted }
}

fn name(source: protocol::Source) -> &'static str {
    match source {
        protocol::Source::Microphone => "a microphone",
        protocol::Source::Camera => "a camera",
        protocol::Source::Screen => "a screen",
    }
}

/// People who talk to each other come before people who watch.
fn priority(role: Role) -> u8 {
    match role {
        Role::Shopper | Role::Agent => 0,
        Role::Supervisor | Role::Observer => 1,
    }
}

fn bad_offer(error: SdpError) -> Refusal {
    (ErrorCode::BadOffer, error.to_string())
}

fn out_of_order(message: &str) -> Refusal {
    (ErrorCode::OutOfOrder, message.to_owned())
}
