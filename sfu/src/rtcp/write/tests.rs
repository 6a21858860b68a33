use super::*;
use crate::rtcp::{Compound, RtcpPacket};
use proptest::prelude::*;

const US: Ssrc = Ssrc(0x0101_0101);
const MEDIA: Ssrc = Ssrc(0x0202_0202);

/// Writes one part and reads it back.
fn round_trip(write: impl FnOnce(&mut CompoundWriter<'_>) -> bool, check: impl FnOnce(RtcpPacket<'_>)) {
    let mut out = [0xee; 1200];
    let mut writer = CompoundWriter::new(&mut out);
    assert!(write(&mut writer), "fits");
    assert_eq!(writer.len() % 4, 0);
    let mut compound = Compound::new(writer.as_bytes());
    check(compound.next().expect("one part"));
    assert!(compound.next().is_none());
    assert_eq!(compound.malformed(), 0);
}

fn block(seed: u32) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(seed),
        fraction_lost: seed as u8,
        cumulative_lost: 7 - seed as i32,
        highest_sequence: seed << 16,
        jitter: seed + 1,
        last_sender_report: seed + 2,
        delay_since_last: seed + 3,
    }
}

#[test]
fn reports() {
    let info = SenderInfo { ntp: NtpTime(0x0123_4567_89ab_cdef), rtp_timestamp: 9, packets: 10, payload_bytes: 11 };
    assert_eq!(info.ntp.middle(), 0x4567_89ab);
    let blocks = [block(5), block(900)];
    round_trip(
        |writer| writer.sender_report(US, &info, &blocks),
        |packet| {
            let RtcpPacket::SenderReport(report) = packet else { panic!("{packet:?}") };
            assert_eq!((report.ssrc, report.info), (US, info));
            assert_eq!(report.blocks().collect::<Vec<_>>(), blocks);
        },
    );
    round_trip(
        |writer| writer.receiver_report(US, &blocks),
        |packet| {
            let RtcpPacket::ReceiverReport(report) = packet else { panic!("{packet:?}") };
            assert_eq!(report.ssrc, US);
            assert_eq!(report.blocks().collect::<Vec<_>>(), blocks);
        },
    );
    assert!(!CompoundWriter::new(&mut [0; 1200]).receiver_report(US, &[block(1); 32]), "the count has five bits");
}

#[test]
fn cumulative_loss_is_clamped_to_24_bits() {
    let check = |lost: i32, expected: i32| {
        round_trip(
            |writer| writer.receiver_report(US, &[ReportBlock { cumulative_lost: lost, ..block(1) }]),
            |packet| {
                let RtcpPacket::ReceiverReport(report) = packet else { panic!("{packet:?}") };
                assert_eq!(report.blocks().next().map(|block| block.cumulative_lost), Some(expected));
            },
        );
    };
    check(-1, -1);
    check(0x7f_ffff, 0x7f_ffff);
    check(i32::MAX, 0x7f_ffff);
    check(i32::MIN, -0x80_0000);
}

#[test]
fn source_description_of_every_length() {
    for len in 0..=255 {
        let cname = "c".repeat(len);
        round_trip(
            |writer| writer.source_description(US, &cname),
            |packet| {
                let RtcpPacket::SourceDescription(description) = packet else { panic!("{packet:?}") };
                assert_eq!(description.cnames().collect::<Vec<_>>(), [(US, cname.as_bytes())]);
            },
        );
    }
    assert!(!CompoundWriter::new(&mut [0; 1200]).source_description(US, &"c".repeat(256)));
}

#[test]
fn goodbye() {
    round_trip(
        |writer| writer.goodbye(&[US, MEDIA]),
        |packet| {
            let RtcpPacket::Goodbye(goodbye) = packet else { panic!("{packet:?}") };
            assert_eq!(goodbye.ssrcs().collect::<Vec<_>>(), [US, MEDIA]);
        },
    );
}

#[test]
fn nack_shares_items_between_neighbours() {
    let lost = [65_530, 65_531, 65_535, 10, 11, 27, 5_000].map(SequenceNumber);
    let mut out = [0; 64];
    let mut writer = CompoundWriter::new(&mut out);
    assert!(writer.nack(US, MEDIA, lost));
    // Items at 65530 (with 65531, 65535 and 10, sixteen later), 11 (with 27) and 5000.
    assert_eq!(writer.len(), 12 + 3 * 4);
    let Some(RtcpPacket::Nack(nack)) = Compound::new(writer.as_bytes()).next() else { panic!("a NACK") };
    assert_eq!((nack.sender, nack.media), (US, MEDIA));
    assert_eq!(nack.lost().collect::<Vec<_>>(), lost);
    assert!(!CompoundWriter::new(&mut out).nack(US, MEDIA, []), "nothing to ask for");
}

#[test]
fn keyframe_requests() {
    round_trip(
        |writer| writer.picture_loss(US, MEDIA),
        |packet| {
            let RtcpPacket::PictureLoss(loss) = packet else { panic!("{packet:?}") };
            assert_eq!((loss.sender, loss.media), (US, MEDIA));
        },
    );
    round_trip(
        |writer| writer.full_intra_request(US, MEDIA, 200),
        |packet| {
            let RtcpPacket::FullIntraRequest(request) = packet else { panic!("{packet:?}") };
            assert_eq!(request.requests().collect::<Vec<_>>(), [(MEDIA, 200)]);
        },
    );
}

#[test]
fn remb_keeps_18_significant_bits() {
    let check = |bits_per_second: u64, expected: u64| {
        round_trip(
            |writer| writer.remb(US, bits_per_second, &[MEDIA]),
            |packet| {
                let RtcpPacket::Remb(remb) = packet else { panic!("{packet:?}") };
                assert_eq!(remb.bits_per_second, expected);
                assert_eq!(remb.ssrcs().collect::<Vec<_>>(), [MEDIA]);
            },
        );
    };
    check(0, 0);
    check(262_143, 262_143);
    check(262_145, 262_144);
    check(2_500_000, 2_500_000);
    check(u64::MAX, 0x3_ffff << 46);
}

#[test]
fn round_trip_times_for_receivers() {
    round_trip(
        |writer| writer.reference_time(US, NtpTime(0x0123_4567_89ab_cdef)),
        |packet| {
            let RtcpPacket::ExtendedReport(report) = packet else { panic!("{packet:?}") };
            assert_eq!((report.ssrc, report.reference_time()), (US, Some(NtpTime(0x0123_4567_89ab_cdef))));
            assert_eq!(report.delays().count(), 0);
        },
    );
    let answers = [1, 2].map(|seed| DelaySinceRrtr { ssrc: Ssrc(seed), last_reference_time: 40, delay_since_last: 50 });
    round_trip(
        |writer| writer.delays_since_rrtr(US, &answers),
        |packet| {
            let RtcpPacket::ExtendedReport(report) = packet else { panic!("{packet:?}") };
            assert_eq!(report.reference_time(), None);
            assert_eq!(report.delays().collect::<Vec<_>>(), answers);
        },
    );
}

#[test]
fn a_part_fits_whole_or_not_at_all() {
    for room in 0..100 {
        let mut out = vec![0; room];
        let mut writer = CompoundWriter::new(&mut out);
        let fits = [
            writer.receiver_report(US, &[]),
            writer.source_description(US, "name"),
            writer.picture_loss(US, MEDIA),
            writer.transport_feedback(US, MEDIA, 0, SequenceNumber(1), [Some(0), None, Some(70_000)]) > 0,
        ];
        let read = Compound::new(writer.as_bytes()).count();
        assert_eq!(read, fits.iter().filter(|fits| **fits).count(), "room for {room} bytes");
    }
}

/// Arrivals as consecutive steps in time, `None` for a packet that did not arrive.
fn arrivals() -> impl Strategy<Value = Vec<Option<i64>>> {
    let step = prop_oneof![Just(None), (0..2_000_i64).prop_map(Some), (-50_000..90_000_i64).prop_map(Some)];
    (0..1_i64 << 40, prop::collection::vec(step, 1..600)).prop_map(|(start, steps)| {
        let mut now = start;
        let arrive = |step: Option<i64>| {
            now += step?;
            Some(now)
        };
        steps.into_iter().map(arrive).collect()
    })
}

proptest! {
    #[test]
    fn transport_feedback_tells_arrivals_to_a_quarter_of_a_millisecond(
        base: u16, room in 40..1200_usize, arrivals in arrivals(),
    ) {
        let mut out = vec![0; room];
        let mut writer = CompoundWriter::new(&mut out);
        let base = SequenceNumber(base);
        let covered = writer.transport_feedback(US, MEDIA, 77, base, arrivals.iter().copied());
        prop_assume!(covered > 0);
        let Some(RtcpPacket::TransportFeedback(feedback)) = Compound::new(writer.as_bytes()).next() else {
            panic!("a transport feedback");
        };
        prop_assert_eq!((feedback.base, feedback.feedback_count, feedback.status_count()), (base, 77, covered));
        // The reference has 24 bits of 64 ms: tell the wrap from the first arrival.
        let first = arrivals.iter().flatten().next().expect("covered packets have an arrival");
        let wraps = (first.div_euclid(64_000) - feedback.reference_micros() / 64_000) * 64_000;
        for ((offset, (number, told)), sent) in (0..).zip(feedback.arrivals()).zip(&arrivals) {
            prop_assert_eq!(number, base.plus(offset));
            let told = told.map(|micros| micros + feedback.reference_micros() + wraps);
            let sent = sent.map(|micros| micros.div_euclid(250) * 250);
            prop_assert_eq!(told, sent);
        }
        prop_assert_eq!(feedback.arrivals().count(), covered);
    }
}
