//! Which publication goes into which slot: a pure function of what is offered, what is wished and what was there.
//!
//! Knows nothing of packets. It keeps what is already in place, because every change costs the receiver a keyframe.

use super::publication::PublicationKey;
use crate::sdp::MediaKind;
use std::cmp::Reverse;

/// A publication that a participant could receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The publication.
    pub(super) key: PublicationKey,
    /// Audio or video.
    pub(super) kind: MediaKind,
    /// Whether it is a shared screen, which is shown before faces.
    pub(super) screen: bool,
    /// Whether there is nothing to forward at present.
    pub(super) muted: bool,
    /// The publisher's priority; 0 first.
    pub(super) priority: u8,
    /// Place in the list of speakers, 0 the loudest; `None` is silent.
    pub(super) speaker_rank: Option<usize>,
}

/// A slot to fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Audio or video.
    pub(super) kind: MediaKind,
    /// What the participant asked for by name.
    pub(super) wished: Option<PublicationKey>,
    /// What is in it now.
    pub(super) current: Option<PublicationKey>,
}

/// Fills `places`, in their order. `candidates` come in the order in which they were published.
///
/// A wish by name wins, even for a muted publication. The other slots take, per kind, as many of the unmuted
/// publications as fit: screens first, then who speaks, then by the publisher's priority, then the older. Whoever
/// keeps a slot stays where it is.
pub(super) fn place(candidates: &[Candidate], places: &[Place]) -> Vec<Option<PublicationKey>> {
    let mut filled: Vec<Option<PublicationKey>> = places
        .iter()
        .map(|place| place.wished.filter(|key| candidates.iter().any(|c| c.key == *key && c.kind == place.kind)))
        .collect();
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let free: Vec<usize> =
            (0..places.len()).filter(|&slot| places[slot].kind == kind && filled[slot].is_none()).collect();
        let mut chosen = best(candidates, kind, &filled, free.len());
        for &slot in &free {
            if let Some(stays) = chosen.iter().position(|key| Some(*key) == places[slot].current) {
                filled[slot] = Some(chosen.remove(stays));
            }
        }
        let mut newcomers = chosen.into_iter();
        for &slot in free.iter() {
            if filled[slot].is_none() {
                filled[slot] = newcomers.next();
            }
        }
    }
    filled
}

/// The `count` publications of a kind that come first, without those that are `taken`.
fn best(
    candidates: &[Candidate],
    kind: MediaKind,
    taken: &[Option<PublicationKey>],
    count: usize,
) -> Vec<PublicationKey> {
    let mut eligible: Vec<&Candidate> =
        candidates.iter().filter(|c| c.kind == kind && !c.muted && !taken.contains(&Some(c.key))).collect();
    // Stable: equals stay in the order in which they were published.
    eligible.sort_by_key(|c| (Reverse(c.screen), c.speaker_rank.unwrap_or(usize::MAX), c.priority));
    if eligible.len() <= count {
        // Everybody fits: the order of speakers must not move anybody.
        eligible.sort_by_key(|c| (Reverse(c.screen), c.priority));
    }
    eligible.into_iter().take(count).map(|c| c.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use MediaKind::{Audio, Video};

    fn candidate(key: usize, kind: MediaKind) -> Candidate {
        let key = PublicationKey(key);
        Candidate { key, kind, screen: false, muted: false, priority: 1, speaker_rank: None }
    }

    fn free(kind: MediaKind) -> Place {
        Place { kind, wished: None, current: None }
    }

    fn check(candidates: &[Candidate], places: &[Place], expected: &[Option<usize>]) {
        let expected: Vec<_> = expected.iter().map(|key| key.map(PublicationKey)).collect();
        assert_eq!(place(candidates, places), expected);
    }

    #[test]
    fn fills_by_kind_in_order_of_publication() {
        let candidates = [candidate(1, Audio), candidate(2, Video), candidate(3, Video)];
        check(&candidates, &[free(Audio), free(Audio), free(Video), free(Video)], &[Some(1), None, Some(2), Some(3)]);
    }

    #[test]
    fn screens_and_agents_come_first_when_slots_are_short() {
        let agent = Candidate { priority: 0, ..candidate(2, Video) };
        let screen = Candidate { screen: true, ..candidate(3, Video) };
        check(&[candidate(1, Video), agent, screen], &[free(Video), free(Video)], &[Some(3), Some(2)]);
    }

    #[test]
    fn who_is_in_place_stays_there() {
        let places = [Place { current: Some(PublicationKey(2)), ..free(Video) }, free(Video)];
        check(&[candidate(1, Video), candidate(2, Video)], &places, &[Some(2), Some(1)]);
    }

    #[test]
    fn a_louder_speaker_takes_the_place_of_a_silent_one_and_moves_nobody_else() {
        let speaking = |key, rank| Candidate { speaker_rank: Some(rank), ..candidate(key, Audio) };
        let candidates = [speaking(1, 1), candidate(2, Audio), speaking(3, 0)];
        let places = [
            Place { current: Some(PublicationKey(1)), ..free(Audio) },
            Place { current: Some(PublicationKey(2)), ..free(Audio) },
        ];
        check(&candidates, &places, &[Some(1), Some(3)]);
    }

    #[test]
    fn a_muted_camera_frees_its_slot_unless_it_is_asked_for() {
        let muted = Candidate { muted: true, ..candidate(1, Video) };
        check(&[muted], &[Place { current: Some(PublicationKey(1)), ..free(Video) }], &[None]);
        check(&[muted], &[Place { wished: Some(PublicationKey(1)), ..free(Video) }], &[Some(1)]);
    }

    #[test]
    fn a_wish_for_what_is_gone_or_of_another_kind_falls_back_to_the_rooms_choice() {
        let wish = |key| Place { wished: Some(PublicationKey(key)), ..free(Video) };
        check(&[candidate(1, Video), candidate(2, Audio)], &[wish(9), wish(2)], &[Some(1), None]);
    }

    #[test]
    fn a_wish_is_shown_once_only() {
        let wish = Place { wished: Some(PublicationKey(1)), ..free(Video) };
        check(&[candidate(1, Video), candidate(2, Video)], &[free(Video), wish], &[Some(2), Some(1)]);
    }
}
