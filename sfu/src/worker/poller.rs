//! What a worker waits for: its sockets, its inboxes and the clock, in one epoll.

use super::udp::UdpSockets;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

/// Readiness reports taken in one go; the rest are reported at the next wait.
const EVENTS_MAX: usize = 256;

const UDP4: Token = Token(0);
const UDP6: Token = Token(1);
const WAKER: Token = Token(2);
/// TCP connections have this plus their number.
const TCP_BASE: usize = 16;

/// Waits for a worker.
pub struct Poller {
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    ready: Ready,
}

/// What has become ready since the last wait. Readiness is told once: whoever is told reads until there is no more.
#[derive(Debug, Default)]
pub struct Ready {
    /// Datagrams at the IPv4 socket.
    pub udp4: bool,
    /// Datagrams at the IPv6 socket.
    pub udp6: bool,
    /// Something in an inbox.
    pub inbox: bool,
    /// TCP connections that can be read or written.
    pub tcp: Vec<TcpReady>,
}

/// One ready TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpReady {
    /// Its number, as in [`crate::sends::Via::Tcp`].
    pub number: u32,
    /// There are bytes, an end or an error to read.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
}

impl Poller {
    /// Opens an epoll.
    ///
    /// # Errors
    /// When the process has no file descriptors left.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Self { poll, events: Events::with_capacity(EVENTS_MAX), waker, ready: Ready::default() })
    }

    /// Wakes [`Poller::wait`] from another thread; for [`super::inbox::inbox`].
    #[must_use]
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Where [`super::tcp::TcpConnections`] registers its connections.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Watches the sockets for datagrams.
    ///
    /// # Errors
    /// As `epoll_ctl`.
    pub fn watch_udp(&self, sockets: &UdpSockets) -> io::Result<()> {
        for (socket, token) in [(sockets.ipv4(), UDP4), (sockets.ipv6(), UDP6)] {
            if let Some(socket) = socket {
                let fd = socket.as_fd().as_raw_fd();
                self.poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE)?;
            }
        }
        Ok(())
    }

    /// Waits until something is ready or `timeout` has passed (`None`: for ever).
    ///
    /// # Errors
    /// As `epoll_wait`; an interruption counts as nothing being ready.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<&Ready> {
        self.ready.clear();
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(&self.ready),
            Err(error) => return Err(error),
        }
        for event in &self.events {
            match event.token() {
                UDP4 => self.ready.udp4 = true,
                UDP6 => self.ready.udp6 = true,
                WAKER => self.ready.inbox = true,
                token => self.ready.tcp.push(TcpReady {
                    number: tcp_number(token),
                    readable: event.is_readable() || event.is_read_closed() || event.is_error(),
                    writable: event.is_writable(),
                }),
            }
        }
        Ok(&self.ready)
    }
}

impl Ready {
    fn clear(&mut self) {
        (self.udp4, self.udp6, self.inbox) = (false, false, false);
        self.tcp.clear();
    }
}

pub(super) fn tcp_token(number: u32) -> Token {
    Token(TCP_BASE + number as usize)
}

fn tcp_number(token: Token) -> u32 {
    u32::try_from(token.0 - TCP_BASE).expect("only tcp_token makes the other tokens")
}
