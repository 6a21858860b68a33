#![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at; all others are derived from it")]

use super::*;
use crate::stream::sequence::Unwrapper;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> WorkerTime {
    WorkerTime::default() + ms(millis)
}

/// Feeds wire numbers, one each 20 ms at 48 kHz, and gives the block.
fn block_after(stats: &mut ReceiverStats, unwrapper: &mut Unwrapper, start: Instant, numbers: &[u16]) -> ReportBlock {
    for number in numbers {
        let extended = unwrapper.extend(*number);
        stats.handle_packet(at(u64::from(*number) * 20), extended, u32::from(*number) * 960);
    }
    stats.report(start + ms(10_000)).expect("packets came")
}

#[test]
fn counts_loss_as_appendix_a_3_does() {
    #[track_caller]
    fn check(numbers: &[u16], fraction_lost: u8, cumulative_lost: i32, highest: u32) {
        let (mut stats, mut unwrapper) = (ReceiverStats::new(48_000), Unwrapper::default());
        let block = block_after(&mut stats, &mut unwrapper, Instant::now(), numbers);
        assert_eq!(
            (block.fraction_lost, block.cumulative_lost, block.highest),
            (fraction_lost, cumulative_lost, highest)
        );
    }
    check(&[10, 11, 12, 13], 0, 0, 13);
    check(&[10, 11, 13], 64, 1, 13);
    check(&[10, 13, 12, 11], 0, 0, 13);
    check(&[10, 11, 11, 11], 0, -2, 11);
    check(&[65_534, 65_535, 0, 1], 0, 0, 65_537);
    check(&[1, 0, 65_535], 0, 0, 65_537);
    check(&[10, 1_034], 255, 1_023, 1_034);
}

#[test]
fn fraction_is_of_the_interval_and_the_sum_of_everything() {
    let start = Instant::now();
    let (mut stats, mut unwrapper) = (ReceiverStats::new(48_000), Unwrapper::default());
    assert_eq!(stats.report(start), None);
    block_after(&mut stats, &mut unwrapper, start, &[0, 1, 3]);
    let block = block_after(&mut stats, &mut unwrapper, start, &[4, 5, 6, 7]);
    assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 1));
    let block = block_after(&mut stats, &mut unwrapper, start, &[]);
    assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 1), "an interval without packets");
    let block = block_after(&mut stats, &mut unwrapper, start, &[2]);
    assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 0), "a repair in a later interval");
    assert_eq!(stats.totals(), (8, 8));
}

#[test]
fn jitter_follows_appendix_a_8() {
    let start = Instant::now();
    let mut stats = ReceiverStats::new(8_000);
    // Every second packet 10 ms late: transit differs by 80 ticks each time, so the mean deviation nears 80.
    for n in 0..200u64 {
        stats.handle_packet(at(n * 20 + (n % 2) * 10), 100 + n, n as u32 * 160);
    }
    let ticks = stats.report(start).expect("packets came").jitter;
    assert!((78..=80).contains(&ticks), "{ticks}");
    assert!(stats.jitter() <= ms(10) && stats.jitter() >= ms(9));
}

#[test]
fn jitter_counts_a_frame_once_and_pauses_and_repairs_not_at_all() {
    let start = Instant::now();
    let mut stats = ReceiverStats::new(90_000);
    for n in 0..300u64 {
        let (frame, part) = (n / 3, n % 3);
        stats.handle_packet(at(frame * 30 + part * 8), n, frame as u32 * 2_700);
    }
    stats.handle_packet(at(3_000), 200, 66 * 2_700);
    stats.handle_packet(at(60_000), 300, 7);
    assert_eq!(stats.report(start).map(|block| block.jitter), Some(0));
}

#[test]
fn trap_b2_round_trip_comes_from_our_own_reports() {
    // The publisher's report waits 250 ms at us; we answer; 40 ms of path are left over.
    let start = Instant::now();
    let mut stats = ReceiverStats::new(48_000);
    stats.handle_packet(at(0), 1, 0);
    assert_eq!(stats.report(start).map(|block| (block.last_sr, block.delay_since_last_sr)), Some((0, 0)));
    let sent = Ntp(0x1234_5678_9abc_def0);
    stats.handle_sender_report(start + ms(20), sent);
    let block = stats.report(start + ms(270)).expect("packets came");
    assert_eq!((block.last_sr, block.delay_since_last_sr), (0x5678_9abc, 65_536 / 4));

    let mut rtt = Rtt::default();
    rtt.handle_report(sent.offset_by_micros(290_000), block.last_sr, block.delay_since_last_sr);
    let trip = rtt.smoothed().expect("a sample");
    assert!(trip.abs_diff(ms(40)) < ms(2), "{trip:?}");
}

#[test]
fn impossible_round_trips_are_ignored() {
    let mut rtt = Rtt::default();
    let ours = Ntp(500 << 32);
    rtt.handle_report(ours, 0, 0);
    rtt.handle_report(ours, ours.middle(), 65_536);
    rtt.handle_report(ours, ours.middle().wrapping_sub(11 * 65_536), 0);
    assert_eq!(rtt.smoothed(), None);
    rtt.handle_report(ours, ours.middle().wrapping_sub(65_536), 65_536 / 2);
    rtt.handle_report(ours, ours.middle().wrapping_sub(65_536), 65_536);
    assert_eq!(rtt.smoothed(), Some(Duration::from_micros(437_500)));
}
