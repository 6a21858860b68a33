//! The worker: one thread with its own UDP port that moves bytes between sockets and [`crate::sfu::Sfu`].
//!
//! This module and its children are the only ones of the crate that open sockets, read the clock and wait. They
//! decide nothing: what to send, to whom and when is the core's.

#![allow(clippy::disallowed_methods, reason = "this is the shell: it reads the clock and opens the sockets")]

pub mod gso;
pub mod inbox;
pub mod link;
mod links;
pub mod poller;
mod rest;
mod stress;
mod syscall;
pub mod tcp;
pub mod udp;
mod workers;

pub use workers::{NotTaken, StartError, Workers, WorkersConfig};

use crate::command::{Command, Event};
use crate::sends::Sends;
use crate::sfu::{Forwarded, Sfu};
use links::Links;
use poller::Poller;
use rest::Rest;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use stress::Stress;
use tcp::TcpConnections;
use tokio::sync::mpsc::Sender;
use udp::{ReceiveBatch, UdpSockets};

/// Batches read before timers and commands are looked at again: at 32 datagrams each a few milliseconds of work.
const BATCHES_PER_TURN: usize = 8;
/// TCP datagrams handled before they are forwarded.
const TCP_BATCH: usize = 32;
/// Longest wait. Nothing is lost by it: every deadline and every arrival wakes the worker.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// How soon to try again when signaling or another worker does not take what it is told fast enough.
const RETRY: Duration = Duration::from_millis(5);

/// Everything one worker thread owns.
struct Worker {
    sfu: Sfu,
    sends: Sends,
    poller: Poller,
    udp: UdpSockets,
    tcp: TcpConnections,
    batch: ReceiveBatch,
    links: Links,
    commands: Receiver<Command>,
    events: Sender<Event>,
    /// An event that the queue had no room for.
    held_event: Option<Event>,
    /// Whether other workers were told all there was.
    told_workers: bool,
    shared: Arc<Shared>,
    rest: Rest,
    stress: Stress,
    dropped_sends: u64,
}

/// What others may read of a worker, and how they stop it.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// How busy it was in the last second, in permille.
    busy_permille: AtomicU32,
    /// Participants, as of the last count.
    participants: AtomicU32,
    /// Rooms and satellites given to it since: they count before anybody has joined them.
    placed: AtomicU32,
}

impl Worker {
    /// Turns until it is told to stop: wait, read, forward, send.
    fn run(mut self) -> io::Result<()> {
        while !self.shared.stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            self.wait()?;
            let now = Instant::now();
            if let Some(busy) = self.stress.note_wait(began, now) {
                self.shared.busy_permille.store(busy, Ordering::Relaxed);
            }
            while let Ok(command) = self.commands.try_recv() {
                self.sfu.handle_command(now, command, &mut self.sends);
            }
            self.read_tcp(now);
            for _ in 0..BATCHES_PER_TURN {
                let now = Instant::now();
                let received = self.udp.receive(&mut self.batch)?;
                for (from, bytes) in self.batch.iter_mut() {
                    self.sfu.handle_datagram(now, from, bytes, &mut self.sends);
                }
                let linked = self.read_links(now);
                self.forward(now);
                if received + linked == 0 {
                    break;
                }
            }
            let now = Instant::now();
            if now >= self.sfu.poll_timeout() {
                self.sfu.handle_timeout(now, &mut self.sends);
                self.tcp.handle_timeout(now);
            }
            self.forward(now);
            self.hand_over_events();
            self.tell_workers();
        }
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        let busy = self.udp.has_more() || self.tcp.has_more();
        if !busy {
            self.take_rest();
        }
        let began = Instant::now();
        let until_due = self.sfu.poll_timeout().saturating_duration_since(began);
        let longest = if self.held_event.is_some() || !self.told_workers { RETRY } else { WAIT_MAX };
        let timeout = if !busy && self.links.may_sleep() { until_due.min(longest) } else { Duration::ZERO };
        let ready = self.poller.wait(Some(timeout))?;
        self.links.awake();
        let now = Instant::now();
        self.rest.note_wake(began, now);
        self.udp.handle_ready(ready);
        if ready.inbox {
            self.tcp.handle_accepted(now);
        }
        for connection in &ready.tcp {
            self.tcp.handle_ready(now, connection);
        }
        Ok(())
    }

    fn take_rest(&self) {
        let rest = self.rest.due(Instant::now());
        if !rest.is_zero() {
            std::thread::sleep(rest);
        }
    }

    fn read_tcp(&mut self, now: Instant) {
        for _ in 0..TCP_BATCH {
            let Some((from, bytes)) = self.tcp.receive(now) else { break };
            self.sfu.handle_datagram(now, from, bytes, &mut self.sends);
        }
        while let Some(path) = self.tcp.poll_closed() {
            self.sfu.handle_disconnect(now, path, &mut self.sends);
        }
    }

    /// Takes in what other workers sent. Returns how many messages.
    fn read_links(&mut self, now: Instant) -> usize {
        let Self { sfu, sends, links, .. } = self;
        links.receive(|from, message| sfu.handle_link(now, from, message, sends))
    }

    /// Gives what arrived to other workers, so that they begin at once; then seals it and sends it, slab by slab.
    fn forward(&mut self, now: Instant) {
        let Self { sfu, sends, links, .. } = self;
        sfu.serve_links(now, sends, |to, packet| links.send_packet(to, packet));
        links.ring();
        loop {
            let forwarded = self.sfu.forward(now, &mut self.sends);
            self.flush(now);
            if forwarded == Forwarded::All {
                return;
            }
        }
    }

    fn flush(&mut self, now: Instant) {
        if self.sends.is_empty() {
            return;
        }
        let udp = self.udp.send(&self.sends);
        self.dropped_sends += udp.dropped + udp.failed;
        if !self.tcp.is_empty() {
            let tcp = self.tcp.send(now, &self.sends);
            self.dropped_sends += tcp.dropped + tcp.failed;
        }
        self.sends.clear();
    }

    /// Tells other workers what is not packets, after signaling was told what came before: of a publisher before
    /// anybody is shown it.
    fn tell_workers(&mut self) {
        if self.held_event.is_some() {
            return;
        }
        while let Some((to, room, control)) = self.sfu.poll_link() {
            self.links.send_control(to, room, control);
        }
        self.told_workers = self.links.ring();
    }

    /// Gives events to signaling as far as it takes them; the rest wait in the core.
    fn hand_over_events(&mut self) {
        while let Some(mut event) = self.held_event.take().or_else(|| self.sfu.poll_event()) {
            if let Event::Counters(counters) = &mut event {
                counters.drop_send = self.dropped_sends;
                counters.busy_permille = self.shared.busy_permille.load(Ordering::Relaxed);
                counters.gso_segments = self.udp.counters().runs.by_size();
                self.shared.participants.store(counters.participants, Ordering::Relaxed);
                self.shared.placed.store(0, Ordering::Relaxed);
            }
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(tokio::sync::mpsc::error::TrySendError::Full(event)) => {
                    self.held_event = Some(event);
                    return;
                }
                // Nobody listens any more: the node is stopping.
                Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }
}
