//! The worker: one thread with its own UDP port that moves bytes between sockets and [`crate::sfu::Sfu`].
//!
//! This module and its children are the only ones of the crate that open sockets, read the clock and wait. They
//! decide nothing.

pub mod gso;
pub mod inbox;
pub mod poller;
mod syscall;
pub mod tcp;
pub mod udp;

use crate::command::{Command, Event};
use std::net::{IpAddr, SocketAddr};

/// How to start the workers of a node.
#[derive(Clone, Debug)]
pub struct WorkersConfig {
    /// How many threads; 0: one per core.
    pub workers: usize,
    /// Addresses to bind, one per family; the port is `udp_port_base` plus the worker's number.
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
    #[error("cannot open {protocol} {address}: {source}. Free the port, or set another in [media]")]
    Bind {
        /// "UDP" or "TCP".
        protocol: &'static str,
        /// What was to be opened.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate for DTLS could not be made.
    #[error("cannot make the DTLS certificate: {0}")]
    Certificate(String),
    /// A thread could not be started.
    #[error("cannot start a media worker thread: {0}")]
    Thread(std::io::Error),
}

/// The command queue of a worker is full: it is overloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the media worker's command queue is full")]
pub struct QueueFull;

/// The running workers. Dropping it stops and joins the threads.
#[derive(Debug)]
pub struct Workers {}

impl Workers {
    /// Binds the ports and starts the threads. Every worker's events go to `events`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(config: &WorkersConfig, events: tokio::sync::mpsc::Sender<Event>) -> Result<Self, StartError> {
        let _ = (config, events);
        Ok(Self {})
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        0
    }

    /// The worker with the least load now, for a new room.
    #[must_use]
    pub fn least_loaded(&self) -> crate::id::WorkerId {
        crate::id::WorkerId(0)
    }

    /// Hands a command to the worker of its room.
    ///
    /// # Errors
    /// [`QueueFull`]: nothing was handed over.
    pub fn send(&self, worker: crate::id::WorkerId, command: Command) -> Result<(), QueueFull> {
        let _ = (worker, command);
        Err(QueueFull)
    }

    /// The UDP addresses each worker really bound, worker 0 first.
    #[must_use]
    pub fn udp_addresses(&self) -> &[Vec<SocketAddr>] {
        &[]
    }
}
