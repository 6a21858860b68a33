#![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at; all others are derived from it")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::stream::sequence::Unwrapper;

const RTT: Duration = Duration::from_millis(60);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn poll(generator: &mut NackGenerator, now: Instant) -> Vec<u64> {
    let mut out = vec![99];
    generator.poll(now, RTT, &mut out);
    out
}

#[test]
fn asks_after_the_reordering_hold_and_again_after_a_round_trip() {
    let (mut generator, now) = (NackGenerator::new(), Instant::now());
    assert_eq!(generator.handle_packet(now, 10, false), Arrival::Newest);
    assert_eq!(generator.handle_packet(now, 13, false), Arrival::Newest);
    assert_eq!(generator.poll_timeout(), Some(now + REORDER_HOLD));
    assert_eq!(poll(&mut generator, now + ms(9)), Vec::<u64>::new());
    assert_eq!(poll(&mut generator, now + ms(10)), [11, 12]);
    assert_eq!(poll(&mut generator, now + ms(69)), Vec::<u64>::new());
    assert_eq!(generator.handle_packet(now + ms(69), 11, false), Arrival::Recovered { tries: 1 });
    assert_eq!(generator.poll_timeout(), Some(now + ms(70)));
    assert_eq!(poll(&mut generator, now + ms(70)), [12]);
    assert_eq!(generator.handle_packet(now + ms(71), 11, false), Arrival::Old);
}

#[test]
fn trap_d4_a_number_is_given_up_after_ten_requests() {
    let (mut generator, mut now) = (NackGenerator::new(), Instant::now());
    generator.handle_packet(now, 10, false);
    generator.handle_packet(now, 12, false);
    let mut asked = 0;
    while let Some(due) = generator.poll_timeout() {
        assert!(due > now, "time moves on");
        now = due;
        asked += poll(&mut generator, now).len();
    }
    assert_eq!((asked, generator.missing()), (usize::from(TRIES_MAX), 0));
}

#[test]
fn retries_keep_their_distance_however_short_the_round_trip() {
    let (mut generator, now) = (NackGenerator::new(), Instant::now());
    generator.handle_packet(now, 10, false);
    generator.handle_packet(now, 12, false);
    let mut out = Vec::new();
    generator.poll(now + ms(10), ms(1), &mut out);
    assert_eq!(generator.poll_timeout(), Some(now + ms(50)));
}

#[test]
fn trap_d4_too_much_loss_clears_the_list_and_needs_one_keyframe() {
    let (mut generator, now) = (NackGenerator::new(), Instant::now());
    generator.handle_packet(now, 10, false);
    assert_eq!(generator.handle_packet(now, 11 + MISSING_MAX as u64, false), Arrival::Newest);
    assert_eq!(generator.missing(), MISSING_MAX);
    let next = 12 + MISSING_MAX as u64;
    assert_eq!(generator.handle_packet(now, next + 1, false), Arrival::Overflow);
    assert_eq!((generator.missing(), generator.poll_timeout()), (0, None));
    assert_eq!(generator.handle_packet(now, next + 2, false), Arrival::Newest, "goes on from there");
}

#[test]
fn trap_d4_what_lies_before_a_keyframe_gives_way_first() {
    let (mut generator, now) = (NackGenerator::new(), Instant::now());
    generator.handle_packet(now, 0, false);
    generator.handle_packet(now, 901, true);
    assert_eq!(generator.handle_packet(now, 1102, false), Arrival::Newest);
    assert_eq!(generator.missing(), 200);
}

#[test]
fn trap_d4_old_numbers_are_forgotten() {
    let (mut generator, now) = (NackGenerator::new(), Instant::now());
    generator.handle_packet(now, 0, false);
    for sequence in 2..=AGE_MAX + 1 {
        generator.handle_packet(now, sequence, false);
    }
    assert_eq!(generator.missing(), 1);
    generator.handle_packet(now, AGE_MAX + 2, false);
    assert_eq!(generator.missing(), 0);
}

#[test]
fn trap_d4_nothing_is_asked_of_a_paused_encoding() {
    let (mut generator, now) = (NackGenerator::new(), Instant::now());
    generator.handle_packet(now, 10, false);
    generator.handle_packet(now, 20, false);
    generator.pause();
    assert_eq!(poll(&mut generator, now + ms(500)), Vec::<u64>::new());
    assert_eq!(generator.handle_packet(now + ms(500), 900, true), Arrival::Newest);
    assert_eq!((generator.missing(), generator.poll_timeout()), (0, None));
}

/// One packet of a stream on its way to us.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives(u64),
    ComesAsRtx,
    Lost,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// 3,000 packets across a wrap: 30 % lost, reordered by up to 20, one burst of up to 2,000 lost.
    #[test]
    fn trap_d4_asks_for_what_is_missing_and_nothing_else(
        start in 60_000u16..,
        fates in prop::collection::vec(prop_oneof![
            7 => (0u64..20).prop_map(Fate::Arrives), 2 => Just(Fate::ComesAsRtx), 1 => Just(Fate::Lost)
        ], 3000),
        burst in (500usize..900, 0usize..2000),
    ) {
        let began = Instant::now();
        let (mut generator, mut unwrapper) = (NackGenerator::new(), Unwrapper::default());
        let mut arrivals: BTreeMap<(u64, usize), u16> = BTreeMap::new();
        for (place, fate) in fates.iter().enumerate() {
            let in_burst = (burst.0..burst.0 + burst.1).contains(&place);
            let at = match fate {
                Fate::Arrives(delay) => place as u64 + delay,
                Fate::ComesAsRtx => place as u64 + 100,
                Fate::Lost => continue,
            };
            if !in_burst {
                arrivals.insert((at, place), start.wrapping_add(place as u16));
            }
        }
        let (mut received, mut overflows, mut out) = (BTreeSet::new(), 0, Vec::new());
        let (mut first, mut highest, mut tries) = (None, 0, BTreeMap::new());
        for ((at, _), sequence) in arrivals {
            let now = began + ms(at);
            let sequence = unwrapper.extend(sequence);
            first.get_or_insert(sequence);
            highest = highest.max(sequence);
            received.insert(sequence);
            overflows += usize::from(generator.handle_packet(now, sequence, false) == Arrival::Overflow);
            prop_assert!(generator.missing() <= MISSING_MAX);
            generator.poll(now, RTT, &mut out);
            prop_assert!(out.len() <= POLL_MAX && out.is_sorted());
            for number in &out {
                let tries = tries.entry(*number).or_insert(0);
                *tries += 1;
                prop_assert!(*tries <= TRIES_MAX && !received.contains(number));
                prop_assert!(Some(*number) > first && *number < highest, "never what was not sent yet");
            }
        }
        prop_assert!(overflows <= 1, "one keyframe mends a burst");
        prop_assert!(burst.1 < 1100 || overflows == 1);
    }
}
