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
    ring: [Option<Stretch<T>>; STRETCHES_MAX],
    newest: usize,
}

#[derive(Clone, Copy, Debug)]
struct Stretch<T> {
    encoding: u8,
    first: u64,
    value: T,
}

impl<T: Copy> Stretches<T> {
    pub(crate) fn new() -> Self {
        Self { ring: [None; STRETCHES_MAX], newest: 0 }
    }

    /// `value` holds from the source number `first` of `encoding` on.
    pub(crate) fn begin(&mut self, encoding: u8, first: u64, value: T) {
        self.newest = (self.newest + 1) % STRETCHES_MAX;
        self.ring[self.newest] = Some(Stretch { encoding, first, value });
    }

    /// The value in force at a source number; `None` before the first stretch that is remembered.
    pub(crate) fn at(&mut self, encoding: u8, number: u64) -> Option<&mut T> {
        let newest = self.newest;
        let index = (0..STRETCHES_MAX).map(|age| (newest + STRETCHES_MAX - age) % STRETCHES_MAX).find(|&index| {
            self.ring[index].as_ref().is_some_and(|stretch| stretch.encoding == encoding && stretch.first <= number)
        })?;
        self.ring[index].as_mut().map(|stretch| &mut stretch.value)
    }

    /// The value in force now.
    pub(crate) fn newest(&self) -> Option<&T> {
        self.ring[self.newest].as_ref().map(|stretch| &stretch.value)
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.ring = [None; STRETCHES_MAX];
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
