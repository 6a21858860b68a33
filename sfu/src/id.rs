//! Typed names of things. A newtype each, so that one cannot be passed for another.

use std::fmt;

/// A room, as signaling names it. Unique in the node for as long as the room lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub u64);

/// A participant, as signaling names it. Unique in the node for as long as the participant is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticipantId(pub u64);

/// The place of a worker in the list of workers, counted from 0; its UDP port is the base port plus this.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub u8);

/// Longest media id we accept (RFC 9143 leaves it open; browsers use one to three digits).
pub const MID_MAX: usize = 16;
/// Longest restriction id we accept (RFC 8851 §10 leaves it open; libwebrtc caps it at 16).
pub const RID_MAX: usize = 16;

/// An `a=mid` value (RFC 9143): names one m-line of one participant. Copied freely; at most [`MID_MAX`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mid(Token<MID_MAX>);

/// An `a=rid` value (RFC 8851): names one encoding of a publication. At most [`RID_MAX`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rid(Token<RID_MAX>);

/// A publication: the track that `participant` sends on its m-line `mid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicationId {
    /// Who sends it.
    pub participant: ParticipantId,
    /// On which m-line.
    pub mid: Mid,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Token<const MAX: usize> {
    len: u8,
    bytes: [u8; MAX],
}

impl<const MAX: usize> Token<MAX> {
    /// Accepts 1 to `MAX` visible ASCII characters, the alphabet of both SDP tokens and SDES items we take.
    fn parse(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > MAX || !text.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut bytes = [0; MAX];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self { len: text.len() as u8, bytes })
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("only ASCII is accepted by parse")
    }
}

macro_rules! token_type {
    ($name:ident) => {
        impl $name {
            /// Takes the bytes of an SDP attribute or a header extension; `None` if empty, too long or not visible ASCII.
            #[must_use]
            pub fn parse(text: &[u8]) -> Option<Self> {
                Token::parse(text).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The bytes, for header extensions.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_str().as_bytes()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

token_type!(Mid);
token_type!(Rid);

macro_rules! debug_number {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:x})", stringify!($name), self.0)
            }
        }
    };
}

debug_number!(RoomId);
debug_number!(ParticipantId);
debug_number!(WorkerId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mid_takes_visible_ascii_up_to_its_limit() {
        assert_eq!(Mid::parse(b"0").map(|mid| mid.to_string()), Some("0".to_owned()));
        assert!(Mid::parse(b"").is_none());
        assert!(Mid::parse(&[b'a'; MID_MAX]).is_some());
        assert!(Mid::parse(&[b'a'; MID_MAX + 1]).is_none());
        assert!(Mid::parse(b"a b").is_none());
        assert!(Mid::parse("\u{e9}".as_bytes()).is_none());
    }
}
