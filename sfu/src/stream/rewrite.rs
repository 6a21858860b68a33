//! One subscription's rewriting: source packets in, output numbers out.
//!
//! Composes [`SequenceMap`], [`TimestampMap`] and [`PictureMap`] and remembers in the [`History`] what was sent.
//! It does not choose layers and does not see bytes: its owner calls [`Rewriter::switch`], [`Rewriter::forward`]
//! and [`Rewriter::skip`] for the packets of the publication that a slot shows, and [`Rewriter::rebind`] when the
//! slot shows another one.

use std::time::Duration;

use crate::stream::ENCODINGS_MAX;
use crate::stream::clock::RtpClock;
use crate::stream::history::{History, Origin, Refusal, Sent};
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

/// A granted retransmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend {
    /// Which packet to take from the ring, or padding.
    pub origin: Origin,
    /// The header of the first copy; its sequence number becomes the OSN of the RTX packet (RFC 4588 §4).
    pub rewritten: Rewritten,
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
    /// The packet sent last ended a frame, with this timestamp: padding may follow.
    frame_ended: Option<u32>,
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
            frame_ended: None,
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
        let next = self.sequences.next_out();
        let index = self.sequences.forward(encoding, sequence)?;
        let timestamp = self.timestamps.forward(facts.arrival, encoding, sequence, facts.timestamp)?;
        let picture = match &facts.picture {
            Some(picture) => Some(self.pictures.forward(encoding, picture)?),
            None => None,
        };
        let marker = match self.kind {
            Kind::Audio => facts.marker || self.spurt_begins,
            Kind::Video => facts.marker,
        };
        if self.history.was_sent(index) {
            return None;
        }
        self.spurt_begins = false;
        if self.kind == Kind::Video && facts.is_switch_point() {
            self.floor = self.floor.max(index);
        }
        if index >= next {
            self.frame_ended = facts.marker.then_some(timestamp);
        }
        Some(Rewritten { index, timestamp, marker, picture })
    }

    /// Remembers what was forwarded, to send it again and to send it as new only once. Apart from [`Self::forward`] and
    /// after sealing, because this writes where no cache reaches: what comes next need not wait for it.
    #[inline(always)]
    pub fn note(&mut self, encoding: u8, sequence: u64, facts: &PacketFacts, rewritten: &Rewritten) {
        let Rewritten { index, timestamp, marker, picture } = *rewritten;
        let origin = Origin::Source { encoding, sequence };
        self.history.note(facts.arrival, index, Sent { origin, timestamp, marker, picture });
    }

    /// A packet of the forwarded encoding is dropped on purpose, and leaves no gap: only whole frames of a droppable
    /// temporal layer, or audio silence.
    ///
    /// A late packet whose later neighbours are already out does leave a gap; a NACK for it is answered by padding.
    pub fn skip(&mut self, encoding: u8, sequence: u64, facts: &PacketFacts) {
        if let Some(picture) = &facts.picture {
            self.pictures.skip(encoding, picture);
        }
        self.spurt_begins = true;
        if let Some(index) = self.sequences.skip(encoding, sequence)
            && let Some(timestamp) = self.timestamps.forward(facts.arrival, encoding, sequence, facts.timestamp)
        {
            self.note_padding(facts.arrival, index, timestamp);
        }
    }

    /// The slot shows another publication from the next [`Self::switch`] on. Output numbers continue.
    pub fn rebind(&mut self) {
        self.sequences.forget_sources();
        self.timestamps.forget_source();
        self.pictures.forget_source();
        self.encoding = None;
        self.floor = self.sequences.next_out();
    }

    /// A header for a padding-only packet on the media SSRC. `None` unless a video frame just ended (media trap E3).
    pub fn pad(&mut self, now: WorkerTime) -> Option<Rewritten> {
        let timestamp = self.frame_ended.filter(|_| self.kind == Kind::Video)?;
        let index = self.sequences.insert();
        self.note_padding(now, index, timestamp);
        Some(Rewritten { index, timestamp, marker: false, picture: None })
    }

    /// A NACK for `sequence` arrived; says what to send again. `rtt` is the subscriber's round-trip time.
    pub fn resend(&mut self, now: WorkerTime, sequence: u16, rtt: Duration) -> Result<Resend, Refusal> {
        let index = self.sequences.extend_out(sequence).ok_or(Refusal::Unknown)?;
        if index < self.floor {
            return Err(Refusal::Outdated);
        }
        let Sent { origin, timestamp, marker, picture } = self.history.resend(now, index, rtt)?;
        Ok(Resend { origin, rewritten: Rewritten { index, timestamp, marker, picture } })
    }

    /// Where a source timestamp of the forwarded encoding lies on the output clock, for sender reports.
    #[must_use]
    pub fn translate(&self, timestamp: u32) -> Option<u32> {
        self.encoding.and_then(|_| self.timestamps.translate(timestamp))
    }

    fn note_padding(&mut self, now: WorkerTime, index: u64, timestamp: u32) {
        if !self.history.was_sent(index) {
            let sent = Sent { origin: Origin::Padding, timestamp, marker: false, picture: None };
            self.history.note(now, index, sent);
        }
    }
}

#[cfg(test)]
mod tests;
