//! What a stream looks like on the wire, before any packet is made: rate, size, frames and bursts.

use std::str::FromStr;
use std::time::Duration;

/// Pictures per second.
const FRAMES_PER_SECOND: f64 = 30.0;
/// A browser's pacer empties a frame in this part of the frame's time.
const PACING_SHARE: f64 = 0.4;
/// How much larger than others a keyframe is. Later frames are smaller until the rate is as offered again.
const KEYFRAME_SIZE: f64 = 4.0;
/// Least share of its normal size that a frame has after a keyframe.
const SMALLEST_FRAME: f64 = 0.5;
/// Keyframes that nobody asked for.
pub(super) const KEYFRAME_INTERVAL: Duration = Duration::from_secs(3);
/// Between packets of sound.
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);

/// The offered rate of pictures: packets per second, payload bytes of each.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct VideoRate {
    /// Packets per second.
    pub(crate) packets: f64,
    /// RTP payload of each, in bytes.
    pub(crate) bytes: usize,
}

impl FromStr for VideoRate {
    type Err = String;

    /// `250x1000`: 250 packets a second with 1,000 bytes of payload.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('x').and_then(|(packets, bytes)| Some((packets.parse().ok()?, bytes.parse().ok()?)));
        match parts {
            Some((packets, bytes)) if (1.0..=100_000.0).contains(&packets) && (40..=1_400).contains(&bytes) => {
                Ok(Self { packets, bytes })
            }
            _ => Err(format!(
                "{text:?} is no rate: expected PACKETSxBYTES, such as 250x1000, of 1 to 100000 packets a second with \
                 40 to 1400 bytes each"
            )),
        }
    }
}

/// A burst that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Burst {
    /// Packets.
    pub(super) packets: usize,
    /// The first of them begins a frame.
    pub(super) first: bool,
    /// The last of them ends a frame.
    pub(super) last: bool,
    /// They are part of a keyframe.
    pub(super) keyframe: bool,
}

/// Says which packets of a stream are due when. Pure: times are offsets from the stream's beginning.
#[derive(Clone, Debug)]
pub(super) enum Schedule {
    Audio { next: Duration },
    Video(VideoSchedule),
}

/// Frames at a fixed pace, each cut into bursts as a pacer does.
#[derive(Clone, Debug)]
pub(super) struct VideoSchedule {
    packets_per_frame: f64,
    burst: usize,
    frame_at: Duration,
    next: Duration,
    spacing: Duration,
    left: usize,
    first: bool,
    keyframe: bool,
    keyframe_wanted: bool,
    last_keyframe: Option<Duration>,
    /// Packets that may be sent by the offered rate, less those that were.
    budget: f64,
}

impl Schedule {
    pub(super) fn audio() -> Self {
        Self::Audio { next: Duration::ZERO }
    }

    pub(super) fn video(packets_per_second: f64, burst: usize) -> Self {
        Self::Video(VideoSchedule {
            packets_per_frame: packets_per_second / FRAMES_PER_SECOND,
            burst: burst.max(1),
            frame_at: Duration::ZERO,
            next: Duration::ZERO,
            spacing: Duration::ZERO,
            left: 0,
            first: true,
            keyframe: false,
            keyframe_wanted: true,
            last_keyframe: None,
            budget: 0.0,
        })
    }

    /// When something is due.
    pub(super) fn next(&self) -> Duration {
        match self {
            Self::Audio { next } => *next,
            Self::Video(video) => video.next,
        }
    }

    /// Goes on from `now` instead of catching up.
    pub(super) fn skip_to(&mut self, now: Duration) {
        match self {
            Self::Audio { next } => *next = now,
            Self::Video(video) => (video.frame_at, video.next, video.left, video.first) = (now, now, 0, true),
        }
    }

    /// Makes the next frame a keyframe.
    pub(super) fn request_keyframe(&mut self) {
        if let Self::Video(video) = self {
            video.keyframe_wanted = true;
        }
    }

    /// Offers another rate of pictures from the next frame on. Sound keeps its own.
    pub(super) fn set_rate(&mut self, packets_per_second: f64) {
        if let Self::Video(video) = self {
            video.packets_per_frame = packets_per_second / FRAMES_PER_SECOND;
            video.budget = video.budget.min(0.0);
        }
    }

    /// Takes the burst that is due at [`Schedule::next`].
    pub(super) fn take(&mut self) -> Burst {
        match self {
            Self::Audio { next } => {
                *next += AUDIO_INTERVAL;
                Burst { packets: 1, first: true, last: true, keyframe: false }
            }
            Self::Video(video) => video.take(),
        }
    }
}

impl VideoSchedule {
    fn take(&mut self) -> Burst {
        if self.left == 0 {
            self.begin_frame();
        }
        let packets = self.left.min(self.burst);
        self.left -= packets;
        let last = self.left == 0;
        let burst = Burst { packets, first: self.first, last, keyframe: self.keyframe };
        self.first = last;
        if last {
            self.frame_at += Duration::from_secs_f64(1.0 / FRAMES_PER_SECOND);
            self.next = self.frame_at;
        } else {
            self.next += self.spacing;
        }
        burst
    }

    fn begin_frame(&mut self) {
        let due = self.last_keyframe.is_none_or(|last| self.frame_at >= last + KEYFRAME_INTERVAL);
        self.keyframe = std::mem::take(&mut self.keyframe_wanted) || due;
        let normal = self.packets_per_frame;
        self.budget += normal;
        let size = if self.keyframe {
            self.last_keyframe = Some(self.frame_at);
            normal * KEYFRAME_SIZE
        } else {
            self.budget.max(normal * SMALLEST_FRAME)
        };
        self.left = (size.round() as usize).max(1);
        self.budget -= self.left as f64;
        let bursts = self.left.div_ceil(self.burst);
        self.spacing = Duration::from_secs_f64(PACING_SHARE / FRAMES_PER_SECOND / bursts as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All bursts of the first `seconds`.
    fn run(mut schedule: Schedule, seconds: u64) -> Vec<(Duration, Burst)> {
        let mut bursts = Vec::new();
        while schedule.next() < Duration::from_secs(seconds) {
            bursts.push((schedule.next(), schedule.take()));
        }
        bursts
    }

    #[test]
    fn the_offered_rate_is_kept_over_keyframes() {
        for rate in [20.0, 250.0, 1000.0] {
            let packets: usize = run(Schedule::video(rate, 4), 30).iter().map(|(_, burst)| burst.packets).sum();
            let expected = rate.max(FRAMES_PER_SECOND) * 30.0;
            assert!((packets as f64 / expected - 1.0).abs() < 0.12, "{packets} of {expected}");
        }
    }

    #[test]
    fn a_frame_is_paced_in_bursts_and_ends_before_the_next() {
        let bursts = run(Schedule::video(250.0, 4), 2);
        assert!(bursts.iter().all(|(_, burst)| burst.packets <= 4));
        assert!(bursts.windows(2).all(|pair| pair[0].0 < pair[1].0), "time goes on");
        assert!(bursts.windows(2).all(|pair| pair[0].1.last == pair[1].1.first), "frames do not overlap");
        let frames = bursts.iter().filter(|(_, burst)| burst.first).count();
        // A thirtieth of a second is rounded down to nanoseconds, so the frame at two seconds begins just before.
        assert_eq!(frames, 61);
    }

    #[test]
    fn keyframes_come_first_on_request_and_every_few_seconds() {
        let keyframes = |bursts: &[(Duration, Burst)]| bursts.iter().filter(|(_, b)| b.keyframe && b.first).count();
        assert_eq!(keyframes(&run(Schedule::video(250.0, 4), 7)), 3);
        let mut schedule = Schedule::video(250.0, 400);
        assert!(schedule.take().keyframe && !schedule.take().keyframe);
        schedule.request_keyframe();
        assert!(schedule.take().keyframe);
    }

    #[test]
    fn rates_are_read() {
        assert_eq!("250x1000".parse(), Ok(VideoRate { packets: 250.0, bytes: 1000 }));
        for wrong in ["250", "0x1000", "250x20", "250x9000", "x", "axb"] {
            assert!(wrong.parse::<VideoRate>().is_err(), "{wrong}");
        }
    }
}
