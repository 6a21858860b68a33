//! Which packets of one stream have been seen (RFC 3711 §3.3.2).

/// How far behind the newest packet one may still be taken. At 1,000 packets a second, which a stream reaches in the burst
/// of a large keyframe, that is half a second of reordering. SEC-03 asks for at least 256; each stream pays 80 bytes.
pub const REPLAY_WINDOW: u64 = 512;

const WORD_BITS: u64 = 64;
/// One word more than the window, so that a word can be cleared when the newest packet enters it while the whole
/// window behind stays known.
const WORDS: u64 = REPLAY_WINDOW / WORD_BITS + 1;

/// The seen packets among the last [`REPLAY_WINDOW`] of one stream: a ring of bits, one per index.
#[derive(Clone, Debug)]
pub(super) struct ReplayWindow {
    newest: u64,
    seen: [u64; WORDS as usize],
}

impl ReplayWindow {
    /// A window in which only `first` has been seen.
    pub(super) fn starting_at(first: u64) -> Self {
        let mut window = Self { newest: first, seen: [0; WORDS as usize] };
        window.mark(first);
        window
    }

    /// The highest index seen.
    #[inline]
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether `index` lies behind the window, so that nobody knows if it was seen.
    #[inline]
    pub(super) fn is_too_old(&self, index: u64) -> bool {
        index + REPLAY_WINDOW <= self.newest
    }

    /// Whether `index` may still come: in the window or ahead of it, and not seen.
    #[inline]
    pub(super) fn may_accept(&self, index: u64) -> bool {
        if index > self.newest {
            return true;
        }
        let (word, bit) = Self::place(index);
        !self.is_too_old(index) && self.seen[word] & bit == 0
    }

    /// Remembers `index`, which [`Self::may_accept`] has allowed and whose tag has verified since.
    #[inline]
    pub(super) fn accept(&mut self, index: u64) {
        debug_assert!(self.may_accept(index));
        if index > self.newest {
            let entered = (index / WORD_BITS - self.newest / WORD_BITS).min(WORDS);
            for step in 0..entered {
                let word = (index / WORD_BITS - step) % WORDS;
                self.seen[word as usize] = 0;
            }
            self.newest = index;
        }
        self.mark(index);
    }

    fn mark(&mut self, index: u64) {
        let (word, bit) = Self::place(index);
        self.seen[word] |= bit;
    }

    fn place(index: u64) -> (usize, u64) {
        ((index / WORD_BITS % WORDS) as usize, 1 << (index % WORD_BITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_window_ends_where_it_says() {
        let mut window = ReplayWindow::starting_at(1_000);
        window.accept(1_000 + REPLAY_WINDOW);
        assert!(!window.may_accept(1_000), "exactly one window behind");
        assert!(window.may_accept(1_001), "the oldest place in the window");
        assert!(!window.may_accept(1_000 + REPLAY_WINDOW));
    }

    proptest! {
        #[test]
        fn sec_03_agrees_with_a_set_of_seen_indices(
            start in 0_u64..2_000,
            jumps in prop::collection::vec(prop_oneof![-700_i64..700, -3..3_i64, 0..100_000_i64], 1..400),
        ) {
            let mut window = ReplayWindow::starting_at(start);
            let mut seen = BTreeSet::from([start]);
            for jump in jumps {
                let newest = *seen.last().expect("never empty");
                let index = newest.saturating_add_signed(jump);
                let expected = !seen.contains(&index) && index + REPLAY_WINDOW > newest;
                prop_assert_eq!(window.may_accept(index), expected, "index {} behind {}", index, newest);
                if expected {
                    window.accept(index);
                    seen.insert(index);
                }
                prop_assert_eq!(window.newest(), *seen.last().expect("never empty"));
            }
        }
    }
}
