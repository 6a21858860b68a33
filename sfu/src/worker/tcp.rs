//! ICE over TCP (RFC 6544), for networks that let no UDP through: the connections of one worker.
//!
//! A node has one TCP port. [`acceptor::Acceptor`] takes connections there, learns from the first STUN message which
//! worker they belong to, and hands them over; from then on a connection is read and written by its worker only, as
//! [`Via::Tcp`] with a number. Datagrams are framed by their length (RFC 4571). Every buffer is bounded: what a slow
//! reader does not take is dropped, like a full UDP socket would.

pub mod acceptor;
mod connection;
mod framing;

use super::inbox::{InboxSender, inbox};
use super::poller::{Poller, TcpReady, tcp_token};
use super::udp::SendReport;
use crate::sends::{NetPath, Sends, Via};
use connection::{Connection, Received};
use framing::FrameReader;
use hashbrown::HashMap;
use mio::{Interest, Registry};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// Connections of one worker: with their buffers at most 512 × 264 KiB.
pub const CONNECTIONS_MAX: usize = 512;
/// Connections of one address at one worker. Offices share an address; a single browser needs one connection.
pub const CONNECTIONS_PER_IP_MAX: usize = 64;
/// Silence after which a connection is closed. ICE consent ends after 30 s already (RFC 7675 §5.1), so this only
/// collects connections that no transport uses.
pub const IDLE_MAX: Duration = Duration::from_secs(60);
/// A connection that takes nothing for so long will not recover in time for a call.
pub const STUCK_MAX: Duration = Duration::from_secs(10);
/// How often [`TcpConnections::handle_timeout`] has something to do.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// Frames of one connection before the next one's turn.
const FRAMES_PER_TURN: usize = 32;
/// Connections under way from the acceptor to a worker.
const ACCEPTED_MAX: usize = 128;

/// A connection on its way to the worker that its first message named.
pub struct Accepted {
    stream: mio::net::TcpStream,
    remote: SocketAddr,
    /// What was read so far, the first message included.
    reader: FrameReader,
}

/// The connections of one worker.
pub struct TcpConnections {
    registry: Registry,
    accepted: Receiver<Accepted>,
    connections: HashMap<u32, Connection>,
    per_ip: BTreeMap<IpAddr, usize>,
    /// Numbers of connections that may have something to read, each once.
    readable: VecDeque<u32>,
    /// Frames the first of them may still give in this turn.
    turn: usize,
    /// Paths of connections that have ended, for [`TcpConnections::poll_closed`]; at most [`CONNECTIONS_MAX`], the
    /// latest, as the others have no consent any more.
    closed: VecDeque<NetPath>,
    /// Numbers with something to write after [`TcpConnections::send`]; empty between calls.
    written: Vec<u32>,
    next_number: u32,
    swept: Option<Instant>,
    counters: TcpCounters,
}

/// What happened to the connections of a worker since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpCounters {
    /// Taken over from the acceptor.
    pub opened: u64,
    /// Refused because of [`CONNECTIONS_MAX`] or [`CONNECTIONS_PER_IP_MAX`].
    pub refused: u64,
    /// Ended by the client, or broken.
    pub closed: u64,
    /// Closed because of a frame longer than we read.
    pub oversize: u64,
    /// Closed because of [`IDLE_MAX`].
    pub idle: u64,
    /// Closed because of [`STUCK_MAX`].
    pub stuck: u64,
}

impl TcpConnections {
    /// The connections of the worker that waits at `poller`, and where the acceptor sends new ones.
    ///
    /// # Errors
    /// When the process has no file descriptors left.
    pub fn new(poller: &Poller) -> io::Result<(Self, InboxSender<Accepted>)> {
        let (sender, accepted) = inbox(ACCEPTED_MAX, poller.waker());
        let connections = Self {
            registry: poller.registry().try_clone()?,
            accepted,
            connections: HashMap::new(),
            per_ip: BTreeMap::new(),
            readable: VecDeque::new(),
            turn: FRAMES_PER_TURN,
            closed: VecDeque::new(),
            written: Vec::new(),
            next_number: 0,
            swept: None,
            counters: TcpCounters::default(),
        };
        Ok((connections, sender))
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> TcpCounters {
        self.counters
    }

    /// Connections open now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Takes over accepted connections; call when the poller reports an inbox.
    pub fn handle_accepted(&mut self, now: Instant) {
        while let Ok(accepted) = self.accepted.try_recv() {
            self.open(now, accepted);
        }
    }

    /// Takes note of a readiness report, and writes what waited for room.
    pub fn handle_ready(&mut self, now: Instant, ready: &TcpReady) {
        let Some(connection) = self.connections.get_mut(&ready.number) else { return };
        if ready.readable && connection.note_readable() {
            self.readable.push_back(ready.number);
        }
        if ready.writable && connection.flush(now).is_err() {
            self.counters.closed += 1;
            self.close(ready.number);
        }
    }

    /// Whether [`TcpConnections::receive`] may find datagrams without a new readiness report: do not wait then.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.readable.is_empty()
    }

    /// The next datagram of any connection, a few of each in turn; `None` when there are no more. A busy connection can
    /// go on for ever, so look at the UDP sockets in between.
    pub fn receive(&mut self, now: Instant) -> Option<(NetPath, &mut [u8])> {
        let (number, frame) = loop {
            let number = *self.readable.front()?;
            let received = self.connections.get_mut(&number).map_or(Received::Nothing, |c| c.receive(now));
            match received {
                Received::Frame(frame) => break (number, frame),
                Received::Nothing => self.end_turn(),
                Received::Oversize => {
                    self.counters.oversize += 1;
                    self.end_turn();
                    self.close(number);
                }
                Received::End => {
                    self.counters.closed += 1;
                    self.end_turn();
                    self.close(number);
                }
            }
        };
        self.turn -= 1;
        if self.turn == 0 {
            self.end_turn();
            self.readable.push_back(number);
        }
        let connection = self.connections.get_mut(&number).expect("it has just given a frame");
        Some((NetPath::new(connection.remote, Via::Tcp(number)), connection.bytes(frame)))
    }

    /// Queues and writes all TCP datagrams of the slab. Never waits: a full queue drops the datagram.
    pub fn send(&mut self, now: Instant, sends: &Sends) -> SendReport {
        let mut report = SendReport::default();
        for datagram in sends.datagrams() {
            let Via::Tcp(number) = sends.path(datagram).via() else { continue };
            let Some(connection) = self.connections.get_mut(&number) else {
                report.failed += 1;
                continue;
            };
            if connection.queue(sends.bytes(datagram)) {
                report.sent += 1;
                if self.written.last() != Some(&number) {
                    self.written.push(number);
                }
            } else {
                report.dropped += 1;
            }
        }
        while let Some(number) = self.written.pop() {
            let broken = self.connections.get_mut(&number).is_some_and(|connection| connection.flush(now).is_err());
            if broken {
                self.counters.closed += 1;
                self.close(number);
            }
        }
        report
    }

    /// The next path that leads nowhere any more, since its connection has ended. Whoever does not ask learns it when
    /// consent runs out.
    pub fn poll_closed(&mut self) -> Option<NetPath> {
        self.closed.pop_front()
    }

    /// Closes what has been idle or stuck for too long. Cheap when called more often than each [`SWEEP_INTERVAL`].
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now < swept + SWEEP_INTERVAL) {
            return;
        }
        self.swept = Some(now);
        let numbers: Vec<u32> = self.connections.keys().copied().collect();
        for number in numbers {
            let connection = &self.connections[&number];
            let idle = connection.is_idle(now);
            if idle || connection.is_stuck(now) {
                let counter = if idle { &mut self.counters.idle } else { &mut self.counters.stuck };
                *counter += 1;
                self.close(number);
            }
        }
    }

    fn open(&mut self, now: Instant, accepted: Accepted) {
        let Accepted { mut stream, remote, reader } = accepted;
        let of_ip = self.per_ip.get(&remote.ip()).copied().unwrap_or(0);
        if self.connections.len() >= CONNECTIONS_MAX || of_ip >= CONNECTIONS_PER_IP_MAX {
            self.counters.refused += 1;
            return;
        }
        let number = self.free_number();
        if self.registry.register(&mut stream, tcp_token(number), Interest::READABLE | Interest::WRITABLE).is_err() {
            self.counters.refused += 1;
            return;
        }
        self.counters.opened += 1;
        *self.per_ip.entry(remote.ip()).or_insert(0) += 1;
        self.connections.insert(number, Connection::new(now, stream, remote, reader));
        self.readable.push_back(number);
    }

    /// Numbers are not used again soon, so that a path of a closed connection does not lead to another.
    fn free_number(&mut self) -> u32 {
        while self.connections.contains_key(&self.next_number) {
            self.next_number = self.next_number.wrapping_add(1);
        }
        let number = self.next_number;
        self.next_number = self.next_number.wrapping_add(1);
        number
    }

    fn end_turn(&mut self) {
        self.turn = FRAMES_PER_TURN;
        self.readable.pop_front();
    }

    fn close(&mut self, number: u32) {
        let Some(mut connection) = self.connections.remove(&number) else { return };
        if self.closed.len() == CONNECTIONS_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(NetPath::new(connection.remote, Via::Tcp(number)));
        // Closing the descriptor takes it out of the epoll as well, so an error here changes nothing.
        let _ = self.registry.deregister(&mut connection.stream);
        let count = self.per_ip.get_mut(&connection.remote.ip()).expect("every connection is counted");
        *count -= 1;
        if *count == 0 {
            self.per_ip.remove(&connection.remote.ip());
        }
    }
}

#[cfg(test)]
mod tests;
