//! Reads bit fields, most significant bit first, never past the end.

/// A cursor over the bits of a byte string.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits (at most 32) as a number; `None` if there are not that many.
    pub(super) fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    /// The next bit as a flag.
    pub(super) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number below `count`, coded in as few bits as its range allows (AV1 RTP specification §A.8.2, `ns(n)`).
    pub(super) fn non_symmetric(&mut self, count: u32) -> Option<u32> {
        let width = u32::BITS - count.leading_zeros();
        let short_codes = (1 << width) - count;
        let value = self.bits(width.checked_sub(1)?)?;
        if value < short_codes {
            return Some(value);
        }
        Some((value << 1) + self.bits(1)? - short_codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cross_bytes_and_stop_at_the_end() {
        let mut reader = BitReader::new(&[0b1010_0110, 0b1100_0001]);
        assert_eq!(reader.bit(), Some(true));
        assert_eq!(reader.bits(9), Some(0b0_1001_1011));
        assert_eq!(reader.bits(6), Some(1));
        assert_eq!(reader.bit(), None);
        assert_eq!(reader.bits(0), Some(0));
    }

    #[test]
    fn non_symmetric_codes_of_five_values() {
        // With five values, 0 to 2 take two bits and 3 and 4 take three.
        let check = |bits: u8, value: u32| {
            assert_eq!(BitReader::new(&[bits]).non_symmetric(5), Some(value), "{bits:08b}");
        };
        check(0b0000_0000, 0);
        check(0b0100_0000, 1);
        check(0b1000_0000, 2);
        check(0b1100_0000, 3);
        check(0b1110_0000, 4);
        assert_eq!(BitReader::new(&[0xff]).non_symmetric(1), Some(0));
    }
}
