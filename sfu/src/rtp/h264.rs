//! H.264 payloads (RFC 6184): where a frame and where a keyframe starts.

const NAL_SLICE: u8 = 1;
const NAL_IDR: u8 = 5;
const NAL_SPS: u8 = 7;
const NAL_ACCESS_UNIT_DELIMITER: u8 = 9;
const NAL_STAP_A: u8 = 24;
const NAL_FU_A: u8 = 28;

/// Most NAL units of one aggregation packet that are looked at: the ones that matter come first.
const AGGREGATED_UNITS_MAX: usize = 16;

/// What one payload says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct H264Marks {
    /// The payload opens a frame: a delimiter, a parameter set, or a slice that covers the first macroblock. Several
    /// leading packets of one frame may say so, parameter sets and the first slice being separate packets.
    pub frame_start: bool,
    /// The payload holds a sequence parameter set or the beginning of an IDR picture: a receiver may start here.
    pub keyframe: bool,
}

impl H264Marks {
    /// Reads one payload. A payload that is cut short or unknown marks nothing.
    #[must_use]
    pub fn read(payload: &[u8]) -> Self {
        match *payload {
            [head, ref units @ ..] if nal_type(head) == NAL_STAP_A => Self::of_aggregate(units),
            [head, fragment, ref slice @ ..] if nal_type(head) == NAL_FU_A => {
                let is_first_fragment = fragment & 0x80 != 0;
                if is_first_fragment { Self::of_unit(nal_type(fragment), slice) } else { Self::default() }
            }
            [head, ref slice @ ..] => Self::of_unit(nal_type(head), slice),
            [] => Self::default(),
        }
    }

    fn of_aggregate(mut units: &[u8]) -> Self {
        let mut marks = Self::default();
        for _ in 0..AGGREGATED_UNITS_MAX {
            let Some((&len, rest)) = units.split_first_chunk::<2>() else { break };
            let Some((unit, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(len))) else { break };
            if let [head, slice @ ..] = unit {
                let unit_marks = Self::of_unit(nal_type(*head), slice);
                marks.frame_start |= unit_marks.frame_start;
                marks.keyframe |= unit_marks.keyframe;
            }
            units = rest;
        }
        marks
    }

    /// `slice` is what follows the NAL header: a slice begins with the number of its first macroblock, Exp-Golomb
    /// coded, for which a leading one bit means 0 (H.264 §7.3.3, §9.1).
    fn of_unit(nal_type: u8, slice: &[u8]) -> Self {
        let covers_first_macroblock = slice.first().is_some_and(|byte| byte & 0x80 != 0);
        match nal_type {
            NAL_SPS => Self { frame_start: true, keyframe: true },
            NAL_ACCESS_UNIT_DELIMITER => Self { frame_start: true, keyframe: false },
            NAL_IDR => Self { frame_start: covers_first_macroblock, keyframe: covers_first_macroblock },
            NAL_SLICE => Self { frame_start: covers_first_macroblock, keyframe: false },
            _ => Self::default(),
        }
    }
}

fn nal_type(head: u8) -> u8 {
    head & 0x1f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_kinds() {
        let check = |payload: &[u8], frame_start: bool, keyframe: bool| {
            assert_eq!(H264Marks::read(payload), H264Marks { frame_start, keyframe }, "payload {payload:02x?}");
        };
        check(&[0x67, 0x42], true, true); // SPS
        check(&[0x68, 0xce], false, false); // PPS alone
        check(&[0x65, 0x88], true, true); // IDR, first macroblock
        check(&[0x65, 0x40], false, false); // IDR, a later slice
        check(&[0x41, 0x9a], true, false); // a predicted frame
        check(&[0x41, 0x10], false, false); // its second slice
        check(&[0x09, 0x10], true, false); // delimiter
        check(&[0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce], true, true); // STAP-A: SPS, PPS
        check(&[0x78, 0, 2, 0x09, 0x30, 0, 2, 0x41, 0x9a], true, false); // STAP-A: delimiter, slice
        check(&[0x7c, 0x85, 0x88], true, true); // FU-A, first fragment of an IDR
        check(&[0x7c, 0x05, 0x88], false, false); // FU-A, a middle fragment
        check(&[0x7c, 0x81, 0x9a], true, false); // FU-A, first fragment of a predicted frame
    }

    #[test]
    fn short_and_lying_payloads_mark_nothing() {
        for payload in [&[][..], &[0x65], &[0x7c], &[0x7c, 0x85], &[0x78], &[0x78, 0xff, 0xff, 0x67], &[0x78, 0, 0]] {
            assert_eq!(H264Marks::read(payload), H264Marks::default(), "payload {payload:02x?}");
        }
    }
}
