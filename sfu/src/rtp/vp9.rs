//! The VP9 payload descriptor (RFC 9628 §4.2), read only: VP9 numbering is forwarded as it is.

use super::vp8::PictureId;

/// Most reference indices a descriptor carries (RFC 9628 §4.2: the N bit chains up to three).
const REFERENCES_MAX: usize = 3;

/// The descriptor at the start of a VP9 payload, up to the scalability structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp9Descriptor {
    /// First packet of a frame of one spatial layer (the B bit).
    pub frame_start: bool,
    /// Last packet of a frame of one spatial layer (the E bit); the marker ends the whole picture.
    pub frame_end: bool,
    /// Predicted from an earlier picture (the P bit).
    pub inter_picture: bool,
    /// The frame is not needed by higher spatial layers (the Z bit).
    pub discardable: bool,
    /// The picture id, if there is one.
    pub picture_id: Option<PictureId>,
    /// The layer indices, if there are any.
    pub layer: Option<Vp9Layer>,
    /// Whether a scalability structure follows (the V bit): resolutions and picture groups, sent with keyframes.
    pub has_structure: bool,
}

/// The layer indices of the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp9Layer {
    /// Temporal layer, 0 to 7.
    pub temporal: u8,
    /// Spatial layer, 0 to 7.
    pub spatial: u8,
    /// A receiver may start this temporal layer here (the U bit).
    pub switching_up: bool,
    /// Predicted from the next lower spatial layer of the same picture (the D bit).
    pub inter_layer: bool,
    /// TL0PICIDX, in the non-flexible mode only.
    pub tl0_picture_index: Option<u8>,
}

impl Vp9Descriptor {
    /// Reads the descriptor; `None` if it is cut short.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut bytes = payload.iter().copied();
        let first = bytes.next()?;
        let flag = |mask: u8| first & mask != 0;
        let (has_picture_id, inter_picture, has_layer, flexible) = (flag(0x80), flag(0x40), flag(0x20), flag(0x10));

        let mut picture_id = None;
        if has_picture_id {
            let high = bytes.next()?;
            picture_id = Some(match high & 0x80 {
                0 => PictureId::Short(high),
                _ => PictureId::Long(u16::from_be_bytes([high & 0x7f, bytes.next()?])),
            });
        }
        let mut layer = None;
        if has_layer {
            let byte = bytes.next()?;
            layer = Some(Vp9Layer {
                temporal: byte >> 5,
                switching_up: byte & 0x10 != 0,
                spatial: byte >> 1 & 0x07,
                inter_layer: byte & 0x01 != 0,
                tl0_picture_index: if flexible { None } else { Some(bytes.next()?) },
            });
        }
        if flexible && inter_picture {
            for _ in 0..REFERENCES_MAX {
                if bytes.next()? & 0x01 == 0 {
                    break;
                }
            }
        }
        Some(Self {
            frame_start: flag(0x08),
            frame_end: flag(0x04),
            inter_picture,
            discardable: flag(0x01),
            picture_id,
            layer,
            has_structure: flag(0x02),
        })
    }

    /// Whether this packet starts a keyframe: the base spatial layer of a picture that needs no other picture.
    #[must_use]
    pub fn starts_keyframe(&self) -> bool {
        self.frame_start && !self.inter_picture && self.layer.is_none_or(|layer| layer.spatial == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyframe_starts_on_the_base_layer_only() {
        let check = |payload: &[u8], keyframe: bool| {
            let parsed = Vp9Descriptor::parse(payload).expect("well formed");
            assert_eq!(parsed.starts_keyframe(), keyframe, "payload {payload:02x?}");
        };
        check(&[0x08], true);
        check(&[0x00], false); // not the first packet
        check(&[0x48], false); // predicted
        check(&[0x28, 0x00, 0], true);
        check(&[0x28, 0x03, 0], false); // spatial layer 1 of a key picture
    }

    #[test]
    fn fields_of_the_non_flexible_mode() {
        let parsed = Vp9Descriptor::parse(&[0xad, 0x81, 0x02, 0b0101_0101, 77]).expect("well formed");
        assert_eq!(parsed.picture_id, Some(PictureId::Long(0x102)));
        assert!(parsed.frame_start && parsed.frame_end && parsed.discardable && !parsed.has_structure);
        let layer = parsed.layer.expect("L bit is set");
        assert_eq!((layer.temporal, layer.spatial, layer.tl0_picture_index), (2, 2, Some(77)));
        assert!(layer.switching_up && layer.inter_layer);
    }

    #[test]
    fn flexible_mode_has_references_instead_of_tl0() {
        // Three references: the third must be the last whatever its N bit says.
        let payload = [0x78, 0x20, 0x03, 0x05, 0x07];
        assert_eq!(Vp9Descriptor::parse(&payload).and_then(|d| d.layer).map(|l| l.tl0_picture_index), Some(None));
        for cut in 0..payload.len() {
            assert_eq!(Vp9Descriptor::parse(&payload[..cut]), None, "cut at {cut}");
        }
    }
}
