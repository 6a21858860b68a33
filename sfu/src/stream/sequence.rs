//! Sequence numbers: extending the wire's 16 bits, and numbering what a subscription sends.
//!
//! [`SequenceMap`] gives every forwarded packet a number of one contiguous output sequence. A packet that was lost
//! before us leaves a gap, so that the receiver asks for it; a packet that we dropped on purpose leaves none. Late
//! packets get the number that was reserved for them, or none at all (media trap A3). The same map numbers VP8
//! pictures ([`super::picture`]). It does not know whether a number was really sent: [`super::history`] does.

use std::collections::VecDeque;

/// Segments kept per map, the open one among them. A new one begins at every run of intentional drops: 15 a second when
/// a subscriber gets half of a 30 frames/s video, so that packets up to four seconds late still translate.
pub const SEGMENTS_MAX: usize = 64;

/// Longest run of missing source numbers that is passed on as loss. Longer runs cannot be repaired by anyone (rings
/// hold 1,024 packets) and would only stretch the receiver's buffers, so they are closed up.
pub const GAP_MAX: u64 = 1024;

/// Where extended numbers begin: far from 0, so that what is older than the first has a number, and a multiple of
/// every range that is extended, so that the low bits are those of the wire.
const FIRST_CYCLE: u64 = 1 << 32;

/// Extends numbers of a few bits by choosing the value nearest to the highest one seen, so jumps of less than half
/// the range are right in both directions (media traps A2, D4).
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwrapper {
    highest: Option<u64>,
}

impl Unwrapper {
    /// Extends a 16-bit RTP sequence number. The first one is put at 2³² + `sequence`, so that packets
    /// older than it have numbers too.
    pub fn extend(&mut self, sequence: u16) -> u64 {
        self.extend_bits(u32::from(sequence), 16)
    }

    /// Extends a number of `bits` bits. The width may change between calls (VP8 picture ids, RFC 7741 §4.2).
    pub fn extend_bits(&mut self, value: u32, bits: u32) -> u64 {
        assert!((1..=32).contains(&bits) && u64::from(value) < 1 << bits);
        let cycle = 1u64 << bits;
        let Some(highest) = self.highest else {
            let first = FIRST_CYCLE + u64::from(value);
            self.highest = Some(first);
            return first;
        };
        let ahead = u64::from(value).wrapping_sub(highest) & (cycle - 1);
        let extended =
            if ahead < cycle / 2 || highest + ahead < cycle { highest + ahead } else { highest + ahead - cycle };
        self.highest = Some(highest.max(extended));
        extended
    }
}

/// Maps source numbers of several encodings to one contiguous output sequence.
///
/// Output numbers are extended too: the low 16 bits are the RTP sequence number, the rest is the SRTP roll-over
/// counter, which starts at 0 for every subscription however long the publisher has been sending (media trap A1).
#[derive(Clone, Debug)]
pub struct SequenceMap {
    /// Grows with the packets that arrive, and may be empty. Apart from the others: nearly every packet is for it.
    open: Option<Segment>,
    /// Those before it, oldest first.
    closed: VecDeque<Segment>,
    /// First output number that is neither used nor reserved.
    next_out: u64,
    /// One more than the highest output number given to a packet. Between this and `next_out` lie numbers that are
    /// reserved for missing packets with nothing sent behind them.
    given_end: u64,
}

/// Source numbers `source..end` of `encoding` are output numbers from `out` on.
#[derive(Clone, Copy, Debug)]
struct Segment {
    source: u64,
    end: u64,
    out: u64,
    encoding: u8,
}

impl Segment {
    #[inline]
    fn out_of(&self, source: u64) -> u64 {
        self.out + (source - self.source)
    }

    fn holds(&self, encoding: u8, source: u64) -> bool {
        self.encoding == encoding && (self.source..self.end).contains(&source)
    }

    fn is_empty(&self) -> bool {
        self.source == self.end
    }

    /// What lies before `source`, and what lies behind it when its own number closes up.
    fn without(self, source: u64) -> (Self, Self) {
        let tail = Self { source: source + 1, out: self.out_of(source), ..self };
        (Self { end: source, ..self }, tail)
    }
}

impl SequenceMap {
    /// A map whose first output number is `start`; nothing is mapped before [`Self::switch`].
    #[must_use]
    pub fn new(start: u16) -> Self {
        let start = u64::from(start);
        Self { open: None, closed: VecDeque::new(), next_out: start, given_end: start }
    }

    /// From now on the packets of `encoding`, beginning with number `source`, are what is forwarded.
    pub fn switch(&mut self, encoding: u8, source: u64) {
        self.open(encoding, source);
    }

    /// Forgets every source number, so that none of them maps any more; the output sequence continues.
    pub fn forget_sources(&mut self) {
        self.open = None;
        self.closed.clear();
    }

    /// The output number of a packet that is forwarded; the same one each time it is asked. `None` for what lies
    /// before the switch, was skipped, or is older than the map reaches back.
    #[inline(always)]
    pub fn forward(&mut self, encoding: u8, source: u64) -> Option<u64> {
        // Nearly always: the number that comes next.
        if let Some(open) = self.open.as_mut().filter(|open| open.encoding == encoding && open.end == source) {
            open.end += 1;
            self.next_out += 1;
            self.given_end = self.next_out;
            return Some(self.next_out - 1);
        }
        self.forward_out_of_turn(encoding, source)
    }

    /// After a gap, or late.
    #[cold]
    fn forward_out_of_turn(&mut self, encoding: u8, source: u64) -> Option<u64> {
        let out = if self.is_ahead(encoding, source) {
            self.reserve_until(encoding, source + 1);
            self.next_out - 1
        } else {
            self.recall(encoding, source)?
        };
        self.given_end = self.given_end.max(out + 1);
        Some(out)
    }

    /// The packet is not forwarded, on purpose: the numbers close up behind it. When later numbers are already out
    /// this cannot be done, and the number that stays open is returned.
    pub fn skip(&mut self, encoding: u8, source: u64) -> Option<u64> {
        if self.is_ahead(encoding, source) {
            self.reserve_until(encoding, source + 1);
        }
        let out = self.recall(encoding, source)?;
        if out < self.given_end {
            return Some(out);
        }
        self.take_out(encoding, source);
        None
    }

    /// The output number that [`Self::forward`] gave for a packet, or reserved for it.
    #[must_use]
    pub fn recall(&self, encoding: u8, source: u64) -> Option<u64> {
        self.newest_first().find(|segment| segment.holds(encoding, source)).map(|segment| segment.out_of(source))
    }

    /// Encoding and source number behind an output number, the inverse of [`Self::forward`].
    #[must_use]
    pub fn source_of(&self, out: u64) -> Option<(u8, u64)> {
        let segment = self.newest_first().find(|segment| segment.out <= out && !segment.is_empty())?;
        let source = segment.source + (out - segment.out);
        (source < segment.end).then_some((segment.encoding, source))
    }

    /// Extends a sequence number that a receiver names; `None` when it was never given.
    #[must_use]
    pub fn extend_out(&self, sequence: u16) -> Option<u64> {
        let highest = self.given_end.checked_sub(1)?;
        let behind = u64::from((highest as u16).wrapping_sub(sequence));
        highest.checked_sub(behind)
    }

    /// The output number that the next new packet gets.
    #[must_use]
    pub fn next_out(&self) -> u64 {
        self.next_out
    }

    /// Whether `source` comes after everything seen of the encoding that is being forwarded.
    fn is_ahead(&self, encoding: u8, source: u64) -> bool {
        self.open.is_some_and(|open| open.encoding == encoding && source >= open.end)
    }

    /// Sets numbers aside for what comes before `end`, or only for the last of it when that is too much.
    fn reserve_until(&mut self, encoding: u8, end: u64) {
        if self.open.is_some_and(|open| end - open.end > GAP_MAX + 1) {
            self.open(encoding, end - 1);
        }
        if let Some(open) = &mut self.open {
            open.end = end;
            self.next_out = open.out_of(end);
        }
    }

    /// Begins a segment at `source`, in place of an open one that stayed empty.
    fn open(&mut self, encoding: u8, source: u64) {
        let next = Segment { source, end: source, out: self.next_out, encoding };
        if let Some(full) = self.open.replace(next).filter(|open| !open.is_empty()) {
            self.close(full);
        }
    }

    /// Keeps a segment that does not grow any more. The first call allocates, no later one does.
    fn close(&mut self, segment: Segment) {
        if self.closed.capacity() == 0 {
            self.closed.reserve_exact(SEGMENTS_MAX);
        }
        if self.closed.len() == SEGMENTS_MAX - 1 {
            self.closed.pop_front();
        }
        self.closed.push_back(segment);
    }

    fn newest_first(&self) -> impl Iterator<Item = &Segment> {
        self.open.iter().chain(self.closed.iter().rev())
    }

    /// Takes a reserved number back, which no number in use follows: everything behind it moves down by one.
    fn take_out(&mut self, encoding: u8, source: u64) {
        self.next_out -= 1;
        let Some(open) = &mut self.open else { return };
        if open.holds(encoding, source) {
            let (head, tail) = open.without(source);
            *open = tail;
            if !head.is_empty() {
                self.close(head);
            }
            return;
        }
        open.out -= 1;
        let Some(index) = self.closed.iter().rposition(|segment| segment.holds(encoding, source)) else { return };
        self.closed.range_mut(index + 1..).for_each(|later| later.out -= 1);
        let (head, tail) = self.closed[index].without(source);
        if head.is_empty() || tail.is_empty() {
            self.closed[index] = if head.is_empty() { tail } else { head };
            return;
        }
        self.closed[index] = head;
        let is_full = self.closed.len() == SEGMENTS_MAX - 1;
        if is_full {
            self.closed.pop_front();
        }
        self.closed.insert(index + usize::from(!is_full), tail);
    }
}

#[cfg(test)]
mod tests;
