//! What happens because nothing else did: slow greetings, silent sockets, lost sessions, tokens that run out.

use super::output::{CloseCode, SocketId, Tally};
use super::session::Link;
use super::{RECHECK_INTERVAL, ROOM_EMPTY_MAX, Signaling};
use crate::moment::Moment;
use crate::protocol::{ByeAction, ByeReason, PING_TIMEOUT_MS, RESUME_WINDOW_MS};
use crate::token::TokenError;
use std::time::Duration;
use tillside_sfu::id::ParticipantId;

/// How often everything is looked through. The shortest limit that depends on it is five seconds.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);
const PING_TIMEOUT: Duration = Duration::from_millis(PING_TIMEOUT_MS);
const RESUME_WINDOW: Duration = Duration::from_millis(RESUME_WINDOW_MS);

impl Signaling {
    /// Time has passed. Call when [`Signaling::poll_deadline`] is reached; earlier does no harm.
    pub fn handle_timeout(&mut self, now: Moment) {
        if now.instant >= self.next_sweep {
            self.next_sweep = now.instant + SWEEP_INTERVAL.min(self.hello_timeout);
            self.sweep_sockets(now);
            self.sweep_sessions(now);
            self.sweep_shares(now);
            self.sweep_rooms(now);
        }
        if now.instant >= self.next_recheck {
            self.next_recheck = now.instant + RECHECK_INTERVAL;
            self.revocations.forget_expired(now.unix);
            self.recheck(now);
        }
        self.flush_desk(now);
    }

    /// Ends every session whose token no longer counts (SEC-22).
    pub(super) fn recheck(&mut self, now: Moment) {
        let refused: Vec<(ParticipantId, TokenError)> = self
            .sessions
            .iter()
            .filter_map(|(id, session)| {
                let claims = &session.claims;
                let revoked = self.revocations.contains(&claims.tenant, &claims.jti);
                let outcome = if revoked { Err(TokenError::Revoked) } else { self.keyring.recheck(claims, now.unix) };
                outcome.err().map(|error| (*id, error))
            })
            .collect();
        for (participant, error) in refused {
            self.count(Tally::Unauthorized(error));
            self.end_session(now, participant, Some((ByeReason::Unauthorized, ByeAction::None)), CloseCode::Policy);
        }
    }

    fn sweep_sockets(&mut self, now: Moment) {
        let too_slow = self.sockets.iter().filter(|(_, socket)| {
            let greets_too_late = socket.session.is_none() && now.since(socket.opened) >= self.hello_timeout;
            greets_too_late || now.since(socket.heard) >= PING_TIMEOUT
        });
        for socket in too_slow.map(|(id, _)| *id).collect::<Vec<SocketId>>() {
            let session = self.sockets.get(&socket).and_then(|socket| socket.session);
            self.close(socket, CloseCode::Policy);
            if let Some(participant) = session {
                self.detach(now, participant);
            }
        }
    }

    fn sweep_sessions(&mut self, now: Moment) {
        let lost = self.sessions.iter().filter(|(_, session)| match session.link {
            Link::Socket { at: Err(since), .. } => now.since(since) >= RESUME_WINDOW,
            Link::Socket { at: Ok(_), .. } | Link::Http { .. } => false,
        });
        for participant in lost.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.end_session(now, participant, None, CloseCode::Normal);
        }
    }

    fn sweep_rooms(&mut self, now: Moment) {
        let forgotten = self
            .rooms
            .values()
            .filter(|room| room.empty_since.is_some_and(|since| now.since(since) >= ROOM_EMPTY_MAX))
            .map(|room| room.id);
        for id in forgotten.collect::<Vec<_>>() {
            if let Some(room) = self.rooms.get_mut(&id) {
                room.kept = false;
            }
            self.room_changed(now, id);
        }
    }
}
