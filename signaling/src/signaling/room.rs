//! A room as signaling sees it: who is inside and what they publish. Media lives in the worker.

use super::output::{ParticipantSummary, RoomSummary};
use crate::protocol::{ParticipantState, PublicationState, Role, Source, State};
use std::collections::BTreeMap;
use std::time::Instant;
use tillside_sfu::command;
use tillside_sfu::id::{Mid, ParticipantId, PublicationId, RoomId};

/// Names a room: the tenant and the name within the tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey {
    /// Whose room it is.
    pub tenant: String,
    /// What the tenant calls it.
    pub name: String,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) key: RoomKey,
    pub(super) locked: bool,
    /// Made by REST: stays when the last participant leaves.
    pub(super) kept: bool,
    /// Since when nobody is inside.
    pub(super) empty_since: Option<Instant>,
    /// The place in the queue that the room's shoppers were told last; 0: none, they do not wait.
    pub(super) position_told: u32,
    /// A shopper has come who was not told.
    pub(super) position_is_news: bool,
    /// Boxed: a node of a tree has room for eleven, and most rooms have two.
    participants: BTreeMap<ParticipantId, Box<Participant>>,
}

#[derive(Debug)]
pub(super) struct Participant {
    /// The name others know it by.
    pub(super) public: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) since: Instant,
    /// Media has answered: others see it.
    pub(super) present: bool,
    pub(super) publications: Vec<Publication>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Publication {
    pub(super) mid: Mid,
    pub(super) source: Source,
    pub(super) muted: bool,
}

impl Room {
    pub(super) fn new(id: RoomId, key: RoomKey, now: Instant) -> Self {
        Self {
            id,
            key,
            locked: false,
            kept: false,
            empty_since: Some(now),
            position_told: 0,
            position_is_news: false,
            participants: BTreeMap::new(),
        }
    }

    pub(super) fn insert(&mut self, id: ParticipantId, participant: Participant) {
        let before = self.participants.insert(id, Box::new(participant));
        assert!(before.is_none(), "a participant enters a room once");
        self.empty_since = None;
    }

    pub(super) fn remove(&mut self, id: ParticipantId, now: Instant) -> Option<Participant> {
        let participant = self.participants.remove(&id)?;
        if self.participants.is_empty() {
            self.empty_since = Some(now);
        }
        Some(*participant)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.participants.is_empty()
    }

    pub(super) fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.get(&id).map(|participant| &**participant)
    }

    pub(super) fn participant_mut(&mut self, id: ParticipantId) -> Option<&mut Participant> {
        self.participants.get_mut(&id).map(|participant| &mut **participant)
    }

    /// Everybody, those included whom media has not answered yet.
    pub(super) fn ids(&self) -> Vec<ParticipantId> {
        self.participants.keys().copied().collect()
    }

    /// Those whom others see.
    pub(super) fn present(&self) -> impl Iterator<Item = (ParticipantId, &Participant)> {
        self.participants
            .iter()
            .filter(|(_, participant)| participant.present)
            .map(|(id, participant)| (*id, &**participant))
    }

    /// Finds one whom others see by the name they know.
    pub(super) fn find(&self, public: &str) -> Option<ParticipantId> {
        self.present().find(|(_, participant)| participant.public == public).map(|(id, _)| id)
    }

    /// Finds a publication by its public name, `participant:mid`.
    pub(super) fn find_publication(&self, public: &str) -> Option<PublicationId> {
        let (participant, mid) = public.split_once(':')?;
        let participant = self.find(participant)?;
        let publication = self.participant(participant)?.publication(Mid::parse(mid.as_bytes())?)?;
        Some(PublicationId { participant, mid: publication.mid })
    }

    /// The public name of a publication of somebody who is here.
    pub(super) fn publication_name(&self, id: PublicationId) -> Option<String> {
        Some(publication_name(&self.participant(id.participant)?.public, id.mid))
    }

    /// Everything, as `receiver` is told it.
    pub(super) fn full_state(&self, receiver: ParticipantId) -> State {
        let others = self.present().filter(|(id, _)| *id != receiver);
        State {
            full: true,
            participants: others.map(|(_, participant)| participant.state()).collect(),
            left: Vec::new(),
            locked: self.locked,
        }
    }

    pub(super) fn summary(&self) -> RoomSummary {
        let participants = self.present().map(|(_, participant)| ParticipantSummary {
            id: participant.public.clone(),
            role: participant.role,
            publications: participant.state().publications.into_iter().map(|publication| publication.id).collect(),
        });
        RoomSummary { locked: self.locked, kept: self.kept, participants: participants.collect() }
    }

    /// The shopper who has been here longest, and since when.
    pub(super) fn shopper(&self) -> Option<&Participant> {
        let shoppers = self.present().filter(|(_, participant)| participant.role == Role::Shopper);
        shoppers.map(|(_, participant)| participant).min_by_key(|participant| participant.since)
    }

    pub(super) fn agents(&self) -> impl Iterator<Item = &Participant> {
        self.present().map(|(_, participant)| participant).filter(|participant| participant.role == Role::Agent)
    }

    /// Whether a shopper is here and no agent.
    pub(super) fn waits(&self) -> bool {
        self.shopper().is_some() && self.agents().next().is_none()
    }
}

impl Participant {
    pub(super) fn state(&self) -> ParticipantState {
        let publications = self.publications.iter().map(|publication| PublicationState {
            id: publication_name(&self.public, publication.mid),
            source: publication.source,
            muted: publication.muted,
        });
        ParticipantState {
            id: self.public.clone(),
            name: self.name.clone(),
            role: self.role,
            publications: publications.collect(),
        }
    }

    pub(super) fn publication(&self, mid: Mid) -> Option<&Publication> {
        self.publications.iter().find(|publication| publication.mid == mid)
    }

    pub(super) fn publication_mut(&mut self, mid: Mid) -> Option<&mut Publication> {
        self.publications.iter_mut().find(|publication| publication.mid == mid)
    }
}

fn publication_name(participant: &str, mid: Mid) -> String {
    format!("{participant}:{mid}")
}

impl From<Source> for command::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::Microphone => Self::Microphone,
            Source::Camera => Self::Camera,
            Source::Screen => Self::Screen,
        }
    }
}

impl From<command::Source> for Source {
    fn from(source: command::Source) -> Self {
        match source {
            command::Source::Microphone => Self::Microphone,
            command::Source::Camera => Self::Camera,
            command::Source::Screen => Self::Screen,
        }
    }
}
