//! The payload types negotiated for one m-line, as packets ask for them.

use super::{Codec, Feedback};
use std::sync::Arc;

/// A codec that both sides have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedCodec {
    /// What it is.
    pub codec: Codec,
    /// The client's number for it.
    pub payload_type: u8,
    /// The client's number for its retransmissions.
    pub rtx: Option<u8>,
    /// Feedback that both sides take.
    pub feedback: Feedback,
}

/// The codecs of an m-line in the order of the answer. There are a handful, found by looking at one after the other:
/// they lie side by side, and what is sent is mostly the first. Shared by all that follow from one answer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PayloadTypes {
    codecs: Arc<[NegotiatedCodec]>,
}

impl PayloadTypes {
    /// `codecs` have distinct payload types, which [`super::Offer::parse`] sees to.
    pub(super) fn new(codecs: Vec<NegotiatedCodec>) -> Self {
        Self { codecs: codecs.into() }
    }

    /// All codecs, best first.
    #[must_use]
    pub fn codecs(&self) -> &[NegotiatedCodec] {
        &self.codecs
    }

    /// What a packet of this payload type carries; `None` also for RTX.
    #[inline]
    #[must_use]
    pub fn codec_for(&self, payload_type: u8) -> Option<Codec> {
        self.negotiated(payload_type).map(|negotiated| negotiated.codec)
    }

    /// The codec with its feedback and RTX; `None` also for RTX.
    #[inline]
    #[must_use]
    pub fn negotiated(&self, payload_type: u8) -> Option<&NegotiatedCodec> {
        self.codecs.iter().find(|negotiated| negotiated.payload_type == payload_type)
    }

    /// The client's number under which it can decode what was encoded as `codec`. `None` means that nothing of it may be
    /// sent there (trap I2).
    #[inline]
    #[must_use]
    pub fn pt_for(&self, codec: Codec) -> Option<u8> {
        let exact = self.codecs.iter().find(|negotiated| negotiated.codec == codec);
        let negotiated = exact.or_else(|| self.codecs.iter().find(|other| codec.is_decodable_as(other.codec)))?;
        Some(negotiated.payload_type)
    }

    /// The number under which a payload type is retransmitted.
    #[must_use]
    pub fn rtx_for(&self, payload_type: u8) -> Option<u8> {
        self.negotiated(payload_type)?.rtx
    }

    /// The payload type that an RTX number retransmits (`apt`); `None` if it is no RTX.
    #[must_use]
    pub fn repaired_by(&self, rtx_payload_type: u8) -> Option<u8> {
        let repaired = self.codecs.iter().find(|negotiated| negotiated.rtx == Some(rtx_payload_type));
        repaired.map(|negotiated| negotiated.payload_type)
    }
}

impl std::fmt::Debug for PayloadTypes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.codecs()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_i2_single_nal_units_may_go_to_mode_1_and_nothing_else_may_change() {
        use crate::sdp::{H264Profile, Packetization};
        let h264 = |profile, packetization| Codec::H264 { profile, packetization };
        let mode_1 = h264(H264Profile::Main, Packetization::NonInterleaved);
        let mode_0 = h264(H264Profile::Main, Packetization::SingleNal);
        let number =
            |codec, payload_type| NegotiatedCodec { codec, payload_type, rtx: None, feedback: Feedback::default() };
        let types = PayloadTypes::new(vec![number(mode_1, 96)]);
        assert_eq!((types.pt_for(mode_0), types.pt_for(mode_1)), (Some(96), Some(96)));
        assert_eq!(types.pt_for(h264(H264Profile::High, Packetization::SingleNal)), None);
        let types = PayloadTypes::new(vec![number(mode_1, 96), number(mode_0, 97)]);
        assert_eq!(types.pt_for(mode_0), Some(97), "the same configuration first");
        assert_eq!(PayloadTypes::new(vec![number(mode_0, 97)]).pt_for(mode_1), None);
    }

    #[test]
    fn trap_i2_every_question_has_one_answer_or_none() {
        let feedback = Feedback { nack: true, ..Feedback::default() };
        let vp8 = NegotiatedCodec { codec: Codec::Vp8, payload_type: 96, rtx: Some(97), feedback };
        let vp9 = NegotiatedCodec { codec: Codec::Vp9 { profile: 0 }, payload_type: 127, rtx: None, feedback };
        let types = PayloadTypes::new(vec![vp8.clone(), vp9]);
        assert_eq!((types.codec_for(96), types.codec_for(97)), (Some(Codec::Vp8), None));
        assert_eq!((types.rtx_for(96), types.rtx_for(97), types.rtx_for(127)), (Some(97), None, None));
        assert_eq!((types.repaired_by(97), types.repaired_by(96)), (Some(96), None));
        assert_eq!(types.pt_for(Codec::Vp9 { profile: 0 }), Some(127));
        assert_eq!(types.pt_for(Codec::Vp9 { profile: 2 }), None, "another profile is another codec");
        assert_eq!(types.negotiated(96), Some(&vp8));
        for number in [0, 98, 128, 255] {
            assert_eq!((types.codec_for(number), types.repaired_by(number)), (None, None), "{number}");
        }
    }
}
