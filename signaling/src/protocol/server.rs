//! Messages from the node to a client.

use super::{ControlState, Grants, Role, ShareState, Source};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One frame to a client: the message and its place in the session.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ServerFrame {
    /// Counts the messages of a session from 1 without a gap, over resumes. 0 on messages that stand outside of it
    /// and are not replayed: `pong`, what comes before `welcome`, and errors about frames that were dropped unread.
    /// `welcome` has the count that the next message follows: 0, or where a resume goes on.
    #[ts(type = "number")]
    pub seq: u64,
    /// The message.
    #[serde(flatten)]
    pub message: ServerMessage,
}

/// See [`ServerFrame`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// The answer to `join`, before the room's `state`.
    Joined(Joined),
    /// The answer to an offer.
    Answer(Answer),
    /// Nobody of the store is here yet.
    Waiting(Waiting),
    /// Who is here and what they publish.
    State(State),
    /// What each slot shows. Always the whole list.
    Bind(Bind),
    /// Which encodings of an own track somebody wants.
    Send(SendEncodings),
    /// Who speaks, loudest first.
    Speakers(Speakers),
    /// How good participants' connections are.
    Quality(Quality),
    /// A moderator muted an own track.
    Muted(Muted),
    /// Text from a participant.
    Chat(ChatReceived),
    /// A message from a participant's application.
    Data(DataReceived),
    /// Agents only: the rooms that wait and that run.
    Desk(Desk),
    /// Where the sharing of a page stands. To its sharer and to all who may see it, on every change.
    Share(ShareState),
    /// Where control of a shared page stands. To its sharer and viewers, on every change.
    Control(ControlState),
    /// Something asked for was not done.
    Error(ErrorMessage),
    /// The session is over.
    Bye(Bye),
    /// The answer to `ping`.
    Pong(Pong),
}

/// See [`ServerMessage::Welcome`].
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct Welcome {
    /// The version the node chose.
    pub v: u32,
    /// Names the session for a resume.
    pub session: String,
    /// Proves that a resume comes from the same client. Never logged.
    pub resume_secret: String,
    /// Whether this continues an earlier socket; missed messages follow.
    pub resumed: bool,
    /// Who the client is.
    pub you: You,
    /// How often to ping, in milliseconds.
    #[ts(type = "number")]
    pub ping_ms: u64,
    /// How long media goes on without a socket, in milliseconds.
    #[ts(type = "number")]
    pub resume_ms: u64,
    /// Nothing is ever recorded.
    pub recording: bool,
}

impl std::fmt::Debug for Welcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Welcome").field("you", &self.you).field("resumed", &self.resumed).finish_non_exhaustive()
    }
}

/// Who the client is, by its token.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct You {
    /// The participant id others will see.
    pub id: String,
    /// The name others will see.
    pub name: String,
    /// The role.
    pub role: Role,
    /// What is allowed.
    pub can: Grants,
}

/// See [`ServerMessage::Joined`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Joined {
    /// The room's name.
    pub room: String,
    /// Whether the room is locked.
    pub locked: bool,
}

/// See [`ServerMessage::Answer`].
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct Answer {
    /// The offer's number.
    pub n: u32,
    /// The SDP answer.
    pub sdp: String,
}

// An answer holds an ICE password: its text must not reach a log.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("n", &self.n).finish_non_exhaustive()
    }
}

/// See [`ServerMessage::Waiting`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Waiting {
    /// 1: next to be helped. 0: somebody is here, the wait is over.
    pub position: u32,
}

/// See [`ServerMessage::State`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct State {
    /// Whether this is everything (then whoever is not named is gone) or a change.
    pub full: bool,
    /// New or changed participants, whole. Without the receiver.
    pub participants: Vec<ParticipantState>,
    /// Participants that left.
    pub left: Vec<String>,
    /// Whether the room is locked.
    pub locked: bool,
}

/// A participant as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ParticipantState {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// What it publishes.
    pub publications: Vec<PublicationState>,
}

/// A publication as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PublicationState {
    /// Its id: the participant's id, a colon, the m-line.
    pub id: String,
    /// What it carries.
    pub source: Source,
    /// Whether its owner or a moderator muted it.
    pub muted: bool,
}

/// See [`ServerMessage::Bind`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Bind {
    /// Every slot of the client.
    pub slots: Vec<SlotBinding>,
}

/// What one slot shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SlotBinding {
    /// The slot's m-line.
    pub mid: String,
    /// The publication; absent: empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub publication: Option<String>,
    /// The simulcast encoding on its way, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rid: Option<String>,
    /// Why nothing, or less than asked, is sent; absent: nothing is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub why: Option<Why>,
}

/// Why a slot is low or paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The receiver's network.
    Bandwidth,
    /// The room's or the token's rules.
    Policy,
    /// The publisher muted it, or nothing arrives.
    PublisherOff,
    /// The receiver said that it does not look.
    NotWanted,
    /// The receiver cannot decode what the publisher sends.
    Codec,
}

/// See [`ServerMessage::Send`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SendEncodings {
    /// The own track's m-line.
    pub mid: String,
    /// The rids somebody wants; all others may rest. Without simulcast: `["*"]` or `[]`.
    pub rids: Vec<String>,
}

/// See [`ServerMessage::Speakers`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Speakers {
    /// Participants who speak now, loudest first.
    pub participants: Vec<String>,
}

/// See [`ServerMessage::Quality`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Quality {
    /// Whose connection.
    pub participant: String,
    /// 1 (hardly usable) to 5 (as good as it gets).
    pub score: u8,
    /// What costs most.
    pub cause: QualityCause,
}

/// What makes a connection bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum QualityCause {
    /// Nothing.
    None,
    /// Packets get lost.
    Loss,
    /// The way is long.
    Delay,
    /// Packets arrive unevenly.
    Jitter,
}

/// See [`ServerMessage::Muted`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Muted {
    /// The own track's m-line.
    pub mid: String,
    /// The moderator.
    pub by: String,
}

/// See [`ServerMessage::Chat`].
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct ChatReceived {
    /// Who wrote.
    pub from: String,
    /// Plain text.
    pub text: String,
    /// Whether only the receiver got it.
    pub private: bool,
}

/// See [`ServerMessage::Data`].
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct DataReceived {
    /// Who sent.
    pub from: String,
    /// The application's topic.
    pub topic: String,
    /// What it sent.
    pub payload: String,
}

// What people say is content: it must not reach a log.
impl std::fmt::Debug for ChatReceived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatReceived")
            .field("from", &self.from)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DataReceived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataReceived")
            .field("from", &self.from)
            .field("bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// See [`ServerMessage::Desk`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Desk {
    /// The tenant's rooms: waiting ones first, longest wait first. Always the whole list.
    pub rooms: Vec<DeskRoom>,
}

/// A room as agents see it from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeskRoom {
    /// The room's name, for `join`.
    pub room: String,
    /// The shopper's name.
    pub shopper: String,
    /// How long the shopper has been there, in seconds, when this was sent.
    pub for_s: u32,
    /// The agents inside; empty: the shopper waits.
    pub agents: Vec<String>,
}

/// See [`ServerMessage::Error`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ErrorMessage {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what is wrong, where, and what to do.
    pub message: String,
    /// The `t` of the message that this answers, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub re: Option<String>,
    /// Whether the same message may work later.
    pub retryable: bool,
}

/// Stable names of what can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not JSON, or not of the message's form.
    Malformed,
    /// No message has this `t`.
    UnknownType,
    /// The message does not fit the session's state (join twice, view before join, …).
    OutOfOrder,
    /// No common protocol version.
    Version,
    /// The token is missing, wrong, expired or revoked.
    Unauthorized,
    /// The token does not allow this.
    Forbidden,
    /// No such room, participant, publication or track.
    NotFound,
    /// The SDP offer cannot be used.
    BadOffer,
    /// The room is locked.
    Locked,
    /// The room is full.
    Full,
    /// Too many messages.
    RateLimited,
    /// The node takes no new calls now.
    Overloaded,
    /// A defect of the node; the room may have ended.
    Internal,
}

/// See [`ServerMessage::Bye`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Bye {
    /// Why.
    pub reason: ByeReason,
    /// What the client should do.
    pub action: ByeAction,
    /// For how long to wait before, in milliseconds (add jitter).
    #[ts(type = "number")]
    pub retry_after_ms: u64,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// The client said `leave`.
    Left,
    /// A moderator removed the participant.
    Kicked,
    /// A moderator ended the room.
    RoomEnded,
    /// The room failed.
    RoomFailed,
    /// Media could not be connected, or was lost for too long.
    MediaLost,
    /// The same session was resumed on another socket.
    Replaced,
    /// The token ran out or was revoked.
    Unauthorized,
    /// The session broke a limit.
    Limit,
    /// The node stops.
    Shutdown,
}

/// What to do after `bye`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ByeAction {
    /// Nothing: it is over.
    None,
    /// Connect again and join anew.
    Rejoin,
}

/// See [`ServerMessage::Pong`].
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Pong {
    /// `ping.ts`.
    #[ts(type = "number")]
    pub ts: u64,
}
