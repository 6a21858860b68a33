//! Which datagrams go out together: neighbours of one destination and one size, as UDP segmentation offload wants them.
//!
//! The kernel's work per message is what limits an SFU; a run of four divides it by more than three. Pure: decides on
//! indices, [`super::udp`] sends.

use crate::sends::Send;

/// Segments of one message: `UDP_MAX_SEGMENTS` of kernels before 6.9, later ones take 128.
pub const SEGMENTS_MAX: usize = 64;
/// Bytes of one message: an IP packet's 65,535 less IPv6 and UDP headers and some room for options.
pub const RUN_BYTES_MAX: usize = 65_000;

/// Neighbouring datagrams `first..first + count` that can leave as one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Index of the first datagram.
    pub first: usize,
    /// How many, at least 1.
    pub count: usize,
}

/// Cuts `datagrams` into runs of at most `segments_max`: one destination, equal sizes, only the last one shorter.
/// With a `segments_max` of 1 each datagram stands alone.
pub fn runs(datagrams: &[Send], segments_max: usize) -> impl Iterator<Item = Run> {
    assert!((1..=SEGMENTS_MAX).contains(&segments_max));
    let mut next = 0;
    std::iter::from_fn(move || {
        let count = run_length(datagrams.get(next..)?, segments_max)?;
        let run = Run { first: next, count };
        next += count;
        Some(run)
    })
}

/// Length of the run that `datagrams` begin with; `None` if there are none.
fn run_length(datagrams: &[Send], segments_max: usize) -> Option<usize> {
    let (first, rest) = datagrams.split_first()?;
    let (mut count, mut bytes) = (1, first.len());
    for next in rest.iter().take(segments_max - 1) {
        bytes += next.len();
        if !next.has_path_of(first) || next.len() > first.len() || bytes > RUN_BYTES_MAX {
            break;
        }
        count += 1;
        if next.len() < first.len() {
            break;
        }
    }
    Some(count)
}

/// How many messages carried 1, 2, … datagrams: the first figure to look at when throughput disappoints.
#[derive(Clone, Debug)]
pub struct RunHistogram {
    counts: [u64; SEGMENTS_MAX],
}

impl Default for RunHistogram {
    fn default() -> Self {
        Self { counts: [0; SEGMENTS_MAX] }
    }
}

impl RunHistogram {
    pub(super) fn add(&mut self, run: &Run) {
        self.counts[run.count - 1] += 1;
    }

    /// Messages of 1, 2, 3–4, 5–8, 9–16 and more datagrams, as the metrics show them.
    #[must_use]
    pub fn by_size(&self) -> [u64; 6] {
        let mut sizes = [0; 6];
        for (count, messages) in self.iter() {
            sizes[(count.next_power_of_two().trailing_zeros() as usize).min(5)] += messages;
        }
        sizes
    }

    /// Pairs of datagrams per message and messages sent so, without the zeros.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> {
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(index, count)| (index + 1, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sends::{NetPath, Sends};

    /// Each datagram is (port of its destination, length); the result is the lengths of the runs.
    fn check(segments_max: usize, datagrams: &[(u16, usize)], expected: &[usize]) {
        let mut sends = Sends::with_capacity(256 * 1024, 256);
        for (port, len) in datagrams {
            assert!(sends.push(NetPath::udp(([192, 0, 2, 1], *port).into()), &vec![0; *len]));
        }
        let found: Vec<Run> = runs(sends.datagrams(), segments_max).collect();
        assert_eq!(found.iter().map(|run| run.count).collect::<Vec<_>>(), expected, "{datagrams:?}");
        let mut next = 0;
        for run in found {
            assert_eq!(run.first, next, "runs follow each other");
            next += run.count;
        }
        assert_eq!(next, datagrams.len());
    }

    #[test]
    fn runs_have_one_destination_and_one_size() {
        check(64, &[], &[]);
        check(64, &[(1, 100)], &[1]);
        check(64, &[(1, 100), (1, 100), (1, 100)], &[3]);
        check(64, &[(1, 100), (2, 100), (1, 100)], &[1, 1, 1]);
        check(64, &[(1, 100), (1, 100), (2, 100), (2, 100)], &[2, 2]);
        check(64, &[(1, 100), (1, 100), (1, 60), (1, 60)], &[3, 1]);
        check(64, &[(1, 100), (1, 60), (1, 100)], &[2, 1]);
        check(64, &[(1, 60), (1, 100), (1, 100)], &[1, 2]);
        check(64, &[(1, 100), (1, 99), (1, 98)], &[2, 1]);
        check(1, &[(1, 100), (1, 100)], &[1, 1]);
    }

    #[test]
    fn sizes_are_grouped_by_powers_of_two() {
        let mut histogram = RunHistogram::default();
        for count in [1, 2, 3, 4, 5, 8, 9, 16, 17, 64] {
            histogram.add(&Run { first: 0, count });
        }
        assert_eq!(histogram.by_size(), [1, 1, 2, 2, 2, 2]);
    }

    #[test]
    fn runs_end_at_the_limits_of_the_kernel() {
        check(64, &[(1, 100); 130], &[64, 64, 2]);
        check(4, &[(1, 100); 9], &[4, 4, 1]);
        // 65,000 / 1,472 = 44.2
        check(64, &[(1, 1472); 50], &[44, 6]);
    }
}
