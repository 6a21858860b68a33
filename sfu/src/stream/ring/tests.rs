use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::stream::worker_time::WorkerTime;

const SMALL: RingSize = RingSize { packets: 16, chunk_bytes: 2048, chunks: 4 };

fn facts(timestamp: u32, begins_keyframe: bool) -> PacketFacts {
    PacketFacts {
        timestamp,
        arrival: WorkerTime::default(),
        marker: false,
        starts_frame: begins_keyframe,
        keyframe: begins_keyframe,
        temporal: 0,
        payload_type: 96,
        picture: None,
    }
}

#[test]
fn gives_back_what_was_stored() {
    let mut ring = PacketRing::new(RingSize::VIDEO);
    assert!(ring.packet(5).is_none() && ring.bytes() == 0, "an idle publication costs nothing");
    let stored = facts(9, false);
    assert_eq!(ring.insert(5, stored, b"ext", b"payload"), Insertion::New);
    let packet = ring.packet(5).expect("stored");
    assert_eq!(
        (packet.sequence, packet.facts, packet.extensions, packet.payload),
        (5, &stored, &b"ext"[..], &b"payload"[..])
    );
    assert!(ring.packet(5 + 1024).is_none() && ring.packet(4).is_none());
    assert_eq!(ring.bytes(), RingSize::VIDEO.chunk_bytes);
}

#[test]
fn trap_d3_the_copy_that_comes_first_counts() {
    let mut ring = PacketRing::new(SMALL);
    assert_eq!(ring.insert(10, facts(0, false), b"", b"a"), Insertion::New);
    assert_eq!(ring.insert(12, facts(0, false), b"", b"c"), Insertion::New);
    assert_eq!(ring.insert(11, facts(0, false), b"", b"b by RTX"), Insertion::New);
    assert_eq!(ring.insert(11, facts(0, false), b"", b"b"), Insertion::Duplicate);
    assert_eq!(ring.packet(11).map(|packet| packet.payload), Some(&b"b by RTX"[..]));
}

#[test]
fn refuses_what_is_too_old_or_too_large() {
    let mut ring = PacketRing::new(SMALL);
    ring.insert(100, facts(0, false), b"", b"x");
    assert_eq!(ring.insert(84, facts(0, false), b"", b"x"), Insertion::TooOld);
    assert_eq!(ring.insert(85, facts(0, false), b"", b"x"), Insertion::New);
    assert_eq!(ring.insert(101, facts(0, false), b"", &[0; STORED_MAX + 1]), Insertion::TooLarge);
    assert_eq!(ring.highest(), Some(100));
}

#[test]
fn trap_d8_a_joiner_replays_from_the_newest_keyframe_without_a_gap_at_the_seam() {
    let mut ring = PacketRing::new(RingSize::VIDEO);
    for sequence in 0..500u64 {
        ring.insert(sequence, facts(sequence as u32, sequence % 200 == 0), b"", &[7; 900]);
    }
    let from = ring.keyframe().expect("the last one is 100 packets old");
    let replay: Vec<u64> =
        (from..=ring.highest().expect("stored")).filter_map(|n| Some(ring.packet(n)?.sequence)).collect();
    assert_eq!(replay, (400..500).collect::<Vec<u64>>());
    for sequence in 500..1500 {
        ring.insert(sequence, facts(0, false), b"", &[7; 1200]);
    }
    assert_eq!(ring.keyframe(), None, "it has been overwritten");
    assert!(ring.bytes() <= ring.bytes_max());
}

#[test]
fn clearing_gives_the_memory_back() {
    let mut ring = PacketRing::new(SMALL);
    ring.insert(1, facts(0, true), b"", &[0; 1000]);
    ring.clear();
    assert_eq!((ring.bytes(), ring.highest(), ring.keyframe()), (0, None, None));
    assert_eq!(ring.insert(1, facts(0, false), b"", b"new"), Insertion::New);
}

proptest! {
    /// Against a map that never forgets: what the ring still has is right, and it has all that it promises.
    #[test]
    fn holds_the_newest_packets_whatever_their_sizes_and_order(
        packets in prop::collection::vec((0u64..12, 0usize..1300, 0usize..40), 1..400),
    ) {
        let mut ring = PacketRing::new(SMALL);
        let mut model: BTreeMap<u64, (Vec<u8>, Vec<u8>)> = BTreeMap::new();
        let mut newest_written: Vec<(u64, usize)> = Vec::new();
        for (place, (back, payload_len, extensions_len)) in (100u64..).zip(packets) {
            let sequence = place - back;
            let byte = |salt: u64| (sequence * 31 + salt) as u8;
            let (extensions, payload) = (vec![byte(1); extensions_len], vec![byte(2); payload_len]);
            let insertion = ring.insert(sequence, facts(sequence as u32, false), &extensions, &payload);
            prop_assert_eq!(insertion == Insertion::Duplicate, model.contains_key(&sequence) && insertion != Insertion::TooOld);
            if insertion == Insertion::New {
                newest_written.push((sequence, payload_len + extensions_len));
                model.insert(sequence, (extensions, payload));
            }
            let highest = ring.highest().expect("stored");
            for (sequence, (extensions, payload)) in &model {
                if let Some(packet) = ring.packet(*sequence) {
                    prop_assert_eq!((packet.extensions, packet.payload), (&extensions[..], &payload[..]));
                    prop_assert_eq!(packet.facts.timestamp, *sequence as u32);
                }
            }
            // At most one packet's length is left unused at the end of each chunk.
            let sure = SMALL.chunks * (SMALL.chunk_bytes - 1340);
            let mut bytes = 0;
            for (sequence, len) in newest_written.iter().rev() {
                bytes += len;
                if bytes > sure {
                    break;
                }
                prop_assert!(ring.packet(*sequence).is_some() || sequence + 16 <= highest);
            }
            prop_assert!(ring.bytes() <= ring.bytes_max());
        }
    }
}
