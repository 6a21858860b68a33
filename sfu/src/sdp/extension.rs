//! RTP header extensions (RFC 8285): which we know, and the table from id to meaning that each m-line gets.

use super::line::{Attribute, Section};
use super::{Direction, SdpError};

/// A header extension that we know by its URI. The rest are ignored, and stripped from packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Extension {
    /// Which m-line a packet belongs to (RFC 9143).
    Mid,
    /// Which encoding (RFC 8852).
    Rid,
    /// Which encoding an RTX packet repairs (RFC 8852).
    RepairedRid,
    /// When the packet left its sender, 24 bits of 6.18 fixed point seconds; for REMB.
    AbsSendTime,
    /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportCc,
    /// Loudness and voice activity (RFC 6464).
    AudioLevel,
    /// Least and greatest playout delay.
    PlayoutDelay,
    /// Rotation of a camera picture (3GPP TS 26.114 §7.4.5).
    VideoOrientation,
    /// Camera or screen.
    ContentType,
    /// Colour space and HDR metadata.
    ColorSpace,
    /// Frame dependencies of AV1, and of VP8 and VP9 where offered.
    DependencyDescriptor,
    /// Which simulcast encodings a publisher has turned on, and their target rates.
    VideoLayersAllocation,
    /// Offset of sending from sampling (RFC 5450).
    TransmissionOffset,
    /// Timestamps of the publisher's pipeline.
    VideoTiming,
    /// Wall-clock time of capture.
    AbsCaptureTime,
}

use Extension::{
    AbsCaptureTime, AbsSendTime, AudioLevel, ColorSpace, ContentType, DependencyDescriptor, Mid, PlayoutDelay,
    RepairedRid, Rid, TransmissionOffset, TransportCc, VideoLayersAllocation, VideoOrientation, VideoTiming,
};

/// How many extensions [`Extension`] has.
pub const EXTENSION_COUNT: usize = 15;

/// In the order of [`Extension`].
const URIS: [(Extension, &str); EXTENSION_COUNT] = [
    (Mid, "urn:ietf:params:rtp-hdrext:sdes:mid"),
    (Rid, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
    (RepairedRid, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
    (AbsSendTime, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
    (TransportCc, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
    (AudioLevel, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
    (PlayoutDelay, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
    (VideoOrientation, "urn:3gpp:video-orientation"),
    (ContentType, "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"),
    (ColorSpace, "http://www.webrtc.org/experiments/rtp-hdrext/color-space"),
    (DependencyDescriptor, "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"),
    (VideoLayersAllocation, "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00"),
    (TransmissionOffset, "urn:ietf:params:rtp-hdrext:toffset"),
    (VideoTiming, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"),
    (AbsCaptureTime, "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"),
];

impl Extension {
    fn from_uri(uri: &str) -> Option<Self> {
        URIS.iter().find(|(_, known)| *known == uri).map(|(extension, _)| *extension)
    }

    /// Its URI.
    #[must_use]
    pub fn uri(self) -> &'static str {
        URIS[self as usize].1
    }

    /// Whether we read it on what a client sends.
    ///
    /// Not the transmission offset, which transport-cc makes superfluous, nor video timing, whose network timestamps
    /// every hop would have to rewrite.
    pub(super) fn is_received(self) -> bool {
        !matches!(self, TransmissionOffset | VideoTiming)
    }

    /// Whether we write it on a slot.
    ///
    /// Beyond what we do not read: rid and repaired rid are the publisher's business (trap I1), and the layers
    /// allocation describes encodings among which we have chosen already.
    pub(super) fn is_sent(self) -> bool {
        self.is_received() && !matches!(self, Rid | RepairedRid | VideoLayersAllocation)
    }
}

/// One `a=extmap` of an offer whose URI we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedExtension {
    /// 1 to 255, never 15.
    pub id: u8,
    /// What it means.
    pub extension: Extension,
    /// As seen by the client: `/sendonly` can only come from it.
    pub direction: Direction,
}

impl OfferedExtension {
    /// Reads the extensions of an m-line, those of the session first (RFC 8285 §6). Unknown URIs are left out, and so
    /// are ids beyond 255, which ask us to choose one, and 0 and 15, which mean something else on the wire (§4.2).
    /// At most [`EXTENSION_COUNT`] remain, since a URI counts once.
    pub(super) fn parse_all(session: &Section<'_>, media: &Section<'_>) -> Result<Vec<Self>, SdpError> {
        let mut offered: Vec<Self> = Vec::new();
        for attribute in session.all("extmap").chain(media.all("extmap")) {
            let Some(extension) = Self::parse(&attribute)? else { continue };
            let known = |other: &Self| other.id == extension.id || other.extension == extension.extension;
            if offered.iter().any(known) {
                continue;
            }
            offered.push(extension);
        }
        Ok(offered)
    }

    fn parse(attribute: &Attribute<'_>) -> Result<Option<Self>, SdpError> {
        let bad = SdpError::Attribute { line: attribute.line, name: "extmap", expected: "<id>[/<direction>] <uri>" };
        let mut words = attribute.value.split_ascii_whitespace();
        let (id, direction) = words.next().map(|id| id.split_once('/').unwrap_or((id, "sendrecv"))).ok_or(bad)?;
        let id: u32 = id.parse().map_err(|_| bad)?;
        let direction = Direction::parse(direction).ok_or(bad)?;
        let extension = Extension::from_uri(words.next().ok_or(bad)?);
        let id = u8::try_from(id).ok().filter(|id| !matches!(id, 0 | 15));
        Ok(id.zip(extension).map(|(id, extension)| Self { id, extension, direction }))
    }
}

/// The extensions negotiated for one direction of one m-line, both ways round. Every slot has one, so it is small: an
/// id is found among fifteen, which takes no longer than a look into a table that is rarely in the cache.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtensionMap {
    /// 0 means not negotiated, an id that no extension may have. One more than there are, so that two maps are compared
    /// as two words: they are, for every packet that is forwarded.
    ids: [u8; EXTENSION_COUNT + 1],
}

impl ExtensionMap {
    /// The id to write for the extension of this number in [`Extension`], if it was negotiated.
    #[inline]
    #[must_use]
    pub fn id_of_number(&self, extension: u8) -> Option<u8> {
        self.ids.get(usize::from(extension)).copied().filter(|id| *id != 0)
    }

    /// The id to write for an extension, if it was negotiated.
    #[inline]
    #[must_use]
    pub fn id(&self, extension: Extension) -> Option<u8> {
        Some(self.ids[extension as usize]).filter(|id| *id != 0)
    }

    /// What an id read from a packet means, if it was negotiated.
    #[must_use]
    pub fn extension(&self, id: u8) -> Option<Extension> {
        let index = self.ids.iter().position(|known| *known == id && id != 0)?;
        Some(URIS[index].0)
    }

    /// All pairs, by extension.
    pub fn iter(&self) -> impl Iterator<Item = (Extension, u8)> {
        URIS.iter().filter_map(|(extension, _)| self.id(*extension).map(|id| (*extension, id)))
    }

    /// Whether some id is beyond what the one-byte form can write (RFC 8285 §4.2).
    #[must_use]
    pub fn needs_two_bytes(&self) -> bool {
        self.ids.iter().any(|id| *id > 14)
    }

    /// Adds a pair. Returns false, and changes nothing, if the id has another meaning already.
    pub(crate) fn insert(&mut self, extension: Extension, id: u8) -> bool {
        debug_assert!(id != 0, "0 is padding (RFC 8285 §4.2)");
        if self.extension(id).is_some_and(|other| other != extension) {
            return false;
        }
        self.ids[extension as usize] = id;
        true
    }
}

impl std::fmt::Debug for ExtensionMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Option<OfferedExtension>, SdpError> {
        OfferedExtension::parse(&Attribute { line: 3, name: "extmap", value })
    }

    #[test]
    fn uris_stand_in_the_order_of_the_enum() {
        for (index, (extension, uri)) in URIS.iter().enumerate() {
            assert_eq!(*extension as usize, index);
            assert_eq!(Extension::from_uri(uri), Some(*extension));
            assert_eq!(extension.uri(), *uri);
        }
    }

    #[test]
    fn trap_i1_ids_0_15_and_beyond_255_are_left_out() {
        for id in ["0", "15", "256", "4096"] {
            assert_eq!(parse(&format!("{id} {}", Mid.uri())), Ok(None), "{id}");
        }
        for id in ["-1", "x", "", "1/upwards", "99999999999"] {
            assert!(parse(&format!("{id} {}", Mid.uri())).is_err(), "{id}");
        }
        assert!(parse("1").is_err());
        let offered = parse(&format!("16/sendonly {} attributes follow", Mid.uri()));
        let expected = OfferedExtension { id: 16, extension: Mid, direction: Direction::SendOnly };
        assert_eq!(offered, Ok(Some(expected)));
    }

    #[test]
    fn map_works_both_ways_and_refuses_a_second_meaning() {
        let mut map = ExtensionMap::default();
        assert!(map.insert(Mid, 4) && map.insert(Rid, 255));
        assert!(!map.insert(AudioLevel, 4));
        assert_eq!((map.id(Mid), map.id(AudioLevel)), (Some(4), None));
        assert_eq!((map.extension(255), map.extension(0), map.extension(15)), (Some(Rid), None, None));
        assert!(map.needs_two_bytes());
        assert_eq!(map.iter().collect::<Vec<_>>(), [(Mid, 4), (Rid, 255)]);
    }
}
