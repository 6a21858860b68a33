//! How bots get into the servers that are measured: one adapter for each way of signaling.
//!
//! A *leg* is one transport: a participant of a call has one where the server lets it send and receive on one, and
//! two where it does not. Nothing here touches media.

pub(crate) mod janus;
pub(crate) mod livekit;
pub(crate) mod mediamtx;
pub(crate) mod tillside;
pub(crate) mod whip;

use crate::swarm::description::{Credentials, Line, Remote};
use tillside_sfu::dtls::Fingerprint;

/// What a leg is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Only sends.
    Publish,
    /// Sends and receives.
    Call,
    /// Only receives.
    Play,
}

/// One transport to be made.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) purpose: Purpose,
    /// Name of its room, unique over all runs against a server.
    pub(crate) room: String,
    /// Name of its participant in that room.
    pub(crate) member: String,
    /// What its offer has.
    pub(crate) lines: Vec<Line>,
    /// Members whose publications it receives, in the order of its slots.
    pub(crate) feeds: Vec<String>,
}

/// Our side of a leg's transport.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) credentials: Credentials,
    pub(crate) fingerprint: Fingerprint,
}

/// A leg that the server has let in.
pub(crate) struct Entered {
    pub(crate) remote: Remote,
    pub(crate) stay: Stay,
}

/// What keeps a leg in, and takes it out.
pub(crate) enum Stay {
    /// A WHIP or WHEP resource.
    Resource(whip::Resource),
    /// A WebSocket session.
    Session(tillside::Session),
    /// A handle of Janus.
    Handle(janus::Handle),
}

impl Stay {
    /// Goes without a word.
    pub(crate) fn vanish(self) {
        if let Self::Session(session) = self {
            session.end(tillside::Ending::Vanish);
        }
    }

    /// Leaves. Errors are of no interest: the run is over for this leg.
    pub(crate) async fn leave(self) {
        match self {
            Self::Resource(resource) => resource.delete().await,
            Self::Session(session) => session.end(tillside::Ending::Leave),
            Self::Handle(handle) => handle.detach().await,
        }
    }
}

/// Why a leg was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EnterError {
    /// The server takes nobody now, and says so.
    Overloaded(String),
    /// Anything else, for people.
    Other(String),
}

impl From<String> for EnterError {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl std::fmt::Display for EnterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Overloaded(text) | Self::Other(text)) = self;
        f.write_str(text)
    }
}

/// A server to get into.
#[derive(Clone)]
pub(crate) enum Peer {
    Tillside(tillside::Tillside),
    Janus(janus::Janus),
    LiveKit(livekit::LiveKit),
    MediaMtx(mediamtx::MediaMtx),
}

impl Peer {
    /// Whether a participant of a call needs one transport only.
    pub(crate) fn calls_on_one_leg(&self) -> bool {
        matches!(self, Self::Tillside(_))
    }

    /// Enters a room: the server's description, and what keeps the leg in.
    ///
    /// # Errors
    /// See [`EnterError`]; never holds a token or a description.
    pub(crate) async fn enter(&self, leg: &Leg, local: &Local) -> Result<Entered, EnterError> {
        match self {
            Self::Tillside(peer) => peer.enter(leg, local).await,
            Self::Janus(peer) => peer.enter(leg, local).await.map_err(EnterError::Other),
            Self::LiveKit(peer) => peer.enter(leg, local).await,
            Self::MediaMtx(peer) => peer.enter(leg, local).await,
        }
    }
}
