//! A server, a swarm and who is in: seats a workload, measures it, clears it away.

#![allow(clippy::disallowed_methods, reason = "the harness owns the clock")]

use crate::driver::Driver;
use crate::kernel::{CoreTime, core_time, own_cpu_s, receive_buffer_errors};
use crate::outcome::{Around, Row, Second};
use crate::peers::{EnterError, Entered, Local, Peer, Purpose, Stay};
use crate::server::{self, Server, pause};
use crate::swarm::description::Credentials;
use crate::swarm::{BotId, Identity, Recruit, Swarm, SwarmConfig, Totals};
use crate::workload::{Seat, Workload};
use futures_util::StreamExt;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Joins under way at the same time while a workload is seated.
const JOINS_AT_ONCE: usize = 16;
/// How often somebody asks who is told that the server takes nobody now, where all are to get in.
const TRIES_MAX: u32 = 30;
/// How long it waits in between, as people are asked to.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long seated bots may take until everything they receive has begun.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Before and after a measurement nothing is sent until nothing has come for so long: what is under way is then on one
/// side of the border.
const QUIET: Duration = Duration::from_millis(250);
/// A server that still delivers so long after the last packet was sent holds seconds of them: the run does not count.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Between looks while waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const DRAIN_LOOK: Duration = Duration::from_millis(50);

/// See the module.
pub(crate) struct Arena {
    pub(crate) swarm: Swarm,
    pub(crate) server: Option<Server>,
    pub(crate) peer: Peer,
    identity: Identity,
    driver: Driver,
    /// Makes names unique.
    runs: usize,
    /// Who is in.
    inside: Vec<(BotId, Stay)>,
}

/// How the joins of a workload went.
#[derive(Debug, Default)]
pub(crate) struct Joins {
    /// Bots that were let in.
    pub(crate) bots: Vec<BotId>,
    /// Refusals of a server that says it takes nobody.
    pub(crate) overloaded: usize,
    /// Everything else that went wrong, one text for each.
    pub(crate) failed: Vec<String>,
}

impl Arena {
    pub(crate) fn new(driver: &Driver, server: Option<Server>, peer: Peer) -> Result<Self, String> {
        let identity = Identity::new()?;
        let config = SwarmConfig { threads: driver.threads, open_every: driver.open_every, runs: driver.gro };
        let swarm = Swarm::start(&config, &identity).map_err(|error| format!("cannot start the driver: {error}"))?;
        Ok(Self { swarm, server, peer, identity, driver: *driver, runs: 0, inside: Vec::new() })
    }

    /// Seats everybody and waits until everything plays.
    ///
    /// # Errors
    /// Somebody does not get in, or nothing comes.
    pub(crate) async fn seat(&mut self, workload: &Workload) -> Result<(), String> {
        let seats = self.seats(workload);
        let (senders, players): (Vec<Seat>, Vec<Seat>) =
            seats.into_iter().partition(|seat| seat.leg.purpose != Purpose::Play);
        for seats in [senders, players] {
            let joins = self.enter_all(seats).await;
            if let Some(why) = joins.failed.first() {
                return Err(format!("{} participants did not get in: {why}", joins.failed.len()));
            }
            if joins.overloaded > 0 {
                return Err(format!("the server refused {} participants: it takes nobody now", joins.overloaded));
            }
            self.settle(|totals| totals.connected == totals.bots).await?;
        }
        self.settle(|totals| totals.playing == totals.bots).await.map(|_| ())
    }

    /// The seats of a workload, in rooms of their own.
    pub(crate) fn seats(&mut self, workload: &Workload) -> Vec<Seat> {
        self.runs += 1;
        let run = format!("b{:x}-{}", std::process::id(), self.runs);
        workload.seats(&run, self.peer.calls_on_one_leg())
    }

    /// Lets seats in, some at a time. A server that takes nobody now is asked again: all are to get in.
    pub(crate) async fn enter_all(&mut self, seats: Vec<Seat>) -> Joins {
        let (peer, identity) = (self.peer.clone(), self.identity.clone());
        let mut entering = futures_util::stream::iter(seats)
            .map(|seat| enter(peer.clone(), identity.clone(), seat, TRIES_MAX))
            .buffer_unordered(JOINS_AT_ONCE);
        let mut joins = Joins::default();
        while let Some(outcome) = entering.next().await {
            Self::admit(&mut self.swarm, &mut self.inside, &mut joins, outcome);
        }
        joins
    }

    /// Lets seats in at a fixed pace, whether earlier ones are through or not.
    pub(crate) async fn enter_paced(&mut self, seats: Vec<Seat>, interval: Duration) -> Joins {
        let mut tasks = tokio::task::JoinSet::new();
        let mut joins = Joins::default();
        let mut due = tokio::time::Instant::now();
        for seat in seats {
            tokio::time::sleep_until(due).await;
            due += interval;
            tasks.spawn(enter(self.peer.clone(), self.identity.clone(), seat, 1));
            while let Some(Ok(outcome)) = tasks.try_join_next() {
                Self::admit(&mut self.swarm, &mut self.inside, &mut joins, outcome);
            }
        }
        while let Some(Ok(outcome)) = tasks.join_next().await {
            Self::admit(&mut self.swarm, &mut self.inside, &mut joins, outcome);
        }
        joins
    }

    fn admit(
        swarm: &mut Swarm,
        inside: &mut Vec<(BotId, Stay)>,
        joins: &mut Joins,
        outcome: Result<(Recruit, Stay), EnterError>,
    ) {
        match outcome {
            Ok((recruit, stay)) => {
                let bot = swarm.recruit(recruit);
                inside.push((bot, stay));
                joins.bots.push(bot);
            }
            Err(EnterError::Overloaded(_)) => joins.overloaded += 1,
            Err(EnterError::Other(why)) => joins.failed.push(why),
        }
    }

    /// Waits until `done`, and says what is missing if it never is.
    ///
    /// # Errors
    /// A bot failed, or it takes too long.
    pub(crate) async fn settle(&mut self, done: impl Fn(&Totals) -> bool) -> Result<Totals, String> {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        loop {
            let totals = self.swarm.look()?;
            if let Some((why, bots)) = totals.failures.first_key_value() {
                return Err(format!("{bots} of {} transports failed: {why}", totals.bots));
            }
            if done(&totals) {
                return Ok(totals);
            }
            if let Some(words) = self.server.as_mut().and_then(Server::last_words) {
                return Err(words);
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "after {} s {} of {} transports have keys and {} get everything they should: is UDP let through, \
                     and is the server not overloaded?",
                    SETTLE_TIMEOUT.as_secs(),
                    totals.connected,
                    totals.bots,
                    totals.playing,
                ));
            }
            pause(LOOK_INTERVAL).await;
        }
    }

    /// Measures for `duration`. Media pauses before and after, so that sent and received belong together.
    ///
    /// # Errors
    /// The server or a driver thread is gone.
    pub(crate) async fn measure(
        &mut self,
        workload: &Workload,
        target: &str,
        duration: Duration,
    ) -> Result<Row, String> {
        self.swarm.pause();
        let began_clean = self.drain().await?;
        self.swarm.mark();
        let before = self.read()?;
        self.swarm.resume();
        let timeline = self.watch(duration, &before, &format!("{} · {target}", workload.name)).await?;
        let seconds = before.at.elapsed().as_secs_f64();
        self.swarm.pause();
        let ended_clean = self.drain().await?;
        let after = self.read()?;
        let totals = self.swarm.look()?;
        self.swarm.resume();
        let mut row = self.row(workload, target, &totals, &before.until(&after, seconds));
        row.timeline = timeline;
        if !(began_clean && ended_clean) {
            row.invalidate(format!("packets still came {DRAIN_MAX:?} after the last one was sent"));
        }
        Ok(row)
    }

    /// A row of what was counted around a run, with what is known of server and driver.
    pub(crate) fn row(&self, workload: &Workload, target: &str, totals: &Totals, around: &Around) -> Row {
        let mut row = Row::new(workload, target, totals, around);
        row.server_runs_on = self.server.as_ref().map(Server::allowed_cores).unwrap_or_default();
        row
    }

    /// Waits, while media pauses, until nothing comes any more. False if it never ends.
    async fn drain(&self) -> Result<bool, String> {
        let deadline = Instant::now() + DRAIN_MAX;
        let (mut received, mut since) = (self.swarm.look()?.received, Instant::now());
        while since.elapsed() < QUIET {
            if Instant::now() > deadline {
                return Ok(false);
            }
            pause(DRAIN_LOOK).await;
            let now = self.swarm.look()?.received;
            if now != received {
                (received, since) = (now, Instant::now());
            }
        }
        Ok(true)
    }

    /// Waits for `duration`, looking once a second.
    async fn watch(&mut self, duration: Duration, before: &Reading, title: &str) -> Result<Vec<Second>, String> {
        let mut seconds = Vec::new();
        let (mut last, mut received) = (*before, 0);
        let whole = duration.as_secs_f64();
        loop {
            let left = duration.saturating_sub(before.at.elapsed());
            if left.is_zero() {
                break;
            }
            pause(left.min(Duration::from_secs(1))).await;
            let (now, totals) = (self.read()?, self.swarm.look()?);
            let step = (now.at - last.at).as_secs_f64().max(1e-6);
            let second = Second {
                at: (now.at - before.at).as_secs_f64(),
                packets_per_s: totals.received.saturating_sub(received) as f64 / step,
                server_cores: (now.server.cpu_s - last.server.cpu_s) / step,
                driver_busy: (now.driver_cpu_s - last.driver_cpu_s) / step / self.driver.threads as f64,
            };
            (last, received) = (now, totals.received);
            progress(&format!(
                "{title} · {:.0}/{whole:.0} s · {:.0} packets/s · server {:.2} cores · driver {:.0} % · loss {:.3} %",
                second.at,
                second.packets_per_s,
                second.server_cores,
                second.driver_busy * 100.0,
                totals.loss() * 100.0
            ));
            // The last step may be a sliver, in which rates mean nothing.
            if step > 0.5 {
                seconds.push(second);
            }
        }
        progress_end();
        Ok(seconds)
    }

    /// Reads all counters of the system.
    pub(crate) fn read(&self) -> Result<Reading, String> {
        let server = self.server.as_ref().map(Server::usage).transpose()?;
        Ok(Reading {
            at: Instant::now(),
            has_server: server.is_some(),
            server: server.unwrap_or_default(),
            driver_cpu_s: own_cpu_s(),
            driver_threads: self.driver.threads,
            cores: self.driver.cores_to_watch(self.server.as_ref()).map(|cores| core_time(&cores)),
            receive_buffer_errors: receive_buffer_errors(),
        })
    }

    /// Takes some bots out.
    pub(crate) async fn dismiss(&mut self, bots: &[BotId]) {
        let inside = std::mem::take(&mut self.inside);
        let (leaving, staying) = inside.into_iter().partition(|(bot, _)| bots.contains(bot));
        self.inside = staying;
        self.leave(leaving).await;
    }

    /// Takes some bots out without a word.
    pub(crate) fn vanish(&mut self, bots: &[BotId]) {
        let inside = std::mem::take(&mut self.inside);
        let (vanishing, staying): (Vec<_>, Vec<_>) = inside.into_iter().partition(|(bot, _)| bots.contains(bot));
        self.inside = staying;
        for (bot, stay) in vanishing {
            self.swarm.vanish(bot);
            stay.vanish();
        }
    }

    /// Takes everybody out.
    pub(crate) async fn clear(&mut self) {
        let inside = std::mem::take(&mut self.inside);
        self.leave(inside).await;
        self.swarm.set_rate(1.0);
    }

    async fn leave(&self, leaving: Vec<(BotId, Stay)>) {
        leaving.iter().for_each(|(bot, _)| self.swarm.dismiss(*bot));
        let leaves = futures_util::stream::iter(leaving).map(|(_, stay)| stay.leave());
        leaves.buffer_unordered(JOINS_AT_ONCE).collect::<Vec<()>>().await;
    }
}

/// The system's counters at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) at: Instant,
    has_server: bool,
    pub(crate) server: server::Usage,
    driver_cpu_s: f64,
    driver_threads: usize,
    /// Of the cores that server and driver run on; `None` where somebody else's work there cannot be told from theirs.
    cores: Option<CoreTime>,
    receive_buffer_errors: u64,
}

impl Reading {
    /// What happened from here to `after`; `seconds` is the time in which media was sent.
    pub(crate) fn until(&self, after: &Self, seconds: f64) -> Around {
        let server_cpu_s = self.has_server.then_some(after.server.cpu_s - self.server.cpu_s);
        let driver_cpu_s = after.driver_cpu_s - self.driver_cpu_s;
        let cores = self.cores.zip(after.cores);
        let busy_s = cores.map(|(before, after)| after.busy_s - before.busy_s);
        let elapsed = (after.at - self.at).as_secs_f64().max(1e-9);
        Around {
            seconds,
            server_cpu_s,
            driver_cpu_s,
            driver_threads: self.driver_threads,
            others_cores: busy_s.map(|busy| (busy - driver_cpu_s - server_cpu_s.unwrap_or(0.0)).max(0.0) / elapsed),
            stolen_cores: cores.map(|(before, after)| (after.stolen_s - before.stolen_s) / elapsed),
            receive_buffer_errors: after.receive_buffer_errors - self.receive_buffer_errors,
            usage: after.server,
        }
    }
}

/// Gets one seat in.
async fn enter(peer: Peer, identity: Identity, seat: Seat, tries: u32) -> Result<(Recruit, Stay), EnterError> {
    let Seat { leg, streams, slots } = seat;
    let mut tried = 1;
    loop {
        let began = Instant::now();
        let local = local(&identity);
        match peer.enter(&leg, &local).await {
            Ok(Entered { remote, stay }) => {
                return Ok((Recruit { credentials: local.credentials, remote, streams, slots, began }, stay));
            }
            Err(EnterError::Overloaded(_)) if tried < tries => {
                tried += 1;
                tokio::time::sleep(RETRY_AFTER).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn local(identity: &Identity) -> Local {
    let credentials = Credentials {
        ufrag: format!("{:08x}", rand::random::<u32>()),
        password: format!("{:032x}", rand::random::<u128>()),
    };
    Local { credentials, fingerprint: identity.fingerprint() }
}

/// Shows how far a run is, where somebody looks.
pub(crate) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K{text}");
        let _ = std::io::stderr().flush();
    }
}

/// Clears the line of [`progress`].
pub(crate) fn progress_end() {
    progress("");
}
