//! The swarm: thousands of bots that publish and subscribe over real sockets, many on each driver thread.
//!
//! A bot costs a socket, a few kilobytes and little more time than its datagrams take, so that the server is the one to
//! reach its limit. Owns pacing, counting and delay; knows nothing of how a bot is let in (that is `peers`).

pub(crate) mod description;
pub(crate) mod shape;

mod bot;
mod feedback;
mod link;
mod reception;
mod stamp;
mod stream;
mod syscall;
mod thread;

pub(crate) use bot::Recruit;
pub(crate) use link::Identity;
pub(crate) use stream::StreamPlan;
pub(crate) use syscall::note_arrivals;

use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use thread::Thread;

/// Longest delay that is told apart, in nanoseconds: ten seconds.
const DELAY_MAX: u64 = 10_000_000_000;
/// Digits of a delay.
const DELAY_DIGITS: u8 = 3;
/// How long a driver thread may take to answer: it does so between two batches.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// How bots receive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SwarmConfig {
    /// Driver threads.
    pub(crate) threads: usize,
    /// Opens one in this many packets of a stream, for its delay and to see that it is authentic; counts all.
    pub(crate) open_every: u64,
    /// Takes runs of datagrams uncut from the kernel: cheaper for driver and server than any real network.
    pub(crate) runs: bool,
}

/// Names a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BotId(u64);

/// What a driver thread is told.
enum Order {
    Recruit(BotId, Box<Recruit>),
    Dismiss(BotId),
    Vanish(BotId),
    Pause,
    Resume,
    Rate(f64),
    Mark,
    Look(mpsc::Sender<Totals>),
    Stop,
}

/// Counts of one thread since the mark.
pub(super) struct Tally {
    open_every: u64,
    /// When the mark was, in nanoseconds since 1970.
    marked_at: u64,
    /// Packets that came after the mark and were sent before it: they count nowhere.
    stale: u64,
    received: u64,
    received_bytes: u64,
    unauthentic: u64,
    send_errors: u64,
    delay: Histogram<u64>,
}

/// What the whole swarm has seen since the mark.
pub(crate) struct Totals {
    /// Bots with media keys, of all there are.
    pub(crate) connected: usize,
    pub(crate) bots: usize,
    /// Bots to which all they should receive has begun to come.
    pub(crate) playing: usize,
    /// Packets sent, and how many receivers should have got.
    pub(crate) sent: u64,
    pub(crate) expected: u64,
    pub(crate) received: u64,
    /// Bytes of the datagrams received.
    pub(crate) received_bytes: u64,
    /// Packets missing in the numbers of what was received.
    pub(crate) missing: u64,
    /// Packets that came after the mark and were sent before it: they count nowhere.
    pub(crate) stale: u64,
    pub(crate) unauthentic: u64,
    pub(crate) send_errors: u64,
    /// Packets that were due and not sent since the driver was late.
    pub(crate) skipped: u64,
    /// From sending to arrival at the receiver's socket, in nanoseconds.
    pub(crate) delay: Histogram<u64>,
    /// Negotiated SRTP profiles and how many bots have them.
    pub(crate) profiles: BTreeMap<String, usize>,
    /// Times from the beginning of the join, in milliseconds.
    pub(crate) connected_ms: Vec<f64>,
    pub(crate) playing_ms: Vec<f64>,
    pub(crate) keyframe_ms: Vec<f64>,
    /// Why bots failed, and how many for that reason.
    pub(crate) failures: BTreeMap<String, usize>,
}

/// See the module. Dropping it stops the threads.
pub(crate) struct Swarm {
    threads: Vec<Running>,
    next: u64,
}

struct Running {
    orders: mpsc::Sender<Order>,
    waker: Arc<mio::Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Swarm {
    /// Starts the driver threads.
    ///
    /// # Errors
    /// The system refuses a thread or an epoll.
    pub(crate) fn start(config: &SwarmConfig, identity: &Identity) -> io::Result<Self> {
        let threads = (0..config.threads.max(1)).map(|index| {
            let (orders, inbox) = mpsc::channel();
            let (thread, waker) = Thread::new(config, identity.clone(), inbox)?;
            let name = format!("driver-{index}");
            let thread = Some(std::thread::Builder::new().name(name).spawn(move || thread.run())?);
            Ok(Running { orders, waker, thread })
        });
        Ok(Self { threads: threads.collect::<io::Result<_>>()?, next: 0 })
    }

    /// Lets a bot connect.
    pub(crate) fn recruit(&mut self, recruit: Recruit) -> BotId {
        let id = BotId(self.next);
        self.next += 1;
        self.order(id, Order::Recruit(id, Box::new(recruit)));
        id
    }

    /// Takes a bot out, with a goodbye.
    pub(crate) fn dismiss(&self, bot: BotId) {
        self.order(bot, Order::Dismiss(bot));
    }

    /// Takes a bot out without a word, as a tab that crashes.
    pub(crate) fn vanish(&self, bot: BotId) {
        self.order(bot, Order::Vanish(bot));
    }

    /// Stops all media, so that what is under way can arrive.
    pub(crate) fn pause(&self) {
        self.threads.iter().for_each(|thread| thread.send(Order::Pause));
    }

    /// Goes on with media.
    pub(crate) fn resume(&self) {
        self.threads.iter().for_each(|thread| thread.send(Order::Resume));
    }

    /// Offers `factor` times the planned rate of pictures.
    pub(crate) fn set_rate(&self, factor: f64) {
        self.threads.iter().for_each(|thread| thread.send(Order::Rate(factor)));
    }

    /// Begins to count anew.
    pub(crate) fn mark(&self) {
        self.threads.iter().for_each(|thread| thread.send(Order::Mark));
    }

    /// What has been seen since the mark.
    ///
    /// # Errors
    /// A driver thread does not answer: it has ended, or the machine is far too busy.
    pub(crate) fn look(&self) -> Result<Totals, String> {
        let (sender, answers) = mpsc::channel();
        self.threads.iter().for_each(|thread| thread.send(Order::Look(sender.clone())));
        drop(sender);
        let mut totals = Totals::new();
        for _ in &self.threads {
            let failed = |_| "a driver thread does not answer: is this machine overloaded?".to_owned();
            totals.add(answers.recv_timeout(ANSWER_TIMEOUT).map_err(failed)?);
        }
        Ok(totals)
    }

    fn order(&self, bot: BotId, order: Order) {
        let index = usize::try_from(bot.0).expect("bots are counted in memory") % self.threads.len();
        self.threads[index].send(order);
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.threads.iter().for_each(|thread| thread.send(Order::Stop));
        for running in &mut self.threads {
            if let Some(thread) = running.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

impl Running {
    /// A thread that has ended is noticed by [`Swarm::look`].
    fn send(&self, order: Order) {
        let _ = self.orders.send(order);
        let _ = self.waker.wake();
    }
}

impl Tally {
    fn new(open_every: u64, marked_at: u64) -> Self {
        Self {
            open_every,
            marked_at,
            stale: 0,
            received: 0,
            received_bytes: 0,
            unauthentic: 0,
            send_errors: 0,
            delay: delays(),
        }
    }

    fn note_delay(&mut self, nanos: u64) {
        self.delay.saturating_record(nanos.max(1));
    }
}

fn delays() -> Histogram<u64> {
    Histogram::new_with_bounds(1, DELAY_MAX, DELAY_DIGITS).expect("valid bounds")
}

impl Totals {
    /// Of nothing.
    pub(crate) fn new() -> Self {
        Self {
            connected: 0,
            bots: 0,
            playing: 0,
            sent: 0,
            expected: 0,
            received: 0,
            received_bytes: 0,
            missing: 0,
            stale: 0,
            unauthentic: 0,
            send_errors: 0,
            skipped: 0,
            delay: delays(),
            profiles: BTreeMap::new(),
            connected_ms: Vec::new(),
            playing_ms: Vec::new(),
            keyframe_ms: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    fn add(&mut self, other: Self) {
        self.connected += other.connected;
        self.bots += other.bots;
        self.playing += other.playing;
        self.sent += other.sent;
        self.expected += other.expected;
        self.received += other.received;
        self.received_bytes += other.received_bytes;
        self.missing += other.missing;
        self.stale += other.stale;
        self.unauthentic += other.unauthentic;
        self.send_errors += other.send_errors;
        self.skipped += other.skipped;
        self.delay.add(other.delay).expect("equal bounds");
        self.connected_ms.extend(other.connected_ms);
        self.playing_ms.extend(other.playing_ms);
        self.keyframe_ms.extend(other.keyframe_ms);
        for (profile, bots) in other.profiles {
            *self.profiles.entry(profile).or_default() += bots;
        }
        for (why, bots) in other.failures {
            *self.failures.entry(why).or_default() += bots;
        }
    }

    /// The share of what should have come that did not, 0 to 1. Where the server chooses what each receiver gets
    /// (simulcast), it is the share of the numbers that did not come.
    pub(crate) fn loss(&self) -> f64 {
        let (came, all) = match self.expected {
            0 => (self.received, self.received + self.missing),
            expected => (self.received, expected),
        };
        if all == 0 { 0.0 } else { (1.0 - came as f64 / all as f64).max(0.0) }
    }
}
