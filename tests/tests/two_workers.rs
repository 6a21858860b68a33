//! One room on two real worker threads: real sockets, real rings, real wake-ups. What bots show each other must cross.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "real time and real sockets are what is tested"
)]

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};
use tillside_sfu::command::{Command, Event};
use tillside_sfu::id::WorkerId;
use tillside_sfu::sdp::Offer;
use tillside_sfu::worker::{Workers, WorkersConfig};
use tillside_tests::bot::secure::BotIdentity;
use tillside_tests::bot::{Bot, SentTrack};
use tillside_tests::world::{join_command, participant};

/// Nothing takes so long; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A bot with a socket of its own, on one of the workers.
struct Seated {
    bot: Bot,
    socket: UdpSocket,
    worker: WorkerId,
}

impl Seated {
    fn join(workers: &Workers, identity: &BotIdentity, worker: u8, number: u64, tracks: &[SentTrack]) -> Self {
        let mut bot = Bot::new(participant(1, number, tracks), identity.clone(), number);
        let offer = Offer::parse(&bot.offer()).expect("a bot's offer");
        let mut command = join_command(&bot, offer);
        if let Command::Join(join) = &mut command {
            join.home = (worker != 0).then_some(WorkerId(0));
        }
        workers.send(WorkerId(worker), command).expect("the worker takes commands");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        socket.set_nonblocking(true).expect("a socket");
        Self { bot, socket, worker: WorkerId(worker) }
    }

    /// Sends and receives what is there.
    fn turn(&mut self) {
        let now = Instant::now();
        let mut buffer = [0; 2_048];
        while let Ok((len, _)) = self.socket.recv_from(&mut buffer) {
            self.bot.handle_datagram(now, &buffer[..len]);
        }
        if self.bot.poll_timeout().is_some_and(|due| due <= now) {
            self.bot.handle_timeout(now);
        }
        while let Some((to, bytes)) = self.bot.poll_send() {
            self.socket.send_to(&bytes, to).expect("loopback takes it");
        }
    }

    /// Slots that play.
    fn playing(&self) -> usize {
        self.bot.receptions.values().filter(|slot| slot.packets > 20).count()
    }
}

/// Lets time pass until `done`.
fn run(
    workers: &Workers,
    events: &mut tokio::sync::mpsc::Receiver<Event>,
    bots: &mut [Seated],
    mut done: impl FnMut(&[Seated], Option<&Event>) -> bool,
) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let event = events.try_recv().ok();
        if let Some(Event::Answered { participant, answer, .. }) = &event {
            let seated = bots.iter_mut().find(|seated| seated.bot.config().participant == *participant);
            let seated = seated.expect("whoever is answered has asked");
            seated.bot.handle_answer(Instant::now(), answer);
            workers.send(seated.worker, Command::Ready(*participant)).expect("the worker takes commands");
        }
        bots.iter_mut().for_each(Seated::turn);
        if done(bots, event.as_ref()) {
            return;
        }
        std::thread::yield_now();
    }
    let playing: Vec<usize> = bots.iter().map(Seated::playing).collect();
    panic!("waited in vain; slots that play: {playing:?}");
}

#[test]
fn a_room_on_two_threads_is_one_room() {
    let (sender, mut events) = tokio::sync::mpsc::channel(16_384);
    let config = WorkersConfig {
        workers: 2,
        bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        udp_port_base: 0,
        tcp_port: None,
        advertise: Vec::new(),
    };
    let workers = Workers::start(&config, sender).expect("free ports");
    let identity = BotIdentity::new();
    let talking = [SentTrack::MICROPHONE, SentTrack::CAMERA];
    let mut bots: Vec<Seated> = [(0, &talking[..]), (1, &talking[..]), (0, &[]), (1, &[])]
        .into_iter()
        .zip(1..)
        .map(|((worker, tracks), number)| Seated::join(&workers, &identity, worker, number, tracks))
        .collect();
    run(&workers, &mut events, &mut bots, |bots, _| {
        bots.iter().map(Seated::playing).eq([2, 2, 4, 4]) && bots.iter().all(|seated| seated.bot.is_connected())
    });
    assert!(bots.iter().all(|seated| seated.bot.receptions.values().all(|slot| slot.repeated == 0)));

    // Both workers have carried packets of the other, and nothing was lost on the way.
    let mut counted = [false; 2];
    run(&workers, &mut events, &mut bots, |_, event| {
        if let Some(Event::Counters(counters)) = event {
            assert_eq!(counters.link_dropped, 0);
            let worker = counters.worker.expect("it says who it is");
            counted[usize::from(worker.0)] |= counters.link_in > 20 && counters.link_out > 20;
        }
        counted == [true; 2]
    });
}
