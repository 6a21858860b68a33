use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::stream::history::RESENDS_MAX;
use crate::stream::picture::PictureId;

const NO_CLOCKS: [Option<RtpClock>; ENCODINGS_MAX] = [None; ENCODINGS_MAX];
const RTT: Duration = Duration::from_millis(50);

impl Rewriter {
    /// Forwards a packet and notes it, as its owner does.
    fn send(&mut self, encoding: u8, sequence: u64, facts: &PacketFacts) -> Option<Rewritten> {
        let rewritten = self.forward(encoding, sequence, facts)?;
        self.note(&rewritten);
        Some(rewritten)
    }

    /// Switches and notes the packet, as its owner does.
    fn begin(
        &mut self,
        encoding: u8,
        sequence: u64,
        facts: &PacketFacts,
        clocks: &[Option<RtpClock>; ENCODINGS_MAX],
    ) -> Option<Rewritten> {
        let rewritten = self.switch(encoding, sequence, facts, clocks)?;
        self.note(&rewritten);
        Some(rewritten)
    }
}

impl Rewriter {
    /// Answers a NACK, as its owner does: with a packet of which `facts_of` tells.
    fn answer(
        &mut self,
        now: WorkerTime,
        number: u16,
        rtt: Duration,
        facts_of: impl FnOnce(u64) -> PacketFacts,
    ) -> Result<(Requested, Rewritten), Refusal> {
        let requested = self.requested(number)?;
        let rewritten = self.resend(now, requested, &facts_of(requested.sequence), rtt)?;
        Ok((requested, rewritten))
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A packet of a stream with two packets to a frame and a keyframe every 30 frames; even numbers start frames.
fn facts(start: WorkerTime, sequence: u64) -> PacketFacts {
    let frame = sequence / 2;
    PacketFacts {
        timestamp: (frame * 3000) as u32,
        arrival: start + ms(frame * 33 + sequence % 2),
        marker: sequence % 2 == 1,
        starts_frame: sequence.is_multiple_of(2),
        keyframe: frame.is_multiple_of(30),
        temporal: 0,
        payload_type: 96,
        picture: Some(Picture {
            id: Some(PictureId::Wide(frame as u16 & 0x7fff)),
            tl0: Some(frame as u8),
            key_index: None,
        }),
    }
}

fn audio(start: WorkerTime, sequence: u64, marker: bool) -> PacketFacts {
    PacketFacts {
        timestamp: (sequence * 960) as u32,
        arrival: start + ms(sequence * 20),
        marker,
        starts_frame: true,
        keyframe: true,
        temporal: 0,
        payload_type: 111,
        picture: None,
    }
}

fn video(sequence: u16) -> Rewriter {
    Rewriter::new(Kind::Video, 90_000, Start { sequence, ..Start::default() })
}

#[test]
fn trap_a1_a_late_joiner_begins_at_roll_over_zero() {
    let start = WorkerTime::default();
    let mut rewriter = video(65_535);
    let first = 70_020;
    let outs: Vec<(u32, u16)> = (first..first + 3)
        .map(|sequence| {
            let facts = facts(start, sequence);
            let out = if sequence == first {
                rewriter.begin(0, sequence, &facts, &NO_CLOCKS)
            } else {
                rewriter.send(0, sequence, &facts)
            };
            out.map(|out| (out.roc(), out.sequence())).expect("forwarded")
        })
        .collect();
    assert_eq!(outs, [(0, 65_535), (1, 0), (1, 1)]);
}

#[test]
fn trap_f2_no_number_is_sent_twice_as_a_first_copy() {
    let start = WorkerTime::default();
    let mut rewriter = video(1);
    assert!(rewriter.begin(0, 60, &facts(start, 60), &NO_CLOCKS).is_some());
    assert!(rewriter.send(0, 61, &facts(start, 61)).is_some());
    assert_eq!(rewriter.send(0, 61, &facts(start, 61)), None, "an original behind its RTX copy");
    assert_eq!(rewriter.send(0, 59, &facts(start, 59)), None, "older than the keyframe");
}

#[test]
fn trap_d2_numbers_before_the_keyframe_are_not_sent_again() {
    let start = WorkerTime::default();
    let mut rewriter = video(500);
    rewriter.begin(0, 60, &facts(start, 60), &NO_CLOCKS);
    for sequence in 61..125 {
        rewriter.send(0, sequence, &facts(start, sequence));
    }
    let later = start + Duration::from_secs(20);
    // Keyframes lie at source numbers 60 and 120, which left as 500 and 560.
    for number in 400..560 {
        assert_eq!(rewriter.requested(number), Err(Refusal::Outdated), "{number}");
    }
    assert!((560..565).all(|number| rewriter.answer(later, number, RTT, |of| facts(start, of)).is_ok()));
    assert_eq!(rewriter.requested(565), Err(Refusal::Unknown), "not sent yet");
}

#[test]
fn trap_d1_copies_are_limited_in_number_and_pace() {
    let start = WorkerTime::default();
    let mut rewriter = video(500);
    rewriter.begin(0, 60, &facts(start, 60), &NO_CLOCKS);
    let mut now = facts(start, 60).arrival;
    let mut ask = |now, rtt| rewriter.answer(now, 500, rtt, |of| facts(start, of)).map(|_| ());
    assert_eq!(ask(now + ms(49), RTT), Err(Refusal::TooSoon));
    assert_eq!(ask(now + ms(9), Duration::ZERO), Err(Refusal::TooSoon), "an RTT of 0 is not believed");
    for _ in 0..RESENDS_MAX {
        assert_eq!(ask(now + ms(49), RTT), Err(Refusal::TooSoon));
        now = now + RTT;
        assert_eq!(ask(now, RTT), Ok(()));
    }
    assert_eq!(ask(now + ms(500), RTT), Err(Refusal::TooOften));
}

#[test]
fn trap_a3_what_was_dropped_too_late_or_never_came_is_not_sent_again() {
    let start = WorkerTime::default();
    let mut rewriter = video(0);
    rewriter.begin(0, 60, &facts(start, 60), &NO_CLOCKS);
    rewriter.send(0, 63, &facts(start, 63));
    rewriter.skip(0, 61, &facts(start, 61));
    assert_eq!(rewriter.requested(1), Err(Refusal::Unknown), "dropped");
    assert_eq!(rewriter.requested(2), Err(Refusal::Unknown), "lost before us");
    assert_eq!(rewriter.requested(3).map(|requested| requested.sequence), Ok(63));
}

#[test]
fn trap_c1_a_dropped_frame_leaves_no_gap_in_any_number() {
    let start = WorkerTime::default();
    let mut rewriter = video(0);
    rewriter.begin(0, 60, &facts(start, 60), &NO_CLOCKS);
    rewriter.send(0, 61, &facts(start, 61));
    rewriter.skip(0, 62, &facts(start, 62));
    rewriter.skip(0, 63, &facts(start, 63));
    let out = rewriter.send(0, 64, &facts(start, 64)).expect("forwarded");
    let id = out.picture.and_then(|picture| picture.id);
    assert_eq!((out.index, id, out.timestamp), (2, Some(PictureId::Wide(1)), 6_000), "but time goes on");
}

#[test]
fn trap_a5_a_talk_spurt_begins_with_the_marker_and_leaves_no_gap() {
    let start = WorkerTime::default();
    let mut rewriter = Rewriter::new(Kind::Audio, 48_000, Start::default());
    let first = rewriter.begin(0, 10, &audio(start, 10, false), &NO_CLOCKS);
    assert_eq!(first.map(|out| (out.sequence(), out.marker)), Some((0, true)));
    assert_eq!(rewriter.send(0, 11, &audio(start, 11, false)).map(|out| out.marker), Some(false));
    for silence in 12..1512 {
        rewriter.skip(0, silence, &audio(start, silence, false));
    }
    let out = rewriter.send(0, 1512, &audio(start, 1512, false)).expect("forwarded");
    assert_eq!((out.sequence(), out.marker, out.timestamp), (2, true, 1502 * 960));
}

#[test]
fn trap_d5_audio_is_sent_again_like_anything_else() {
    let start = WorkerTime::default();
    let mut rewriter = Rewriter::new(Kind::Audio, 48_000, Start::default());
    let first = rewriter.begin(0, 10, &audio(start, 10, false), &NO_CLOCKS).expect("forwarded");
    let second = rewriter.send(0, 11, &audio(start, 11, false)).expect("forwarded");
    let now = audio(start, 11, false).arrival + RTT;
    for (sequence, rewritten) in [(10, first), (11, second)] {
        let requested = Requested { index: rewritten.index, encoding: 0, sequence };
        let answer = rewriter.answer(now, rewritten.sequence(), RTT, |of| audio(start, of, false));
        assert_eq!(answer, Ok((requested, rewritten)));
    }
}

#[test]
fn another_publication_in_the_slot_continues_every_number() {
    let start = WorkerTime::default();
    let mut rewriter = video(0);
    rewriter.begin(0, 60, &facts(start, 60), &NO_CLOCKS);
    let before = rewriter.send(0, 61, &facts(start, 61)).expect("forwarded");
    rewriter.rebind();
    assert_eq!((rewriter.encoding(), rewriter.translate(0)), (None, None));
    assert_eq!(rewriter.send(0, 62, &facts(start, 62)), None, "nothing of either before the switch");
    let mut other = facts(start, 660_000);
    other.arrival = facts(start, 61).arrival + ms(40);
    let after = rewriter.begin(0, 660_000, &other, &NO_CLOCKS).expect("forwarded");
    assert_eq!(after.index, before.index + 1);
    assert!((1..=120 * 90).contains(&after.timestamp.wrapping_sub(before.timestamp)));
    assert_eq!(after.picture.and_then(|picture| picture.id), Some(PictureId::Wide(1)));
    assert_eq!(rewriter.requested(before.sequence()), Err(Refusal::Outdated));
}

#[test]
fn a_keyframe_whose_packets_came_out_of_order_is_completed_from_the_ring() {
    let start = WorkerTime::default();
    let mut rewriter = video(0);
    assert_eq!(rewriter.send(0, 61, &facts(start, 61)), None, "its first packet is still missing");
    assert_eq!(rewriter.begin(0, 60, &facts(start, 60), &NO_CLOCKS).map(|out| out.index), Some(0));
    assert_eq!(rewriter.send(0, 61, &facts(start, 61)).map(|out| out.index), Some(1));
}

proptest! {
    /// 10 % loss toward us, five switches between three encodings, a subscriber that asks for everything again.
    #[test]
    fn trap_d1_every_copy_is_the_first_copy_again(
        lost in prop::collection::vec(0u8..10, 360),
        targets in prop::collection::vec(0u8..3, 6),
        asks in prop::collection::vec((any::<prop::sample::Index>(), 0u64..200), 400),
    ) {
        let start = WorkerTime::default();
        let mut rewriter = video(65_400);
        let (mut first_copies, mut all_facts) = (BTreeMap::new(), BTreeMap::new());
        let mut now = start;
        let mut latest_copy = BTreeMap::new();
        let mut asks = asks.into_iter();
        for (sequence, lost) in (0u64..).zip(&lost) {
            let mut facts = facts(start, sequence);
            now = now.max(facts.arrival);
            facts.arrival = now;
            let encoding = targets[(sequence / 60) as usize];
            let begins = sequence % 60 == 0;
            if *lost == 0 && !begins {
                continue;
            }
            let out = if begins && rewriter.encoding() != Some(encoding) {
                rewriter.begin(encoding, sequence, &facts, &NO_CLOCKS)
            } else {
                rewriter.send(encoding, sequence, &facts)
            };
            let out = out.expect("in order and new");
            let requested = Requested { index: out.index, encoding, sequence };
            first_copies.insert(out.sequence(), (requested, out));
            all_facts.insert(sequence, facts);
            latest_copy.insert(out.sequence(), now);
            let (ask, later) = asks.next().expect("one for each packet");
            let number = *ask.get(&first_copies.keys().copied().collect::<Vec<u16>>());
            now = now + ms(later / 20);
            if let Ok(answer) = rewriter.answer(now, number, RTT, |of| all_facts[&of]) {
                prop_assert_eq!(answer, first_copies[&number]);
                let before = latest_copy.insert(number, now);
                prop_assert!(before.is_some_and(|before| now >= before + (RTT - ms(1))), "two copies within one RTT");
            }
        }
    }
}

/// One packet of three encodings with unrelated numbers, as it arrives.
#[derive(Clone, Debug)]
struct Step {
    encoding: u8,
    sequence: u64,
    facts: PacketFacts,
    wanted: bool,
    arrives: u64,
}

/// 200 frames of three packets, temporal layers 0 2 1 2, a switch to another encoding every 50 frames; 10 % lost, a
/// part of them repaired up to 60 packets later, others reordered by up to 10.
fn arrivals(start: WorkerTime, epochs: [(u32, u16, u32); 3], fates: &[(u8, u64)]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (place, (fate, delay)) in (0u64..).zip(fates) {
        let (frame, part, run) = (place / 3, place % 3, place / 150);
        let encoding = (run % 3) as u8;
        let (timestamp, picture_id, sequence) = epochs[usize::from(encoding)];
        let begins = place % 150 == 0;
        let late = match fate {
            _ if begins => 0,
            0 => continue,
            1 => 50 + delay,
            2..=5 => *delay,
            _ => 0,
        };
        let temporal = [0, 2, 1, 2][(frame % 50 % 4) as usize];
        let tl0 = Some((frame / 2) as u8);
        let id = Some(PictureId::Wide(picture_id.wrapping_add(frame as u16) & 0x7fff));
        let facts = PacketFacts {
            timestamp: timestamp.wrapping_add(frame as u32 * 3000),
            arrival: start + ms((place + late) * 11),
            marker: part == 2,
            starts_frame: part == 0,
            keyframe: frame % 50 == 0,
            temporal,
            payload_type: 96,
            picture: Some(Picture { id, tl0, key_index: None }),
        };
        let wanted = temporal <= (run % 2) as u8 + 1;
        steps.push(Step { encoding, sequence: u64::from(sequence) + place, facts, wanted, arrives: place + late });
    }
    steps.sort_by_key(|step| step.arrives);
    steps
}

proptest! {
    #[test]
    fn a_subscription_never_makes_a_jump_of_its_own(
        epochs in any::<[(u32, u16, u32); 3]>(),
        first in any::<(u16, u32, u16, u8)>(),
        fates in prop::collection::vec((0u8..20, 0u64..10), 600),
    ) {
        let start = WorkerTime::default();
        let (sequence, timestamp, picture_id, tl0) = first;
        let mut rewriter = Rewriter::new(Kind::Video, 90_000, Start { sequence, timestamp, picture_id, tl0 });
        let mut sent: BTreeMap<u64, (Rewritten, u32)> = BTreeMap::new();
        for Step { encoding, sequence, facts, wanted, .. } in arrivals(start, epochs, &fates) {
            let out = if facts.is_switch_point() && rewriter.encoding() != Some(encoding) {
                rewriter.begin(encoding, sequence, &facts, &NO_CLOCKS)
            } else if wanted {
                rewriter.send(encoding, sequence, &facts)
            } else {
                rewriter.skip(encoding, sequence, &facts);
                None
            };
            if let Some(out) = out {
                prop_assert!(sent.insert(out.index, (out, facts.timestamp)).is_none(), "no number twice");
            }
        }
        let sent: Vec<(Rewritten, u32)> = sent.into_values().collect();
        for pair in sent.windows(2) {
            let [(before, source_before), (after, source_after)] = [pair[0], pair[1]];
            prop_assert!(after.index - before.index < 40, "a gap of more than what was lost");
            let step = after.timestamp.wrapping_sub(before.timestamp) as i32;
            prop_assert!((0..90_000).contains(&step), "time goes on, and does not jump: {} ticks", step);
            prop_assert!(source_before == source_after || step > 0, "every frame has its own time");
            let id = |out: Rewritten| out.picture.and_then(|picture| picture.id).map_or(0, PictureId::value);
            prop_assert!((id(after).wrapping_sub(id(before)) & 0x7fff) < 20, "pictures go on, and do not jump");
        }
    }
}
