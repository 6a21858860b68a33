//! The signaling core: every room and session of the node, as one pure state machine.
//!
//! Frames, media events, questions of the HTTP side and the time go in by `handle_*`; frames, media commands and
//! replies come out of [`Signaling::poll_output`]. It has no clock, socket, lock or thread of its own;
//! [`crate::switchboard`] is the one task that owns it. It knows nothing of packets: media lives in the workers and
//! goes on while sessions come and go.

mod control;
mod desk;
mod hello;
mod join;
mod media;
mod message;
mod moderate;
mod output;
mod request;
mod room;
mod session;
mod share;
mod timeout;

pub use output::{
    CloseCode, Enter, Inbound, OpenStream, Output, ParticipantSummary, Reply, Request, RequestId, RoomSummary,
    SocketId, Tally, offerer,
};
pub use room::RoomKey;
pub use share::{Holder, Opening, ShareCommand, ShareCounts, ShareEvent, ShareRules, StreamPass};

use crate::moment::Moment;
use crate::protocol::{
    Bye, ByeAction, ByeReason, ErrorCode, ErrorMessage, HELLO_TIMEOUT_MS, ServerMessage, ShareByeReason, State,
    Unreadable,
};
use crate::token::{Keyring, Revocations};
use desk::Dirty;
use rand::SeedableRng;
use rand::rngs::StdRng;
use room::Room;
use session::{Link, Session, frame};
use share::Share;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tillside_cobrowse::relay::ShareId;
use tillside_sfu::command::Command;
use tillside_sfu::id::{ParticipantId, RoomId};

/// Sessions of a node. At 15 KiB each with a usual ring, 20,000 take 300 MiB.
pub const SESSIONS_MAX: usize = 20_000;
/// Rooms of a node, those without participants included.
pub const ROOMS_MAX: usize = 10_000;
/// How long a room made by REST waits for its first participant, or stays after its last one.
pub const ROOM_EMPTY_MAX: Duration = Duration::from_secs(60 * 60);
/// How often every session's token is looked at again (SEC-22).
pub const RECHECK_INTERVAL: Duration = Duration::from_secs(60);
/// What a client is told to wait before it comes back to a node that stops or is full; it adds jitter.
pub const RETRY_AFTER_MS: u64 = 2_000;

/// How a [`Signaling`] is set up.
#[derive(Debug)]
pub struct Setup {
    /// Tenants and keys.
    pub keyring: Arc<Keyring>,
    /// Seeds every random name and secret.
    pub seed: [u8; 32],
    /// What each tenant decides about shared pages; a tenant that is not named has the defaults.
    pub share_rules: TenantRules,
    /// How long a socket may take to say `hello`.
    pub hello_timeout: Duration,
}

/// Tenants' rules about shared pages, by tenant.
pub type TenantRules = BTreeMap<String, Arc<ShareRules>>;

impl Setup {
    /// With the limits of the protocol.
    #[must_use]
    pub fn new(keyring: Arc<Keyring>, seed: [u8; 32]) -> Self {
        let share_rules = TenantRules::new();
        Self { keyring, seed, share_rules, hello_timeout: Duration::from_millis(HELLO_TIMEOUT_MS) }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Signaling {
    keyring: Arc<Keyring>,
    revocations: Revocations,
    share_rules: TenantRules,
    hello_timeout: Duration,
    rng: StdRng,
    draining: bool,
    sockets: BTreeMap<SocketId, Socket>,
    /// Boxed, because the nodes of a tree that grows at its end stay half empty.
    sessions: BTreeMap<ParticipantId, Box<Session>>,
    /// Sessions by the name that a resume gives.
    resumable: BTreeMap<String, ParticipantId>,
    /// WHIP and WHEP resources by name.
    resources: BTreeMap<String, ParticipantId>,
    rooms: BTreeMap<RoomId, Room>,
    room_ids: BTreeMap<RoomKey, RoomId>,
    shares: BTreeMap<ShareId, Share>,
    /// Shares by the name clients know.
    share_names: BTreeMap<String, ShareId>,
    next_id: u64,
    desk: Dirty,
    next_sweep: Instant,
    next_recheck: Instant,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
struct Socket {
    origin: Option<String>,
    opened: Instant,
    /// When the last frame came.
    heard: Instant,
    session: Option<ParticipantId>,
}

impl Signaling {
    /// A node with nobody on it.
    #[must_use]
    pub fn new(setup: Setup, now: Moment) -> Self {
        Self {
            keyring: setup.keyring,
            revocations: Revocations::default(),
            share_rules: setup.share_rules,
            hello_timeout: setup.hello_timeout,
            rng: StdRng::from_seed(setup.seed),
            draining: false,
            sockets: BTreeMap::new(),
            sessions: BTreeMap::new(),
            resumable: BTreeMap::new(),
            resources: BTreeMap::new(),
            rooms: BTreeMap::new(),
            room_ids: BTreeMap::new(),
            shares: BTreeMap::new(),
            share_names: BTreeMap::new(),
            next_id: 1,
            desk: Dirty::default(),
            next_sweep: now.instant,
            next_recheck: now.instant + RECHECK_INTERVAL,
            outputs: VecDeque::new(),
        }
    }

    /// Takes the next thing to do. Call until `None` after every `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Signaling::handle_timeout`] wants to be called at the latest.
    #[must_use]
    pub fn poll_deadline(&self) -> Instant {
        self.desk.due().map_or(self.next_sweep, |due| due.min(self.next_sweep))
    }

    /// A WebSocket is open. `origin` is what the browser said, already found to belong to some tenant.
    pub fn handle_open(&mut self, now: Moment, socket: SocketId, origin: Option<String>) {
        let fresh = Socket { origin, opened: now.instant, heard: now.instant, session: None };
        let before = self.sockets.insert(socket, fresh);
        assert!(before.is_none(), "socket ids are never used twice");
    }

    /// A frame has come.
    pub fn handle_frame(&mut self, now: Moment, id: SocketId, frame: Result<Inbound, Unreadable>) {
        // Frames may still be on their way from a socket that we have closed.
        let Some(socket) = self.sockets.get_mut(&id) else { return };
        socket.heard = now.instant;
        match (socket.session, frame) {
            (Some(session), Ok(inbound)) => self.handle_message(now, session, inbound),
            (Some(session), Err(unreadable)) => {
                self.tell_error(session, unreadable.code, unreadable.message, unreadable.re);
            }
            (None, frame) => self.handle_greeting(now, id, frame),
        }
        self.flush_desk(now);
    }

    /// A socket is gone, for whatever reason. Its session goes on without one for a while.
    pub fn handle_close(&mut self, now: Moment, socket: SocketId) {
        let Some(participant) = self.sockets.remove(&socket).and_then(|socket| socket.session) else { return };
        self.detach(now, participant);
    }

    /// A socket broke a limit: its session is over.
    pub fn handle_breach(&mut self, now: Moment, socket: SocketId, code: CloseCode) {
        let Some(session) = self.sockets.get(&socket).map(|socket| socket.session) else { return };
        if let Some(participant) = session {
            self.end_session(now, participant, Some((ByeReason::Limit, ByeAction::None)), code);
            self.flush_desk(now);
        } else {
            self.close(socket, code);
        }
    }

    /// Tenants were read again: sessions of keys that are gone end at once, new shares follow the new rules.
    pub fn handle_tenants(&mut self, now: Moment, keyring: Arc<Keyring>, share_rules: TenantRules) {
        self.keyring = keyring;
        self.share_rules = share_rules;
        self.recheck(now);
        self.flush_desk(now);
    }

    /// Lets nobody in any more, or lets them in again.
    pub fn handle_drain(&mut self, draining: bool) {
        self.draining = draining;
    }

    /// The node stops: everybody is told to come back elsewhere or later.
    pub fn handle_stop(&mut self, now: Moment) {
        self.draining = true;
        for room in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.end_shares_of(now.instant, room, ShareByeReason::Shutdown);
        }
        for participant in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.end_session(now, participant, Some((ByeReason::Shutdown, ByeAction::Rejoin)), CloseCode::Normal);
        }
        for socket in self.sockets.keys().copied().collect::<Vec<_>>() {
            self.close(socket, CloseCode::TryAgain);
        }
    }

    /// How many sessions there are, WHIP and WHEP included.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many shares are asked for, live and paused, and how many viewers they have together.
    #[must_use]
    pub fn share_counts(&self) -> ShareCounts {
        let mut counts = ShareCounts::default();
        for share in self.shares.values() {
            counts.add(share);
        }
        counts
    }

    /// Says something to a client, now or when it comes back.
    fn tell(&mut self, to: ParticipantId, message: &ServerMessage) {
        self.tell_each([to], message);
    }

    /// Says the same to several clients, written down once.
    fn tell_each(&mut self, to: impl IntoIterator<Item = ParticipantId>, message: &ServerMessage) {
        let text = session::json(message);
        for participant in to {
            let Some(session) = self.sessions.get_mut(&participant) else { continue };
            if matches!(session.link, Link::Http { .. }) {
                self.reply_from_message(participant, message);
                continue;
            }
            let socket = session.socket();
            let text = session.told.tell(message, Arc::clone(&text));
            if let Some(socket) = socket {
                self.outputs.push_back(Output::Frame { socket, text });
            }
        }
    }

    fn tell_error(&mut self, to: ParticipantId, code: ErrorCode, message: impl Into<String>, re: Option<&str>) {
        let message = ErrorMessage {
            code,
            message: message.into(),
            re: re.map(str::to_owned),
            retryable: matches!(
                code,
                ErrorCode::Locked
                    | ErrorCode::Full
                    | ErrorCode::RateLimited
                    | ErrorCode::Overloaded
                    | ErrorCode::OutOfOrder
            ),
        };
        self.tell(to, &ServerMessage::Error(message));
    }

    /// Tells everybody whom others see in a room, but for one.
    fn tell_room(&mut self, room: RoomId, except: ParticipantId, message: &ServerMessage) {
        let Some(room) = self.rooms.get(&room) else { return };
        let ids: Vec<_> = room.present().map(|(id, _)| id).filter(|id| *id != except).collect();
        self.tell_each(ids, message);
    }

    /// Says something that is not numbered nor replayed.
    fn say(&mut self, socket: SocketId, message: &ServerMessage) {
        self.outputs.push_back(Output::Frame { socket, text: frame(0, message) });
    }

    fn close(&mut self, socket: SocketId, code: CloseCode) {
        if self.sockets.remove(&socket).is_some() {
            self.outputs.push_back(Output::Close { socket, code });
        }
    }

    fn command(&mut self, room: RoomId, command: Command) {
        self.outputs.push_back(Output::Media { room, command });
    }

    fn count(&mut self, tally: Tally) {
        self.outputs.push_back(Output::Count(tally));
    }

    /// Ends a session for good: says why, closes its socket, takes it out of its room and out of media.
    fn end_session(
        &mut self,
        now: Moment,
        participant: ParticipantId,
        bye: Option<(ByeReason, ByeAction)>,
        code: CloseCode,
    ) {
        if let Some((reason, action)) = bye {
            let retry_after_ms = if action == ByeAction::Rejoin { RETRY_AFTER_MS } else { 0 };
            self.tell(participant, &ServerMessage::Bye(Bye { reason, action, retry_after_ms }));
        }
        if matches!(bye, Some((ByeReason::Unauthorized | ByeReason::Kicked, _))) {
            self.leave_shares(now.instant, participant, ShareByeReason::Unauthorized);
        }
        self.leave_room(now, participant, TellMedia::Yes);
        self.forget_session(participant, code);
    }

    fn forget_session(&mut self, participant: ParticipantId, code: CloseCode) {
        let Some(session) = self.sessions.remove(&participant) else { return };
        assert!(session.room.is_none(), "a session leaves its room before it ends");
        if let Some(socket) = session.socket() {
            self.close(socket, code);
        }
        match session.link {
            Link::Socket { name, .. } => self.resumable.remove(&name),
            Link::Http { resource, .. } => self.resources.remove(&resource),
        };
    }

    /// Takes a session out of its room, tells the others, and ends the room with its last participant.
    fn leave_room(&mut self, now: Moment, participant: ParticipantId, tell_media: TellMedia) {
        let Some(session) = self.sessions.get(&participant) else { return };
        let Some(room_id) = session.room else { return };
        self.leave_shares(now.instant, participant, ShareByeReason::Ended);
        let session = self.sessions.get_mut(&participant).expect("it was found above");
        session.room = None;
        session.offers = session::Offers::default();
        if tell_media == TellMedia::Yes {
            self.command(room_id, Command::Leave(participant));
        }
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let Some(gone) = room.remove(participant, now.instant) else { return };
        let locked = room.locked;
        if gone.present {
            let change = State { full: false, participants: Vec::new(), left: vec![gone.public], locked };
            self.tell_room(room_id, participant, &ServerMessage::State(change));
        }
        self.room_changed(now, room_id);
    }

    /// Publishes how a room looks now; forgets it when nobody is inside and nobody asked to keep it.
    fn room_changed(&mut self, now: Moment, id: RoomId) {
        let Some(room) = self.rooms.get(&id) else { return };
        self.desk.mark(&room.key.tenant, now.instant);
        let key = room.key.clone();
        let over = room.is_empty() && !room.kept;
        let summary = (!over).then(|| room.summary());
        if over {
            self.end_shares_of(now.instant, id, ShareByeReason::Ended);
            self.rooms.remove(&id);
            self.room_ids.remove(&key);
        }
        self.outputs.push_back(Output::RoomChanged { id, key, summary });
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// Whether media still has the participant and must be told that it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TellMedia {
    Yes,
    No,
}

#[cfg(test)]
mod tests;
