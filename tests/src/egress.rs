//! The oracle at the server's door: what every packet that leaves must fulfil, before the network touches it.
//!
//! A slot is one stream to its receiver, whatever is switched behind it (architecture invariants 7 and 8). For each
//! media SSRC: nothing from another room or from the receiver itself; no number used for two packets, none repeated
//! outside RTX; within a stream the numbers follow the publisher's; where streams switch, the next number comes next,
//! time goes forward, and the new stream begins where a decoder can.

use crate::bot::packet::Incoming;
use crate::marker::{Marker, Origin};
use std::collections::BTreeMap;
use std::time::Instant;
use tillside_sfu::id::{ParticipantId, RoomId};

/// Numbers remembered to see one used twice: less than half of their space, so that old ones are gone when it wraps.
const REMEMBERED: u64 = 16_384;
/// Time may run ahead of the clock by this many seconds at a switch: a second of jitter buffer is the most anybody has.
const AHEAD_MAX_S: f64 = 1.0;

/// See the module. One per receiving bot.
#[derive(Debug)]
pub struct EgressOracle {
    room: RoomId,
    receiver: ParticipantId,
    streams: BTreeMap<u32, Stream>,
}

#[derive(Debug)]
struct Stream {
    clock_rate: f64,
    origin: Origin,
    /// Sequence number given minus the packet's own number.
    offset: u64,
    /// Timestamp given minus the publisher's.
    timestamp_offset: u32,
    highest: u64,
    highest_timestamp: u32,
    highest_at: Instant,
    used: BTreeMap<u64, (Origin, u64)>,
}

impl EgressOracle {
    /// For what `receiver` is sent.
    #[must_use]
    pub fn new(room: RoomId, receiver: ParticipantId) -> Self {
        Self { room, receiver, streams: BTreeMap::new() }
    }

    /// Judges an unprotected RTP packet.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&mut self, now: Instant, bytes: &[u8], is_audio: bool, is_rtx: bool) -> Result<(), String> {
        let packet = Incoming::parse(bytes).ok_or("not an RTP packet")?;
        let Some(marker) = Marker::find(packet.payload) else {
            return if packet.payload.is_empty() { Ok(()) } else { Err("a payload that no bot sent".to_owned()) };
        };
        if marker.room != self.room {
            return Err(format!("{marker:?} crossed into {:?}", self.room));
        }
        if marker.participant == self.receiver {
            return Err(format!("{marker:?} came back to its sender"));
        }
        if is_rtx {
            return self.check_retransmission(&packet, &marker);
        }
        let clock_rate = if is_audio { 48_000.0 } else { 90_000.0 };
        let Some(stream) = self.streams.get_mut(&packet.ssrc) else {
            if !marker.start {
                return Err(format!("a slot began with {marker:?}, where no decoder can start"));
            }
            self.streams.insert(packet.ssrc, Stream::begin(now, &packet, &marker, clock_rate));
            return Ok(());
        };
        stream.check(now, &packet, &marker).map_err(|wrong| format!("SSRC {:x}: {wrong}: {marker:?}", packet.ssrc))
    }

    /// A retransmission repeats a packet under its own number (RFC 4588 §4).
    fn check_retransmission(&self, packet: &Incoming<'_>, marker: &Marker) -> Result<(), String> {
        let [high, low, ..] = packet.payload else { return Err("RTX without a sequence number".to_owned()) };
        let original = u16::from_be_bytes([*high, *low]);
        let known = self.streams.values().any(|stream| {
            let extended = stream.extend(original);
            stream.used.get(&extended) == Some(&(marker.origin(), marker.number))
        });
        known.then_some(()).ok_or_else(|| format!("RTX of {marker:?} as {original}, which it was not sent as"))
    }
}

impl Stream {
    fn begin(now: Instant, packet: &Incoming<'_>, marker: &Marker, clock_rate: f64) -> Self {
        // Starts high, so that late packets before the first have numbers too.
        let first = 1 << 32 | u64::from(packet.sequence);
        Self {
            clock_rate,
            origin: marker.origin(),
            offset: first.wrapping_sub(marker.number),
            timestamp_offset: packet.timestamp.wrapping_sub(marker.timestamp),
            highest: first,
            highest_timestamp: packet.timestamp,
            highest_at: now,
            used: BTreeMap::from([(first, (marker.origin(), marker.number))]),
        }
    }

    fn check(&mut self, now: Instant, packet: &Incoming<'_>, marker: &Marker) -> Result<(), String> {
        let sequence = self.extend(packet.sequence);
        if let Some(user) = self.used.get(&sequence) {
            return Err(format!("number {sequence} was used for {user:?}"));
        }
        let follows = marker.origin() == self.origin && marker.number.wrapping_add(self.offset) == sequence;
        if follows {
            self.check_same_clock(packet, marker)?;
        } else if sequence != self.highest + 1 {
            return Err(format!("number {sequence} after {}: a gap of the server's making", self.highest));
        } else {
            self.check_switch(now, packet, marker)?;
        }
        self.used.insert(sequence, (marker.origin(), marker.number));
        if sequence > self.highest {
            (self.highest, self.highest_timestamp, self.highest_at) = (sequence, packet.timestamp, now);
        }
        self.used = self.used.split_off(&self.highest.saturating_sub(REMEMBERED));
        Ok(())
    }

    fn check_same_clock(&self, packet: &Incoming<'_>, marker: &Marker) -> Result<(), String> {
        let offset = packet.timestamp.wrapping_sub(marker.timestamp);
        (offset == self.timestamp_offset)
            .then_some(())
            .ok_or_else(|| "the timestamp left the publisher's clock".to_owned())
    }

    /// The stream behind the slot changes, or packets of the same one were left out on purpose.
    fn check_switch(&mut self, now: Instant, packet: &Incoming<'_>, marker: &Marker) -> Result<(), String> {
        if !marker.start {
            return Err(format!("went on from {:?} where no decoder can start", self.origin));
        }
        let step = packet.timestamp.wrapping_sub(self.highest_timestamp) as i32;
        let elapsed = (now - self.highest_at).as_secs_f64();
        if step < 0 || f64::from(step) / self.clock_rate > elapsed + AHEAD_MAX_S {
            return Err(format!("time stepped by {step} ticks in {elapsed:.3} s at a switch from {:?}", self.origin));
        }
        self.origin = marker.origin();
        self.offset = (self.highest + 1).wrapping_sub(marker.number);
        self.timestamp_offset = packet.timestamp.wrapping_sub(marker.timestamp);
        Ok(())
    }

    fn extend(&self, sequence: u16) -> u64 {
        let step = sequence.wrapping_sub(self.highest as u16) as i16;
        self.highest.wrapping_add_signed(i64::from(step))
    }
}
