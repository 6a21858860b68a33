//! One m-line of an offer, with everything in it typed.

use super::codec::{RtpMap, parameter};
use super::line::{Attribute, Line, Section};
use super::{
    Codec, ENCODINGS_MAX, Feedback, MediaKind, OfferedCodec, OfferedExtension, PAYLOAD_TYPES_MAX, SOURCES_MAX, SdpError,
};
use crate::id::{Mid, Rid};

/// Longest media name, protocol or first format kept of an m-line, only to repeat it when the m-line is rejected.
const HEADING_WORD_MAX: usize = 64;
/// Longest CNAME and msid part (RFC 3550 §6.5 has one byte for the length of a CNAME).
const NAME_MAX: usize = 255;

/// Who sends on an m-line, as seen by the client (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "these are the names of the standard")]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// An m-line of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaOffer {
    /// Its name.
    pub mid: Mid,
    /// What it carries.
    pub kind: MediaKind,
    /// Who sends.
    pub direction: Direction,
    /// Port 0 without `a=bundle-only`: the client has stopped it (RFC 8843 §6).
    pub disabled: bool,
    /// Stands in the BUNDLE group.
    pub bundled: bool,
    /// Codecs we know, in the client's order of preference, one of each configuration.
    pub codecs: Vec<OfferedCodec>,
    /// Header extensions we know.
    pub extensions: Vec<OfferedExtension>,
    /// `a=extmap-allow-mixed` stands here.
    pub allow_mixed: bool,
    /// Encodings the client sends, in its order; empty for a single one without a rid.
    pub encodings: Vec<Rid>,
    /// SSRCs the client announces.
    pub sources: Vec<Source>,
    /// The CNAME of the first of them.
    pub cname: Option<String>,
    /// What the track is called.
    pub msid: Option<Msid>,
    /// `a=rtcp-rsize`: RTCP may be sent without a report in front (RFC 5506).
    pub rtcp_rsize: bool,
    /// To repeat in the answer when it is rejected.
    pub(super) heading: Heading,
}

/// An announced media SSRC with the one that repairs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Media.
    pub ssrc: u32,
    /// RTX, by `a=ssrc-group:FID` (RFC 5576 §4.2).
    pub rtx: Option<u32>,
}

/// `a=msid` (RFC 8830).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Msid {
    /// The stream, `-` for none.
    pub stream: String,
    /// The track; empty if left out.
    pub track: String,
}

/// The words of an m-line (RFC 8866 §5.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) media: String,
    pub(super) protocol: String,
    pub(super) first_format: String,
}

impl Direction {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Whether the side that says this sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the side that says this receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    fn of_section(section: &Section<'_>) -> Option<Self> {
        section.attributes.iter().find_map(|attribute| Self::parse(attribute.name))
    }
}

impl MediaOffer {
    pub(super) fn parse(
        line: &Line<'_>,
        media: &Section<'_>,
        session: &Section<'_>,
        bundle: &[&str],
    ) -> Result<Self, SdpError> {
        let (heading, port, formats) = parse_heading(line)?;
        let kind = match heading.media.as_str() {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            _ => MediaKind::Other,
        };
        let mid_attribute = media.first("mid").ok_or(SdpError::MidMissing { line: line.number })?;
        let bad_mid = SdpError::MidInvalid { line: mid_attribute.line };
        let mid = Mid::parse(mid_attribute.value.as_bytes()).ok_or(bad_mid)?;

        let mut offer = Self {
            mid,
            kind,
            direction: Direction::of_section(media).or(Direction::of_section(session)).unwrap_or(Direction::SendRecv),
            disabled: port == 0 && !media.has("bundle-only"),
            bundled: bundle.contains(&mid.as_str()),
            codecs: Vec::new(),
            extensions: Vec::new(),
            allow_mixed: media.has("extmap-allow-mixed"),
            encodings: Vec::new(),
            sources: Vec::new(),
            cname: None,
            msid: None,
            rtcp_rsize: media.has("rtcp-rsize"),
            heading,
        };
        if offer.is_live() {
            offer.parse_rtp(line, &formats, media, session)?;
        }
        Ok(offer)
    }

    /// Whether it is bundled, not stopped, and sound or pictures. The other m-lines may say what they like, since all
    /// that happens to them is to be rejected.
    pub(super) fn is_live(&self) -> bool {
        self.bundled && !self.disabled && self.kind != MediaKind::Other
    }

    /// Whether it will be accepted: live, with a codec that we know.
    #[must_use]
    pub fn is_acceptable(&self) -> bool {
        self.is_live() && !self.codecs.is_empty()
    }

    /// Whether the client wants to receive here, so that a [`super::SlotDescription`] is due.
    #[must_use]
    pub fn wants_slot(&self) -> bool {
        self.is_acceptable() && self.direction.receives()
    }

    fn parse_rtp(
        &mut self,
        line: &Line<'_>,
        formats: &[&str],
        media: &Section<'_>,
        session: &Section<'_>,
    ) -> Result<(), SdpError> {
        if self.heading.protocol != "UDP/TLS/RTP/SAVPF" {
            return Err(SdpError::Protocol { mid: self.mid });
        }
        if !media.has("rtcp-mux") {
            return Err(SdpError::RtcpMuxMissing { mid: self.mid });
        }
        self.codecs = parse_codecs(self.kind, line, formats, media)?;
        self.extensions = OfferedExtension::parse_all(session, media)?;
        self.encodings = parse_encodings(media)?;
        self.sources = parse_sources(media)?;
        self.cname = media.all("ssrc").find_map(|attribute| {
            let (_, cname) = attribute.value.split_once(" cname:")?;
            Some(cname.to_owned()).filter(|cname| cname.len() <= NAME_MAX)
        });
        self.msid = media.first("msid").and_then(|attribute| {
            let (stream, track) = attribute.value.split_once(' ').unwrap_or((attribute.value, ""));
            let short = stream.len() <= NAME_MAX && track.len() <= NAME_MAX;
            short.then(|| Msid { stream: stream.to_owned(), track: track.to_owned() })
        });
        Ok(())
    }
}

/// Reads `<media> <port>[/<count>] <protocol> <format>…`.
fn parse_heading<'a>(line: &Line<'a>) -> Result<(Heading, u16, Vec<&'a str>), SdpError> {
    let bad = SdpError::MediaLine { line: line.number };
    let mut words = line.value.split_ascii_whitespace();
    let mut word = || words.next().ok_or(bad);
    let (media, port, protocol) = (word()?, word()?, word()?);
    let port = port.split_once('/').map_or(port, |(port, _)| port).parse().map_err(|_| bad)?;
    let formats: Vec<&str> = words.take(PAYLOAD_TYPES_MAX + 1).collect();
    if formats.len() > PAYLOAD_TYPES_MAX {
        return Err(SdpError::TooMany { what: "payload types", max: PAYLOAD_TYPES_MAX, line: line.number });
    }
    let keep = |word: &str| {
        let fit = word.len() <= HEADING_WORD_MAX && word.bytes().all(|c| c.is_ascii_graphic());
        fit.then(|| word.to_owned()).ok_or(bad)
    };
    let first_format = keep(formats.first().ok_or(bad)?)?;
    Ok((Heading { media: keep(media)?, protocol: keep(protocol)?, first_format }, port, formats))
}

/// The attributes of one payload type, before codecs are told apart.
struct Format<'a> {
    payload_type: u8,
    map: RtpMap<'a>,
    fmtp: &'a str,
    feedback: Feedback,
}

fn parse_codecs(
    kind: MediaKind,
    line: &Line<'_>,
    formats: &[&str],
    media: &Section<'_>,
) -> Result<Vec<OfferedCodec>, SdpError> {
    let mut parsed: Vec<Format<'_>> = Vec::with_capacity(formats.len());
    for format in formats {
        let number = format.parse().ok().filter(|number| *number < 128_u8);
        let payload_type = number.ok_or(SdpError::MediaLine { line: line.number })?;
        // 64 to 95 would be taken for RTCP on a shared port (RFC 5761 §4).
        let usable = !(64..=95).contains(&payload_type) && parsed.iter().all(|f| f.payload_type != payload_type);
        if usable && let Some(format) = parse_format(payload_type, media)? {
            parsed.push(format);
        }
    }

    let mut codecs: Vec<OfferedCodec> = Vec::new();
    for Format { payload_type, map, fmtp, feedback } in &parsed {
        let known = Codec::parse(kind, map, fmtp).or_else(|| parse_red(map, fmtp, &parsed));
        let Some((codec, answer_fmtp)) = known.filter(|(codec, _)| codec.is_useful()) else { continue };
        if codecs.iter().all(|other| other.codec != codec) {
            let (payload_type, feedback) = (*payload_type, *feedback);
            codecs.push(OfferedCodec { payload_type, codec, feedback, rtx: None, answer_fmtp });
        }
    }
    for Format { payload_type, map, fmtp, .. } in &parsed {
        if map.name.eq_ignore_ascii_case("rtx") {
            let apt = parameter(fmtp, "apt").and_then(|apt| apt.parse().ok());
            let repaired = codecs.iter_mut().find(|codec| Some(codec.payload_type) == apt && codec.rtx.is_none());
            if let Some(codec) = repaired.filter(|codec| codec.codec.clock_rate() == map.clock) {
                codec.rtx = Some(*payload_type);
            }
        }
    }
    Ok(codecs)
}

/// Gathers what the section says about one payload type; `None` if it is a static one without `a=rtpmap`, of which
/// we use none.
fn parse_format<'a>(payload_type: u8, media: &Section<'a>) -> Result<Option<Format<'a>>, SdpError> {
    let about = |attribute: &Attribute<'a>| {
        let (number, rest) = attribute.value.split_once(' ')?;
        (number == "*" || number.parse() == Ok(payload_type)).then_some(rest)
    };
    let Some((attribute, map)) = media.all("rtpmap").find_map(|a| about(&a).map(|map| (a, map))) else {
        return Ok(None);
    };
    let expected = "<payload type> <name>/<clock>[/<channels>]";
    let bad = SdpError::Attribute { line: attribute.line, name: "rtpmap", expected };
    let map = RtpMap::parse(map).ok_or(bad)?;
    let fmtp = media.all("fmtp").find_map(|a| about(&a)).unwrap_or("");
    let mut feedback = Feedback::default();
    media.all("rtcp-fb").filter_map(|a| about(&a)).for_each(|value| feedback.add(value));
    Ok(Some(Format { payload_type, map, fmtp, feedback }))
}

/// RED counts only where every block is Opus (RFC 2198 §5: `a=fmtp:<red> <pt>/<pt>…`).
fn parse_red(map: &RtpMap<'_>, fmtp: &str, formats: &[Format<'_>]) -> Option<(Codec, String)> {
    if !map.is("red", 48000, 2) {
        return None;
    }
    let opus = formats.iter().find(|format| format.map.is("opus", 48000, 2))?.payload_type;
    let all_opus = fmtp.trim().split('/').all(|block| block.parse() == Ok(opus));
    all_opus.then(|| (Codec::OpusRed, format!("{opus}/{opus}")))
}

/// Encodings in the order of `a=simulcast:send` (RFC 8853 §5.1), of alternatives the first, paused ones included.
/// Without that line at most one `a=rid` can be meant.
fn parse_encodings(media: &Section<'_>) -> Result<Vec<Rid>, SdpError> {
    let bad = |attribute: &Attribute<'_>, name, expected| SdpError::Attribute { line: attribute.line, name, expected };
    let mut offered = Vec::new();
    for attribute in media.all("rid") {
        let error = bad(&attribute, "rid", "<1 to 16 characters> send|recv");
        let mut words = attribute.value.split_ascii_whitespace();
        let rid = words.next().and_then(|rid| Rid::parse(rid.as_bytes())).ok_or(error)?;
        if words.next().ok_or(error)? == "send" && !offered.contains(&rid) {
            if offered.len() == ENCODINGS_MAX {
                let what = "encodings on one m-line";
                return Err(SdpError::TooMany { what, max: ENCODINGS_MAX, line: attribute.line });
            }
            offered.push(rid);
        }
    }
    let Some(simulcast) = media.first("simulcast") else {
        offered.truncate(1);
        return Ok(offered);
    };
    let words: Vec<&str> = simulcast.value.split_ascii_whitespace().collect();
    let Some(list) = words.chunks(2).find_map(|pair| (pair[0] == "send").then(|| pair.get(1)).flatten()) else {
        return Ok(Vec::new());
    };
    let mut encodings = Vec::with_capacity(offered.len());
    for alternatives in list.split(';') {
        let first = alternatives.split(',').next().unwrap_or("").trim_start_matches('~');
        let rid = offered.iter().find(|rid| rid.as_str() == first);
        let error = bad(&simulcast, "simulcast", "send <rid>;<rid>… of rids that have an a=rid line");
        let rid = *rid.ok_or(error)?;
        if !encodings.contains(&rid) {
            encodings.push(rid);
        }
    }
    Ok(encodings)
}

/// Announced media SSRCs in order, each with its RTX. Firefox writes the groups after the lines they speak of.
fn parse_sources(media: &Section<'_>) -> Result<Vec<Source>, SdpError> {
    let mut pairs = Vec::new();
    for attribute in media.all("ssrc-group") {
        let Some(list) = attribute.value.strip_prefix("FID ") else { continue };
        let expected = "FID <ssrc> <ssrc>";
        let bad = SdpError::Attribute { line: attribute.line, name: "ssrc-group", expected };
        let mut numbers = list.split_ascii_whitespace().map(|number| number.parse::<u32>().map_err(|_| bad));
        let (media, rtx) = (numbers.next().ok_or(bad)??, numbers.next().ok_or(bad)??);
        pairs.push((media, rtx));
    }
    let mut sources: Vec<Source> = Vec::new();
    for attribute in media.all("ssrc") {
        let expected = "<number> <attribute>";
        let bad = SdpError::Attribute { line: attribute.line, name: "ssrc", expected };
        let number = attribute.value.split_once(' ').map_or(attribute.value, |(number, _)| number);
        let ssrc = number.parse().map_err(|_| bad)?;
        let repairs = pairs.iter().any(|(_, rtx)| *rtx == ssrc);
        if repairs || sources.iter().any(|source| source.ssrc == ssrc) {
            continue;
        }
        if sources.len() == SOURCES_MAX {
            let what = "announced SSRCs on one m-line";
            return Err(SdpError::TooMany { what, max: SOURCES_MAX, line: attribute.line });
        }
        let rtx = pairs.iter().find(|(media, _)| *media == ssrc).map(|(_, rtx)| *rtx);
        sources.push(Source { ssrc, rtx });
    }
    Ok(sources)
}
