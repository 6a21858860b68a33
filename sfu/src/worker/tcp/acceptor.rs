//! The node's one TCP port: accepts, waits for the first message, and hands over to the worker that it names.
//!
//! Runs on a thread of its own, asleep nearly always, so that no worker serves strangers. Until a connection has shown
//! a message for a worker it gets no byte back, five seconds, one buffer, and a place among few.

use super::Accepted;
use super::framing::{FrameReader, Oversize};
use crate::id::WorkerId;
use crate::worker::inbox::InboxSender;
use crate::worker::udp::BindError;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time for the first message. ICE sends it with the handshake done; a second round trip is the exception.
const FIRST_MESSAGE_TIME: Duration = Duration::from_secs(5);
/// Connections that have not named a worker yet: with their buffers 2 MiB.
const PENDING_MAX: usize = 256;
/// Of these, connections of one address.
const PENDING_PER_IP_MAX: usize = 16;
/// How often deadlines are looked at while connections are pending.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);
/// Retry after the process ran out of descriptors, of which no event tells the end.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);
const EVENTS_MAX: usize = 64;

const LISTENER: Token = Token(usize::MAX);
const STOP: Token = Token(usize::MAX - 1);

/// Reads from a STUN message for which worker it is; `None` for anything else.
pub type WorkerOfMessage = fn(&[u8]) -> Option<WorkerId>;

/// The listener and the connections that nobody owns yet.
pub struct Acceptor {
    poll: Poll,
    listener: TcpListener,
    workers: Vec<InboxSender<Accepted>>,
    worker_of_message: WorkerOfMessage,
    pending: Slab<Pending>,
    control: Arc<Control>,
    waker: Arc<Waker>,
    accept_failed: bool,
}

/// Stops an [`Acceptor`] from another thread and reads its counters.
#[derive(Clone)]
pub struct AcceptorHandle {
    control: Arc<Control>,
    waker: Arc<Waker>,
    local_address: SocketAddr,
}

/// What is shared with the handle. Atomics, since it is read by whoever serves metrics.
#[derive(Default)]
struct Control {
    stop: AtomicBool,
    handed_over: AtomicU64,
    refused: AtomicU64,
}

struct Pending {
    stream: TcpStream,
    remote: SocketAddr,
    reader: FrameReader,
    deadline: Instant,
}

/// What a pending connection has shown so far.
enum First {
    NotYet,
    For(WorkerId),
    Unwanted,
}

impl Acceptor {
    /// Listens at `address`. `workers` are in the order of their ids.
    ///
    /// # Errors
    /// [`BindError`] naming the port.
    pub fn bind(
        address: SocketAddr,
        workers: Vec<InboxSender<Accepted>>,
        worker_of_message: WorkerOfMessage,
    ) -> Result<Self, BindError> {
        let other = |source| BindError::new("TCP", address, source);
        let mut listener = TcpListener::bind(address).map_err(other)?;
        let poll = Poll::new().map_err(other)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).map_err(other)?;
        let waker = Arc::new(Waker::new(poll.registry(), STOP).map_err(other)?);
        let (pending, control) = (Slab::new(), Arc::default());
        Ok(Self { poll, listener, workers, worker_of_message, pending, control, waker, accept_failed: false })
    }

    /// The way to stop it and to see what it does.
    ///
    /// # Errors
    /// As `getsockname`.
    pub fn handle(&self) -> io::Result<AcceptorHandle> {
        let (control, waker) = (Arc::clone(&self.control), Arc::clone(&self.waker));
        Ok(AcceptorHandle { control, waker, local_address: self.listener.local_addr()? })
    }

    /// Serves until [`AcceptorHandle::stop`].
    ///
    /// # Errors
    /// As `epoll_wait`, which fails only for faults of this process.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.control.stop.load(Ordering::Acquire) {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            let now = Instant::now();
            for event in &events {
                match event.token() {
                    LISTENER | STOP => {}
                    Token(key) => self.handle_readable(key),
                }
            }
            // Also without an event, in case of a failure before.
            self.accept_all(now);
            self.pending_of(|pending| now >= pending.deadline).into_iter().for_each(|key| self.refuse(key));
        }
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        if self.accept_failed { Some(ACCEPT_RETRY) } else { (!self.pending.is_empty()).then_some(SWEEP_INTERVAL) }
    }

    fn accept_all(&mut self, now: Instant) {
        loop {
            match self.listener.accept() {
                Ok((stream, remote)) => self.admit(now, stream, remote),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.accept_failed = false;
                    return;
                }
                // The client gave up before we came.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.accept_failed = true;
                    return;
                }
            }
        }
    }

    fn admit(&mut self, now: Instant, mut stream: TcpStream, remote: SocketAddr) {
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let of_ip = self.pending_of(|pending| pending.remote.ip() == remote.ip()).len();
        if self.pending.len() >= PENDING_MAX || of_ip >= PENDING_PER_IP_MAX {
            self.control.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let place = self.pending.vacant_entry();
        // Frames are whole messages: waiting to fill a segment would only delay them.
        let set_up = stream
            .set_nodelay(true)
            .and_then(|()| self.poll.registry().register(&mut stream, Token(place.key()), Interest::READABLE));
        if set_up.is_err() {
            self.control.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        place.insert(Pending { stream, remote, reader: FrameReader::new(), deadline: now + FIRST_MESSAGE_TIME });
    }

    fn handle_readable(&mut self, key: usize) {
        let Some(pending) = self.pending.get_mut(key) else { return };
        match pending.read_first(self.worker_of_message) {
            First::NotYet => {}
            First::For(worker) => self.hand_over(key, worker),
            First::Unwanted => self.refuse(key),
        }
    }

    fn hand_over(&mut self, key: usize, worker: WorkerId) {
        let Pending { mut stream, remote, reader, .. } = self.pending.remove(key);
        let _ = self.poll.registry().deregister(&mut stream);
        let accepted = Accepted { stream, remote, reader };
        let sent = self.workers.get(usize::from(worker.0)).is_some_and(|worker| worker.send(accepted).is_ok());
        let counter = if sent { &self.control.handed_over } else { &self.control.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn refuse(&mut self, key: usize) {
        let mut pending = self.pending.remove(key);
        let _ = self.poll.registry().deregister(&mut pending.stream);
        self.control.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn pending_of(&self, mut wanted: impl FnMut(&Pending) -> bool) -> Vec<usize> {
        self.pending.iter().filter(|(_, pending)| wanted(pending)).map(|(key, _)| key).collect()
    }
}

impl Pending {
    fn read_first(&mut self, worker_of_message: WorkerOfMessage) -> First {
        loop {
            match self.reader.peek() {
                Ok(Some(frame)) => {
                    return worker_of_message(self.reader.bytes(frame)).map_or(First::Unwanted, First::For);
                }
                Ok(None) => match self.reader.fill(&mut self.stream) {
                    Ok(0) => return First::Unwanted,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return First::NotYet,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return First::Unwanted,
                },
                Err(Oversize) => return First::Unwanted,
            }
        }
    }
}

impl AcceptorHandle {
    /// Lets [`Acceptor::run`] return.
    pub fn stop(&self) {
        self.control.stop.store(true, Ordering::Release);
        let _ = self.waker.wake();
    }

    /// Connections given to workers so far.
    #[must_use]
    pub fn handed_over(&self) -> u64 {
        self.control.handed_over.load(Ordering::Relaxed)
    }

    /// Connections closed without having been given to a worker.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.control.refused.load(Ordering::Relaxed)
    }

    /// Where it listens, with the port that the kernel chose.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }
}
