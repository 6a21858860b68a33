//! A room on several workers: the home, its satellites, and what passes between them (see [`crate::link`]).
//!
//! Publications that come over a link are ordinary ones here, with rings of their own: subscribers get their packets
//! and repeats from this worker. All that differs is whom to ask for a keyframe, and whom to tell what is wanted.

mod packets;

use super::publication::{Downstream, Owner, Publication, PublicationKey, Upstream};
use super::{Change, Context, Room};
use crate::id::{PublicationId, WorkerId};
use crate::link::{Announcement, LinkControl, LinkedClock, LinkedId};
use crate::sdp::MediaKind;
use crate::stream::clock::PublisherClock;

/// The other workers that carry the room.
#[derive(Default)]
pub(super) struct Links {
    /// Whose satellite this is; `None`: this is the home.
    home: Option<WorkerId>,
    /// The home's satellites, or the satellite's home.
    peers: Vec<Peer>,
    /// Publications there ever were. Four thousand million of them outlast any room.
    births: u32,
    /// At a satellite: who is heard, the one to hear first in front.
    ranking: Vec<PublicationKey>,
    /// At the home: what was last told of that.
    told_ranking: Vec<PublicationId>,
    /// Arrivals, counted from the front, that were handed to the links.
    handed: usize,
}

/// A linked worker.
struct Peer {
    worker: WorkerId,
    /// What it announced, by [`LinkedId::index`], with [`LinkedId::birth`].
    announced: Vec<Option<(u32, PublicationKey)>>,
}

impl Links {
    pub(super) fn new(home: Option<WorkerId>) -> Self {
        let peers = home.into_iter().map(Peer::new).collect();
        Self { home, peers, ..Self::default() }
    }

    pub(super) fn is_satellite(&self) -> bool {
        self.home.is_some()
    }

    pub(super) fn has_satellites(&self) -> bool {
        self.home.is_none() && !self.peers.is_empty()
    }

    pub(super) fn workers(&self) -> impl Iterator<Item = WorkerId> + '_ {
        self.peers.iter().map(|peer| peer.worker)
    }

    /// All arrivals have been forwarded.
    pub(super) fn forwarded(&mut self) {
        self.handed = 0;
    }

    /// What another worker's name for a publication means here.
    fn key_of(&self, worker: WorkerId, id: LinkedId) -> Option<PublicationKey> {
        let peer = self.peers.iter().find(|peer| peer.worker == worker)?;
        let (birth, key) = (*peer.announced.get(id.index as usize)?)?;
        (birth == id.birth).then_some(key)
    }

    fn learn(&mut self, worker: WorkerId, id: LinkedId, key: PublicationKey) {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.worker == worker) else { return };
        let index = id.index as usize;
        if peer.announced.len() <= index {
            peer.announced.resize(index + 1, None);
        }
        peer.announced[index] = Some((id.birth, key));
    }

    fn forget(&mut self, key: PublicationKey) {
        for announced in self.peers.iter_mut().flat_map(|peer| &mut peer.announced) {
            announced.take_if(|(_, known)| *known == key);
        }
        self.ranking.retain(|ranked| *ranked != key);
    }

    fn downstream(&self, worker: WorkerId, kind: MediaKind) -> Downstream {
        let listens = self.home == Some(worker) && kind == MediaKind::Audio;
        Downstream { worker, wanted: 0, listens, feeds: Default::default() }
    }
}

impl Peer {
    fn new(worker: WorkerId) -> Self {
        Self { worker, announced: Vec::new() }
    }
}

impl Upstream {
    /// What to say when `bits` are wanted here and beyond.
    pub(super) fn tell_wanted(&mut self, bits: u8) -> Option<Change> {
        let is_news = std::mem::replace(&mut self.told_wanted, bits) != bits;
        is_news.then(|| Change::Link(self.worker, LinkControl::Wanted(self.id, bits)))
    }
}

impl Room {
    /// Something another worker says about the room.
    pub(crate) fn handle_link(&mut self, context: &mut Context<'_>, from: WorkerId, control: LinkControl) {
        match control {
            LinkControl::Attach => self.attach(context, from),
            LinkControl::Attached => self.drop_upstreams(context, from),
            LinkControl::Detach => self.detach(context, from),
            LinkControl::Publish(id, announced) => self.handle_publish(context, from, id, *announced),
            LinkControl::Wanted(id, bits) => self.handle_wanted(context, from, id, bits),
            LinkControl::Keyframe(id, encoding) => self.handle_linked_keyframe(context, id, encoding),
            LinkControl::Ranking(heard) => {
                let key_of = |id| self.publications.iter().find(|(_, publication)| publication.id == id);
                self.links.ranking = heard.into_iter().filter_map(key_of).map(|(key, _)| PublicationKey(key)).collect();
                self.place_all(context);
            }
            LinkControl::Unpublish(id) => {
                if let Some(key) = self.links.key_of(from, id) {
                    self.unpublish(key);
                    self.place_all(context);
                }
            }
            LinkControl::Mute(id, muted) => {
                if let Some(key) = self.links.key_of(from, id) {
                    self.mute(context, key, muted);
                }
            }
            LinkControl::Clock(clock) => self.handle_linked_clock(from, &clock),
        }
    }

    /// Adds a publication, and announces it.
    pub(super) fn publish(&mut self, mut publication: Publication) -> PublicationKey {
        let from = publication.upstream().map(|upstream| upstream.worker);
        self.links.births = self.links.births.wrapping_add(1);
        publication.birth = self.links.births;
        let others = self.links.workers().filter(|worker| Some(*worker) != from);
        publication.downstreams = others.map(|worker| self.links.downstream(worker, publication.kind)).collect();
        let key = PublicationKey(self.publications.insert(publication));
        self.announce(key);
        key
    }

    /// Tells all linked workers, but the one it comes from, what a publication is.
    pub(super) fn announce(&mut self, key: PublicationKey) {
        let publication = &self.publications[key.0];
        if !publication.downstreams.is_empty() {
            let announcement = Box::new(publication.announcement());
            self.tell_downstreams(key, |id| LinkControl::Publish(id, announcement.clone()));
        }
    }

    pub(super) fn tell_downstreams(&mut self, key: PublicationKey, control: impl Fn(LinkedId) -> LinkControl) {
        let publication = &self.publications[key.0];
        let id = publication.linked_id(key);
        let tell = |downstream: &Downstream| Change::Link(downstream.worker, control(id));
        self.changes.extend(publication.downstreams.iter().map(tell));
    }

    /// Passes on what a sender report said, to those who show the publication.
    pub(super) fn tell_clock(&mut self, key: PublicationKey, encoding: u8) {
        let publication = &self.publications[key.0];
        let Some(stream) = publication.encodings[usize::from(encoding)].clock else { return };
        let publisher = self.publisher_clock(publication).clone();
        for downstream in publication.downstreams.iter().filter(|downstream| downstream.wanted != 0) {
            let (publication, publisher) = (publication.linked_id(key), publisher.clone());
            let clock = LinkControl::Clock(LinkedClock { publication, encoding, stream, publisher });
            self.changes.push_back(Change::Link(downstream.worker, clock));
        }
    }

    /// Tells satellites who is heard, when that has changed.
    pub(super) fn tell_ranking(&mut self) {
        if !self.links.has_satellites() {
            return;
        }
        let ranking: Vec<PublicationId> = self.speakers.ranking().map(|key| self.publications[key.0].id).collect();
        if ranking != self.links.told_ranking {
            self.links.told_ranking.clone_from(&ranking);
            for worker in self.links.workers() {
                self.changes.push_back(Change::Link(worker, LinkControl::Ranking(ranking.clone())));
            }
        }
    }

    /// Publications that are heard, the one to hear first in front.
    pub(super) fn ranking(&self) -> Vec<PublicationKey> {
        if self.links.is_satellite() { self.links.ranking.clone() } else { self.speakers.ranking().collect() }
    }

    /// The clock of the participant who sends a publication.
    pub(super) fn publisher_clock<'a>(&'a self, publication: &'a Publication) -> &'a PublisherClock {
        match &publication.owner {
            Owner::Participant(key) => &self.participants[key.0].uplink.clock,
            Owner::Upstream(upstream) => &upstream.clock,
        }
    }

    /// Asks other workers for the keyframes that are due.
    pub(super) fn ask_upstreams(&mut self, context: &Context<'_>) {
        let mut next = None;
        for (_, publication) in &mut self.publications {
            let Owner::Upstream(upstream) = &publication.owner else { continue };
            for (index, encoding) in publication.encodings.iter_mut().enumerate() {
                if encoding.keyframes.poll(context.now) {
                    let ask = LinkControl::Keyframe(upstream.id, index as u8);
                    self.changes.push_back(Change::Link(upstream.worker, ask));
                }
                next = next.into_iter().chain(encoding.keyframes.poll_timeout(context.now)).min();
            }
        }
        self.timers.set_upstreams(next);
    }

    /// Forgets packets of a publication that wait to be forwarded.
    pub(super) fn drop_arrivals(&mut self, key: PublicationKey) {
        let handed = &self.arrivals[..self.links.handed];
        self.links.handed = handed.iter().filter(|arrival| arrival.publication != key).count();
        self.arrivals.retain(|arrival| arrival.publication != key);
        self.links.forget(key);
    }

    /// Another worker has a satellite of this room.
    fn attach(&mut self, context: &mut Context<'_>, from: WorkerId) {
        if self.links.is_satellite() {
            return;
        }
        self.detach(context, from);
        self.links.peers.push(Peer::new(from));
        self.changes.push_back(Change::Link(from, LinkControl::Attached));
        for (key, publication) in &mut self.publications {
            publication.downstreams.push(self.links.downstream(from, publication.kind));
            let (id, announcement) = (publication.linked_id(PublicationKey(key)), Box::new(publication.announcement()));
            self.changes.push_back(Change::Link(from, LinkControl::Publish(id, announcement)));
        }
        let ranking = LinkControl::Ranking(self.links.told_ranking.clone());
        self.changes.push_back(Change::Link(from, ranking));
    }

    /// A linked worker does not carry the room any more.
    fn detach(&mut self, context: &mut Context<'_>, from: WorkerId) {
        self.drop_upstreams(context, from);
        self.links.peers.retain(|peer| peer.worker != from);
        for (_, publication) in &mut self.publications {
            publication.downstreams.retain(|downstream| downstream.worker != from);
        }
    }

    /// Forgets all that a worker announced.
    fn drop_upstreams(&mut self, context: &mut Context<'_>, from: WorkerId) {
        let is_from = |publication: &Publication| match &publication.owner {
            Owner::Participant(_) => false,
            Owner::Upstream(upstream) => upstream.worker == from,
        };
        let gone: Vec<usize> =
            self.publications.iter().filter(|(_, publication)| is_from(publication)).map(|(key, _)| key).collect();
        for key in &gone {
            self.unpublish(PublicationKey(*key));
        }
        if !gone.is_empty() {
            self.place_all(context);
        }
    }

    fn handle_publish(&mut self, context: &mut Context<'_>, from: WorkerId, id: LinkedId, announced: Announcement) {
        if let Some(key) = self.links.key_of(from, id) {
            self.publications[key.0].update(announced);
            self.announce(key);
        } else if self.links.workers().any(|worker| worker == from) {
            let key = self.publish(Publication::linked(from, id, announced));
            self.links.learn(from, id, key);
        }
        self.place_all(context);
    }

    /// What another worker and those behind it want of a publication.
    fn handle_wanted(&mut self, context: &mut Context<'_>, from: WorkerId, id: LinkedId, bits: u8) {
        let Some(key) = self.key_of_ours(id) else { return };
        let publication = &mut self.publications[key.0];
        let Some(downstream) = publication.downstreams.iter_mut().find(|to| to.worker == from) else { return };
        let before = std::mem::replace(&mut downstream.wanted, bits);
        if before == 0 && bits != 0 {
            (0..self.publications[key.0].encodings.len()).for_each(|encoding| self.tell_clock(key, encoding as u8));
        }
        if bits & !before != 0 {
            // What is wanted no more may be sent until the next turn of choices.
            self.tell_publishers(context);
        }
    }

    fn handle_linked_keyframe(&mut self, context: &Context<'_>, id: LinkedId, encoding: u8) {
        let Some(key) = self.key_of_ours(id) else { return };
        let Publication { owner, encodings, .. } = &mut self.publications[key.0];
        if let Some(encoding) = encodings.get_mut(usize::from(encoding)) {
            encoding.keyframes.request();
            self.timers.wake_owner(owner, context.now);
        }
    }

    fn handle_linked_clock(&mut self, from: WorkerId, clock: &LinkedClock) {
        let Some(key) = self.links.key_of(from, clock.publication) else { return };
        let publication = &mut self.publications[key.0];
        let Some(encoding) = publication.encodings.get_mut(usize::from(clock.encoding)) else { return };
        encoding.clock = Some(clock.stream);
        if let Some(upstream) = publication.upstream() {
            upstream.clock = clock.publisher.clone();
        }
        self.tell_clock(key, clock.encoding);
    }

    /// A publication by the name that this side gave it.
    fn key_of_ours(&self, id: LinkedId) -> Option<PublicationKey> {
        let publication = self.publications.get(id.index as usize)?;
        (publication.birth == id.birth).then_some(PublicationKey(id.index as usize))
    }
}

impl Publication {
    /// What linked workers call it.
    fn linked_id(&self, key: PublicationKey) -> LinkedId {
        LinkedId { index: key.0 as u32, birth: self.birth }
    }
}
