//! The VP8 payload descriptor (RFC 7741 §4.2): read, and given the numbers of a subscriber.

/// Longest descriptor: flags, extension flags, 15-bit picture id, TL0PICIDX, and the layer byte.
pub const VP8_DESCRIPTOR_MAX: usize = 6;

const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];

/// A picture id with the width it was sent in, which rewriting must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureId {
    /// 7 bits.
    Short(u8),
    /// 15 bits.
    Long(u16),
}

/// The layer byte of the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp8Layer {
    /// Temporal layer, 0 to 3.
    pub temporal: u8,
    /// The frame depends on the base layer only: a receiver may start this temporal layer here (the Y bit).
    pub sync: bool,
    /// KEYIDX, modulo 32.
    pub key_index: u8,
}

/// The descriptor at the start of a VP8 payload, and the few facts of the payload header behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp8Descriptor {
    /// Length in bytes: where the VP8 payload proper starts.
    pub len: usize,
    /// First packet of a frame.
    pub frame_start: bool,
    /// First packet of a keyframe.
    pub keyframe: bool,
    /// No other frame depends on this one (the N bit).
    pub discardable: bool,
    /// The picture id, if the descriptor has one.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX: a counter of base-layer frames, if the descriptor has one.
    pub tl0_picture_index: Option<u8>,
    /// The layer byte, if there is one: without TID the temporal layer reads 0, without KEYIDX the index does.
    pub layer: Option<Vp8Layer>,
}

impl PictureId {
    /// The number.
    #[must_use]
    pub fn value(self) -> u16 {
        match self {
            Self::Short(id) => u16::from(id),
            Self::Long(id) => id,
        }
    }
}

impl Vp8Descriptor {
    /// Reads the descriptor of an RTP payload; `None` if it is cut short or no VP8 payload follows it.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut at = 1;
        let mut take = || {
            let byte = payload.get(at).copied();
            at += 1;
            byte
        };
        let extended = if first & 0x80 != 0 { take()? } else { 0 };
        let (has_picture_id, has_tl0, has_tid, has_key_index) =
            (extended & 0x80 != 0, extended & 0x40 != 0, extended & 0x20 != 0, extended & 0x10 != 0);

        let mut picture_id = None;
        if has_picture_id {
            let high = take()?;
            picture_id = Some(match high & 0x80 {
                0 => PictureId::Short(high),
                _ => PictureId::Long(u16::from_be_bytes([high & 0x7f, take()?])),
            });
        }
        let tl0_picture_index = if has_tl0 { Some(take()?) } else { None };
        let layer = if has_tid || has_key_index {
            let byte = take()?;
            Some(Vp8Layer {
                temporal: if has_tid { byte >> 6 } else { 0 },
                sync: has_tid && byte & 0x20 != 0,
                key_index: if has_key_index { byte & 0x1f } else { 0 },
            })
        } else {
            None
        };

        // The S bit with partition 0 is the start of a frame; the first bit of the frame is clear for a keyframe
        // (§4.3).
        let frame_start = first & 0x10 != 0 && first & 0x0f == 0;
        let keyframe = frame_start && payload.get(at)? & 1 == 0;
        payload.get(at)?;
        Some(Self {
            len: at,
            frame_start,
            keyframe,
            discardable: first & 0x20 != 0,
            picture_id,
            tl0_picture_index,
            layer,
        })
    }

    /// Width and height in pixels, if `payload` (which this was read from) starts a keyframe (RFC 6386 §9.1).
    #[must_use]
    pub fn keyframe_size(&self, payload: &[u8]) -> Option<(u16, u16)> {
        if !self.keyframe {
            return None;
        }
        let head = payload.get(self.len..)?.first_chunk::<10>()?;
        let [_, _, _, code @ .., w0, w1, h0, h1] = *head;
        // The top two bits of each are a scaling hint for the display.
        (code == START_CODE).then(|| (u16::from_le_bytes([w0, w1]) & 0x3fff, u16::from_le_bytes([h0, h1]) & 0x3fff))
    }
}

/// The numbers that a descriptor may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameNumbers {
    /// Written with as many bits as were there.
    pub picture_id: u16,
    /// TL0PICIDX.
    pub tl0: u8,
    /// KEYIDX, written modulo 32.
    pub key_index: u8,
}

/// The first bytes of a payload, most significant first, with other numbers in place of those that its descriptor has.
///
/// A word in and a word out, because the payload is encrypted right after: many small writes to what is then read in one
/// go would make the reader wait until each has reached the cache.
#[inline]
#[must_use]
pub fn renumber(head: u64, numbers: FrameNumbers) -> u64 {
    let byte = |at: u32| (head >> (56 - 8 * at)) as u8;
    let put = |word: u64, end: u32, mask: u64, value: u64| {
        let shift = 64 - 8 * end;
        word & !(mask << shift) | (value & mask) << shift
    };
    let extended = if byte(0) & 0x80 != 0 { byte(1) } else { 0 };
    let (mut word, mut at) = (head, 2);
    if extended & 0x80 != 0 {
        let (len, mask) = if byte(at) & 0x80 == 0 { (1, 0x7f) } else { (2, 0x7fff) };
        at += len;
        word = put(word, at, mask, numbers.picture_id.into());
    }
    if extended & 0x40 != 0 {
        at += 1;
        word = put(word, at, 0xff, numbers.tl0.into());
    }
    if extended & 0x10 != 0 {
        word = put(word, at + 1, 0x1f, numbers.key_index.into());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes_of_rfc_7741() {
        struct Shape(usize, Option<PictureId>, Option<u8>, Option<Vp8Layer>);
        let check = |payload: &[u8], Shape(len, picture_id, tl0, layer): Shape| {
            let parsed = Vp8Descriptor::parse(payload).expect("well formed");
            assert_eq!(
                (parsed.len, parsed.picture_id, parsed.tl0_picture_index, parsed.layer),
                (len, picture_id, tl0, layer),
                "payload {payload:02x?}"
            );
        };
        let layer = |temporal, sync, key_index| Some(Vp8Layer { temporal, sync, key_index });
        check(&[0x10, 0], Shape(1, None, None, None));
        check(&[0x90, 0x80, 0x11, 0], Shape(3, Some(PictureId::Short(0x11)), None, None));
        check(&[0x90, 0x80, 0x92, 0x34, 0], Shape(4, Some(PictureId::Long(0x1234)), None, None));
        check(&[0x90, 0x40, 7, 0], Shape(3, None, Some(7), None));
        check(&[0x90, 0x20, 0xa0, 0], Shape(3, None, None, layer(2, true, 0)));
        check(&[0x90, 0x10, 0xff, 0], Shape(3, None, None, layer(0, false, 31)));
        check(&[0x90, 0xf0, 0x81, 2, 9, 0x45, 0], Shape(6, Some(PictureId::Long(0x102)), Some(9), layer(1, false, 5)));
    }

    #[test]
    fn frame_start_and_keyframe() {
        let check = |payload: &[u8], start: bool, keyframe: bool| {
            let parsed = Vp8Descriptor::parse(payload).expect("well formed");
            assert_eq!((parsed.frame_start, parsed.keyframe), (start, keyframe), "payload {payload:02x?}");
        };
        check(&[0x10, 0x00], true, true);
        check(&[0x10, 0x01], true, false);
        check(&[0x00, 0x00], false, false); // a continuation, whatever its bits
        check(&[0x11, 0x00], false, false); // a later partition
    }

    #[test]
    fn keyframe_size_is_read_behind_the_start_code() {
        let payload = [0x10, 0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41];
        let parsed = Vp8Descriptor::parse(&payload).expect("well formed");
        assert_eq!(parsed.keyframe_size(&payload), Some((640, 360)));
        assert_eq!(parsed.keyframe_size(&payload[..10]), None);
    }

    #[test]
    fn every_truncation_is_refused() {
        let payload = [0x90, 0xf0, 0x81, 2, 9, 0x45, 0];
        for cut in 0..payload.len() {
            assert_eq!(Vp8Descriptor::parse(&payload[..cut]), None, "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn trap_c1_renumbering_changes_the_numbers_and_nothing_else(
            payload in prop::array::uniform8(any::<u8>()), picture_id: u16, tl0: u8, key_index: u8,
        ) {
            let Some(before) = Vp8Descriptor::parse(&payload) else { return Ok(()) };
            prop_assert!(before.len <= VP8_DESCRIPTOR_MAX);
            let numbers = FrameNumbers { picture_id, tl0, key_index };
            let renumbered = renumber(u64::from_be_bytes(payload), numbers).to_be_bytes();
            let has_key_index = payload[0] & 0x80 != 0 && payload[1] & 0x10 != 0;
            let expected = Vp8Descriptor {
                picture_id: before.picture_id.map(|id| match id {
                    PictureId::Short(_) => PictureId::Short((picture_id & 0x7f) as u8),
                    PictureId::Long(_) => PictureId::Long(picture_id & 0x7fff),
                }),
                tl0_picture_index: before.tl0_picture_index.map(|_| tl0),
                layer: before.layer.map(|layer| Vp8Layer {
                    key_index: if has_key_index { key_index & 31 } else { layer.key_index },
                    ..layer
                }),
                ..before
            };
            prop_assert_eq!(Vp8Descriptor::parse(&renumbered), Some(expected));
            prop_assert_eq!(&renumbered[before.len..], &payload[before.len..]);
        }
    }
}
