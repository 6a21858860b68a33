//! Who speaks: audio levels (RFC 6464), smoothed and put in an order that does not flap.
//!
//! [`Speakers`] holds the audio publications of one room, loudest first. A publication overtakes another only when
//! it is louder by a margin, and levels rise fast and fall slowly, so that a cough or a pause for breath changes
//! nothing. It only orders; whom to forward is its owner's choice.

use crate::stream::worker_time::WorkerTime;
use std::time::Duration;

/// Publications that are ranked; a room has no use for more speakers.
pub const SPEAKERS_MAX: usize = 128;
/// A level above −50 dBov counts as voice where the publisher does not say (the V bit). Room noise lies below.
pub const VOICE_MIN: u8 = 127 - 50;
/// Decibels by which a challenger must be louder to overtake.
pub const MARGIN_DB: f32 = 6.0;
/// Time constants of the smoothing in microseconds: a syllable to rise, a pause for breath to fall.
const RISE_MICROS: u64 = 120_000;
const FALL_MICROS: u64 = 700_000;
/// Without packets for this long (DTX, mute) a publication counts as silent.
const SILENT_AFTER_MICROS: u64 = 200_000;
/// How often the order is looked at.
const ORDER_INTERVAL: Duration = Duration::from_millis(100);

/// A level as RFC 6464 §3 carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel {
    /// Loudness as decibels below overload, 0 (loudest) to 127 (silence).
    pub below_overload_db: u8,
    /// The V bit: the publisher's encoder believes that this is voice.
    pub voice: bool,
}

impl AudioLevel {
    /// The one payload byte of the extension.
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        Self { below_overload_db: byte & 0x7f, voice: byte & 0x80 != 0 }
    }

    /// 0 for silence to 127 for overload; what is neither marked as voice nor loud counts as silence.
    fn loudness(self) -> f32 {
        let loudness = 127 - self.below_overload_db.min(127);
        if self.voice || loudness >= VOICE_MIN { f32::from(loudness) } else { 0.0 }
    }
}

/// Audio publications of a room, named by `Id`, in order of who speaks.
#[derive(Clone, Debug)]
pub struct Speakers<Id> {
    /// Loudest first, with hysteresis.
    ranking: Vec<Speaker<Id>>,
    ordered_at: Option<WorkerTime>,
    dominant: Option<Id>,
}

#[derive(Clone, Copy, Debug)]
struct Speaker<Id> {
    id: Id,
    loudness: f32,
    updated_at: WorkerTime,
    heard_at: WorkerTime,
}

impl<Id: Copy + Eq> Default for Speakers<Id> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Id: Copy + Eq> Speakers<Id> {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self { ranking: Vec::new(), ordered_at: None, dominant: None }
    }

    /// A packet with this level arrived. Publications beyond [`SPEAKERS_MAX`] are not ranked.
    pub fn handle_level(&mut self, now: WorkerTime, id: Id, level: AudioLevel) {
        let Some(speaker) = self.ranking.iter_mut().find(|speaker| speaker.id == id) else {
            if self.ranking.len() < SPEAKERS_MAX {
                self.ranking.push(Speaker { id, loudness: 0.0, updated_at: now, heard_at: now });
            }
            return;
        };
        speaker.heard_at = now;
        speaker.approach(now, level.loudness());
    }

    /// A publication ended.
    pub fn remove(&mut self, id: Id) {
        self.ranking.retain(|speaker| speaker.id != id);
        if self.dominant == Some(id) {
            self.dominant = None;
        }
    }

    /// Looks at the order again, at most every 100 ms. True when it changed.
    pub fn poll(&mut self, now: WorkerTime) -> bool {
        if self.ordered_at.is_some_and(|at| now < at + ORDER_INTERVAL) {
            return false;
        }
        self.ordered_at = Some(now);
        for speaker in &mut self.ranking {
            if now.micros_since(speaker.heard_at) >= SILENT_AFTER_MICROS {
                speaker.approach(now, 0.0);
            }
        }
        // One pass from the quiet end carries the loudest challenger past everybody it outshouts.
        let mut changed = false;
        for index in (1..self.ranking.len()).rev() {
            if self.ranking[index].loudness > self.ranking[index - 1].loudness + MARGIN_DB {
                self.ranking.swap(index - 1, index);
                changed = true;
            }
        }
        let dominant = self.ranking.first().filter(|speaker| speaker.speaks()).map(|speaker| speaker.id);
        if dominant.is_some() && dominant != self.dominant {
            self.dominant = dominant;
            changed = true;
        }
        changed
    }

    /// Publications, the one to hear first in front.
    pub fn ranking(&self) -> impl Iterator<Item = Id> + '_ {
        self.ranking.iter().map(|speaker| speaker.id)
    }

    /// Who spoke last; stays while nobody does.
    #[must_use]
    pub fn dominant(&self) -> Option<Id> {
        self.dominant
    }

    /// The smoothed loudness, 0 for silence to 127.
    #[must_use]
    pub fn loudness(&self, id: Id) -> Option<u8> {
        self.ranking.iter().find(|speaker| speaker.id == id).map(|speaker| speaker.loudness as u8)
    }
}

impl<Id> Speaker<Id> {
    fn approach(&mut self, now: WorkerTime, loudness: f32) {
        let constant = if loudness > self.loudness { RISE_MICROS } else { FALL_MICROS };
        let passed = now.micros_since(self.updated_at);
        // The step of an implicit Euler method: near the exponential for steps of a packet, and takes no exponential.
        let weight = passed as f32 / (passed + constant) as f32;
        self.loudness += (loudness - self.loudness) * weight;
        self.updated_at = now;
    }

    fn speaks(&self) -> bool {
        self.loudness >= f32::from(VOICE_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loudness in decibels over silence, from 20 ms to 20 ms.
    fn run(speakers: &mut Speakers<u32>, now: &mut WorkerTime, millis: u64, loudness: &[(u32, u8)]) -> usize {
        let mut changes = 0;
        for _ in 0..millis / 20 {
            *now = *now + Duration::from_millis(20);
            for (id, loudness) in loudness {
                let level = AudioLevel { below_overload_db: 127 - loudness, voice: *loudness > 70 };
                speakers.handle_level(*now, *id, level);
            }
            changes += usize::from(speakers.poll(*now));
        }
        changes
    }

    fn order(speakers: &Speakers<u32>) -> Vec<u32> {
        speakers.ranking().collect()
    }

    #[test]
    fn the_level_byte_is_read_as_rfc_6464_says() {
        assert_eq!(AudioLevel::from_byte(0x80 | 30), AudioLevel { below_overload_db: 30, voice: true });
        assert_eq!(AudioLevel::from_byte(127), AudioLevel { below_overload_db: 127, voice: false });
    }

    #[test]
    fn who_speaks_comes_first_and_stays_while_nobody_does() {
        let (mut speakers, mut now) = (Speakers::new(), WorkerTime::default());
        run(&mut speakers, &mut now, 500, &[(1, 10), (2, 10), (3, 10)]);
        assert_eq!((order(&speakers), speakers.dominant()), (vec![1, 2, 3], None));
        run(&mut speakers, &mut now, 600, &[(1, 10), (2, 10), (3, 95)]);
        assert_eq!((order(&speakers), speakers.dominant()), (vec![3, 1, 2], Some(3)));
        let changes = run(&mut speakers, &mut now, 5_000, &[(1, 10), (2, 10), (3, 10)]);
        assert_eq!((changes, speakers.dominant()), (0, Some(3)));
    }

    #[test]
    fn a_cough_changes_nothing() {
        let (mut speakers, mut now) = (Speakers::new(), WorkerTime::default());
        run(&mut speakers, &mut now, 1_000, &[(1, 90), (2, 10)]);
        assert_eq!(run(&mut speakers, &mut now, 100, &[(1, 90), (2, 110)]), 0);
        assert_eq!(speakers.dominant(), Some(1));
    }

    #[test]
    fn two_equally_loud_speakers_do_not_flap() {
        let (mut speakers, mut now) = (Speakers::new(), WorkerTime::default());
        run(&mut speakers, &mut now, 1_000, &[(1, 90), (2, 90)]);
        let mut changes = 0;
        for step in 0..100 {
            let (one, two) = if step % 2 == 0 { (92, 88) } else { (88, 92) };
            changes += run(&mut speakers, &mut now, 200, &[(1, one), (2, two)]);
        }
        assert_eq!(changes, 0);
    }

    #[test]
    fn a_pause_for_breath_does_not_give_the_word_away() {
        let (mut speakers, mut now) = (Speakers::new(), WorkerTime::default());
        run(&mut speakers, &mut now, 2_000, &[(1, 95), (2, 60)]);
        assert_eq!(run(&mut speakers, &mut now, 300, &[(1, 10), (2, 60)]), 0);
    }

    #[test]
    fn who_stops_sending_falls_silent() {
        let (mut speakers, mut now) = (Speakers::new(), WorkerTime::default());
        run(&mut speakers, &mut now, 1_000, &[(1, 95), (2, 10)]);
        run(&mut speakers, &mut now, 3_000, &[(2, 85)]);
        assert_eq!(speakers.dominant(), Some(2));
        assert!(speakers.loudness(1) < Some(20));
        speakers.remove(2);
        assert_eq!((order(&speakers), speakers.dominant()), (vec![1], None));
    }

    #[test]
    fn ranks_a_bounded_number() {
        let (mut speakers, mut now) = (Speakers::new(), WorkerTime::default());
        let everybody: Vec<(u32, u8)> = (0..1_000).map(|id| (id, 80)).collect();
        run(&mut speakers, &mut now, 100, &everybody);
        assert_eq!(order(&speakers).len(), SPEAKERS_MAX);
    }
}
