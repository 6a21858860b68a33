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
    /// The one in force now. Apart from the others: nearly every packet is for it.
    newest: Option<Stretch<T>>,
    /// Those before it, oldest first. Memory is taken with the first: most slots never switch.
    older: Vec<Stretch<T>>,
}

#[derive(Clone, Copy, Debug)]
struct Stretch<T> {
    encoding: u8,
    first: u64,
    value: T,
}

impl<T: Copy> Stretches<T> {
    pub(crate) fn new() -> Self {
        Self { newest: None, older: Vec::new() }
    }

    /// `value` holds from the source number `first` of `encoding` on.
    pub(crate) fn begin(&mut self, encoding: u8, first: u64, value: T) {
        let Some(before) = self.newest.replace(Stretch { encoding, first, value }) else { return };
        if self.older.capacity() == 0 {
            self.older.reserve_exact(STRETCHES_MAX);
        }
        if self.older.len() == STRETCHES_MAX - 1 {
            self.older.remove(0);
        }
        self.older.push(before);
    }

    /// The value in force at a source number; `None` before the first stretch that is remembered.
    #[inline]
    pub(crate) fn at(&mut self, encoding: u8, number: u64) -> Option<&mut T> {
        let holds = |stretch: &Stretch<T>| stretch.encoding == encoding && stretch.first <= number;
        match &mut self.newest {
            Some(newest) if holds(newest) => Some(&mut newest.value),
            _ => self.older.iter_mut().rev().find(|stretch| holds(stretch)).map(|stretch| &mut stretch.value),
        }
    }

    /// As [`Self::at`], for reading.
    pub(crate) fn recall(&self, encoding: u8, number: u64) -> Option<&T> {
        let mut newest_first = self.newest.iter().chain(self.older.iter().rev());
        newest_first.find(|stretch| stretch.encoding == encoding && stretch.first <= number).map(|found| &found.value)
    }

    /// The value in force now.
    pub(crate) fn newest(&self) -> Option<&T> {
        self.newest.as_ref().map(|stretch| &stretch.value)
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.newest = None;
        self.older.clear();
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
