//! The fan over loopback UDP: a batch read, opened, sealed for each subscriber, and sent.
//!
//! The system calls are those of the node's own sockets (`tillside_sfu::worker::udp`): recvmmsg, and sendmmsg with or
//! without UDP segmentation offload. Every subscriber has a socket like a bot of the swarm's, so that what the kernel
//! does on the way to it is the same as in a run of `load`; it is emptied while the clock stands, since a receiver's own
//! work is not the sender's.

use super::fan::Fan;
use crate::cpu::timed;
use crate::swarm::note_arrivals;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;
use tillside_sfu::sends::{NetPath, Sends};
use tillside_sfu::srtp::SrtpProfile;
use tillside_sfu::worker::poller::Poller;
use tillside_sfu::worker::udp::{ReceiveBatch, UdpSockets};

/// Datagrams that lie in the receive queue when the clock starts; a worker's batch.
const QUEUED: usize = 32;
/// Datagrams of the slab that make it be flushed.
const FLUSH_AT: usize = 512;
/// Receive buffer of a subscriber's socket, as the kernel counts: a queue's worth of the largest datagrams.
const SINK_BYTES: usize = 256 * 1024;
/// Readiness reports of subscribers taken in one go.
const EVENTS_MAX: usize = 1_024;
/// A datagram over loopback arrives at once; not seeing it for so long is a fault.
const ARRIVAL_MAX: Duration = Duration::from_secs(5);

/// A fan with sockets.
pub(super) struct SocketPart {
    fan: Fan,
    batch: usize,
    feeder: Socket,
    sockets: UdpSockets,
    address: SocketAddr,
    poller: Poller,
    received: ReceiveBatch,
    sends: Sends,
    sinks: Vec<Socket>,
    /// Watches the sinks.
    readers: Poll,
    paths: Vec<NetPath>,
    next: usize,
}

impl SocketPart {
    /// See [`Fan::new`]; with `segmentation`, the datagrams of a batch for one subscriber leave as one message.
    ///
    /// # Errors
    /// As opening sockets; most likely there are too few file descriptors.
    pub(super) fn new(
        profile: SrtpProfile,
        subscribers: usize,
        payload: usize,
        batch: usize,
        segmentation: bool,
    ) -> io::Result<Self> {
        let mut sockets = UdpSockets::bind(Some(loopback()), None).map_err(io::Error::other)?;
        if !segmentation {
            sockets.turn_segmentation_off();
        }
        let address = sockets.local_addresses().next().ok_or_else(|| io::Error::other("the socket has no address"))?;
        let poller = Poller::new()?;
        poller.watch_udp(&sockets)?;
        let readers = Poll::new()?;
        let sinks = (0..subscribers).map(|_| sink(&readers)).collect::<io::Result<Vec<Socket>>>()?;
        let paths = sinks.iter().map(path_to).collect::<io::Result<Vec<NetPath>>>()?;
        Ok(Self {
            fan: Fan::new(profile, subscribers, payload, batch),
            batch,
            feeder: Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?,
            sockets,
            address,
            poller,
            received: ReceiveBatch::default(),
            sends: Sends::default(),
            sinks,
            readers,
            paths,
            next: 0,
        })
    }

    /// Handles so many full receive batches; gives the datagrams sent and the CPU time taken.
    ///
    /// # Errors
    /// When loopback does not carry, or the kernel refuses to send.
    pub(super) fn run(&mut self, rounds: usize) -> io::Result<(u64, Duration)> {
        let (mut sent, mut time) = (0, Duration::ZERO);
        for _ in 0..rounds {
            self.fill()?;
            let (result, taken) = timed(|| self.drain());
            sent += result?;
            time += taken;
            self.empty_sinks()?;
        }
        Ok((sent, time))
    }

    fn fill(&mut self) -> io::Result<()> {
        for _ in 0..QUEUED {
            let sealed = self.fan.sealed();
            self.feeder.send_to(&sealed[self.next], &self.address.into())?;
            self.next = (self.next + 1) % sealed.len();
        }
        let ready = self.poller.wait(Some(ARRIVAL_MAX))?;
        self.sockets.handle_ready(ready);
        Ok(())
    }

    /// Reads what has come to the subscribers: untimed.
    fn empty_sinks(&mut self) -> io::Result<()> {
        let mut datagram = [0; 2_048];
        for sink in &mut self.sinks {
            while sink.read(&mut datagram).is_ok() {}
        }
        self.readers.poll(&mut Events::with_capacity(EVENTS_MAX), Some(Duration::ZERO))
    }

    fn drain(&mut self) -> io::Result<u64> {
        let Self { fan, batch, sockets, received, sends, paths, .. } = self;
        let (mut sent, mut arrived) = (0, 0);
        while arrived < QUEUED {
            let count = sockets.receive(received)?;
            if count == 0 {
                return Err(io::Error::other("loopback lost a datagram"));
            }
            arrived += count;
            let mut waiting = 0;
            for (index, (_, bytes)) in received.iter_mut().enumerate() {
                fan.open(waiting, bytes);
                waiting += 1;
                if waiting == *batch || index + 1 == count {
                    sent += fan_out(fan, waiting, paths, sends, sockets)?;
                    waiting = 0;
                }
            }
            sent += flush(sends, sockets)?;
        }
        Ok(sent)
    }
}

fn fan_out(
    fan: &mut Fan,
    count: usize,
    paths: &[NetPath],
    sends: &mut Sends,
    sockets: &mut UdpSockets,
) -> io::Result<u64> {
    let mut sent = Ok(0);
    fan.fan_out(count, |index, subscriber, packet| {
        sends.write(paths[index], |out| Some(subscriber.write(packet, out)));
        if sends.datagrams().len() >= FLUSH_AT
            && let Ok(so_far) = sent
        {
            sent = flush(sends, sockets).map(|more| so_far + more);
        }
    });
    sent
}

fn flush(sends: &mut Sends, sockets: &mut UdpSockets) -> io::Result<u64> {
    let report = sockets.send(sends);
    sends.clear();
    match (report.dropped, report.failed) {
        (0, 0) => Ok(report.sent),
        (dropped, failed) => Err(io::Error::other(format!("the kernel dropped {dropped} and refused {failed}"))),
    }
}

fn loopback() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)
}

fn sink(readers: &Poll) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(SINK_BYTES)?;
    socket.bind(&loopback().into())?;
    note_arrivals(&socket)?;
    let fd = socket.as_fd().as_raw_fd();
    readers.registry().register(&mut SourceFd(&fd), Token(0), Interest::READABLE)?;
    Ok(socket)
}

fn path_to(socket: &Socket) -> io::Result<NetPath> {
    let address = socket.local_addr()?.as_socket();
    address.map(NetPath::udp).ok_or_else(|| io::Error::other("the socket has no address"))
}
