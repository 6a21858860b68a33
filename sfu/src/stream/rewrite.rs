//! One subscription's rewriting: source packets in, output numbers out.
//!
//! Composes [`SequenceMap`], [`TimestampMap`] and [`PictureMap`] and remembers in the [`History`] what was sent.
//! It does not choose layers and does not see bytes: its owner calls [`Rewriter::switch`], [`Rewriter::forward`]
//! and [`Rewriter::skip`] for the packets of the publication that a slot shows, and [`Rewriter::rebind`] when the
//! slot shows another one.

use std::time::Duration;

use crate::stream::ENCODINGS_MAX;
use crate::stream::clock::RtpClock;
use crate::stream::history::{History, Refusal};
use crate::stream::packet::PacketFacts;
use crate::stream::picture::{Picture, PictureMap};
use crate::stream::sequence::SequenceMap;
use crate::stream::timestamp::TimestampMap;
use crate::stream::worker_time::WorkerTime;

/// Video packets that a subscription can send again: as many as a publisher's ring holds.
pub const VIDEO_HISTORY: usize = 1024;
/// Audio packets that a subscription can send again: 2.5 s of 20 ms packets.
pub const AUDIO_HISTORY: usize = 128;

/// What a subscription carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every packet is a frame; the marker says that a talk spurt begins.
    Audio,
    /// Frames of many packets; the marker ends a frame.
    Video,
}

/// Random first numbers of an output stream (RFC 3550 §5.1), drawn by the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start {
    /// First sequence number; the roll-over counter is 0.
    pub sequence: u16,
    /// First timestamp.
    pub timestamp: u32,
    /// First VP8 picture id (15 bits).
    pub picture_id: u16,
    /// First VP8 TL0PICIDX.
    pub tl0: u8,
}

/// The header of one packet as a subscriber gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Extended sequence number: what SRTP calls the packet index (RFC 3711 §3.3.1).
    pub index: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// RTP marker.
    pub marker: bool,
    /// VP8 frame numbers, where the source has them.
    pub picture: Option<Picture>,
}

impl Rewritten {
    /// RTP sequence number.
    #[must_use]
    pub fn sequence(&self) -> u16 {
        self.index as u16
    }

    /// SRTP roll-over counter.
    #[must_use]
    pub fn roc(&self) -> u32 {
        (self.index >> 16) as u32
    }
}

/// The source packet behind a number that a receiver asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requested {
    /// As [`Rewritten::index`].
    pub index: u64,
    /// Index of the encoding in its publication.
    pub encoding: u8,
    /// Extended sequence number in that encoding.
    pub sequence: u64,
}

/// Rewrites the packets of one subscription.
#[derive(Clone, Debug)]
pub struct Rewriter {
    kind: Kind,
    sequences: SequenceMap,
    timestamps: TimestampMap,
    pictures: PictureMap,
    history: History,
    encoding: Option<u8>,
    /// NACKs for numbers below this are ignored: the newest keyframe, or where the publication began.
    floor: u64,
    /// The next audio packet begins a talk spurt, whatever its own marker says.
    spurt_begins: bool,
    /// The number of the packet that began the newest talk spurt.
    spurt_began: u64,
}

impl Rewriter {
    /// A rewriter that has sent nothing. `rate` is the RTP clock in Hz.
    #[must_use]
    pub fn new(kind: Kind, rate: u32, start: Start) -> Self {
        let history = match kind {
            Kind::Audio => AUDIO_HISTORY,
            Kind::Video => VIDEO_HISTORY,
        };
        Self {
            kind,
            sequences: SequenceMap::new(start.sequence),
            timestamps: TimestampMap::new(rate, start.timestamp),
            pictures: PictureMap::new(start.picture_id, start.tl0),
            history: History::new(history),
            encoding: None,
            floor: u64::from(start.sequence),
            spurt_begins: true,
            spurt_began: u64::from(start.sequence),
        }
    }

    /// The encoding that is forwarded; `None` before the first switch and after [`Self::rebind`].
    #[must_use]
    pub fn encoding(&self) -> Option<u8> {
        self.encoding
    }

    /// Forwarding goes on with this packet, which must be a switch point ([`PacketFacts::is_switch_point`]): the
    /// first one ever, the first of another encoding, or the first after a pause.
    ///
    /// `clocks` are the publication's encodings' sender-report clocks, as far as known. Packets of the new frame
    /// that arrived before its first one are in the ring: forward them right after. To be noted like any other.
    pub fn switch(
        &mut self,
        encoding: u8,
        sequence: u64,
        facts: &PacketFacts,
        clocks: &[Option<RtpClock>; ENCODINGS_MAX],
    ) -> Option<Rewritten> {
        assert!(facts.is_switch_point() && usize::from(encoding) < ENCODINGS_MAX);
        let clock = |encoding: u8| clocks[usize::from(encoding)].as_ref();
        let from = self.encoding.and_then(clock);
        self.timestamps.switch(facts.arrival, encoding, sequence, facts.timestamp, from, clock(encoding));
        self.sequences.switch(encoding, sequence);
        self.pictures.switch(encoding, &facts.picture.unwrap_or_default());
        self.encoding = Some(encoding);
        self.spurt_begins = true;
        self.forward(encoding, sequence, facts)
    }

    /// The header of a packet that is forwarded, and then noted. `None`, and nothing is sent, for duplicates and for
    /// packets from before the switch.
    #[inline(always)]
    pub fn forward(&mut self, encoding: u8, sequence: u64, facts: &PacketFacts) -> Option<Rewritten> {
        let index = self.sequences.forward(encoding, sequence)?;
        let timestamp = self.timestamps.forward(facts.arrival, encoding, sequence, facts.timestamp)?;
        let picture = match &facts.picture {
            Some(picture) => Some(self.pictures.forward(encoding, picture)?),
            None => None,
        };
        if self.history.was_sent(index) {
            return None;
        }
        if self.spurt_begins {
            self.spurt_begins = false;
            self.spurt_began = index;
        }
        if self.kind == Kind::Video && facts.is_switch_point() {
            self.floor = self.floor.max(index);
        }
        Some(Rewritten { index, timestamp, marker: self.marker(index, facts), picture })
    }

    /// Remembers that a packet was forwarded, to send it as new only once.
    #[inline(always)]
    pub fn note(&mut self, rewritten: &Rewritten) {
        self.history.note(rewritten.index);
    }

    /// A packet of the forwarded encoding is dropped on purpose, and leaves no gap: only whole frames of a droppable
    /// temporal layer, or audio silence.
    ///
    /// A late packet whose later neighbours are already out does leave a gap.
    pub fn skip(&mut self, encoding: u8, sequence: u64, facts: &PacketFacts) {
        if let Some(picture) = &facts.picture {
            self.pictures.skip(encoding, picture);
        }
        self.spurt_begins = true;
        self.sequences.skip(encoding, sequence);
    }

    /// The slot shows another publication from the next [`Self::switch`] on. Output numbers continue.
    pub fn rebind(&mut self) {
        self.sequences.forget_sources();
        self.timestamps.forget_source();
        self.pictures.forget_source();
        self.encoding = None;
        self.floor = self.sequences.next_out();
    }

    /// A NACK for `sequence` arrived; says which packet that was.
    pub fn requested(&self, sequence: u16) -> Result<Requested, Refusal> {
        let index = self.sequences.extend_out(sequence).ok_or(Refusal::Unknown)?;
        if index < self.floor {
            return Err(Refusal::Outdated);
        }
        let (encoding, sequence) =
            self.sequences.source_of(index).filter(|_| self.history.holds(index)).ok_or(Refusal::Unknown)?;
        Ok(Requested { index, encoding, sequence })
    }

    /// Gives the header of the first copy, if another copy may be sent; its sequence number becomes the OSN of the RTX
    /// packet (RFC 4588 §4). `rtt` is the subscriber's round-trip time, `facts` are those of the requested packet.
    pub fn resend(
        &mut self,
        now: WorkerTime,
        requested: Requested,
        facts: &PacketFacts,
        rtt: Duration,
    ) -> Result<Rewritten, Refusal> {
        let Requested { index, encoding, sequence } = requested;
        let timestamp = self.timestamps.recall(encoding, sequence, facts.timestamp).ok_or(Refusal::Unknown)?;
        let picture = match &facts.picture {
            Some(picture) => Some(self.pictures.recall(encoding, picture).ok_or(Refusal::Unknown)?),
            None => None,
        };
        self.history.resend(now, index, facts.arrival, rtt)?;
        Ok(Rewritten { index, timestamp, marker: self.marker(index, facts), picture })
    }

    /// Where a source timestamp of the forwarded encoding lies on the output clock, for sender reports.
    #[must_use]
    pub fn translate(&self, timestamp: u32) -> Option<u32> {
        self.encoding.and_then(|_| self.timestamps.translate(timestamp))
    }

    /// The marker of a packet that is forwarded under this number. A copy of the first packet of an older spurt comes
    /// without it, which by then means nothing to anybody.
    #[inline(always)]
    fn marker(&self, index: u64, facts: &PacketFacts) -> bool {
        facts.marker || (self.kind == Kind::Audio && index == self.spurt_began)
    }
}

#[cfg(test)]
mod tests;
