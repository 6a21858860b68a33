//! The workers of a node, as signaling sees them.

use super::inbox::{InboxSender, inbox};
use super::links::{Links, mesh};
use super::poller::Poller;
use super::rest::Rest;
use super::stress::{BUSY_PERMILLE_MAX, Stress};
use super::tcp::acceptor::{Acceptor, AcceptorHandle};
use super::tcp::{Accepted, TcpConnections};
use super::udp::{BindError, ReceiveBatch, UdpSockets};
use super::{Shared, Worker};
use crate::command::{Command, Event};
use crate::config::COMMANDS_MAX;
use crate::dtls::{DtlsAcceptor, DtlsIdentity, DtlsSetupError};
use crate::ice::UfragRoute;
use crate::id::WorkerId;
use crate::sdp::Candidate;
use crate::sends::Sends;
use crate::sfu::{Sfu, SfuConfig};
use crate::stream::clock::WallClock;
use crate::stun;
use rand::TryRng;
use rand::rngs::SysRng;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

/// Most workers: their number is part of a user name fragment.
const WORKERS_MAX: usize = 256;

/// How to start the workers of a node.
#[derive(Clone, Debug)]
pub struct WorkersConfig {
    /// How many threads; 0: one per core.
    pub workers: usize,
    /// Addresses to bind, at most one per family; the port is `udp_port_base` plus the worker's number.
    pub bind: Vec<IpAddr>,
    /// UDP port of worker 0. 0: any free port each (tests).
    pub udp_port_base: u16,
    /// The one ICE-TCP port of the node; `None`: no ICE-TCP.
    pub tcp_port: Option<u16>,
    /// Addresses written into answers, best first. Empty: the bound addresses.
    pub advertise: Vec<IpAddr>,
}

/// Why workers could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken or may not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The certificate for DTLS could not be made.
    #[error("cannot set up DTLS: {0}")]
    Dtls(#[from] DtlsSetupError),
    /// The system refused a thread, an epoll, random numbers or the like.
    #[error("cannot start a media worker: {0}")]
    System(#[from] io::Error),
    /// More than can be addressed.
    #[error("{0} media workers are too many; at most {WORKERS_MAX} can be addressed")]
    TooMany(usize),
}

/// Why a command was not handed over: the worker is overloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Too many commands wait already.
    #[error("the media worker's command queue is full")]
    QueueFull,
    /// Whoever joined now would take from those who are here. Only joins are not taken for this.
    #[error("the media worker is too busy for newcomers")]
    Busy,
}

/// The running workers. Dropping it stops and joins the threads.
pub struct Workers {
    threads: Vec<Running>,
    acceptor: Option<(AcceptorHandle, JoinHandle<io::Result<()>>)>,
    udp_addresses: Vec<Vec<SocketAddr>>,
}

struct Running {
    commands: InboxSender<Command>,
    shared: Arc<Shared>,
    waker: Arc<mio::Waker>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// A worker before its thread runs, when its port is known but the TCP port of all is not yet.
struct Bound {
    poller: Poller,
    udp: UdpSockets,
    tcp: TcpConnections,
    accepted: InboxSender<Accepted>,
}

impl Workers {
    /// Binds the ports and starts the threads. Every worker's events go to `events`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(config: &WorkersConfig, events: tokio::sync::mpsc::Sender<Event>) -> Result<Self, StartError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let count = if config.workers == 0 { cores() } else { config.workers };
        if count > WORKERS_MAX {
            return Err(StartError::TooMany(count));
        }
        let acceptor = Arc::new(DtlsAcceptor::new(DtlsIdentity::generate()?)?);
        let bound = (0..count).map(|index| Bound::new(config, index)).collect::<Result<Vec<_>, _>>()?;
        let udp_addresses = bound.iter().map(|bound| bound.udp.local_addresses().collect()).collect();
        let tcp = bind_tcp(config, &bound)?;
        let tcp_address = tcp.as_ref().map(|(handle, _)| handle.local_address());
        let now = Instant::now();
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // One for all: the clocks of publishers are led over from worker to worker.
        let wall = WallClock::new(now, since_epoch);
        let links = mesh(&bound.iter().map(|bound| bound.poller.waker()).collect::<Vec<_>>());
        let mut threads = Vec::with_capacity(count);
        for (index, (bound, links)) in bound.into_iter().zip(links).enumerate() {
            let candidates = bound.candidates(config, tcp_address);
            let mut seed = [0; 32];
            SysRng.try_fill_bytes(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
            let acceptor = Arc::clone(&acceptor);
            let worker = WorkerId(index as u8);
            let sfu = Sfu::new(now, SfuConfig { worker, acceptor, candidates, seed, wall });
            threads.push(bound.start(sfu, worker, links, &events)?);
        }
        Ok(Self { threads, acceptor: tcp, udp_addresses })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.threads.len()
    }

    /// Of the workers that `may` carry it, the one with the least load now, for a new room or satellite; a
    /// busy one only where all are.
    #[must_use]
    pub fn least_loaded(&self, may: impl Fn(WorkerId) -> bool) -> Option<WorkerId> {
        let load =
            |shared: &Shared| shared.participants.load(Ordering::Relaxed) + shared.placed.load(Ordering::Relaxed);
        let workers = (0..=u8::MAX).map(WorkerId).zip(&self.threads).filter(|(worker, _)| may(*worker));
        let order = |shared: &Shared| (shared.is_too_busy(), load(shared));
        let (worker, running) = workers.min_by_key(|(_, running)| order(&running.shared))?;
        running.shared.placed.fetch_add(1, Ordering::Relaxed);
        Some(worker)
    }

    /// Hands a command to the worker of its room.
    ///
    /// # Errors
    /// [`NotTaken`]: nothing was handed over.
    pub fn send(&self, worker: WorkerId, command: Command) -> Result<(), NotTaken> {
        let running = self.threads.get(usize::from(worker.0)).ok_or(NotTaken::QueueFull)?;
        if matches!(command, Command::Join(_)) && running.shared.is_too_busy() {
            return Err(NotTaken::Busy);
        }
        running.commands.send(command).map_err(|_| NotTaken::QueueFull)
    }

    /// The UDP addresses each worker really bound, worker 0 first.
    #[must_use]
    pub fn udp_addresses(&self) -> &[Vec<SocketAddr>] {
        &self.udp_addresses
    }

    /// The ICE-TCP address, if there is one.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.acceptor.as_ref().map(|(handle, _)| handle.local_address())
    }
}

impl Shared {
    /// Whether it takes nobody new.
    fn is_too_busy(&self) -> bool {
        self.busy_permille.load(Ordering::Relaxed) >= BUSY_PERMILLE_MAX
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.acceptor.take() {
            handle.stop();
            let _ = thread.join();
        }
        for running in &mut self.threads {
            running.shared.stop.store(true, Ordering::Relaxed);
            let _ = running.waker.wake();
            if let Some(thread) = running.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

impl Bound {
    fn new(config: &WorkersConfig, index: usize) -> Result<Self, StartError> {
        let port = match config.udp_port_base {
            0 => 0,
            base => base.saturating_add(index as u16),
        };
        let v4 = config
            .bind
            .iter()
            .find_map(|ip| if let IpAddr::V4(ip) = ip { Some(SocketAddrV4::new(*ip, port)) } else { None });
        let v6 = config
            .bind
            .iter()
            .find_map(|ip| if let IpAddr::V6(ip) = ip { Some(SocketAddrV6::new(*ip, port, 0, 0)) } else { None });
        let udp = UdpSockets::bind(v4, v6)?;
        let poller = Poller::new()?;
        poller.watch_udp(&udp)?;
        let (tcp, accepted) = TcpConnections::new(&poller)?;
        Ok(Self { poller, udp, tcp, accepted })
    }

    /// The candidates of its answers.
    fn candidates(&self, config: &WorkersConfig, tcp: Option<SocketAddr>) -> Vec<Candidate> {
        let local: Vec<SocketAddr> = self.udp.local_addresses().collect();
        candidates(&config.advertise, &local, tcp)
    }

    fn start(
        self,
        sfu: Sfu,
        id: WorkerId,
        links: Links,
        events: &tokio::sync::mpsc::Sender<Event>,
    ) -> Result<Running, StartError> {
        let waker = self.poller.waker();
        let (commands, receiver) = inbox(COMMANDS_MAX, Arc::clone(&waker));
        let shared = Arc::new(Shared::default());
        let worker = Worker {
            sfu,
            sends: Sends::default(),
            poller: self.poller,
            udp: self.udp,
            tcp: self.tcp,
            batch: ReceiveBatch::default(),
            links,
            commands: receiver,
            events: events.clone(),
            held_event: None,
            told_workers: true,
            shared: Arc::clone(&shared),
            rest: Rest::new(Instant::now()),
            stress: Stress::new(Instant::now()),
            dropped_sends: 0,
        };
        let thread = std::thread::Builder::new().name(format!("media-{}", id.0)).spawn(move || worker.run())?;
        Ok(Running { commands, shared, waker, thread: Some(thread) })
    }
}

type Acceptance = (AcceptorHandle, JoinHandle<io::Result<()>>);

fn bind_tcp(config: &WorkersConfig, bound: &[Bound]) -> Result<Option<Acceptance>, StartError> {
    let Some(port) = config.tcp_port else { return Ok(None) };
    let senders = bound.iter().map(|bound| bound.accepted.clone()).collect();
    let ip = config.bind.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let acceptor = Acceptor::bind(SocketAddr::new(ip, port), senders, worker_of_message)?;
    let handle = acceptor.handle()?;
    let thread = std::thread::Builder::new().name("media-accept".to_owned()).spawn(move || acceptor.run())?;
    Ok(Some((handle, thread)))
}

/// Which worker a STUN message is for, by the user name fragment that the worker made.
fn worker_of_message(message: &[u8]) -> Option<WorkerId> {
    stun::username_of(message).and_then(|(local, _)| UfragRoute::of_ufrag(local)).map(|route| route.worker)
}

/// The candidates of a worker's answers: every advertised address with the worker's port, then with the TCP port.
fn candidates(advertise: &[IpAddr], local: &[SocketAddr], tcp: Option<SocketAddr>) -> Vec<Candidate> {
    let port_of = |v4: bool| local.iter().find(|address| address.is_ipv4() == v4).map(SocketAddr::port);
    let is_specific =
        |ip: &IpAddr| *ip != IpAddr::V4(Ipv4Addr::UNSPECIFIED) && *ip != IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let bound: Vec<IpAddr> = local.iter().map(SocketAddr::ip).filter(is_specific).collect();
    let addresses = if advertise.is_empty() { &bound[..] } else { advertise };
    let mut candidates = Vec::new();
    for (index, ip) in addresses.iter().enumerate() {
        let preference = u16::MAX - index as u16;
        if let Some(port) = port_of(ip.is_ipv4()) {
            candidates.push(Candidate::udp(SocketAddr::new(*ip, port), preference));
        }
    }
    for (index, ip) in addresses.iter().enumerate() {
        if let Some(tcp) = tcp.filter(|tcp| tcp.is_ipv4() == ip.is_ipv4()) {
            candidates.push(Candidate::tcp(SocketAddr::new(*ip, tcp.port()), u16::MAX - index as u16));
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Join;
    use crate::id::{ParticipantId, RoomId};
    use crate::sdp::{Offer, Purpose};

    #[tokio::test]
    async fn a_busy_worker_takes_nobody_new_and_everything_else() {
        let (events, _received) = tokio::sync::mpsc::channel(64);
        let bind = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let config = WorkersConfig { workers: 1, bind, udp_port_base: 0, tcp_port: None, advertise: Vec::new() };
        let mut workers = Workers::start(&config, events).unwrap();
        let join = || {
            Command::Join(Box::new(Join {
                room: RoomId(1),
                participant: ParticipantId(1),
                offer: Offer::parse(OFFER).unwrap(),
                tracks: Vec::new(),
                subscribe: true,
                priority: 0,
                purpose: Purpose::Play,
                home: None,
            }))
        };
        // Its thread would say that it is not busy; without one, what is not refused for that finds no queue.
        let running = &mut workers.threads[0];
        running.shared.stop.store(true, Ordering::Relaxed);
        running.waker.wake().unwrap();
        running.thread.take().unwrap().join().unwrap().unwrap();
        let busy = |workers: &Workers, permille| {
            workers.threads[0].shared.busy_permille.store(permille, Ordering::Relaxed);
        };
        busy(&workers, BUSY_PERMILLE_MAX);
        assert_eq!(workers.send(WorkerId(0), join()), Err(NotTaken::Busy));
        assert_eq!(workers.send(WorkerId(0), Command::Leave(ParticipantId(1))), Err(NotTaken::QueueFull));
        busy(&workers, BUSY_PERMILLE_MAX - 1);
        assert_eq!(workers.send(WorkerId(0), join()), Err(NotTaken::QueueFull));
    }

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
        a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n\
        a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:\
        10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=rtpmap:111 opus/48000/2\r\n";
}
