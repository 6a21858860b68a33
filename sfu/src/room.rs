//! A room: participants, what they publish, and who receives what. Everything of a room happens on one worker.
//!
//! Owns participants and publications; runs inside one call of [`crate::sfu::Sfu`] at a time and tells it through
//! [`Room::poll_change`] which paths and names lead here. What a room does is spread over its modules:
//! `joining` (offers), `receive` (datagrams in), `forward` (packets out), `feedback` (RTCP), `selecting` (slots and
//! layers), `timing` (what is due when), `linking` (the room on other workers).

mod encoding;
mod feedback;
mod forward;
mod joining;
mod linking;
mod participant;
mod passed;
mod placing;
mod publication;
mod rate;
mod receive;
mod selecting;
mod slot;
mod timing;

use crate::command::{Counters, Event, LeaveReason, SlotWish};
use crate::demux::ParticipantKey;
use crate::id::{Mid, ParticipantId, RoomId, WorkerId};
use crate::link::LinkControl;
use crate::rtcp::{ReportBlock, SenderInfo};
use crate::rtp::Ssrc;
use crate::sends::{NetPath, Sends};
use crate::sfu::SfuConfig;
use crate::stream::level::Speakers;
use crate::stream::twcc::PacketResult;
use crate::stream::worker_time::WorkerTime;
use linking::Links;
use participant::Participant;
pub(crate) use passed::ExtensionBlock;
use passed::PASSED_BYTES_MAX;
use publication::{Publication, PublicationKey};
use rand_chacha::ChaCha12Rng;
use slab::Slab;
use std::collections::VecDeque;
use std::time::Instant;
use timing::Timers;

/// Packets of one batch that wait to be forwarded. The worker forwards after every batch of receive buffers; what a
/// handshake's early packets add is bounded too. More would be a defect, and is dropped and counted.
const ARRIVALS_MAX: usize = 512;

/// What a room needs of its surroundings for one call.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    /// The same, as packets are dated.
    pub(crate) time: WorkerTime,
    pub(crate) config: &'a SfuConfig,
    pub(crate) rng: &'a mut ChaCha12Rng,
    pub(crate) sends: &'a mut Sends,
    pub(crate) events: &'a mut VecDeque<Event>,
    pub(crate) counters: &'a mut Counters,
    /// For [`Room::forward`], which fills them anew: the same for all rooms, since they stay in the cache then.
    pub(crate) blocks: &'a mut Vec<ExtensionBlock>,
}

/// What the tables that lead into the room must follow.
#[derive(Debug)]
pub(crate) enum Change {
    Joined(ParticipantId, ParticipantKey),
    Left(ParticipantId),
    UfragAdded(ParticipantKey, Box<str>),
    UfragRemoved(Box<str>),
    PathAdded(ParticipantKey, NetPath),
    PathRemoved(ParticipantKey, NetPath),
    /// Something to say to another worker that carries the room.
    Link(WorkerId, LinkControl),
}

/// A new packet in a ring, to be forwarded.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    publication: PublicationKey,
    encoding: u8,
    sequence: u64,
}

/// Lists that are filled and read within one call, kept so that none is allocated each time.
struct Scratch {
    /// Extensions of the packet in hand.
    passed: [u8; PASSED_BYTES_MAX],
    /// Numbers to ask a publisher for.
    missing: Vec<u64>,
    /// What a receiver reported of the packets it was sent.
    results: Vec<PacketResult>,
    blocks: Vec<ReportBlock>,
    senders: Vec<(Ssrc, SenderInfo)>,
    /// Encodings that somebody wants, as bits by publication.
    wanted: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        let (missing, results, wanted) = (Vec::new(), Vec::new(), Vec::new());
        Self { passed: [0; PASSED_BYTES_MAX], missing, results, blocks: Vec::new(), senders: Vec::new(), wanted }
    }
}

/// See the module.
pub(crate) struct Room {
    id: RoomId,
    participants: Slab<Participant>,
    publications: Slab<Publication>,
    /// At most [`ARRIVALS_MAX`].
    arrivals: Vec<Arrival>,
    /// Where [`Room::forward`] goes on after the slab was full.
    cursor: usize,
    /// Whether arrivals wait that [`crate::sfu::Sfu`] does not know of yet.
    dirty: bool,
    links: Links,
    speakers: Speakers<PublicationKey>,
    told_speakers: Vec<ParticipantId>,
    changes: VecDeque<Change>,
    timers: Timers,
    /// When layers are chosen again.
    select_at: Instant,
    scratch: Scratch,
    /// See [`Room::plant_defect`].
    #[cfg(test)]
    defect: bool,
}

impl Room {
    /// A room without participants: the home, or a satellite of the one on worker `home`.
    pub(crate) fn new(now: Instant, id: RoomId, home: Option<WorkerId>) -> Self {
        Self {
            id,
            participants: Slab::new(),
            publications: Slab::new(),
            arrivals: Vec::new(),
            cursor: 0,
            dirty: false,
            links: Links::new(home),
            speakers: Speakers::new(),
            told_speakers: Vec::new(),
            changes: home.map(|home| Change::Link(home, LinkControl::Attach)).into_iter().collect(),
            timers: Timers::default(),
            select_at: now,
            scratch: Scratch::default(),
            #[cfg(test)]
            defect: false,
        }
    }

    pub(crate) fn id(&self) -> RoomId {
        self.id
    }

    /// Whether nobody needs it any more, here or on a satellite.
    pub(crate) fn is_empty(&self) -> bool {
        self.participants.is_empty() && !self.links.has_satellites()
    }

    /// Whether another worker is home to it.
    pub(crate) fn is_satellite(&self) -> bool {
        self.links.is_satellite()
    }

    /// The workers that it is linked with.
    pub(crate) fn linked_workers(&self) -> impl Iterator<Item = WorkerId> + '_ {
        self.links.workers()
    }

    /// The next change of what leads here. Drained after every call.
    pub(crate) fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Whether there is something to forward that was not asked about before.
    pub(crate) fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// When [`Room::handle_timeout`] is due.
    pub(crate) fn deadline(&self) -> Instant {
        self.timers.first().map_or(self.select_at, |first| first.min(self.select_at))
    }

    /// Publications of participants here, and subscriptions.
    pub(crate) fn counts(&self) -> (u32, u32) {
        let subscriptions: usize = self.participants.iter().map(|(_, participant)| participant.playing.len()).sum();
        let own = |participant: &Participant| participant.publications.len();
        let publications: usize = self.participants.iter().map(|(_, participant)| own(participant)).sum();
        (publications as u32, subscriptions as u32)
    }

    /// Adds what the transports of those present have dropped so far.
    pub(crate) fn add_drops(&self, counters: &mut Counters) {
        self.participants.iter().for_each(|(_, participant)| participant.transport.counters().add_to(counters));
    }

    /// The participant has set up its receiving side.
    pub(crate) fn set_ready(&mut self, context: &mut Context<'_>, key: ParticipantKey) {
        let participant = &mut self.participants[key.0];
        if !std::mem::replace(&mut participant.ready, true) {
            self.select_for(context, key);
        }
    }

    /// The participant says what it wants in its slots.
    pub(crate) fn set_wishes(&mut self, context: &mut Context<'_>, key: ParticipantKey, wishes: &[SlotWish]) {
        for slot in &mut self.participants[key.0].slots {
            slot.wish = wishes.iter().find(|wish| wish.mid == slot.mid).copied();
        }
        self.place_for(context, key);
    }

    /// A track begins or ceases to carry something.
    pub(crate) fn set_muted(&mut self, context: &mut Context<'_>, key: ParticipantKey, mid: Mid, muted: bool) {
        let publications = &mut self.publications;
        let own = self.participants[key.0].publications.iter().find(|own| publications[own.0].id.mid == mid);
        if let Some(own) = own {
            let own = *own;
            self.mute(context, own, muted);
        }
    }

    fn mute(&mut self, context: &mut Context<'_>, key: PublicationKey, muted: bool) {
        let publication = &mut self.publications[key.0];
        if std::mem::replace(&mut publication.muted, muted) != muted {
            publication.encodings.iter_mut().for_each(|encoding| encoding.nack.pause());
            self.tell_downstreams(key, |id| LinkControl::Mute(id, muted));
            self.place_all(context);
        }
    }

    /// Takes a participant out, with what it publishes.
    pub(crate) fn leave(&mut self, context: &mut Context<'_>, key: ParticipantKey, reason: LeaveReason) {
        let published = self.remove(context, key, reason);
        if published {
            self.place_all(context);
        }
    }

    /// Takes everybody out.
    pub(crate) fn close(&mut self, context: &mut Context<'_>, reason: LeaveReason) {
        while let Some(key) = self.participants.iter().map(|(key, _)| key).next() {
            self.remove(context, ParticipantKey(key), reason);
        }
    }

    /// Returns whether the participant published something.
    fn remove(&mut self, context: &mut Context<'_>, key: ParticipantKey, reason: LeaveReason) -> bool {
        let participant = self.participants.remove(key.0);
        self.timers.forget(key);
        participant.transport.counters().add_to(context.counters);
        self.changes.push_back(Change::Left(participant.id));
        self.changes.extend(participant.ufrags.into_iter().map(Change::UfragRemoved));
        for path in participant.transport.paths() {
            self.changes.push_back(Change::PathRemoved(key, path));
        }
        for publication in &participant.publications {
            self.unpublish(*publication);
        }
        context.events.push_back(Event::Left { participant: participant.id, reason });
        !participant.publications.is_empty()
    }

    /// Forgets a publication: its packets on the way, its place among the speakers and in slots.
    fn unpublish(&mut self, key: PublicationKey) {
        self.tell_downstreams(key, LinkControl::Unpublish);
        self.publications.remove(key.0);
        self.drop_arrivals(key);
        self.speakers.remove(key);
        for (_, participant) in &mut self.participants {
            for slot in participant.slots.iter_mut().filter(|slot| slot.publication() == Some(key)) {
                slot.bind(None);
            }
            participant.arrange();
        }
    }

    /// Makes the next [`Room::forward`] panic, for tests of what a defect of ours does to other rooms.
    #[cfg(test)]
    pub(crate) fn plant_defect(&mut self) {
        self.defect = true;
        self.dirty = true;
    }

    /// Something of the participant's is due at `at`.
    fn wake(&mut self, key: ParticipantKey, at: Instant) {
        self.timers.wake(key, at);
    }
}
