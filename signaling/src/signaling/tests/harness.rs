//! A node without sockets and media: the tests play both.

use super::super::*;
use crate::protocol::{Cobrowse, Grants, Role, ServerFrame, Source};
use crate::token::{Claims, Key, KeySource, Tenant};
use serde_json::{Value, json};
use tillside_sfu::command::{Event, LeaveReason};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// When every test begins, in seconds since 1970.
const START: u64 = 1_800_000_000;
/// One audio and one video m-line, `0` and `1`, both ways.
const OFFER: &str = include_str!("../../../../sfu/tests/fixtures/sdp/aiortc-sendrecv.offer.sdp");
const ALL_SOURCES: [Source; 3] = [Source::Microphone, Source::Camera, Source::Screen];

pub(super) fn keyring() -> Arc<Keyring> {
    let key = |id: &str| Key { id: format!("{id}-key"), source: KeySource::Secret(SECRET.to_owned().into()) };
    let tenant =
        |id: &str| Tenant { id: id.to_owned(), origins: vec![format!("https://{id}.example")], keys: vec![key(id)] };
    Arc::new(Keyring::new(vec![tenant("shop"), tenant("rival")]).unwrap())
}

/// What a token shall say.
#[derive(Clone)]
pub(super) struct Who {
    pub(super) claims: Claims,
}

pub(super) fn who(name: &str, role: Role) -> Who {
    let grants = Grants { room: None, publish: ALL_SOURCES.to_vec(), subscribe: true, cobrowse: None, moderate: false };
    let claims = Claims {
        iss: "shop-key".to_owned(),
        sub: name.to_owned(),
        nbf: START,
        exp: START + 2 * 3600,
        jti: format!("token of {name}"),
        tenant: "shop".to_owned(),
        name: name.to_owned(),
        role,
        grants,
    };
    Who { claims }
}

pub(super) fn shopper(name: &str, room: &str) -> Who {
    who(name, Role::Shopper).room(room)
}

pub(super) fn agent(name: &str) -> Who {
    who(name, Role::Agent)
}

impl Who {
    pub(super) fn room(mut self, room: &str) -> Self {
        self.claims.grants.room = Some(room.to_owned());
        self
    }

    pub(super) fn moderator(mut self) -> Self {
        self.claims.grants.moderate = true;
        self
    }

    pub(super) fn publishes(mut self, sources: &[Source]) -> Self {
        self.claims.grants.publish = sources.to_vec();
        self
    }

    pub(super) fn cobrowse(mut self, granted: Cobrowse) -> Self {
        self.claims.grants.cobrowse = Some(granted);
        self
    }

    pub(super) fn of_rival(mut self) -> Self {
        self.claims.tenant = "rival".to_owned();
        self.claims.iss = "rival-key".to_owned();
        self
    }

    pub(super) fn token(&self) -> String {
        keyring().mint(&self.claims).unwrap()
    }
}

/// A client as the tests see it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) socket: SocketId,
    pub(super) id: String,
    pub(super) session: String,
    pub(super) secret: String,
}

pub(super) struct World {
    pub(super) core: Signaling,
    pub(super) now: Moment,
    start: Instant,
    next_socket: u64,
    next_request: u64,
    pub(super) frames: BTreeMap<SocketId, Vec<ServerFrame>>,
    pub(super) closed: BTreeMap<SocketId, CloseCode>,
    pub(super) commands: Vec<Command>,
    pub(super) share_commands: Vec<(ShareId, ShareCommand)>,
    pub(super) replies: BTreeMap<RequestId, Reply>,
    pub(super) rooms: BTreeMap<RoomKey, RoomSummary>,
    /// Media answers every offer at once.
    pub(super) media_answers: bool,
}

impl World {
    pub(super) fn new() -> Self {
        let now = Moment { instant: Instant::now(), unix: START };
        let core = Signaling::new(Setup::new(keyring(), [1; 32]), now);
        Self {
            core,
            start: now.instant,
            now,
            next_socket: 0,
            next_request: 0,
            frames: BTreeMap::new(),
            closed: BTreeMap::new(),
            commands: Vec::new(),
            share_commands: Vec::new(),
            replies: BTreeMap::new(),
            rooms: BTreeMap::new(),
            media_answers: true,
        }
    }

    /// Lets time pass, in steps as the shell would.
    pub(super) fn wait(&mut self, duration: Duration) {
        let end = self.now.instant + duration;
        while self.core.poll_deadline() < end {
            self.tick(self.core.poll_deadline().max(self.now.instant));
        }
        self.tick(end);
    }

    fn tick(&mut self, at: Instant) {
        self.now = Moment { instant: at, unix: START + at.duration_since(self.start).as_secs() };
        self.core.handle_timeout(self.now);
        self.settle();
    }

    /// Takes all outputs; plays media.
    pub(super) fn settle(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Frame { socket, text } => {
                    let frame = serde_json::from_str(&text).unwrap();
                    self.frames.entry(socket).or_default().push(frame);
                }
                Output::Close { socket, code } => {
                    self.closed.insert(socket, code);
                }
                Output::Media { command, .. } => {
                    if self.media_answers
                        && let Some((participant, n)) = offerer(&command)
                    {
                        self.core.handle_event(self.now, Event::Answered { participant, n, answer: "v=0".into() });
                    }
                    self.commands.push(command);
                }
                Output::RoomChanged { key, summary, .. } => {
                    match summary {
                        Some(summary) => self.rooms.insert(key, summary),
                        None => self.rooms.remove(&key),
                    };
                }
                Output::Reply { request, reply } => {
                    self.replies.insert(request, reply);
                }
                Output::Share { share, command } => self.share_commands.push((share, command)),
                Output::Count(_) => {}
            }
        }
    }

    pub(super) fn open(&mut self, origin: Option<&str>) -> SocketId {
        self.next_socket += 1;
        let socket = SocketId(self.next_socket);
        self.core.handle_open(self.now, socket, origin.map(str::to_owned));
        socket
    }

    /// Sends a frame and returns what came back on the same socket.
    pub(super) fn send(&mut self, socket: SocketId, frame: &Value) -> Vec<ServerMessage> {
        self.send_text(socket, &frame.to_string())
    }

    pub(super) fn send_text(&mut self, socket: SocketId, text: &str) -> Vec<ServerMessage> {
        let before = self.frames.get(&socket).map_or(0, Vec::len);
        self.core.handle_frame(self.now, socket, crate::protocol::read(text).map(Inbound::new));
        self.settle();
        self.since(socket, before)
    }

    fn since(&self, socket: SocketId, skip: usize) -> Vec<ServerMessage> {
        self.frames.get(&socket).into_iter().flatten().skip(skip).map(|frame| frame.message.clone()).collect()
    }

    /// Everything that a socket was sent since this was asked last.
    pub(super) fn take(&mut self, client: &Client) -> Vec<ServerMessage> {
        self.frames.remove(&client.socket).into_iter().flatten().map(|frame| frame.message).collect()
    }

    pub(super) fn hello(&mut self, who: &Who) -> Client {
        let socket = self.open(None);
        let welcome = self.send(socket, &json!({ "t": "hello", "v": [1], "token": who.token() }));
        client(socket, &welcome)
    }

    pub(super) fn resume(&mut self, who: &Who, client_before: &Client, seq: u64) -> (Client, Vec<ServerFrame>) {
        let socket = self.open(None);
        let resume = json!({ "session": client_before.session, "secret": client_before.secret, "seq": seq });
        let welcome = self.send(socket, &json!({ "t": "hello", "v": [1], "token": who.token(), "resume": resume }));
        let client = client(socket, &welcome);
        (client, self.frames.remove(&socket).unwrap_or_default())
    }

    pub(super) fn join(&mut self, client: &Client, room: &str) -> Vec<ServerMessage> {
        let tracks = json!([{ "mid": "0", "source": "microphone" }, { "mid": "1", "source": "camera" }]);
        self.join_with(client, room, &tracks)
    }

    pub(super) fn join_with(&mut self, client: &Client, room: &str, tracks: &Value) -> Vec<ServerMessage> {
        self.send(client.socket, &json!({ "t": "join", "room": room, "offer": OFFER, "tracks": tracks }))
    }

    pub(super) fn offer(&mut self, client: &Client, n: u32, tracks: &Value) -> Vec<ServerMessage> {
        self.send(client.socket, &json!({ "t": "offer", "n": n, "sdp": OFFER, "tracks": tracks }))
    }

    /// A client in a room, with what it was told on the way taken off.
    pub(super) fn inside(&mut self, who: &Who, room: &str) -> Client {
        let client = self.hello(who);
        let told = self.join(&client, room);
        assert!(told.iter().any(|message| matches!(message, ServerMessage::Joined(_))), "{told:?}");
        self.frames.remove(&client.socket);
        client
    }

    pub(super) fn request(&mut self, request: Request) -> Option<Reply> {
        self.next_request += 1;
        let id = RequestId(self.next_request);
        self.core.handle_request(self.now, id, request);
        self.settle();
        self.replies.remove(&id)
    }

    pub(super) fn event(&mut self, event: Event) {
        self.core.handle_event(self.now, event);
        self.settle();
    }

    /// A relay tells something of the only share there is.
    pub(super) fn share_event(&mut self, event: ShareEvent) {
        let id = *self.core.shares.keys().next().expect("there is a share");
        self.core.handle_share_event(self.now, id, event);
        self.settle();
    }

    /// The name of the only share there is.
    pub(super) fn share_name(&self) -> String {
        self.core.shares.values().next().expect("there is a share").public.clone()
    }

    /// What a ticket opens.
    pub(super) fn stream(&mut self, ticket: &str, origin: Option<&str>) -> Result<Holder, ErrorCode> {
        let open = OpenStream { ticket: ticket.to_owned(), origin: origin.map(str::to_owned) };
        match self.request(Request::OpenStream(open)) {
            Some(Reply::Stream(pass)) => Ok(pass.holder),
            Some(Reply::Refused { code, .. }) => Err(code),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn media_lost(&mut self, client: &Client) {
        let participant = self.media_id(client);
        self.event(Event::Left { participant, reason: LeaveReason::ConsentExpired });
    }

    pub(super) fn media_id(&self, client: &Client) -> ParticipantId {
        let found = self.core.sessions.iter().find(|(_, session)| session.public == client.id);
        *found.expect("the session is there").0
    }

    pub(super) fn close(&mut self, client: &Client) {
        self.core.handle_close(self.now, client.socket);
        self.settle();
    }
}

pub(super) fn key(name: &str) -> RoomKey {
    RoomKey { tenant: "shop".to_owned(), name: name.to_owned() }
}

pub(super) fn offer() -> tillside_sfu::sdp::Offer {
    tillside_sfu::sdp::Offer::parse(OFFER).unwrap()
}

fn client(socket: SocketId, messages: &[ServerMessage]) -> Client {
    let Some(ServerMessage::Welcome(welcome)) = messages.first() else { panic!("no welcome but {messages:?}") };
    Client {
        socket,
        id: welcome.you.id.clone(),
        session: welcome.session.clone(),
        secret: welcome.resume_secret.clone(),
    }
}

/// The code of the one error among messages.
pub(super) fn error(messages: &[ServerMessage]) -> Option<ErrorCode> {
    let mut errors = messages.iter().filter_map(|message| match message {
        ServerMessage::Error(error) => Some(error.code),
        _ => None,
    });
    let first = errors.next();
    assert!(errors.next().is_none(), "more than one error: {messages:?}");
    first
}

pub(super) fn bye(messages: &[ServerMessage]) -> Option<ByeReason> {
    messages.iter().find_map(|message| match message {
        ServerMessage::Bye(bye) => Some(bye.reason),
        _ => None,
    })
}
