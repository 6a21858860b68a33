//! The one task that owns [`Signaling`]: it waits, hands over what came, and carries out what comes out. It decides
//! nothing.
//!
//! Everything reaches it through one bounded queue, events of media and of relays through two more. A socket that does
//! not take its frames is cut loose, so that nobody waits for it.

use crate::directory::Directory;
use crate::metrics::{Metrics, WorkerCounters};
use crate::moment::Moment;
use crate::outbox::Outbox;
use crate::placement::Placement;
use crate::protocol::Unreadable;
use crate::relay::Relays;
use crate::signaling::{
    CloseCode, Inbound, Output, Reply, Request, RequestId, Setup, ShareEvent, Signaling, SocketId, TenantRules, offerer,
};
use crate::token::Keyring;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tillside_cobrowse::relay::ShareId;
use tillside_sfu::command::{Command, Event, RefuseError};
use tillside_sfu::id::{ParticipantId, RoomId, WorkerId};
use tillside_sfu::worker::Workers;
use tokio::sync::{mpsc, oneshot};

/// What may wait for the switchboard; beyond it senders wait, each for itself.
pub const INBOX_MAX: usize = 4_096;
/// Frames that may wait for one socket: a whole replay and what comes meanwhile. A client that is further behind is
/// closed and may resume (REL-10).
pub const OUTBOX_MAX: usize = 2 * crate::protocol::RESUME_MESSAGES_MAX;
/// Commands held back for workers whose queues are full. Losing a `Leave` or a `Mute` would be wrong for ever, so they
/// wait; beyond this the node is lost anyway and says so.
const BACKLOG_MAX: usize = 65_536;
/// Inputs, or events of media, taken before what comes of them is carried out.
const BATCH_MAX: usize = 64;

/// What happens to the switchboard.
#[derive(Debug)]
pub enum Input {
    /// A WebSocket is open.
    Open {
        /// Its number.
        socket: SocketId,
        /// The `Origin` a browser gave.
        origin: Option<String>,
        /// Where its frames go.
        outbox: Outbox<Outgoing>,
    },
    /// A frame has come.
    Frame(SocketId, Box<Result<Inbound, Unreadable>>),
    /// A socket is gone.
    Close(SocketId),
    /// A socket broke a limit.
    Breach(SocketId, CloseCode),
    /// The HTTP side asks.
    Request(Request, oneshot::Sender<Reply>),
    /// The tenants were read again: their keys, and what they decide about shared pages.
    Tenants(Arc<Keyring>, TenantRules),
    /// Lets nobody in any more, or lets them in again.
    Drain(bool),
    /// Ends all sessions.
    Stop,
    /// How many sessions there are.
    CountSessions(oneshot::Sender<usize>),
}

/// What goes to a socket's own task.
#[derive(Debug)]
pub enum Outgoing {
    /// A text frame.
    Text(String),
    /// The end.
    Close(CloseCode),
}

/// See the module.
pub struct Switchboard {
    signaling: Signaling,
    workers: Workers,
    relays: Relays,
    directory: Arc<Directory>,
    metrics: Arc<Metrics>,
    counters: WorkerCounters,
    outboxes: BTreeMap<SocketId, Outbox<Outgoing>>,
    replies: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    next_request: u64,
    placement: Placement,
    backlog: VecDeque<(WorkerId, Command)>,
}

impl Switchboard {
    /// With nobody on it.
    #[must_use]
    pub fn new(
        setup: Setup,
        workers: Workers,
        relays: Relays,
        directory: Arc<Directory>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            signaling: Signaling::new(setup, Moment::now()),
            workers,
            relays,
            directory,
            metrics,
            counters: WorkerCounters::default(),
            outboxes: BTreeMap::new(),
            replies: BTreeMap::new(),
            next_request: 0,
            placement: Placement::default(),
            backlog: VecDeque::new(),
        }
    }

    /// Runs until every sender of `inbox` is gone.
    pub async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Input>,
        mut events: mpsc::Receiver<Event>,
        mut share_events: mpsc::Receiver<(ShareId, ShareEvent)>,
    ) {
        let mut inputs = Vec::with_capacity(BATCH_MAX);
        let mut news = Vec::with_capacity(BATCH_MAX);
        loop {
            let deadline = tokio::time::Instant::from_std(self.signaling.poll_deadline());
            tokio::select! {
                // Media first: an answer must not wait behind a flood of frames.
                biased;
                1.. = events.recv_many(&mut news, BATCH_MAX) => {
                    for event in news.drain(..) {
                        self.handle_event(event);
                    }
                }
                Some((share, event)) = share_events.recv() => {
                    self.signaling.handle_share_event(Moment::now(), share, event);
                }
                () = tokio::time::sleep_until(deadline) => self.handle_timeout(),
                count = inbox.recv_many(&mut inputs, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                    for input in inputs.drain(..) {
                        self.handle_input(input);
                    }
                }
            }
            self.carry_out();
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Counters(counters) => {
                self.counters.take(*counters);
                self.metrics.publish(&self.counters);
            }
            other => {
                if let Event::Left { participant, .. } | Event::Refused { participant, n: 1, .. } = &other {
                    self.placement.leave(*participant);
                }
                self.signaling.handle_event(Moment::now(), other);
            }
        }
    }

    fn handle_timeout(&mut self) {
        let now = Moment::now();
        self.signaling.handle_timeout(now);
        self.flush_backlog();
        self.relays.flush();
        self.metrics.sessions(self.signaling.session_count());
        self.metrics.shares(self.signaling.share_counts());
        let gone: Vec<RequestId> =
            self.replies.iter().filter(|(_, reply)| reply.is_closed()).map(|(id, _)| *id).collect();
        for request in gone {
            self.replies.remove(&request);
            self.signaling.handle_request_gone(now, request);
        }
    }

    fn handle_input(&mut self, input: Input) {
        let now = Moment::now();
        match input {
            Input::Open { socket, origin, outbox } => {
                self.outboxes.insert(socket, outbox);
                self.signaling.handle_open(now, socket, origin);
            }
            Input::Frame(socket, frame) => self.signaling.handle_frame(now, socket, *frame),
            Input::Close(socket) => {
                self.outboxes.remove(&socket);
                self.signaling.handle_close(now, socket);
            }
            Input::Breach(socket, code) => {
                self.metrics.rate_limited("session");
                self.signaling.handle_breach(now, socket, code);
            }
            Input::Request(request, reply) => {
                self.next_request += 1;
                let id = RequestId(self.next_request);
                self.replies.insert(id, reply);
                self.signaling.handle_request(now, id, request);
            }
            Input::Tenants(keyring, rules) => self.signaling.handle_tenants(now, keyring, rules),
            Input::Drain(draining) => self.signaling.handle_drain(draining),
            Input::Stop => self.signaling.handle_stop(now),
            Input::CountSessions(reply) => {
                // Nobody listens any more: nothing to say.
                let _ = reply.send(self.signaling.session_count());
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.signaling.poll_output() {
            match output {
                Output::Frame { socket, text } => self.send(socket, Outgoing::Text(text)),
                Output::Close { socket, code } => {
                    self.send(socket, Outgoing::Close(code));
                    self.outboxes.remove(&socket);
                }
                Output::Media { room, command } => self.command(room, command),
                Output::Share { share, command } => self.relays.send(share, command),
                Output::RoomChanged { id, key, summary } => {
                    if summary.is_none() {
                        self.placement.end(id);
                    }
                    self.directory.update(key, &self.placement.workers_of(id), summary);
                }
                Output::Reply { request, reply } => {
                    if let Some(waiting) = self.replies.remove(&request) {
                        // The HTTP request is gone: the next timeout cleans up after it.
                        let _ = waiting.send(reply);
                    }
                }
                Output::Count(tally) => self.metrics.count(tally),
            }
        }
    }

    fn send(&mut self, socket: SocketId, outgoing: Outgoing) {
        let Some(outbox) = self.outboxes.get(&socket) else { return };
        if outbox.push(outgoing).is_err() {
            // Full, or the socket's task is gone; without its sender it ends after what it has.
            self.metrics.slow_close();
            self.outboxes.remove(&socket);
            self.signaling.handle_close(Moment::now(), socket);
        }
    }

    /// Hands a command to the workers that it is for.
    fn command(&mut self, room: RoomId, mut command: Command) {
        match &mut command {
            Command::Join(join) => {
                let seat = self.placement.seat(room, join.participant, |may| self.workers.least_loaded(may));
                join.home = seat.home;
                self.hand_over(seat.worker, command);
            }
            Command::CloseRoom(_) => {
                for worker in self.placement.workers_of(room) {
                    self.hand_over(worker, Command::CloseRoom(room));
                }
            }
            Command::Offer(offer) => self.command_for(offer.participant, command),
            Command::Mute(publication, _) => self.command_for(publication.participant, command),
            Command::Ready(participant) | Command::View(participant, _) => self.command_for(*participant, command),
            Command::Leave(participant) => {
                let participant = *participant;
                self.command_for(participant, command);
                self.placement.leave(participant);
            }
        }
    }

    /// Hands a command to the worker that carries the participant. One that left by itself needs none.
    fn command_for(&mut self, participant: ParticipantId, command: Command) {
        if let Some(worker) = self.placement.worker_of(participant) {
            self.hand_over(worker, command);
        } else if let Some((participant, n)) = offerer(&command) {
            self.signaling.handle_refused(Moment::now(), participant, n, &RefuseError::Participant);
        }
    }

    fn hand_over(&mut self, worker: WorkerId, command: Command) {
        let offerer = offerer(&command);
        let must_wait = self.backlog.iter().any(|(waiting, _)| *waiting == worker);
        if let Some((participant, n)) = offerer {
            // An offer may be refused: better at once than late.
            let is_join = matches!(command, Command::Join(_));
            if must_wait || self.workers.send(worker, command).is_err() {
                if is_join {
                    self.placement.leave(participant);
                }
                self.signaling.handle_refused(Moment::now(), participant, n, &RefuseError::Overloaded);
            }
            return;
        }
        if must_wait {
            self.hold_back(worker, command);
            return;
        }
        // A command that is not taken is lost to us, so a copy of what must not be lost is made first.
        let kept = keep(&command);
        if self.workers.send(worker, command).is_err()
            && let Some(command) = kept
        {
            self.hold_back(worker, command);
        }
    }

    fn hold_back(&mut self, worker: WorkerId, command: Command) {
        if self.backlog.len() < BACKLOG_MAX {
            self.backlog.push_back((worker, command));
        } else {
            tracing::error!(worker = worker.0, "a media worker has stopped taking commands: restart this node");
        }
    }

    fn flush_backlog(&mut self) {
        for _ in 0..self.backlog.len() {
            let Some((worker, command)) = self.backlog.pop_front() else { return };
            let kept = keep(&command);
            if self.workers.send(worker, command).is_err()
                && let Some(command) = kept
            {
                self.backlog.push_front((worker, command));
                return;
            }
        }
    }
}

/// A copy of a command that must not be lost. Offers are answered as refused instead.
fn keep(command: &Command) -> Option<Command> {
    match command {
        Command::Join(_) | Command::Offer(_) => None,
        Command::Ready(participant) => Some(Command::Ready(*participant)),
        Command::View(participant, wishes) => Some(Command::View(*participant, wishes.clone())),
        Command::Mute(publication, muted) => Some(Command::Mute(*publication, *muted)),
        Command::Leave(participant) => Some(Command::Leave(*participant)),
        Command::CloseRoom(room) => Some(Command::CloseRoom(*room)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::outbox::outbox;
    use crate::protocol;
    use tillside_sfu::worker::WorkersConfig;

    fn frame(text: &str) -> Input {
        Input::Frame(SocketId(1), Box::new(protocol::read(text).map(Inbound::new)))
    }

    #[tokio::test]
    async fn rel_10_a_socket_that_does_not_take_its_frames_is_cut_loose() {
        let (events, worker_events) = mpsc::channel(16);
        let bind = vec![std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)];
        let config = WorkersConfig { workers: 1, bind, udp_port_base: 0, tcp_port: None, advertise: Vec::new() };
        let workers = Workers::start(&config, events).unwrap();
        let metrics = Arc::new(Metrics::new());
        let setup = Setup::new(Arc::new(Config::dev().keyring().unwrap()), [1; 32]);
        let (share_events, relay_events) = mpsc::channel(16);
        let relays = Relays::start(1, &share_events, &metrics).unwrap();
        let switchboard = Switchboard::new(setup, workers, relays, Arc::default(), Arc::clone(&metrics));
        let (inbox, inputs) = mpsc::channel(16);
        let running = tokio::spawn(switchboard.run(inputs, worker_events, relay_events));

        // Room for one frame; the refusal of a bad hello is two, and a close.
        let (outbox, mut outgoing) = outbox(1);
        inbox.send(Input::Open { socket: SocketId(1), origin: None, outbox }).await.unwrap();
        inbox.send(frame("{}")).await.unwrap();
        let (reply, counted) = oneshot::channel();
        inbox.send(Input::CountSessions(reply)).await.unwrap();
        assert_eq!(counted.await.unwrap(), 0, "the switchboard goes on");
        assert!(matches!(outgoing.take().await.as_deref(), Some([Outgoing::Text(_)])));
        assert!(outgoing.take().await.is_none(), "nothing more comes, so its task ends");
        assert!(metrics.handle().render().contains("tillside_ws_slow_close_total 1"));
        drop(inbox);
        running.await.unwrap();
    }
}
