//! RTCP on the wire: lenient reading of compound packets, and writing of our own.
//!
//! Owns views over plaintext bytes that somebody else holds and a writer into a buffer that somebody else owns. Nothing
//! here allocates, keeps statistics, or decides what to answer. RTCP ends at each transport: nothing read here may be
//! sent on as it is (media trap B2).

mod compound;
mod extended;
mod feedback;
mod report;
mod transport_feedback;
mod write;

pub use compound::{Compound, RtcpPacket};
pub use extended::{DelaySinceRrtr, ExtendedReport};
pub use feedback::{FullIntraRequest, Nack, PictureLoss, Remb};
pub use report::{Goodbye, NtpTime, ReceiverReport, ReportBlock, SenderInfo, SenderReport, SourceDescription};
pub use transport_feedback::{STATUSES_PER_FEEDBACK_MAX, TransportFeedback};
pub use write::CompoundWriter;

/// Packet types (IANA "RTCP Control Packet Types").
mod packet_type {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SOURCE_DESCRIPTION: u8 = 202;
    pub(super) const GOODBYE: u8 = 203;
    pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
    pub(super) const EXTENDED_REPORT: u8 = 207;
}

/// Feedback formats: the count field of types 205 and 206 (RFC 4585 §6.2, §6.3, RFC 5104 §4.3.1, TWCC draft §3.1).
mod format {
    pub(super) const NACK: u8 = 1;
    pub(super) const TRANSPORT_WIDE: u8 = 15;
    pub(super) const PICTURE_LOSS: u8 = 1;
    pub(super) const FULL_INTRA: u8 = 4;
    pub(super) const APPLICATION: u8 = 15;
}

/// Bytes of the common header.
const HEADER_BYTES: usize = 4;

/// Four bytes at `at` as a number; `None` past the end.
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk::<4>()?))
}

/// Two bytes at `at` as a number; `None` past the end.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk::<2>()?))
}
