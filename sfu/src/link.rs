//! What the workers that carry one room tell each other.
//!
//! A room has one *home*. Other workers that carry some of its participants have a *satellite* of it each, attached to
//! the home and to nobody else: a star. What is published on one of them is announced along the star to all others, and
//! its packets follow to those that show it, opened, once per worker. Wishes (encodings, keyframes) go the other way.
//! So a room knows of each publication only from which side it comes and which sides want it, and does the same
//! whether it is the home or a satellite.
//!
//! Plain values: between threads they travel in [`crate::worker::link`], in the simulation through the same by hand.

use crate::command::Source;
use crate::id::{PublicationId, Rid, RoomId};
use crate::sdp::{MediaKind, PayloadTypes};
use crate::stream::clock::{PublisherClock, RtpClock};
use crate::stream::packet::PacketFacts;

/// Names a publication between two workers: the sending side's place for it, and which of those that ever had the place
/// it is, so that a late message never means another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkedId {
    pub(crate) index: u32,
    pub(crate) birth: u32,
}

/// One message of a link. Messages of one link arrive in their order, but for packets, which may overtake.
#[derive(Debug)]
pub enum LinkMessage<'a> {
    /// May be lost when the link is full.
    Packet(LinkedPacket<'a>),
    /// Is never lost.
    Control(RoomId, LinkControl),
}

/// An opened packet on its way to a worker that shows its publication.
#[derive(Clone, Copy, Debug)]
pub struct LinkedPacket<'a> {
    /// The room.
    pub room: RoomId,
    /// As the sending side announced it.
    pub publication: LinkedId,
    /// Sound or pictures: a link that is full drops pictures first.
    pub kind: MediaKind,
    /// Which of its encodings.
    pub encoding: u8,
    /// Counts how often the encoding began anew (media trap I3).
    pub generation: u32,
    /// Extended sequence number in the publisher's stream.
    pub sequence: u64,
    /// Height of the encoding's newest keyframe, where the codec says it.
    pub height: Option<u16>,
    /// What the first worker found out about it.
    pub facts: PacketFacts,
    /// The header extensions that are passed on.
    pub extensions: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

/// Everything but packets.
#[derive(Clone, Debug)]
pub enum LinkControl {
    /// To the home: this worker has a satellite of the room now.
    Attach,
    /// To a satellite, in answer: announcements follow; what was announced before is void.
    Attached,
    /// The sender's side of the room is no more.
    Detach,
    /// Something is published, or was negotiated anew.
    Publish(LinkedId, Box<Announcement>),
    /// A publication is gone.
    Unpublish(LinkedId),
    /// A publication begins or ceases to carry something.
    Mute(LinkedId, bool),
    /// What a sender report said.
    Clock(LinkedClock),
    /// To a satellite: the publications that are heard, the one to hear first in front.
    Ranking(Vec<PublicationId>),
    /// Against the stream: which encodings are wanted here and beyond, as bits. None: send no packets.
    Wanted(LinkedId, u8),
    /// Against the stream: a keyframe of this encoding is needed.
    Keyframe(LinkedId, u8),
}

/// See [`LinkControl::Publish`].
#[derive(Clone, Debug)]
pub struct Announcement {
    /// Its name in the node.
    pub id: PublicationId,
    /// What it carries.
    pub source: Source,
    /// Audio or video.
    pub kind: MediaKind,
    /// Whether it is muted.
    pub muted: bool,
    /// Its publisher's place when slots are short; 0 first.
    pub priority: u8,
    /// The publisher's payload types.
    pub payload_types: PayloadTypes,
    /// Its encodings by name; one without a name where there is no simulcast.
    pub encodings: Vec<Option<Rid>>,
}

/// See [`LinkControl::Clock`].
#[derive(Clone, Debug)]
pub struct LinkedClock {
    /// Of which publication.
    pub publication: LinkedId,
    /// Of which encoding.
    pub encoding: u8,
    /// The encoding's clock.
    pub stream: RtpClock,
    /// The publisher's clock against ours. All workers of a node share one wall clock.
    pub publisher: PublisherClock,
}
