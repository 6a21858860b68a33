//! The worker's UDP sockets, one per address family, on one port: batches in, batches out, never blocking.
//!
//! Owns the sockets, the receive buffer and the counters of what the kernel did. Knows nothing of what the bytes mean.

mod sender;

use super::gso::{Run, RunHistogram, runs};
use super::poller::Ready;
use super::syscall::{self, BATCH, DATAGRAM_ROOM, ReceiveArrays};
use crate::sends::{NetPath, Sends, Via};
use sender::Sender;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// Asked of the kernel for each socket and direction; 4 MiB hold some 20 ms of a full core's sending. What it grants
/// depends on `net.core.rmem_max` and `wmem_max`; see [`UdpSockets::buffers`].
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// The sockets of one worker.
pub struct UdpSockets {
    ipv4: Option<Half>,
    ipv6: Option<Half>,
    /// Read first next time, so that a flood on one family does not silence the other.
    next_ipv6: bool,
    sender: Sender,
    /// See [`UdpCounters::unreadable`].
    unreadable: u64,
}

/// One family's socket.
struct Half {
    socket: Socket,
    /// There may be datagrams left from the last readiness report.
    readable: bool,
    /// Runs to send that wait for a batch of them; empty between calls.
    waiting: Vec<Run>,
}

/// What the kernel did, since the start.
#[derive(Clone, Debug)]
pub struct UdpCounters {
    /// Messages sent, by the number of datagrams in them.
    pub runs: RunHistogram,
    /// Datagrams longer than our buffer or without an IP sender.
    pub unreadable: u64,
    /// Runs that the kernel refused as such, after which segmentation offload was turned off.
    pub segmentation_refused: u64,
}

/// What became of the datagrams of one [`UdpSockets::send`] or [`super::tcp::TcpConnections::send`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendReport {
    /// Taken by the kernel, or queued on a connection.
    pub sent: u64,
    /// Dropped because a buffer was full: late media is worth nothing.
    pub dropped: u64,
    /// Not deliverable: no route, no permission, too long for the path, or the connection is gone.
    pub failed: u64,
}

/// Sizes that the kernel granted to a socket, in bytes; it counts its own overhead in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// Receiving.
    pub receive: usize,
    /// Sending.
    pub send: usize,
}

/// Why a socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody has the port.
    #[error("{protocol} port {} is in use ({address}): stop the other process or configure another port", address.port())]
    PortInUse {
        /// `UDP` or `TCP`.
        protocol: &'static str,
        /// What was to be bound.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("cannot open {protocol} {address}")]
    Other {
        /// `UDP` or `TCP`.
        protocol: &'static str,
        /// What was to be bound.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl BindError {
    pub(super) fn new(protocol: &'static str, address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { protocol, address },
            _ => Self::Other { protocol, address, source },
        }
    }
}

impl UdpSockets {
    /// Opens one socket per given address. Port 0 lets the kernel choose.
    ///
    /// # Errors
    /// [`BindError`] naming the port, also when this machine lacks the address family.
    pub fn bind(ipv4: Option<SocketAddrV4>, ipv6: Option<SocketAddrV6>) -> Result<Self, BindError> {
        let ipv4 = ipv4.map(|address| Half::bind(address.into())).transpose()?;
        let ipv6 = ipv6.map(|address| Half::bind(address.into())).transpose()?;
        let has_segmentation = ipv4.iter().chain(&ipv6).all(|half| syscall::has_segmentation(&half.socket));
        Ok(Self { ipv4, ipv6, next_ipv6: false, sender: Sender::new(has_segmentation), unreadable: 0 })
    }

    pub(super) fn ipv4(&self) -> Option<&Socket> {
        self.ipv4.as_ref().map(|half| &half.socket)
    }

    pub(super) fn ipv6(&self) -> Option<&Socket> {
        self.ipv6.as_ref().map(|half| &half.socket)
    }

    /// The addresses bound, with the ports that the kernel chose.
    pub fn local_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let halves = self.ipv4.iter().chain(&self.ipv6);
        halves.filter_map(|half| half.socket.local_addr().ok().and_then(|address| address.as_socket()))
    }

    /// The buffers granted to each socket. Much below the 4 MiB asked for, bursts get lost: worth a line in the log.
    pub fn buffers(&self) -> impl Iterator<Item = io::Result<Buffers>> {
        self.ipv4
            .iter()
            .chain(&self.ipv6)
            .map(|half| Ok(Buffers { receive: half.socket.recv_buffer_size()?, send: half.socket.send_buffer_size()? }))
    }

    /// Whether runs leave as one message each.
    #[must_use]
    pub fn has_segmentation(&self) -> bool {
        self.sender.has_segmentation()
    }

    /// Sends each datagram alone from now on. For measurements and for devices that misbehave.
    pub fn turn_segmentation_off(&mut self) {
        self.sender.turn_segmentation_off();
    }

    /// What the kernel did so far.
    #[must_use]
    pub fn counters(&self) -> UdpCounters {
        let (runs, segmentation_refused) = self.sender.counters();
        UdpCounters { runs: runs.clone(), unreadable: self.unreadable, segmentation_refused }
    }

    /// Takes note of a readiness report.
    pub fn handle_ready(&mut self, ready: &Ready) {
        for (half, readable) in [(&mut self.ipv4, ready.udp4), (&mut self.ipv6, ready.udp6)] {
            if let Some(half) = half {
                half.readable |= readable;
            }
        }
    }

    /// Whether [`UdpSockets::receive`] may find datagrams without a new readiness report: do not wait then.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.ipv4.iter().chain(&self.ipv6).any(|half| half.readable)
    }

    /// Fills `batch` from one of the sockets and returns the number of datagrams; 0 when there are no more.
    ///
    /// # Errors
    /// Only for faults of this process (no memory, socket closed), never for what arrived.
    pub fn receive(&mut self, batch: &mut ReceiveBatch) -> io::Result<usize> {
        batch.count = 0;
        let mut halves = [&mut self.ipv4, &mut self.ipv6];
        halves.rotate_left(usize::from(self.next_ipv6));
        self.next_ipv6 = !self.next_ipv6;
        for half in halves.into_iter().flatten().filter(|half| half.readable) {
            match batch.arrays.receive(&half.socket, &mut batch.buffer) {
                Ok(count) => {
                    // A batch that is not full has emptied the socket, and what comes now is reported anew.
                    half.readable = count == BATCH;
                    self.unreadable += batch.take_names(count);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => half.readable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(0)
    }

    /// Sends all UDP datagrams of the slab, in order for each destination. Never waits: what finds a buffer full is
    /// dropped, and what the kernel refuses for one destination harms no other.
    pub fn send(&mut self, sends: &Sends) -> SendReport {
        let mut report = SendReport::default();
        for run in runs(sends.datagrams(), self.sender.segments_max()) {
            let to = sends.path(&sends.datagrams()[run.first]);
            if to.via() != Via::Udp {
                continue;
            }
            let half = if to.remote().is_ipv4() { &mut self.ipv4 } else { &mut self.ipv6 };
            let Some(half) = half else {
                report.failed += run.count as u64;
                continue;
            };
            half.waiting.push(run);
            if half.waiting.len() == BATCH {
                self.sender.send(&half.socket, sends, &half.waiting, &mut report);
                half.waiting.clear();
            }
        }
        for half in [&mut self.ipv4, &mut self.ipv6].into_iter().flatten() {
            self.sender.send(&half.socket, sends, &half.waiting, &mut report);
            half.waiting.clear();
        }
        report
    }
}

impl Half {
    fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let socket = Self::open(address).map_err(|error| BindError::new("UDP", address, error))?;
        Ok(Self { socket, readable: true, waiting: Vec::with_capacity(BATCH) })
    }

    fn open(address: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if address.is_ipv6() {
            // IPv4 has its own socket; a mapped address would be a second name for one remote (trap H4).
            socket.set_only_v6(true)?;
        }
        syscall::set_dont_fragment(&socket, address.is_ipv6())?;
        socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES)?;
        socket.set_send_buffer_size(SOCKET_BUFFER_BYTES)?;
        socket.bind(&address.into())?;
        Ok(socket)
    }
}

/// Up to 32 received datagrams. Allocated once per worker.
pub struct ReceiveBatch {
    buffer: Box<[u8]>,
    arrays: ReceiveArrays,
    /// Sender and length of each; `None` for one to skip.
    names: [Option<(NetPath, usize)>; BATCH],
    count: usize,
}

impl Default for ReceiveBatch {
    fn default() -> Self {
        let buffer = vec![0; BATCH * DATAGRAM_ROOM].into_boxed_slice();
        Self { buffer, arrays: ReceiveArrays::new(), names: [None; BATCH], count: 0 }
    }
}

impl ReceiveBatch {
    /// The datagrams in the order of arrival, to be decrypted in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (NetPath, &mut [u8])> {
        let rooms = self.buffer.chunks_exact_mut(DATAGRAM_ROOM);
        let named = self.names.iter().take(self.count).zip(rooms);
        named.filter_map(|(name, room)| name.map(|(from, len)| (from, &mut room[..len])))
    }

    /// Reads the senders of the last `count` datagrams; returns how many of these have to be skipped.
    fn take_names(&mut self, count: usize) -> u64 {
        for (index, name) in self.names.iter_mut().take(count).enumerate() {
            *name = self.arrays.received(index).map(|(from, len)| (NetPath::udp(from), len));
        }
        self.count = count;
        self.names[..count].iter().filter(|name| name.is_none()).count() as u64
    }
}

#[cfg(test)]
mod tests;
