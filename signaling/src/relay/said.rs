//! What passes between a relay and the sockets of its streams.

use super::StreamId;
use crate::protocol::{FromSharer, FromViewer, ShareByeReason};
use crate::signaling::Holder;
use bytes::Bytes;
use std::time::Duration;
use tillside_cobrowse::relay::ShareId;
use tokio::sync::mpsc;

/// Which stream of which share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// The share.
    pub share: ShareId,
    /// The side.
    pub holder: Holder,
    /// The socket. An older one of the same holder has lost the seat.
    pub stream: StreamId,
}

/// From a socket to its relay.
pub enum FromStream {
    /// A ticket was good: the stream begins.
    Attach(Seat, mpsc::Sender<ToStream>),
    /// A binary frame of a sharer: a record or an asset.
    Frame(Seat, Bytes),
    /// A text frame.
    Said(Seat, Said),
    /// The socket is gone.
    Detach(Seat),
}

impl FromStream {
    /// Whose it is.
    pub(super) fn seat(&self) -> Seat {
        match self {
            Self::Attach(seat, _) | Self::Frame(seat, _) | Self::Said(seat, _) | Self::Detach(seat) => *seat,
        }
    }
}

/// A text frame that is the relay's concern.
pub enum Said {
    /// The sharer's page says.
    Sharer(FromSharer),
    /// A viewer says.
    Viewer(FromViewer),
    /// The socket has measured the round trip to the sharer's page.
    RoundTrip(Duration),
}

/// From a relay to a socket.
pub enum ToStream {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Bytes),
    /// The end.
    Bye(ShareByeReason),
}
