//! The text frames of `/v1/share`.
//!
//! The page itself travels in binary frames, which `tillside_cobrowse` reads and writes. Agents' verbs are its types
//! too, so that relay, page and console speak of one thing.

use serde::{Deserialize, Serialize};
pub use tillside_cobrowse::control::{Act, Guard, PressedKey, Refusal, Verb};
pub use tillside_cobrowse::desync::Desync;
use ts_rs::TS;

/// Largest frame of a sharer, in bytes; a longer record goes on in the next frame (SEC-15, SEC-31).
pub const SHARER_FRAME_BYTES_MAX: usize = tillside_cobrowse::CHUNK_BYTES_MAX;
/// Largest frame of a viewer, in bytes: a verb of 1 KiB with its envelope, and some air (SEC-15).
pub const VIEWER_FRAME_BYTES_MAX: usize = 4 * 1024;
/// First byte of a binary frame that brings a record in a frame of its own, with the two flags below.
pub const RECORD_FRAMED: u8 = tillside_cobrowse::FLAG_FRAMED;
/// The record is raw deflate.
pub const RECORD_DEFLATE: u8 = tillside_cobrowse::FLAG_DEFLATE;
/// The record goes on in the next frame.
pub const RECORD_MORE: u8 = tillside_cobrowse::FLAG_MORE;
/// First byte of a binary frame that brings an asset: 32 bytes of its name follow, then the file.
pub const ASSET_FRAME: u8 = 0x40;

/// Bytes of an asset's name.
pub const ASSET_NAME_BYTES: usize = 32;
/// Largest asset, in bytes. With its name it fits a frame.
pub const ASSET_BYTES_MAX: usize = 1_000_000;
/// Bytes of all assets of one share.
pub const SHARE_ASSETS_BYTES_MAX: usize = 20 * 1024 * 1024;
/// The first frame of `/v1/share`, from either side's page.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ShareGreeting {
    /// Within five seconds.
    Hello(ShareHello),
}

/// See [`ShareGreeting::Hello`].
#[derive(Clone, Deserialize, Serialize, TS)]
pub struct ShareHello {
    /// Protocol versions the client speaks.
    pub v: Vec<u32>,
    /// The ticket. Never in a URL, never logged.
    pub ticket: String,
}

impl std::fmt::Debug for ShareHello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShareHello").field("v", &self.v).finish_non_exhaustive()
    }
}

/// A text frame of the sharer's page.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromSharer {
    /// What became of an agent's verb.
    Outcome {
        /// Whose verb.
        viewer: String,
        /// The verb's number.
        #[ts(type = "number")]
        seq: u64,
        /// What became of it.
        result: VerbResult,
    },
    /// Asks for a pong.
    Ping(ShareClock),
    /// The answer to a ping.
    Pong(ShareClock),
}

/// A text frame of a viewer.
#[derive(Clone, Deserialize, Serialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum FromViewer {
    /// An act on the shopper's page.
    Verb {
        /// What to do.
        verb: Verb,
    },
    /// Asks for an asset, now or when it is there.
    Want {
        /// Its name: 64 hex digits.
        asset: String,
    },
    /// Asks for a pong.
    Ping(ShareClock),
    /// The answer to a ping.
    Pong(ShareClock),
}

/// A text frame to the sharer's page.
#[derive(Clone, Deserialize, Serialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ToSharer {
    /// The answer to `hello`.
    Welcome(ShareWelcome),
    /// Send a full snapshot (again).
    Snapshot {
        /// Why.
        reason: Desync,
    },
    /// A checked verb of an agent. The page checks it again.
    Act {
        /// The agent.
        viewer: String,
        /// Its name, for the shopper.
        name: String,
        /// What to do.
        verb: Verb,
        /// What the shopper must confirm first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        guard: Option<Guard>,
    },
    /// Asks for a pong.
    Ping(ShareClock),
    /// The answer to a ping.
    Pong(ShareClock),
    /// The stream is over.
    Bye(ShareBye),
}

/// A text frame to a viewer.
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ToViewer {
    /// The answer to `hello`.
    Welcome(ShareWelcome),
    /// What became of the viewer's verb, by the page or by the relay.
    Outcome {
        /// The verb's number.
        #[ts(type = "number")]
        seq: u64,
        /// What became of it.
        result: VerbResult,
    },
    /// How old what arrives is on its way from the page to the node.
    Delay {
        /// Half the round trip between node and sharer, in milliseconds.
        sharer_ms: u32,
    },
    /// Asks for a pong.
    Ping(ShareClock),
    /// The answer to a ping.
    Pong(ShareClock),
    /// The stream is over.
    Bye(ShareBye),
}

// What an agent types is content: it must not reach a log.
impl std::fmt::Debug for FromViewer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Verb { verb } => verb.act.name(),
            Self::Want { .. } => "want",
            Self::Ping(_) => "ping",
            Self::Pong(_) => "pong",
        })
    }
}

impl std::fmt::Debug for ToSharer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Welcome(_) => "welcome",
            Self::Snapshot { .. } => "snapshot",
            Self::Act { verb, .. } => verb.act.name(),
            Self::Ping(_) => "ping",
            Self::Pong(_) => "pong",
            Self::Bye(_) => "bye",
        })
    }
}

/// The answer to `hello` on `/v1/share`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, TS)]
pub struct ShareWelcome {
    /// The share.
    pub share: String,
    /// What the ticket makes of its holder.
    #[serde(rename = "as")]
    #[ts(rename = "as")]
    pub side: ShareSide,
    /// The shopper's name.
    pub name_of_sharer: String,
    /// Whether pictures and fonts are shared.
    pub images: bool,
}

/// Which side of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ShareSide {
    /// Its page is shared.
    Sharer,
    /// Sees the page.
    Viewer,
}

/// `ping` and `pong` of `/v1/share`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, TS)]
pub struct ShareClock {
    /// Any number; comes back in `pong`.
    #[ts(type = "number")]
    pub ts: u64,
}

/// The last frame of `/v1/share`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, TS)]
pub struct ShareBye {
    /// Why.
    pub reason: ShareByeReason,
}

/// Why a stream is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ShareByeReason {
    /// Another socket came with the same ticket.
    Replaced,
    /// The share ended, or its holder left the room.
    Ended,
    /// The ticket is not or no longer good.
    Unauthorized,
    /// A limit was broken.
    Limit,
    /// The client took nothing for too long.
    Slow,
    /// The node stops.
    Shutdown,
}

/// What became of a verb: by the page the first seven, by the relay any but `done` and `declined`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VerbResult {
    /// It happened.
    Done,
    /// The node is gone, or is not what the agent believes.
    Moved,
    /// The node is hidden from the agent.
    Hidden,
    /// Nothing an agent may do to this kind of node.
    Forbidden,
    /// The agent holds no grant.
    NoGrant,
    /// The shopper said no.
    Declined,
    /// The shopper is acting.
    ShopperActs,
    /// The share is not live.
    NotLive,
    /// Not a verb.
    Malformed,
    /// The number was used, or the verbs come too fast.
    Unordered,
    /// The grant's time is over.
    Expired,
    /// The grant does not reach that far.
    BeyondGrant,
    /// The page has changed since.
    WrongEpoch,
}

impl From<Refusal> for VerbResult {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotLive => Self::NotLive,
            Refusal::Malformed => Self::Malformed,
            Refusal::Unordered => Self::Unordered,
            Refusal::NoGrant => Self::NoGrant,
            Refusal::Expired => Self::Expired,
            Refusal::BeyondGrant => Self::BeyondGrant,
            Refusal::ShopperActs => Self::ShopperActs,
            Refusal::WrongEpoch => Self::WrongEpoch,
            Refusal::Moved => Self::Moved,
            Refusal::Hidden => Self::Hidden,
            Refusal::Forbidden => Self::Forbidden,
        }
    }
}

impl VerbResult {
    /// As metrics and the audit log write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Moved => "moved",
            Self::Hidden => "hidden",
            Self::Forbidden => "forbidden",
            Self::NoGrant => "no_grant",
            Self::Declined => "declined",
            Self::ShopperActs => "shopper_acts",
            Self::NotLive => "not_live",
            Self::Malformed => "malformed",
            Self::Unordered => "unordered",
            Self::Expired => "expired",
            Self::BeyondGrant => "beyond_grant",
            Self::WrongEpoch => "wrong_epoch",
        }
    }
}
