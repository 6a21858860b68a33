//! A DTLS client for tests, and a lossy link with a clock of its own between it and a [`Handshake`].

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, Output};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;

use super::super::*;
use crate::sends::{DATAGRAM_MAX, Sends};
use crate::srtp::SrtpProfile;

/// Where simulated time starts.
#[expect(clippy::disallowed_methods, reason = "an arbitrary start of simulated time")]
pub(crate) fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// One identity for all tests: they do not depend on its bytes.
pub(crate) fn acceptor() -> Arc<DtlsAcceptor> {
    static ACCEPTOR: OnceLock<Arc<DtlsAcceptor>> = OnceLock::new();
    let make = || Arc::new(DtlsAcceptor::new(DtlsIdentity::generate().expect("randomness")).expect("configuration"));
    Arc::clone(ACCEPTOR.get_or_init(make))
}

pub(crate) struct DtlsClient {
    dtls: Dtls,
    certificate: Vec<u8>,
    next_timeout: Option<Instant>,
    /// After an error of its engine the client is silent.
    gave_up: bool,
    pub(crate) keys: Option<SrtpKeys>,
    pub(crate) server_certificate: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ClientVersion {
    Only12,
    Only13,
    Both,
}

impl DtlsClient {
    pub(crate) fn new(version: ClientVersion, now: Instant) -> Self {
        static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
        let config = CONFIG.get_or_init(|| {
            let builder = Config::builder().flight_start_rto(Duration::from_millis(100)).flight_retries(12);
            Arc::new(builder.build().expect("configuration"))
        });
        let own = dimpl::certificate::generate_self_signed_certificate().expect("randomness");
        let certificate = own.certificate.clone();
        let make = match version {
            ClientVersion::Only12 => Dtls::new_12,
            ClientVersion::Only13 => Dtls::new_13,
            ClientVersion::Both => Dtls::new_auto,
        };
        let mut dtls = make(Arc::clone(config), own, now);
        dtls.set_active(true);
        dtls.handle_timeout(now).expect("the clock starts");
        Self { dtls, certificate, next_timeout: None, gave_up: false, keys: None, server_certificate: None }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::sha256_of(&self.certificate)
    }

    pub(crate) fn handle(&mut self, now: Instant, datagram: &[u8]) {
        if !self.gave_up {
            self.gave_up = self.dtls.handle_timeout(now).and_then(|()| self.dtls.handle_packet(datagram)).is_err();
        }
    }

    /// What the client sends at `now`.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<Vec<u8>> {
        if self.next_timeout.is_some_and(|due| due <= now) {
            self.gave_up |= self.dtls.handle_timeout(now).is_err();
        }
        if self.gave_up {
            self.next_timeout = None;
            return Vec::new();
        }
        let mut datagrams = Vec::new();
        let mut buffer = [0; 2048];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(datagram) => datagrams.push(datagram.to_vec()),
                Output::PeerCert(certificate) => self.server_certificate = Some(certificate.to_vec()),
                Output::KeyingMaterial(exported, profile) => {
                    let profile = match profile {
                        dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
                        dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
                        _ => SrtpProfile::Aes128CmSha1_80,
                    };
                    self.keys = SrtpKeys::of_dtls_client(profile, &exported);
                }
                Output::Timeout(due) => {
                    self.next_timeout = Some(due);
                    return datagrams;
                }
                _ => {}
            }
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.next_timeout
    }

    pub(crate) fn close(&mut self) {
        self.dtls.close().expect("open until now");
    }
}

/// What happens to datagrams on their way.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    /// Chance in a hundred that a datagram is lost.
    pub(crate) loss_percent: u32,
    /// Chance in a hundred that a byte of a datagram toward the server is changed.
    pub(crate) damage_percent: u32,
    /// How long a datagram travels.
    pub(crate) one_way: Duration,
}

pub(crate) const PERFECT: Link = Link { loss_percent: 0, damage_percent: 0, one_way: Duration::from_millis(1) };

enum Toward {
    Server,
    Client,
}

/// A client and a handshake with a link between them.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) client: DtlsClient,
    pub(crate) server: Handshake,
    pub(crate) event: Option<DtlsEvent>,
    pub(crate) out: Sends,
    pub(crate) link: Link,
    rng: ChaCha12Rng,
    /// In flight, by time of arrival and order of departure.
    flying: BTreeMap<(Instant, u64), (Toward, Vec<u8>)>,
    sent: u64,
}

pub(crate) fn client_path() -> NetPath {
    NetPath::udp(([192, 0, 2, 7], 50_000).into())
}

impl World {
    pub(crate) fn new(version: ClientVersion, link: Link, seed: u64) -> Self {
        let client = DtlsClient::new(version, start());
        let server = Handshake::new(acceptor(), client.fingerprint());
        let out = Sends::with_capacity(64 * DATAGRAM_MAX, 64);
        let rng = ChaCha12Rng::seed_from_u64(seed);
        Self { now: start(), client, server, event: None, out, link, rng, flying: BTreeMap::new(), sent: 0 }
    }

    /// Moves time from event to event until both sides have keys, the server fails, or `limit` is over.
    pub(crate) fn run(&mut self, limit: Duration) {
        let end = self.now + limit;
        loop {
            self.flush();
            self.event = self.event.take().or_else(|| self.server.poll_event());
            let is_settled = match &self.event {
                Some(DtlsEvent::Connected { .. }) => self.client.keys.is_some(),
                Some(_) => true,
                None => false,
            };
            let timers = [self.server.poll_timeout(), self.client.next_timeout()];
            let arrival = self.flying.keys().next().map(|(at, _)| *at);
            let next = timers.into_iter().flatten().chain(arrival).min();
            let Some(next) = next.filter(|next| *next < end && !is_settled) else { return };
            self.now = self.now.max(next);
            while let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= self.now) {
                match entry.remove() {
                    (Toward::Server, datagram) => {
                        self.server.handle_datagram(self.now, client_path(), &datagram, &mut self.out);
                    }
                    (Toward::Client, datagram) => self.client.handle(self.now, &datagram),
                }
            }
            self.server.handle_timeout(self.now, client_path(), &mut self.out);
        }
    }

    pub(crate) fn connected(&self) -> (DtlsVersion, SrtpProfile) {
        match &self.event {
            Some(DtlsEvent::Connected { version, keys }) => (*version, keys.profile),
            other => panic!("not connected but {other:?}"),
        }
    }

    fn flush(&mut self) {
        for datagram in self.client.poll(self.now) {
            self.send(Toward::Server, datagram);
        }
        for datagram in take(&mut self.out) {
            self.send(Toward::Client, datagram);
        }
    }

    fn send(&mut self, toward: Toward, mut datagram: Vec<u8>) {
        if matches!(toward, Toward::Server) && self.rng.random_range(0..100) < self.link.damage_percent {
            let place = self.rng.random_range(0..datagram.len());
            datagram[place] ^= self.rng.random_range(1..=255u8);
        }
        if self.rng.random_range(0..100) >= self.link.loss_percent {
            self.flying.insert((self.now + self.link.one_way, self.sent), (toward, datagram));
        }
        self.sent += 1;
    }
}

/// Everything in the slab, which is empty afterwards.
pub(crate) fn take(out: &mut Sends) -> Vec<Vec<u8>> {
    let datagrams = out.datagrams().iter().map(|send| out.bytes(send).to_vec()).collect();
    out.clear();
    datagrams
}
