use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[test]
fn trap_d4_extends_across_wraps_in_both_directions() {
    #[track_caller]
    fn check(values: &[u16], differences: &[i64]) {
        let mut unwrapper = Unwrapper::default();
        let extended: Vec<u64> = values.iter().map(|value| unwrapper.extend(*value)).collect();
        let actual: Vec<i64> = extended.iter().map(|value| value.wrapping_sub(extended[0]) as i64).collect();
        assert_eq!(actual, differences);
        assert!(extended.iter().zip(values).all(|(extended, value)| *extended as u16 == *value));
    }
    check(&[65_534, 65_535, 0, 1], &[0, 1, 2, 3]);
    check(&[0, 65_535, 1], &[0, -1, 1]);
    check(&[0, 65_535, 0, 65_534, 2], &[0, -1, 0, -2, 2]);
    check(&[10, 10 + 32_767], &[0, 32_767]);
    check(&[10, 10 + 32_768], &[0, -32_768]);
    check(&[40_000, 5_000, 40_000], &[0, 30_536, 0]);
}

#[test]
fn extends_numbers_whose_width_changes() {
    let mut unwrapper = Unwrapper::default();
    let first = unwrapper.extend_bits(126, 7);
    assert_eq!(unwrapper.extend_bits(127, 7), first + 1);
    assert_eq!(unwrapper.extend_bits(128, 15), first + 2, "7 bits that grow to 15");
    let mut unwrapper = Unwrapper::default();
    let first = unwrapper.extend_bits(127, 7);
    assert_eq!(unwrapper.extend_bits(0, 7), first + 1, "7 bits that wrap");
}

#[test]
fn trap_a1_output_begins_at_roll_over_zero_however_late_the_join() {
    let mut map = SequenceMap::new(65_530);
    let first = (7 << 32) + 70_000;
    map.switch(0, first);
    let outs: Vec<u64> = (0..10).filter_map(|n| map.forward(0, first + n)).collect();
    assert_eq!(outs, (65_530..65_540).collect::<Vec<u64>>());
}

/// What is done with one packet of a story, in order of arrival.
enum Step {
    Switch(u8, u64),
    Forward(u8, u64, Option<u64>),
    Skip(u8, u64, Option<u64>),
}
use Step::{Forward, Skip, Switch};

#[track_caller]
fn check(steps: &[Step]) {
    let mut map = SequenceMap::new(100);
    for (index, step) in steps.iter().enumerate() {
        match *step {
            Switch(encoding, source) => map.switch(encoding, source),
            Forward(encoding, source, out) => {
                assert_eq!(map.forward(encoding, source), out, "step {index}");
                if let Some(out) = out {
                    assert_eq!(map.source_of(out), Some((encoding, source)), "step {index}");
                    assert_eq!(map.recall(encoding, source), Some(out), "step {index}");
                }
            }
            Skip(encoding, source, open) => assert_eq!(map.skip(encoding, source), open, "step {index}"),
        }
    }
}

#[test]
fn trap_a3_loss_is_a_gap_and_a_drop_is_none() {
    check(&[Switch(0, 10), Forward(0, 10, Some(100)), Forward(0, 12, Some(102)), Forward(0, 11, Some(101))]);
    check(&[Switch(0, 10), Forward(0, 10, Some(100)), Skip(0, 11, None), Forward(0, 12, Some(101))]);
    check(&[
        Switch(0, 10),
        Forward(0, 10, Some(100)),
        Skip(0, 12, None),
        Skip(0, 13, None),
        Forward(0, 14, Some(102)),
        Forward(0, 11, Some(101)),
        Forward(0, 12, None),
    ]);
}

#[test]
fn trap_a3_a_late_drop_closes_up_unless_later_numbers_are_out() {
    check(&[Switch(0, 10), Forward(0, 10, Some(100)), Skip(0, 12, None), Skip(0, 11, None), Forward(0, 13, Some(101))]);
    check(&[
        Switch(0, 10),
        Forward(0, 10, Some(100)),
        Skip(0, 14, None),
        Skip(0, 12, None),
        Forward(0, 13, Some(102)),
        Forward(0, 15, Some(103)),
        Skip(0, 11, Some(101)),
    ]);
}

#[test]
fn trap_a3_late_packets_of_the_old_encoding_keep_their_own_numbers() {
    check(&[
        Forward(0, 9, None),
        Switch(0, 10),
        Forward(0, 9, None),
        Forward(0, 10, Some(100)),
        Forward(0, 13, Some(103)),
        Switch(1, 500),
        Forward(1, 500, Some(104)),
        Forward(0, 11, Some(101)),
        Forward(0, 14, None),
        Forward(1, 499, None),
        Forward(1, 501, Some(105)),
        Switch(0, 40),
        Forward(0, 40, Some(106)),
        Forward(0, 12, Some(102)),
        Forward(0, 39, None),
    ]);
}

#[test]
fn a_hole_too_large_to_repair_closes_up() {
    let far = 11 + GAP_MAX;
    check(&[Switch(0, 10), Forward(0, 10, Some(100)), Forward(0, far, Some(100 + GAP_MAX + 1))]);
    check(&[Switch(0, 10), Forward(0, 10, Some(100)), Forward(0, far + 1, Some(101)), Forward(0, 11, None)]);
    check(&[Switch(0, 10), Forward(0, 10, Some(100)), Skip(0, far + 1, None), Forward(0, far + 2, Some(101))]);
}

#[test]
fn forgotten_sources_do_not_map_and_the_output_continues() {
    let mut map = SequenceMap::new(5);
    map.switch(0, 10);
    assert_eq!(map.forward(0, 10), Some(5));
    map.forget_sources();
    assert_eq!((map.forward(0, 10), map.source_of(5)), (None, None));
    map.switch(0, 900);
    assert_eq!(map.forward(0, 900), Some(6));
}

#[test]
fn receivers_name_numbers_by_their_low_bits() {
    let mut map = SequenceMap::new(65_534);
    map.switch(0, 0);
    for source in 0..4 {
        map.forward(0, source);
    }
    assert_eq!(map.extend_out(65_535), Some(65_535));
    assert_eq!(map.extend_out(1), Some(65_537));
    assert_eq!(map.extend_out(2), Some(2), "not sent yet: the cycle before");
    assert_eq!(map.source_of(2), None);
}

#[test]
fn memory_stays_bounded_whatever_is_skipped() {
    let mut map = SequenceMap::new(0);
    map.switch(0, 0);
    for source in 0..10_000 {
        if source % 2 == 0 {
            assert_eq!(map.forward(0, source), Some(source / 2));
        } else {
            map.skip(0, source);
        }
        assert!(map.closed.len() < SEGMENTS_MAX && map.closed.capacity() <= SEGMENTS_MAX);
    }
}

/// One packet of a random stream.
#[derive(Clone, Debug)]
struct Packet {
    encoding: u8,
    source: u64,
    begins: bool,
    dropped: bool,
    lost: bool,
    arrives: u64,
}

/// 600 packets with 30 % loss, reordering by up to 20 and a switch every 40 or so. Sorted by arrival.
fn streams() -> impl Strategy<Value = Vec<Packet>> {
    let packet = (0u8..40, any::<bool>(), 0u8..10, 0u64..20, 0u8..3);
    (prop::collection::vec(packet, 600), any::<bool>()).prop_map(|(choices, drops)| {
        let (mut encoding, mut packets) = (0, Vec::new());
        for (place, (switch, dropped, loss, delay, target)) in (0u64..).zip(choices) {
            let begins = place == 0 || (switch == 0 && target != encoding);
            if begins {
                encoding = target;
            }
            packets.push(Packet {
                encoding,
                source: 1_000_000 * u64::from(encoding) + place,
                begins,
                dropped: drops && dropped && !begins,
                lost: loss < 3 && !begins,
                arrives: place + if begins { 0 } else { delay },
            });
        }
        packets.sort_by_key(|packet| packet.arrives);
        packets
    })
}

proptest! {
    #[test]
    fn trap_a3_every_number_is_a_packet_or_a_loss(packets in streams(), start in any::<u16>()) {
        let mut map = SequenceMap::new(start);
        let mut given = BTreeMap::new();
        let mut left_open = BTreeSet::new();
        let mut current: Option<(u8, u64)> = None;
        for packet in packets.iter().filter(|packet| !packet.lost) {
            let Packet { encoding, source, .. } = *packet;
            if packet.begins {
                map.switch(encoding, source);
                current = Some((encoding, source));
            }
            if packet.dropped {
                left_open.extend(map.skip(encoding, source));
                continue;
            }
            let out = map.forward(encoding, source);
            let is_current = current.is_some_and(|(now, first)| now == encoding && source >= first);
            prop_assert!(out.is_some() || !is_current, "a packet of the current stretch always has a number");
            if let Some(out) = out {
                prop_assert!(given.insert(out, (encoding, source)).is_none(), "no number twice");
                prop_assert_eq!(map.forward(encoding, source), Some(out), "the same answer when asked again");
                prop_assert_eq!(map.source_of(out), Some((encoding, source)));
            }
        }
        // Order holds within an encoding, and numbers begin where they should.
        prop_assert_eq!(given.keys().next().copied(), Some(u64::from(start)));
        let sources: Vec<(u8, u64)> = given.values().copied().collect();
        for pair in sources.windows(2) { prop_assert!(pair[0].0 != pair[1].0 || pair[0].1 < pair[1].1, "{pair:?}"); }
        // What was not given belongs to a packet that never came in time, or was dropped too late to close up.
        let came: BTreeSet<(u8, u64)> = given.values().copied().collect();
        for out in u64::from(start)..map.next_out() {
            if given.contains_key(&out) || left_open.contains(&out) {
                continue;
            }
            if let Some(source) = map.source_of(out) {
                let packet = packets.iter().find(|packet| (packet.encoding, packet.source) == source);
                prop_assert!(!came.contains(&source));
                prop_assert!(packet.is_none_or(|packet| packet.lost || packet.dropped), "a gap of our own making");
            }
        }
    }

    #[test]
    fn trap_a3_without_loss_and_reordering_there_is_no_gap_at_all(packets in streams()) {
        let mut map = SequenceMap::new(7);
        let mut packets = packets;
        packets.sort_by_key(|packet| packet.source % 1_000_000);
        let mut outs = Vec::new();
        for packet in &packets {
            if packet.begins {
                map.switch(packet.encoding, packet.source);
            }
            if packet.dropped {
                prop_assert_eq!(map.skip(packet.encoding, packet.source), None);
            } else {
                outs.extend(map.forward(packet.encoding, packet.source));
            }
        }
        prop_assert_eq!(&outs, &(7..7 + outs.len() as u64).collect::<Vec<u64>>());
    }
}
