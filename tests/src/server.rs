//! The server of a world: the real media cores in virtual time, and between them the rings that link the threads of a
//! node. Knows nothing of bots and networks.

use crate::allocation::{self, Tally};
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tillside_sfu::command::{Command, Counters, Event};
use tillside_sfu::dtls::{DtlsAcceptor, DtlsIdentity};
use tillside_sfu::id::WorkerId;
use tillside_sfu::link::{LinkMessage, LinkedPacket};
use tillside_sfu::sdp::Candidate;
use tillside_sfu::sends::{NetPath, Sends};
use tillside_sfu::sfu::{Forwarded, Sfu, SfuConfig};
use tillside_sfu::stream::clock::WallClock;
use tillside_sfu::worker::link::{LinkReceiver, LinkSender, link};

/// How long what one worker tells another is under way: a wake-up and the turn that it interrupts.
const LINK_DELAY: Duration = Duration::from_micros(500);
/// Messages of other workers that a worker takes before it forwards.
const LINK_BATCH: usize = 256;

/// See the module.
pub(crate) struct Server {
    workers: Vec<Worker>,
    /// By the worker that sends and the one that receives.
    links: BTreeMap<(usize, usize), Link>,
    /// What waits to be flushed.
    pub(crate) sends: Sends,
    /// What was allocated while RTP was taken in and while it was forwarded.
    pub(crate) media_path: Tally,
}

/// One core.
struct Worker {
    address: SocketAddr,
    sfu: Sfu,
}

/// The link from one worker to another.
struct Link {
    sender: LinkSender,
    receiver: LinkReceiver,
    /// When what was sent first and not received yet arrives.
    due: Option<Instant>,
    /// The receiving worker does not look at it.
    stalled: bool,
}

impl Server {
    pub(crate) fn new(now: Instant, count: usize, rng: &mut ChaCha12Rng) -> Self {
        let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to))).filter(|(from, to)| from != to);
        Self {
            workers: (0..count).map(|index| Worker::new(now, index, rng)).collect(),
            links: pairs.map(|pair| (pair, Link::new())).collect(),
            sends: Sends::default(),
            media_path: Tally::default(),
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers.len()
    }

    pub(crate) fn address(&self, worker: usize) -> SocketAddr {
        self.workers[worker].address
    }

    pub(crate) fn counters(&self, worker: usize) -> Counters {
        self.workers[worker].sfu.counters()
    }

    /// Rooms, participants, paths and user name fragments of all workers.
    pub(crate) fn sizes(&self) -> [usize; 4] {
        let sizes = self.workers.iter().map(|worker| worker.sfu.sizes());
        sizes.fold([0; 4], |sum, sizes| std::array::from_fn(|index| sum[index] + sizes[index]))
    }

    pub(crate) fn stall_link(&mut self, from: usize, to: usize, stalled: bool) {
        self.links.get_mut(&(from, to)).expect("two workers").stalled = stalled;
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let links = self.links.values().filter(|link| !link.stalled).filter_map(|link| link.due);
        self.workers.iter().map(|worker| worker.sfu.poll_timeout()).chain(links).min()
    }

    pub(crate) fn poll_event(&mut self, worker: usize) -> Option<Event> {
        self.workers[worker].sfu.poll_event()
    }

    pub(crate) fn handle_command(&mut self, now: Instant, worker: usize, command: Command) {
        self.workers[worker].sfu.handle_command(now, command, &mut self.sends);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, worker: usize) {
        let sfu = &mut self.workers[worker].sfu;
        if sfu.poll_timeout() <= now {
            sfu.handle_timeout(now, &mut self.sends);
        }
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, worker: usize, from: SocketAddr, bytes: &mut [u8]) {
        let Self { workers, sends, .. } = self;
        let is_rtp = is_rtp(bytes);
        let sfu = &mut workers[worker].sfu;
        let ((), tally) = allocation::count(|| sfu.handle_datagram(now, NetPath::udp(from), bytes, sends));
        if is_rtp {
            self.media_path += tally;
        }
    }

    /// Gives what arrived at a worker to the others that show it.
    pub(crate) fn serve_links(&mut self, now: Instant, worker: usize) {
        let Self { workers, links, sends, .. } = self;
        let send = |to: WorkerId, packet: &LinkedPacket<'_>| {
            let link = links.get_mut(&(worker, usize::from(to.0))).expect("a linked worker");
            link.due = link.due.or(Some(now + LINK_DELAY));
            link.sender.send_packet(packet)
        };
        let ((), tally) = allocation::count(|| workers[worker].sfu.serve_links(now, sends, send));
        self.media_path += tally;
    }

    /// Seals what arrived at a worker for its subscribers, as much as fits before a flush.
    pub(crate) fn forward(&mut self, now: Instant, worker: usize) -> Forwarded {
        let Self { workers, sends, .. } = self;
        let (forwarded, tally) = allocation::count(|| workers[worker].sfu.forward(now, sends));
        self.media_path += tally;
        forwarded
    }

    /// Tells other workers what is not packets.
    pub(crate) fn tell_workers(&mut self, now: Instant, worker: usize) {
        while let Some((to, room, control)) = self.workers[worker].sfu.poll_link() {
            let link = self.links.get_mut(&(worker, usize::from(to.0))).expect("a linked worker");
            link.sender.send_control(room, control);
            link.due = link.due.or(Some(now + LINK_DELAY));
        }
    }

    /// Hands over what has arrived from other workers, a batch at a time. False if there was nothing.
    pub(crate) fn read_links(&mut self, now: Instant, worker: usize) -> bool {
        let Self { workers, links, sends, media_path } = self;
        let sfu = &mut workers[worker].sfu;
        let mut left = LINK_BATCH;
        for ((from, to), link) in links {
            if *to != worker || link.stalled || link.due.is_none_or(|due| due > now) {
                continue;
            }
            let from = WorkerId(u8::try_from(*from).expect("a small world"));
            let mut handle = |message: LinkMessage<'_>| {
                let is_packet = matches!(message, LinkMessage::Packet(_));
                let ((), tally) = allocation::count(|| sfu.handle_link(now, from, message, sends));
                if is_packet {
                    *media_path += tally;
                }
            };
            while left > 0 && link.receiver.receive(&mut handle) {
                left -= 1;
            }
            link.sender.flush();
            link.due = link.due.filter(|_| link.receiver.has_more());
        }
        left < LINK_BATCH
    }
}

impl Worker {
    fn new(now: Instant, index: usize, rng: &mut ChaCha12Rng) -> Self {
        let id = u8::try_from(index).expect("a small world");
        let address: SocketAddr = ([192, 0, 2, 1], 7900 + u16::from(id)).into();
        let config = SfuConfig {
            worker: WorkerId(id),
            acceptor: identity(),
            candidates: vec![Candidate::udp(address, u16::MAX)],
            seed: rng.random(),
            wall: WallClock::new(now, Duration::from_secs(1_700_000_000)),
        };
        Self { address, sfu: Sfu::new(now, config) }
    }
}

impl Link {
    fn new() -> Self {
        let (sender, receiver) = link();
        Self { sender, receiver, due: None, stalled: false }
    }
}

/// Whether a datagram is RTP: no STUN, no DTLS (RFC 7983 §7) and no RTCP (RFC 5761 §4).
#[must_use]
pub fn is_rtp(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, kind, ..] if !(192..224).contains(kind))
}

/// Certificates take longer than handshakes, and are no part of any story: one for all servers of all worlds.
fn identity() -> Arc<DtlsAcceptor> {
    static IDENTITY: OnceLock<Arc<DtlsAcceptor>> = OnceLock::new();
    let make = || {
        let identity = DtlsIdentity::generate().expect("a certificate can be made");
        Arc::new(DtlsAcceptor::for_simulation(identity, 1).expect("it is valid"))
    };
    Arc::clone(IDENTITY.get_or_init(make))
}
