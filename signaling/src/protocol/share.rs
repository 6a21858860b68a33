//! Sharing a page: what is said about it on `/v1/ws`.

use serde::{Deserialize, Serialize};
pub use tillside_cobrowse::grant::Rung;
use ts_rs::TS;

/// Longest time that control is given for, in seconds.
pub const GRANT_SECONDS_MAX: u64 = tillside_cobrowse::grant::GRANT_DURATION_MAX.as_secs();

/// What a token allows about shared pages; each role may use a part of it only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Cobrowse {
    /// A shopper may share its page.
    Share,
    /// An agent, supervisor or observer may see shared pages.
    View,
    /// An agent or supervisor may see shared pages and ask for control.
    Control,
}

/// See [`ClientMessage::Share`](super::ClientMessage::Share).
#[derive(Clone, Deserialize, Serialize, TS)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ShareAction {
    /// An agent asks to see a shopper's page.
    Request {
        /// The shopper.
        sharer: String,
    },
    /// An agent takes its question back.
    Withdraw {
        /// The share it asked for.
        share: String,
    },
    /// The shopper shares this page, or goes on after a pause.
    Consent,
    /// The shopper says no to the question.
    Decline,
    /// The shopper pauses: what was known of the page is wiped.
    Pause {
        /// Why.
        why: PauseWhy,
    },
    /// The shopper no longer shares.
    End,
    /// A new session of the shopper takes over the share of the page before.
    Continue {
        /// The ticket of the page before. Never logged.
        ticket: String,
    },
}

// A ticket opens the stream: it must not reach a log.
impl std::fmt::Debug for ShareAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Request { .. } => "Request",
            Self::Withdraw { .. } => "Withdraw",
            Self::Consent => "Consent",
            Self::Decline => "Decline",
            Self::Pause { .. } => "Pause",
            Self::End => "End",
            Self::Continue { .. } => "Continue",
        })
    }
}

/// Why a shopper's page pauses its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PauseWhy {
    /// The shopper wished it.
    Shopper,
    /// The tab is hidden.
    Hidden,
    /// The page is one that is never shown.
    Page,
    /// The page is larger than a record may be.
    TooLarge,
}

/// See [`ClientMessage::Control`](super::ClientMessage::Control).
#[derive(Clone, Debug, Deserialize, Serialize, TS)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ControlAction {
    /// An agent asks for control.
    Request {
        /// Of which page.
        share: String,
        /// How far.
        rung: Rung,
    },
    /// An agent gives control back, or takes its question back.
    Release {
        /// Of which page.
        share: String,
    },
    /// The shopper gives it.
    Grant {
        /// To whom.
        viewer: String,
        /// How far.
        rung: Rung,
        /// For how many seconds; at most 1,800 count.
        for_s: u32,
    },
    /// The shopper says no.
    Deny {
        /// To whom.
        viewer: String,
    },
    /// The shopper takes it back. The page has stopped acting already.
    Revoke,
}

/// See [`ServerMessage::Share`](super::ServerMessage::Share).
#[derive(Clone, Deserialize, Serialize, TS)]
pub struct ShareState {
    /// The share.
    pub share: String,
    /// The shopper.
    pub sharer: String,
    /// Where it stands.
    pub phase: SharePhase,
    /// Why it is paused or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub why: Option<ShareWhy>,
    /// The agent who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
    /// Opens `/v1/share`, for the receiver of this message only. Never logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ticket: Option<String>,
    /// Participants who see the page now.
    pub viewers: Vec<String>,
}

impl std::fmt::Debug for ShareState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShareState")
            .field("share", &self.share)
            .field("sharer", &self.sharer)
            .field("phase", &self.phase)
            .field("why", &self.why)
            .field("viewers", &self.viewers)
            .finish_non_exhaustive()
    }
}

/// Where a share stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SharePhase {
    /// An agent asked; the shopper has not answered.
    Requested,
    /// Consented to and shown.
    Live,
    /// Not shown for now.
    Paused,
    /// Over; nothing of it is left.
    Ended,
}

/// Why a share is paused or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ShareWhy {
    /// The shopper wished it.
    Shopper,
    /// The shopper's tab is hidden.
    Hidden,
    /// The page is one that is never shown.
    Page,
    /// The page is larger than a record may be.
    TooLarge,
    /// The shopper's page or session is gone.
    SharerLeft,
    /// The call ended.
    CallEnded,
    /// The shopper said no.
    Declined,
    /// The agent took the question back, or left.
    Withdrawn,
    /// The page could not be followed, again and again.
    Unfollowable,
}

/// See [`ServerMessage::Control`](super::ServerMessage::Control).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, TS)]
pub struct ControlState {
    /// Of which page.
    pub share: String,
    /// Whose control.
    pub viewer: String,
    /// Where it stands.
    pub phase: ControlPhase,
    /// How far it reaches, or was to reach.
    pub rung: Rung,
    /// When it ends by itself, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub ends_in_ms: Option<u64>,
    /// Why it ended, or shrank to pointing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub why: Option<ControlWhy>,
}

/// Where control stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ControlPhase {
    /// The agent asked.
    Requested,
    /// The shopper gave it.
    Granted,
    /// The shopper said no.
    Denied,
    /// It is over.
    Ended,
}

/// Why control ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ControlWhy {
    /// The shopper took it back.
    Revoked,
    /// The agent gave it back.
    Released,
    /// Its time was over.
    Expired,
    /// The agent no longer sees the page.
    ViewerLeft,
    /// The page moved to another origin.
    NewOrigin,
    /// Payment fields appeared: at most pointing is left.
    PaymentPage,
    /// The share paused or ended.
    Paused,
    /// Another agent got it.
    Replaced,
}
