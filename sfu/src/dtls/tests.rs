//! Whole handshakes, against `dimpl` and `rtc-dtls` clients, over good links and bad ones, and under attack.

use super::*;
use crate::sends::DATAGRAM_MAX;
use crate::srtp::SrtpProfile;

pub(crate) mod client;
mod foreign;

use client::{ClientVersion, DtlsClient, Link, PERFECT, World, acceptor, client_path, start, take};

const SECOND: Duration = Duration::from_secs(1);

fn sends() -> Sends {
    Sends::with_capacity(64 * DATAGRAM_MAX, 64)
}

#[test]
fn each_version_connects_with_equal_keys_and_proven_certificates() {
    let check = |client, expected| {
        let mut world = World::new(client, PERFECT, 1);
        world.run(SECOND);
        assert_eq!(world.connected().0, expected, "{client:?}");
        let Some(DtlsEvent::Connected { keys, .. }) = &world.event else { panic!("connected") };
        let theirs = world.client.keys.as_ref().expect("the client has keys too");
        assert!(keys.ours == theirs.theirs && keys.theirs == theirs.ours && keys.profile == theirs.profile);
        let certificate = world.client.server_certificate.as_ref().expect("shown");
        assert!(acceptor().fingerprint().is_of(certificate));
    };
    check(ClientVersion::Both, DtlsVersion::V1_3);
    check(ClientVersion::Only13, DtlsVersion::V1_3);
    check(ClientVersion::Only12, DtlsVersion::V1_2);
}

#[test]
fn trap_g2_no_round_trip_is_spent_on_a_cookie() {
    let check = |client, flights: u32| {
        let link = Link { one_way: Duration::from_millis(40), ..PERFECT };
        let mut world = World::new(client, link, 1);
        world.run(SECOND);
        world.connected();
        assert_eq!(world.now - start(), link.one_way * flights, "{client:?}");
    };
    // Until both sides have keys: hello, answer, finished; in 1.2 one more. Below every retransmission timer.
    check(ClientVersion::Both, 3);
    check(ClientVersion::Only12, 4);
}

#[test]
fn trap_g1_thirty_percent_loss_is_survived() {
    let link = Link { loss_percent: 30, one_way: Duration::from_millis(20), ..PERFECT };
    for client in [ClientVersion::Both, ClientVersion::Only12] {
        let failed: Vec<u64> = (0..40)
            .filter(|seed| {
                let mut world = World::new(client, link, *seed);
                world.run(HANDSHAKE_DEADLINE + SECOND);
                !matches!(world.event, Some(DtlsEvent::Connected { .. })) || world.client.keys.is_none()
            })
            .collect();
        assert!(failed.is_empty(), "{client:?}: not connected with seeds {failed:?}");
    }
}

#[test]
fn a_path_of_two_seconds_connects_although_both_sides_repeat_themselves() {
    for version in [ClientVersion::Both, ClientVersion::Only12] {
        for one_way in [150, 300, 500, 1000].map(Duration::from_millis) {
            let mut world = World::new(version, Link { one_way, ..PERFECT }, 1);
            world.run(HANDSHAKE_DEADLINE + SECOND);
            world.connected();
            assert!(world.client.keys.is_some(), "{version:?}, {one_way:?}");
        }
    }
}

#[test]
fn a_client_that_missed_the_last_flight_is_answered_again_until_the_lingering_ends() {
    for version in [ClientVersion::Both, ClientVersion::Only12] {
        let now = start();
        let mut out = sends();
        let mut client = DtlsClient::new(version, now);
        let mut server = Handshake::new(acceptor(), client.fingerprint());
        let mut last_client_flight = Vec::new();
        for _ in 0..2 {
            last_client_flight = client.poll(now);
            for datagram in &last_client_flight {
                server.handle_datagram(now, client_path(), datagram, &mut out);
            }
            if server.poll_event().is_some() {
                break;
            }
            take(&mut out).iter().for_each(|datagram| client.handle(now, datagram));
        }
        assert!(!take(&mut out).is_empty(), "{version:?}: the flight that gets lost");
        // The client repeats its last flight, sealed anew, when its timer fires.
        let later = client.next_timeout().expect("armed");
        let repeated = client.poll(later);
        assert!(!repeated.is_empty() && repeated != last_client_flight, "{version:?}");
        for datagram in &repeated {
            server.handle_datagram(later, client_path(), datagram, &mut out);
        }
        let answer = take(&mut out);
        assert!(!answer.is_empty(), "{version:?}: answered again");
        answer.iter().for_each(|datagram| client.handle(later, datagram));
        client.poll(later);
        assert!(client.keys.is_some(), "{version:?}");

        let end = start() + LINGER;
        assert!(!server.is_over());
        server.handle_timeout(end, client_path(), &mut out);
        assert!(server.is_over() && server.poll_timeout().is_none());
        assert!(!server.handle_datagram(end, client_path(), &repeated[0], &mut out));
        assert!(out.is_empty());
    }
}

#[test]
fn lingering_takes_few_records() {
    let mut world = World::new(ClientVersion::Both, PERFECT, 1);
    world.run(SECOND);
    world.connected();
    let datagram = [22, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0];
    let taken = |world: &mut World, now| {
        (0..1000).filter(|_| world.server.handle_datagram(now, client_path(), &datagram, &mut world.out)).count()
    };
    let now = world.now + SECOND;
    assert_eq!(taken(&mut world, now), LINGER_RECORDS_PER_SECOND as usize);
    assert!(world.server.poll_event().is_none(), "the keys stand");
}

#[test]
fn the_clients_goodbye_is_reported() {
    for version in [ClientVersion::Both, ClientVersion::Only12] {
        let mut world = World::new(version, PERFECT, 1);
        world.run(SECOND);
        world.connected();
        world.client.close();
        for datagram in world.client.poll(world.now) {
            world.server.handle_datagram(world.now, client_path(), &datagram, &mut world.out);
        }
        assert!(matches!(world.server.poll_event(), Some(DtlsEvent::Closed)), "{version:?}");
        assert!(world.server.is_over());
    }
}

#[test]
fn sec_04_another_certificate_than_announced_gets_no_keys() {
    for version in [ClientVersion::Both, ClientVersion::Only12] {
        let mut world = World::new(version, PERFECT, 1);
        let other = DtlsClient::new(version, start()).fingerprint();
        world.server = Handshake::new(acceptor(), other);
        world.run(HANDSHAKE_DEADLINE);
        let failed = matches!(world.event, Some(DtlsEvent::Failed(DtlsFailure::WrongFingerprint)));
        assert!(failed && world.server.is_over(), "{version:?}: {:?}", world.event);
    }
}

#[test]
fn trap_f4_chromiums_own_hello_is_answered_in_1_2_with_gcm() {
    let hello: [&[u8]; 2] = [
        include_bytes!("../../tests/fixtures/chromium156/client-hello-1.bin"),
        include_bytes!("../../tests/fixtures/chromium156/client-hello-2.bin"),
    ];
    let mut server = Handshake::new(acceptor(), acceptor().fingerprint());
    let mut out = sends();
    // The second datagram overtakes the first: nothing is answered before both are there.
    assert!(server.handle_datagram(start(), client_path(), hello[1], &mut out) && out.is_empty());
    assert!(server.handle_datagram(start(), client_path(), hello[0], &mut out));
    let flight = take(&mut out).concat();
    let use_srtp_gcm_256 = [0, 14, 0, 5, 0, 2, 0, 8, 0];
    assert!(flight.windows(use_srtp_gcm_256.len()).any(|window| window == use_srtp_gcm_256));
    assert!(server.poll_event().is_none());
}

#[test]
fn trap_f4_firefoxs_own_hello_is_answered_in_1_3() {
    let hello: [&[u8]; 2] = [
        include_bytes!("../../tests/fixtures/firefox153/client-hello-1.bin"),
        include_bytes!("../../tests/fixtures/firefox153/client-hello-2.bin"),
    ];
    let mut server = Handshake::new(acceptor(), acceptor().fingerprint());
    let mut out = sends();
    for datagram in hello {
        server.handle_datagram(start(), client_path(), datagram, &mut out);
    }
    let flight = take(&mut out).concat();
    let supported_versions_1_3 = [0, 43, 0, 2, 0xFE, 0xFC];
    assert!(flight.windows(supported_versions_1_3.len()).any(|window| window == supported_versions_1_3));
}

#[test]
fn a_silent_client_times_out_and_the_server_repeats_its_flight_meanwhile() {
    let mut client = DtlsClient::new(ClientVersion::Both, start());
    let mut server = Handshake::new(acceptor(), client.fingerprint());
    let mut out = sends();
    assert!(server.poll_timeout().is_none(), "no clock runs before the first datagram");
    for datagram in client.poll(start()) {
        server.handle_datagram(start(), client_path(), &datagram, &mut out);
    }
    let flight = take(&mut out).len();
    let mut repeated = 0;
    let mut now = start();
    while let Some(due) = server.poll_timeout() {
        now = due;
        server.handle_timeout(now, client_path(), &mut out);
        repeated += take(&mut out).len();
    }
    assert!(repeated >= 4 * flight, "{repeated} datagrams in repetitions of {flight}");
    assert!(matches!(server.poll_event(), Some(DtlsEvent::Failed(DtlsFailure::TimedOut))));
    assert!(now - start() <= HANDSHAKE_DEADLINE);
}

/// Gives `datagram` to a handshake `times` times; returns how often it was taken before the handshake failed.
fn flood(server: &mut Handshake, times: usize, mut datagram: impl FnMut(u64) -> Vec<u8>) -> usize {
    let mut out = sends();
    let mut taken = 0;
    for number in 0..times {
        taken += usize::from(server.handle_datagram(start(), client_path(), &datagram(number as u64), &mut out));
        out.clear();
    }
    assert!(matches!(server.poll_event(), Some(DtlsEvent::Failed(DtlsFailure::OverBudget))));
    assert!(server.is_over());
    taken
}

fn record(kind: u8, epoch: u8, sequence: u64, body: &[u8]) -> Vec<u8> {
    let mut datagram = vec![kind, 0xFE, 0xFD, 0, epoch];
    datagram.extend(&sequence.to_be_bytes()[2..]);
    datagram.extend((body.len() as u16).to_be_bytes());
    datagram.extend(body);
    datagram
}

#[test]
fn sec_05_a_million_empty_fragments_end_the_session_at_its_budget() {
    const PER_DATAGRAM: usize = 98;
    let empty = [1, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0].repeat(PER_DATAGRAM);
    let mut server = Handshake::new(acceptor(), acceptor().fingerprint());
    let taken = flood(&mut server, 1_000_000 / PER_DATAGRAM, |number| record(22, 0, number, &empty));
    assert_eq!(taken, HANDSHAKE_BYTES_MAX / (empty.len() + 13));

    let one = &empty[..12];
    let mut server = Handshake::new(acceptor(), acceptor().fingerprint());
    let taken = flood(&mut server, 10_000, |number| record(22, 0, number, one));
    assert_eq!(taken, HANDSHAKE_RECORDS_MAX as usize);
}

#[test]
fn sec_05_records_of_the_next_epoch_end_the_session_at_its_budget() {
    let body = [0; 1000];
    for after_hello in [false, true] {
        let mut client = DtlsClient::new(ClientVersion::Only12, start());
        let mut server = Handshake::new(acceptor(), client.fingerprint());
        if after_hello {
            for datagram in client.poll(start()) {
                server.handle_datagram(start(), client_path(), &datagram, &mut sends());
            }
        }
        let taken = flood(&mut server, 100_000, |number| record(23, 1, number, &body));
        assert!(taken <= HANDSHAKE_BYTES_MAX / body.len(), "{taken} kilobytes were taken");
    }
}

#[test]
fn sec_06_a_hello_damaged_anywhere_panics_nothing() {
    let hello = DtlsClient::new(ClientVersion::Both, start()).poll(start()).concat();
    for at in 0..hello.len() {
        let mut damaged = hello.clone();
        damaged[at] ^= 0x41;
        let mut server = Handshake::new(acceptor(), acceptor().fingerprint());
        server.handle_datagram(start(), client_path(), &damaged, &mut sends());
        assert!(!matches!(server.poll_event(), Some(DtlsEvent::Connected { .. })));
    }
}

#[test]
fn sec_06_damaged_flights_lead_to_equal_keys_or_to_none() {
    let link = Link { damage_percent: 25, ..PERFECT };
    let mut connected = 0;
    for version in [ClientVersion::Both, ClientVersion::Only12] {
        for seed in 0..100 {
            let mut world = World::new(version, link, seed);
            world.run(HANDSHAKE_DEADLINE + SECOND);
            if let (Some(DtlsEvent::Connected { keys, .. }), Some(theirs)) = (&world.event, &world.client.keys) {
                assert!(keys.ours == theirs.theirs && keys.theirs == theirs.ours, "{version:?}, seed {seed}");
                connected += 1;
            }
        }
    }
    assert!(connected > 0, "damage is survivable");
}

#[test]
fn the_profile_is_gcm_when_the_client_leaves_the_choice() {
    let mut world = World::new(ClientVersion::Only12, PERFECT, 1);
    world.run(SECOND);
    assert_eq!(world.connected().1, SrtpProfile::AeadAes256Gcm);
}

#[test]
fn an_unreadable_private_key_is_found_at_start() {
    let identity = DtlsIdentity::from_der(vec![1, 2, 3], vec![4, 5, 6]);
    assert!(matches!(DtlsAcceptor::new(identity), Err(DtlsSetupError::PrivateKey)));
}
