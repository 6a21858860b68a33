//! The numbers of RTP, a type each, with the arithmetic that their wrap-around needs.

use std::fmt;

/// A synchronisation source (RFC 3550 §3): names one RTP stream within one transport.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ssrc(pub u32);

/// A payload type, 0 to 127: names one codec configuration within one m-line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadType(u8);

/// A 16-bit sequence number as it is on the wire.
///
/// It has no order by itself (hence no `Ord`): which of two is newer depends on the distance between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SequenceNumber(pub u16);

/// A sequence number with its roll-over counter above the low 16 bits (RFC 3711 §3.3.1 calls it the packet index).
///
/// 48 bits are used, so it never wraps in practice and can be compared and subtracted plainly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtendedSequence(pub u64);

/// Turns sequence numbers of one stream into extended ones, by distance to the newest seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwrapper {
    newest: Option<ExtendedSequence>,
}

impl fmt::Debug for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ssrc({:08x})", self.0)
    }
}

impl PayloadType {
    /// `None` above 127, which the wire cannot carry.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        if value < 128 { Some(Self(value)) } else { None }
    }

    /// The low seven bits of the second header byte.
    #[must_use]
    pub(crate) const fn from_header_byte(byte: u8) -> Self {
        Self(byte & 0x7f)
    }

    /// The number, 0 to 127.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }
}

impl SequenceNumber {
    /// How far `self` is ahead of `other`, −32,768 to 32,767: positive when newer.
    #[must_use]
    pub const fn distance_from(self, other: Self) -> i16 {
        self.0.wrapping_sub(other.0) as i16
    }

    /// Whether `self` was sent after `other`, given that they are less than 32,768 packets apart.
    #[must_use]
    pub const fn is_newer_than(self, other: Self) -> bool {
        self.distance_from(other) > 0
    }

    /// The number `count` packets later.
    #[must_use]
    pub const fn plus(self, count: u16) -> Self {
        Self(self.0.wrapping_add(count))
    }
}

impl ExtendedSequence {
    /// Joins a roll-over counter and a sequence number.
    #[must_use]
    pub const fn new(roc: u32, number: SequenceNumber) -> Self {
        Self((roc as u64) << 16 | number.0 as u64)
    }

    /// The roll-over counter, the part that SRTP authenticates but does not send.
    #[must_use]
    pub const fn roc(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// The part on the wire.
    #[must_use]
    pub const fn number(self) -> SequenceNumber {
        SequenceNumber(self.0 as u16)
    }

    /// The extended sequence nearest to `self` whose wire part is `number`; `None` if that would be before zero.
    ///
    /// Among two equally near (32,768 away) it takes the older one, as RFC 3711 §3.3.1 does.
    #[must_use]
    pub const fn nearest(self, number: SequenceNumber) -> Option<Self> {
        let distance = number.distance_from(self.number());
        match self.0.checked_add_signed(distance as i64) {
            Some(extended) => Some(Self(extended)),
            None => None,
        }
    }
}

impl Unwrapper {
    /// The extended sequence of `number`, which is remembered if it is the newest.
    ///
    /// The first number lands in the second round (roll-over counter 1), so that packets reordered across a wrap right
    /// at the start still have a place below it. Callers must not read a meaning into the absolute value.
    pub fn unwrap(&mut self, number: SequenceNumber) -> ExtendedSequence {
        let first = ExtendedSequence::new(1, number);
        let newest = *self.newest.get_or_insert(first);
        let extended = newest.nearest(number).unwrap_or(ExtendedSequence::new(0, number));
        self.newest = Some(newest.max(extended));
        extended
    }

    /// The newest extended sequence so far.
    #[must_use]
    pub fn newest(&self) -> Option<ExtendedSequence> {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn distance_is_signed_and_wraps() {
        let check = |a: u16, b: u16, distance: i16| {
            assert_eq!(SequenceNumber(a).distance_from(SequenceNumber(b)), distance, "{a} from {b}");
        };
        check(5, 3, 2);
        check(3, 5, -2);
        check(0, 65_535, 1);
        check(65_535, 0, -1);
        check(32_767, 0, 32_767);
        check(32_768, 0, -32_768);
    }

    #[test]
    fn nearest_refuses_to_go_below_zero() {
        assert_eq!(ExtendedSequence(3).nearest(SequenceNumber(65_535)), None);
        assert_eq!(ExtendedSequence(65_539).nearest(SequenceNumber(65_535)), Some(ExtendedSequence(65_535)));
        assert_eq!(ExtendedSequence(65_535).nearest(SequenceNumber(2)), Some(ExtendedSequence(65_538)));
    }

    proptest! {
        #[test]
        fn unwrapping_keeps_distances(start: u16, steps in prop::collection::vec(-300_i64..3_000, 1..300)) {
            let mut unwrapper = Unwrapper::default();
            let first = unwrapper.unwrap(SequenceNumber(start));
            let mut newest = u64::from(start) + 65_536;
            for step in steps {
                let sent = newest.saturating_add_signed(step);
                let seen = unwrapper.unwrap(SequenceNumber(sent as u16));
                prop_assert_eq!(seen.0.wrapping_sub(first.0), sent.wrapping_sub(u64::from(start) + 65_536));
                newest = newest.max(sent);
            }
        }
    }
}
