//! What a bot tells servers about what it receives, so that they treat it as a browser: arrivals ten times a second
//! where negotiated, reports once a second.

use super::reception::Reception;
use super::stream::Stream;
use std::time::{Duration, Instant};
use tillside_sfu::rtcp::{CompoundWriter, ReportBlock};
use tillside_sfu::rtp::{SequenceNumber, Ssrc};

/// Between transport-wide feedbacks.
pub(super) const FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);
/// Between reports.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Arrivals kept for the next feedback; beyond it the oldest are told no more.
const ARRIVALS_MAX: usize = 4_096;
/// Report blocks of one report.
const BLOCKS_MAX: usize = 31;

/// Arrivals that were not told yet.
#[derive(Default)]
pub(super) struct Arrivals {
    base: u16,
    micros: Vec<Option<i64>>,
    count: u8,
}

impl Arrivals {
    /// A packet with this transport-wide number came, at `micros` of any steady clock.
    pub(super) fn note(&mut self, number: u16, micros: i64) {
        if self.micros.is_empty() {
            self.base = number;
        }
        let index = usize::from(number.wrapping_sub(self.base));
        if index >= ARRIVALS_MAX {
            return;
        }
        if index >= self.micros.len() {
            self.micros.resize(index + 1, None);
        }
        self.micros[index] = Some(micros);
    }

    /// Writes as much as fits; true if something was written.
    pub(super) fn write(&mut self, writer: &mut CompoundWriter<'_>, ssrc: Ssrc) -> bool {
        if self.micros.is_empty() {
            return false;
        }
        let arrivals = self.micros.iter().copied();
        let covered = writer.transport_feedback(ssrc, ssrc, self.count, SequenceNumber(self.base), arrivals);
        self.count = self.count.wrapping_add(1);
        self.base = self.base.wrapping_add(covered as u16);
        self.micros.drain(..covered);
        if covered == 0 {
            self.micros.clear();
        }
        covered > 0
    }
}

/// Writes sender reports of all streams and a receiver report of all receptions.
pub(super) fn write_reports(
    writer: &mut CompoundWriter<'_>,
    now: Instant,
    wall: u64,
    streams: &[Stream],
    receptions: &[Reception],
) {
    for stream in streams {
        let ssrc = Ssrc(stream.ssrc());
        if !writer.sender_report(ssrc, &stream.sender_info(now, wall), &[]) || !writer.source_description(ssrc, "bot") {
            return;
        }
    }
    let own = Ssrc(streams.first().map_or(1, Stream::ssrc));
    for receptions in receptions.chunks(BLOCKS_MAX) {
        let blocks: Vec<ReportBlock> = receptions.iter().map(block).collect();
        if !writer.receiver_report(own, &blocks) {
            return;
        }
    }
}

fn block(reception: &Reception) -> ReportBlock {
    ReportBlock {
        ssrc: reception.ssrc,
        fraction_lost: 0,
        cumulative_lost: i32::try_from(reception.lost().min(0x7F_FFFF)).expect("capped"),
        highest_sequence: reception.highest(),
        jitter: 0,
        last_sender_report: 0,
        delay_since_last: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillside_sfu::rtcp::{Compound, RtcpPacket};

    #[test]
    fn arrivals_are_told_once_with_their_gaps() {
        let mut arrivals = Arrivals::default();
        for (number, micros) in [(65_535, 1_000), (0, 1_250), (2, 2_000)] {
            arrivals.note(number, micros);
        }
        let mut buffer = [0; 1_200];
        let mut writer = CompoundWriter::new(&mut buffer);
        assert!(arrivals.write(&mut writer, Ssrc(9)));
        assert!(!arrivals.write(&mut writer, Ssrc(9)), "nothing is left to tell");
        let Some(RtcpPacket::TransportFeedback(feedback)) = Compound::new(writer.as_bytes()).next() else {
            panic!("a feedback was written");
        };
        let told: Vec<(u16, bool)> = feedback.arrivals().map(|(number, at)| (number.0, at.is_some())).collect();
        assert_eq!(told, [(65_535, true), (0, true), (1, false), (2, true)]);
    }
}
