//! The header extensions that a publisher's packet carries on to subscribers, in a form of our own.
//!
//! Ids differ from participant to participant (media trap I1), so the ring keeps meanings: per extension one byte of
//! [`Extension`], one byte of length, the value. Mid and rid, transport-wide numbers and send times belong to one hop and
//! are left out; the subscription writes its own.

use crate::rtp;
use crate::rtp::extension::BlockWriter;
use crate::sdp::{Extension, ExtensionMap};

/// Bytes of passed-on extensions per packet. A keyframe's dependency descriptor with a template structure takes up to
/// about 100; colour space with HDR metadata 28.
pub(super) const PASSED_BYTES_MAX: usize = 255;
/// Bytes of the block that is made of them: preamble, a head of two bytes for each as in our own form, the transport-wide
/// number with its head, and padding to whole words.
const BLOCK_BYTES_MAX: usize = (4 + PASSED_BYTES_MAX + 4).next_multiple_of(4);
/// Nearly all blocks are no longer than this, and copied as if they were exactly this long: in two moves.
const SHORT_BLOCK_BYTES: usize = 32;
const PASSED: [Extension; 7] = [
    Extension::AudioLevel,
    Extension::VideoOrientation,
    Extension::PlayoutDelay,
    Extension::ContentType,
    Extension::ColorSpace,
    Extension::DependencyDescriptor,
    Extension::AbsCaptureTime,
];

/// Collects what is passed on from a packet's extensions, whose ids mean what `negotiated` says. Returns its length;
/// what does not fit or comes again is left out.
pub(super) fn collect(
    extensions: rtp::Extensions<'_>,
    negotiated: &ExtensionMap,
    out: &mut [u8; PASSED_BYTES_MAX],
) -> usize {
    let (mut used, mut seen) = (0, 0_u32);
    for rtp::Extension { id, value } in extensions {
        let Some(kind) = negotiated.extension(id).filter(|kind| PASSED.contains(kind)) else { continue };
        let end = used + 2 + value.len();
        let bit = 1 << kind as u32;
        if end > out.len() || seen & bit != 0 {
            continue;
        }
        seen |= bit;
        out[used] = kind as u8;
        out[used + 1] = value.len() as u8;
        out[used + 2..end].copy_from_slice(value);
        used = end;
    }
    used
}

/// The extension block of one packet as it was last written. Subscribers who number their extensions alike, and nearly all
/// do, are given a copy of it, in which only the transport-wide number is their own.
pub(crate) struct ExtensionBlock {
    /// What it is written for; `None` while it is not written.
    ids: Option<ExtensionMap>,
    len: usize,
    /// Where the transport-wide number goes, for receivers that report by it.
    number_at: Option<usize>,
    bytes: [u8; BLOCK_BYTES_MAX],
}

impl ExtensionBlock {
    /// A block that is not written yet.
    pub(super) const fn new() -> Self {
        Self { ids: None, len: 0, number_at: None, bytes: [0; BLOCK_BYTES_MAX] }
    }

    /// One for each of `count` packets, none of them written.
    pub(super) fn fresh(blocks: &mut Vec<Self>, count: usize) -> &mut [Self] {
        if blocks.len() < count {
            blocks.resize_with(count, Self::new);
        }
        let blocks = &mut blocks[..count];
        blocks.iter_mut().for_each(Self::forget);
        blocks
    }

    /// What it was written of is no longer what it stands for.
    pub(super) fn forget(&mut self) {
        self.ids = None;
    }

    /// Makes it the block of the collected extensions under a subscriber's ids, without those it did not negotiate. `None`
    /// if that cannot be written.
    #[inline(always)]
    pub(super) fn set(&mut self, collected: &[u8], ids: &ExtensionMap) -> Option<()> {
        if self.ids.as_ref() == Some(ids) { Some(()) } else { self.write(collected, ids) }
    }

    /// Whether [`ExtensionBlock::copy`] wants a transport-wide number.
    #[inline(always)]
    pub(super) fn is_numbered(&self) -> bool {
        self.number_at.is_some()
    }

    /// Copies the block to the front of `out` and puts `number` into it. Returns its length, 0 if there is no block;
    /// `None` if `out` is too short.
    #[inline(always)]
    pub(super) fn copy(&self, out: &mut [u8], number: u16) -> Option<usize> {
        if self.len <= SHORT_BLOCK_BYTES {
            *out.first_chunk_mut::<SHORT_BLOCK_BYTES>()? = *self.bytes.first_chunk()?;
        } else {
            out.get_mut(..self.len)?.copy_from_slice(&self.bytes[..self.len]);
        }
        if let Some(at) = self.number_at {
            *out.get_mut(at..)?.first_chunk_mut()? = number.to_be_bytes();
        }
        Some(self.len)
    }

    #[cold]
    fn write(&mut self, collected: &[u8], ids: &ExtensionMap) -> Option<()> {
        self.forget();
        let mut block = BlockWriter::new(&mut self.bytes);
        for extension in translate(collected, ids) {
            block.push(extension)?;
        }
        self.number_at = None;
        if let Some(id) = ids.id(Extension::TransportCc) {
            block.push(rtp::Extension { id, value: &[0; 2] })?;
            self.number_at = Some(block.end() - 2);
        }
        self.len = block.finish()?;
        self.ids = Some(ids.clone());
        Some(())
    }
}

/// The collected extensions under a subscriber's ids, without those it did not negotiate.
fn translate<'a>(mut collected: &'a [u8], negotiated: &'a ExtensionMap) -> impl Iterator<Item = rtp::Extension<'a>> {
    let passed = std::iter::from_fn(move || {
        let [kind, len, rest @ ..] = collected else { return None };
        let (value, rest) = rest.split_at_checked(usize::from(*len))?;
        collected = rest;
        Some((*kind, value))
    });
    passed.filter_map(|(kind, value)| Some(rtp::Extension { id: negotiated.id_of_number(kind)?, value }))
}

/// The audio level among the collected extensions (RFC 6464).
pub(super) fn audio_level(mut collected: &[u8]) -> Option<u8> {
    while let [kind, len, rest @ ..] = collected {
        let (value, rest) = rest.split_at_checked(usize::from(*len))?;
        if let ([level], true) = (value, *kind == Extension::AudioLevel as u8) {
            return Some(*level);
        }
        collected = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::header::FIXED_HEADER_BYTES;
    use crate::rtp::{HeaderFields, PayloadType, RtpHeader, SequenceNumber, Ssrc, write_header};
    use proptest::prelude::*;

    const FIELDS: HeaderFields = HeaderFields {
        marker: false,
        payload_type: PayloadType::from_header_byte(96),
        sequence: SequenceNumber(1),
        timestamp: 2,
        ssrc: Ssrc(3),
    };

    fn map(ids: impl IntoIterator<Item = (Extension, u8)>) -> ExtensionMap {
        let mut map = ExtensionMap::default();
        assert!(ids.into_iter().all(|(extension, id)| map.insert(extension, id)));
        map
    }

    /// What is collected of a packet with these extensions.
    fn collected(extensions: &[rtp::Extension<'_>], ids: &ExtensionMap) -> Vec<u8> {
        let mut packet = [0; 1200];
        write_header(&mut packet, &FIELDS, extensions).expect("room for all");
        let header = RtpHeader::parse(&packet).expect("just written");
        let mut out = [0; PASSED_BYTES_MAX];
        let used = collect(header.extensions(&packet), ids, &mut out);
        out[..used].to_vec()
    }

    #[test]
    fn what_comes_again_is_passed_on_once() {
        let ids = map([(Extension::ColorSpace, 3), (Extension::AudioLevel, 4)]);
        let repeated = [rtp::Extension { id: 3, value: &[7; 15] }; 17];
        let passed = collected(&repeated, &ids);
        assert_eq!(passed.len(), 2 + 15);
        let mut block = ExtensionBlock::new();
        assert_eq!(block.set(&passed, &map([(Extension::ColorSpace, 200), (Extension::TransportCc, 201)])), Some(()));
    }

    #[test]
    fn a_block_is_written_anew_for_other_ids_and_for_another_packet() {
        let (chromium, firefox) = (map([(Extension::AudioLevel, 1)]), map([(Extension::AudioLevel, 9)]));
        let mut block = ExtensionBlock::new();
        let mut first_byte = |collected: &[u8], ids| {
            block.set(collected, ids).expect("it fits");
            let mut out = [0; 64];
            block.copy(&mut out, 0).expect("there is room");
            out[4]
        };
        let (level, nothing) = (collected(&[rtp::Extension { id: 1, value: &[5] }], &chromium), []);
        assert_eq!([first_byte(&level, &chromium), first_byte(&level, &firefox)], [0x10, 0x90]);
        assert_eq!(first_byte(&nothing, &firefox), 0x90, "it is taken for the same packet until it is told");
        block.forget();
        assert_eq!((block.set(&nothing, &firefox), block.copy(&mut [0; 64], 0)), (Some(()), Some(0)));
    }

    proptest! {
        #[test]
        fn trap_i1_a_block_holds_what_was_passed_on_under_the_ids_of_whoever_gets_it(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), PASSED.len()),
            theirs in prop::sample::subsequence((1u8..=255).collect::<Vec<_>>(), PASSED.len()),
            ours in prop::sample::subsequence((1u8..=255).collect::<Vec<_>>(), PASSED.len() + 1),
            taken in 0..=PASSED.len(),
            number: u16,
        ) {
            let negotiated = map(PASSED.into_iter().zip(theirs.iter().copied()));
            let sent: Vec<_> =
                theirs.iter().zip(&values).map(|(id, value)| rtp::Extension { id: *id, value }).collect();
            let passed = collected(&sent, &negotiated);
            let kinds = PASSED.into_iter().take(taken).chain([Extension::TransportCc]);
            let ids = map(kinds.zip(ours.iter().copied()));
            let mut block = ExtensionBlock::new();
            block.set(&passed, &ids).expect("what is collected fits");
            prop_assert!(block.is_numbered());
            let mut packet = [0; 600];
            let (fixed, rest) = packet.split_first_chunk_mut().expect("600 bytes");
            let len = block.copy(rest, number).expect("there is room");
            FIELDS.write(fixed, len != 0);
            let header = RtpHeader::parse(&packet).expect("a whole header");
            prop_assert_eq!(header.len(), FIXED_HEADER_BYTES + len);
            let read: Vec<_> = header.extensions(&packet).map(|it| (it.id, it.value.to_vec())).collect();
            let known = elements(&passed).into_iter();
            let known = known.filter_map(|(kind, value)| ids.id_of_number(kind).map(|id| (id, value)));
            let own = (ids.id(Extension::TransportCc).expect("set above"), number.to_be_bytes().to_vec());
            prop_assert_eq!(read, known.chain([own]).collect::<Vec<_>>());
        }
    }

    /// Numbers of [`Extension`] and values in the form of our own.
    fn elements(mut collected: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut elements = Vec::new();
        while let [kind, len, rest @ ..] = collected {
            let (value, rest) = rest.split_at(usize::from(*len));
            elements.push((*kind, value.to_vec()));
            collected = rest;
        }
        elements
    }
}
