//! A participant's way from its first check to its media, and what strangers can do about it.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::dtls::tests::client::{ClientVersion, DtlsClient, acceptor, start, take};
use crate::dtls::{HANDSHAKE_DEADLINE, LINGER};
use crate::ice::{CONSENT_EXPIRY, UfragRoute};
use crate::id::WorkerId;
use crate::rtp::RtpHeader;
use crate::sends::DATAGRAM_MAX;
use crate::srtp::{SSRCS_PER_SESSION_MAX, SrtpKeys};
use crate::stun::{CheckFields, IntegrityKey, Nomination, Role, TransactionId, write_check};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn path(number: u16) -> NetPath {
    NetPath::udp(([192, 0, 2, 7], 5000 + number).into())
}

fn credentials(seed: u64) -> LocalCredentials {
    let route = UfragRoute { worker: WorkerId(0), slot: 0 };
    LocalCredentials::generate(route, &mut ChaCha12Rng::seed_from_u64(seed))
}

fn check(credentials: &LocalCredentials, nomination: Option<Nomination>) -> Vec<u8> {
    let username = format!("{}:peer", credentials.ufrag());
    let fields = CheckFields {
        transaction_id: TransactionId([1; 12]),
        username: username.as_bytes(),
        priority: 1,
        role: Role::Controlling(1),
        nomination,
    };
    let mut bytes = [0; 600];
    let len = write_check(&mut bytes, &fields, &IntegrityKey::new(credentials.pwd().as_bytes()));
    bytes[..len].to_vec()
}

/// A transport, its participant, and the time.
struct Call {
    now: Instant,
    transport: Transport,
    client: DtlsClient,
    out: Sends,
}

impl Call {
    fn new(version: ClientVersion) -> Self {
        let client = DtlsClient::new(version, start());
        let transport = Transport::new(start(), &acceptor(), credentials(0), client.fingerprint());
        Self { now: start(), transport, client, out: Sends::with_capacity(64 * DATAGRAM_MAX, 64) }
    }

    fn connected(version: ClientVersion) -> Self {
        let mut call = Self::new(version);
        call.check(path(0), Some(Nomination::UseCandidate));
        call.exchange_dtls();
        assert!(call.events().iter().any(|event| matches!(event, TransportEvent::Connected { .. })));
        call
    }

    fn check(&mut self, from: NetPath, nomination: Option<Nomination>) {
        let check = check(self.transport.local_credentials(), nomination);
        self.transport.handle_stun(self.now, from, &check, &mut self.out);
        self.out.clear();
    }

    /// Carries DTLS between both, on path 0, until neither has anything to say.
    fn exchange_dtls(&mut self) {
        loop {
            let sent = self.client.poll(self.now);
            if sent.is_empty() {
                return;
            }
            for datagram in sent {
                self.transport.handle_dtls(self.now, path(0), &datagram, &mut self.out);
            }
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        assert!(self.out.datagrams().iter().all(|send| Some(self.out.path(send)) == self.transport.ice.sending_path()));
        for datagram in take(&mut self.out) {
            self.client.handle(self.now, &datagram);
        }
    }

    fn events(&mut self) -> Vec<TransportEvent> {
        std::iter::from_fn(|| self.transport.poll_event()).collect()
    }

    fn client_keys(&self) -> &SrtpKeys {
        self.client.keys.as_ref().expect("the client is connected")
    }

    /// An SRTP packet as the client would send it.
    fn client_packet(&self, ssrc: u32, sequence: u16) -> Vec<u8> {
        let sealer = SrtpSealer::new(&self.client_keys().ours);
        let header = rtp_header(ssrc, sequence);
        let mut packet = vec![0; 200];
        packet[..12].copy_from_slice(&header);
        let len = sealer.seal_rtp(0, &mut packet, 12, b"some media").expect("room");
        packet.truncate(len);
        packet
    }

    fn open(&mut self, from: NetPath, mut packet: Vec<u8>) -> Option<OpenedRtp> {
        self.transport.open_rtp(self.now, from, &mut packet)
    }
}

fn rtp_header(ssrc: u32, sequence: u16) -> [u8; 12] {
    let mut header = [0; 12];
    header[..2].copy_from_slice(&[0x80, 96]);
    header[2..4].copy_from_slice(&sequence.to_be_bytes());
    header[8..].copy_from_slice(&ssrc.to_be_bytes());
    header
}

#[test]
fn a_participant_connects_and_media_flows_both_ways() {
    let check = |version, dtls| {
        let mut call = Call::new(version);
        call.check(path(0), Some(Nomination::UseCandidate));
        assert!(call.transport.sending().is_none(), "no media before the handshake");
        call.exchange_dtls();
        let srtp = call.client_keys().profile;
        let expected = [
            TransportEvent::Path(PathChange::Added(path(0))),
            TransportEvent::Path(PathChange::Selected(path(0))),
            TransportEvent::Connected { srtp, dtls },
        ];
        assert_eq!(call.events(), expected);

        let opened = call.open(path(0), call.client_packet(7, 1)).expect("opens");
        assert_eq!((opened.header.ssrc.0, opened.is_first), (7, true));

        let mut packet = vec![0; 100];
        packet[..12].copy_from_slice(&rtp_header(8, 9));
        let (to, sealer) = call.transport.sending().expect("connected");
        let len = sealer.seal_rtp(0, &mut packet, 12, b"answer").expect("room");
        assert_eq!(to, path(0));
        let mut opener = SrtpOpener::new(&call.client_keys().theirs);
        let opened = opener.open_rtp(&mut packet[..len], NewSsrc::Admit).expect("ours opens there");
        assert_eq!(&packet[12..opened.len], b"answer");
        assert_eq!(*call.transport.counters(), TransportCounters { checks: 1, ..Default::default() });
    };
    check(ClientVersion::Both, DtlsVersion::V1_3);
    check(ClientVersion::Only12, DtlsVersion::V1_2);
}

#[test]
fn sec_01_nothing_a_stranger_sends_reaches_the_handshake() {
    let fatal_alert = [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40];
    let foreign_hello = DtlsClient::new(ClientVersion::Only12, start()).poll(start()).concat();
    let garbage = [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF];
    for version in [ClientVersion::Both, ClientVersion::Only12] {
        let mut call = Call::new(version);
        let spray = |call: &mut Call| {
            for (number, datagram) in [&fatal_alert[..], &foreign_hello, &garbage].into_iter().enumerate() {
                let stranger = path(100 + number as u16);
                call.transport.handle_dtls(call.now, stranger, datagram, &mut call.out);
                assert!(call.open(stranger, rtp_header(1, 1).repeat(4)).is_none());
                let mut rtcp = [0x80, 201].repeat(40);
                assert!(call.transport.open_rtcp(call.now, stranger, &mut rtcp).is_none());
            }
        };
        spray(&mut call);
        call.check(path(0), Some(Nomination::UseCandidate));
        spray(&mut call);
        for _ in 0..4 {
            let sent = call.client.poll(call.now);
            for datagram in sent {
                call.transport.handle_dtls(call.now, path(0), &datagram, &mut call.out);
                spray(&mut call);
            }
            call.deliver();
        }
        let connected = call.events().iter().any(|event| matches!(event, TransportEvent::Connected { .. }));
        assert!(connected, "{version:?}");
        assert!(call.transport.counters().stranger >= 4 * 9);
        assert!(call.transport.poll_early().is_none(), "no stranger's packet was put aside");
    }
}

#[test]
fn sec_02_only_authentic_media_of_a_validated_path_is_opened() {
    let mut call = Call::connected(ClientVersion::Both);
    assert!(call.open(path(0), call.client_packet(7, 1)).is_some());
    let genuine = call.client_packet(7, 2);
    let mut flipped = genuine.clone();
    *flipped.last_mut().expect("a tag") ^= 1;
    let mut plain = rtp_header(7, 3).to_vec();
    plain.extend([0; 40]);
    for wrong in [&flipped, &plain] {
        assert!(call.open(path(0), wrong.clone()).is_none());
    }
    assert!(call.open(path(9), genuine.clone()).is_none());
    assert!(call.open(path(0), genuine.clone()).is_some(), "the call goes on");
    assert!(call.open(path(0), genuine).is_none(), "once");
    let counters = call.transport.counters();
    assert_eq!((counters.srtp_unauthenticated, counters.stranger, counters.srtp_replayed), (2, 1, 1));
}

#[test]
fn trap_h1_a_spoofed_source_moves_nothing() {
    let mut call = Call::connected(ClientVersion::Both);
    let packet = call.client_packet(7, 1);
    assert!(call.open(path(0), packet.clone()).is_some());
    let spoofed = path(66);
    assert!(call.open(spoofed, packet).is_none());
    let mut forged = check(&credentials(0), Some(Nomination::UseCandidate));
    forged.truncate(forged.len() - 8);
    forged[3] -= 8;
    let tag = forged.len() - 1;
    forged[tag] ^= 1;
    call.transport.handle_stun(call.now, spoofed, &forged, &mut call.out);
    assert!(call.out.is_empty() && call.events().is_empty());
    assert_eq!(call.transport.sending().map(|(to, _)| to), Some(path(0)));
    assert_eq!(call.transport.counters().stun_bad_integrity, 1);
}

#[test]
fn trap_h1_media_follows_an_authenticated_rebinding() {
    let mut call = Call::connected(ClientVersion::Both);
    call.now += SECOND;
    call.check(path(1), Some(Nomination::UseCandidate));
    let expected = [PathChange::Added(path(1)), PathChange::Selected(path(1))].map(TransportEvent::Path);
    assert_eq!(call.events(), expected);
    assert_eq!(call.transport.sending().map(|(to, _)| to), Some(path(1)));
    assert!(call.open(path(1), call.client_packet(7, 1)).is_some());
}

#[test]
fn trap_h1_silence_ends_the_transport() {
    let mut call = Call::connected(ClientVersion::Both);
    // The lingering handshake goes first, then the consent.
    let mut deadlines = 0;
    while let Some(due) = call.transport.poll_timeout() {
        call.now = due;
        call.transport.handle_timeout(due, &mut call.out);
        assert_eq!(call.transport.handshake.is_none(), due >= start() + LINGER, "kept no longer than needed");
        deadlines += 1;
        assert!(deadlines < 100, "timers make progress");
    }
    assert_eq!(call.now, start() + CONSENT_EXPIRY);
    let expected =
        [TransportEvent::Path(PathChange::Removed(path(0))), TransportEvent::Ended(EndReason::ConsentExpired)];
    assert_eq!(call.events(), expected);
    assert!(call.transport.is_ended() && call.transport.sending().is_none());
    call.check(path(0), None);
    call.transport.remove_path(path(0));
    assert_eq!((call.transport.counters().after_end, call.events().len()), (1, 0));
}

#[test]
fn checks_without_a_handshake_time_out() {
    let mut call = Call::new(ClientVersion::Both);
    while call.now < start() + CONNECT_DEADLINE {
        call.check(path(0), Some(Nomination::UseCandidate));
        call.transport.handle_timeout(call.now, &mut call.out);
        call.now += SECOND;
    }
    call.transport.handle_timeout(call.now, &mut call.out);
    assert_eq!(call.events().last(), Some(&TransportEvent::Ended(EndReason::ConnectTimedOut)));
}

#[test]
fn a_handshake_that_stops_halfway_fails() {
    let mut call = Call::new(ClientVersion::Both);
    call.check(path(0), Some(Nomination::UseCandidate));
    for datagram in call.client.poll(call.now) {
        call.transport.handle_dtls(call.now, path(0), &datagram, &mut call.out);
    }
    call.now += HANDSHAKE_DEADLINE;
    call.out.clear();
    call.transport.handle_timeout(call.now, &mut call.out);
    let expected = TransportEvent::Ended(EndReason::Dtls(DtlsFailure::TimedOut));
    assert_eq!(call.events().last(), Some(&expected));
}

#[test]
fn a_lost_flight_is_repeated_to_where_the_client_is_now() {
    let mut call = Call::new(ClientVersion::Both);
    call.check(path(0), Some(Nomination::UseCandidate));
    for datagram in call.client.poll(call.now) {
        call.transport.handle_dtls(call.now, path(0), &datagram, &mut call.out);
    }
    assert!(!take(&mut call.out).is_empty());
    call.check(path(1), Some(Nomination::UseCandidate));
    call.now = call.transport.poll_timeout().expect("a retransmission is due");
    assert!(call.now < start() + 250 * MILLISECOND);
    call.transport.handle_timeout(call.now, &mut call.out);
    assert!(!call.out.is_empty() && call.out.datagrams().iter().all(|send| call.out.path(send) == path(1)));
}

#[test]
fn without_a_path_the_handshake_waits_for_one() {
    let mut call = Call::new(ClientVersion::Both);
    call.check(path(0), None);
    for datagram in call.client.poll(call.now) {
        call.transport.handle_dtls(call.now, path(0), &datagram, &mut call.out);
    }
    call.transport.remove_path(path(0));
    call.out.clear();
    assert_eq!(call.transport.poll_timeout(), Some(start() + CONSENT_EXPIRY), "nothing is due that could be done");
    call.now += SECOND;
    call.check(path(1), None);
    let due = call.transport.poll_timeout().expect("the flight is due again");
    call.transport.handle_timeout(call.now.max(due), &mut call.out);
    assert!(!call.out.is_empty() && call.out.datagrams().iter().all(|send| call.out.path(send) == path(1)));
}

#[test]
fn media_that_overtakes_the_clients_last_flight_waits_for_its_keys() {
    let mut call = Call::new(ClientVersion::Only13);
    call.check(path(0), Some(Nomination::UseCandidate));
    for datagram in call.client.poll(call.now) {
        call.transport.handle_dtls(call.now, path(0), &datagram, &mut call.out);
    }
    call.deliver();
    let last_flight = call.client.poll(call.now);
    for sequence in 1..=3 {
        assert!(call.open(path(0), call.client_packet(7, sequence)).is_none());
    }
    assert!(call.transport.poll_early().is_none(), "not before the keys");
    for datagram in last_flight {
        call.transport.handle_dtls(call.now, path(0), &datagram, &mut call.out);
    }
    let mut opened = Vec::new();
    while let Some(mut early) = call.transport.poll_early() {
        assert_eq!((early.arrived, early.from), (call.now, path(0)));
        let header = RtpHeader::parse(&early.bytes).expect("a packet");
        assert!(call.transport.open_rtp(call.now, early.from, &mut early.bytes).is_some());
        opened.push(header.sequence.0);
    }
    assert_eq!(opened, [1, 2, 3]);
    assert_eq!(call.transport.counters().early_dropped, 0);
}

#[test]
fn the_clients_goodbye_ends_the_transport() {
    let mut call = Call::connected(ClientVersion::Both);
    call.client.close();
    call.exchange_dtls();
    assert_eq!(call.events(), [TransportEvent::Ended(EndReason::ClosedByPeer)]);
}

#[test]
fn an_ice_restart_keeps_the_association() {
    let mut call = Call::connected(ClientVersion::Both);
    call.transport.restart_ice(credentials(1));
    assert!(call.open(path(0), call.client_packet(7, 1)).is_some());
    call.check(path(1), Some(Nomination::UseCandidate));
    assert_eq!(call.transport.paths().collect::<Vec<_>>(), [path(1)]);
    assert!(call.open(path(1), call.client_packet(7, 2)).is_some());
    assert_eq!(call.transport.sending().map(|(to, _)| to), Some(path(1)));
}

#[test]
fn sec_07_made_up_streams_are_refused_unread_after_a_few() {
    let mut call = Call::connected(ClientVersion::Both);
    let mut packet = rtp_header(0, 1).to_vec();
    packet.resize(60, 0);
    for ssrc in 0..100_000u32 {
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        assert!(call.transport.open_rtp(call.now, path(0), &mut packet.clone()).is_none());
    }
    let counters = *call.transport.counters();
    assert_eq!(counters.srtp_unauthenticated, u64::from(FAILED_SSRCS_PER_SECOND));
    assert_eq!(counters.srtp_not_admitted, 100_000 - u64::from(FAILED_SSRCS_PER_SECOND));
    // A moment later a genuine stream gets through, and any number of them after it, up to the session's limit.
    call.now += SECOND;
    let opened = (0..100).filter(|ssrc| call.open(path(0), call.client_packet(1_000_000 + ssrc, 1)).is_some()).count();
    assert_eq!(opened, SSRCS_PER_SESSION_MAX);
    assert_eq!(call.transport.counters().srtp_too_many_ssrcs, 8);
}

#[test]
fn an_idle_transport_is_small() {
    let size = size_of::<Transport>();
    assert!(size <= 2048, "{size} bytes");
}
