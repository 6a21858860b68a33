//! The network between bots and the server: one impaired link per bot, in virtual time, from a seed.
//!
//! Owns what is in flight. Everything random is drawn in the order in which datagrams are sent, so the same seed and
//! the same sends give the same fates.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What one direction of a link does to datagrams. The default is a perfect wire of 10 ms.
#[derive(Clone, Copy, Debug)]
pub struct Impairment {
    /// The shortest way.
    pub delay: Duration,
    /// Up to this much more, drawn for each datagram: datagrams overtake each other.
    pub jitter: Duration,
    /// How many of a hundred are lost.
    pub loss_percent: f64,
    /// How many of a hundred arrive twice.
    pub duplicate_percent: f64,
    /// Nothing passes.
    pub cut: bool,
}

impl Default for Impairment {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            loss_percent: 0.0,
            duplicate_percent: 0.0,
            cut: false,
        }
    }
}

impl Impairment {
    /// A link that loses `percent` of a hundred, with a little jitter and a few duplicates, as real lossy links do.
    #[must_use]
    pub fn lossy(percent: f64) -> Self {
        Self { loss_percent: percent, duplicate_percent: 0.5, jitter: Duration::from_millis(8), ..Self::default() }
    }
}

/// Both directions of a bot's link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// From the bot to the server.
    pub up: Impairment,
    /// From the server to the bot.
    pub down: Impairment,
}

impl Link {
    /// The same both ways.
    #[must_use]
    pub fn both(impairment: Impairment) -> Self {
        Self { up: impairment, down: impairment }
    }
}

/// One end of the way of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// To this worker of the server, from this address.
    Server(usize, SocketAddr),
    /// From the server, to this address.
    Address(SocketAddr),
}

/// See the module.
#[derive(Debug)]
pub struct Network {
    rng: ChaCha12Rng,
    in_flight: BTreeMap<(Instant, u64), (Towards, Vec<u8>)>,
    sent: u64,
    lost: u64,
}

impl Network {
    /// An empty network.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: ChaCha12Rng::seed_from_u64(seed), in_flight: BTreeMap::new(), sent: 0, lost: 0 }
    }

    /// Puts a datagram on its way, or loses it.
    pub fn send(&mut self, now: Instant, impairment: &Impairment, towards: Towards, bytes: Vec<u8>) {
        // Both are drawn for every datagram, so that changing one impairment leaves other fates as they were.
        let lost = self.rng.random_range(0.0..100.0) < impairment.loss_percent;
        let twice = self.rng.random_range(0.0..100.0) < impairment.duplicate_percent;
        if impairment.cut || lost {
            self.lost += 1;
            return;
        }
        if twice {
            self.launch(now, impairment, towards, bytes.clone());
        }
        self.launch(now, impairment, towards, bytes);
    }

    /// When the next datagram arrives.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.in_flight.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next datagram that has arrived.
    pub fn poll_arrival(&mut self, now: Instant) -> Option<(Towards, Vec<u8>)> {
        let first = self.in_flight.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Datagrams lost so far: proof that a lossy world was lossy.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn launch(&mut self, now: Instant, impairment: &Impairment, towards: Towards, bytes: Vec<u8>) {
        let jitter = impairment.jitter.mul_f64(self.rng.random_range(0.0..1.0));
        self.sent += 1;
        self.in_flight.insert((now + impairment.delay + jitter, self.sent), (towards, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_what_was_asked_for_and_the_same_for_the_same_seed() {
        let now = crate::clock::start_of_time();
        let to = Towards::Server(0, ([192, 0, 2, 1], 9).into());
        let run = |seed| {
            let mut network = Network::new(seed);
            (0..10_000u32).for_each(|n| network.send(now, &Impairment::lossy(10.0), to, n.to_be_bytes().to_vec()));
            let order: Vec<_> =
                std::iter::from_fn(|| network.poll_arrival(now + Duration::from_secs(1)).map(|(_, bytes)| bytes))
                    .collect();
            (network.lost(), order)
        };
        let (lost, order) = run(1);
        assert!((900..1100).contains(&lost), "{lost} of 10000 lost");
        assert_eq!((lost, order.clone()), run(1));
        assert_ne!(order, run(2).1);
    }

    #[test]
    fn nothing_arrives_before_its_time() {
        let now = crate::clock::start_of_time();
        let mut network = Network::new(0);
        network.send(now, &Impairment::default(), Towards::Server(0, ([192, 0, 2, 1], 9).into()), vec![1]);
        let due = network.poll_timeout().expect("one in flight");
        assert!(network.poll_arrival(due - Duration::from_nanos(1)).is_none());
        assert!(network.poll_arrival(due).is_some());
        assert_eq!(network.poll_timeout(), None);
    }
}
