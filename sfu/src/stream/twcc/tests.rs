#![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at; all others are derived from it")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

type Told = (u16, Vec<(u16, Option<u64>)>);

fn poll(recorder: &mut TwccRecorder, now: Instant) -> Option<Told> {
    recorder.poll(now).map(|feedback| (feedback.base(), feedback.packets().collect()))
}

#[test]
fn tells_of_arrivals_and_gaps_in_order_of_number() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(WorkerTime::default());
    assert!(poll(&mut recorder, start).is_none() && recorder.poll_timeout().is_none());
    for (number, at) in [(65_534, 10), (0, 12), (65_535, 13), (3, 14)] {
        recorder.record((start + ms(at), WorkerTime::default() + ms(at)), number);
    }
    let told =
        [(65_534, Some(10_000)), (65_535, Some(13_000)), (0, Some(12_000)), (1, None), (2, None), (3, Some(14_000))];
    assert_eq!(poll(&mut recorder, start + ms(14)), Some((65_534, told.to_vec())));
    assert_eq!(recorder.poll_timeout(), None);
}

#[test]
fn trap_b4_feedback_comes_soon_and_not_too_often() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(WorkerTime::default());
    let mut counts = Vec::new();
    for at in 0..1000 {
        recorder.record((start + ms(at), WorkerTime::default() + ms(at)), at as u16);
        if let Some(feedback) = recorder.poll(start + ms(at)) {
            counts.push((at, feedback.count));
        }
    }
    assert_eq!(counts.len(), 10);
    assert!(counts.windows(2).all(|pair| pair[1].0 - pair[0].0 == 100 && pair[1].1 == pair[0].1 + 1));
}

#[test]
fn a_late_packet_is_told_of_although_it_was_told_lost() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(WorkerTime::default());
    recorder.record((start + ms(0), WorkerTime::default() + ms(0)), 1);
    recorder.record((start + ms(0), WorkerTime::default() + ms(0)), 3);
    assert!(poll(&mut recorder, start).is_some());
    recorder.record((start + ms(5), WorkerTime::default() + ms(5)), 2);
    recorder.record((start + ms(6), WorkerTime::default() + ms(6)), 2);
    let told = vec![(2, Some(5_000)), (3, Some(0))];
    assert_eq!(poll(&mut recorder, start + ms(100)), Some((2, told)), "the first arrival counts");
}

#[test]
fn a_burst_is_told_in_several_feedbacks_of_bounded_size() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(WorkerTime::default());
    for number in 0..1000 {
        recorder.record((start + ms(0), WorkerTime::default() + ms(0)), number);
    }
    let sizes: Vec<usize> = std::iter::from_fn(|| poll(&mut recorder, start)).map(|(_, told)| told.len()).collect();
    assert_eq!(sizes, [FEEDBACK_PACKETS_MAX, FEEDBACK_PACKETS_MAX]);
}

#[test]
fn a_packet_from_long_ago_does_not_displace_a_new_one() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(WorkerTime::default());
    for number in 0..=ARRIVALS as u16 {
        recorder.record((start + ms(0), WorkerTime::default() + ms(0)), number);
    }
    recorder.record((start + ms(9), WorkerTime::default() + ms(9)), 0);
    let told: Vec<(u16, Option<u64>)> =
        std::iter::from_fn(|| poll(&mut recorder, start)).flat_map(|(_, told)| told).collect();
    assert_eq!(told, (1..=ARRIVALS as u16).map(|number| (number, Some(0))).collect::<Vec<_>>());
}

#[test]
fn arrivals_too_far_apart_for_the_wire_are_told_apart() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(WorkerTime::default());
    recorder.record((start + ms(0), WorkerTime::default() + ms(0)), 0);
    recorder.record((start + ms(8_000), WorkerTime::default() + ms(8_000)), 1);
    recorder.record((start + ms(8_001), WorkerTime::default() + ms(8_001)), 2);
    let bases: Vec<Told> = std::iter::from_fn(|| poll(&mut recorder, start + ms(8_100))).collect();
    assert_eq!(bases, [(0, vec![(0, Some(0))]), (1, vec![(1, Some(8_000_000)), (2, Some(8_001_000))])]);
}

#[test]
fn trap_e1_numbers_count_everything_sent_and_results_tell_when() {
    // Times of sending are kept in units of 64 µs.
    let ms = |millis: u64| Duration::from_micros(millis * 1024);
    let start = Instant::now();
    let at = |millis: u64| (start + ms(millis), WorkerTime::default() + ms(millis));
    let mut sender = TwccSender::default();
    let numbers: Vec<u16> = (0..5).map(|n| sender.stamp(at(n * 5).1, 100 * n as usize)).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(sender.unanswered_for(at(30).1), Some(ms(30)));
    let mut results = Vec::new();
    let told = [(0, Some(1)), (1, Some(7_000)), (2, None), (3, Some(17_000)), (9, Some(2))];
    sender.handle_feedback(at(60), told.into_iter(), &mut results);
    let result = |number: u64, arrival_micros| PacketResult {
        number,
        sent_at: start + ms((number - 1) * 5),
        bytes: 100 * (number as u16 - 1),
        arrival_micros,
    };
    assert_eq!(results, [result(1, Some(7_000)), result(2, None), result(3, Some(17_000))]);
    assert_eq!(sender.rtt(), Some(ms(50)), "from the newest packet that arrived");
    assert_eq!(sender.unanswered_for(at(60).1), None);

    results.clear();
    let again = [(1, Some(7_000)), (2, Some(20_000)), (3, None)];
    sender.handle_feedback(at(90), again.into_iter(), &mut results);
    assert_eq!(results, [result(2, Some(20_000))], "only what is news");
}

#[test]
fn feedback_for_what_was_never_sent_is_ignored() {
    let now = (Instant::now(), WorkerTime::default());
    let mut sender = TwccSender::default();
    let mut results = Vec::new();
    let all = (0..=u16::MAX).map(|number| (number, Some(i64::MAX)));
    sender.handle_feedback(now, all.clone(), &mut results);
    assert_eq!((results.len(), sender.rtt()), (0, None));
    sender.stamp(now.1, 10);
    sender.handle_feedback(now, all, &mut results);
    assert_eq!(results.len(), 1);
}

proptest! {
    /// From recorder to sender over a lossy, reordering path: every packet ends up with its own truth.
    #[test]
    fn trap_e1_both_ends_agree(fates in prop::collection::vec((0u64..10, 0u64..20), 300..1500), start_at in any::<u16>()) {
        let start = Instant::now();
        let (mut sender, mut recorder) = (TwccSender::default(), TwccRecorder::new(WorkerTime::default()));
        sender.next = u64::from(start_at) + 1;
        let mut arrivals: BTreeMap<(u64, usize), u16> = BTreeMap::new();
        let mut results = Vec::new();
        let mut truth = BTreeMap::new();
        for (place, (loss, delay)) in fates.iter().enumerate() {
            let number = u64::from(start_at) + 1 + place as u64;
            prop_assert_eq!(sender.stamp(WorkerTime::default() + ms(place as u64), 100), number as u16);
            if *loss >= 3 {
                arrivals.insert((place as u64 + 20 + delay, place), number as u16);
                truth.insert(number, ((place as u64 + 20 + delay) * 1000) as i64);
            }
            while let Some((&(at, _), &number)) = arrivals.first_key_value().filter(|((at, _), _)| *at <= place as u64) {
                arrivals.pop_first();
                recorder.record((start + ms(at), WorkerTime::default() + ms(at)), number);
                while let Some(feedback) = recorder.poll(start + ms(at)) {
                    prop_assert!(usize::from(feedback.len()) <= FEEDBACK_PACKETS_MAX && !feedback.is_empty());
                    let told = feedback.packets().map(|(number, at)| (number, at.map(|at| at as i64)));
                    sender.handle_feedback((start + ms(place as u64), WorkerTime::default() + ms(place as u64)), told, &mut results);
                }
            }
        }
        let mut final_fate = BTreeMap::new();
        for result in &results {
            let before = final_fate.insert(result.number, result.arrival_micros);
            prop_assert!(before.is_none_or(|before| before.is_none() && result.arrival_micros.is_some()));
        }
        for (number, arrival) in final_fate {
            prop_assert!(arrival.is_none() || arrival == truth.get(&number).copied());
        }
        let told = results.iter().filter(|result| result.arrival_micros.is_some()).count();
        prop_assert!(told + 120 >= truth.len(), "all but the last 100 ms are told");
    }
}
