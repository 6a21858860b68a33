//! VP8 frame numbers of a subscription: picture id, TL0PICIDX and KEYIDX stay continuous across switches and
//! dropped temporal layers (RFC 7741 §4.2, media trap C1).
//!
//! Knows numbers only; who writes them into the payload descriptor keeps each field's presence and width as the
//! packet had them.

use crate::stream::ENCODINGS_MAX;
use crate::stream::sequence::{SequenceMap, Unwrapper};
use crate::stream::stretch::Stretches;

/// The numbers that a VP8 payload descriptor carries. Absent fields stay absent in the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Counts frames.
    pub id: Option<PictureId>,
    /// Counts frames of temporal layer 0, modulo 256.
    pub tl0: Option<u8>,
    /// Counts key frames, modulo 32.
    pub key_index: Option<u8>,
}

/// A picture id in the width in which it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureId {
    /// 7 bits.
    Narrow(u8),
    /// 15 bits.
    Wide(u16),
}

impl PictureId {
    /// The number.
    #[must_use]
    pub fn value(self) -> u16 {
        match self {
            Self::Narrow(value) => u16::from(value),
            Self::Wide(value) => value,
        }
    }

    fn bits(self) -> u32 {
        match self {
            Self::Narrow(_) => 7,
            Self::Wide(_) => 15,
        }
    }

    /// The low bits of `number`, in the width of `self`.
    fn with_low_bits(self, number: u64) -> Self {
        match self {
            Self::Narrow(_) => Self::Narrow((number & 0x7f) as u8),
            Self::Wide(_) => Self::Wide((number & 0x7fff) as u16),
        }
    }
}

/// Maps the frame numbers of several encodings to one continuous run.
///
/// Picture ids are numbered as packets are: lost frames leave a gap, frames dropped on purpose leave none.
/// TL0PICIDX and KEYIDX only move by a constant per switch, because frames of layer 0 are never dropped between
/// switches; so a frame of a higher layer cannot make a late frame of layer 0 count as dropped.
#[derive(Clone, Debug)]
pub struct PictureMap {
    ids: SequenceMap,
    unwrappers: [Unwrapper; ENCODINGS_MAX],
    shifts: Stretches<Shifts>,
    /// Highest output TL0PICIDX so far.
    tl0: u8,
    /// Highest output KEYIDX so far.
    key_index: u8,
    /// The numbers of the frame forwarded last, and whose they were: its packets follow each other.
    latest: Option<Latest>,
}

#[derive(Clone, Copy, Debug)]
struct Latest {
    encoding: u8,
    source: Picture,
    out: Picture,
}

/// Output minus source, chosen when a stretch first shows the field.
#[derive(Clone, Copy, Debug, Default)]
struct Shifts {
    tl0: Option<u8>,
    key_index: Option<u8>,
}

impl PictureMap {
    /// A map whose first picture id is `id` (its low 15 bits) and whose first TL0PICIDX is `tl0`.
    #[must_use]
    pub fn new(id: u16, tl0: u8) -> Self {
        Self {
            ids: SequenceMap::new(id & 0x7fff),
            unwrappers: [Unwrapper::default(); ENCODINGS_MAX],
            shifts: Stretches::new(),
            tl0: tl0.wrapping_sub(1),
            key_index: 31,
            latest: None,
        }
    }

    /// From now on the frames of `encoding` are forwarded, beginning with the one of `picture`.
    pub fn switch(&mut self, encoding: u8, picture: &Picture) {
        self.latest = None;
        let first = self.number(encoding, picture);
        if picture.id.is_some() {
            self.ids.switch(encoding, first);
        }
        self.shifts.begin(encoding, first, Shifts::default());
    }

    /// The output numbers of a packet that is forwarded; `None` when its frame was skipped or lies too far back.
    #[inline(always)]
    pub fn forward(&mut self, encoding: u8, picture: &Picture) -> Option<Picture> {
        match self.latest {
            Some(latest) if latest.encoding == encoding && latest.source == *picture => Some(latest.out),
            _ => self.forward_frame(encoding, picture),
        }
    }

    fn forward_frame(&mut self, encoding: u8, picture: &Picture) -> Option<Picture> {
        let number = self.number(encoding, picture);
        let id = match picture.id {
            Some(id) => Some(id.with_low_bits(self.ids.forward(encoding, number)?)),
            None => None,
        };
        let shifts = self.shifts.at(encoding, number)?;
        let tl0 = picture
            .tl0
            .map(|tl0| tl0.wrapping_add(*shifts.tl0.get_or_insert_with(|| self.tl0.wrapping_add(1).wrapping_sub(tl0))));
        let key_index = picture.key_index.map(|index| {
            let next = self.key_index.wrapping_add(1);
            index.wrapping_add(*shifts.key_index.get_or_insert_with(|| next.wrapping_sub(index))) & 31
        });
        self.note(tl0, key_index);
        let out = Picture { id, tl0, key_index };
        // Frames without a picture id cannot be told apart by it.
        self.latest = id.is_some().then_some(Latest { encoding, source: *picture, out });
        Some(out)
    }

    /// The output numbers that [`Self::forward`] gave for a packet of a frame that is forwarded.
    #[must_use]
    pub fn recall(&self, encoding: u8, picture: &Picture) -> Option<Picture> {
        let number = |id: PictureId| {
            let mut unwrapper = self.unwrappers[usize::from(encoding)];
            unwrapper.extend_bits(u32::from(id.value()), id.bits())
        };
        let id = match picture.id {
            Some(id) => Some(id.with_low_bits(self.ids.recall(encoding, number(id))?)),
            None => None,
        };
        let shifts = self.shifts.recall(encoding, picture.id.map_or(0, number))?;
        Some(Picture {
            id,
            tl0: picture.tl0.zip(shifts.tl0).map(|(tl0, shift)| tl0.wrapping_add(shift)),
            key_index: picture.key_index.zip(shifts.key_index).map(|(index, shift)| index.wrapping_add(shift) & 31),
        })
    }

    /// The frame that this packet belongs to is not forwarded, on purpose.
    pub fn skip(&mut self, encoding: u8, picture: &Picture) {
        self.latest = None;
        if picture.id.is_some() {
            let number = self.number(encoding, picture);
            self.ids.skip(encoding, number);
        }
    }

    /// Forgets the source, whose numbers mean something else from now on; the output numbers continue.
    pub fn forget_source(&mut self) {
        self.latest = None;
        self.ids.forget_sources();
        self.unwrappers = [Unwrapper::default(); ENCODINGS_MAX];
        self.shifts.clear();
    }

    /// Extended picture id, or 0 for streams without: their stretches then count from 0.
    fn number(&mut self, encoding: u8, picture: &Picture) -> u64 {
        picture.id.map_or(0, |id| self.unwrappers[usize::from(encoding)].extend_bits(u32::from(id.value()), id.bits()))
    }

    fn note(&mut self, tl0: Option<u8>, key_index: Option<u8>) {
        if let Some(tl0) = tl0
            && tl0.wrapping_sub(self.tl0) < 128
        {
            self.tl0 = tl0;
        }
        if let Some(index) = key_index
            && (index.wrapping_sub(self.key_index) & 31) < 16
        {
            self.key_index = index;
        }
    }
}

#[cfg(test)]
mod tests;
