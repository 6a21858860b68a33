//! Messages from a client to the node.

use super::{ControlAction, ShareAction, Source};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One frame from a client. An `error` that answers it names its `t` in `re`.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ClientMessage {
    /// First frame, within five seconds.
    Hello(Hello),
    /// Enters a room with one offer.
    Join(Join),
    /// Changes what is sent, adds slots or restarts ICE. One in flight.
    Offer(Offer),
    /// Says what is wanted in the slots. Replaces what was said before.
    View(View),
    /// Mutes or unmutes an own track.
    Mute(Mute),
    /// The receive side is set up: slots may start to play.
    Ready,
    /// A line of text to the room or to one participant.
    Chat(Chat),
    /// A small message between applications.
    Data(Data),
    /// A moderator's act.
    Moderate(Moderate),
    /// Asks for, answers or ends the sharing of a page.
    Share(ShareAction),
    /// Asks for, answers or ends an agent's control of a shared page.
    Control(ControlAction),
    /// Keeps the session alive and measures its round trip.
    Ping(Ping),
    /// Goes away for good: no resume.
    Leave,
}

/// See [`ClientMessage::Hello`].
#[derive(Clone, Deserialize, Serialize, TS)]
pub struct Hello {
    /// Protocol versions the client speaks.
    pub v: Vec<u32>,
    /// The token. Never in a URL, never logged.
    pub token: String,
    /// Name and version of the client software.
    #[serde(default)]
    pub sdk: String,
    /// Continues a session that lost its socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub resume: Option<Resume>,
}

/// Which session to continue, and from where.
#[derive(Clone, Deserialize, Serialize, TS)]
pub struct Resume {
    /// `welcome.session` of the lost socket.
    pub session: String,
    /// `welcome.resume_secret` of the lost socket.
    pub secret: String,
    /// The last `seq` the client has seen.
    #[ts(type = "number")]
    pub seq: u64,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello")
            .field("v", &self.v)
            .field("sdk", &self.sdk)
            .field("resume", &self.resume)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Resume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resume").field("seq", &self.seq).finish_non_exhaustive()
    }
}

/// See [`ClientMessage::Join`].
#[derive(Clone, Deserialize, Serialize, TS)]
pub struct Join {
    /// The room, where the token does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub room: Option<String>,
    /// The SDP offer: what is sent, and the receive slots.
    pub offer: String,
    /// What the offer's sending m-lines carry.
    pub tracks: Vec<Track>,
}

/// See [`ClientMessage::Offer`].
#[derive(Clone, Deserialize, Serialize, TS)]
pub struct Offer {
    /// Counts the client's offers of this stay in the room; `join` is 1.
    pub n: u32,
    /// The SDP offer.
    pub sdp: String,
    /// What the offer's sending m-lines carry.
    pub tracks: Vec<Track>,
}

// An offer holds an ICE password: its text must not reach a log.
impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join").field("room", &self.room).field("tracks", &self.tracks).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offer").field("n", &self.n).field("tracks", &self.tracks).finish_non_exhaustive()
    }
}

/// An m-line that the client sends on.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Track {
    /// Its `a=mid`.
    pub mid: String,
    /// What it carries.
    pub source: Source,
    /// Whether it is silent or dark for now. A screen that is not shared is muted.
    #[serde(default)]
    pub muted: bool,
}

/// See [`ClientMessage::View`].
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct View {
    /// The slots the client has a wish for; the node fills the others by itself.
    pub slots: Vec<SlotView>,
}

/// What a client wants in one slot.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct SlotView {
    /// The slot's `a=mid`.
    pub mid: String,
    /// The publication to show; absent: the node chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub publication: Option<String>,
    /// Height on screen in device pixels; 0: not visible, send nothing.
    pub height: u32,
    /// 0 is served first.
    #[serde(default)]
    pub priority: u8,
}

/// See [`ClientMessage::Mute`].
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Mute {
    /// The track's `a=mid`.
    pub mid: String,
    /// On or off.
    pub muted: bool,
}

/// See [`ClientMessage::Chat`].
#[derive(Clone, Deserialize, Serialize, TS)]
pub struct Chat {
    /// At most `CHAT_BYTES_MAX` bytes; plain text.
    pub text: String,
    /// A participant; absent: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<String>,
}

/// See [`ClientMessage::Data`].
#[derive(Clone, Deserialize, Serialize, TS)]
pub struct Data {
    /// Tells applications apart; at most `TOPIC_BYTES_MAX` bytes.
    pub topic: String,
    /// At most `DATA_BYTES_MAX` bytes.
    pub payload: String,
    /// A participant; absent: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub to: Option<String>,
}

// What people say is content: it must not reach a log.
impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chat").field("bytes", &self.text.len()).field("to", &self.to).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Data").field("bytes", &self.payload.len()).field("to", &self.to).finish_non_exhaustive()
    }
}

/// See [`ClientMessage::Moderate`].
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Moderate {
    /// Mutes another's track; only its owner can unmute it.
    Mute {
        /// Whose.
        participant: String,
        /// Which m-line.
        mid: String,
    },
    /// Removes a participant.
    Kick {
        /// Whom.
        participant: String,
    },
    /// Lets nobody else in but moderators.
    Lock,
    /// Lets people in again.
    Unlock,
    /// Ends the room for all.
    End,
}

/// See [`ClientMessage::Ping`].
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
pub struct Ping {
    /// Any number; comes back in `pong`.
    #[ts(type = "number")]
    pub ts: u64,
}
