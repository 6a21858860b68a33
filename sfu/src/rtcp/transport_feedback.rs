//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): which packets arrived, and when.
//!
//! Each packet has a status, packed into 16-bit chunks, and if it arrived a delta to the arrival before it, in units of
//! 250 µs.

use super::{u16_at, u32_at};
use crate::rtp::{SequenceNumber, Ssrc};

/// Most packets one feedback may cover: four seconds at 2,000 packets a second, while senders of feedback do so several
/// times a second. Run-length chunks could claim 65,535 in few bytes.
pub const STATUSES_PER_FEEDBACK_MAX: usize = 8192;

/// Most packets one feedback of ours covers. What is left over goes into the next.
pub(super) const STATUSES_WRITTEN_MAX: usize = 512;

const DELTA_MICROS: i64 = 250;
const REFERENCE_MICROS: i64 = 64_000;

/// Where the base sequence number begins, after both SSRCs.
const CONTROL_AT: usize = 8;
/// Bytes from there to the first chunk: base, status count, reference time, feedback count.
pub(super) const FIXED_BYTES: usize = 8;

const NOT_RECEIVED: u8 = 0;
const SMALL_DELTA: u8 = 1;
const LARGE_DELTA: u8 = 2;

/// A transport-wide feedback packet whose chunks and deltas have been checked to fit.
#[derive(Clone, Copy, Debug)]
pub struct TransportFeedback<'a> {
    /// Who reports.
    pub sender: Ssrc,
    /// The SSRC of any stream in the transport; without meaning.
    pub media: Ssrc,
    /// The first transport-wide sequence number covered.
    pub base: SequenceNumber,
    /// Counts feedback packets, modulo 256.
    pub feedback_count: u8,
    status_count: u16,
    reference_units: i32,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let status_count = u16_at(body, CONTROL_AT + 2)?;
        if usize::from(status_count) > STATUSES_PER_FEEDBACK_MAX {
            return None;
        }
        let reference_and_count = u32_at(body, CONTROL_AT + 4)?;
        let packed = body.get(CONTROL_AT + FIXED_BYTES..)?;
        let (chunks, deltas) = split_chunks(packed, usize::from(status_count))?;
        Some(Self {
            sender: Ssrc(u32_at(body, 0)?),
            media: Ssrc(u32_at(body, 4)?),
            base: SequenceNumber(u16_at(body, CONTROL_AT)?),
            feedback_count: reference_and_count as u8,
            status_count,
            // The upper 24 bits, signed.
            reference_units: reference_and_count as i32 >> 8,
            chunks,
            deltas,
        })
    }

    /// How many packets are covered.
    #[must_use]
    pub fn status_count(&self) -> usize {
        usize::from(self.status_count)
    }

    /// The time that arrivals are told from, in µs of the receiver's clock. 24 bits of 64 ms: it wraps after 12 days.
    #[must_use]
    pub fn reference_micros(&self) -> i64 {
        i64::from(self.reference_units) * REFERENCE_MICROS
    }

    /// Each packet covered, in order, with its arrival in µs since [`TransportFeedback::reference_micros`] if it
    /// arrived.
    pub fn arrivals(&self) -> impl Iterator<Item = (SequenceNumber, Option<i64>)> + use<'a> {
        let base = self.base;
        let mut deltas = self.deltas;
        let mut micros = 0;
        statuses(self.chunks).take(self.status_count()).zip(0..).map(move |(status, offset)| {
            let delta = take_delta(status, &mut deltas);
            let arrival = delta.map(|delta| {
                micros += i64::from(delta) * DELTA_MICROS;
                micros
            });
            (base.plus(offset), arrival)
        })
    }
}

/// Splits chunks from deltas: walks the chunks until they cover `count` packets, and checks that the deltas of those
/// are there.
fn split_chunks(packed: &[u8], count: usize) -> Option<(&[u8], &[u8])> {
    let (mut covered, mut chunk_bytes) = (0, 0);
    while covered < count {
        covered += Chunk(u16_at(packed, chunk_bytes)?).status_count();
        chunk_bytes += 2;
    }
    let (chunks, deltas) = packed.split_at(chunk_bytes);
    let delta_bytes: usize = statuses(chunks).take(count).map(delta_len).sum();
    (delta_bytes <= deltas.len()).then_some((chunks, deltas))
}

fn statuses(chunks: &[u8]) -> impl Iterator<Item = u8> {
    chunks.as_chunks::<2>().0.iter().flat_map(|bytes| {
        let chunk = Chunk(u16::from_be_bytes(*bytes));
        (0..chunk.status_count()).map(move |at| chunk.status(at))
    })
}

fn delta_len(status: u8) -> usize {
    match status {
        SMALL_DELTA => 1,
        LARGE_DELTA => 2,
        _ => 0,
    }
}

/// The delta of a packet with this status; `None` if it did not arrive. The reserved status 3 counts as not arrived.
fn take_delta(status: u8, deltas: &mut &[u8]) -> Option<i16> {
    let (delta, rest) = deltas.split_at_checked(delta_len(status))?;
    *deltas = rest;
    match *delta {
        [small] => Some(i16::from(small)),
        [high, low] => Some(i16::from_be_bytes([high, low])),
        _ => None,
    }
}

/// A packet status chunk: a run of one status, fourteen one-bit statuses, or seven two-bit ones (§3.1.3, §3.1.4).
#[derive(Clone, Copy)]
struct Chunk(u16);

const RUN_MAX: usize = 0x1fff;
const ONE_BIT_STATUSES: usize = 14;
const TWO_BIT_STATUSES: usize = 7;

impl Chunk {
    fn is_run(self) -> bool {
        self.0 & 0x8000 == 0
    }

    fn is_two_bit(self) -> bool {
        self.0 & 0x4000 != 0
    }

    fn status_count(self) -> usize {
        match (self.is_run(), self.is_two_bit()) {
            (true, _) => usize::from(self.0 & 0x1fff),
            (false, false) => ONE_BIT_STATUSES,
            (false, true) => TWO_BIT_STATUSES,
        }
    }

    fn status(self, at: usize) -> u8 {
        let bits = match (self.is_run(), self.is_two_bit()) {
            (true, _) => self.0 >> 13 & 0b11,
            (false, false) => self.0 >> (13 - at) & 0b1,
            (false, true) => self.0 >> (12 - 2 * at) & 0b11,
        };
        bits as u8
    }

    /// The chunk that covers most of the front of `statuses` (which is not empty), and how many it covers.
    fn covering(statuses: &[u8]) -> (Self, usize) {
        let first = statuses[0];
        let run = statuses.iter().take(RUN_MAX).take_while(|&&status| status == first).count();
        let one_bit = statuses.iter().take(ONE_BIT_STATUSES).take_while(|&&status| status <= SMALL_DELTA).count();
        // A vector may end past the last packet; the places beyond it are zero.
        let one_bit_is_full = one_bit == ONE_BIT_STATUSES || one_bit == statuses.len();
        if run >= TWO_BIT_STATUSES && (run >= ONE_BIT_STATUSES || !one_bit_is_full || run == statuses.len()) {
            (Self(u16::from(first) << 13 | run as u16), run)
        } else if one_bit_is_full {
            let bits = statuses[..one_bit].iter().enumerate();
            (Self(bits.fold(0x8000, |bits, (at, &status)| bits | u16::from(status) << (13 - at))), one_bit)
        } else {
            let count = statuses.len().min(TWO_BIT_STATUSES);
            let bits = statuses[..count].iter().enumerate();
            (Self(bits.fold(0xc000, |bits, (at, &status)| bits | u16::from(status) << (12 - 2 * at))), count)
        }
    }
}

/// Writes everything after both SSRCs into `out`. Returns the length in bytes, not yet padded, and how many of
/// `arrivals` are covered; `None` if not a single arrival can be written.
///
/// `arrivals` are consecutive sequence numbers from `base` on, with the µs of arrival on our clock.
pub(super) fn write_control(
    out: &mut [u8],
    base: SequenceNumber,
    feedback_count: u8,
    arrivals: impl Iterator<Item = Option<i64>>,
) -> Option<(usize, usize)> {
    let packed = out.get_mut(FIXED_BYTES..)?;
    let mut gathered = Gathered::new(packed.len());
    for arrival in arrivals {
        if !gathered.add(arrival) {
            break;
        }
    }
    let reference = gathered.reference_units?;
    let mut at = 0;
    let mut statuses = &gathered.statuses[..gathered.count];
    while !statuses.is_empty() {
        let (chunk, covered) = Chunk::covering(statuses);
        packed[at..at + 2].copy_from_slice(&chunk.0.to_be_bytes());
        statuses = &statuses[covered..];
        at += 2;
    }
    packed[at..at + gathered.delta_bytes].copy_from_slice(&gathered.deltas[..gathered.delta_bytes]);
    out[..2].copy_from_slice(&base.0.to_be_bytes());
    out[2..4].copy_from_slice(&(gathered.count as u16).to_be_bytes());
    out[4..7].copy_from_slice(&reference.to_be_bytes()[5..]);
    out[7] = feedback_count;
    Some((FIXED_BYTES + at + gathered.delta_bytes, gathered.count))
}

/// Statuses and deltas on their way into a feedback packet.
struct Gathered {
    room: usize,
    count: usize,
    statuses: [u8; STATUSES_WRITTEN_MAX],
    delta_bytes: usize,
    deltas: [u8; 2 * STATUSES_WRITTEN_MAX],
    reference_units: Option<i64>,
    last_units: i64,
}

impl Gathered {
    fn new(room: usize) -> Self {
        Self {
            room,
            count: 0,
            statuses: [NOT_RECEIVED; STATUSES_WRITTEN_MAX],
            delta_bytes: 0,
            deltas: [0; 2 * STATUSES_WRITTEN_MAX],
            reference_units: None,
            last_units: 0,
        }
    }

    /// Adds the next packet; false if there is no room, or if its delta is out of range, which takes a new feedback
    /// packet.
    fn add(&mut self, arrival: Option<i64>) -> bool {
        if self.count == STATUSES_WRITTEN_MAX {
            return false;
        }
        let Some(arrival) = arrival else {
            return self.push(NOT_RECEIVED, &[]);
        };
        let units = arrival.div_euclid(DELTA_MICROS);
        let last_units = match self.reference_units {
            Some(_) => self.last_units,
            None => arrival.div_euclid(REFERENCE_MICROS) * (REFERENCE_MICROS / DELTA_MICROS),
        };
        let Ok(delta) = i16::try_from(units - last_units) else { return false };
        let added = match u8::try_from(delta) {
            Ok(small) => self.push(SMALL_DELTA, &[small]),
            Err(_) => self.push(LARGE_DELTA, &delta.to_be_bytes()),
        };
        if added {
            self.reference_units.get_or_insert(arrival.div_euclid(REFERENCE_MICROS));
            self.last_units = units;
        }
        added
    }

    fn push(&mut self, status: u8, delta: &[u8]) -> bool {
        // The worst case is a two-bit chunk for every seven packets.
        let chunk_bytes = 2 * (self.count + 1).div_ceil(TWO_BIT_STATUSES);
        if chunk_bytes + self.delta_bytes + delta.len() > self.room {
            return false;
        }
        self.statuses[self.count] = status;
        self.count += 1;
        self.deltas[self.delta_bytes..self.delta_bytes + delta.len()].copy_from_slice(delta);
        self.delta_bytes += delta.len();
        true
    }
}
