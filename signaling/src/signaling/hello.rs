//! The first frame of a socket: a new session, or an old one that goes on.

use super::output::{CloseCode, Inbound, Output, SocketId, Tally};
use super::session::{Link, Offers, Session, Told, frame};
use super::{RETRY_AFTER_MS, SESSIONS_MAX, Signaling};
use crate::moment::Moment;
use crate::protocol::{
    Bye, ByeAction, ByeReason, ClientMessage, ErrorCode, ErrorMessage, Hello, PING_INTERVAL_MS, RESUME_WINDOW_MS,
    Resume, ServerMessage, Unreadable, VERSION, Welcome, You,
};
use crate::random;
use crate::token::{Claims, TokenError};
use subtle::ConstantTimeEq;
use tillside_sfu::id::ParticipantId;

impl Signaling {
    /// Takes the first frame of a socket. Anything but a good `hello` closes it.
    pub(super) fn handle_greeting(&mut self, now: Moment, socket: SocketId, frame: Result<Inbound, Unreadable>) {
        let hello = match frame {
            Ok(Inbound { message: ClientMessage::Hello(hello), .. }) => hello,
            Ok(_) => return self.turn_away(socket, ErrorCode::OutOfOrder, "the first frame must be `hello`"),
            Err(unreadable) => return self.turn_away(socket, unreadable.code, &unreadable.message),
        };
        if !hello.v.contains(&VERSION) {
            return self.turn_away(socket, ErrorCode::Version, "this node speaks version 1 of the protocol only");
        }
        let claims = match self.verify(&hello.token, now.unix) {
            Ok(claims) => claims,
            Err(error) => {
                self.count(Tally::Unauthorized(error));
                return self.turn_away(socket, ErrorCode::Unauthorized, &error.to_string());
            }
        };
        let origin = self.sockets.get(&socket).and_then(|socket| socket.origin.as_deref());
        if origin.is_some_and(|origin| !self.keyring.allows_origin(&claims.tenant, origin)) {
            self.count(Tally::ForeignOrigin);
            let message = "this page's origin is not one of the tenant's: add it to [[tenants]] origins";
            return self.turn_away(socket, ErrorCode::Forbidden, message);
        }
        match hello.resume.as_ref().map(|resume| (resume, self.resumable(resume, &claims))) {
            Some((resume, Some(participant))) => self.resume(now, socket, participant, claims, resume.seq),
            Some((_, None)) => {
                self.count(Tally::ResumeRefused);
                self.begin_session(now, socket, claims, &hello);
            }
            None => self.begin_session(now, socket, claims, &hello),
        }
    }

    /// Checks a token and that it was not revoked.
    pub(super) fn verify(&self, token: &str, unix: u64) -> Result<Claims, TokenError> {
        let claims = self.keyring.verify(token, unix)?;
        if self.revocations.contains(&claims.tenant, &claims.jti) {
            return Err(TokenError::Revoked);
        }
        Ok(claims)
    }

    /// The session's socket is gone; the session waits for another one.
    pub(super) fn detach(&mut self, now: Moment, participant: ParticipantId) {
        let Some(session) = self.sessions.get_mut(&participant) else { return };
        if let Link::Socket { at, .. } = &mut session.link {
            *at = Err(now.instant);
        }
    }

    fn begin_session(&mut self, now: Moment, socket: SocketId, claims: Claims, hello: &Hello) {
        if self.draining || self.sessions.len() >= SESSIONS_MAX {
            return self.turn_away(
                socket,
                ErrorCode::Overloaded,
                "this node takes no new sessions now: try again soon",
            );
        }
        let participant = ParticipantId(self.fresh_id());
        let name = random::name("s_", &mut self.rng);
        let link = Link::Socket { name: name.clone(), secret: random::secret(&mut self.rng), at: Ok(socket) };
        let public = random::name("p_", &mut self.rng);
        tracing::info!(participant = %public, role = ?claims.role, tenant = %claims.tenant, sdk = %printable(&hello.sdk), "session begins");
        let sees_desk = claims.sees_desk();
        let tenant = claims.tenant.clone();
        let session = Session { public, claims, link, room: None, offers: Offers::default(), told: Told::default() };
        self.sessions.insert(participant, Box::new(session));
        self.resumable.insert(name, participant);
        self.attach(socket, participant);
        self.welcome(socket, participant, None);
        if sees_desk {
            self.tell_desk(now, &tenant, participant);
        }
    }

    /// The session that a resume names, if its secret is right and the token speaks of the same person and rights.
    fn resumable(&self, resume: &Resume, claims: &Claims) -> Option<ParticipantId> {
        let participant = *self.resumable.get(&resume.session)?;
        let session = self.sessions.get(&participant)?;
        let Link::Socket { secret, .. } = &session.link else { return None };
        let proven: bool = secret.as_bytes().ct_eq(resume.secret.as_bytes()).into();
        let before = &session.claims;
        let same = (&before.tenant, &before.sub, before.role, &before.grants)
            == (&claims.tenant, &claims.sub, claims.role, &claims.grants);
        (proven && same).then_some(participant)
    }

    fn resume(&mut self, now: Moment, socket: SocketId, participant: ParticipantId, claims: Claims, seq: u64) {
        let session = self.sessions.get_mut(&participant).expect("resumable() has just found it");
        session.claims = claims;
        if let Some(old) = session.socket() {
            let bye = Bye { reason: ByeReason::Replaced, action: ByeAction::None, retry_after_ms: 0 };
            self.say(old, &ServerMessage::Bye(bye));
            self.close(old, CloseCode::Normal);
        }
        self.attach(socket, participant);
        self.count(Tally::Resumed);
        let session = self.sessions.get(&participant).expect("it was found above");
        if session.told.since(seq).is_some() {
            self.welcome(socket, participant, Some(seq));
            self.replay(socket, participant, seq);
        } else {
            let last = session.told.last();
            self.welcome(socket, participant, Some(last));
            self.tell_everything(now, participant);
        }
    }

    fn attach(&mut self, socket: SocketId, participant: ParticipantId) {
        self.sockets.get_mut(&socket).expect("only an open socket says hello").session = Some(participant);
        let session = self.sessions.get_mut(&participant).expect("a socket is attached to a session that is there");
        if let Link::Socket { at, .. } = &mut session.link {
            *at = Ok(socket);
        }
    }

    /// Greets; `resumed_after` is the number of the message after which a resumed session goes on.
    fn welcome(&mut self, socket: SocketId, participant: ParticipantId, resumed_after: Option<u64>) {
        let Some(session) = self.sessions.get(&participant) else { return };
        let Link::Socket { name, secret, .. } = &session.link else { return };
        let welcome = Welcome {
            v: VERSION,
            session: name.clone(),
            resume_secret: secret.clone(),
            resumed: resumed_after.is_some(),
            you: You {
                id: session.public.clone(),
                name: session.claims.name.clone(),
                role: session.claims.role,
                can: session.claims.effective_grants(),
            },
            ping_ms: PING_INTERVAL_MS,
            resume_ms: RESUME_WINDOW_MS,
            recording: false,
        };
        let text = frame(resumed_after.unwrap_or(0), &ServerMessage::Welcome(welcome));
        self.outputs.push_back(Output::Frame { socket, text });
    }

    /// Sends again what came after `seq`.
    fn replay(&mut self, socket: SocketId, participant: ParticipantId, seq: u64) {
        let frames = self.sessions.get(&participant).and_then(|session| session.told.since(seq));
        self.outputs.extend(frames.into_iter().flatten().map(|text| Output::Frame { socket, text }));
    }

    /// Says anew what a client must know, instead of what it missed.
    fn tell_everything(&mut self, now: Moment, participant: ParticipantId) {
        let Some(session) = self.sessions.get(&participant) else { return };
        let state = session.room.and_then(|room| self.rooms.get(&room)).map(|room| room.full_state(participant));
        let tenant = session.claims.tenant.clone();
        let sees_desk = session.claims.sees_desk();
        if let Some(state) = state {
            self.tell(participant, &ServerMessage::State(state));
        }
        if let Some(session) = self.sessions.get_mut(&participant) {
            let frames = session.told.tell_essentials_again();
            if let Some(socket) = session.socket() {
                self.outputs.extend(frames.into_iter().map(|text| Output::Frame { socket, text }));
            }
        }
        if sees_desk {
            self.tell_desk(now, &tenant, participant);
        }
        self.retell_position(participant);
        self.tell_shares(now.instant, participant);
    }

    /// Refuses a socket that has no session.
    fn turn_away(&mut self, socket: SocketId, code: ErrorCode, message: &str) {
        let overloaded = code == ErrorCode::Overloaded;
        let error =
            ErrorMessage { code, message: message.to_owned(), re: Some("hello".to_owned()), retryable: overloaded };
        self.say(socket, &ServerMessage::Error(error));
        let (reason, action, close) = match code {
            ErrorCode::Unauthorized | ErrorCode::Forbidden => {
                (ByeReason::Unauthorized, ByeAction::None, CloseCode::Policy)
            }
            ErrorCode::Overloaded => (ByeReason::Shutdown, ByeAction::Rejoin, CloseCode::TryAgain),
            _ => (ByeReason::Limit, ByeAction::None, CloseCode::Policy),
        };
        let retry_after_ms = if overloaded { RETRY_AFTER_MS } else { 0 };
        self.say(socket, &ServerMessage::Bye(Bye { reason, action, retry_after_ms }));
        self.close(socket, close);
    }
}

/// A client's name for itself, fit for a log: short, visible ASCII.
fn printable(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(40).collect()
}
