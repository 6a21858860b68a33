//! What a link takes, in which order it gives it, and what it refuses when the other end is behind.

use super::*;
use crate::stream::worker_time::WorkerTime;

const PAYLOAD: [u8; 1_200] = [7; 1_200];

fn packet(kind: MediaKind, sequence: u64, payload: &[u8]) -> LinkedPacket<'_> {
    LinkedPacket {
        room: RoomId(1),
        publication: LinkedId { index: 2, birth: 3 },
        kind,
        encoding: 1,
        generation: 4,
        sequence,
        height: Some(360),
        facts: PacketFacts {
            timestamp: 90_000,
            arrival: WorkerTime::default(),
            marker: true,
            starts_frame: true,
            keyframe: false,
            temporal: 0,
            payload_type: 96,
            picture: None,
        },
        extensions: &[9, 1, 5],
        payload,
    }
}

/// The sequence numbers that arrive.
fn drain(receiver: &mut LinkReceiver) -> Vec<u64> {
    let mut arrived = Vec::new();
    while receiver.receive(|message| {
        if let LinkMessage::Packet(packet) = message {
            arrived.push(packet.sequence);
        }
    }) {}
    arrived
}

#[test]
fn packets_arrive_as_they_were_sent() {
    let (mut sender, mut receiver) = link();
    assert!(!receiver.has_more());
    let sizes = [0, 1, 700, STORED_MAX - 3];
    for (sequence, size) in (0..).zip(sizes) {
        let payload = vec![sequence as u8; size];
        assert!(sender.send_packet(&packet(MediaKind::Video, sequence, &payload)));
    }
    for (sequence, size) in (0..).zip(sizes) {
        assert!(receiver.has_more());
        assert!(receiver.receive(|message| {
            let LinkMessage::Packet(got) = message else { panic!("a packet was sent") };
            let payload = vec![sequence as u8; size];
            let sent = packet(MediaKind::Video, sequence, &payload);
            assert_eq!((got.extensions, got.payload), (sent.extensions, sent.payload));
            assert_eq!((got.room, got.publication, got.facts), (sent.room, sent.publication, sent.facts));
            assert_eq!((got.encoding, got.generation, got.height), (sent.encoding, sent.generation, sent.height));
            assert_eq!((got.kind, got.sequence), (sent.kind, sent.sequence));
        }));
    }
    assert!(!receiver.has_more() && !receiver.receive(|_| panic!("nothing is left")));
}

#[test]
fn a_full_link_refuses_pictures_first_then_sound_and_never_what_must_arrive() {
    let (mut sender, mut receiver) = link();
    let sent = |sender: &mut LinkSender, kind| {
        (0..2 * PARCELS_MAX as u64)
            .take_while(|sequence| sender.send_packet(&packet(kind, *sequence, &PAYLOAD)))
            .count()
    };
    assert_eq!(sent(&mut sender, MediaKind::Video), PARCELS_MAX - SOUND_PARCELS);
    assert_eq!(sent(&mut sender, MediaKind::Audio), SOUND_PARCELS);
    for _ in 0..CONTROLS_MAX + 10 {
        sender.send_control(RoomId(1), LinkControl::Attached);
    }
    assert!(!sender.flush(), "ten wait for a place");
    assert_eq!(drain(&mut receiver).len(), PARCELS_MAX);
    assert!(sender.flush());
    let mut controls = 0;
    while receiver.receive(|message| controls += usize::from(matches!(message, LinkMessage::Control(..)))) {}
    assert_eq!(controls, 10);
    assert!(sender.send_packet(&packet(MediaKind::Video, 0, &PAYLOAD)), "and it goes on");
}

#[test]
fn parcels_come_back_so_that_none_is_made_twice() {
    let (mut sender, mut receiver) = link();
    for round in 0..10 * PARCELS_MAX as u64 {
        assert!(sender.send_packet(&packet(MediaKind::Video, round, &PAYLOAD)));
        assert!(sender.send_packet(&packet(MediaKind::Audio, round, &PAYLOAD)));
        assert_eq!(drain(&mut receiver), [round, round]);
    }
    assert_eq!(sender.made, 2);
}

#[test]
fn a_link_whose_other_end_is_gone_takes_what_it_can_hold_and_refuses_the_rest() {
    let (mut sender, receiver) = link();
    drop(receiver);
    let sent = (0..3 * PARCELS_MAX as u64).filter(|n| sender.send_packet(&packet(MediaKind::Audio, *n, &PAYLOAD)));
    assert_eq!(sent.count(), PARCELS_MAX);
}

#[test]
fn messages_cross_from_thread_to_thread_in_order() {
    const COUNT: u64 = 100_000;
    let (mut sender, mut receiver) = link();
    let sending = std::thread::spawn(move || {
        for sequence in 0..COUNT {
            while !sender.send_packet(&packet(MediaKind::Audio, sequence, &sequence.to_be_bytes())) {
                std::thread::yield_now();
            }
        }
    });
    let mut expected = 0;
    while expected < COUNT {
        let received = receiver.receive(|message| {
            let LinkMessage::Packet(got) = message else { panic!("a packet was sent") };
            assert_eq!((got.sequence, got.payload), (expected, &expected.to_be_bytes()[..]));
            expected += 1;
        });
        if !received {
            std::thread::yield_now();
        }
    }
    sending.join().expect("the sender ends");
}
