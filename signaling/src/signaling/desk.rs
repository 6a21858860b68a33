//! Who waits: agents see the rooms of their tenant, shoppers their place among those without an agent.

use super::Signaling;
use super::room::Room;
use crate::moment::Moment;
use crate::protocol::{Desk, DeskRoom, Role, ServerMessage, Waiting};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tillside_sfu::id::{ParticipantId, RoomId};

/// How often the desk is told at most: people read it, and a rush of shoppers must not become a rush of lists.
pub(super) const DESK_INTERVAL: Duration = Duration::from_millis(200);
/// Rooms in one desk message: more than anybody can look through.
pub(super) const DESK_ROOMS_MAX: usize = 200;

/// Tenants whose rooms have changed since their agents were told.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    tenants: BTreeSet<String>,
    due: Option<Instant>,
    told: Option<Instant>,
}

impl Dirty {
    pub(super) fn mark(&mut self, tenant: &str, now: Instant) {
        if !self.tenants.contains(tenant) {
            self.tenants.insert(tenant.to_owned());
        }
        let earliest = self.told.map_or(now, |told| now.max(told + DESK_INTERVAL));
        self.due.get_or_insert(earliest);
    }

    /// When they are to be told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Signaling {
    /// Tells agents and waiting shoppers what has changed, if it is time.
    pub(super) fn flush_desk(&mut self, now: Moment) {
        if self.desk.due.is_none_or(|due| due > now.instant) {
            return;
        }
        self.desk.due = None;
        self.desk.told = Some(now.instant);
        for tenant in std::mem::take(&mut self.desk.tenants) {
            self.tell_positions(&tenant);
            let agents = self.sessions.iter().filter(|(_, s)| s.claims.tenant == tenant && s.claims.sees_desk());
            let agents: Vec<_> = agents.map(|(id, _)| *id).collect();
            if agents.is_empty() {
                continue;
            }
            let desk = ServerMessage::Desk(self.desk_of(&tenant, now.instant));
            for agent in agents {
                self.tell(agent, &desk);
            }
        }
    }

    /// Tells one agent at once: it has just come.
    pub(super) fn tell_desk(&mut self, now: Moment, tenant: &str, agent: ParticipantId) {
        let desk = self.desk_of(tenant, now.instant);
        self.tell(agent, &ServerMessage::Desk(desk));
    }

    /// Says the place in the queue again, to a shopper who may have missed it.
    pub(super) fn retell_position(&mut self, participant: ParticipantId) {
        let Some(session) = self.sessions.get(&participant).filter(|s| s.claims.role == Role::Shopper) else { return };
        let Some(room) = session.room.and_then(|room| self.rooms.get(&room)) else { return };
        let waiting = Waiting { position: room.position_told };
        self.tell(participant, &ServerMessage::Waiting(waiting));
    }

    fn tell_positions(&mut self, tenant: &str) {
        let places: BTreeMap<RoomId, u32> = self.queue(tenant).into_iter().zip(1..).collect();
        let rooms: Vec<RoomId> =
            self.rooms.values().filter(|room| room.key.tenant == tenant).map(|room| room.id).collect();
        for id in rooms {
            let position = places.get(&id).copied().unwrap_or(0);
            let Some(room) = self.rooms.get_mut(&id) else { continue };
            let is_news = std::mem::take(&mut room.position_is_news) && position > 0;
            if std::mem::replace(&mut room.position_told, position) == position && !is_news {
                continue;
            }
            let shoppers = room.present().filter(|(_, participant)| participant.role == Role::Shopper);
            for shopper in shoppers.map(|(id, _)| id).collect::<Vec<_>>() {
                self.tell(shopper, &ServerMessage::Waiting(Waiting { position }));
            }
        }
    }

    /// Waiting rooms of a tenant, longest wait first.
    fn queue(&self, tenant: &str) -> Vec<RoomId> {
        let mut waiting: Vec<&Room> =
            self.rooms.values().filter(|room| room.key.tenant == tenant && room.waits()).collect();
        waiting.sort_by_key(|room| (room.shopper().map(|shopper| shopper.since), room.id));
        waiting.into_iter().map(|room| room.id).collect()
    }

    fn desk_of(&self, tenant: &str, now: Instant) -> Desk {
        let with_shopper = |room: &&Room| room.key.tenant == tenant && room.shopper().is_some();
        let mut rooms: Vec<&Room> = self.rooms.values().filter(with_shopper).collect();
        rooms.sort_by_key(|room| (!room.waits(), room.shopper().map(|shopper| shopper.since), room.id));
        let rooms = rooms.into_iter().take(DESK_ROOMS_MAX).filter_map(|room| {
            let shopper = room.shopper()?;
            let waited = now.saturating_duration_since(shopper.since).as_secs();
            Some(DeskRoom {
                room: room.key.name.clone(),
                shopper: shopper.name.clone(),
                for_s: u32::try_from(waited).unwrap_or(u32::MAX),
                agents: room.agents().map(|agent| agent.name.clone()).collect(),
            })
        });
        Desk { rooms: rooms.collect() }
    }
}
