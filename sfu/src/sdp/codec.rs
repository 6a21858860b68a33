//! Codec configurations: what must be equal at two clients before a packet of one may go to the other (trap I2).

use std::fmt::Write as _;

/// What an m-line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// Anything else (data channels); always rejected.
    Other,
}

/// A codec configuration, equal for two clients if one can decode what the other encodes; see
/// [`Codec::is_decodable_as`]. Payload types, which differ, are not part of it; neither are levels, which are upper
/// bounds that each side states for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Opus (RFC 7587).
    Opus,
    /// Redundant Opus (RFC 2198). Its block headers carry the *sender's* Opus payload type, which has to be rewritten
    /// for a receiver that numbers Opus otherwise.
    OpusRed,
    /// VP8 (RFC 7741).
    Vp8,
    /// H.264 (RFC 6184).
    H264 {
        /// Profile, from the `profile-level-id`.
        profile: H264Profile,
        /// Packetization mode.
        packetization: Packetization,
    },
    /// VP9 (RFC 9628).
    Vp9 {
        /// The `profile-id`, 0 to 3: bit depth and chroma.
        profile: u8,
    },
    /// AV1 (AOM RTP specification).
    Av1 {
        /// The `profile`, 0 to 2.
        profile: u8,
    },
}

/// H.264 profiles as decoders tell them apart (RFC 6184 §8.1, table 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "these are the names of the standard")]
pub enum H264Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    ConstrainedHigh,
    High,
    High444Predictive,
}

/// H.264 packetization modes in use (RFC 6184 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Packetization {
    /// Mode 0: one NAL unit per packet.
    SingleNal,
    /// Mode 1: fragments and aggregates too.
    NonInterleaved,
}

/// The RTCP feedback of a payload type (RFC 4585 §4.2, RFC 5104 §7.1), as far as we use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    /// `nack`: retransmission may be asked for.
    pub nack: bool,
    /// `nack pli`: a keyframe may be asked for.
    pub pli: bool,
    /// `ccm fir`: a keyframe may be demanded.
    pub fir: bool,
    /// `transport-cc`: arrival times are reported.
    pub transport_cc: bool,
    /// `goog-remb`: the receiver's estimate is reported.
    pub remb: bool,
}

/// A payload type of an offer whose codec we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedCodec {
    /// Its number, never one of 64 to 95, which RTCP has (RFC 5761 §4).
    pub payload_type: u8,
    /// Its meaning.
    pub codec: Codec,
    /// Feedback the client takes.
    pub feedback: Feedback,
    /// The payload type that retransmits it (RFC 4588).
    pub rtx: Option<u8>,
    /// The parameters to answer with, made from parsed numbers only.
    pub(super) answer_fmtp: String,
}

/// What `a=rtpmap` says (RFC 8866 §6.6).
pub(super) struct RtpMap<'a> {
    pub(super) name: &'a str,
    pub(super) clock: u32,
    pub(super) channels: u8,
}

impl<'a> RtpMap<'a> {
    /// Reads `<name>/<clock>[/<channels>]`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.trim().split('/');
        let (name, clock) = (parts.next()?, parts.next()?.parse().ok()?);
        let channels = parts.next().map_or(Some(1), |channels| channels.parse().ok())?;
        Some(Self { name, clock, channels })
    }

    pub(super) fn is(&self, name: &str, clock: u32, channels: u8) -> bool {
        self.name.eq_ignore_ascii_case(name) && self.clock == clock && self.channels == channels
    }
}

impl Codec {
    /// Reads a media codec and the parameters to answer; `None` if we do not forward it. RED and RTX, which refer to
    /// other payload types, are resolved by the m-line.
    pub(super) fn parse(kind: MediaKind, map: &RtpMap<'_>, fmtp: &str) -> Option<(Self, String)> {
        match kind {
            MediaKind::Audio if map.is("opus", 48000, 2) => Some((Self::Opus, opus_answer(fmtp))),
            MediaKind::Video if map.is("VP8", 90000, 1) => Some((Self::Vp8, String::new())),
            MediaKind::Video if map.is("H264", 90000, 1) => parse_h264(fmtp),
            MediaKind::Video if map.is("VP9", 90000, 1) => {
                let profile = number(fmtp, "profile-id", 0, 3)?;
                Some((Self::Vp9 { profile }, format!("profile-id={profile}")))
            }
            MediaKind::Video if map.is("AV1", 90000, 1) => {
                let profile = number(fmtp, "profile", 0, 2)?;
                let (level, tier) = (number(fmtp, "level-idx", 5, 31)?, number(fmtp, "tier", 0, 1)?);
                Some((Self::Av1 { profile }, format!("level-idx={level};profile={profile};tier={tier}")))
            }
            MediaKind::Audio | MediaKind::Video | MediaKind::Other => None,
        }
    }

    /// The `<name>/<clock>[/<channels>]` of `a=rtpmap`.
    #[must_use]
    pub fn rtpmap(self) -> &'static str {
        match self {
            Self::Opus => "opus/48000/2",
            Self::OpusRed => "red/48000/2",
            Self::Vp8 => "VP8/90000",
            Self::H264 { .. } => "H264/90000",
            Self::Vp9 { .. } => "VP9/90000",
            Self::Av1 { .. } => "AV1/90000",
        }
    }

    /// Whether a receiver of `receiver` can decode what is encoded as `self`: the same configuration, or H.264 in single
    /// NAL units, which mode 1 allows too (RFC 6184 §6.3).
    #[must_use]
    pub fn is_decodable_as(self, receiver: Self) -> bool {
        match self {
            Self::H264 { profile, packetization: Packetization::SingleNal } => {
                matches!(receiver, Self::H264 { profile: other, .. } if other == profile)
            }
            _ => self == receiver,
        }
    }

    /// Whether it is worth answering. Nothing that publishes here encodes 4:4:4 chroma, so these would only make every
    /// answer longer.
    pub(super) fn is_useful(self) -> bool {
        !matches!(
            self,
            Self::H264 { profile: H264Profile::High444Predictive, .. }
                | Self::Vp9 { profile: 1 | 3 }
                | Self::Av1 { profile: 1.. }
        )
    }

    /// RTP clock rate in Hz, the same for its RTX.
    #[must_use]
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Opus | Self::OpusRed => 48_000,
            Self::Vp8 | Self::H264 { .. } | Self::Vp9 { .. } | Self::Av1 { .. } => 90_000,
        }
    }
}

/// We ask for in-band FEC, since it repairs loss on the way to every subscriber at once; stereo if the client can.
fn opus_answer(fmtp: &str) -> String {
    let stereo = ["stereo", "sprop-stereo"].into_iter().any(|name| parameter(fmtp, name) == Some("1"));
    format!("minptime=10;useinbandfec=1{}", if stereo { ";stereo=1" } else { "" })
}

fn parse_h264(fmtp: &str) -> Option<(Codec, String)> {
    let packetization = match number(fmtp, "packetization-mode", 0, 1)? {
        0 => Packetization::SingleNal,
        _ => Packetization::NonInterleaved,
    };
    // A missing id means Baseline level 1 by RFC 6184 §8.1; clients that leave it out mean what libwebrtc takes it for.
    let id = parameter(fmtp, "profile-level-id").unwrap_or("42e01f");
    if id.len() != 6 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let id = u32::from_str_radix(id, 16).ok()?;
    let [_, idc, constraints, _] = id.to_be_bytes();
    let codec = Codec::H264 { profile: H264Profile::parse(idc, constraints)?, packetization };
    let mut answer = String::new();
    if parameter(fmtp, "level-asymmetry-allowed") == Some("1") {
        answer.push_str("level-asymmetry-allowed=1;");
    }
    let mode = u8::from(packetization == Packetization::NonInterleaved);
    write!(answer, "packetization-mode={mode};profile-level-id={id:06x}").expect("strings take everything");
    Some((codec, answer))
}

impl H264Profile {
    /// Table 5 of RFC 6184: `profile_idc` with the constraint flags that matter for it; the low four bits are zero.
    fn parse(idc: u8, constraints: u8) -> Option<Self> {
        match (idc, constraints) {
            (0x42, flags) if flags & 0x4f == 0x40 => Some(Self::ConstrainedBaseline),
            (0x4d, flags) if flags & 0x8f == 0x80 => Some(Self::ConstrainedBaseline),
            (0x58, flags) if flags & 0xcf == 0xc0 => Some(Self::ConstrainedBaseline),
            (0x42, flags) if flags & 0x4f == 0 => Some(Self::Baseline),
            (0x58, flags) if flags & 0xcf == 0x80 => Some(Self::Baseline),
            (0x4d, flags) if flags & 0xaf == 0 => Some(Self::Main),
            (0x64, 0x0c) => Some(Self::ConstrainedHigh),
            (0x64, 0) => Some(Self::High),
            (0xf4, 0) => Some(Self::High444Predictive),
            _ => None,
        }
    }
}

/// The value of one `name=value` of `a=fmtp`.
pub(super) fn parameter<'a>(fmtp: &'a str, name: &str) -> Option<&'a str> {
    fmtp.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// A numeric parameter, `default` if it is missing; `None` if it is not a number up to `max`.
fn number(fmtp: &str, name: &str, default: u8, max: u8) -> Option<u8> {
    match parameter(fmtp, name) {
        None => Some(default),
        Some(text) => text.parse().ok().filter(|number| *number <= max),
    }
}

impl Feedback {
    /// Adds what one `a=rtcp-fb` (after its payload type) says; other kinds are ignored.
    pub(super) fn add(&mut self, value: &str) {
        match value.trim() {
            "nack" => self.nack = true,
            "nack pli" => self.pli = true,
            "ccm fir" => self.fir = true,
            "transport-cc" => self.transport_cc = true,
            "goog-remb" => self.remb = true,
            _ => {}
        }
    }

    /// The values to write, in a fixed order.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.transport_cc, "transport-cc"),
            (self.remb, "goog-remb"),
            (self.fir, "ccm fir"),
            (self.nack, "nack"),
            (self.pli, "nack pli"),
        ];
        all.into_iter().filter(|(on, _)| *on).map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h264(profile_level_id: &str) -> Option<H264Profile> {
        match parse_h264(&format!("packetization-mode=1;profile-level-id={profile_level_id}"))?.0 {
            Codec::H264 { profile, .. } => Some(profile),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn trap_i2_h264_profiles_are_told_apart_and_levels_are_not() {
        use H264Profile::*;
        let cases = [
            ("42e01f", Some(ConstrainedBaseline)),
            ("42e034", Some(ConstrainedBaseline)),
            ("42C015", Some(ConstrainedBaseline)),
            ("4d801f", Some(ConstrainedBaseline)),
            ("58c01f", Some(ConstrainedBaseline)),
            ("42001f", Some(Baseline)),
            ("58801f", Some(Baseline)),
            ("4d001f", Some(Main)),
            ("4d401f", Some(Main)),
            ("64001f", Some(High)),
            ("640c1f", Some(ConstrainedHigh)),
            ("f4001f", Some(High444Predictive)),
            ("58001f", None),
            ("42e01", None),
            ("42e01g", None),
            ("+2e01f", None),
            ("\u{e9}e01f", None),
        ];
        for (id, profile) in cases {
            assert_eq!(h264(id), profile, "{id}");
        }
    }

    #[test]
    fn trap_i2_h264_packetization_modes_are_different_configurations() {
        let mode = |text| parse_h264(text).map(|(codec, _)| codec);
        assert_ne!(mode("packetization-mode=0;profile-level-id=42e01f"), mode("packetization-mode=1"));
        assert_eq!(mode("profile-level-id=42e01f"), mode("packetization-mode=0"));
        assert_eq!(mode("packetization-mode=2"), None);
    }

    #[test]
    fn answers_repeat_parsed_numbers() {
        let cases = [
            (MediaKind::Audio, "opus/48000/2", "minptime=10;useinbandfec=1", "minptime=10;useinbandfec=1"),
            (MediaKind::Audio, "OPUS/48000/2", "stereo=1", "minptime=10;useinbandfec=1;stereo=1"),
            (MediaKind::Video, "VP8/90000", "max-fs=12288;max-fr=60", ""),
            (MediaKind::Video, "VP9/90000", "profile-id=2", "profile-id=2"),
            (MediaKind::Video, "VP9/90000", "", "profile-id=0"),
            (MediaKind::Video, "AV1/90000", "profile=1; level-idx=8", "level-idx=8;profile=1;tier=0"),
            (
                MediaKind::Video,
                "H264/90000",
                "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42E01F",
                "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            ),
        ];
        for (kind, rtpmap, fmtp, answer) in cases {
            let map = RtpMap::parse(rtpmap).expect("well formed");
            let (codec, fmtp) = Codec::parse(kind, &map, fmtp).expect("supported");
            assert_eq!(fmtp, answer, "{rtpmap}");
            assert!(codec.rtpmap().eq_ignore_ascii_case(rtpmap));
        }
    }

    #[test]
    fn foreign_clocks_kinds_and_numbers_are_not_taken() {
        let cases = [
            (MediaKind::Audio, "opus/48000", ""),
            (MediaKind::Audio, "opus/16000/2", ""),
            (MediaKind::Video, "opus/48000/2", ""),
            (MediaKind::Audio, "VP8/90000", ""),
            (MediaKind::Video, "VP9/90000", "profile-id=4"),
            (MediaKind::Video, "VP9/90000", "profile-id=-1"),
            (MediaKind::Video, "AV1/90000", "tier=2"),
            (MediaKind::Video, "H265/90000", ""),
        ];
        for (kind, rtpmap, fmtp) in cases {
            let map = RtpMap::parse(rtpmap).expect("well formed");
            assert_eq!(Codec::parse(kind, &map, fmtp), None, "{rtpmap} {fmtp}");
        }
    }
}
