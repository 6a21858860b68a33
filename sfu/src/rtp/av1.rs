//! AV1 payloads (RTP Payload Format For AV1 §4.4): what can be told without the dependency descriptor.

const OBU_SEQUENCE_HEADER: u8 = 1;
const OBU_TEMPORAL_DELIMITER: u8 = 2;
const OBU_FRAME_HEADER: u8 = 3;
const OBU_FRAME: u8 = 6;

/// What one payload says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Av1Marks {
    /// The payload opens with a sequence header or a frame, not with the continuation of one.
    pub frame_start: bool,
    /// First packet of a new coded video sequence (the N bit): a receiver may start here.
    pub keyframe: bool,
    /// Temporal layer of the first unit, 0 if it does not say.
    pub temporal: u8,
    /// Spatial layer of the first unit, 0 if it does not say.
    pub spatial: u8,
}

impl Av1Marks {
    /// Reads one payload. A payload that is cut short marks nothing.
    #[must_use]
    pub fn read(payload: &[u8]) -> Self {
        Self::parse(payload).unwrap_or_default()
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        let (&aggregation, elements) = payload.split_first()?;
        let is_continuation = aggregation & 0x80 != 0;
        let element_count = aggregation >> 4 & 0x03;
        // Every element has a length before it, but for the last of a counted list (W = 1 to 3).
        let unit = if element_count == 1 { elements } else { skip_leb128(elements)? };
        let (&head, rest) = unit.split_first()?;
        let (mut temporal, mut spatial) = (0, 0);
        if head & 0x04 != 0 && !is_continuation {
            let extension = *rest.first()?;
            (temporal, spatial) = (extension >> 5, extension >> 3 & 0x03);
        }
        let opens_frame =
            matches!(head >> 3 & 0x0f, OBU_SEQUENCE_HEADER | OBU_TEMPORAL_DELIMITER | OBU_FRAME_HEADER | OBU_FRAME);
        Some(Self {
            frame_start: opens_frame && !is_continuation,
            // N and Z contradict each other (§4.4); a packet that sets both is not trusted to start anything.
            keyframe: aggregation & 0x08 != 0 && !is_continuation,
            temporal,
            spatial,
        })
    }
}

/// Steps over a length in LEB128, at most eight bytes (AV1 §4.10.5).
fn skip_leb128(bytes: &[u8]) -> Option<&[u8]> {
    let last = bytes.iter().take(8).position(|byte| byte & 0x80 == 0)?;
    bytes.get(last + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_kinds() {
        let check = |payload: &[u8], frame_start: bool, keyframe: bool, temporal: u8, spatial: u8| {
            let expected = Av1Marks { frame_start, keyframe, temporal, spatial };
            assert_eq!(Av1Marks::read(payload), expected, "payload {payload:02x?}");
        };
        check(&[0x18, 0x08, 0], true, true, 0, 0); // one element: a sequence header that starts a coded video sequence
        check(&[0x28, 0x02, 0x08, 0, 0x30], true, true, 0, 0); // two elements: the first has its length
        check(&[0x10, 0x34, 0x48, 0], true, false, 2, 1); // a frame with layer ids
        check(&[0x10, 0x20, 0], false, false, 0, 0); // a tile group of a frame that began before
        check(&[0x90, 0x30, 0], false, false, 0, 0); // continuation
        check(&[0x98, 0x30, 0], false, false, 0, 0); // a continuation that claims to start a sequence
    }

    #[test]
    fn cut_payloads_mark_nothing() {
        for payload in [&[][..], &[0x18], &[0x08, 0x80], &[0x08, 0x01], &[0x18, 0x34], &[0x08; 1]] {
            assert_eq!(Av1Marks::read(payload), Av1Marks::default(), "payload {payload:02x?}");
        }
    }
}
