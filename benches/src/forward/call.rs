//! The real media core with a room in it: bots join through ICE and DTLS, then one of them sends.
//!
//! In process and in virtual time. What the bots do is never timed; what the core does always is, its timers included.

use super::source::Source;
use crate::cpu::timed;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tillside_sfu::command::{Command, Event};
use tillside_sfu::dtls::{DtlsAcceptor, DtlsIdentity};
use tillside_sfu::id::WorkerId;
use tillside_sfu::sdp::{Candidate, Offer};
use tillside_sfu::sends::{NetPath, Sends};
use tillside_sfu::sfu::{Forwarded, Sfu, SfuConfig};
use tillside_sfu::srtp::SrtpProfile;
use tillside_sfu::stream::clock::WallClock;
use tillside_tests::allocation::{Tally, count};
use tillside_tests::bot::packet::Incoming;
use tillside_tests::bot::secure::BotIdentity;
use tillside_tests::bot::{Bot, BotConfig};
use tillside_tests::clock::start_of_time;
use tillside_tests::world::join_command;

/// Between two looks at what is due while bots connect.
const STEP: Duration = Duration::from_millis(10);
/// Bots that are not connected after this much virtual time never will be.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// First port of the bots, which share an address.
const PORT_BASE: u16 = 2_000;
/// How often bots prove that they are still there. Consent lasts 30 s.
const CONSENT_INTERVAL: Duration = Duration::from_secs(10);

/// See the module.
pub(crate) struct Call {
    now: Instant,
    sfu: Sfu,
    sends: Sends,
    bots: Vec<Bot>,
    consent_at: Instant,
    /// CPU time of the core.
    pub(crate) time: Duration,
    /// What the core allocated.
    pub(crate) tally: Tally,
    /// What the core said, without answers and counters.
    pub(crate) events: Vec<Event>,
}

impl Call {
    /// A worker without rooms.
    ///
    /// # Errors
    /// When the crypto library is not fit for use.
    pub(crate) fn new() -> Result<Self, String> {
        let now = start_of_time();
        let identity = DtlsIdentity::generate().map_err(|error| error.to_string())?;
        let config = SfuConfig {
            worker: WorkerId(0),
            acceptor: Arc::new(DtlsAcceptor::new(identity).map_err(|error| error.to_string())?),
            candidates: vec![Candidate::udp(([192, 0, 2, 1], 7900).into(), u16::MAX)],
            seed: [7; 32],
            wall: WallClock::new(now, Duration::from_secs(1_700_000_000)),
        };
        Ok(Self {
            now,
            sfu: Sfu::new(now, config),
            sends: Sends::default(),
            bots: Vec::new(),
            consent_at: now + CONSENT_INTERVAL,
            time: Duration::ZERO,
            tally: Tally::default(),
            events: Vec::new(),
        })
    }

    /// Lets bots join, and waits until all are connected and have said that they are ready.
    ///
    /// # Errors
    /// When one does not get there.
    pub(crate) fn join(&mut self, identity: &BotIdentity, configs: Vec<BotConfig>) -> Result<(), String> {
        let first = self.bots.len();
        for config in configs {
            let mut bot = Bot::new(config, identity.clone(), self.bots.len() as u64);
            let offer = bot.offer();
            let (offer, taken) = timed(|| Offer::parse(&offer));
            self.time += taken;
            let join = join_command(&bot, offer.map_err(|error| error.to_string())?);
            self.bots.push(bot);
            self.command(join);
        }
        let give_up = self.now + CONNECT_MAX;
        while !self.bots[first..].iter().all(Bot::is_connected) {
            if self.now >= give_up {
                return Err("bots cannot connect to the core".to_owned());
            }
            self.step();
        }
        // The last answers of the handshake are on their way still.
        self.run_for(Duration::from_secs(1));
        Ok(())
    }

    /// Lets virtual time pass with nothing but what timers do on either side.
    pub(crate) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.step();
        }
    }

    /// Sends `datagrams` of the first bot to the core in batches of `batch` with this much time between any two, and
    /// lets the core forward after each batch. Gives the packets that left.
    pub(crate) fn carry(&mut self, datagrams: &mut [Vec<u8>], batch: usize, interval: Duration) -> u64 {
        self.prove_consent();
        let before = self.sfu.counters().rtp_out;
        let from = path_of(0);
        let ((reports, mut tally), taken) = timed(|| count(|| self.drive_core(from, datagrams, batch, interval)));
        self.time += taken;
        tally.allocations -= reports;
        self.tally += tally;
        self.sfu.counters().rtp_out - before
    }

    /// What the core does with datagrams, and nothing else. Never inlined: instructions are counted by its name. Gives
    /// how often the core told its counters, which it does in a box of its own each second.
    #[inline(never)]
    fn drive_core(&mut self, from: NetPath, datagrams: &mut [Vec<u8>], batch: usize, interval: Duration) -> u64 {
        let Self { now, sfu, sends, events, .. } = self;
        let mut reports = 0;
        for datagrams in datagrams.chunks_mut(batch) {
            for datagram in datagrams.iter_mut() {
                sfu.handle_datagram(*now, from, datagram, sends);
            }
            while sfu.forward(*now, sends) == Forwarded::SlabFull {
                sends.clear();
            }
            sends.clear();
            if *now >= sfu.poll_timeout() {
                sfu.handle_timeout(*now, sends);
                sends.clear();
            }
            *now += interval * datagrams.len() as u32;
            while let Some(event) = sfu.poll_event() {
                match event {
                    Event::Counters(_) => reports += 1,
                    event => events.push(event),
                }
            }
        }
        reports
    }

    /// Sends packets of `source` and opens what leaves the core with the keys of whom it is for. Gives the packets that
    /// each of the others can open and that are as long as they were sent.
    pub(crate) fn verify(&mut self, source: &mut Source, packets: usize) -> u64 {
        let mut good = 0;
        for mut datagram in self.seal(source, packets) {
            self.sfu.handle_datagram(self.now, path_of(0), &mut datagram, &mut self.sends);
            while self.sfu.forward(self.now, &mut self.sends) == Forwarded::SlabFull {
                good += self.open_sent(source);
            }
            good += self.open_sent(source);
            self.now += source.interval();
            if self.now >= self.sfu.poll_timeout() {
                self.sfu.handle_timeout(self.now, &mut self.sends);
                self.sends.clear();
            }
        }
        good
    }

    fn open_sent(&mut self, source: &Source) -> u64 {
        let mut good = 0;
        for send in self.sends.datagrams() {
            for packet in self.bots[index_of(self.sends.path(send))].audit(self.sends.bytes(send)) {
                let packet = Incoming::parse(&packet);
                good += u64::from(packet.is_some_and(|packet| packet.payload.len() == source.payload()));
            }
        }
        self.sends.clear();
        good
    }

    /// The first bot's next packets, sealed as it seals them.
    pub(crate) fn seal(&mut self, source: &mut Source, packets: usize) -> Vec<Vec<u8>> {
        let keys = self.bots[0].keys().expect("it is connected");
        (0..packets).map(|_| keys.seal_rtp(&source.next_packet())).collect()
    }

    /// What a source must know of the first bot: the SSRC of the only track it sends.
    pub(crate) fn publisher_ssrc(&self) -> u32 {
        self.bots[0].publishers[0].ssrc()
    }

    /// What the bots' media is sealed with; all of them speak the same DTLS.
    pub(crate) fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.events.iter().find_map(|event| match event {
            Event::Connected { srtp, .. } => Some(*srtp),
            _ => None,
        })
    }

    /// Ends all bots and keeps the core, to see what it holds.
    pub(crate) fn forget_bots(&mut self) {
        (self.bots, self.events) = (Vec::new(), Vec::new());
    }

    fn step(&mut self) {
        self.now += STEP;
        for index in 0..self.bots.len() {
            if self.bots[index].poll_timeout().is_some_and(|due| due <= self.now) {
                self.bots[index].handle_timeout(self.now);
            }
            self.take_from(index);
        }
        if self.sfu.poll_timeout() <= self.now {
            self.run_core(|sfu, now, sends| sfu.handle_timeout(now, sends));
        }
        self.deliver();
        self.follow_events();
    }

    /// Hands what a bot has to send to the core. Its own media does not count: the source writes better packets.
    fn take_from(&mut self, index: usize) {
        while let Some((_, mut bytes)) = self.bots[index].poll_send() {
            self.run_core(|sfu, now, sends| sfu.handle_datagram(now, path_of(index), &mut bytes, sends));
        }
    }

    fn deliver(&mut self) {
        for send in self.sends.datagrams() {
            let bot = &mut self.bots[index_of(self.sends.path(send))];
            bot.handle_datagram(self.now, self.sends.bytes(send));
            bot.publishers.iter_mut().for_each(|publisher| publisher.active = false);
        }
        self.sends.clear();
    }

    fn follow_events(&mut self) {
        while let Some(event) = self.sfu.poll_event() {
            match event {
                Event::Answered { participant, answer, .. } => {
                    let place = self.bots.iter_mut().find(|bot| bot.config().participant == participant);
                    place.expect("only bots are here").handle_answer(self.now, &answer);
                    self.command(Command::Ready(participant));
                }
                Event::Counters(_) => {}
                other => self.events.push(other),
            }
        }
    }

    fn command(&mut self, command: Command) {
        self.run_core(|sfu, now, sends| sfu.handle_command(now, command, sends));
    }

    fn run_core(&mut self, act: impl FnOnce(&mut Sfu, Instant, &mut Sends)) {
        let Self { now, sfu, sends, .. } = self;
        let (((), tally), taken) = timed(|| count(|| act(sfu, *now, sends)));
        self.time += taken;
        self.tally += tally;
    }

    /// Consent checks of all bots, untimed: how many there are for each packet is the bots' choice.
    fn prove_consent(&mut self) {
        if self.now < self.consent_at {
            return;
        }
        self.consent_at = self.now + CONSENT_INTERVAL;
        let (time, tally) = (self.time, self.tally);
        for index in 0..self.bots.len() {
            self.bots[index].handle_timeout(self.now);
            self.take_from(index);
            self.deliver();
        }
        (self.time, self.tally) = (time, tally);
    }
}

fn path_of(index: usize) -> NetPath {
    let port = PORT_BASE + u16::try_from(index).expect("ports for all bots");
    NetPath::udp(SocketAddr::from(([198, 51, 100, 1], port)))
}

fn index_of(path: NetPath) -> usize {
    usize::from(path.remote().port() - PORT_BASE)
}
