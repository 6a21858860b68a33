//! One client over all its sockets: what it was told, so that a lost socket costs it nothing.

use super::output::{RequestId, SocketId};
use super::room::Publication;
use crate::protocol::{RESUME_BYTES_MAX, RESUME_MESSAGES_MAX, ServerMessage};
use crate::token::Claims;
use std::collections::VecDeque;
use std::time::Instant;
use tillside_sfu::id::RoomId;

#[derive(Debug)]
pub(super) struct Session {
    /// The participant id others know.
    pub(super) public: String,
    pub(super) claims: Claims,
    pub(super) link: Link,
    pub(super) room: Option<RoomId>,
    pub(super) offers: Offers,
    pub(super) told: Told,
}

/// How the client hears from us.
#[derive(Debug)]
pub(super) enum Link {
    /// Over a WebSocket, which it may lose and replace.
    Socket {
        /// Names the session for a resume.
        name: String,
        /// Proves that a resume comes from the same client.
        secret: String,
        /// Where it listens now, or since when nowhere.
        at: Result<SocketId, Instant>,
    },
    /// Over one HTTP request (WHIP, WHEP): it hears the answer to its offer and nothing else.
    Http {
        /// The unguessable name of its resource.
        resource: String,
        /// The request that waits for the answer.
        request: Option<RequestId>,
    },
}

impl Session {
    pub(super) fn socket(&self) -> Option<SocketId> {
        match self.link {
            Link::Socket { at: Ok(socket), .. } => Some(socket),
            Link::Socket { at: Err(_), .. } | Link::Http { .. } => None,
        }
    }

    /// The offer's number that media would answer next, if one is in flight.
    pub(super) fn in_flight(&self, n: u32) -> bool {
        self.offers.in_flight.is_some() && self.offers.n == n
    }
}

/// The client's offers: one in flight, counted from 1.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// Of the last one.
    pub(super) n: u32,
    /// What will be published once it is answered.
    pub(super) in_flight: Option<Vec<Publication>>,
}

/// What a client was told: the last messages word for word, and what it must know if those do not reach back far enough.
#[derive(Debug, Default)]
pub(super) struct Told {
    seq: u64,
    bytes: usize,
    frames: VecDeque<String>,
    last_answer: Option<ServerMessage>,
    last_bind: Option<ServerMessage>,
}

impl Told {
    /// Numbers a message and keeps it. Returns the frame to send.
    pub(super) fn tell(&mut self, message: &ServerMessage) -> &str {
        match message {
            ServerMessage::Answer(_) => self.last_answer = Some(message.clone()),
            ServerMessage::Bind(_) => self.last_bind = Some(message.clone()),
            _ => {}
        }
        self.seq += 1;
        let frame = frame(self.seq, message);
        self.bytes += frame.len();
        self.frames.push_back(frame);
        while self.frames.len() > RESUME_MESSAGES_MAX || (self.bytes > RESUME_BYTES_MAX && self.frames.len() > 1) {
            self.bytes -= self.frames.pop_front().map_or(0, |frame| frame.len());
        }
        self.frames.back().map_or("", String::as_str)
    }

    /// The number of the last message.
    pub(super) fn last(&self) -> u64 {
        self.seq
    }

    /// The frames after `seq`; `None` if not all of them are kept, or `seq` was never sent.
    pub(super) fn since(&self, seq: u64) -> Option<impl Iterator<Item = &str>> {
        let missed = usize::try_from(self.seq.checked_sub(seq)?).ok()?;
        let skip = self.frames.len().checked_sub(missed)?;
        Some(self.frames.iter().skip(skip).map(String::as_str))
    }

    /// The last answer and the last bindings, for somebody who may have missed them.
    pub(super) fn essentials(&self) -> Vec<ServerMessage> {
        self.last_answer.iter().chain(&self.last_bind).cloned().collect()
    }
}

/// The text of a [`crate::protocol::ServerFrame`].
pub(super) fn frame(seq: u64, message: &ServerMessage) -> String {
    let body = serde_json::to_string(message).expect("messages hold only strings, numbers and lists of them");
    // Splicing the number in spares the intermediate tree that serde's `flatten` would build.
    format!("{{\"seq\":{seq},{}", &body[1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Pong, ServerFrame, Waiting};
    use proptest::prelude::*;

    fn waiting(position: u32) -> ServerMessage {
        ServerMessage::Waiting(Waiting { position })
    }

    #[test]
    fn a_frame_is_what_serde_would_write() {
        let message = ServerMessage::Pong(Pong { ts: 7 });
        let expected = serde_json::to_value(ServerFrame { seq: 3, message: message.clone() }).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&frame(3, &message)).unwrap(), expected);
    }

    #[test]
    fn replay_reaches_back_as_far_as_the_ring() {
        let mut told = Told::default();
        for n in 0..RESUME_MESSAGES_MAX as u32 + 10 {
            told.tell(&waiting(n));
        }
        let last = RESUME_MESSAGES_MAX as u64 + 10;
        assert_eq!(told.since(last).map(Iterator::count), Some(0));
        assert_eq!(told.since(last - 3).map(Iterator::count), Some(3));
        assert_eq!(told.since(10).map(Iterator::count), Some(RESUME_MESSAGES_MAX));
        assert!(told.since(9).is_none(), "a gap must not be hidden");
        assert!(told.since(last + 1).is_none(), "nobody can have seen what was not sent");
    }

    proptest! {
        #[test]
        fn what_is_replayed_is_what_was_missed(sent in 1u32..600, seen in 0u64..700) {
            let mut told = Told::default();
            for n in 0..sent {
                told.tell(&waiting(n));
            }
            if let Some(frames) = told.since(seen) {
                let frames: Vec<ServerFrame> = frames.map(|f| serde_json::from_str(f).unwrap()).collect();
                let seqs: Vec<u64> = frames.iter().map(|frame| frame.seq).collect();
                prop_assert_eq!(seqs, (seen + 1..=u64::from(sent)).collect::<Vec<_>>());
            } else {
                prop_assert!(seen > u64::from(sent) || u64::from(sent) - seen > RESUME_MESSAGES_MAX as u64);
            }
        }

        #[test]
        fn the_ring_keeps_within_its_bytes(sizes in prop::collection::vec(0usize..16_000, 1..100)) {
            let mut told = Told::default();
            for size in sizes {
                let text = "x".repeat(size);
                told.tell(&ServerMessage::Data(crate::protocol::DataReceived { from: "p".into(), topic: "t".into(), payload: text }));
                prop_assert!(told.bytes <= RESUME_BYTES_MAX);
                prop_assert_eq!(told.bytes, told.frames.iter().map(String::len).sum::<usize>());
            }
        }
    }
}
