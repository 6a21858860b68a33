//! Whose datagram is this: exact 5-tuples for what flows, ICE user name fragments for who knocks.
//!
//! A 5-tuple enters only after an authenticated STUN check came from it, and only a 5-tuple that is in the table gets
//! DTLS, SRTP or SRTCP past this point (SEC-01, SEC-02, media traps H2 and H4).

use crate::sends::NetPath;
use hashbrown::HashMap;

/// Index of a room in its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RoomKey(pub(crate) usize);

/// Index of a participant in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ParticipantKey(pub(crate) usize);

/// Where a participant lives on this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) room: RoomKey,
    pub(crate) participant: ParticipantKey,
}

/// The tables. Looked up, and never iterated where order could matter. Both are bounded by the participants of a worker:
/// a participant has few paths and user name fragments.
#[derive(Default)]
pub(crate) struct Demux {
    paths: HashMap<NetPath, Place>,
    ufrags: HashMap<Box<str>, Place>,
    /// What was found last: the packets of a frame come one behind the other.
    latest: Option<(NetPath, Place)>,
}

impl Demux {
    /// Who sends on this exact 5-tuple.
    #[inline]
    pub(crate) fn by_path(&mut self, path: NetPath) -> Option<Place> {
        if let Some((latest, place)) = self.latest
            && latest == path
        {
            return Some(place);
        }
        let place = *self.paths.get(&path)?;
        self.latest = Some((path, place));
        Some(place)
    }

    /// Who was given this user name fragment.
    pub(crate) fn by_ufrag(&self, ufrag: &str) -> Option<Place> {
        self.ufrags.get(ufrag).copied()
    }

    /// A path was validated. A path that moves from one participant to another (a reload behind the same NAT port)
    /// belongs to whoever proved it last.
    pub(crate) fn add_path(&mut self, path: NetPath, place: Place) {
        self.latest = None;
        self.paths.insert(path, place);
    }

    /// Forgets a path, if it is still `place`'s.
    pub(crate) fn remove_path(&mut self, path: NetPath, place: Place) {
        if self.by_path(path) == Some(place) {
            self.latest = None;
            self.paths.remove(&path);
        }
    }

    /// Gives a participant a user name fragment.
    pub(crate) fn add_ufrag(&mut self, ufrag: &str, place: Place) {
        self.ufrags.insert(ufrag.into(), place);
    }

    /// Takes a user name fragment back.
    pub(crate) fn remove_ufrag(&mut self, ufrag: &str) {
        self.ufrags.remove(ufrag);
    }

    /// Forgets all that leads to a room that failed.
    pub(crate) fn remove_room(&mut self, room: RoomKey) {
        self.latest = None;
        self.paths.retain(|_, place| place.room != room);
        self.ufrags.retain(|_, place| place.room != room);
    }

    /// Paths and user name fragments in the tables, for leak checks.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.paths.len(), self.ufrags.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(room: usize) -> Place {
        Place { room: RoomKey(room), participant: ParticipantKey(0) }
    }

    #[test]
    fn a_path_belongs_to_whoever_proved_it_last() {
        let path = NetPath::udp(([10, 0, 0, 1], 9).into());
        let mut demux = Demux::default();
        demux.add_path(path, place(1));
        demux.add_path(path, place(2));
        demux.remove_path(path, place(1));
        assert_eq!(demux.by_path(path), Some(place(2)));
        demux.remove_path(path, place(2));
        assert_eq!((demux.by_path(path), demux.sizes()), (None, (0, 0)));
        demux.add_path(path, place(3));
        assert_eq!(demux.by_path(path), Some(place(3)));
        demux.remove_room(RoomKey(3));
        assert_eq!(demux.by_path(path), None);
    }

    #[test]
    fn trap_h4_neighbouring_tuples_are_different_participants() {
        let mut demux = Demux::default();
        for port in 1..2000 {
            demux.add_path(NetPath::udp(([10, 0, 0, 1], port).into()), place(usize::from(port)));
        }
        for port in 1..2000 {
            assert_eq!(demux.by_path(NetPath::udp(([10, 0, 0, 1], port).into())), Some(place(usize::from(port))));
        }
    }
}
