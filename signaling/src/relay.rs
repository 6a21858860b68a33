//! The relays: threads that own shared pages, so that parsing one never delays a message or a packet.
//!
//! As many as media workers. A share lives in one of them, chosen by its number; they share nothing. Commands of the
//! switchboard and what the streams say come by queues; a stream whose relay is busy waits, and TCP makes its page
//! wait. Masked pages go out through small queues that each viewer's socket empties at its own pace.

mod assets;
mod said;
mod streams;
mod tally;
mod task;

pub use said::{FromStream, Said, Seat, ToStream};

use crate::metrics::Metrics;
use crate::signaling::{ShareCommand, ShareEvent, SocketId};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use task::Task;
use tillside_cobrowse::relay::ShareId;
use tokio::sync::{Notify, mpsc};

/// Messages of streams that wait for one relay. Each is at most 1 MiB, so this bounds memory; beyond it streams wait.
const STREAMS_INBOX_MAX: usize = 64;
/// Commands that wait for one relay; it takes them before anything else, so there are few.
const COMMANDS_MAX: usize = 4_096;
/// Commands held back while that queue is full. Losing a pause would show what must not be shown.
const BACKLOG_MAX: usize = 65_536;
/// Events that wait for the switchboard; beyond it relays wait.
pub const EVENTS_MAX: usize = 1_024;
/// Frames that wait for one socket. Small: what is not sent yet is still in the relay, where it is coalesced.
pub const OUTBOX_MAX: usize = 8;

/// A stream, as its relay names it. Never used twice.
pub type StreamId = SocketId;

/// All relays of a node, as the switchboard has them. Dropping it ends them.
pub struct Relays {
    commands: Vec<Commands>,
    doors: Doors,
    threads: Vec<JoinHandle<()>>,
}

/// The way from streams to relays.
#[derive(Clone)]
pub struct Doors(Arc<[Door]>);

/// The way to one relay.
#[derive(Clone)]
pub struct Door {
    /// What streams say.
    pub streams: mpsc::Sender<FromStream>,
    /// Woken by a socket that has sent all it had.
    pub room: Arc<Notify>,
}

struct Commands {
    sender: mpsc::Sender<(ShareId, ShareCommand)>,
    backlog: VecDeque<(ShareId, ShareCommand)>,
}

impl Relays {
    /// Starts `count` relays.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start(
        count: usize,
        events: &mpsc::Sender<(ShareId, ShareEvent)>,
        metrics: &Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let (mut commands, mut doors, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..count.max(1) {
            let (sender, receiver) = mpsc::channel(COMMANDS_MAX);
            let (streams, inbox) = mpsc::channel(STREAMS_INBOX_MAX);
            let room = Arc::new(Notify::new());
            let task = Task::new(events.clone(), Arc::clone(metrics), Arc::clone(&room));
            // A thread of its own: a snapshot takes milliseconds, for which no task of the runtime should wait.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let thread = std::thread::Builder::new().name(format!("tillside-relay-{number}"));
            threads.push(thread.spawn(move || runtime.block_on(task.run(receiver, inbox)))?);
            commands.push(Commands { sender, backlog: VecDeque::new() });
            doors.push(Door { streams, room });
        }
        Ok(Self { commands, doors: Doors(doors.into()), threads })
    }

    /// The way for streams.
    #[must_use]
    pub fn doors(&self) -> Doors {
        self.doors.clone()
    }

    /// Tells the relay of a share. Never waits.
    pub fn send(&mut self, share: ShareId, command: ShareCommand) {
        let relay = self.doors.place(share);
        self.commands[relay].send((share, command));
    }

    /// Tries again to send what was held back.
    pub fn flush(&mut self) {
        self.commands.iter_mut().for_each(Commands::flush);
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        // Without its commands' sender a relay ends.
        self.commands.clear();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a relay had panicked");
            }
        }
    }
}

impl Doors {
    /// The way to the relay of a share.
    #[must_use]
    pub fn of(&self, share: ShareId) -> &Door {
        &self.0[self.place(share)]
    }

    fn place(&self, share: ShareId) -> usize {
        usize::try_from(share.0 % self.0.len() as u64).expect("less than the number of relays")
    }
}

impl Commands {
    fn send(&mut self, command: (ShareId, ShareCommand)) {
        if self.backlog.len() >= BACKLOG_MAX {
            tracing::error!("a relay has stopped taking commands: restart this node");
            return;
        }
        self.backlog.push_back(command);
        self.flush();
    }

    fn flush(&mut self) {
        while !self.backlog.is_empty() {
            let Ok(permit) = self.sender.try_reserve() else { return };
            let command = self.backlog.pop_front().expect("it was looked at above");
            permit.send(command);
        }
    }
}
