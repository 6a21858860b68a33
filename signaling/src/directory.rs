//! Which rooms there are, on which workers, and how they look: for the HTTP side, which need not ask the owner.
//!
//! Written by the switchboard only, from what the signaling core says; everybody else reads. A reader may be a moment
//! behind, never wrong about the past.

use crate::signaling::{RoomKey, RoomSummary};
use dashmap::DashMap;
use tillside_sfu::id::WorkerId;

/// See the module.
#[derive(Debug, Default)]
pub struct Directory {
    rooms: DashMap<RoomKey, Entry>,
}

/// A room in the directory.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// The room's name within its tenant.
    pub room: String,
    /// The worker that is home to its media; `None` until somebody has entered.
    pub worker: Option<u8>,
    /// Other workers that carry some of its participants.
    pub satellites: Vec<u8>,
    /// How it looks.
    #[serde(flatten)]
    pub summary: RoomSummary,
}

impl Directory {
    /// A room by its name.
    #[must_use]
    pub fn find(&self, key: &RoomKey) -> Option<Entry> {
        self.rooms.get(key).map(|entry| entry.clone())
    }

    /// All rooms of a tenant, by name.
    #[must_use]
    pub fn of_tenant(&self, tenant: &str) -> Vec<Entry> {
        let of_tenant = self.rooms.iter().filter(|entry| entry.key().tenant == tenant);
        let mut entries: Vec<Entry> = of_tenant.map(|entry| entry.value().clone()).collect();
        entries.sort_by(|a, b| a.room.cmp(&b.room));
        entries
    }

    /// `workers` are those that carry it, its home first.
    pub(crate) fn update(&self, key: RoomKey, workers: &[WorkerId], summary: Option<RoomSummary>) {
        match summary {
            Some(summary) => {
                let mut workers = workers.iter().map(|worker| worker.0);
                let worker = workers.next();
                let entry = Entry { room: key.name.clone(), worker, satellites: workers.collect(), summary };
                self.rooms.insert(key, entry);
            }
            None => {
                self.rooms.remove(&key);
            }
        }
    }
}
