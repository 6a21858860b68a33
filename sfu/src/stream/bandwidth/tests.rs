#![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at; all others are derived from it")]

use super::*;

/// A link with a queue: `kbps` through it, `queue_ms` of it before packets are lost, and chance loss of one packet in
/// `loss_every`.
struct Link {
    kbps: u64,
    queue_ms: u64,
    loss_every: u64,
    delay_ms: u64,
}

/// Sends 1,000-byte packets at the estimate, but at most at `wanted_kbps`, from one second to another. Gives the
/// estimate in kbit/s at the end of each second.
fn run(
    estimate: &mut BandwidthEstimate,
    link: &Link,
    wanted_kbps: u64,
    start: Instant,
    seconds: std::ops::Range<u64>,
) -> Vec<u64> {
    let (mut free_at_micros, mut budget_bits, mut number, mut seen) = (0u64, 0, 0u64, Vec::new());
    let mut results = Vec::new();
    for at_ms in seconds.start * 1000..seconds.end * 1000 {
        budget_bits += (estimate.estimate().bps() / 1000).min(wanted_kbps);
        while budget_bits >= 8000 {
            budget_bits -= 8000;
            number += 1;
            free_at_micros = free_at_micros.max(at_ms * 1000);
            let is_full = free_at_micros - at_ms * 1000 > link.queue_ms * 1000;
            let is_lost = is_full || (link.loss_every > 0 && number % link.loss_every == 0);
            if !is_full {
                free_at_micros += 8_000_000 / link.kbps;
            }
            let arrival = (!is_lost).then(|| 77_000_000_000 + (free_at_micros + link.delay_ms * 1000) as i64);
            let sent_at = start + Duration::from_millis(at_ms);
            results.push(PacketResult { number, sent_at, bytes: 1000, arrival_micros: arrival });
        }
        if at_ms % 100 == 99 {
            estimate.on_feedback(start + Duration::from_millis(at_ms + link.delay_ms), &results);
            results.clear();
        }
        if at_ms % 1000 == 999 {
            seen.push(estimate.estimate().bps() / 1000);
        }
    }
    seen
}

const CLEAN: Link = Link { kbps: 20_000, queue_ms: 300, loss_every: 0, delay_ms: 30 };

#[test]
fn rises_to_a_layer_above_what_is_sent_and_no_further() {
    let mut estimate = BandwidthEstimate::new();
    let seen = run(&mut estimate, &CLEAN, 500, Instant::now(), 0..60);
    assert!(seen.is_sorted() && seen[0] >= 1000, "{seen:?}");
    assert!((1_800..=2_500).contains(&seen[59]), "{seen:?}");
}

#[test]
fn settles_below_what_a_narrow_link_carries() {
    #[track_caller]
    fn check(link: &Link, range: std::ops::RangeInclusive<u64>) {
        let mut estimate = BandwidthEstimate::new();
        let seen = run(&mut estimate, link, 5_000, Instant::now(), 0..60);
        let settled = &seen[20..];
        assert!(settled.iter().all(|kbps| range.contains(kbps)), "{seen:?}");
    }
    check(&Link { kbps: 500, queue_ms: 300, loss_every: 0, delay_ms: 30 }, 250..=560);
    check(&Link { kbps: 2_000, queue_ms: 300, loss_every: 0, delay_ms: 80 }, 1_000..=2_240);
    check(&Link { kbps: 500, queue_ms: 20, loss_every: 0, delay_ms: 30 }, 250..=750);
}

#[test]
fn chance_loss_holds_but_does_not_collapse() {
    let mut estimate = BandwidthEstimate::new();
    let seen = run(&mut estimate, &Link { loss_every: 20, ..CLEAN }, 800, Instant::now(), 0..30);
    assert!(seen.iter().all(|kbps| *kbps >= 900), "{seen:?}");
}

#[test]
fn a_collapse_is_followed_within_seconds_and_recovered_from() {
    let start = Instant::now();
    let mut estimate = BandwidthEstimate::new();
    run(&mut estimate, &CLEAN, 2_000, start, 0..20);
    let narrow = Link { kbps: 300, queue_ms: 400, loss_every: 0, delay_ms: 30 };
    let seen = run(&mut estimate, &narrow, 2_000, start, 20..30);
    assert!(seen[4] <= 400, "{seen:?}");
    let seen = run(&mut estimate, &CLEAN, 2_000, start, 30..90);
    assert!(seen[59] >= 2_000, "{seen:?}");
}

#[test]
fn a_longer_route_is_not_a_queue_for_ever() {
    let start = Instant::now();
    let mut estimate = BandwidthEstimate::new();
    run(&mut estimate, &CLEAN, 1_000, start, 0..10);
    let seen = run(&mut estimate, &Link { delay_ms: 180, ..CLEAN }, 1_000, start, 10..70);
    assert!(seen[59] >= 1_000 && seen.iter().all(|kbps| *kbps >= 200), "{seen:?}");
}

#[test]
fn trap_e4_audio_alone_leaves_room_for_a_lowest_layer() {
    let mut estimate = BandwidthEstimate::new();
    estimate.estimate = FLOOR;
    let seen = run(&mut estimate, &CLEAN, 40, Instant::now(), 0..60);
    assert!(seen[59] >= 200, "{seen:?}");
}

#[test]
fn stays_within_its_bounds_whatever_a_receiver_reports() {
    let start = Instant::now();
    let mut estimate = BandwidthEstimate::new();
    for (step, arrival) in [i64::MIN, i64::MAX, 0, -1].into_iter().cycle().take(1000).enumerate() {
        let now = start + Duration::from_millis(step as u64 * 20);
        let result = PacketResult { number: step as u64, sent_at: now, bytes: u16::MAX, arrival_micros: Some(arrival) };
        estimate.on_feedback(now, &[result; 50]);
        assert!((FLOOR..=CEILING).contains(&estimate.estimate()));
    }
}

#[test]
fn one_burst_of_loss_is_judged_once() {
    let start = Instant::now();
    let mut estimate = BandwidthEstimate::new();
    for step in 0..20u64 {
        let now = start + Duration::from_millis(400 * step);
        let results: Vec<PacketResult> = (0..100)
            .map(|place| PacketResult {
                number: step * 100 + place,
                sent_at: now,
                bytes: 100,
                arrival_micros: (step != 5 || place % 2 == 0).then_some(400_000 * step as i64),
            })
            .collect();
        let before = estimate.estimate();
        estimate.on_feedback(now, &results);
        assert_eq!(estimate.estimate() < before, step == 5, "at feedback {step}");
    }
}

#[test]
fn an_estimate_halves_each_second_without_feedback() {
    let start = Instant::now();
    let mut estimate = BandwidthEstimate::new();
    let after = |estimate: &mut BandwidthEstimate, millis| {
        estimate.on_silence(start + Duration::from_millis(millis), start);
        estimate.estimate().bps() / 1000
    };
    let seen = [500, 999, 1_000, 1_500, 2_000, 3_000].map(|millis| after(&mut estimate, millis));
    assert_eq!(seen, [1000, 1000, 500, 500, 250, 125]);
    assert_eq!((4..60).map(|second| after(&mut estimate, 1000 * second)).last(), Some(FLOOR.bps() / 1000));
}
