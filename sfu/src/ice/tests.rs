//! A client's checks, seen from the agent: who is answered, which paths hold, and where to send.

use std::net::SocketAddr;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::id::WorkerId;
use crate::sends::{DATAGRAM_MAX, Via};
use crate::stun::{Answer, CheckFields, IntegrityKey, TransactionId, read_answer, write_check};

const SECOND: Duration = Duration::from_secs(1);

#[expect(clippy::disallowed_methods, reason = "an arbitrary start of simulated time")]
fn start() -> Instant {
    Instant::now()
}

fn path(number: u16) -> NetPath {
    NetPath::udp(([192, 0, 2, 1], 1000 + number).into())
}

fn credentials(seed: u64) -> LocalCredentials {
    let route = UfragRoute { worker: WorkerId(1), slot: 5 };
    LocalCredentials::generate(route, &mut ChaCha12Rng::seed_from_u64(seed))
}

/// What a client with the answer of `credentials(seed)` says in its checks.
#[derive(Clone, Copy)]
struct Check {
    seed: u64,
    nomination: Option<Nomination>,
    role: Role,
}

const CHECK: Check = Check { seed: 0, nomination: None, role: Role::Controlling(1) };
const NOMINATE: Check = Check { nomination: Some(Nomination::UseCandidate), ..CHECK };

impl Check {
    fn bytes(self) -> Vec<u8> {
        let credentials = credentials(self.seed);
        let username = format!("{}:peer", credentials.ufrag());
        let fields = CheckFields {
            transaction_id: TransactionId([9; 12]),
            username: username.as_bytes(),
            priority: 100,
            role: self.role,
            nomination: self.nomination,
        };
        let mut bytes = [0; 600];
        let len = write_check(&mut bytes, &fields, &credentials.key());
        bytes[..len].to_vec()
    }
}

/// An agent with the clock and the slab it needs.
struct Fixture {
    agent: IceAgent,
    now: Instant,
    out: Sends,
}

impl Fixture {
    fn new() -> Self {
        let now = start();
        let out = Sends::with_capacity(16 * DATAGRAM_MAX, 16);
        Self { agent: IceAgent::new(now, credentials(0)), now, out }
    }

    fn raw(&mut self, from: NetPath, datagram: &[u8]) -> Result<(), CheckRejection> {
        self.out.clear();
        self.agent.handle_check(self.now, from, datagram, &mut self.out)
    }

    fn check(&mut self, from: NetPath, check: Check) {
        assert_eq!(self.raw(from, &check.bytes()), Ok(()));
    }

    fn changes(&mut self) -> Vec<PathChange> {
        std::iter::from_fn(|| self.agent.poll_change()).collect()
    }

    fn answer(&self, seed: u64) -> Option<(NetPath, Answer)> {
        let [send] = self.out.datagrams() else { return None };
        read_answer(self.out.bytes(send), &credentials(seed).key()).map(|answer| (self.out.path(send), answer))
    }
}

#[test]
fn a_check_is_answered_where_it_came_from_and_makes_a_path() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.agent.sending_path(), None);
    let v6: SocketAddr = "[2001:db8::7]:4444".parse().expect("literal");
    for from in [path(1), NetPath::udp(v6), NetPath::new(path(1).remote(), Via::Tcp(3))] {
        fixture.check(from, CHECK);
        let success = Answer::Success(TransactionId([9; 12]), from.remote());
        assert_eq!(fixture.answer(0), Some((from, success)));
        assert_eq!(fixture.changes(), [PathChange::Added(from)]);
        assert!(fixture.agent.is_validated(from));
    }
    assert_eq!(fixture.agent.sending_path(), Some(path(1)), "the first, as nothing is nominated yet");
    fixture.check(path(1), CHECK);
    assert_eq!(fixture.changes(), []);
}

#[test]
fn sec_08_who_does_not_know_the_password_gets_no_byte() {
    let mut fixture = Fixture::new();
    let good = CHECK.bytes();
    let mut forged = good.clone();
    forged[10] ^= 1;
    // Without its fingerprint the forged transaction id is well formed, but not what the integrity covers.
    let without_fingerprint = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() - 8);
        bytes[3] -= 8;
        bytes
    };
    let unsigned = {
        let mut bytes = without_fingerprint(good.clone());
        bytes.truncate(bytes.len() - 24);
        bytes[3] -= 24;
        bytes
    };
    let check = |fixture: &mut Fixture, bytes: &[u8], rejection| {
        assert_eq!(fixture.raw(path(1), bytes), Err(rejection));
        assert!(fixture.out.is_empty() && fixture.changes().is_empty());
        assert!(!fixture.agent.is_validated(path(1)));
    };
    check(&mut fixture, &Check { seed: 1, ..CHECK }.bytes(), CheckRejection::UnknownUfrag);
    check(&mut fixture, &without_fingerprint(forged.clone()), CheckRejection::BadIntegrity);
    check(&mut fixture, &forged, CheckRejection::Malformed(RequestError::BadFingerprint));
    check(&mut fixture, &unsigned, CheckRejection::Malformed(RequestError::Unauthenticated));
    check(&mut fixture, b"\x00\x01\x00\x00not stun at all", CheckRejection::Malformed(RequestError::NotStun));
}

#[test]
fn sec_08_no_answer_is_much_longer_than_its_question() {
    let mut fixture = Fixture::new();
    let v6: SocketAddr = "[2001:db8::7]:4444".parse().expect("literal");
    let mut longest: f64 = 0.0;
    for check in [CHECK, Check { role: Role::Controlled(1), ..CHECK }] {
        let bytes = check.bytes();
        let _ = fixture.raw(NetPath::udp(v6), &bytes);
        longest = longest.max(fixture.out.datagrams()[0].len() as f64 / bytes.len() as f64);
    }
    assert!(longest <= 1.0, "{longest}");
    // The shortest question that is answered at all: a username and its integrity.
    let shortest = 20 + 4 + (UFRAG_LEN + 1).next_multiple_of(4) + 24;
    let longest_success = 20 + 4 + 20 + 24 + 8;
    assert!(longest_success as f64 <= 1.5 * shortest as f64);
}

#[test]
fn trap_h3_what_we_do_not_know_or_may_not_be_is_refused_with_a_code() {
    let mut fixture = Fixture::new();
    let conflict = Check { role: Role::Controlled(u64::MAX), ..NOMINATE };
    assert_eq!(fixture.raw(path(1), &conflict.bytes()), Err(CheckRejection::RoleConflict));
    assert_eq!(fixture.answer(0), Some((path(1), Answer::Error(TransactionId([9; 12]), 487))));
    assert_eq!((fixture.changes(), fixture.agent.sending_path()), (vec![], None));
}

#[test]
fn the_latest_nomination_counts_and_a_renomination_is_not_undone_by_reordering() {
    let mut fixture = Fixture::new();
    fixture.check(path(1), CHECK);
    fixture.check(path(2), NOMINATE);
    assert_eq!(fixture.agent.sending_path(), Some(path(2)));
    fixture.check(path(1), NOMINATE);
    assert_eq!(fixture.agent.sending_path(), Some(path(1)));
    fixture.changes();
    let renominate = |value| Check { nomination: Some(Nomination::Renominate(value)), ..CHECK };
    fixture.check(path(2), renominate(7));
    fixture.check(path(1), renominate(6));
    fixture.check(path(2), renominate(7));
    assert_eq!(fixture.changes(), [PathChange::Selected(path(2))]);
}

#[test]
fn trap_h1_a_client_behind_a_rebinding_nat_moves_with_its_next_check() {
    let mut fixture = Fixture::new();
    fixture.check(path(1), NOMINATE);
    fixture.changes();
    fixture.now += SECOND;
    fixture.check(path(2), NOMINATE);
    assert_eq!(fixture.changes(), [PathChange::Added(path(2)), PathChange::Selected(path(2))]);
    // The old address still belongs to the participant until its consent runs out, for packets on their way.
    assert!(fixture.agent.is_validated(path(1)));
    fixture.now += CONSENT_EXPIRY - SECOND;
    assert_eq!(fixture.agent.poll_timeout(), fixture.now);
    assert_eq!(fixture.agent.handle_timeout(fixture.now), Consent::Held);
    assert_eq!(fixture.changes(), [PathChange::Removed(path(1))]);
    assert_eq!(fixture.agent.sending_path(), Some(path(2)));
}

#[test]
fn trap_h1_thirty_seconds_of_silence_end_the_consent() {
    let mut fixture = Fixture::new();
    fixture.check(path(1), NOMINATE);
    fixture.changes();
    fixture.now += CONSENT_EXPIRY - Duration::from_millis(1);
    assert_eq!(fixture.agent.handle_timeout(fixture.now), Consent::Held);
    fixture.now = fixture.agent.poll_timeout();
    assert_eq!(fixture.agent.handle_timeout(fixture.now), Consent::Expired);
    assert_eq!(fixture.changes(), [PathChange::Removed(path(1))]);
    assert_eq!(fixture.agent.sending_path(), None);

    let mut never_reached = Fixture::new();
    never_reached.now += CONSENT_EXPIRY;
    assert_eq!(never_reached.agent.poll_timeout(), never_reached.now);
    assert_eq!(never_reached.agent.handle_timeout(never_reached.now), Consent::Expired);
}

#[test]
fn each_check_renews_the_consent_of_its_own_path_only() {
    let mut fixture = Fixture::new();
    fixture.check(path(1), NOMINATE);
    fixture.check(path(2), CHECK);
    fixture.changes();
    let mut removed = Vec::new();
    for _ in 0..60 {
        fixture.now += SECOND;
        fixture.check(path(1), CHECK);
        assert_eq!(fixture.agent.handle_timeout(fixture.now), Consent::Held);
        removed.extend(fixture.changes());
    }
    assert_eq!(removed, [PathChange::Removed(path(2))]);
}

#[test]
fn a_closed_connection_is_a_path_less() {
    let mut fixture = Fixture::new();
    let tcp = NetPath::new(path(9).remote(), Via::Tcp(1));
    fixture.check(path(1), CHECK);
    fixture.check(tcp, NOMINATE);
    fixture.changes();
    fixture.agent.remove_path(tcp);
    assert_eq!(fixture.changes(), [PathChange::Removed(tcp)]);
    assert_eq!(fixture.agent.sending_path(), Some(path(1)));
}

#[test]
fn a_restart_keeps_the_old_path_until_the_new_credentials_are_nominated() {
    let mut fixture = Fixture::new();
    fixture.check(path(1), NOMINATE);
    fixture.agent.restart(credentials(1));
    assert_eq!(fixture.agent.credentials().ufrag(), credentials(1).ufrag());
    fixture.check(path(1), NOMINATE);
    fixture.check(path(2), Check { seed: 1, ..CHECK });
    assert_eq!(fixture.agent.sending_path(), Some(path(1)));
    fixture.changes();

    fixture.check(path(2), Check { seed: 1, ..NOMINATE });
    assert_eq!(fixture.changes(), [PathChange::Selected(path(2)), PathChange::Removed(path(1))]);
    assert_eq!(fixture.raw(path(1), &CHECK.bytes()), Err(CheckRejection::UnknownUfrag));
}

#[test]
fn a_restart_on_the_same_path_removes_nothing() {
    let mut fixture = Fixture::new();
    fixture.check(path(1), NOMINATE);
    fixture.changes();
    fixture.agent.restart(credentials(1));
    fixture.check(path(1), Check { seed: 1, ..NOMINATE });
    assert_eq!(fixture.changes(), []);
    assert_eq!(fixture.agent.sending_path(), Some(path(1)));
}

#[test]
fn a_second_restart_replaces_an_unfinished_first() {
    let mut fixture = Fixture::new();
    fixture.check(path(1), NOMINATE);
    fixture.agent.restart(credentials(1));
    fixture.check(path(2), Check { seed: 1, ..CHECK });
    fixture.changes();
    fixture.agent.restart(credentials(2));
    assert_eq!(fixture.raw(path(2), &Check { seed: 1, ..CHECK }.bytes()), Err(CheckRejection::UnknownUfrag));
    fixture.check(path(1), NOMINATE);
    fixture.check(path(3), Check { seed: 2, ..NOMINATE });
    let removed = [path(1), path(2)].map(PathChange::Removed);
    let expected = [&[PathChange::Added(path(3)), PathChange::Selected(path(3))], &removed[..]].concat();
    assert_eq!(fixture.changes(), expected);
}

#[test]
fn paths_are_bounded_and_the_selected_one_stays() {
    let mut fixture = Fixture::new();
    fixture.check(path(0), NOMINATE);
    for number in 1..=50 {
        fixture.now += Duration::from_millis(20);
        fixture.check(path(number), CHECK);
        assert!(fixture.agent.paths().count() <= PATHS_MAX);
    }
    assert_eq!(fixture.agent.sending_path(), Some(path(0)));
    let kept: Vec<_> = fixture.agent.paths().collect();
    let youngest: Vec<_> = [0, 44, 45, 46, 47, 48, 49, 50].map(path).to_vec();
    assert_eq!(kept, youngest);
}

#[test]
fn a_flood_of_genuine_checks_is_answered_at_a_bounded_rate() {
    let mut fixture = Fixture::new();
    let bytes = CHECK.bytes();
    let answered = (0..1000).filter(|_| fixture.raw(path(1), &bytes).is_ok()).count();
    assert_eq!(answered, ANSWERS_PER_SECOND as usize);
    assert_eq!(fixture.raw(path(1), &bytes), Err(CheckRejection::TooMany));
    assert!(fixture.out.is_empty());
}

#[test]
fn checks_of_real_browsers_are_proven_by_the_password_they_were_given() {
    let check = |bytes: &[u8], ufrag: &[u8], password: &[u8]| {
        let request = UnverifiedRequest::parse(bytes).expect("well formed");
        assert_eq!(request.local_ufrag(), Some(ufrag));
        let request = request.verify(&IntegrityKey::new(password)).expect("proven");
        assert!(matches!(request.role, Some(Role::Controlling(_))) && request.unknown.as_slice().is_empty());
    };
    let chromium = include_bytes!("../../tests/fixtures/chromium156/check.bin");
    check(chromium, b"s2x76a9", b"q5cnvn0ommxdd57afz8oirdm");
    let firefox = include_bytes!("../../tests/fixtures/firefox153/check.bin");
    check(firefox, b"s4x3lnl", b"91z7ryrb9hzhb1381njun2u8");
}
