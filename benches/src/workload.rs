//! What is run against a server: rooms, who is in them, and what they send.

mod wishes;

pub(crate) use wishes::{Axis, Run, Wishes};

use crate::peers::{Leg, Purpose};
use crate::swarm::StreamPlan;
use crate::swarm::description::{Kind, Line};
use crate::swarm::shape::VideoRate;
use serde::Serialize;
use std::time::Duration;

/// Simulcast encodings and the part of the offered rate that each has.
const ENCODINGS: [(&str, f64); 3] = [("q", 0.12), ("h", 0.35), ("f", 1.0)];
const RIDS: [&str; 3] = ["q", "h", "f"];
/// The offered rate of pictures where none is given: 2 Mbit/s.
const VIDEO: VideoRate = VideoRate { packets: 250.0, bytes: 1_000 };
/// Steps from one publisher's place in the time of a frame to the next one's: the golden ratio spreads them evenly.
const PHASE_STEP: f64 = 0.618_033_988_75;

/// Rooms and what happens in them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) rooms: usize,
    pub(crate) publishers: usize,
    pub(crate) subscribers: usize,
    pub(crate) callers: usize,
    pub(crate) video: Option<VideoRate>,
    pub(crate) audio: bool,
    pub(crate) simulcast: bool,
    pub(crate) burst: usize,
    #[serde(skip)]
    pub(crate) duration: Duration,
    #[serde(skip)]
    pub(crate) warmup: Duration,
}

/// A leg and what its bot sends.
pub(crate) struct Seat {
    pub(crate) leg: Leg,
    pub(crate) streams: Vec<StreamPlan>,
    /// Streams that it receives.
    pub(crate) slots: usize,
}

impl Workload {
    /// With one value of a sweep.
    pub(crate) fn at(&self, axis: Axis, value: usize) -> Self {
        let mut workload = self.clone();
        match axis {
            Axis::Rooms => workload.rooms = value,
            Axis::Subscribers => workload.subscribers = value,
        }
        workload
    }

    /// Participants in all.
    pub(crate) fn participants(&self) -> usize {
        self.rooms * (self.publishers + self.subscribers + self.callers)
    }

    /// How many receive each stream.
    pub(crate) fn fanout(&self) -> usize {
        let senders_who_receive = usize::from(self.publishers == 0);
        self.subscribers + self.callers.saturating_sub(senders_who_receive)
    }

    /// Packets per second that should reach receivers.
    #[cfg(test)]
    fn offered(&self) -> f64 {
        let streams = self.video.map_or(0.0, |video| video.packets) + if self.audio { 50.0 } else { 0.0 };
        let senders = (self.publishers + self.callers) as f64;
        let receivers = self.publishers as f64 * (self.subscribers + self.callers) as f64
            + self.callers as f64 * (self.subscribers + self.callers.saturating_sub(1)) as f64;
        if senders == 0.0 { 0.0 } else { self.rooms as f64 * receivers * streams }
    }

    /// Everybody's seat. `run` makes names of rooms unique; `one_leg` says whether a call needs one transport only.
    pub(crate) fn seats(&self, run: &str, one_leg: bool) -> Vec<Seat> {
        let mut seats = Vec::new();
        for room in 0..self.rooms {
            self.seat_room(&format!("{run}-{room}"), room, one_leg, &mut seats);
        }
        // Who sends comes first: others can then subscribe to it.
        seats.sort_by_key(|seat| seat.leg.purpose);
        seats
    }

    fn seat_room(&self, room: &str, index: usize, one_leg: bool, seats: &mut Vec<Seat>) {
        let publishers: Vec<String> = (0..self.publishers).map(|n| format!("{room}-p{n}")).collect();
        let callers: Vec<String> = (0..self.callers).map(|n| format!("{room}-c{n}")).collect();
        let senders: Vec<&String> = publishers.iter().chain(&callers).collect();
        for (n, member) in senders.iter().enumerate() {
            let is_caller = n >= publishers.len();
            let others = self.callers - usize::from(is_caller);
            let phase = ((index * senders.len() + n) as f64 * PHASE_STEP).fract();
            let (mut lines, streams) = self.sending((self.subscribers + others) as u64, phase);
            let feeds: Vec<String> = senders.iter().filter(|other| *other != member).map(|m| (*m).clone()).collect();
            let leg =
                |purpose, lines, feeds| Leg { purpose, room: room.to_owned(), member: (*member).clone(), lines, feeds };
            if is_caller && one_leg {
                lines.extend(self.receiving(feeds.len()));
                let slots = self.kinds().len() * feeds.len();
                seats.push(Seat { leg: leg(Purpose::Call, lines, feeds), streams, slots });
            } else {
                seats.push(Seat { leg: leg(Purpose::Publish, lines, Vec::new()), streams, slots: 0 });
                if is_caller && !feeds.is_empty() {
                    seats.push(self.player(leg(Purpose::Play, Vec::new(), feeds)));
                }
            }
        }
        for n in 0..self.subscribers {
            let feeds = senders.iter().map(|member| (*member).clone()).collect();
            let member = format!("{room}-s{n}");
            let leg = Leg { purpose: Purpose::Play, room: room.to_owned(), member, lines: Vec::new(), feeds };
            seats.push(self.player(leg));
        }
    }

    fn player(&self, leg: Leg) -> Seat {
        let feeds = leg.feeds.len();
        let leg = Leg { lines: self.receiving(feeds), ..leg };
        Seat { leg, streams: Vec::new(), slots: self.kinds().len() * feeds }
    }

    fn kinds(&self) -> Vec<Kind> {
        let audio = self.audio.then_some(Kind::Audio);
        audio.into_iter().chain(self.video.map(|_| Kind::Video)).collect()
    }

    fn receiving(&self, feeds: usize) -> Vec<Line> {
        self.kinds().into_iter().flat_map(|kind| std::iter::repeat_n(Line::Receive(kind), feeds)).collect()
    }

    fn sending(&self, receivers: u64, phase: f64) -> (Vec<Line>, Vec<StreamPlan>) {
        let (mut lines, mut streams) = (Vec::new(), Vec::new());
        for (mid, kind) in self.kinds().into_iter().enumerate() {
            let simulcast = self.simulcast && kind == Kind::Video;
            let encodings: Vec<Option<(&'static str, f64)>> =
                if simulcast { ENCODINGS.map(Some).to_vec() } else { vec![None] };
            let rids: &'static [&'static str] = if simulcast { &RIDS } else { &[] };
            let first = streams.len();
            streams.extend(encodings.into_iter().map(|encoding| StreamPlan {
                kind,
                ssrc: rand::random::<u32>().max(1),
                mid,
                encoding,
                // Which encoding each receiver gets is the server's choice: what is expected is not known then.
                fanout: if simulcast { 0 } else { receivers },
                rate: self.video.unwrap_or(VIDEO),
                burst: self.burst,
                phase,
            }));
            lines.push(Line::Send { kind, ssrc: streams[first].ssrc, rids });
        }
        (lines, streams)
    }

    fn check(&self) -> Result<(), String> {
        let slots = (self.publishers + self.callers) * self.kinds().len();
        if self.subscribers + self.callers > 0 && slots > 32 {
            return Err(format!("{slots} streams for one receiver are too many: 32 fit, so use more rooms of fewer"));
        }
        if self.burst == 0 || self.burst > 40 {
            return Err("--burst must be 1 to 40".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(toml: &str) -> Result<(Workload, Run), String> {
        toml::from_str::<Wishes>(toml).map_err(|error| error.to_string())?.resolve()
    }

    #[test]
    fn a_broadcast_has_one_leg_for_each() {
        let (alone, _) = resolve("subscribers = 3").unwrap();
        assert_eq!((alone.publishers, alone.subscribers), (1, 3));
        let (workload, run) = resolve("publishers = 1\nsubscribers = 100\naudio = true").unwrap();
        assert_eq!(run, Run::Steady);
        let seats = workload.seats("run", true);
        assert_eq!(seats.len(), 101);
        assert_eq!((seats[0].leg.purpose, seats[0].streams.len(), seats[0].slots), (Purpose::Publish, 2, 0));
        assert!(seats[0].streams.iter().all(|stream| stream.fanout == 100));
        assert_eq!(
            (seats[1].leg.lines.len(), seats[1].slots, &seats[1].leg.feeds[..]),
            (2, 2, &["run-0-p0".to_owned()][..])
        );
        assert_eq!(workload.offered(), 100.0 * 300.0);
    }

    #[test]
    fn callers_take_one_leg_or_two() {
        let (workload, _) = resolve("rooms = 3\ncallers = 2").unwrap();
        assert_eq!(workload.offered(), 3.0 * 2.0 * 250.0);
        let one = workload.seats("run", true);
        assert_eq!(one.len(), 6);
        assert!(
            one.iter().all(|seat| seat.leg.purpose == Purpose::Call && seat.leg.lines.len() == 2 && seat.slots == 1)
        );
        let two = workload.seats("run", false);
        assert_eq!(two.len(), 12);
        assert!(two[..6].iter().all(|seat| seat.leg.purpose == Purpose::Publish && seat.streams[0].fanout == 1));
        assert!(two[6..].iter().all(|seat| seat.leg.purpose == Purpose::Play && seat.leg.feeds.len() == 1));
    }

    #[test]
    fn simulcast_sends_three_encodings_on_one_line() {
        let (workload, _) = resolve("simulcast = true").unwrap();
        let seats = workload.seats("run", true);
        assert_eq!((seats[0].leg.lines.len(), seats[0].streams.len()), (1, 3));
    }
}
