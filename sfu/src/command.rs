//! What the media core is told and what it tells: the whole border between signaling and media.
//!
//! A [`Command`] goes to the worker that has the participant; an [`Event`] comes back. Both are plain values, so that a
//! test can stand in for either side.

use crate::id::{Mid, ParticipantId, PublicationId, Rid, RoomId, WorkerId};
use crate::sdp::{Offer, Purpose};
use crate::srtp::SrtpProfile;

/// What a sending m-line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Audio of a person.
    Microphone,
    /// Video of a person.
    Camera,
    /// Video of a screen, a window or a tab.
    Screen,
}

/// An m-line that a participant sends on, as it declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
    /// The m-line.
    pub mid: Mid,
    /// What it carries.
    pub source: Source,
    /// Whether it starts muted. A muted track is not forwarded, whatever arrives on it.
    pub muted: bool,
}

/// What to do. Commands of one participant take effect in their order.
#[derive(Debug)]
pub enum Command {
    /// Lets a participant in. Answered by [`Event::Answered`] or [`Event::Refused`].
    Join(Box<Join>),
    /// A later offer of a participant. Answered like [`Command::Join`].
    Offer(Box<ReOffer>),
    /// The participant is ready to receive: its slots may start.
    Ready(ParticipantId),
    /// What the participant wants in its slots; replaces earlier wishes.
    View(ParticipantId, Vec<SlotWish>),
    /// Mutes or unmutes a publication.
    Mute(PublicationId, bool),
    /// Takes a participant out.
    Leave(ParticipantId),
    /// Takes everybody out.
    CloseRoom(RoomId),
}

/// See [`Command::Join`].
#[derive(Debug)]
pub struct Join {
    /// The room; made if it is not there.
    pub room: RoomId,
    /// The newcomer's name.
    pub participant: ParticipantId,
    /// Its offer, parsed.
    pub offer: Offer,
    /// What its sending m-lines carry. Lines it does not name are answered but not forwarded.
    pub tracks: Vec<Track>,
    /// Whether it may receive.
    pub subscribe: bool,
    /// Whose publications come first when slots are short: 0 before 1.
    pub priority: u8,
    /// What it came for. Who only plays is ready at once; others say [`Command::Ready`].
    pub purpose: Purpose,
    /// The worker that is home to the room, of which this one gets a satellite; `None`: this one is the home.
    pub home: Option<WorkerId>,
}

/// See [`Command::Offer`].
#[derive(Debug)]
pub struct ReOffer {
    /// Who offers.
    pub participant: ParticipantId,
    /// Comes back in the answer.
    pub n: u32,
    /// The offer, parsed.
    pub offer: Offer,
    /// What its sending m-lines carry now.
    pub tracks: Vec<Track>,
}

/// What a participant wants in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotWish {
    /// The slot.
    pub mid: Mid,
    /// The publication; `None`: the room chooses.
    pub publication: Option<PublicationId>,
    /// Height on screen in pixels; 0: send nothing.
    pub height: u32,
    /// 0 is served first.
    pub priority: u8,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// An offer was accepted.
    Answered {
        /// Whose.
        participant: ParticipantId,
        /// The offer's number; a join is 1.
        n: u32,
        /// The SDP answer. Holds a password: never log it.
        answer: Box<str>,
    },
    /// An offer was refused; a refused join leaves nothing behind.
    Refused {
        /// Whose.
        participant: ParticipantId,
        /// The offer's number.
        n: u32,
        /// Why.
        error: RefuseError,
    },
    /// ICE and DTLS are done: media can flow.
    Connected {
        /// Who.
        participant: ParticipantId,
        /// The SRTP profile in use.
        srtp: SrtpProfile,
    },
    /// A participant is gone, by its own wish or not. The last event about it.
    Left {
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// What the participant's slots show now. Always the whole list.
    Bound {
        /// Whose slots.
        participant: ParticipantId,
        /// In m-line order.
        slots: Vec<Binding>,
    },
    /// Which encodings of a publication somebody wants; the rest may be switched off at the source.
    EncodingsWanted {
        /// The publication.
        publication: PublicationId,
        /// The wanted rids, or for a publication without simulcast whether it is wanted.
        wanted: EncodingsWanted,
    },
    /// Who speaks in a room, loudest first.
    Speakers {
        /// The room.
        room: RoomId,
        /// The speakers.
        participants: Vec<ParticipantId>,
    },
    /// How good a participant's connection is; sent when it changes.
    Quality {
        /// Whose.
        participant: ParticipantId,
        /// 1 to 5.
        score: u8,
        /// What costs most.
        cause: QualityCause,
    },
    /// A room ended because of a defect of ours; its participants are gone.
    RoomFailed(RoomId),
    /// Once a second: everything that is counted.
    Counters(Box<Counters>),
}

/// See [`Event::EncodingsWanted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodingsWanted {
    /// Without simulcast.
    Single(bool),
    /// With simulcast.
    Rids(Vec<Rid>),
}

/// What a slot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The slot.
    pub mid: Mid,
    /// The publication in it.
    pub publication: Option<PublicationId>,
    /// The encoding on its way, where the publication has rids.
    pub rid: Option<Rid>,
    /// Why nothing, or less than asked, is sent.
    pub why: Option<Why>,
}

/// Why a slot is low or paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The receiver's estimated bandwidth.
    Bandwidth,
    /// The receiver may not subscribe.
    Policy,
    /// Muted at the source, or nothing arrives.
    PublisherOff,
    /// The receiver asked for nothing.
    NotWanted,
    /// No codec in common.
    Codec,
}

/// What costs most quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QualityCause {
    /// Nothing.
    None,
    /// Loss.
    Loss,
    /// Round-trip time.
    Delay,
    /// Jitter.
    Jitter,
}

/// Why a participant left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveReason {
    /// [`Command::Leave`].
    Command,
    /// [`Command::CloseRoom`].
    RoomClosed,
    /// No authenticated STUN check for 30 s (RFC 7675), or none ever came.
    ConsentExpired,
    /// DTLS failed: timeout, budget, certificate or no common SRTP profile.
    HandshakeFailed,
    /// The participant closed its DTLS association.
    Closed,
    /// A defect of ours ended the room.
    RoomFailed,
}

/// Why an offer was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefuseError {
    /// The participant id is in use, or unknown for a re-offer.
    #[error("no such participant, or it is here already")]
    Participant,
    /// The offer's m-lines do not fit the earlier ones.
    #[error("the m-lines of an offer may be added to, not removed or replaced")]
    MediaLines,
    /// A track names an m-line that the offer does not send on.
    #[error("track {0} is not a sending m-line of the offer")]
    Track(Mid),
    /// The room has as many participants as a room may have.
    #[error("the room is full")]
    RoomFull,
    /// The worker has as many participants or rooms as it may have.
    #[error("this worker takes no more participants now")]
    Overloaded,
}

/// What a worker counts, all since its start unless said otherwise. Copied out once a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Which worker.
    pub worker: Option<WorkerId>,
    /// The part of the last second that the worker was busy, in permille.
    pub busy_permille: u32,
    /// Rooms now.
    pub rooms: u32,
    /// Participants now.
    pub participants: u32,
    /// Publications now.
    pub publications: u32,
    /// Subscriptions now (bound slots).
    pub subscriptions: u32,
    /// RTP packets taken in.
    pub rtp_in: u64,
    /// Their bytes, before decryption.
    pub rtp_bytes_in: u64,
    /// RTP packets forwarded.
    pub rtp_out: u64,
    /// Their bytes, after encryption.
    pub rtp_bytes_out: u64,
    /// Packets sent again on request.
    pub rtx_out: u64,
    /// NACKed sequence numbers received from subscribers.
    pub nack_in: u64,
    /// NACKed sequence numbers sent to publishers.
    pub nack_out: u64,
    /// Keyframe requests received from subscribers.
    pub pli_in: u64,
    /// Keyframe requests sent to publishers.
    pub pli_out: u64,
    /// Datagrams from a 5-tuple without an authenticated STUN check.
    pub drop_unknown_source: u64,
    /// STUN for a ufrag that is not here.
    pub drop_unknown_ufrag: u64,
    /// STUN that is malformed or fails integrity.
    pub drop_stun: u64,
    /// DTLS over budget, too early, or unreadable.
    pub drop_dtls: u64,
    /// SRTP or SRTCP that fails authentication.
    pub drop_unauthenticated: u64,
    /// SRTP or SRTCP seen before.
    pub drop_replayed: u64,
    /// Packets of SSRCs that are not admitted.
    pub drop_ssrc: u64,
    /// Packets that belong to no publication, or to a muted one.
    pub drop_unpublished: u64,
    /// RTP or RTCP that cannot be parsed after decryption.
    pub drop_malformed: u64,
    /// Datagrams of no known kind.
    pub drop_other: u64,
    /// Packets given to other workers that carry the same room.
    pub link_out: u64,
    /// Packets taken from other workers.
    pub link_in: u64,
    /// Packets that did not fit into a link: the other worker is behind.
    pub link_dropped: u64,
    /// Datagrams the kernel did not take (full buffers, no route).
    pub drop_send: u64,
    /// Rooms ended by a panic.
    pub room_panics: u64,
    /// Associations per SRTP profile: AES-128-GCM, AES-256-GCM, AES-CM SHA1-80.
    pub srtp_profiles: [u64; 3],
    /// Associations that failed before they connected: ICE, DTLS.
    pub connect_failures: [u64; 2],
    /// GSO messages by number of segments: 1, 2, 3–4, 5–8, 9–16, more.
    pub gso_segments: [u64; 6],
}
