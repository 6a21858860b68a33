#![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at; all others are derived from it")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn wide(id: u16, tl0: u8, key_index: u8) -> Picture {
    Picture { id: Some(PictureId::Wide(id & 0x7fff)), tl0: Some(tl0), key_index: Some(key_index & 31) }
}

#[test]
fn trap_c1_numbers_continue_at_a_switch() {
    let mut map = PictureMap::new(0x7ffe, 254);
    map.switch(0, &wide(700, 30, 4));
    assert_eq!(map.forward(0, &wide(700, 30, 4)), Some(wide(0x7ffe, 254, 0)));
    assert_eq!(map.forward(0, &wide(701, 31, 4)), Some(wide(0x7fff, 255, 0)));
    map.switch(1, &wide(9, 200, 31));
    assert_eq!(map.forward(1, &wide(9, 200, 31)), Some(wide(0, 0, 1)));
    assert_eq!(map.forward(0, &wide(700, 30, 4)), Some(wide(0x7ffe, 254, 0)), "a late packet of the old encoding");
    assert_eq!(map.forward(1, &wide(10, 201, 31)), Some(wide(1, 1, 1)));
}

#[test]
fn trap_c1_dropped_frames_leave_no_gap_and_lost_ones_do() {
    let mut map = PictureMap::new(100, 0);
    map.switch(0, &wide(10, 5, 0));
    assert_eq!(map.forward(0, &wide(10, 5, 0)), Some(wide(100, 0, 0)));
    map.skip(0, &wide(11, 5, 0));
    map.skip(0, &wide(11, 5, 0));
    assert_eq!(map.forward(0, &wide(12, 6, 0)), Some(wide(101, 1, 0)));
    assert_eq!(map.forward(0, &wide(14, 7, 0)), Some(wide(103, 2, 0)));
    assert_eq!(map.forward(0, &wide(11, 5, 0)), None, "the rest of a dropped frame");
}

#[test]
fn trap_c1_a_late_base_frame_is_not_taken_for_a_dropped_one() {
    let mut map = PictureMap::new(0, 0);
    map.switch(0, &wide(10, 5, 0));
    map.forward(0, &wide(10, 5, 0));
    assert_eq!(map.forward(0, &wide(12, 6, 0)), Some(wide(2, 1, 0)), "a higher layer, before its base");
    assert_eq!(map.forward(0, &wide(11, 6, 0)), Some(wide(1, 1, 0)), "the base, late");
}

#[test]
fn trap_c1_both_widths_and_absent_fields() {
    let narrow = |id| Picture { id: Some(PictureId::Narrow(id)), tl0: None, key_index: None };
    let mut map = PictureMap::new(300, 9);
    map.switch(0, &narrow(126));
    let outs = [126, 127, 0, 1].map(|id| map.forward(0, &narrow(id)));
    assert_eq!(outs, [300, 301, 302, 303].map(|id| Some(narrow((id & 0x7f) as u8))));

    let mut map = PictureMap::new(300, 9);
    map.switch(0, &narrow(126));
    map.forward(0, &narrow(127));
    let grown = Picture { id: Some(PictureId::Wide(128)), ..Picture::default() };
    assert_eq!(map.forward(0, &grown).and_then(|picture| picture.id), Some(PictureId::Wide(302)), "7 bits grow to 15");

    let mut map = PictureMap::new(300, 9);
    let bare = Picture::default();
    map.switch(0, &bare);
    assert_eq!(map.forward(0, &bare), Some(bare));
    let tl0 = |tl0| Picture { tl0: Some(tl0), ..bare };
    assert_eq!([50, 51].map(|n| map.forward(0, &tl0(n))), [9, 10].map(|n| Some(tl0(n))), "TL0PICIDX that begins later");
    map.switch(1, &tl0(0));
    assert_eq!(map.forward(1, &tl0(0)), Some(tl0(11)));
}

#[test]
fn another_publication_continues_the_numbers() {
    let mut map = PictureMap::new(5, 5);
    map.switch(0, &wide(20_000, 7, 7));
    map.forward(0, &wide(20_000, 7, 7));
    map.forget_source();
    assert_eq!(map.forward(0, &wide(20_001, 8, 7)), None);
    map.switch(0, &wide(3, 99, 1));
    assert_eq!(map.forward(0, &wide(3, 99, 1)), Some(wide(6, 6, 1)));
}

/// One packet of a frame of a stream with three temporal layers (0 2 1 2), two packets to a frame.
#[derive(Clone, Copy, Debug)]
struct Packet {
    encoding: u8,
    frame: u64,
    temporal: u8,
    begins: bool,
    lost: bool,
    arrives: u64,
    wanted_temporal: u8,
    picture: Picture,
}

fn streams(narrow: bool) -> impl Strategy<Value = Vec<Packet>> {
    let frame = (0u8..25, 0u8..3, [0u8..10, 0..10], [0u64..20, 0..20], 0u8..3);
    (prop::collection::vec(frame, 300), any::<[(u16, u8, u8); 3]>()).prop_map(move |(frames, epochs)| {
        let (mut encoding, mut since, mut wanted_temporal, mut tl0_frames, mut packets) = (0u8, 0, 2, [0u8; 3], vec![]);
        for (frame, (switch, target, losses, delays, wanted)) in (0u64..).zip(frames) {
            let begins = frame == 0 || (switch == 0 && target != encoding);
            if begins {
                (encoding, since, wanted_temporal) = (target, frame, wanted);
            }
            let temporal = [0, 2, 1, 2][(frame - since) as usize % 4];
            let index = usize::from(encoding);
            let (id, tl0, key) = epochs[index];
            tl0_frames[index] = tl0_frames[index].wrapping_add(u8::from(temporal == 0));
            let id = id.wrapping_add(frame as u16);
            let id = if narrow { PictureId::Narrow((id & 0x7f) as u8) } else { PictureId::Wide(id & 0x7fff) };
            let tl0 = Some(tl0.wrapping_add(tl0_frames[index]));
            let picture = Picture { id: Some(id), tl0, key_index: Some(key & 31) };
            for part in 0..2 {
                let first = begins && part == 0;
                packets.push(Packet {
                    encoding,
                    frame,
                    temporal,
                    begins: first,
                    lost: losses[part] < 2 && !begins,
                    arrives: 2 * frame + part as u64 + if begins { 0 } else { delays[part] },
                    wanted_temporal,
                    picture,
                });
            }
        }
        packets.sort_by_key(|packet| packet.arrives);
        packets
    })
}

fn run(packets: &[Packet], in_order: bool) -> Result<(), TestCaseError> {
    let mut map = PictureMap::new(32_700, 250);
    let mut outs: BTreeMap<u64, (u8, Picture)> = BTreeMap::new();
    let mut current: Option<(u8, u64)> = None;
    for packet in packets.iter().filter(|packet| in_order || !packet.lost) {
        if packet.begins {
            map.switch(packet.encoding, &packet.picture);
            current = Some((packet.encoding, packet.frame));
        }
        let is_current = current.is_some_and(|(encoding, first)| encoding == packet.encoding && first <= packet.frame);
        if !is_current {
            continue;
        }
        if packet.temporal > packet.wanted_temporal {
            map.skip(packet.encoding, &packet.picture);
            continue;
        }
        let out = map.forward(packet.encoding, &packet.picture);
        prop_assert!(out.is_some(), "a wanted frame always has numbers");
        let out = (packet.temporal, out.unwrap_or_default());
        prop_assert_eq!(*outs.entry(packet.frame).or_insert(out), out, "all packets of a frame carry the same numbers");
    }
    let bits = if packets[0].picture.id.is_some_and(|id| matches!(id, PictureId::Narrow(_))) { 0x7f } else { 0x7fff };
    let frames: Vec<(u8, Picture)> = outs.into_values().collect();
    for pair in frames.windows(2) {
        let [(_, before), (temporal, after)] = [pair[0], pair[1]];
        let number = |picture: Picture| picture.id.map_or(0, PictureId::value);
        let step = number(after).wrapping_sub(number(before)) & bits;
        prop_assert!(step > 0 && step < 40, "picture ids ascend: {:?} {:?}", before, after);
        let tl0_step = after.tl0.unwrap_or(0).wrapping_sub(before.tl0.unwrap_or(0));
        if in_order {
            prop_assert_eq!(step, 1, "no gap where nothing is lost");
            prop_assert_eq!(tl0_step, u8::from(temporal == 0), "TL0PICIDX counts base frames and nothing else");
        } else {
            prop_assert!(tl0_step < 20);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn trap_c1_continuous_over_drops_switches_and_reordering(packets in streams(false)) {
        run(&packets, false)?;
    }

    #[test]
    fn trap_c1_continuous_with_narrow_picture_ids(packets in streams(true)) {
        run(&packets, false)?;
    }

    #[test]
    fn trap_c1_gapless_where_nothing_is_lost(packets in streams(false)) {
        let mut packets = packets;
        packets.sort_by_key(|packet| packet.frame);
        run(&packets, true)?;
    }
}
