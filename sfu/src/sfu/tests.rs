//! What a defect in one room does to the others: nothing.

mod links;

use super::*;
use crate::command::{Source, Track};
use crate::dtls::tests::client::{acceptor, start};
use crate::id::Mid;
use crate::sdp::{Offer, Purpose};

/// Sends and receives on two m-lines.
const OFFER: &str = include_str!("../../tests/fixtures/sdp/aiortc-sendrecv.offer.sdp");

fn sfu(worker: u8) -> Sfu {
    let config = SfuConfig {
        worker: WorkerId(worker),
        acceptor: acceptor(),
        candidates: vec![Candidate::udp(([192, 0, 2, 1], 7900).into(), 1)],
        seed: [7; 32],
        wall: WallClock::new(start(), Duration::ZERO),
    };
    Sfu::new(start(), config)
}

/// An SFU with one participant in each of `rooms`, the participant having its room's number.
fn sfu_with(rooms: &[u64]) -> (Sfu, Sends) {
    let (mut sfu, mut sends) = (sfu(0), Sends::default());
    rooms.iter().for_each(|room| join(&mut sfu, &mut sends, *room, *room));
    let answered = events(&mut sfu).iter().filter(|event| matches!(event, Event::Answered { n: 1, .. })).count();
    assert_eq!(answered, rooms.len());
    (sfu, sends)
}

fn join(sfu: &mut Sfu, sends: &mut Sends, room: u64, participant: u64) {
    join_at(sfu, sends, None, room, participant);
}

fn join_at(sfu: &mut Sfu, sends: &mut Sends, home: Option<WorkerId>, room: u64, participant: u64) {
    let join = Join {
        room: RoomId(room),
        participant: ParticipantId(participant),
        offer: Offer::parse(OFFER).expect("a recorded offer"),
        tracks: vec![Track { mid: Mid::parse(b"0").expect("a mid"), source: Source::Microphone, muted: false }],
        subscribe: true,
        priority: 0,
        purpose: Purpose::Call,
        home,
    };
    sfu.handle_command(start(), Command::Join(Box::new(join)), sends);
}

fn events(sfu: &mut Sfu) -> Vec<Event> {
    std::iter::from_fn(|| sfu.poll_event()).filter(|event| !matches!(event, Event::Counters(_))).collect()
}

fn key_of(sfu: &Sfu, room: u64) -> RoomKey {
    sfu.room_keys[&RoomId(room)]
}

/// The rooms that failed and the participants that left with them.
fn failed(events: &[Event]) -> (Vec<u64>, Vec<u64>) {
    let rooms = events.iter().filter_map(|event| match event {
        Event::RoomFailed(RoomId(room)) => Some(*room),
        _ => None,
    });
    let participants = events.iter().filter_map(|event| match event {
        Event::Left { participant: ParticipantId(id), reason: LeaveReason::RoomFailed } => Some(*id),
        _ => None,
    });
    (rooms.collect(), participants.collect())
}

/// Everything that can be asked of a room that is well.
fn assert_well(sfu: &mut Sfu, sends: &mut Sends, room: u64) {
    let newcomer = room + 100;
    join(sfu, sends, room, newcomer);
    let answered = |event: &Event| matches!(event, Event::Answered { participant, .. } if participant.0 == newcomer);
    assert!(events(sfu).iter().any(answered), "room {room} takes another participant");
    sfu.handle_command(start(), Command::Leave(ParticipantId(newcomer)), sends);
    let left = |event: &Event| matches!(event, Event::Left { participant, .. } if participant.0 == newcomer);
    assert!(events(sfu).iter().any(left), "and lets it go");
}

#[test]
fn sec_06_a_panic_ends_its_own_room_only() {
    let (mut sfu, mut sends) = sfu_with(&[1, 2]);
    let alone = sfu_with(&[2]).0.sizes();
    let key = key_of(&sfu, 1);
    let outcome: Option<()> = sfu.enter(key, &mut sends, |room, context| {
        room.set_muted(context, ParticipantKey(0), Mid::parse(b"0").expect("a mid"), true);
        panic!("a planted defect");
    });
    assert_eq!(outcome, None);
    assert_eq!(failed(&events(&mut sfu)), (vec![1], vec![1]));
    assert_eq!(sfu.sizes(), alone, "nothing of the failed room is left");
    assert_eq!((sfu.counters().room_panics, sfu.counters().participants), (1, 1));
    assert_well(&mut sfu, &mut sends, 2);
    // The name of the room is free again.
    join(&mut sfu, &mut sends, 1, 1);
    assert_well(&mut sfu, &mut sends, 1);
}

#[test]
fn sec_06_a_panic_while_forwarding_takes_no_other_rooms_turn() {
    let (mut sfu, mut sends) = sfu_with(&[1, 2, 3]);
    for room in [1, 3] {
        let key = key_of(&sfu, room);
        sfu.enter(key, &mut sends, |room, _| room.plant_defect());
    }
    // One call does the work of both: had the first one's panic used up the other's turn, it would not be noticed.
    assert_eq!(sfu.forward(start(), &mut sends), Forwarded::All);
    assert_eq!(failed(&events(&mut sfu)), (vec![1, 3], vec![1, 3]));
    assert_eq!((sfu.counters().room_panics, sfu.counters().rooms), (2, 1));
    assert!(sfu.dirty.is_empty());
    assert_well(&mut sfu, &mut sends, 2);
}
