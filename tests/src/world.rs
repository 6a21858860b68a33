//! The world: a server of one or more cores, bots around it, a network between, and a clock that jumps from one event
//! to the next. Cores that carry the same room are linked as the threads of a node are.
//!
//! Everything is decided by the seed. Whatever the server sends is judged at its door by the [`EgressOracle`]; a
//! violation panics with the seed and the time, which is all it takes to see it again.

use crate::allocation::Tally;
use crate::bot::packet::Incoming;
use crate::bot::secure::BotIdentity;
use crate::bot::{Bot, BotConfig};
use crate::clock::start_of_time;
use crate::egress::EgressOracle;
use crate::marker::Marker;
use crate::network::{Link, Network, Towards};
use crate::server::Server;
pub use crate::server::is_rtp;
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tillside_sfu::command::{Command, Counters, Event, Join, LeaveReason, Track};
use tillside_sfu::id::{Mid, ParticipantId, RoomId, WorkerId};
use tillside_sfu::sdp::{Offer, Purpose, SdpError};
use tillside_sfu::sfu::Forwarded;

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
    server: Server,
    network: Network,
    places: Vec<Place>,
    signaling: BTreeMap<(Instant, u64), Signal>,
    signals: u64,
    events: Vec<Event>,
    strays: u64,
    trace: u64,
}

/// A bot and how it is connected.
struct Place {
    bot: Bot,
    /// The worker that it was sent to.
    worker: usize,
    /// Where it is seen now, and last where it was seen first: what goes to an old address is lost, but still judged.
    addresses: Vec<SocketAddr>,
    link: Link,
    egress: EgressOracle,
    present: bool,
    /// What it sent since [`World::capture`].
    captured: Option<Vec<Vec<u8>>>,
}

enum Signal {
    Command(usize, Command),
    Answer(ParticipantId, Box<str>),
}

impl World {
    /// An empty world with a server of one worker.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_workers(seed, 1)
    }

    /// An empty world with a server of `count` workers, the first of which is home to every room.
    #[must_use]
    pub fn with_workers(seed: u64, count: usize) -> Self {
        let now = start_of_time();
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        Self {
            seed,
            now,
            server: Server::new(now, count, &mut rng),
            network: Network::new(rng.random()),
            rng,
            places: Vec::new(),
            signaling: BTreeMap::new(),
            signals: 0,
            events: Vec::new(),
            strays: 0,
            trace: 0xCBF2_9CE4_8422_2325,
        }
    }

    /// Lets a bot join over `link`.
    ///
    /// # Panics
    /// When its offer is refused.
    pub fn join(&mut self, config: BotConfig, link: Link) -> BotId {
        self.join_at(0, config, link)
    }

    /// Lets a bot join on a certain worker; on any but the first, in a satellite of its room.
    ///
    /// # Panics
    /// When its offer is refused.
    pub fn join_at(&mut self, worker: usize, config: BotConfig, link: Link) -> BotId {
        self.join_edited(worker, config, link, |offer| offer).expect("a bot's offer can be used")
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
        self.join_edited(0, config, link, edit)
    }

    fn join_edited(
        &mut self,
        worker: usize,
        config: BotConfig,
        link: Link,
        edit: impl FnOnce(String) -> String,
    ) -> Result<BotId, SdpError> {
        let index = self.places.len();
        let address = SocketAddr::from(([198, 51, 100, 1], 10_000 + u16::try_from(index).expect("a small world")));
        let mut bot = Bot::new(config, bot_identity(), self.rng.random());
        let offer = Offer::parse(&edit(bot.offer()))?;
        let mut join = join_command(&bot, offer);
        if let Command::Join(join) = &mut join {
            join.home = (worker != 0).then_some(WorkerId(0));
        }
        let egress = EgressOracle::new(bot.config().room, bot.config().participant);
        self.places.push(Place { bot, worker, addresses: vec![address], link, egress, present: true, captured: None });
        self.signal(Signal::Command(worker, join));
        Ok(BotId(index))
    }

    /// Sends a command as signaling would: to the worker of the participant, or of the whole room to all.
    pub fn command(&mut self, command: Command) {
        let participant = match &command {
            Command::Join(join) => join.participant,
            Command::Offer(offer) => offer.participant,
            Command::Ready(participant) | Command::View(participant, _) | Command::Leave(participant) => *participant,
            Command::Mute(publication, _) => publication.participant,
            Command::CloseRoom(room) => {
                let all = (0..self.server.workers()).map(|worker| Signal::Command(worker, Command::CloseRoom(*room)));
                return all.for_each(|signal| self.signal(signal));
            }
        };
        let place = self.places.iter().find(|place| place.bot.config().participant == participant);
        self.signal(Signal::Command(place.map_or(0, |place| place.worker), command));
    }

    /// Lets a worker look away from a link for a while, or look at it again.
    pub fn stall_link(&mut self, from: usize, to: usize, stalled: bool) {
        self.server.stall_link(from, to, stalled);
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
        let place = self.places.iter().find(|place| place.addresses.contains(&from));
        let worker = place.map_or(0, |place| place.worker);
        self.server.handle_datagram(self.now, worker, from, &mut bytes);
        self.forward(worker) + self.flush()
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
            self.counters(),
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

    /// What the server's first worker counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters_of(0)
    }

    /// What one worker of the server counted.
    #[must_use]
    pub fn counters_of(&self, worker: usize) -> Counters {
        self.server.counters(worker)
    }

    /// Rooms, participants, paths and user name fragments on the server.
    #[must_use]
    pub fn server_sizes(&self) -> [usize; 4] {
        self.server.sizes()
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
        self.server.media_path
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
            .chain([self.server.poll_timeout()])
            .chain(self.places.iter().filter(|place| place.present).map(|place| place.bot.poll_timeout()))
            .flatten()
            .min()
    }

    /// Everything that is due now, in one fixed order.
    fn step(&mut self) {
        while let Some(first) = self.signaling.first_entry().filter(|first| first.key().0 <= self.now) {
            match first.remove() {
                Signal::Command(worker, command) => self.server.handle_command(self.now, worker, command),
                Signal::Answer(participant, answer) => self.deliver_answer(participant, &answer),
            }
        }
        while let Some((towards, mut bytes)) = self.network.poll_arrival(self.now) {
            match towards {
                Towards::Server(worker, from) => self.server.handle_datagram(self.now, worker, from, &mut bytes),
                Towards::Address(address) => {
                    if let Some(place) =
                        self.places.iter_mut().find(|place| place.present && place.addresses[0] == address)
                    {
                        place.bot.handle_datagram(self.now, &bytes);
                    }
                }
            }
        }
        (0..self.server.workers()).for_each(|worker| self.turn(worker));
        self.run_bots();
    }

    /// One turn of a worker, as its thread takes it.
    fn turn(&mut self, worker: usize) {
        self.forward(worker);
        while self.server.read_links(self.now, worker) {
            self.forward(worker);
        }
        self.server.handle_timeout(self.now, worker);
        self.flush();
        while let Some(event) = self.server.poll_event(worker) {
            self.handle_event(event);
        }
        self.server.tell_workers(self.now, worker);
    }

    /// Lets a worker give all it has to other workers and to its subscribers; returns how many datagrams were flushed on
    /// the way.
    fn forward(&mut self, worker: usize) -> usize {
        self.server.serve_links(self.now, worker);
        let mut flushed = 0;
        while self.server.forward(self.now, worker) == Forwarded::SlabFull {
            flushed += self.flush();
        }
        flushed
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
                assert_eq!(to, self.server.address(place.worker), "a bot sends to the candidate of its answer");
                if let Some(captured) = &mut place.captured {
                    captured.push(bytes.clone());
                }
                self.network.send(self.now, &place.link.up, Towards::Server(place.worker, place.addresses[0]), bytes);
            }
        }
    }

    /// Puts what the server sends on its way, past the oracle. Returns how many datagrams that were.
    fn flush(&mut self) -> usize {
        for send in self.server.sends.datagrams() {
            let (to, bytes) = (self.server.sends.path(send).remote(), self.server.sends.bytes(send));
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
        let flushed = self.server.sends.datagrams().len();
        self.server.sends.clear();
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

/// What signaling tells the media core when a bot joins with `offer`.
///
/// # Panics
/// Never: numbers are mids.
#[must_use]
pub fn join_command(bot: &Bot, offer: Offer) -> Command {
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

fn bot_identity() -> BotIdentity {
    static IDENTITY: OnceLock<BotIdentity> = OnceLock::new();
    IDENTITY.get_or_init(BotIdentity::new).clone()
}

/// FNV-1a over words.
fn fold(hash: u64, words: &[u64]) -> u64 {
    words
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}
