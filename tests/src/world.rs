//! The world: one server core, bots around it, a network between, and a clock that jumps from one event to the next.
//!
//! Everything is decided by the seed. Whatever the server sends is judged at its door by the [`EgressOracle`]; a
//! violation panics with the seed and the time, which is all it takes to see it again.

use crate::allocation::{self, Tally};
use crate::bot::packet::Incoming;
use crate::bot::secure::BotIdentity;
use crate::bot::{Bot, BotConfig};
use crate::clock::start_of_time;
use crate::egress::EgressOracle;
use crate::marker::Marker;
use crate::network::{Link, Network, Towards};
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tillside_sfu::command::{Command, Counters, Event, Join, LeaveReason, Track};
use tillside_sfu::dtls::{DtlsAcceptor, DtlsIdentity};
use tillside_sfu::id::{Mid, ParticipantId, RoomId, WorkerId};
use tillside_sfu::sdp::{Candidate, Offer, Purpose, SdpError};
use tillside_sfu::sends::{NetPath, Sends};
use tillside_sfu::sfu::{Forwarded, Sfu, SfuConfig};
use tillside_sfu::stream::clock::WallClock;

/// How long a signaling message is under way.
const SIGNALING_DELAY: Duration = Duration::from_millis(20);
/// Steps at one instant: a timer that is always due would stop the clock.
const STEPS_AT_ONE_INSTANT_MAX: u32 = 10_000;

/// A bot of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BotId(usize);

/// See the module.
pub struct World {
    seed: u64,
    now: Instant,
    rng: ChaCha12Rng,
    server: SocketAddr,
    sfu: Sfu,
    sends: Sends,
    network: Network,
    places: Vec<Place>,
    signaling: BTreeMap<(Instant, u64), Signal>,
    signals: u64,
    events: Vec<Event>,
    strays: u64,
    trace: u64,
    media_path: Tally,
}

/// A bot and how it is connected.
struct Place {
    bot: Bot,
    /// Where it is seen now, and last where it was seen first: what goes to an old address is lost, but still judged.
    addresses: Vec<SocketAddr>,
    link: Link,
    egress: EgressOracle,
    present: bool,
    /// What it sent since [`World::capture`].
    captured: Option<Vec<Vec<u8>>>,
}

enum Signal {
    Command(Command),
    Answer(ParticipantId, Box<str>),
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let now = start_of_time();
        let server: SocketAddr = ([192, 0, 2, 1], 7900).into();
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let config = SfuConfig {
            worker: WorkerId(0),
            acceptor: server_identity(),
            candidates: vec![Candidate::udp(server, u16::MAX)],
            seed: rng.random(),
            wall: WallClock::new(now, Duration::from_secs(1_700_000_000)),
        };
        Self {
            seed,
            now,
            sfu: Sfu::new(now, config),
            sends: Sends::default(),
            network: Network::new(rng.random()),
            rng,
            server,
            places: Vec::new(),
            signaling: BTreeMap::new(),
            signals: 0,
            events: Vec::new(),
            strays: 0,
            trace: 0xCBF2_9CE4_8422_2325,
            media_path: Tally::default(),
        }
    }

    /// Lets a bot join over `link`.
    ///
    /// # Panics
    /// When its offer is refused.
    pub fn join(&mut self, config: BotConfig, link: Link) -> BotId {
        self.join_with(config, link, |offer| offer).expect("a bot's offer can be used")
    }

    /// Lets a bot join with another offer than its own: `edit` gets its own and gives the one that is sent.
    ///
    /// # Errors
    /// Why signaling would refuse the offer; there is no bot then.
    pub fn join_with(
        &mut self,
        config: BotConfig,
        link: Link,
        edit: impl FnOnce(String) -> String,
    ) -> Result<BotId, SdpError> {
        let index = self.places.len();
        let address = SocketAddr::from(([198, 51, 100, 1], 10_000 + u16::try_from(index).expect("a small world")));
        let mut bot = Bot::new(config, bot_identity(), self.rng.random());
        let offer = Offer::parse(&edit(bot.offer()))?;
        let join = join_command(&bot, offer);
        let egress = EgressOracle::new(bot.config().room, bot.config().participant);
        self.places.push(Place { bot, addresses: vec![address], link, egress, present: true, captured: None });
        self.command(join);
        Ok(BotId(index))
    }

    /// Sends a command as signaling would.
    pub fn command(&mut self, command: Command) {
        self.signal(Signal::Command(command));
    }

    /// A bot leaves by command.
    pub fn leave(&mut self, bot: BotId) {
        self.command(Command::Leave(self.bot(bot).config().participant));
    }

    /// A bot is gone without a word: its computer was switched off.
    pub fn vanish(&mut self, bot: BotId) {
        self.places[bot.0].present = false;
    }

    /// A bot's NAT forgets it: the same bot is seen under another address, and the old one leads nowhere.
    pub fn rebind(&mut self, bot: BotId) -> SocketAddr {
        let mut address = self.address(bot);
        address.set_port(address.port() + 1000);
        self.places[bot.0].addresses.insert(0, address);
        address
    }

    /// Puts a datagram before the server at once, as if from `from`. Returns how many datagrams left the server
    /// because of it, forwarded ones included.
    pub fn inject(&mut self, from: SocketAddr, mut bytes: Vec<u8>) -> usize {
        self.receive(from, &mut bytes);
        self.forward() + self.flush()
    }

    /// Begins to keep a copy of all that a bot sends.
    pub fn capture(&mut self, bot: BotId) {
        self.places[bot.0].captured = Some(Vec::new());
    }

    /// What a bot sent since [`World::capture`]; ends it.
    pub fn captured(&mut self, bot: BotId) -> Vec<Vec<u8>> {
        self.places[bot.0].captured.take().unwrap_or_default()
    }

    /// Goes on for `duration`.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.run(end, |_| false);
        self.now = end;
    }

    /// Goes on until `done`, which must come true within `within`.
    ///
    /// # Panics
    /// When it does not.
    pub fn run_until(&mut self, what: &str, within: Duration, done: impl FnMut(&Self) -> bool) {
        let began = self.now;
        assert!(
            self.run(began + within, done),
            "seed {}: waited {within:?} in vain until {what}\nserver: {:?}\nevents: {:#?}",
            self.seed,
            self.sfu.counters(),
            self.events
        );
    }

    /// Goes on until all of `bots` are connected.
    pub fn run_until_connected(&mut self, bots: &[BotId]) {
        self.run_until("all are connected", Duration::from_secs(15), |world| {
            bots.iter().all(|bot| world.bot(*bot).is_connected())
        });
    }

    /// A bot.
    #[must_use]
    pub fn bot(&self, bot: BotId) -> &Bot {
        &self.places[bot.0].bot
    }

    /// A bot, to act through it.
    pub fn bot_mut(&mut self, bot: BotId) -> &mut Bot {
        &mut self.places[bot.0].bot
    }

    /// A bot's link, to change it.
    pub fn link_mut(&mut self, bot: BotId) -> &mut Link {
        &mut self.places[bot.0].link
    }

    /// Where a bot is seen now.
    #[must_use]
    pub fn address(&self, bot: BotId) -> SocketAddr {
        self.places[bot.0].addresses[0]
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Everything the server told, oldest first, without counters.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Why a participant left, if it did.
    #[must_use]
    pub fn left(&self, bot: BotId) -> Option<LeaveReason> {
        let wanted = self.bot(bot).config().participant;
        self.events.iter().find_map(|event| match event {
            Event::Left { participant, reason } if *participant == wanted => Some(*reason),
            _ => None,
        })
    }

    /// What the server counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.sfu.counters()
    }

    /// Rooms, participants, paths and user name fragments on the server.
    #[must_use]
    pub fn server_sizes(&self) -> [usize; 4] {
        self.sfu.sizes()
    }

    /// Datagrams the network lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.network.lost()
    }

    /// Datagrams the server sent to addresses where nobody ever was.
    #[must_use]
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// What the server allocated while it took RTP in and while it forwarded. Stays 0 unless the test's allocator is
    /// [`crate::allocation::Counting`].
    #[must_use]
    pub fn media_path(&self) -> Tally {
        self.media_path
    }

    /// A hash over all media that left the server: when, to whom, as what.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.trace
    }

    fn run(&mut self, end: Instant, mut done: impl FnMut(&Self) -> bool) -> bool {
        let mut steps = 0;
        while !done(self) {
            let Some(next) = self.poll_timeout().filter(|next| *next <= end) else { return false };
            steps = if next > self.now { 0 } else { steps + 1 };
            assert!(steps < STEPS_AT_ONE_INSTANT_MAX, "seed {}: the clock stands still", self.seed);
            self.now = self.now.max(next);
            self.step();
        }
        true
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.network.poll_timeout(), self.signaling.first_key_value().map(|((at, _), _)| *at)]
            .into_iter()
            .chain([Some(self.sfu.poll_timeout())])
            .chain(self.places.iter().filter(|place| place.present).map(|place| place.bot.poll_timeout()))
            .flatten()
            .min()
    }

    /// Everything that is due now, in one fixed order.
    fn step(&mut self) {
        while let Some(first) = self.signaling.first_entry().filter(|first| first.key().0 <= self.now) {
            match first.remove() {
                Signal::Command(command) => self.sfu.handle_command(self.now, command, &mut self.sends),
                Signal::Answer(participant, answer) => self.deliver_answer(participant, &answer),
            }
        }
        while let Some((towards, mut bytes)) = self.network.poll_arrival(self.now) {
            match towards {
                Towards::Server(from) => self.receive(from, &mut bytes),
                Towards::Address(address) => {
                    if let Some(place) =
                        self.places.iter_mut().find(|place| place.present && place.addresses[0] == address)
                    {
                        place.bot.handle_datagram(self.now, &bytes);
                    }
                }
            }
        }
        self.forward();
        if self.sfu.poll_timeout() <= self.now {
            self.sfu.handle_timeout(self.now, &mut self.sends);
        }
        self.flush();
        while let Some(event) = self.sfu.poll_event() {
            self.handle_event(event);
        }
        self.run_bots();
    }

    fn receive(&mut self, from: SocketAddr, bytes: &mut [u8]) {
        let Self { sfu, sends, now, .. } = self;
        let is_rtp = is_rtp(bytes);
        let ((), tally) = allocation::count(|| sfu.handle_datagram(*now, NetPath::udp(from), bytes, sends));
        if is_rtp {
            self.media_path += tally;
        }
    }

    /// Lets the server forward all it has; returns how many datagrams were flushed on the way.
    fn forward(&mut self) -> usize {
        let mut flushed = 0;
        loop {
            let Self { sfu, sends, now, .. } = self;
            let (forwarded, tally) = allocation::count(|| sfu.forward(*now, sends));
            self.media_path += tally;
            if forwarded == Forwarded::All {
                return flushed;
            }
            flushed += self.flush();
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Counters(_) => return,
            Event::Answered { participant, ref answer, .. } => {
                self.signal(Signal::Answer(participant, answer.clone()));
            }
            _ => {}
        }
        self.events.push(event);
    }

    fn deliver_answer(&mut self, participant: ParticipantId, answer: &str) {
        let of = |place: &&mut Place| place.present && place.bot.config().participant == participant;
        if let Some(place) = self.places.iter_mut().find(of) {
            place.bot.handle_answer(self.now, answer);
            self.command(Command::Ready(participant));
        }
    }

    fn run_bots(&mut self) {
        for place in self.places.iter_mut().filter(|place| place.present) {
            if place.bot.poll_timeout().is_some_and(|due| due <= self.now) {
                place.bot.handle_timeout(self.now);
            }
            while let Some((to, bytes)) = place.bot.poll_send() {
                assert_eq!(to, self.server, "a bot sends to the candidate of its answer");
                if let Some(captured) = &mut place.captured {
                    captured.push(bytes.clone());
                }
                self.network.send(self.now, &place.link.up, Towards::Server(place.addresses[0]), bytes);
            }
        }
    }

    /// Puts what the server sends on its way, past the oracle. Returns how many datagrams that were.
    fn flush(&mut self) -> usize {
        for send in self.sends.datagrams() {
            let (to, bytes) = (send.to.remote(), self.sends.bytes(send));
            let mut places = self.places.iter_mut().enumerate();
            let Some((index, place)) = places.find(|(_, place)| place.addresses.contains(&to)) else {
                self.strays += 1;
                continue;
            };
            for packet in place.bot.audit(bytes) {
                let incoming = Incoming::parse(&packet).expect("what the server seals is RTP");
                let (_, is_audio, is_rtx) = place.bot.slot_of(incoming.ssrc).expect("an announced SSRC");
                let judgement = place.egress.check(self.now, &packet, is_audio, is_rtx);
                let at = self.now - start_of_time();
                judgement.unwrap_or_else(|wrong| panic!("seed {} at {at:?}, to bot {index}: {wrong}", self.seed));
                self.trace = fold(self.trace, &[at.as_nanos() as u64, index as u64, u64::from(incoming.sequence)]);
                self.trace = fold(self.trace, &[u64::from(incoming.ssrc), u64::from(incoming.timestamp)]);
                let number = Marker::find(incoming.payload).map_or(0, |marker| marker.number);
                self.trace = fold(self.trace, &[number]);
            }
            self.network.send(self.now, &place.link.down, Towards::Address(to), bytes.to_vec());
        }
        let flushed = self.sends.datagrams().len();
        self.sends.clear();
        flushed
    }

    fn signal(&mut self, signal: Signal) {
        self.signals += 1;
        self.signaling.insert((self.now + SIGNALING_DELAY, self.signals), signal);
    }
}

/// What a bot is, in few words: the `number`th participant of `room`, sending `tracks`, with slots for three voices
/// and four pictures as the SDK has by default.
#[must_use]
pub fn participant(room: u64, number: u64, tracks: &[crate::bot::SentTrack]) -> BotConfig {
    BotConfig {
        room: RoomId(room),
        participant: ParticipantId(number),
        tracks: tracks.to_vec(),
        audio_slots: 3,
        video_slots: 4,
    }
}

fn join_command(bot: &Bot, offer: Offer) -> Command {
    let config = bot.config();
    let tracks = config.tracks.iter().enumerate().map(|(index, track)| Track {
        mid: Mid::parse(index.to_string().as_bytes()).expect("a number is a mid"),
        source: track.source,
        muted: false,
    });
    Command::Join(Box::new(Join {
        room: config.room,
        participant: config.participant,
        offer,
        tracks: tracks.collect(),
        subscribe: config.audio_slots + config.video_slots > 0,
        priority: 0,
        purpose: Purpose::Call,
        home: None,
    }))
}

/// Certificates take longer than handshakes, and are no part of any story: one for all servers of all worlds.
fn server_identity() -> Arc<DtlsAcceptor> {
    static IDENTITY: OnceLock<Arc<DtlsAcceptor>> = OnceLock::new();
    let make = || {
        let identity = DtlsIdentity::generate().expect("a certificate can be made");
        Arc::new(DtlsAcceptor::for_simulation(identity, 1).expect("it is valid"))
    };
    Arc::clone(IDENTITY.get_or_init(make))
}

fn bot_identity() -> BotIdentity {
    static IDENTITY: OnceLock<BotIdentity> = OnceLock::new();
    IDENTITY.get_or_init(BotIdentity::new).clone()
}

/// Whether a datagram is RTP: no STUN, no DTLS (RFC 7983 §7) and no RTCP (RFC 5761 §4).
#[must_use]
pub fn is_rtp(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, kind, ..] if !(192..224).contains(kind))
}

/// FNV-1a over words.
fn fold(hash: u64, words: &[u64]) -> u64 {
    words
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}
