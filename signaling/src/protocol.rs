//! The signaling protocol, version 1: what travels over `/v1/ws`, one JSON object per text frame.
//!
//! Owns the message types and their limits; knows nothing of sockets, rooms or media. `PROTOCOL.md` explains the
//! conversation; `sdk/src/protocol.ts` is generated from these types (a test compares them).
//!
//! Unknown fields are ignored, so that a newer peer may say more; an unknown `t` is answered with
//! [`ErrorCode::UnknownType`]. Moderation refuses unknown fields, because there a misread field is dangerous.

mod client;
mod read;
mod server;
mod share;
mod stream;

pub use client::*;
pub use read::{DEPTH_MAX, Unreadable, read};
pub use server::*;
pub use share::*;
pub use stream::*;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The protocol version this node speaks.
pub const VERSION: u32 = 1;
/// Largest frame we read, in bytes: an offer with 32 m-lines is about 60 KiB (SEC-15).
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Messages per second a session may send on average (SEC-20).
pub const MESSAGES_PER_SECOND: u32 = 50;
/// Messages a session may send in one burst (SEC-20).
pub const MESSAGES_BURST: u32 = 100;
/// Longest chat text, in bytes.
pub const CHAT_BYTES_MAX: usize = 2000;
/// Longest data payload, in bytes. Small control messages only.
pub const DATA_BYTES_MAX: usize = 16 * 1024;
/// Longest topic of a data message, in bytes.
pub const TOPIC_BYTES_MAX: usize = 64;
/// Longest display name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Server messages kept per session for resume; older than that, the whole state is sent anew.
pub const RESUME_MESSAGES_MAX: usize = 256;
/// Bytes of them. A few answers and many small messages fit; somebody who is sent large data gets the state anew.
pub const RESUME_BYTES_MAX: usize = 256 * 1024;
/// Tracks of one offer, and slots of one view: as many as an offer may have m-lines.
pub const TRACKS_MAX: usize = 32;
/// How long a socket may take to say `hello`, in milliseconds (SEC-14).
pub const HELLO_TIMEOUT_MS: u64 = 5_000;
/// How long media goes on without its session, in milliseconds.
pub const RESUME_WINDOW_MS: u64 = 30_000;
/// How often a client pings, in milliseconds; silence of [`PING_TIMEOUT_MS`] closes the session's socket.
pub const PING_INTERVAL_MS: u64 = 10_000;
/// See [`PING_INTERVAL_MS`].
pub const PING_TIMEOUT_MS: u64 = 15_000;

/// What somebody may be in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The customer of the store.
    Shopper,
    /// The store's employee who helps.
    Agent,
    /// Watches over agents; may moderate.
    Supervisor,
    /// Sees and hears, sends nothing.
    Observer,
}

/// What a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Audio of a person.
    Microphone,
    /// Video of a person.
    Camera,
    /// Video of a screen, a window or a tab.
    Screen,
}

/// What the holder of a token may do, as the token says and `welcome` repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Grants {
    /// The one room, or absent: any room of the tenant (agents at the desk).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub room: Option<String>,
    /// What may be sent.
    pub publish: Vec<Source>,
    /// Whether others' media may be received.
    pub subscribe: bool,
    /// What is allowed about shared pages; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cobrowse: Option<Cobrowse>,
    /// Whether others may be muted, removed, and the room locked or ended.
    pub moderate: bool,
}

impl Default for Grants {
    fn default() -> Self {
        Self { room: None, publish: Vec::new(), subscribe: true, cobrowse: None, moderate: false }
    }
}
