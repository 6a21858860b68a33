//! What the signaling core is asked for and what it gives out. Plain values: a test can stand in for either side.

use super::room::RoomKey;
use super::share::{ShareCommand, StreamPass};
use crate::protocol::{ClientMessage, ErrorCode};
use crate::token::TokenError;
use tillside_cobrowse::relay::ShareId;
use tillside_sfu::command::{Command, Track};
use tillside_sfu::id::{ParticipantId, RoomId};
use tillside_sfu::sdp::{Offer, Purpose, SdpError};

/// A WebSocket, as the shell names it. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketId(pub u64);

/// A question of the HTTP side, as the shell names it. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A frame as the socket's own task has read it, so that nobody else waits for the parsing.
#[derive(Debug)]
pub struct Inbound {
    /// The message.
    pub message: ClientMessage,
    /// The offer in it, parsed, if it has one.
    pub offer: Option<Result<Offer, SdpError>>,
}

impl Inbound {
    /// Parses the offer of a message that has one.
    #[must_use]
    pub fn new(message: ClientMessage) -> Self {
        let offer = match &message {
            ClientMessage::Join(join) => Some(Offer::parse(&join.offer)),
            ClientMessage::Offer(offer) => Some(Offer::parse(&offer.sdp)),
            _ => None,
        };
        Self { message, offer }
    }
}

/// What to do next. Outputs of one socket, and commands of one room, take effect in their order.
#[derive(Debug)]
pub enum Output {
    /// Sends a text frame.
    Frame {
        /// Where to.
        socket: SocketId,
        /// One JSON object.
        text: String,
    },
    /// Closes a socket after what was sent. The core has forgotten it already.
    Close {
        /// Which.
        socket: SocketId,
        /// The WebSocket close code.
        code: CloseCode,
    },
    /// Tells the media worker of a room.
    Media {
        /// The room.
        room: RoomId,
        /// What to do.
        command: Command,
    },
    /// Tells the relay of a share.
    Share {
        /// The share.
        share: ShareId,
        /// What to do.
        command: ShareCommand,
    },
    /// A room is new or has changed; `None`: it is gone.
    RoomChanged {
        /// Its number.
        id: RoomId,
        /// Its name.
        key: RoomKey,
        /// How it looks now.
        summary: Option<RoomSummary>,
    },
    /// Answers a question of the HTTP side.
    Reply {
        /// Which.
        request: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// Something to count.
    Count(Tally),
}

/// Why a WebSocket is closed (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// After `bye`.
    Normal = 1000,
    /// The client broke a rule.
    Policy = 1008,
    /// A frame was too large.
    TooBig = 1009,
    /// The node takes nobody now.
    TryAgain = 1013,
}

/// A room, as REST shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RoomSummary {
    /// Whether nobody else is let in.
    pub locked: bool,
    /// Whether it stays when the last participant leaves.
    pub kept: bool,
    /// Who is inside.
    pub participants: Vec<ParticipantSummary>,
}

/// A participant, as REST shows it: no name, which is personal.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ParticipantSummary {
    /// Its id.
    pub id: String,
    /// Its role.
    pub role: crate::protocol::Role,
    /// The ids of its publications.
    pub publications: Vec<String>,
}

/// What the HTTP side asks.
#[derive(Debug)]
pub enum Request {
    /// Makes a room that stays until it is ended, or empty for [`super::ROOM_EMPTY_MAX`].
    CreateRoom(RoomKey),
    /// Ends a room.
    EndRoom(RoomKey),
    /// Removes a participant.
    Remove {
        /// From this room.
        room: RoomKey,
        /// The participant's id.
        participant: String,
    },
    /// Withdraws a token, and ends the sessions that stand on it.
    Revoke {
        /// The token's tenant.
        tenant: String,
        /// The token's name.
        jti: String,
    },
    /// Enters a room without a session (WHIP, WHEP). The answer may take until media has answered.
    Enter(Box<Enter>),
    /// Ends what [`Request::Enter`] began.
    Exit {
        /// The token it began with.
        token: String,
        /// Its unguessable name.
        resource: String,
    },
    /// Asks what a ticket opens.
    OpenStream(OpenStream),
    /// Whether a token may look at a resource; changes nothing.
    Look {
        /// The token it began with.
        token: String,
        /// Its unguessable name.
        resource: String,
    },
}

/// See [`Request::OpenStream`].
pub struct OpenStream {
    /// The ticket.
    pub ticket: String,
    /// The page that asks, where a browser says so.
    pub origin: Option<String>,
}

// Holds a ticket.
impl std::fmt::Debug for OpenStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenStream").finish_non_exhaustive()
    }
}

/// See [`Request::Enter`].
pub struct Enter {
    /// The bearer token.
    pub token: String,
    /// The page that asks, where a browser says so.
    pub origin: Option<String>,
    /// The room's name.
    pub room: String,
    /// The offer.
    pub offer: Offer,
    /// What it sends; empty to only receive.
    pub tracks: Vec<Track>,
    /// To publish or to play.
    pub purpose: Purpose,
}

// Holds a token.
impl std::fmt::Debug for Enter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enter").field("room", &self.room).field("tracks", &self.tracks).finish_non_exhaustive()
    }
}

/// What the HTTP side is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done.
    Done,
    /// A room was made, or was there already.
    Room {
        /// Whether it is new.
        created: bool,
        /// How it looks.
        summary: RoomSummary,
    },
    /// The answer to an offer.
    Answered {
        /// The unguessable name of what began.
        resource: String,
        /// The SDP answer. Holds a password: never log it.
        answer: String,
    },
    /// The ticket is good.
    Stream(StreamPass),
    /// It is not done.
    Refused {
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: String,
    },
}

/// What is counted; the shell turns it into metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// Somebody entered a room.
    Joined,
    /// Somebody was refused.
    JoinRefused(ErrorCode),
    /// A session went on over a new socket.
    Resumed,
    /// A session could not go on: unknown or too late.
    ResumeRefused,
    /// A token was not accepted.
    Unauthorized(TokenError),
    /// A ticket was not accepted.
    TicketRefused,
    /// An origin was not accepted for the token's tenant.
    ForeignOrigin,
}

/// Whose join or offer could not be handed to a worker, from the command that was not taken.
#[must_use]
pub fn offerer(command: &Command) -> Option<(ParticipantId, u32)> {
    match command {
        Command::Join(join) => Some((join.participant, 1)),
        Command::Offer(offer) => Some((offer.participant, offer.n)),
        _ => None,
    }
}
