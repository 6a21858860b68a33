//! One client over all its sockets: what it was told, so that a lost socket costs it nothing.

use super::output::{RequestId, SocketId};
use super::room::Publication;
use crate::protocol::{RESUME_BYTES_MAX, RESUME_MESSAGES_MAX, ServerMessage};
use crate::token::Claims;
use std::collections::VecDeque;
use std::sync::Arc;
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
#[derive(Default)]
pub(super) struct Told {
    /// Of the last message.
    seq: u64,
    bytes: usize,
    /// The last ones, without their numbers; shared with those below, for an answer is by far the longest, and with other
    /// clients that were told the same.
    messages: VecDeque<Arc<str>>,
    /// With its number.
    last_answer: Option<(u64, Arc<str>)>,
    last_bind: Option<Arc<str>>,
    /// The number of the answer that media connects by, until it has.
    joined_by: Option<u64>,
}

impl Told {
    /// Numbers a message, of which `text` is the [`json`], and keeps it. Returns the frame to send.
    pub(super) fn tell(&mut self, message: &ServerMessage, text: Arc<str>) -> String {
        let seq = self.seq + 1;
        match message {
            ServerMessage::Answer(answer) => {
                self.last_answer = Some((seq, Arc::clone(&text)));
                if answer.n == 1 {
                    self.joined_by = Some(seq);
                }
            }
            ServerMessage::Bind(_) => self.last_bind = Some(Arc::clone(&text)),
            _ => {}
        }
        self.keep(text)
    }

    /// Media is connected: the client has read the answer to its first offer, so it has read all that was said before,
    /// too. None of it is needed again.
    pub(super) fn forget_join(&mut self) {
        let Some(joined_by) = self.joined_by.take() else { return };
        while self.messages.len() as u64 > self.seq - joined_by {
            self.drop_oldest();
        }
        self.messages.shrink_to_fit();
        self.last_answer.take_if(|(seq, _)| *seq <= joined_by);
    }

    /// The number of the last message.
    pub(super) fn last(&self) -> u64 {
        self.seq
    }

    /// The frames after `seq`; `None` if not all of them are kept, or `seq` was never sent.
    pub(super) fn since(&self, seq: u64) -> Option<impl Iterator<Item = String>> {
        let missed = usize::try_from(self.seq.checked_sub(seq)?).ok()?;
        let skip = self.messages.len().checked_sub(missed)?;
        Some((seq + 1..).zip(self.messages.iter().skip(skip)).map(|(seq, message)| numbered(seq, message)))
    }

    /// Says the last answer and the last bindings anew, to somebody who may have missed them. Returns the frames to send.
    pub(super) fn tell_essentials_again(&mut self) -> Vec<String> {
        let answer = self.last_answer.as_ref().map(|(_, message)| message);
        let essentials: Vec<_> = answer.into_iter().chain(&self.last_bind).cloned().collect();
        essentials.into_iter().map(|message| self.keep(message)).collect()
    }

    fn keep(&mut self, message: Arc<str>) -> String {
        self.seq += 1;
        let frame = numbered(self.seq, &message);
        self.bytes += message.len();
        self.messages.push_back(message);
        while self.messages.len() > RESUME_MESSAGES_MAX || (self.bytes > RESUME_BYTES_MAX && self.messages.len() > 1) {
            self.drop_oldest();
        }
        frame
    }

    fn drop_oldest(&mut self) {
        self.bytes -= self.messages.pop_front().map_or(0, |message| message.len());
    }
}

// Answers hold ICE passwords, and the rest is what people say.
impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("seq", &self.seq).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The text of a [`crate::protocol::ServerFrame`].
pub(super) fn frame(seq: u64, message: &ServerMessage) -> String {
    numbered(seq, &json(message))
}

/// The text of a message, without a number.
pub(super) fn json(message: &ServerMessage) -> Arc<str> {
    serde_json::to_string(message).expect("messages hold only strings, numbers and lists of them").into()
}

/// Splicing the number in spares the intermediate tree that serde's `flatten` would build.
fn numbered(seq: u64, message: &str) -> String {
    format!("{{\"seq\":{seq},{}", &message[1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Answer, Pong, ServerFrame, Waiting};
    use proptest::prelude::*;

    fn tell(told: &mut Told, message: &ServerMessage) -> String {
        told.tell(message, json(message))
    }

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
            tell(&mut told, &waiting(n));
        }
        let last = RESUME_MESSAGES_MAX as u64 + 10;
        assert_eq!(told.since(last).map(Iterator::count), Some(0));
        assert_eq!(told.since(last - 3).map(Iterator::count), Some(3));
        assert_eq!(told.since(10).map(Iterator::count), Some(RESUME_MESSAGES_MAX));
        assert!(told.since(9).is_none(), "a gap must not be hidden");
        assert!(told.since(last + 1).is_none(), "nobody can have seen what was not sent");
    }

    fn answer(n: u32) -> ServerMessage {
        ServerMessage::Answer(Answer { n, sdp: format!("v={n}") })
    }

    fn texts(told: &Told, seq: u64) -> Option<Vec<String>> {
        told.since(seq).map(Iterator::collect)
    }

    #[test]
    fn what_led_to_media_is_forgotten_once_it_is_connected() {
        let mut told = Told::default();
        tell(&mut told, &waiting(1));
        tell(&mut told, &answer(1));
        let kept = tell(&mut told, &waiting(2));
        told.forget_join();
        assert_eq!(texts(&told, 2), Some(vec![kept]), "what was said after the answer may still be missing");
        assert_eq!(texts(&told, 1), None);
        assert!(told.tell_essentials_again().is_empty());
        told.forget_join();
        assert_eq!(texts(&told, 3), Some(Vec::new()), "only once");
    }

    #[test]
    fn a_later_answer_is_kept_when_media_connects_by_the_first() {
        let mut told = Told::default();
        tell(&mut told, &answer(1));
        let second = tell(&mut told, &answer(2));
        told.forget_join();
        assert_eq!(texts(&told, 1), Some(vec![second]));
        assert_eq!(told.tell_essentials_again(), [frame(3, &answer(2))]);
        let mut rejoined = Told::default();
        tell(&mut rejoined, &answer(7));
        rejoined.forget_join();
        assert_eq!(rejoined.tell_essentials_again().len(), 1, "nobody connects by a later offer's answer");
    }

    #[test]
    fn what_was_told_does_not_show() {
        let mut told = Told::default();
        tell(&mut told, &answer(1));
        assert!(!format!("{told:?}").contains("v=1"));
    }

    proptest! {
        #[test]
        fn what_is_replayed_is_what_was_missed(sent in 1u32..600, seen in 0u64..700) {
            let mut told = Told::default();
            for n in 0..sent {
                tell(&mut told, &waiting(n));
            }
            if let Some(frames) = told.since(seen) {
                let frames: Vec<ServerFrame> = frames.map(|f| serde_json::from_str(&f).unwrap()).collect();
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
                tell(&mut told, &ServerMessage::Data(crate::protocol::DataReceived { from: "p".into(), topic: "t".into(), payload: text }));
                prop_assert!(told.bytes <= RESUME_BYTES_MAX);
                prop_assert_eq!(told.bytes, told.messages.iter().map(|message| message.len()).sum::<usize>());
            }
        }
    }
}
