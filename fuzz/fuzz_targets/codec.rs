//! A stream of one codec (first byte): per packet a byte of descriptor length, a byte of payload length, both.
#![cfg_attr(fuzzing, no_main)]

use tillside_sfu::rtp::vp8::{FrameNumbers, Vp8Descriptor, renumber};
use tillside_sfu::rtp::{Codec, FrameInspector};

pub(crate) fn run(bytes: &[u8]) {
    let Some((selector, mut rest)) = bytes.split_first() else { return };
    let codecs = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1];
    let mut inspector = FrameInspector::new(codecs[usize::from(*selector) % codecs.len()]);
    while let [descriptor_len, payload_len, tail @ ..] = rest {
        let (descriptor, tail) = tail.split_at(tail.len().min(usize::from(*descriptor_len)));
        let (payload, tail) = tail.split_at(tail.len().min(usize::from(*payload_len)));
        rest = tail;
        let marks = inspector.inspect(payload, false, Some(descriptor));
        assert!(marks.spatial < 8 && marks.temporal < 8);
        if let Some(vp8) = Vp8Descriptor::parse(payload) {
            let mut head = [0; 8];
            let len = payload.len().min(head.len());
            head[..len].copy_from_slice(&payload[..len]);
            let numbers = FrameNumbers {
                picture_id: vp8.picture_id.map_or(0, |id| id.value()),
                tl0: vp8.tl0_picture_index.unwrap_or(0),
                key_index: vp8.layer.map_or(0, |layer| layer.key_index),
            };
            let head = u64::from_be_bytes(head);
            assert_eq!(renumber(head, numbers), head, "the same numbers leave the same bytes");
        }
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));
