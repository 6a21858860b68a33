//! What each slot shows and in which encoding, and who must know of it.
//!
//! Placing (which publication) happens when somebody comes, goes, mutes or wishes. Choosing the encoding happens then
//! too and a few times a second, because rates, estimates and life of encodings change without notice.

use super::encoding::Encoding;
use super::participant::Participant;
use super::placing::{Candidate, Place, place};
use super::publication::{Owner, Publication, PublicationKey};
use super::slot::{Choice, Slot};
use super::{Context, Room};
use crate::command::{Binding, EncodingsWanted, Event, Source, Why};
use crate::demux::ParticipantKey;
use crate::stream::worker_time::WorkerTime;
use slab::Slab;
use std::time::Duration;

/// How often encodings are chosen anew: often enough to follow an estimate, rare enough to cost nothing.
const SELECT_INTERVAL: Duration = Duration::from_millis(250);
/// The same while nothing arrives in the whole room. The first packet has it done at once, and so has whatever
/// participants do; what is left is a voice that fades.
const SELECT_QUIET_INTERVAL: Duration = Duration::from_secs(1);
/// An encoding is taken up only if the estimate exceeds its rate by this much, in percent, so that it is not given up
/// again a moment later.
const HEADROOM_PERCENT: u64 = 120;
/// Heights that simulcast encodings have when no keyframe has told it: halves from here downward.
const ASSUMED_HEIGHT: u32 = 720;

impl Room {
    /// Fills everybody's slots anew.
    pub(super) fn place_all(&mut self, context: &mut Context<'_>) {
        for key in 0..self.participants.capacity() {
            if self.participants.contains(key) {
                self.place_for(context, ParticipantKey(key));
            }
        }
    }

    /// Fills the slots of one participant anew.
    pub(super) fn place_for(&mut self, context: &mut Context<'_>, key: ParticipantKey) {
        let participant = &self.participants[key.0];
        if participant.slots.is_empty() {
            return;
        }
        let candidates = if participant.subscribes { self.candidates_for(key) } else { Vec::new() };
        let key_of = |id| candidates.iter().find(|c| self.publications[c.key.0].id == id).map(|c| c.key);
        let places: Vec<Place> = participant
            .slots
            .iter()
            .map(|slot| Place {
                kind: slot.kind,
                wished: slot.wish.and_then(|wish| wish.publication).and_then(key_of),
                current: slot.publication(),
            })
            .collect();
        let filled = place(&candidates, &places);
        for (slot, publication) in self.participants[key.0].slots.iter_mut().zip(filled) {
            if slot.publication() != publication {
                slot.bind(publication);
            }
        }
        self.participants[key.0].arrange();
        self.select_for(context, key);
    }

    /// Chooses the encodings of one participant's slots, and tells it what changed.
    pub(super) fn select_for(&mut self, context: &mut Context<'_>, key: ParticipantKey) {
        let Self { participants, publications, timers, .. } = self;
        let participant = &mut participants[key.0];
        choose_encodings(context, participant, publications);
        let plays = participant.ready && participant.connected;
        if participant.playing.iter().any(|&slot| participant.slots[slot].wants_untold(publications)) {
            // Another worker sends nothing of it before it is told.
            self.select_at = context.now;
        }
        for &slot in participant.playing.iter().filter(|_| plays) {
            let slot = &participant.slots[slot];
            let Some(bound) = slot.publication() else { continue };
            let publication = &mut publications[bound.0];
            if let Some(awaited) = slot.awaited_encoding(publication) {
                publication.encodings[usize::from(awaited)].keyframes.request();
                timers.wake_owner(&publication.owner, context.now);
            }
        }
        if std::mem::take(&mut participant.slots_changed) {
            participant.tell_slots(context, publications);
        }
        self.select_at = self.select_at.min(context.now + SELECT_INTERVAL);
    }

    /// Does for everybody what [`Room::select_for`] does for one, if it is time to, and tells publishers what is wanted.
    pub(super) fn select_due(&mut self, context: &mut Context<'_>) {
        if context.now < self.select_at {
            return;
        }
        for key in 0..self.participants.capacity() {
            if self.participants.contains(key) {
                self.select_for(context, ParticipantKey(key));
            }
        }
        self.tell_publishers(context);
        self.tell_speakers(context);
        let mut encodings = self.publications.iter().flat_map(|(_, publication)| &publication.encodings);
        let quiet = !encodings.any(|encoding| encoding.is_live(context.time));
        self.select_at = context.now + if quiet { SELECT_QUIET_INTERVAL } else { SELECT_INTERVAL };
    }

    fn candidates_for(&self, key: ParticipantKey) -> Vec<Candidate> {
        let ranking = self.ranking();
        let rank = |publication| ranking.iter().position(|speaker| *speaker == publication);
        let candidate = |(index, publication): (usize, &Publication)| {
            let key = PublicationKey(index);
            Candidate {
                key,
                kind: publication.kind,
                screen: publication.source == Source::Screen,
                muted: publication.muted,
                priority: publication.priority,
                speaker_rank: rank(key),
            }
        };
        self.publications.iter().filter(|(_, publication)| !publication.is_of(key)).map(candidate).collect()
    }

    /// Tells whoever sends a publication which of its encodings are wanted.
    pub(super) fn tell_publishers(&mut self, context: &mut Context<'_>) {
        let wanted = &mut self.scratch.wanted;
        wanted.clear();
        wanted.resize(self.publications.capacity(), 0);
        for (_, participant) in &self.participants {
            for slot in participant.playing.iter().map(|&slot| &participant.slots[slot]) {
                let Some(subscription) = &slot.subscription else { continue };
                let bits = &mut wanted[subscription.publication.0];
                for encoding in [subscription.choice.wanted, slot.encoding()].into_iter().flatten() {
                    *bits |= 1 << encoding;
                }
            }
        }
        for (key, publication) in &mut self.publications {
            let bits = publication.downstreams.iter().fold(wanted[key], |bits, downstream| bits | downstream.wanted);
            if let Some(upstream) = publication.upstream() {
                self.changes.extend(upstream.tell_wanted(bits));
                continue;
            }
            if publication.told_wanted.replace(bits) != Some(bits) {
                let wanted = publication.encodings_wanted(bits);
                context.events.push_back(Event::EncodingsWanted { publication: publication.id, wanted });
            }
        }
    }

    /// The home hears everybody and tells for the whole room.
    fn tell_speakers(&mut self, context: &mut Context<'_>) {
        if self.links.is_satellite() {
            return;
        }
        let reordered = self.speakers.poll(context.time);
        self.tell_ranking();
        if reordered {
            // Where slots are short, whoever speaks up takes the place of somebody silent.
            self.place_all(context);
        }
        let speaking = |key: &PublicationKey| {
            self.speakers.loudness(*key).is_some_and(|loudness| loudness >= crate::stream::level::VOICE_MIN)
        };
        let now = || self.speakers.ranking().filter(speaking).map(|key| self.publications[key.0].id.participant);
        if !now().eq(self.told_speakers.iter().copied()) {
            let participants: Vec<_> = now().collect();
            self.told_speakers.clone_from(&participants);
            context.events.push_back(Event::Speakers { room: self.id, participants });
        }
    }
}

impl Participant {
    /// Sends the list of slots if it differs from what was sent last.
    fn tell_slots(&mut self, context: &mut Context<'_>, publications: &Slab<Publication>) {
        let slots: Vec<Binding> = self.slots.iter().map(|slot| slot.binding(publications)).collect();
        if slots != self.told_slots {
            context.events.push_back(Event::Bound { participant: self.id, slots: slots.clone() });
            self.told_slots = slots;
        }
    }
}

impl Slot {
    /// Whether it is the first to want something of another worker.
    fn wants_untold(&self, publications: &Slab<Publication>) -> bool {
        let Some(subscription) = &self.subscription else { return false };
        match (&publications[subscription.publication.0].owner, subscription.choice.wanted) {
            (Owner::Upstream(upstream), Some(wanted)) => upstream.told_wanted & 1 << wanted == 0,
            _ => false,
        }
    }

    fn binding(&self, publications: &Slab<Publication>) -> Binding {
        let Some(subscription) = &self.subscription else {
            return Binding { mid: self.mid, publication: None, rid: None, why: None };
        };
        let publication = &publications[subscription.publication.0];
        let shown = self.encoding().filter(|_| subscription.choice.target.is_some());
        let rid = shown.and_then(|encoding| publication.encodings[usize::from(encoding)].rid);
        Binding { mid: self.mid, publication: Some(publication.id), rid, why: subscription.choice.why }
    }
}

impl Publication {
    fn encodings_wanted(&self, bits: u8) -> EncodingsWanted {
        let wanted = |index: usize| bits & 1 << index != 0;
        if self.encodings.len() == 1 && self.encodings[0].rid.is_none() {
            return EncodingsWanted::Single(wanted(0));
        }
        let rids = self.encodings.iter().enumerate().filter(|(index, _)| wanted(*index));
        EncodingsWanted::Rids(rids.filter_map(|(_, encoding)| encoding.rid).collect())
    }

    /// The lowest encoding that is at least `height` pixels high, else the highest.
    fn encoding_for_height(&self, height: u32) -> u8 {
        let last = self.encodings.len() - 1;
        let assumed = |index: usize| ASSUMED_HEIGHT >> (last - index);
        let tall = |(index, encoding): (usize, &Encoding)| encoding.height.map_or(assumed(index), u32::from) >= height;
        self.encodings.iter().enumerate().position(tall).unwrap_or(last) as u8
    }
}

/// Walks the slots in the order of the receiver's priorities, audio first, and shares out the estimate.
fn choose_encodings(context: &Context<'_>, participant: &mut Participant, publications: &Slab<Publication>) {
    let now = context.now;
    let Participant { slots, playing, slots_changed, downlink, .. } = participant;
    let mut budget = if participant.reports_arrivals {
        if let Some(silence) = downlink.twcc.unanswered_for(context.time) {
            downlink.bandwidth.on_silence(now, now - silence);
        }
        downlink.bandwidth.estimate().bps()
    } else {
        downlink.remb.unwrap_or(u64::MAX)
    };
    for &index in &*playing {
        let slot = &mut slots[index];
        let Some(bound) = slot.publication() else { continue };
        let publication = &publications[bound.0];
        let choice = choose(context.time, slot, publication, budget);
        if let Some(target) = choice.target {
            budget = budget.saturating_sub(publication.encodings[usize::from(target)].rate.bits_per_second());
        }
        let subscription = slot.subscription.as_mut().expect("the slot has a publication");
        *slots_changed |= subscription.choice != choice;
        subscription.choice = choice;
    }
}

fn choose(now: WorkerTime, slot: &Slot, publication: &Publication, budget: u64) -> Choice {
    let nothing = |why| Choice { wanted: None, target: None, why: Some(why) };
    if !slot.understands(publication) {
        return nothing(Why::Codec);
    }
    if slot.wish.is_some_and(|wish| wish.height == 0) {
        return nothing(Why::NotWanted);
    }
    if publication.muted {
        return nothing(Why::PublisherOff);
    }
    let asked =
        slot.wish.map_or(publication.encodings.len() as u8 - 1, |wish| publication.encoding_for_height(wish.height));
    let fits = |encoding: &u8| {
        let rate = publication.encodings[usize::from(*encoding)].rate.bits_per_second();
        let percent = if slot.encoding() == Some(*encoding) { 100 } else { HEADROOM_PERCENT };
        rate.saturating_mul(percent) / 100 <= budget
    };
    // The lowest is always tried: nothing would be worse.
    let wanted = (1..=asked).rev().find(fits).unwrap_or(0);
    let live = |encoding: &u8| publication.encodings[usize::from(*encoding)].is_live(now);
    let all = publication.encodings.len() as u8;
    let target = (0..=wanted).rev().find(live).or_else(|| (wanted + 1..all).find(live));
    let why = match target {
        None => Some(Why::PublisherOff),
        Some(_) if wanted < asked => Some(Why::Bandwidth),
        Some(_) => None,
    };
    Choice { wanted: Some(wanted), target, why }
}
