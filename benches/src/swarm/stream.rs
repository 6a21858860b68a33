//! One stream that a bot sends: packets of the offered shape, stamped and sealed.

use super::description::{ExtensionIds, Kind};
use super::shape::{Burst, Schedule, VideoRate};
use super::stamp::{STAMP_BYTES, Stamp};
use std::time::{Duration, Instant};
use tillside_sfu::rtcp::{NtpTime, SenderInfo};
use tillside_sfu::rtp::{Extension, HeaderFields, PayloadType, SequenceNumber, Ssrc, write_header};
use tillside_sfu::srtp::{SRTP_OVERHEAD_MAX, SrtpSealer};

/// Payload bytes of a packet of sound: 32 kbit/s.
const AUDIO_BYTES: usize = 80;
/// Packets of sound per second.
const AUDIO_RATE: f64 = 50.0;
/// Packets at the beginning of a stream that name their m-line and encoding, as browsers do until they are known.
const NAMED_PACKETS: u64 = 50;
/// Longest header with extensions.
const HEADER_BYTES_MAX: usize = 64;
/// A schedule that is this late goes on from now: the driver could not keep up, and says so.
const LAG_MAX: Duration = Duration::from_millis(250);
/// Seconds from 1900, where NTP begins, to 1970.
const NTP_EPOCH_S: u64 = 2_208_988_800;

/// What a bot sends on one SSRC.
#[derive(Clone, Debug)]
pub(crate) struct StreamPlan {
    pub(crate) kind: Kind,
    pub(crate) ssrc: u32,
    /// The m-line's number, which is its mid.
    pub(crate) mid: usize,
    /// Its simulcast encoding and what part of the offered rate it has.
    pub(crate) encoding: Option<(&'static str, f64)>,
    /// How many receive it.
    pub(crate) fanout: u64,
    /// The offered rate of pictures.
    pub(crate) rate: VideoRate,
    /// Packets that leave at once.
    pub(crate) burst: usize,
    /// Where in the time of a frame its frames begin, 0 to 1: cameras are not in step.
    pub(crate) phase: f64,
}

/// See the module.
pub(super) struct Stream {
    plan: StreamPlan,
    /// Packets per second now.
    rate: f64,
    ids: ExtensionIds,
    payload_type: PayloadType,
    schedule: Schedule,
    began: Instant,
    payload: Vec<u8>,
    sequence: u64,
    timestamp: u32,
    picture: u16,
    number: u64,
    payload_bytes: u64,
    /// Packets sent since the mark.
    pub(super) sent: u64,
    /// Packets that were due and not sent because the driver was late.
    pub(super) skipped: u64,
}

impl Stream {
    pub(super) fn new(now: Instant, plan: StreamPlan, payload_type: u8, ids: ExtensionIds) -> Self {
        let (rate, bytes) = match plan.kind {
            Kind::Audio => (AUDIO_RATE, AUDIO_BYTES),
            Kind::Video => (plan.rate.packets * share(&plan), plan.rate.bytes),
        };
        let schedule = match plan.kind {
            Kind::Audio => Schedule::audio(),
            Kind::Video => Schedule::video(rate, plan.burst),
        };
        let frame = if plan.kind == Kind::Audio { 0.020 } else { 0.033 };
        Self {
            payload: vec![0xA5; bytes],
            began: now + Duration::from_secs_f64(frame * plan.phase),
            schedule,
            rate,
            payload_type: PayloadType::new(payload_type).expect("descriptions name types below 128"),
            ids,
            // Not 0, so that a wrap comes early in long runs.
            sequence: u64::from(plan.ssrc & 0x7FFF),
            timestamp: plan.ssrc,
            picture: plan.ssrc as u16 & 0x7FFF,
            number: 0,
            payload_bytes: 0,
            sent: 0,
            skipped: 0,
            plan,
        }
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.plan.ssrc
    }

    pub(super) fn fanout(&self) -> u64 {
        self.plan.fanout
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.began + self.schedule.next()
    }

    pub(super) fn request_keyframe(&mut self) {
        self.schedule.request_keyframe();
    }

    /// Offers `factor` times the planned rate from now on.
    pub(super) fn set_rate(&mut self, factor: f64) {
        if self.plan.kind == Kind::Video {
            self.rate = self.plan.rate.packets * share(&self.plan) * factor;
            self.schedule.set_rate(self.rate);
        }
    }

    /// Begins anew at `now`, after a pause.
    pub(super) fn restart(&mut self, now: Instant) {
        let frame = Duration::from_secs_f64(0.033 * self.plan.phase);
        self.schedule.skip_to((now + frame).saturating_duration_since(self.began));
    }

    /// Writes the burst that is due into `out`, one packet after the other, all of one size, which it returns.
    pub(super) fn take_burst(
        &mut self,
        now: Instant,
        wall: u64,
        transport_number: &mut u16,
        sealer: &SrtpSealer,
        out: &mut Vec<u8>,
    ) -> u16 {
        let late = now.saturating_duration_since(self.poll_timeout());
        if late > LAG_MAX {
            self.skipped += (late.as_secs_f64() * self.rate) as u64;
            self.schedule.skip_to(now.saturating_duration_since(self.began));
        }
        let at = self.schedule.next();
        let burst = self.schedule.take();
        if burst.first {
            let clock = if self.plan.kind == Kind::Audio { 48_000.0 } else { 90_000.0 };
            self.timestamp = self.plan.ssrc.wrapping_add((at.as_secs_f64() * clock) as u64 as u32);
            self.picture = (self.picture + 1) & 0x7FFF;
        }
        // Whether packets are named is decided once, so that all of a burst have one size.
        let named = self.number < NAMED_PACKETS;
        let mut size = 0;
        for index in 0..burst.packets {
            size = self.write_packet(wall, &burst, index, named, transport_number, sealer, out);
        }
        size
    }

    /// For a sender report: what was sent, and the media time of `now`.
    pub(super) fn sender_info(&self, now: Instant, wall: u64) -> SenderInfo {
        let (seconds, nanos) = (wall / 1_000_000_000 + NTP_EPOCH_S, wall % 1_000_000_000);
        let clock = if self.plan.kind == Kind::Audio { 48_000.0 } else { 90_000.0 };
        let elapsed = now.saturating_duration_since(self.began).as_secs_f64();
        SenderInfo {
            ntp: NtpTime((seconds << 32) | ((nanos << 32) / 1_000_000_000)),
            rtp_timestamp: self.plan.ssrc.wrapping_add((elapsed * clock) as u64 as u32),
            packets: self.number as u32,
            payload_bytes: self.payload_bytes as u32,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one packet's parts, each from another owner")]
    fn write_packet(
        &mut self,
        wall: u64,
        burst: &Burst,
        index: usize,
        named: bool,
        transport_number: &mut u16,
        sealer: &SrtpSealer,
        out: &mut Vec<u8>,
    ) -> u16 {
        let first = burst.first && index == 0;
        let last = burst.last && index + 1 == burst.packets;
        if self.plan.kind == Kind::Video {
            self.write_vp8(first, burst.keyframe);
        }
        Stamp { number: self.number, sent_at: wall }.write(&mut self.payload);
        let at = out.len();
        out.resize(at + HEADER_BYTES_MAX + self.payload.len() + SRTP_OVERHEAD_MAX, 0);
        let header = self.write_header(&mut out[at..], last, named, transport_number);
        let roc = (self.sequence >> 16) as u32;
        let len = sealer.seal_rtp(roc, &mut out[at..], header, &self.payload).expect("there is room by construction");
        out.truncate(at + len);
        self.sequence += 1;
        self.number += 1;
        self.sent += 1;
        self.payload_bytes += self.payload.len() as u64;
        u16::try_from(len).expect("payloads are below 1,400 bytes")
    }

    fn write_header(&self, out: &mut [u8], last: bool, named: bool, transport_number: &mut u16) -> usize {
        let fields = HeaderFields {
            marker: last && self.plan.kind == Kind::Video,
            payload_type: self.payload_type,
            sequence: SequenceNumber(self.sequence as u16),
            timestamp: self.timestamp,
            ssrc: Ssrc(self.plan.ssrc),
        };
        *transport_number = transport_number.wrapping_add(1);
        let number = transport_number.to_be_bytes();
        let mid = [b'0' + self.plan.mid as u8];
        let rid = self.plan.encoding.map(|(rid, _)| rid.as_bytes());
        let level = [0x80 | 30];
        let is_audio = self.plan.kind == Kind::Audio;
        let candidates = [
            (self.ids.transport_cc, Some(&number[..])),
            (self.ids.audio_level, is_audio.then_some(&level[..])),
            (self.ids.mid, named.then_some(&mid[..])),
            (self.ids.rid, rid.filter(|_| named)),
        ];
        let mut extensions = [Extension { id: 1, value: &[] }; 4];
        let mut count = 0;
        for (id, value) in candidates {
            if let (Some(id), Some(value)) = (id, value) {
                extensions[count] = Extension { id, value };
                count += 1;
            }
        }
        write_header(out, &fields, &extensions[..count]).expect("64 bytes hold four short extensions")
    }

    /// Payload descriptor with picture id, TL0PICIDX and temporal layer 0 (RFC 7741 §4.2), and the frame's own header
    /// where it begins (§4.3).
    fn write_vp8(&mut self, first: bool, keyframe: bool) {
        let [high, low] = (self.picture | 0x8000).to_be_bytes();
        let descriptor = [0x80 | if first { 0x10 } else { 0 }, 0xE0, high, low, self.picture as u8, 0];
        self.payload[..6].copy_from_slice(&descriptor);
        let frame = &mut self.payload[6..16];
        match (first, keyframe) {
            (true, true) => frame.copy_from_slice(&[0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x00, 0x05, 0xD0, 0x02]),
            (true, false) => frame[..3].copy_from_slice(&[0x11, 0, 0]),
            (false, _) => frame.fill(0xA5),
        }
    }
}

fn share(plan: &StreamPlan) -> f64 {
    plan.encoding.map_or(1.0, |(_, share)| share)
}

/// The smallest payload has room for descriptor, frame header and stamp.
const _: () = assert!(16 + STAMP_BYTES <= 40);

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test needs some instant")]
mod tests {
    use super::*;
    use tillside_sfu::rtp::{RtpHeader, vp8::Vp8Descriptor};
    use tillside_sfu::srtp::{MasterKey, NewSsrc, SrtpOpener, SrtpProfile};

    #[test]
    fn a_burst_is_packets_that_open_and_make_sense() {
        let key = MasterKey::new(SrtpProfile::AeadAes128Gcm, &[1; 16], &[2; 12]).unwrap();
        let (sealer, mut opener) = (SrtpSealer::new(&key), SrtpOpener::new(&key));
        let plan = StreamPlan {
            kind: Kind::Video,
            ssrc: 77,
            mid: 0,
            encoding: Some(("h", 1.0)),
            fanout: 1,
            rate: VideoRate { packets: 120.0, bytes: 500 },
            burst: 3,
            phase: 0.0,
        };
        let ids = ExtensionIds { transport_cc: Some(3), mid: Some(4), rid: Some(10), audio_level: None };
        let now = Instant::now();
        let mut stream = Stream::new(now, plan, 96, ids);
        let (mut out, mut number) = (Vec::new(), 0);
        let size = stream.take_burst(now, 1_800_000_000_000_000_000, &mut number, &sealer, &mut out);
        assert_eq!(out.len(), 3 * usize::from(size));
        for (index, packet) in out.chunks_mut(usize::from(size)).enumerate() {
            let opened = opener.open_rtp(packet, NewSsrc::Admit).unwrap();
            let header = RtpHeader::parse(packet).unwrap();
            assert_eq!(header.extensions(packet).find(10), Some(&b"h"[..]));
            let payload = &packet[header.len()..opened.len];
            assert_eq!(payload.len(), 500);
            assert_eq!(Stamp::read(payload).unwrap().number, index as u64);
            let descriptor = Vp8Descriptor::parse(payload).unwrap();
            assert_eq!(descriptor.keyframe_size(payload), (index == 0).then_some((1280, 720)));
        }
        assert_eq!((number, stream.sent), (3, 3));
    }
}
