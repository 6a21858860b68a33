//! Values that hold from one source number on, until the next switch.
//!
//! A late packet must be rewritten with what was in force when its number was reserved, not with what is in force
//! now (media trap A3); this remembers the last few.

/// Stretches remembered. Late packets come from the current stretch or the one before; the rest is slack for
/// switches in quick succession.
const STRETCHES_MAX: usize = 8;

/// The last few values of `T`, by encoding and first source number.
#[derive(Clone, Debug)]
pub(crate) struct Stretches<T> {
    /// At most [`STRETCHES_MAX`], oldest first. Memory is taken with the first: most slots never show anything.
    known: Vec<Stretch<T>>,
}

#[derive(Clone, Copy, Debug)]
struct Stretch<T> {
    encoding: u8,
    first: u64,
    value: T,
}

impl<T: Copy> Stretches<T> {
    pub(crate) fn new() -> Self {
        Self { known: Vec::new() }
    }

    /// `value` holds from the source number `first` of `encoding` on.
    pub(crate) fn begin(&mut self, encoding: u8, first: u64, value: T) {
        if self.known.capacity() == 0 {
            self.known.reserve_exact(STRETCHES_MAX);
        }
        if self.known.len() == STRETCHES_MAX {
            self.known.remove(0);
        }
        self.known.push(Stretch { encoding, first, value });
    }

    /// The value in force at a source number; `None` before the first stretch that is remembered.
    #[inline]
    pub(crate) fn at(&mut self, encoding: u8, number: u64) -> Option<&mut T> {
        let mut known = self.known.iter_mut().rev();
        known.find(|known| known.encoding == encoding && known.first <= number).map(|known| &mut known.value)
    }

    /// The value in force now.
    pub(crate) fn newest(&self) -> Option<&T> {
        self.known.last().map(|stretch| &stretch.value)
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_numbers_find_the_value_of_their_own_stretch() {
        let mut stretches = Stretches::new();
        assert_eq!(stretches.at(0, 5), None);
        stretches.begin(0, 100, 'a');
        stretches.begin(1, 500, 'b');
        stretches.begin(0, 140, 'c');
        assert_eq!(stretches.at(0, 99), None);
        assert_eq!(stretches.at(0, 139).copied(), Some('a'));
        assert_eq!(stretches.at(1, 500).copied(), Some('b'));
        assert_eq!(stretches.at(0, 140).copied(), Some('c'));
        assert_eq!(stretches.newest(), Some(&'c'));
    }

    #[test]
    fn forgets_the_oldest_stretch_first() {
        let mut stretches = Stretches::new();
        for first in 0..=STRETCHES_MAX as u64 {
            stretches.begin(0, first * 10, first);
        }
        assert_eq!(stretches.at(0, 9), None);
        assert_eq!(stretches.at(0, 10).copied(), Some(1));
    }
}
