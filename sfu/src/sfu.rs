//! The media state machine of one worker: datagrams, commands and the time in; datagrams, events and a deadline out.
//!
//! Owns the rooms and the tables that lead to them. Within a call of `handle_*` a room runs alone; if it panics, the
//! room is ended and the others go on (see [`Sfu::enter`]). Knows nothing of sockets or threads.
//!
//! One batch of the worker is: [`Sfu::handle_datagram`] for each datagram, then [`Sfu::forward`] until it says
//! [`Forwarded::All`], flushing the send slab in between. Walking a whole batch subscriber by subscriber puts the
//! packets of one subscriber side by side, which is what lets the kernel take them as one (GSO).

use crate::command::{Command, Counters, Event, Join, LeaveReason, ReOffer, RefuseError};
use crate::config::{WORKER_PARTICIPANTS_MAX, is_impossible};
use crate::deadlines::Deadlines;
use crate::demux::{Demux, ParticipantKey, Place, RoomKey};
use crate::dtls::DtlsAcceptor;
use crate::id::{ParticipantId, RoomId, WorkerId};
use crate::link::{LinkControl, LinkMessage, LinkedPacket};
use crate::room::{Change, Context, ExtensionBlock, Room};
use crate::rtp::{DatagramKind, classify};
use crate::sdp::Candidate;
use crate::sends::{NetPath, Sends};
use crate::stream::clock::WallClock;
use crate::stream::worker_time::Stopwatch;
use crate::stun;
use hashbrown::HashMap;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use slab::Slab;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often [`Event::Counters`] is given.
const COUNTERS_INTERVAL: Duration = Duration::from_secs(1);

/// What an [`Sfu`] is made from.
pub struct SfuConfig {
    /// Which worker this is; part of every ICE user name fragment it gives out.
    pub worker: WorkerId,
    /// The node's DTLS certificate and configurations.
    pub acceptor: Arc<DtlsAcceptor>,
    /// The candidates of every answer, best first.
    pub candidates: Vec<Candidate>,
    /// Seeds everything random here, ICE passwords included: from the operating system, except in tests.
    pub seed: [u8; 32],
    /// The wall time, for sender reports.
    pub wall: WallClock,
}

/// Whether [`Sfu::forward`] is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// Everything that arrived has been forwarded.
    All,
    /// The slab is full: flush it and call again.
    SlabFull,
}

/// See the module.
pub struct Sfu {
    config: SfuConfig,
    rng: ChaCha12Rng,
    rooms: Slab<Room>,
    room_keys: HashMap<RoomId, RoomKey>,
    places: HashMap<ParticipantId, Place>,
    demux: Demux,
    /// Rooms with packets to forward, in order of arrival.
    dirty: VecDeque<RoomKey>,
    /// When each room wants [`Sfu::handle_timeout`], by its key.
    deadlines: Deadlines,
    next_counters: Instant,
    events: VecDeque<Event>,
    /// What other workers are to be told. They take it within a turn.
    link_controls: VecDeque<(WorkerId, RoomId, LinkControl)>,
    counters: Counters,
    now: Instant,
    stopwatch: Stopwatch,
    /// See [`Context::blocks`].
    blocks: Vec<ExtensionBlock>,
}

impl Sfu {
    /// A worker's state without rooms.
    #[must_use]
    pub fn new(now: Instant, config: SfuConfig) -> Self {
        let counters = Counters { worker: Some(config.worker), ..Counters::default() };
        Self {
            rng: ChaCha12Rng::from_seed(config.seed),
            config,
            rooms: Slab::new(),
            room_keys: HashMap::new(),
            places: HashMap::new(),
            demux: Demux::default(),
            dirty: VecDeque::new(),
            deadlines: Deadlines::default(),
            next_counters: now,
            events: VecDeque::new(),
            link_controls: VecDeque::new(),
            counters,
            now,
            stopwatch: Stopwatch::new(now),
            blocks: Vec::new(),
        }
    }

    /// Takes one datagram. `bytes` is decrypted in place. Answers (STUN, DTLS) go into `sends`; media waits for
    /// [`Sfu::forward`]. Garbage is counted and dropped.
    pub fn handle_datagram(&mut self, now: Instant, from: NetPath, bytes: &mut [u8], sends: &mut Sends) {
        self.advance(now);
        match classify(bytes) {
            DatagramKind::Rtp => self.handle_media(from, bytes, sends, Room::handle_rtp),
            DatagramKind::Rtcp => self.handle_media(from, bytes, sends, Room::handle_rtcp),
            DatagramKind::Stun => self.handle_stun(from, bytes, sends),
            DatagramKind::Dtls => self.handle_media(from, bytes, sends, Room::handle_dtls),
            DatagramKind::Other => self.counters.drop_other += 1,
        }
    }

    /// Seals what arrived since the last call into `sends`, subscriber by subscriber.
    pub fn forward(&mut self, now: Instant, sends: &mut Sends) -> Forwarded {
        self.advance(now);
        while let Some(key) = self.dirty.pop_front() {
            if self.enter(key, sends, Room::forward) == Some(Forwarded::SlabFull) {
                self.dirty.push_front(key);
                return Forwarded::SlabFull;
            }
        }
        Forwarded::All
    }

    /// Takes what the worker `from` says about a room that both carry. Packets wait for [`Sfu::forward`] like those of
    /// participants. Messages about rooms that are gone here are late, and of no interest.
    pub fn handle_link(&mut self, now: Instant, from: WorkerId, message: LinkMessage<'_>, sends: &mut Sends) {
        self.advance(now);
        match message {
            LinkMessage::Packet(packet) => {
                if let Some(&key) = self.room_keys.get(&packet.room) {
                    self.enter(key, sends, |room, context| room.handle_linked_packet(context, from, &packet));
                }
            }
            LinkMessage::Control(room, LinkControl::Attach) => {
                let key = self.room_key(room, None);
                self.enter(key, sends, |room, context| room.handle_link(context, from, LinkControl::Attach));
            }
            LinkMessage::Control(room, control) => {
                if let Some(&key) = self.room_keys.get(&room) {
                    self.enter(key, sends, |room, context| room.handle_link(context, from, control));
                }
            }
        }
    }

    /// Gives the packets that arrived since the last call to the other workers that show them; call it before
    /// [`Sfu::forward`]. `send` says whether the link had room: what has none is lost, and a new picture is asked for.
    pub fn serve_links(
        &mut self,
        now: Instant,
        sends: &mut Sends,
        mut send: impl FnMut(WorkerId, &LinkedPacket<'_>) -> bool,
    ) {
        self.advance(now);
        let mut index = 0;
        while let Some(&key) = self.dirty.get(index) {
            if self.rooms[key.0].linked_workers().next().is_some() {
                self.enter(key, sends, |room, context| room.serve_links(context, &mut send));
            }
            // A room that fails is taken off the list.
            index += usize::from(self.dirty.get(index) == Some(&key));
        }
    }

    /// The next thing to tell another worker, oldest first: which, about which room, what. Told after the events that
    /// came before it, so that nobody sees a publication before signaling knows its publisher.
    pub fn poll_link(&mut self) -> Option<(WorkerId, RoomId, LinkControl)> {
        self.link_controls.pop_front()
    }

    /// Does what is due. Call at [`Sfu::poll_timeout`], or at any time before.
    pub fn handle_timeout(&mut self, now: Instant, sends: &mut Sends) {
        self.advance(now);
        if now >= self.next_counters {
            self.next_counters = now + COUNTERS_INTERVAL;
            self.events.push_back(Event::Counters(Box::new(self.snapshot())));
        }
        // As many turns as there are rooms: a room that is always due must not keep the worker from its sockets.
        for _ in 0..self.rooms.len() {
            let Some(room) = self.deadlines.due(now) else { return };
            self.enter(RoomKey(room), sends, Room::handle_timeout);
        }
    }

    /// When [`Sfu::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        self.deadlines.first().map_or(self.next_counters, |first| first.min(self.next_counters))
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Obeys a command.
    pub fn handle_command(&mut self, now: Instant, command: Command, sends: &mut Sends) {
        self.advance(now);
        match command {
            Command::Join(join) => self.join(*join, sends),
            Command::Offer(offer) => self.re_offer(*offer, sends),
            Command::Ready(id) => self.with_participant(id, sends, |room, context, key| room.set_ready(context, key)),
            Command::View(id, wishes) => {
                self.with_participant(id, sends, |room, context, key| room.set_wishes(context, key, &wishes));
            }
            Command::Mute(publication, muted) => {
                self.with_participant(publication.participant, sends, |room, context, key| {
                    room.set_muted(context, key, publication.mid, muted);
                });
            }
            Command::Leave(id) => {
                self.with_participant(id, sends, |room, context, key| room.leave(context, key, LeaveReason::Command));
            }
            Command::CloseRoom(id) => {
                if let Some(&key) = self.room_keys.get(&id) {
                    self.enter(key, sends, |room, context| room.close(context, LeaveReason::RoomClosed));
                }
            }
        }
    }

    /// An ICE-TCP connection ended: its path leads nowhere. The participant may have others.
    pub fn handle_disconnect(&mut self, now: Instant, path: NetPath, sends: &mut Sends) {
        self.advance(now);
        if let Some(place) = self.demux.by_path(path) {
            self.enter(place.room, sends, |room, context| room.handle_disconnect(context, place.participant, path));
        }
    }

    /// Rooms, participants, validated paths and user name fragments there are, for leak checks.
    #[must_use]
    pub fn sizes(&self) -> [usize; 4] {
        let (paths, ufrags) = self.demux.sizes();
        [self.rooms.len(), self.places.len(), paths, ufrags]
    }

    /// Everything counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.snapshot()
    }

    fn handle_media(
        &mut self,
        from: NetPath,
        bytes: &mut [u8],
        sends: &mut Sends,
        handle: fn(&mut Room, &mut Context<'_>, ParticipantKey, NetPath, &mut [u8]),
    ) {
        let Some(place) = self.demux.by_path(from) else {
            self.counters.drop_unknown_source += 1;
            return;
        };
        self.enter(place.room, sends, |room, context| handle(room, context, place.participant, from, bytes));
    }

    fn handle_stun(&mut self, from: NetPath, bytes: &[u8], sends: &mut Sends) {
        let ufrag = stun::username_of(bytes).and_then(|(local, _)| str::from_utf8(local).ok());
        let Some(ufrag) = ufrag else {
            self.counters.drop_stun += 1;
            return;
        };
        match self.demux.by_ufrag(ufrag) {
            Some(place) if !is_impossible(&from) => {
                self.enter(place.room, sends, |room, context| {
                    room.handle_stun(context, place.participant, from, bytes)
                });
            }
            _ => self.counters.drop_unknown_ufrag += 1,
        }
    }

    fn join(&mut self, join: Join, sends: &mut Sends) {
        let (room, participant) = (join.room, join.participant);
        let refusal = if self.places.contains_key(&participant) {
            Some(RefuseError::Participant)
        } else if self.places.len() >= WORKER_PARTICIPANTS_MAX {
            Some(RefuseError::Overloaded)
        } else {
            None
        };
        if let Some(error) = refusal {
            self.events.push_back(Event::Refused { participant, n: 1, error });
            return;
        }
        let key = self.room_key(room, join.home);
        self.enter(key, sends, |room, context| room.join(context, join));
    }

    /// The room of this name; made if it is not there.
    fn room_key(&mut self, id: RoomId, home: Option<WorkerId>) -> RoomKey {
        let make = || RoomKey(self.rooms.insert(Room::new(self.now, id, home)));
        *self.room_keys.entry(id).or_insert_with(make)
    }

    fn re_offer(&mut self, offer: ReOffer, sends: &mut Sends) {
        let (participant, n) = (offer.participant, offer.n);
        match self.places.get(&participant) {
            Some(&place) => {
                self.enter(place.room, sends, |room, context| room.re_offer(context, place.participant, offer));
            }
            None => self.events.push_back(Event::Refused { participant, n, error: RefuseError::Participant }),
        }
    }

    /// Commands of participants that have just left by themselves are no mistake of anybody: they do nothing.
    fn with_participant(
        &mut self,
        id: ParticipantId,
        sends: &mut Sends,
        act: impl FnOnce(&mut Room, &mut Context<'_>, ParticipantKey),
    ) {
        if let Some(&place) = self.places.get(&id) {
            self.enter(place.room, sends, |room, context| act(room, context, place.participant));
        }
    }

    /// Runs one room. The only place where a panic is caught: it ends this room and leaves the others alone.
    fn enter<R>(
        &mut self,
        key: RoomKey,
        sends: &mut Sends,
        act: impl FnOnce(&mut Room, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let room = self.rooms.get_mut(key.0)?;
        let mut context = Context {
            now: self.now,
            time: self.stopwatch.time(self.now),
            config: &self.config,
            rng: &mut self.rng,
            sends,
            events: &mut self.events,
            counters: &mut self.counters,
            blocks: &mut self.blocks,
        };
        // What a panic leaves half done is in the room, which is dropped, or in the slab, whose datagrams are whole.
        let result = catch_unwind(AssertUnwindSafe(|| act(room, &mut context)));
        match result {
            Ok(result) => {
                self.settle(key);
                Some(result)
            }
            Err(_) => {
                self.fail(key);
                None
            }
        }
    }

    /// Brings the tables in line with what the room just did.
    fn settle(&mut self, key: RoomKey) {
        let room = &mut self.rooms[key.0];
        while let Some(change) = room.poll_change() {
            let place = |participant| Place { room: key, participant };
            match change {
                Change::Joined(id, participant) => drop(self.places.insert(id, place(participant))),
                Change::Left(id) => drop(self.places.remove(&id)),
                Change::UfragAdded(participant, ufrag) => self.demux.add_ufrag(&ufrag, place(participant)),
                Change::UfragRemoved(ufrag) => self.demux.remove_ufrag(&ufrag),
                Change::PathAdded(participant, path) => self.demux.add_path(path, place(participant)),
                Change::PathRemoved(participant, path) => self.demux.remove_path(path, place(participant)),
                Change::Link(worker, control) => self.link_controls.push_back((worker, room.id(), control)),
            }
        }
        if room.is_empty() {
            self.remove(key);
            return;
        }
        if room.take_dirty() {
            self.dirty.push_back(key);
        }
        self.deadlines.set(key.0, room.deadline());
    }

    fn remove(&mut self, key: RoomKey) {
        let room = self.rooms.remove(key.0);
        for worker in room.linked_workers() {
            self.link_controls.push_back((worker, room.id(), LinkControl::Detach));
        }
        self.room_keys.remove(&room.id());
        self.deadlines.remove(key.0);
        self.dirty.retain(|dirty| *dirty != key);
    }

    /// A panic in a room is a defect of ours: the room is dropped as it is, and all that leads to it. Nothing of it is
    /// run again, for there is no telling in which state it was left.
    fn fail(&mut self, key: RoomKey) {
        self.counters.room_panics += 1;
        let id = self.rooms[key.0].id();
        tracing::error!(room = ?id, "a defect ended a room; the panic message above says where");
        let mut left: Vec<ParticipantId> =
            self.places.iter().filter(|(_, place)| place.room == key).map(|(participant, _)| *participant).collect();
        left.sort_unstable();
        for participant in left {
            self.places.remove(&participant);
            self.events.push_back(Event::Left { participant, reason: LeaveReason::RoomFailed });
        }
        self.events.push_back(Event::RoomFailed(id));
        self.demux.remove_room(key);
        self.remove(key);
    }

    /// A copy of the counters with what is counted per participant and what lives now.
    fn snapshot(&self) -> Counters {
        let mut counters = self.counters.clone();
        counters.rooms = self.rooms.iter().filter(|(_, room)| !room.is_satellite()).count() as u32;
        counters.participants = self.places.len() as u32;
        for (_, room) in &self.rooms {
            let (publications, subscriptions) = room.counts();
            counters.publications += publications;
            counters.subscriptions += subscriptions;
            room.add_drops(&mut counters);
        }
        counters
    }

    fn advance(&mut self, now: Instant) {
        assert!(now >= self.now, "time goes backwards");
        self.now = now;
    }
}

#[cfg(test)]
mod tests;
