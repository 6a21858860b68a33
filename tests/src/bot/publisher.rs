//! What a bot sends: invented sound and pictures with a [`Marker`] in every packet, repeated on request.

use super::offer::{OPUS, RTX, VP8, extension};
use super::packet::Outgoing;
use crate::marker::{Marker, Origin};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Sent packets kept for retransmission: two seconds of the largest encoding.
const HISTORY: usize = 512;
/// Between packets of sound.
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
/// Between pictures: 30 a second.
const VIDEO_INTERVAL: Duration = Duration::from_micros(33_333);

/// One stream of a bot: a track, or one simulcast encoding of it.
pub struct Publisher {
    marker: Marker,
    rid: Option<&'static str>,
    is_audio: bool,
    ssrc: u32,
    rtx_ssrc: u32,
    sequence: u16,
    rtx_sequence: u16,
    picture: u16,
    keyframe_wanted: bool,
    next: Instant,
    history: VecDeque<(u16, Vec<u8>, u32, bool)>,
    /// Whether it sends at all.
    pub active: bool,
    /// Bytes that every packet has behind its mark, to make it as long as real ones are.
    pub filler: usize,
    /// Keyframes sent.
    pub keyframes: u32,
    /// Packets sent again on request.
    pub resent: u32,
}

/// What a publisher is made from.
pub(super) struct PublisherConfig {
    pub(super) origin: Origin,
    pub(super) room: tillside_sfu::id::RoomId,
    pub(super) rid: Option<&'static str>,
    pub(super) is_audio: bool,
    /// SSRCs of media and retransmissions.
    pub(super) ssrcs: (u32, u32),
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) start: Instant,
}

impl Publisher {
    pub(super) fn new(config: PublisherConfig) -> Self {
        let origin = config.origin;
        Self {
            marker: Marker {
                room: config.room,
                participant: origin.participant,
                line: origin.line,
                encoding: origin.encoding,
                start: true,
                number: 0,
                timestamp: config.timestamp,
            },
            rid: config.rid,
            is_audio: config.is_audio,
            ssrc: config.ssrcs.0,
            rtx_ssrc: config.ssrcs.1,
            sequence: config.sequence,
            rtx_sequence: config.sequence,
            picture: config.sequence & 0x7FFF,
            keyframe_wanted: true,
            next: config.start,
            history: VecDeque::new(),
            active: true,
            filler: 0,
            keyframes: 0,
            resent: 0,
        }
    }

    /// The SSRC of its media.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Which stream this is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.marker.origin()
    }

    /// Packets sent so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.marker.number
    }

    /// RTP timestamp of the newest packet.
    #[must_use]
    pub fn timestamp(&self) -> u32 {
        self.marker.timestamp
    }

    pub(super) fn request_keyframe(&mut self) {
        self.keyframe_wanted = true;
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.next
    }

    /// The packets of sound or of a picture that are due.
    pub(super) fn handle_timeout(&mut self, now: Instant, transport_number: &mut u16, out: &mut Vec<Vec<u8>>) {
        while self.next <= now {
            let (interval, ticks) = if self.is_audio { (AUDIO_INTERVAL, 960) } else { (VIDEO_INTERVAL, 3000) };
            self.next += interval;
            self.marker.timestamp = self.marker.timestamp.wrapping_add(ticks);
            if !self.active {
                continue;
            }
            if self.is_audio {
                self.send(&[], true, true, transport_number, out);
            } else {
                self.send_picture(transport_number, out);
            }
        }
    }

    /// Sends a packet again, as RTX (RFC 4588 §4) for video, as itself for audio.
    pub(super) fn resend(&mut self, sequence: u16, transport_number: &mut u16, out: &mut Vec<Vec<u8>>) {
        let Some((_, payload, timestamp, marker)) = self.history.iter().find(|sent| sent.0 == sequence) else { return };
        let mut body = sequence.to_be_bytes().to_vec();
        body.extend_from_slice(payload);
        let packet = Outgoing {
            payload_type: RTX,
            marker: *marker,
            sequence: self.rtx_sequence,
            timestamp: *timestamp,
            ssrc: self.rtx_ssrc,
            extensions: self.extensions(extension::REPAIRED_RID, transport_number),
            payload: &body,
        };
        if !self.is_audio {
            out.push(packet.write());
            self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
            self.resent += 1;
        }
    }

    fn send_picture(&mut self, transport_number: &mut u16, out: &mut Vec<Vec<u8>>) {
        let keyframe = std::mem::take(&mut self.keyframe_wanted);
        self.picture = (self.picture + 1) & 0x7FFF;
        self.keyframes += u32::from(keyframe);
        // A keyframe is larger, and a larger encoding takes more packets.
        let packets = (1 + usize::from(self.marker.encoding)) * if keyframe { 4 } else { 1 };
        for index in 0..packets {
            let header = self.vp8_header(index == 0, keyframe);
            self.send(&header, keyframe && index == 0, index + 1 == packets, transport_number, out);
        }
    }

    /// VP8's payload descriptor (RFC 7741 §4.2) with picture id, TL0PICIDX and temporal layer 0, and where a frame
    /// begins also the frame's own header (§4.3; a keyframe's start code and size come after it).
    fn vp8_header(&self, first: bool, keyframe: bool) -> Vec<u8> {
        let [high, low] = (self.picture | 0x8000).to_be_bytes();
        let mut header = vec![0x80 | if first { 0x10 } else { 0 }, 0xE0, high, low, self.picture as u8, 0];
        if first && keyframe {
            let height = 180u16 << self.marker.encoding;
            let [width, height] = [height / 9 * 16, height].map(u16::to_le_bytes);
            header.extend_from_slice(&[0x10, 0, 0, 0x9D, 0x01, 0x2A, width[0], width[1], height[0], height[1]]);
        } else if first {
            header.extend_from_slice(&[0x11, 0, 0]);
        }
        header
    }

    fn send(&mut self, header: &[u8], start: bool, last: bool, transport_number: &mut u16, out: &mut Vec<Vec<u8>>) {
        self.marker.start = start;
        let mut payload = header.to_vec();
        self.marker.write(&mut payload);
        payload.resize(payload.len() + self.filler, 0);
        let packet = Outgoing {
            payload_type: if self.is_audio { OPUS } else { VP8 },
            marker: last && !self.is_audio,
            sequence: self.sequence,
            timestamp: self.marker.timestamp,
            ssrc: self.ssrc,
            extensions: self.extensions(extension::RID, transport_number),
            payload: &payload,
        };
        out.push(packet.write());
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((self.sequence, payload, self.marker.timestamp, last));
        self.sequence = self.sequence.wrapping_add(1);
        self.marker.number += 1;
    }

    /// Like browsers: the transport-wide number on every packet, mid and rid on the first ones of a stream only.
    fn extensions(&self, rid_extension: u8, transport_number: &mut u16) -> Vec<(u8, Vec<u8>)> {
        *transport_number = transport_number.wrapping_add(1);
        let mut extensions = vec![(extension::TRANSPORT_CC, transport_number.to_be_bytes().to_vec())];
        if self.is_audio {
            extensions.push((extension::AUDIO_LEVEL, vec![0x80 | 30]));
        }
        // Retransmissions name their stream for longer: their first one may come late.
        if self.marker.number < 20 || rid_extension == extension::REPAIRED_RID {
            extensions.push((extension::MID, self.marker.line.to_string().into_bytes()));
            if let Some(rid) = self.rid {
                extensions.push((rid_extension, rid.as_bytes().to_vec()));
            }
        }
        extensions
    }
}
