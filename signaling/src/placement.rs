//! Which workers carry a room, and which of them carries whom.
//!
//! A room begins on one worker, its home. When it has grown, newcomers go to satellites of it on other workers, so that
//! one room may use all cores. Decides by numbers only; the load of the workers is asked of whoever knows.

use std::collections::BTreeMap;
use tillside_sfu::id::{ParticipantId, RoomId, WorkerId};

/// Participants of a room on each of its workers before it takes another worker. A hundred watch one picture of
/// 2.5 Mbit/s at about a tenth of a core: less is not worth a second copy of what is published.
pub const SATELLITE_FROM: usize = 100;

/// See the module.
#[derive(Debug, Default)]
pub struct Placement {
    rooms: BTreeMap<RoomId, Spread>,
    participants: BTreeMap<ParticipantId, (RoomId, WorkerId)>,
}

/// The workers of one room.
#[derive(Debug)]
struct Spread {
    home: WorkerId,
    /// Participants at home.
    at_home: usize,
    /// Satellites with their participants; there are no empty ones.
    satellites: BTreeMap<WorkerId, usize>,
}

/// Where a newcomer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The worker.
    pub worker: WorkerId,
    /// The room's home, where that is another worker.
    pub home: Option<WorkerId>,
}

impl Placement {
    /// Finds a seat in the room. `least_loaded` knows which of the workers that a predicate allows has the least to do.
    ///
    /// # Panics
    /// When there is no worker at all.
    pub fn seat(
        &mut self,
        room: RoomId,
        participant: ParticipantId,
        least_loaded: impl Fn(&dyn Fn(WorkerId) -> bool) -> Option<WorkerId>,
    ) -> Seat {
        let spread = self.rooms.entry(room).or_insert_with(|| {
            let home = least_loaded(&|_| true).expect("a node has a worker");
            Spread { home, at_home: 0, satellites: BTreeMap::new() }
        });
        let (count, emptiest) = spread.emptiest();
        let another = || least_loaded(&|worker| spread.count(worker).is_none());
        let worker = if count < SATELLITE_FROM { emptiest } else { another().unwrap_or(emptiest) };
        if worker == spread.home {
            spread.at_home += 1;
        } else {
            *spread.satellites.entry(worker).or_default() += 1;
        }
        self.participants.insert(participant, (room, worker));
        Seat { worker, home: (worker != spread.home).then_some(spread.home) }
    }

    /// The worker that carries a participant.
    #[must_use]
    pub fn worker_of(&self, participant: ParticipantId) -> Option<WorkerId> {
        self.participants.get(&participant).map(|(_, worker)| *worker)
    }

    /// The workers that carry a room, its home first.
    #[must_use]
    pub fn workers_of(&self, room: RoomId) -> Vec<WorkerId> {
        let Some(spread) = self.rooms.get(&room) else { return Vec::new() };
        std::iter::once(spread.home).chain(spread.satellites.keys().copied()).collect()
    }

    /// A participant has left, or did not get in.
    pub fn leave(&mut self, participant: ParticipantId) {
        let Some((room, worker)) = self.participants.remove(&participant) else { return };
        let Some(spread) = self.rooms.get_mut(&room) else { return };
        if worker == spread.home {
            spread.at_home -= 1;
        } else if let Some(count) = spread.satellites.get_mut(&worker) {
            *count -= 1;
            if *count == 0 {
                spread.satellites.remove(&worker);
            }
        }
    }

    /// A room is over. Its participants are still known until they have left.
    pub fn end(&mut self, room: RoomId) {
        self.rooms.remove(&room);
    }
}

impl Spread {
    /// The worker with the fewest participants of the room, and how many. Among equals the home, then the first.
    fn emptiest(&self) -> (usize, WorkerId) {
        let satellites = self.satellites.iter().map(|(worker, count)| (*count, *worker));
        std::iter::once((self.at_home, self.home))
            .chain(satellites)
            .min_by_key(|(count, _)| *count)
            .expect("there is a home")
    }

    /// Participants on a worker; `None`: it does not carry the room.
    fn count(&self, worker: WorkerId) -> Option<usize> {
        if worker == self.home { Some(self.at_home) } else { self.satellites.get(&worker).copied() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId(1);

    /// Seats a newcomer where workers have the loads of `loads`.
    fn seat(placement: &mut Placement, number: u64, loads: &[u32]) -> Seat {
        placement.seat(ROOM, ParticipantId(number), |may| {
            let workers = (0..).map(WorkerId).zip(loads).filter(|(worker, _)| may(*worker));
            workers.min_by_key(|(_, load)| **load).map(|(worker, _)| worker)
        })
    }

    /// Seats so many, from 1 on; tells how many of them each worker got.
    fn fill(count: u64, loads: &[u32]) -> (Placement, Vec<usize>) {
        let mut placement = Placement::default();
        let mut seated = vec![0; loads.len()];
        for number in 1..=count {
            seated[usize::from(seat(&mut placement, number, loads).worker.0)] += 1;
        }
        (placement, seated)
    }

    #[test]
    fn a_small_room_stays_on_the_worker_with_the_least_load() {
        let (placement, seated) = fill(SATELLITE_FROM as u64, &[5, 3, 9]);
        assert_eq!(seated, [0, SATELLITE_FROM, 0]);
        assert_eq!(placement.workers_of(ROOM), [WorkerId(1)]);
    }

    #[test]
    fn a_growing_room_fills_one_worker_after_the_other_then_all_alike() {
        let (mut placement, seated) = fill(SATELLITE_FROM as u64 + 1, &[5, 3, 9]);
        assert_eq!(seated, [1, SATELLITE_FROM, 0]);
        assert_eq!(seat(&mut placement, 1_000, &[5, 3, 9]), Seat { worker: WorkerId(0), home: Some(WorkerId(1)) });
        assert_eq!(fill(2 * SATELLITE_FROM as u64, &[5, 3, 9]).1, [SATELLITE_FROM, SATELLITE_FROM, 0]);
        assert_eq!(fill(1_000, &[0, 0]).1, [500, 500]);
        assert_eq!(fill(1_001, &[0]).1, [1_001], "where there is no other worker");
    }

    #[test]
    fn a_satellite_that_everybody_left_is_none_any_more() {
        let (mut placement, _) = fill(SATELLITE_FROM as u64 + 1, &[0, 0]);
        let last = ParticipantId(SATELLITE_FROM as u64 + 1);
        assert_eq!((placement.worker_of(last), placement.workers_of(ROOM).len()), (Some(WorkerId(1)), 2));
        placement.leave(last);
        placement.leave(last);
        assert_eq!((placement.worker_of(last), placement.workers_of(ROOM)), (None, vec![WorkerId(0)]));
        placement.leave(ParticipantId(1));
        assert_eq!(seat(&mut placement, 500, &[0, 0]).home, None, "there is a seat at home again");
    }

    #[test]
    fn who_leaves_after_the_end_of_a_room_is_forgotten_too() {
        let (mut placement, _) = fill(2, &[0]);
        placement.end(ROOM);
        assert_eq!(placement.worker_of(ParticipantId(1)), Some(WorkerId(0)));
        (1..=2).for_each(|number| placement.leave(ParticipantId(number)));
        assert!(placement.participants.is_empty() && placement.rooms.is_empty());
    }
}
