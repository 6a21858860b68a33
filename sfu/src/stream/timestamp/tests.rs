use proptest::prelude::*;

use super::*;
use crate::stream::clock::Ntp;

const RATE: u32 = 90_000;
const MILLI: i64 = 90;

fn map_from(start: u32) -> (TimestampMap, WorkerTime) {
    (TimestampMap::new(RATE, start), WorkerTime::default())
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn first_packet_gets_the_start_and_the_rest_follow_the_publisher() {
    let (mut map, now) = map_from(u32::MAX - 10);
    map.switch(now, 0, 5, 777, None, None);
    assert_eq!(map.forward(now, 0, 5, 777), Some(u32::MAX - 10));
    assert_eq!(map.forward(now + ms(33), 0, 7, 777 + 3000), Some(2989));
    assert_eq!(map.forward(now + ms(34), 0, 6, 777), Some(u32::MAX - 10), "a late packet of the frame before");
    assert_eq!(map.forward(now, 0, 4, 0), None, "before the switch");
    assert_eq!(map.translate(778), Some(u32::MAX - 9));
}

#[test]
fn trap_a4_late_packets_of_the_old_encoding_keep_its_offset() {
    let (mut map, now) = map_from(0);
    map.switch(now, 0, 900, 10_000, None, None);
    map.forward(now + ms(33), 0, 902, 13_000);
    map.switch(now + ms(66), 1, 5, 500_000, None, None);
    assert_eq!(map.forward(now + ms(67), 0, 901, 10_000), Some(0));
    let first = map.forward(now + ms(66), 1, 5, 500_000);
    assert_eq!(map.forward(now + ms(70), 1, 6, 500_000), first, "the old packet's number is of another space");
    assert_eq!(map.forward(now + ms(6_000), 0, 901, 10_000), Some(0), "however late it is");
    assert_eq!(map.translate(500_000), first);
}

#[test]
fn trap_a4_reports_that_contradict_arrival_are_not_believed() {
    let (mut map, now) = map_from(0);
    let clock = |seconds: u64| RtpClock { ntp: Ntp(seconds << 32), rtp: 0, rate: RATE };
    map.switch(now, 0, 1, 0, None, None);
    for (run, (from, to)) in (1..).zip([(1000, 4000), (4000, 1000), (0, 1 << 31), (1 << 31, 0)]) {
        let now = now + ms(40 * run);
        map.switch(now, 1, run, 0, Some(&clock(from)), Some(&clock(to)));
        let out = map.forward(now, 1, run, 0).map(|out| i64::from(out) / MILLI - 40 * run as i64);
        assert!(out.is_some_and(|error| error.abs() <= 10), "{out:?} ms after {from} and {to}");
    }
}

#[test]
fn trap_a4_a_restarted_source_clock_does_not_jump_the_output() {
    #[track_caller]
    fn check(restart: u32) {
        let (mut map, now) = map_from(0);
        map.switch(now, 0, 1, 50_000, None, None);
        let out = map.forward(now + ms(33), 0, 2, restart).map(i64::from);
        assert!(out.is_some_and(|out| (20 * MILLI..=110 * MILLI).contains(&out)), "{out:?} after {restart}");
        let next = map.forward(now + ms(66), 0, 3, restart.wrapping_add(2970));
        assert_eq!(next.map(i64::from), out.map(|out| out + 2970));
    }
    check(50_000 + 60 * RATE);
    check(50_000u32.wrapping_sub(60 * RATE));
    check(2_000_000_000);
    check(50_000u32.wrapping_add(1 << 31));
}

#[test]
fn frames_sent_out_of_capture_order_pass_through() {
    let (mut map, now) = map_from(1_000_000);
    map.switch(now, 0, 1, 9_000, None, None);
    let outs: Vec<Option<u32>> = [(2, 18_000), (3, 12_000), (4, 15_000), (5, 27_000)]
        .map(|(n, ts)| map.forward(now + ms(30 * n), 0, n, ts))
        .into();
    assert_eq!(outs, [1_009_000, 1_003_000, 1_006_000, 1_018_000].map(Some));
}

/// Muted or paused for `pause`, then sending again with a source timestamp that moved by `source_ms`.
#[track_caller]
fn check_pause(source_ms: u64, by_switch: bool) {
    let (mut map, start) = map_from(0);
    map.switch(start, 0, 0, 0, None, None);
    for frame in 0..100u64 {
        map.forward(start + ms(20 * frame), 0, frame, 20 * 90 * frame as u32);
    }
    let (now, source) = (start + ms(1980 + 30_000), (1980 + source_ms) as u32 * 90);
    if by_switch {
        map.switch(now, 0, 100, source, None, None);
    }
    let out = map.forward(now, 0, 100, source).map(i64::from).expect("current");
    assert!((out - 31_980 * MILLI).abs() <= 5 * MILLI, "{} ms", out / MILLI);
}

#[test]
fn trap_a5_timestamps_advance_with_wall_time_while_muted() {
    check_pause(30_000, false);
    check_pause(20, false);
    check_pause(30_000, true);
    check_pause(20, true);
}

/// When the publisher's sender reports come.
#[derive(Clone, Copy, Debug)]
enum Reports {
    Always,
    Late,
    Never,
}

/// 100 switches between three encodings, 15 frames each at 30 frames/s, arriving after 0 to 20 ms of jitter.
/// Gives the error of each frame against the capture clock, in milliseconds.
fn switches(reports: Reports, epochs: [u32; 3], jitter_ms: &[u64], order: &[u8]) -> Vec<i64> {
    let (mut map, start) = map_from(123);
    let ntp = Ntp(4_000_000 << 32);
    let clocks = epochs.map(|rtp| RtpClock { ntp, rtp, rate: RATE });
    let (mut encoding, mut newest_out, mut errors) = (0u8, None::<u32>, Vec::new());
    for (frame, jitter) in (0u64..).zip(jitter_ms) {
        let capture_ms = 1000 * frame / 30;
        let now = start + ms(capture_ms + jitter);
        let run = (frame / 15) as usize;
        if frame % 15 == 0 {
            let from = encoding;
            encoding = (encoding + order[run]) % 3;
            let known = match reports {
                Reports::Always => true,
                Reports::Late => run >= 50,
                Reports::Never => false,
            };
            let clock = |encoding: u8| known.then(|| &clocks[usize::from(encoding)]);
            let source = epochs[usize::from(encoding)].wrapping_add(capture_ms as u32 * 90);
            map.switch(now, encoding, frame, source, clock(from), clock(encoding));
        }
        let source = epochs[usize::from(encoding)].wrapping_add(capture_ms as u32 * 90);
        let out = map.forward(now, encoding, frame, source).expect("current");
        assert!(newest_out.is_none_or(|newest| (out.wrapping_sub(newest) as i32) > 0), "frame {frame} goes back");
        newest_out = Some(out);
        errors.push(i64::from(out.wrapping_sub(123)) / MILLI - capture_ms as i64);
    }
    errors
}

proptest! {
    #[test]
    fn trap_a4_a_hundred_switches_stay_on_the_capture_clock(
        epochs in any::<[u32; 3]>(),
        jitter in prop::collection::vec(0u64..20, 1500),
        order in prop::collection::vec(1u8..3, 100),
    ) {
        for (reports, limit_ms) in [(Reports::Always, 40), (Reports::Late, 100), (Reports::Never, 100)] {
            let errors = switches(reports, epochs, &jitter, &order);
            let worst = errors.iter().map(|error| error.abs()).max();
            prop_assert!(worst <= Some(limit_ms), "{:?}: {:?} ms", reports, worst);
        }
    }
}
