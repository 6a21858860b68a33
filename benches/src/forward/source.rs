//! What the publisher of a measured call sends: packets as a browser's, with a payload of an exact size.

use std::time::Duration;
use tillside_tests::bot::offer::{OPUS, VP8, extension};
use tillside_tests::bot::packet::Outgoing;

/// Packets of a picture: 1200-byte packets of 8 at 30 pictures a second are 2.3 Mbit/s.
const PICTURE_PACKETS: u64 = 8;
const PICTURE_INTERVAL: Duration = Duration::from_micros(33_333);
const SOUND_INTERVAL: Duration = Duration::from_millis(20);
/// Packets of a stream that name their m-line, as browsers do until they are heard of.
const NAMED_PACKETS: u64 = 20;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// Opus, one packet per 20 ms.
    Sound,
    /// VP8, pictures of eight packets.
    Picture,
}

/// See the module.
pub(crate) struct Source {
    media: Media,
    ssrc: u32,
    payload: usize,
    packets: u64,
    keyframe_wanted: bool,
}

impl Source {
    /// A stream on `ssrc` whose packets carry `payload` bytes. It begins with a keyframe.
    pub(crate) fn new(media: Media, ssrc: u32, payload: usize) -> Self {
        Self { media, ssrc, payload, packets: 0, keyframe_wanted: true }
    }

    /// Bytes of every packet's payload.
    pub(crate) fn payload(&self) -> usize {
        self.payload
    }

    /// The next picture is a keyframe.
    pub(crate) fn request_keyframe(&mut self) {
        self.keyframe_wanted = true;
    }

    /// Time from one packet to the next.
    pub(crate) fn interval(&self) -> Duration {
        match self.media {
            Media::Sound => SOUND_INTERVAL,
            Media::Picture => PICTURE_INTERVAL / PICTURE_PACKETS as u32,
        }
    }

    /// The next packet, before its protection.
    pub(crate) fn next_packet(&mut self) -> Vec<u8> {
        let number = self.packets;
        self.packets += 1;
        let mut extensions = vec![(extension::TRANSPORT_CC, (number as u16).to_be_bytes().to_vec())];
        if self.media == Media::Sound {
            extensions.push((extension::AUDIO_LEVEL, vec![0x80 | 30]));
        }
        if number < NAMED_PACKETS {
            extensions.push((extension::MID, b"0".to_vec()));
        }
        let (payload_type, ticks, in_frame, marker, mut payload) = match self.media {
            Media::Sound => (OPUS, 960, number, false, Vec::new()),
            Media::Picture => {
                let last = number % PICTURE_PACKETS == PICTURE_PACKETS - 1;
                (VP8, 3000, number / PICTURE_PACKETS, last, self.vp8_header(number))
            }
        };
        payload.resize(self.payload, 0x55);
        Outgoing {
            payload_type,
            marker,
            sequence: number as u16,
            timestamp: (in_frame as u32).wrapping_mul(ticks),
            ssrc: self.ssrc,
            extensions,
            payload: &payload,
        }
        .write()
    }

    /// Payload descriptor with picture id, TL0PICIDX and temporal layer (RFC 7741 §4.2), and the frame's own header
    /// where it begins (§4.3).
    fn vp8_header(&mut self, number: u64) -> Vec<u8> {
        let (picture, first) = (number / PICTURE_PACKETS, number.is_multiple_of(PICTURE_PACKETS));
        let [high, low] = (picture as u16 | 0x8000).to_be_bytes();
        let mut header = vec![0x80 | if first { 0x10 } else { 0 }, 0xE0, high, low, picture as u8, 0];
        if first && std::mem::take(&mut self.keyframe_wanted) {
            header.extend_from_slice(&[0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01]);
        } else if first {
            header.extend_from_slice(&[0x11, 0, 0]);
        }
        header
    }
}
