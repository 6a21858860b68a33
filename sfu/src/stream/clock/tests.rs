#![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at; all others are derived from it")]

use super::*;

const SECOND: u64 = 1 << 32;

#[test]
fn ntp_counts_from_1900_and_steps_only_with_the_monotonic_clock() {
    let at = Instant::now();
    let wall = WallClock::new(at, Duration::from_millis(1_500));
    assert_eq!(wall.ntp(at), Ntp((2_208_988_801 << 32) | (1 << 31)));
    assert_eq!(wall.ntp(at + Duration::from_secs(2)).micros_since(wall.ntp(at)), 2_000_000);
    assert_eq!(wall.ntp(at).micros_since(wall.ntp(at + Duration::from_millis(7))), -7_000);
}

#[test]
fn neighbours_stay_neighbours_across_the_ntp_era() {
    let before = Ntp(u64::MAX - SECOND + 1);
    assert_eq!(before.offset_by_micros(2_000_000), Ntp(SECOND));
    assert_eq!(Ntp(SECOND).micros_since(before), 2_000_000);
}

#[test]
fn rtp_clock_maps_both_ways_across_a_timestamp_wrap() {
    let clock = RtpClock { ntp: Ntp(1000 * SECOND), rtp: u32::MAX - 44_999, rate: 90_000 };
    assert_eq!(clock.capture_time(45_000).micros_since(clock.ntp), 1_000_000);
    assert_eq!(clock.capture_time(u32::MAX - 134_999).micros_since(clock.ntp), -1_000_000);
    assert_eq!(clock.timestamp_at(Ntp(1001 * SECOND)), 45_000);
    assert_eq!(clock.timestamp_at(Ntp(999 * SECOND)), u32::MAX - 134_999);
}

/// Two hours behind us, reports arriving after the given delays in milliseconds.
fn heard(delays_ms: &[i64]) -> (PublisherClock, Ntp) {
    let (mut clock, mut ours) = (PublisherClock::default(), Ntp(5_000_000 * SECOND));
    for delay_ms in delays_ms {
        ours = ours.offset_by_micros(1_000_000);
        clock.handle_sender_report(ours.offset_by_micros(delay_ms * 1000), ours.offset_by_micros(-7_200_000_000));
    }
    (clock, ours)
}

#[track_caller]
fn check(delays_ms: &[i64], error_ms: Option<i64>) {
    let (clock, ours) = heard(delays_ms);
    let error = clock.their_time(ours).map(|theirs| ours.offset_by_micros(-7_200_000_000).micros_since(theirs));
    assert_eq!(error.map(|micros| (micros + 500) / 1000), error_ms);
}

#[test]
fn trap_b1_the_offset_needs_three_reports_and_follows_the_least_delayed() {
    check(&[20, 20], None);
    check(&[20, 20, 20], Some(20));
    check(&[220, 220, 20], Some(20));
    check(&[20, 220, 220, 220, 220, 220], Some(24));
    check(&[20, 20, 20, 90_000, 90_000], Some(20));
    check(&[20, 20, 20, 90_000, 90_000, 90_000], Some(90_000));
}

#[test]
fn trap_b1_a_queue_in_front_of_video_does_not_move_lips() {
    // Video waits 200 ms on the publisher's uplink, audio does not. A receiver lines both up by our reports.
    let (mut publisher, mut ours) = (PublisherClock::default(), Ntp(9_000 * SECOND));
    let capture = |ours: Ntp| ours.offset_by_micros(-3_600_000_000);
    let mut audio = None;
    for second in 0..60 {
        ours = ours.offset_by_micros(1_000_000);
        let theirs = capture(ours);
        let video = RtpClock { ntp: theirs, rtp: 90_000 * second, rate: 90_000 };
        publisher.handle_sender_report(ours.offset_by_micros(200_000), theirs);
        if second % 5 == 0 {
            audio = Some(RtpClock { ntp: theirs, rtp: 48_000 * second, rate: 48_000 });
            publisher.handle_sender_report(ours, theirs);
        }
        let Some(audio) = audio else { continue };
        let (Some(audio_rtp), Some(video_rtp)) =
            (publisher.timestamp_at(ours, &audio), publisher.timestamp_at(ours.offset_by_micros(500_000), &video))
        else {
            assert!(second < 2, "three reports are enough");
            continue;
        };
        let audio_ms = i64::from(audio_rtp) / 48;
        let video_ms = i64::from(video_rtp) / 90 - 500;
        assert!((audio_ms - video_ms).abs() <= 20, "{audio_ms} against {video_ms}");
    }
}
