//! The whole border between signaling and the relays: plain values both ways.

use crate::protocol::{PauseWhy, ShareByeReason, ShareWelcome, ShareWhy};
use std::time::Duration;
use tillside_cobrowse::grant::Rung;
use tillside_cobrowse::policy::Policy;
use tillside_cobrowse::relay::{GrantEnd, ShareId, ViewerId, Why};

/// What a tenant decides about the pages of its shoppers.
#[derive(Clone, Debug)]
pub struct ShareRules {
    /// What is masked.
    pub policy: Policy,
    /// Whether pictures and fonts are shared.
    pub images: bool,
    /// The highest rung of control that may be given; `None`: agents only look.
    pub control: Option<Rung>,
}

impl Default for ShareRules {
    fn default() -> Self {
        Self { policy: Policy::default(), images: true, control: Some(Rung::Navigate) }
    }
}

/// What a relay must do for a share. Commands of one share take effect in their order.
#[derive(Debug)]
pub enum ShareCommand {
    /// The shopper has consented for the first time: take in its page.
    Open(Box<Opening>),
    /// The shopper has consented again, or its page is back.
    Resume,
    /// Show nothing, and wipe what is known of the page.
    Pause(Why),
    /// Forget everything; tell the streams.
    End {
        /// Why.
        why: Why,
        /// What the streams are told.
        bye: ShareByeReason,
    },
    /// This participant may open a viewer's stream.
    Admit {
        /// Who.
        viewer: ViewerId,
        /// The name others know it by.
        public: String,
        /// Its name, for the shopper.
        name: String,
    },
    /// It no longer may; a stream it has ends.
    Expel {
        /// Who.
        viewer: ViewerId,
        /// What the stream is told.
        bye: ShareByeReason,
    },
    /// The shopper gives control. Answered by [`ShareEvent::Granted`] if the viewer is there.
    Grant {
        /// To whom.
        viewer: ViewerId,
        /// How far.
        rung: Rung,
        /// For how long.
        duration: Duration,
    },
    /// Control is over.
    Revoke,
}

/// How a share begins at its relay.
#[derive(Debug)]
pub struct Opening {
    /// The share's name, for the audit log.
    pub public: String,
    /// The tenant, for the audit log.
    pub tenant: String,
    /// What is masked, and whether pictures are shared.
    pub policy: Policy,
    /// Whether pictures and fonts are shared.
    pub images: bool,
}

/// What a relay tells of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareEvent {
    /// The sharer's page is connected, in place of an older connection or of none.
    SharerAttached,
    /// The sharer's page is not connected any more.
    SharerGone,
    /// A viewer is connected.
    ViewerAttached(ViewerId),
    /// A viewer is not connected any more.
    ViewerGone(ViewerId),
    /// The page is one that is never shown.
    Paused,
    /// The page after it may be shown.
    Resumed,
    /// The page cannot be followed.
    Unfollowable,
    /// Control was given, maybe less of it than was said.
    Granted {
        /// To whom.
        viewer: ViewerId,
        /// How far.
        rung: Rung,
        /// For how long.
        duration: Duration,
    },
    /// Control ended or shrank by itself.
    GrantEnded {
        /// Whose.
        viewer: ViewerId,
        /// Why.
        why: GrantEnd,
    },
}

/// Which side of a share a stream is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// The page that is shared.
    Sharer,
    /// Somebody who sees it.
    Viewer(ViewerId),
}

/// What a good ticket opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPass {
    /// The share.
    pub share: ShareId,
    /// The side.
    pub holder: Holder,
    /// What the client is told.
    pub welcome: ShareWelcome,
}

/// The relay's word for it. Questions that came to nothing are never told to a relay.
pub(super) fn relay_why(why: ShareWhy) -> Why {
    match why {
        ShareWhy::Shopper | ShareWhy::Declined | ShareWhy::Withdrawn => Why::Shopper,
        ShareWhy::Hidden => Why::Hidden,
        ShareWhy::Page => Why::Page,
        ShareWhy::TooLarge => Why::TooLarge,
        ShareWhy::SharerLeft => Why::SharerLeft,
        ShareWhy::CallEnded => Why::CallEnded,
        ShareWhy::Unfollowable => Why::Unfollowable,
    }
}

/// As the audit log writes it.
pub(super) fn label(why: ShareWhy) -> &'static str {
    match why {
        ShareWhy::Shopper => "shopper",
        ShareWhy::Hidden => "hidden",
        ShareWhy::Page => "page",
        ShareWhy::TooLarge => "too_large",
        ShareWhy::SharerLeft => "sharer_left",
        ShareWhy::CallEnded => "call_ended",
        ShareWhy::Declined => "declined",
        ShareWhy::Withdrawn => "withdrawn",
        ShareWhy::Unfollowable => "unfollowable",
    }
}

impl From<PauseWhy> for ShareWhy {
    fn from(why: PauseWhy) -> Self {
        match why {
            PauseWhy::Shopper => Self::Shopper,
            PauseWhy::Hidden => Self::Hidden,
            PauseWhy::Page => Self::Page,
            PauseWhy::TooLarge => Self::TooLarge,
        }
    }
}
