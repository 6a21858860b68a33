//! Who wants to be woken when: a heap of deadlines by index, one for each.
//!
//! Setting, moving and taking back a deadline costs a few comparisons however many there are, so that a thousand idle
//! rooms cost nothing to the one that is busy. Knows nothing of what the indices stand for.

use std::time::Instant;

/// In [`Deadlines::places`]: has no deadline.
const NOWHERE: u32 = u32::MAX;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    /// A binary heap, the earliest first.
    heap: Vec<(Instant, u32)>,
    /// Where in the heap each index is.
    places: Vec<u32>,
}

impl Deadlines {
    /// The earliest deadline.
    #[inline]
    pub(crate) fn first(&self) -> Option<Instant> {
        self.heap.first().map(|(at, _)| *at)
    }

    /// Whose deadline is the earliest, if it has come. It stays until it is set anew or removed.
    #[inline]
    pub(crate) fn due(&self, now: Instant) -> Option<usize> {
        self.heap.first().filter(|(at, _)| *at <= now).map(|(_, index)| *index as usize)
    }

    /// The deadline of `index`.
    #[inline]
    pub(crate) fn of(&self, index: usize) -> Option<Instant> {
        let place = *self.places.get(index)?;
        self.heap.get(place as usize).map(|(at, _)| *at)
    }

    /// Sets the deadline of `index`, whether it has one or not.
    #[inline]
    pub(crate) fn set(&mut self, index: usize, at: Instant) {
        if self.of(index) != Some(at) {
            self.change(index, at);
        }
    }

    /// Sets the deadline of `index` unless it has an earlier one.
    #[inline]
    pub(crate) fn set_earlier(&mut self, index: usize, at: Instant) {
        if self.of(index).is_none_or(|known| at < known) {
            self.change(index, at);
        }
    }

    /// Takes the deadline of `index` back.
    pub(crate) fn remove(&mut self, index: usize) {
        let Some(place) = self.places.get(index).copied().filter(|place| *place != NOWHERE) else { return };
        self.places[index] = NOWHERE;
        self.heap.swap_remove(place as usize);
        if (place as usize) < self.heap.len() {
            self.settle(place as usize);
        }
    }

    fn change(&mut self, index: usize, at: Instant) {
        if index >= self.places.len() {
            self.places.resize(index + 1, NOWHERE);
        }
        let mut place = self.places[index] as usize;
        if self.places[index] == NOWHERE {
            place = self.heap.len();
            self.heap.push((at, u32::try_from(index).expect("indices are of participants and rooms")));
        }
        self.heap[place].0 = at;
        self.settle(place);
    }

    /// Moves the entry at `place` to where it belongs.
    fn settle(&mut self, mut place: usize) {
        while place > 0 && self.heap[place] < self.heap[(place - 1) / 2] {
            self.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
        while let Some(child) = self.earlier_child(place).filter(|child| self.heap[*child] < self.heap[place]) {
            self.swap(place, child);
            place = child;
        }
        self.note(place);
    }

    fn earlier_child(&self, place: usize) -> Option<usize> {
        let (left, right) = (2 * place + 1, 2 * place + 2);
        if right < self.heap.len() && self.heap[right] < self.heap[left] {
            return Some(right);
        }
        (left < self.heap.len()).then_some(left)
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.note(one);
        self.note(other);
    }

    fn note(&mut self, place: usize) {
        self.places[self.heap[place].1 as usize] = place as u32;
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn an_earlier_deadline_stands() {
        let (mut deadlines, start) = (Deadlines::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        deadlines.set_earlier(3, at(5));
        deadlines.set_earlier(3, at(7));
        assert_eq!((deadlines.first(), deadlines.of(3), deadlines.of(2)), (Some(at(5)), Some(at(5)), None));
        deadlines.set(3, at(9));
        assert_eq!((deadlines.due(at(8)), deadlines.due(at(9))), (None, Some(3)));
        deadlines.remove(3);
        deadlines.remove(100);
        assert_eq!(deadlines.first(), None);
    }

    proptest! {
        #[test]
        fn agrees_with_a_sorted_list(acts in prop::collection::vec((0_usize..20, prop::option::of(0_u64..50)), 1..300)) {
            let start = Instant::now();
            let (mut deadlines, mut model) = (Deadlines::default(), BTreeMap::new());
            for (index, seconds) in acts {
                match seconds.map(|seconds| start + Duration::from_secs(seconds)) {
                    Some(at) => {
                        deadlines.set(index, at);
                        model.insert(index, at);
                    }
                    None => {
                        deadlines.remove(index);
                        model.remove(&index);
                    }
                }
                prop_assert_eq!(deadlines.first(), model.values().min().copied());
                prop_assert_eq!(deadlines.of(index), model.get(&index).copied());
            }
            let end = start + Duration::from_secs(50);
            while let Some(index) = deadlines.due(end) {
                let earliest = model.values().min().copied();
                prop_assert_eq!(model.remove(&index), earliest);
                deadlines.remove(index);
            }
            prop_assert!(model.is_empty());
        }
    }
}
