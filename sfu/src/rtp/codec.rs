//! One answer to "what frame is this packet part of", whatever the codec.

use super::av1::Av1Marks;
use super::dependency::DependencyReader;
use super::h264::H264Marks;
use super::vp8::Vp8Descriptor;
use super::vp9::Vp9Descriptor;

/// The codecs we look into. Everything else in a publication (RTX, RED, DTMF) is not a codec here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Audio: every packet is a frame of its own.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184.
    H264,
    /// RTP Payload Format For AV1.
    Av1,
}

/// What one packet says about its frame. A packet we cannot read is in the base layer and starts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameMarks {
    /// First packet of a frame. Several leading packets of one H.264 frame may claim it.
    pub start: bool,
    /// Last packet of a frame of one spatial layer.
    pub end: bool,
    /// First packet of a keyframe: a receiver may start here.
    pub keyframe: bool,
    /// Spatial layer within this stream, 0 for simulcast.
    pub spatial: u8,
    /// Temporal layer.
    pub temporal: u8,
    /// Whether a receiver of fewer temporal layers may go up here.
    pub up_switch: UpSwitch,
}

/// Where a receiver may add temporal layers of the same spatial layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpSwitch {
    /// Not here.
    #[default]
    No,
    /// Into the layer of this frame, beginning with this frame.
    IntoThisLayer,
    /// Into any layer above this frame's, beginning after this frame, for a receiver of this frame's layer.
    AboveThisLayer,
}

/// Reads the packets of one encoding, in order of arrival.
#[derive(Clone, Debug)]
pub struct FrameInspector {
    codec: Codec,
    dependency: DependencyReader,
}

impl FrameInspector {
    /// For an encoding of this codec.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        Self { codec, dependency: DependencyReader::default() }
    }

    /// Reads one packet. `dependency_descriptor` is the value of that extension, if the packet has it: it is preferred
    /// to the payload, which may be encrypted end to end.
    pub fn inspect(&mut self, payload: &[u8], marker: bool, dependency_descriptor: Option<&[u8]>) -> FrameMarks {
        if let Some(marks) = dependency_descriptor.and_then(|value| self.dependency.read(value)) {
            let layer = marks.layer.unwrap_or_default();
            return FrameMarks {
                start: marks.frame_start,
                end: marks.frame_end,
                keyframe: marks.keyframe,
                spatial: layer.spatial,
                temporal: layer.temporal,
                up_switch: if marks.switch_up { UpSwitch::AboveThisLayer } else { UpSwitch::No },
            };
        }
        let unread = FrameMarks { end: marker, ..FrameMarks::default() };
        match self.codec {
            Codec::Opus => FrameMarks { start: true, end: true, keyframe: true, ..unread },
            Codec::Vp8 => Vp8Descriptor::parse(payload).map_or(unread, |read| of_vp8(&read, unread)),
            Codec::Vp9 => Vp9Descriptor::parse(payload).map_or(unread, |read| of_vp9(&read, unread)),
            Codec::H264 => {
                let read = H264Marks::read(payload);
                FrameMarks {
                    start: read.frame_start,
                    keyframe: read.keyframe,
                    up_switch: above_if(read.keyframe),
                    ..unread
                }
            }
            Codec::Av1 => of_av1(&Av1Marks::read(payload), unread),
        }
    }
}

fn of_vp8(read: &Vp8Descriptor, unread: FrameMarks) -> FrameMarks {
    let layer_sync = read.layer.is_some_and(|layer| layer.sync) && !read.keyframe;
    FrameMarks {
        start: read.frame_start,
        keyframe: read.keyframe,
        temporal: read.layer.map_or(0, |layer| layer.temporal),
        up_switch: if layer_sync { UpSwitch::IntoThisLayer } else { above_if(read.keyframe) },
        ..unread
    }
}

fn of_vp9(read: &Vp9Descriptor, unread: FrameMarks) -> FrameMarks {
    FrameMarks {
        start: read.frame_start,
        end: read.frame_end || unread.end,
        keyframe: read.starts_keyframe(),
        spatial: read.layer.map_or(0, |layer| layer.spatial),
        temporal: read.layer.map_or(0, |layer| layer.temporal),
        up_switch: above_if(read.starts_keyframe() || read.layer.is_some_and(|layer| layer.switching_up)),
    }
}

fn of_av1(read: &Av1Marks, unread: FrameMarks) -> FrameMarks {
    FrameMarks {
        start: read.frame_start,
        keyframe: read.keyframe,
        spatial: read.spatial,
        temporal: read.temporal,
        up_switch: above_if(read.keyframe),
        ..unread
    }
}

fn above_if(condition: bool) -> UpSwitch {
    if condition { UpSwitch::AboveThisLayer } else { UpSwitch::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspect(codec: Codec, marker: bool, payload: &[u8], dependency_descriptor: Option<&[u8]>) -> FrameMarks {
        FrameInspector::new(codec).inspect(payload, marker, dependency_descriptor)
    }

    #[test]
    fn each_codec_marks_its_frames() {
        let nothing = FrameMarks::default();
        let keyframe = FrameMarks { start: true, keyframe: true, up_switch: UpSwitch::AboveThisLayer, ..nothing };
        let check = |codec, marker, payload: &[u8], expected: FrameMarks| {
            assert_eq!(inspect(codec, marker, payload, None), expected, "{codec:?} {payload:02x?}");
        };
        check(Codec::Opus, false, &[1, 2], FrameMarks { start: true, end: true, keyframe: true, ..nothing });
        check(Codec::Vp8, false, &[0x10, 0x00], keyframe);
        check(Codec::Vp8, false, &[0x90, 0x20, 0x20, 0x00], keyframe); // layer sync says less than a keyframe
        check(Codec::Vp8, true, &[0x00, 0x00], FrameMarks { end: true, ..nothing });
        let into_t2 = FrameMarks { start: true, temporal: 2, up_switch: UpSwitch::IntoThisLayer, ..nothing };
        check(Codec::Vp8, false, &[0x90, 0x20, 0xa0, 0x01], into_t2);
        check(Codec::Vp9, false, &[0x08], keyframe);
        check(Codec::Vp9, false, &[0x64, 0x43, 0], FrameMarks { end: true, spatial: 1, temporal: 2, ..nothing });
        check(Codec::H264, false, &[0x67, 0x42], keyframe);
        check(Codec::Av1, false, &[0x18, 0x08, 0], keyframe);
    }

    #[test]
    fn unreadable_payloads_start_nothing() {
        for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
            assert_eq!(inspect(codec, false, &[], None), FrameMarks::default(), "{codec:?}");
        }
    }

    #[test]
    fn the_descriptor_is_believed_before_the_payload() {
        let marks = inspect(Codec::Vp8, false, b"\x10\x00 looks like a keyframe", Some(&[0xc0, 0, 1]));
        assert_eq!(marks, FrameMarks { start: true, end: true, ..FrameMarks::default() });
    }
}
