//! RTP header extensions in their one-byte and two-byte forms (RFC 8285 §4.2, §4.3).

const ONE_BYTE_PROFILE: u16 = 0xbede;
/// The low four bits are the "appbits", free to the application and ignored here.
const TWO_BYTE_PROFILE: u16 = 0x1000;
const TWO_BYTE_PROFILE_MASK: u16 = 0xfff0;

/// Profile and length in words.
const PREAMBLE_BYTES: usize = 4;
/// Highest id the one-byte form can carry; 15 stops parsing there.
const ONE_BYTE_ID_MAX: u8 = 14;
/// Longest value the one-byte form can carry; its shortest is one byte.
const ONE_BYTE_LEN_MAX: usize = 16;
/// Longest block that goes over to the two-byte form: of an element for each id. No id comes twice.
const SHORT_ELEMENTS_MAX: usize = ONE_BYTE_ID_MAX as usize * (1 + ONE_BYTE_LEN_MAX);

/// One extension: its id as negotiated with the participant, and its bytes.
///
/// Ids 1 to 255 and values up to 255 bytes can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The negotiated id.
    pub id: u8,
    /// The bytes.
    pub value: &'a [u8],
}

/// Iterates over the extensions of one packet. A malformed element ends it: what came before still counts.
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'a> {
    form: Form,
    block: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

impl<'a> Extensions<'a> {
    pub(super) fn empty() -> Self {
        Self { form: Form::OneByte, block: &[] }
    }

    /// `profile` is the first half-word of the extension block; a profile we do not know has no elements for us.
    #[inline]
    pub(super) fn new(profile: u16, block: &'a [u8]) -> Self {
        if profile == ONE_BYTE_PROFILE {
            Self { form: Form::OneByte, block }
        } else if profile & TWO_BYTE_PROFILE_MASK == TWO_BYTE_PROFILE {
            Self { form: Form::TwoByte, block }
        } else {
            Self::empty()
        }
    }

    /// The value of the first extension with this id.
    #[inline]
    #[must_use]
    pub fn find(mut self, id: u8) -> Option<&'a [u8]> {
        self.find_map(|extension| (extension.id == id).then_some(extension.value))
    }

    /// Takes the id and length of the next element off the block; `None` at the end or at an element that ends parsing.
    #[inline]
    fn take_element_head(&mut self) -> Option<(u8, usize)> {
        match self.form {
            Form::OneByte => {
                let (&head, rest) = self.block.split_first()?;
                let id = head >> 4;
                // Id 0 here has a length, since padding was skipped: it ends the block like id 15 does (RFC 8285 §4.2).
                if id == 0 || id > ONE_BYTE_ID_MAX {
                    return None;
                }
                self.block = rest;
                Some((id, usize::from(head & 0x0f) + 1))
            }
            Form::TwoByte => {
                let (&[id, len], rest) = self.block.split_first_chunk::<2>()?;
                self.block = rest;
                Some((id, usize::from(len)))
            }
        }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    #[inline]
    fn next(&mut self) -> Option<Extension<'a>> {
        while let [0, rest @ ..] = self.block {
            self.block = rest;
        }
        let element = self.take_element_head().and_then(|(id, len)| {
            let (value, rest) = self.block.split_at_checked(len)?;
            self.block = rest;
            Some(Extension { id, value })
        });
        if element.is_none() {
            self.block = &[];
        }
        element
    }
}

/// An extension block with its four bytes of preamble, written element by element: in the one-byte form as long as every
/// element fits it (RFC 8285 §4.2), else in the two-byte form.
pub(crate) struct BlockWriter<'a> {
    out: &'a mut [u8],
    at: usize,
    form: Form,
}

impl<'a> BlockWriter<'a> {
    /// A block at the front of `out`.
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: PREAMBLE_BYTES, form: Form::OneByte }
    }

    /// Adds an element; `None` if it has no room or cannot be written.
    pub(crate) fn push(&mut self, extension: Extension<'_>) -> Option<()> {
        let Extension { id, value } = extension;
        let is_short = (1..=ONE_BYTE_ID_MAX).contains(&id) && (1..=ONE_BYTE_LEN_MAX).contains(&value.len());
        if self.form == Form::TwoByte || !is_short {
            return self.push_long(extension);
        }
        let end = self.at + 1 + value.len();
        let [head, place @ ..] = self.out.get_mut(self.at..end)? else { return None };
        *head = id << 4 | (value.len() - 1) as u8;
        place.copy_from_slice(value);
        self.at = end;
        Some(())
    }

    fn push_long(&mut self, extension: Extension<'_>) -> Option<()> {
        if self.form == Form::OneByte {
            self.lengthen()?;
        }
        let Extension { id, value } = extension;
        let len = u8::try_from(value.len()).ok().filter(|_| id != 0)?;
        let end = self.at + 2 + value.len();
        let (head, rest) = self.out.get_mut(self.at..end)?.split_first_chunk_mut()?;
        *head = [id, len];
        rest.copy_from_slice(value);
        self.at = end;
        Some(())
    }

    /// Goes over to the two-byte form with what is written already.
    fn lengthen(&mut self) -> Option<()> {
        let mut written = [0; SHORT_ELEMENTS_MAX];
        let written = written.get_mut(..self.at - PREAMBLE_BYTES)?;
        written.copy_from_slice(&self.out[PREAMBLE_BYTES..self.at]);
        (self.at, self.form) = (PREAMBLE_BYTES, Form::TwoByte);
        Extensions { form: Form::OneByte, block: written }.try_for_each(|extension| self.push_long(extension))
    }

    /// Where the next byte goes: the element added last ends here.
    pub(crate) fn end(&self) -> usize {
        self.at
    }

    /// Pads the block to whole words and writes the preamble. Gives its length: 0 without elements, for which there is no
    /// block; `None` when it does not fit.
    pub(crate) fn finish(self) -> Option<usize> {
        let Self { out, at, form } = self;
        if at == PREAMBLE_BYTES {
            return Some(0);
        }
        let end = at.next_multiple_of(4);
        out.get_mut(at..end)?.fill(0);
        let profile = if form == Form::OneByte { ONE_BYTE_PROFILE } else { TWO_BYTE_PROFILE };
        let words = u16::try_from(end / 4 - 1).ok()?;
        out[..2].copy_from_slice(&profile.to_be_bytes());
        out[2..4].copy_from_slice(&words.to_be_bytes());
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn write_block(out: &mut [u8], extensions: &[Extension<'_>]) -> Option<usize> {
        let mut block = BlockWriter::new(out);
        extensions.iter().try_for_each(|extension| block.push(*extension))?;
        block.finish()
    }

    fn elements(profile: u16, block: &[u8]) -> Vec<(u8, Vec<u8>)> {
        Extensions::new(profile, block).map(|extension| (extension.id, extension.value.to_vec())).collect()
    }

    #[test]
    fn one_byte_elements() {
        let check = |block: &[u8], expected: &[(u8, &[u8])]| {
            let expected: Vec<_> = expected.iter().map(|(id, value)| (*id, value.to_vec())).collect();
            assert_eq!(elements(ONE_BYTE_PROFILE, block), expected, "block {block:02x?}");
        };
        check(&[], &[]);
        check(&[0x10, 0xaa], &[(1, &[0xaa])]);
        check(&[0, 0, 0x21, 1, 2, 0, 0x30, 3, 0], &[(2, &[1, 2]), (3, &[3])]);
        check(&[0x10, 1, 0xf0, 2, 0x20, 3], &[(1, &[1])]); // id 15 stops
        check(&[0x10, 1, 0x01, 2, 3, 0x20, 3], &[(1, &[1])]); // id 0 with a length stops
        check(&[0x10, 1, 0x23, 1, 2, 3], &[(1, &[1])]); // the value runs past the block
    }

    #[test]
    fn two_byte_elements() {
        let check = |block: &[u8], expected: &[(u8, &[u8])]| {
            let expected: Vec<_> = expected.iter().map(|(id, value)| (*id, value.to_vec())).collect();
            assert_eq!(elements(0x1003, block), expected, "block {block:02x?}");
        };
        check(&[1, 0, 15, 1, 7, 0, 200, 2, 8, 9], &[(1, &[]), (15, &[7]), (200, &[8, 9])]);
        check(&[1, 1, 5, 2], &[(1, &[5])]); // no length byte
        check(&[1, 1, 5, 2, 3, 0, 0], &[(1, &[5])]); // the value runs past the block
    }

    #[test]
    fn unknown_profiles_have_no_elements() {
        assert_eq!(elements(0xabcd, &[0x10, 1, 0, 0]), []);
    }

    #[test]
    fn what_cannot_be_encoded_is_refused() {
        let check = |id: u8, len: usize, fits: bool| {
            let value = vec![1; len];
            let mut out = [0; 512];
            let written = write_block(&mut out, &[Extension { id, value: &value }]);
            assert_eq!(written.is_some(), fits, "id {id}, {len} bytes");
        };
        check(0, 1, false);
        check(14, 16, true);
        check(255, 255, true);
        check(1, 256, false);
    }

    #[test]
    fn the_short_form_is_used_when_it_can_be() {
        let check = |id: u8, len: usize, profile: u16| {
            let value = vec![1; len];
            let mut out = [0; 64];
            write_block(&mut out, &[Extension { id, value: &value }]).expect("fits");
            assert_eq!(u16::from_be_bytes([out[0], out[1]]), profile, "id {id}, {len} bytes");
        };
        check(1, 1, ONE_BYTE_PROFILE);
        check(14, 16, ONE_BYTE_PROFILE);
        check(15, 1, TWO_BYTE_PROFILE);
        check(1, 17, TWO_BYTE_PROFILE);
        check(1, 0, TWO_BYTE_PROFILE);
    }

    proptest! {
        #[test]
        fn trap_i1_any_set_of_ids_survives_a_round_trip(
            set in prop::collection::vec((1_u8..=255, prop::collection::vec(any::<u8>(), 0..40)), 1..8),
        ) {
            let extensions: Vec<_> = set.iter().map(|(id, value)| Extension { id: *id, value }).collect();
            let mut out = [0; 512];
            let len = write_block(&mut out, &extensions).expect("fits");
            prop_assert_eq!(len % 4, 0);
            let profile = u16::from_be_bytes([out[0], out[1]]);
            prop_assert_eq!(elements(profile, &out[4..len]), set);
        }

        #[test]
        fn any_bytes_are_walked_to_an_end(profile: u16, block in prop::collection::vec(any::<u8>(), 0..64)) {
            let total: usize = Extensions::new(profile, &block).map(|extension| extension.value.len() + 1).sum();
            prop_assert!(total <= block.len());
        }
    }
}
