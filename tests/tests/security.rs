//! What strangers and hostile participants can do to a call: nothing but be counted.
//!
//! The whole media core, with a call going on in it that every packet is judged of. What single layers refuse is tested
//! beside them (`sfu/src/transport/tests.rs`, `sfu/src/dtls/tests.rs`); here it is proven that nothing goes around them.

use std::net::SocketAddr;
use std::time::Duration;
use tillside_sfu::command::{Counters, Event, LeaveReason};
use tillside_sfu::dtls::HANDSHAKE_RECORDS_MAX;
use tillside_sfu::sdp::SdpError;
use tillside_sfu::srtp::SSRCS_PER_SESSION_MAX;
use tillside_tests::allocation::{Counting, count};
use tillside_tests::bot::SentTrack;
use tillside_tests::bot::answer::Answer;
use tillside_tests::bot::ice::write_check;
use tillside_tests::bot::offer::Credentials;
use tillside_tests::bot::packet::Outgoing;
use tillside_tests::network::{Impairment, Link};
use tillside_tests::world::{BotId, World, is_rtp, participant};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TALKING: [SentTrack; 2] = [SentTrack::MICROPHONE, SentTrack::CAMERA];
const MILLISECOND: Duration = Duration::from_millis(1);
/// What a flood may leave behind, whatever its size: 64 SSRCs' windows, a few grown lists.
const KEPT_MAX: i64 = 64 * 1024;

/// Address number `n` of somebody who never joined.
fn stranger(n: u16) -> SocketAddr {
    ([203, 0, 113, 66], 20_000 + n).into()
}

/// A call of two that has run for a while, whose listeners have begun to measure gaps.
fn call(seed: u64) -> (World, [BotId; 2]) {
    let mut world = World::new(seed);
    let bots = [1, 2].map(|number| world.join(participant(1, number, &TALKING), Link::default()));
    world.run_until_connected(&bots);
    world.run_for(Duration::from_secs(3));
    let now = world.now();
    for bot in bots {
        world.bot_mut(bot).receptions.values_mut().for_each(|slot| slot.reset_gap(now));
    }
    (world, bots)
}

/// Nobody in the call noticed anything: sound and pictures came all the time, and go on coming.
fn assert_undisturbed(world: &mut World, bots: &[BotId]) {
    world.run_for(Duration::from_secs(1));
    for bot in bots {
        assert_eq!(world.left(*bot), None);
        let slots: Vec<_> = world.bot(*bot).receptions.values().filter(|slot| slot.packets > 0).collect();
        assert_eq!(slots.len(), 2, "one voice and one picture");
        for slot in slots {
            assert!(slot.longest_gap < 100 * MILLISECOND, "a gap of {:?}", slot.longest_gap);
            assert!(slot.is_live(world.now(), 100 * MILLISECOND));
        }
    }
    assert_eq!(world.strays(), 0, "nothing was sent to an address where nobody is");
    assert_eq!(world.counters().room_panics, 0);
}

/// What changed between two looks.
fn rise(before: &Counters, after: &Counters, counter: impl Fn(&Counters) -> u64) -> u64 {
    counter(after) - counter(before)
}

/// The media of what a bot sent within `duration`, none of which arrives.
fn lost_media(world: &mut World, bot: BotId, duration: Duration) -> Vec<Vec<u8>> {
    world.capture(bot);
    world.link_mut(bot).up.cut = true;
    world.run_for(duration);
    world.link_mut(bot).up.cut = false;
    let sent = world.captured(bot);
    sent.into_iter().filter(|datagram| is_rtp(datagram)).collect()
}

/// A handshake record of DTLS 1.2 with a fragment in it (RFC 6347 §4.1, §4.2.2).
fn handshake_record(epoch: u16, number: u32, message_length: u32, fragment: &[u8]) -> Vec<u8> {
    let mut record = vec![22, 0xFE, 0xFD];
    record.extend(epoch.to_be_bytes());
    record.extend([0, 0]);
    record.extend(number.to_be_bytes());
    record.extend((fragment.len() as u16 + 12).to_be_bytes());
    record.push(1);
    record.extend(&message_length.to_be_bytes()[1..]);
    record.extend([0; 2 + 3]);
    record.extend(&(fragment.len() as u32).to_be_bytes()[1..]);
    record.extend(fragment);
    record
}

/// A ClientHello that offers the suite TLS_NULL_WITH_NULL_NULL and nothing else, which ended calls of other servers.
fn null_hello() -> Vec<u8> {
    let mut body = vec![0xFE, 0xFD];
    body.extend([7; 32]);
    // No session, no cookie, one suite, no compression.
    body.extend([0, 0, 0, 2, 0, 0, 1, 0]);
    handshake_record(0, 0, body.len() as u32, &body)
}

#[test]
fn sec_01_a_sprayer_of_hellos_stops_no_join() {
    const JOINS: u64 = 100;
    let (mut world, bots) = call(1);
    let before = world.counters();
    let mut sprayed = 0;
    let mut newcomers = Vec::new();
    // 2,000 hellos per second from 50 ports while somebody joins every 50 ms, and until all are there.
    for tick in 0..JOINS * 10 + 100 {
        if tick % 10 == 0 && newcomers.len() < JOINS as usize {
            let number = 100 + newcomers.len() as u64;
            let newcomer = participant(100 + number / 2, number, &[SentTrack::MICROPHONE]);
            newcomers.push(world.join(newcomer, Link::default()));
        }
        for _ in 0..10 {
            assert_eq!(world.inject(stranger(sprayed % 50), null_hello()), 0, "not even an alert");
            sprayed += 1;
        }
        world.run_for(5 * MILLISECOND);
    }
    let connected = newcomers.iter().filter(|bot| world.bot(**bot).is_connected()).count();
    assert_eq!(connected, newcomers.len());
    let after = world.counters();
    assert_eq!(rise(&before, &after, |counters| counters.drop_unknown_source), u64::from(sprayed));
    assert_eq!(after.connect_failures, [0, 0]);
    assert_undisturbed(&mut world, &bots);
}

#[test]
fn sec_02_only_authentic_media_from_its_own_path_is_forwarded() {
    let (mut world, bots) = call(2);
    let genuine = lost_media(&mut world, bots[0], 40 * MILLISECOND);
    assert!(genuine.len() >= 2);
    let own = world.address(bots[0]);
    let before = world.counters();
    for packet in &genuine {
        let mut flipped = packet.clone();
        *flipped.last_mut().expect("a tag") ^= 1;
        let mut later = packet.clone();
        later[2] = later[2].wrapping_add(1);
        let mut plain = packet[..12].to_vec();
        plain.extend([0; 100]);
        for forged in [&flipped, &later, &plain] {
            assert_eq!(world.inject(own, forged.clone()), 0, "from the right address");
        }
        for forged in [packet, &flipped, &plain] {
            assert_eq!(world.inject(stranger(1), forged.clone()), 0, "from a wrong address");
            assert_eq!(world.inject(world.address(bots[1]), forged.clone()), 0, "from another participant");
        }
    }
    let after = world.counters();
    let count = genuine.len() as u64;
    // Three from the right address, and three that another participant sent as its own on SSRCs it has not.
    let refused = rise(&before, &after, |counters| counters.drop_unauthenticated + counters.drop_ssrc);
    assert_eq!(refused, 6 * count);
    assert_eq!(rise(&before, &after, |counters| counters.drop_unknown_source), 3 * count);
    assert_eq!(rise(&before, &after, |counters| counters.rtp_in), 0);
    // None of it left a trace: the packets themselves are as good as ever.
    for packet in genuine {
        assert_eq!(world.inject(own, packet), 1);
    }
    assert_undisturbed(&mut world, &bots);
}

#[test]
fn sec_03_replayed_datagrams_are_forwarded_once() {
    let (mut world, bots) = call(3);
    world.capture(bots[0]);
    world.run_for(Duration::from_secs(60));
    let captured = world.captured(bots[0]);
    // What was just sent arrives first.
    world.run_for(50 * MILLISECOND);
    let media: Vec<_> = captured.iter().filter(|datagram| is_rtp(datagram)).collect();
    let own = world.address(bots[0]);
    let before = world.counters();
    let mut resent = 0;
    for packet in media.iter().chain(&media).chain(&media) {
        assert_eq!(world.inject(own, packet.to_vec()), 0);
        resent += 1;
    }
    assert!(resent >= 10_000, "{resent}");
    let after = world.counters();
    let replayed = rise(&before, &after, |counters| counters.drop_replayed);
    let too_old = rise(&before, &after, |counters| counters.drop_unauthenticated);
    // What is older than the window is tried as the number of the next round, and fails as that.
    assert_eq!(replayed + too_old, resent);
    assert!(replayed >= 3 * 256, "{replayed} were within a window");
    // RTCP is protected alike: nothing is answered twice, no keyframe asked for again.
    let rtcp = captured.iter().filter(|datagram| matches!(datagram[..], [128..=191, 192..=223, ..]));
    let rtcp: Vec<_> = rtcp.cloned().collect();
    assert!(!rtcp.is_empty());
    for packet in rtcp {
        assert_eq!(world.inject(own, packet), 0);
    }
    assert_undisturbed(&mut world, &bots);
}

#[test]
fn sec_04_media_without_dtls_is_refused_as_an_offer() {
    let (mut world, bots) = call(4);
    let sizes = world.server_sizes();
    let mut refusal = |edit: fn(String) -> String| {
        let outcome = world.join_with(participant(1, 3, &TALKING), Link::default(), edit);
        outcome.expect_err("such an offer is refused")
    };
    let error = refusal(|offer| offer.replace("UDP/TLS/RTP/SAVPF", "RTP/AVPF"));
    assert!(matches!(error, SdpError::Protocol { .. }), "{error}");
    let error = refusal(|offer| offer.replace("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"));
    assert!(matches!(error, SdpError::Protocol { .. }), "{error}");
    let error = refusal(|offer| offer.replace("a=fingerprint:", "a=finger:"));
    assert!(matches!(error, SdpError::FingerprintMissing { .. }), "{error}");
    let error = refusal(|offer| {
        let md5 = "a=fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
        let weak = |line| if str::starts_with(line, "a=fingerprint:") { md5 } else { line };
        offer.lines().flat_map(|line| [weak(line), "\r\n"]).collect()
    });
    assert!(matches!(error, SdpError::FingerprintWeak { .. }), "{error}");
    assert_eq!(world.server_sizes(), sizes);
    assert_undisturbed(&mut world, &bots);
}

#[test]
fn sec_04_another_certificate_than_the_offers_is_refused() {
    let (mut world, bots) = call(5);
    let sizes = world.server_sizes();
    // Every pair of digits is another one: what the client shows is not what its offer announced.
    let edit = |offer: String| {
        let own = offer.lines().find_map(|line| line.strip_prefix("a=fingerprint:sha-256 ")).expect("one").to_owned();
        offer.replace(&own, &own.replace(|digit: char| digit.is_ascii_digit(), "E"))
    };
    let impostor = world.join_with(participant(1, 3, &TALKING), Link::default(), edit).expect("a good offer");
    world.run_until("the impostor is gone", Duration::from_secs(12), |world| world.left(impostor).is_some());
    assert_eq!(world.left(impostor), Some(LeaveReason::HandshakeFailed));
    assert_eq!(world.counters().connect_failures, [0, 1]);
    let connected = world.events().iter().filter(|event| matches!(event, Event::Connected { .. })).count();
    assert_eq!(connected, 2, "the impostor never was");
    world.vanish(impostor);
    assert_eq!(world.server_sizes(), sizes);
    assert_undisturbed(&mut world, &bots);
}

/// Somebody whose checks validate a path and whose client never begins its handshake, because nothing reaches it.
fn silent_client(world: &mut World) -> BotId {
    let deaf = Link { down: Impairment { cut: true, ..Impairment::default() }, ..Link::default() };
    let paths = world.server_sizes()[2];
    let bot = world.join(participant(2, 9, &[]), deaf);
    world.run_until("its path is validated", Duration::from_secs(2), |world| world.server_sizes()[2] > paths);
    bot
}

/// The nth datagram of a flood.
type Flood = fn(u32) -> Vec<u8>;

#[test]
fn sec_05_floods_before_a_handshake_end_the_session_and_grow_nothing() {
    let floods: [(&str, Flood); 3] = [
        ("fragments without content", |n| handshake_record(0, n, 1000, &[])),
        ("records of the next epoch", |n| handshake_record(1, n, 20, &[0; 20])),
        ("fragments of one byte of the longest message", |n| handshake_record(0, n, 0xFF_FFFF, &[1])),
    ];
    for (seed, (name, record)) in (6..).zip(floods) {
        let (mut world, bots) = call(seed);
        let flooder = silent_client(&mut world);
        let from = world.address(flooder);
        let before = world.counters();
        let ((), tally) = count(|| (0..100_000).for_each(|n| assert!(world.inject(from, record(n)) <= 1, "{name}")));
        assert!(tally.kept <= KEPT_MAX, "{name}: {tally:?}");
        world.run_for(50 * MILLISECOND);
        assert_eq!(world.left(flooder), Some(LeaveReason::HandshakeFailed), "{name}");
        let unread = rise(&before, &world.counters(), |counters| counters.drop_unknown_source + counters.drop_other);
        assert!(unread >= 100_000 - u64::from(HANDSHAKE_RECORDS_MAX) - 1, "{name}: {unread}");
        world.vanish(flooder);
        assert_undisturbed(&mut world, &bots);
    }
}

#[test]
fn sec_05_floods_after_a_handshake_are_dropped_and_the_call_goes_on() {
    let (mut world, bots) = call(9);
    let from = world.address(bots[0]);
    let before = world.counters();
    let ((), tally) = count(|| {
        for n in 0..100_000 {
            let record = handshake_record((n % 3) as u16, n, 1000, &[]);
            assert!(world.inject(from, record) <= 1);
        }
    });
    assert!(tally.kept <= KEPT_MAX, "{tally:?}");
    assert!(rise(&before, &world.counters(), |counters| counters.drop_dtls) >= 99_900);
    assert_undisturbed(&mut world, &bots);
}

/// A packet of a stream that nobody announced, of a payload type that nobody negotiated.
fn packet_of(ssrc: u32) -> Vec<u8> {
    Outgoing { payload_type: 125, ssrc, payload: &[0; 100], ..Outgoing::default() }.write()
}

#[test]
fn sec_07_made_up_streams_grow_nothing() {
    const STREAMS: u32 = 1_000_000;
    let (mut world, bots) = call(10);
    let from = world.address(bots[0]);
    let (before, sizes) = (world.counters(), world.server_sizes());
    let ((), tally) = count(|| {
        for n in 1..=STREAMS {
            assert_eq!(world.inject(from, packet_of(n.wrapping_mul(0x9E37_79B9))), 0);
        }
    });
    assert!(tally.kept <= KEPT_MAX, "{tally:?}");
    let after = world.counters();
    let refused = rise(&before, &after, |counters| counters.drop_ssrc + counters.drop_unauthenticated);
    assert_eq!((refused, after.rtp_in), (u64::from(STREAMS), before.rtp_in));
    assert_eq!(world.server_sizes(), sizes);
    assert_undisturbed(&mut world, &bots);
}

#[test]
fn sec_07_not_even_a_participants_own_made_up_streams_grow_anything() {
    const STREAMS: u32 = 10_000;
    let (mut world, bots) = call(11);
    let from = world.address(bots[0]);
    let keys = world.bot_mut(bots[0]).keys().expect("connected");
    let sealed: Vec<_> = (1..=STREAMS).map(|n| keys.seal_rtp(&packet_of(n.wrapping_mul(0x9E37_79B9)))).collect();
    let before = world.counters();
    let ((), tally) = count(|| sealed.iter().for_each(|packet| assert_eq!(world.inject(from, packet.clone()), 0)));
    assert!(tally.kept <= KEPT_MAX, "{tally:?}");
    let after = world.counters();
    let admitted = rise(&before, &after, |counters| counters.rtp_in);
    // The call's own two streams are admitted already.
    assert_eq!(admitted, SSRCS_PER_SESSION_MAX as u64 - 2);
    assert_eq!(rise(&before, &after, |counters| counters.drop_ssrc), u64::from(STREAMS) - admitted);
    assert_undisturbed(&mut world, &bots);
}

#[test]
fn sec_08_a_check_that_is_not_authentic_is_not_answered() {
    let (mut world, bots) = call(12);
    let mut answers = world.events().iter().filter_map(|event| match event {
        Event::Answered { answer, .. } => Some(Answer::parse(answer).expect("an answer").ice),
        _ => None,
    });
    let Credentials { ufrag, password } = answers.next_back().expect("two joined");
    let provider = rtc::crypto::default_provider().expect("built with aws-lc-rs");
    let check = |ufrag: &str, password: &str| {
        let transaction = rtc::stun::message::TransactionId([5; 12]);
        write_check(transaction, &format!("{ufrag}:peer"), password, &*provider)
    };
    let mut flipped = check(&ufrag, &password);
    let at = flipped.len() - 8 - 1;
    flipped[at] ^= 1;
    // The header alone, and a header that promises what does not follow.
    let bare = [&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[5; 12]].concat();
    let cut = check(&ufrag, &password)[..60].to_vec();
    let unanswered = [
        ("an unknown fragment", check("AAAAAAAA", &password)),
        ("an empty fragment", check("", &password)),
        ("another password", check(&ufrag, "another password of some length")),
        ("a flipped integrity", flipped),
        ("no attributes", bare),
        ("cut short", cut),
    ];
    let (before, sizes) = (world.counters(), world.server_sizes());
    for (name, datagram) in &unanswered {
        for from in [stranger(1), stranger(2), world.address(bots[0])] {
            assert_eq!(world.inject(from, datagram.clone()), 0, "{name}");
        }
    }
    let after = world.counters();
    let dropped = rise(&before, &after, |counters| counters.drop_stun + counters.drop_unknown_ufrag);
    assert_eq!(dropped, 3 * unanswered.len() as u64);
    assert_eq!(world.server_sizes(), sizes, "no path was made");
    assert_undisturbed(&mut world, &bots);
    // The same check with nothing wrong is answered: the refusals above are for their reasons.
    assert_eq!(world.inject(stranger(3), check(&ufrag, &password)), 1);
    assert_eq!(world.strays(), 1);
}
