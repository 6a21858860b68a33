//! One driver thread: many bots, one epoll, one queue of deadlines.

#![allow(clippy::disallowed_methods, reason = "this is the swarm's shell: it reads the clock")]

use super::bot::{Bot, Moment};
use super::link::Identity;
use super::syscall::Inbox;
use super::{BotId, Order, SwarmConfig, Tally, Totals, delays};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant, SystemTime};

/// Readiness reports taken in one go.
const EVENTS_MAX: usize = 512;
const WAKER: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 1);

/// See the module.
pub(super) struct Thread {
    config: SwarmConfig,
    identity: Identity,
    orders: Receiver<Order>,
    poll: Poll,
    /// Wakes to the microsecond, which epoll's own time-out does not.
    timer: TimerFd,
    bots: BTreeMap<usize, Bot>,
    /// When each bot is due; entries that are too early are put right when they come up.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Bots that could not be made, and why.
    stillborn: BTreeMap<String, usize>,
    /// Bots with something left to read.
    unread: Vec<usize>,
    paused: bool,
    rate: f64,
    tally: Tally,
    inbox: Inbox,
    buffer: Vec<u8>,
}

impl Thread {
    pub(super) fn new(
        config: &SwarmConfig,
        identity: Identity,
        orders: Receiver<Order>,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        poll.registry().register(&mut SourceFd(&timer.as_fd().as_raw_fd()), TIMER, Interest::READABLE)?;
        let thread = Self {
            config: *config,
            identity,
            orders,
            poll,
            timer,
            bots: BTreeMap::new(),
            due: BinaryHeap::new(),
            stillborn: BTreeMap::new(),
            unread: Vec::new(),
            paused: false,
            rate: 1.0,
            tally: Tally::new(config.open_every.max(1), 0),
            inbox: Inbox::new(config.runs),
            buffer: Vec::with_capacity(65_536),
        };
        Ok((thread, waker))
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            self.wait(&mut events).expect("an epoll that was made can be waited for");
            for key in events.iter().map(|event| event.token().0).chain(std::mem::take(&mut self.unread)) {
                let moment = moment();
                let Some(bot) = self.bots.get_mut(&key) else { continue };
                if bot.handle_readable(moment, &mut self.inbox, &mut self.tally) {
                    self.unread.push(key);
                }
            }
            loop {
                match self.orders.try_recv() {
                    Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return self.stop(),
                    Ok(order) => self.handle_order(order),
                    Err(TryRecvError::Empty) => break,
                }
            }
            self.handle_due();
        }
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let next = self.due.peek().map(|Reverse((at, _))| at.saturating_duration_since(Instant::now()));
        let mut timeout = None;
        if !self.unread.is_empty() || next == Some(Duration::ZERO) {
            timeout = Some(Duration::ZERO);
        } else if let Some(next) = next {
            let expiration = Expiration::OneShot(TimeSpec::from_duration(next));
            self.timer.set(expiration, TimerSetTimeFlags::empty())?;
        }
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            other => other,
        }
    }

    fn handle_due(&mut self) {
        let now = Instant::now();
        while let Some(&Reverse((at, key))) = self.due.peek() {
            if at > now {
                return;
            }
            self.due.pop();
            let Some(bot) = self.bots.get_mut(&key) else { continue };
            let moment = moment();
            if bot.poll_timeout(self.paused) <= moment.now {
                bot.handle_timeout(moment, self.paused, &mut self.buffer, &mut self.tally);
            }
            // A little later at least, so that a bot that is always due cannot keep others from their turn.
            let next = bot.poll_timeout(self.paused).max(now + Duration::from_micros(1));
            self.due.push(Reverse((next, key)));
        }
    }

    fn handle_order(&mut self, order: Order) {
        match order {
            Order::Recruit(id, recruit) => self.recruit(id, *recruit),
            Order::Dismiss(id) => {
                if let Some(mut bot) = self.bots.remove(&key(id)) {
                    bot.close(moment());
                }
            }
            Order::Vanish(id) => {
                self.bots.remove(&key(id));
            }
            Order::Pause => self.paused = true,
            Order::Resume => {
                self.paused = false;
                let now = Instant::now();
                self.bots.values_mut().flat_map(|bot| &mut bot.streams).for_each(|stream| stream.restart(now));
                self.reschedule();
            }
            Order::Rate(factor) => {
                self.rate = factor;
                let streams = self.bots.values_mut().flat_map(|bot| &mut bot.streams);
                streams.for_each(|stream| stream.set_rate(factor));
            }
            Order::Mark => self.mark(),
            Order::Look(reply) => {
                let _ = reply.send(self.totals());
            }
            Order::Stop => unreachable!("the loop takes it out"),
        }
    }

    fn recruit(&mut self, id: BotId, recruit: super::Recruit) {
        let now = Instant::now();
        let made = Bot::new(now, &self.identity, recruit, self.config.runs).and_then(|bot| {
            let fd = bot.socket().as_fd().as_raw_fd();
            self.poll.registry().register(&mut SourceFd(&fd), Token(key(id)), Interest::READABLE)?;
            Ok(bot)
        });
        match made {
            Ok(bot) => {
                self.bots.insert(key(id), bot);
                self.due.push(Reverse((now, key(id))));
            }
            Err(error) => {
                *self.stillborn.entry(format!("cannot open a socket for a bot: {error}")).or_default() += 1;
            }
        }
    }

    /// Puts every bot into the queue of deadlines anew: after a pause they are due earlier than it says.
    fn reschedule(&mut self) {
        let paused = self.paused;
        self.due = self.bots.iter().map(|(key, bot)| Reverse((bot.poll_timeout(paused), *key))).collect();
    }

    fn mark(&mut self) {
        self.tally = Tally::new(self.tally.open_every, moment().wall);
        for bot in self.bots.values_mut() {
            for stream in &mut bot.streams {
                (stream.sent, stream.skipped) = (0, 0);
            }
            bot.receptions.iter_mut().for_each(super::reception::Reception::mark);
        }
    }

    fn totals(&mut self) -> Totals {
        let mut totals = Totals::new();
        let millis = |times: &mut Vec<f64>, time: Option<Duration>| times.extend(time.map(|t| t.as_secs_f64() * 1e3));
        for bot in self.bots.values_mut() {
            totals.bots += 1;
            totals.connected += usize::from(bot.connected_after.is_some());
            totals.playing += usize::from(bot.is_playing());
            millis(&mut totals.connected_ms, bot.connected_after);
            millis(&mut totals.playing_ms, bot.playing_after);
            millis(&mut totals.keyframe_ms, bot.keyframe_after);
            if let Some(why) = bot.failure() {
                *totals.failures.entry(why.to_owned()).or_default() += 1;
            }
            if let Some(profile) = bot.profile() {
                *totals.profiles.entry(profile).or_default() += 1;
            }
            for stream in &bot.streams {
                totals.sent += stream.sent;
                totals.expected += stream.sent * stream.fanout();
                totals.skipped += stream.skipped;
            }
            totals.missing += bot.receptions.iter().map(super::reception::Reception::lost).sum::<u64>();
        }
        totals.failures.extend(self.stillborn.clone());
        totals.received = self.tally.received;
        totals.received_bytes = self.tally.received_bytes;
        totals.stale = self.tally.stale;
        totals.unauthentic = self.tally.unauthentic;
        totals.send_errors = self.tally.send_errors;
        totals.delay = std::mem::replace(&mut self.tally.delay, delays());
        self.tally.delay.add(&totals.delay).expect("equal bounds");
        totals
    }

    fn stop(mut self) {
        for bot in self.bots.values_mut() {
            bot.close(moment());
        }
    }
}

fn key(id: BotId) -> usize {
    usize::try_from(id.0).expect("bots are counted in memory")
}

fn moment() -> Moment {
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment { now: Instant::now(), wall: wall.as_nanos() as u64 }
}
