//! A plaintext RTCP compound packet: everything in it is read to its end.
#![cfg_attr(fuzzing, no_main)]

use tillside_sfu::rtcp::{Compound, RtcpPacket, STATUSES_PER_FEEDBACK_MAX};

pub(crate) fn run(bytes: &[u8]) {
    for part in Compound::new(bytes) {
        let entries = match part {
            RtcpPacket::SenderReport(report) => report.blocks().count(),
            RtcpPacket::ReceiverReport(report) => report.blocks().count(),
            RtcpPacket::SourceDescription(description) => description.cnames().count(),
            RtcpPacket::Goodbye(goodbye) => goodbye.ssrcs().count(),
            RtcpPacket::Nack(nack) => nack.lost().count() / 17,
            RtcpPacket::FullIntraRequest(request) => request.requests().count(),
            RtcpPacket::Remb(remb) => remb.ssrcs().count(),
            RtcpPacket::ExtendedReport(report) => report.delays().count() + report.reference_time().iter().count(),
            RtcpPacket::TransportFeedback(feedback) => {
                return assert!(feedback.arrivals().count() <= STATUSES_PER_FEEDBACK_MAX);
            }
            RtcpPacket::PictureLoss(_) | RtcpPacket::Unknown { .. } => 0,
        };
        assert!(entries <= bytes.len());
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));
