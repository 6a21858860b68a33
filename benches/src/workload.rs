//! What is run against a server: rooms, who is in them, and what they send. From flags, or from a TOML file.

use crate::peers::{Leg, Purpose};
use crate::swarm::StreamPlan;
use crate::swarm::description::{Kind, Line};
use crate::swarm::shape::VideoRate;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Simulcast encodings and the part of the offered rate that each has.
const ENCODINGS: [(&str, f64); 3] = [("q", 0.12), ("h", 0.35), ("f", 1.0)];
const RIDS: [&str; 3] = ["q", "h", "f"];
/// Packets of a burst: what a browser's pacer lets out at once.
const BURST: usize = 4;
/// The offered rate of pictures where none is given: 2 Mbit/s.
const VIDEO: VideoRate = VideoRate { packets: 250.0, bytes: 1_000 };
/// Steps from one publisher's place in the time of a frame to the next one's: the golden ratio spreads them evenly.
const PHASE_STEP: f64 = 0.618_033_988_75;

/// What a user asked for. A flag beats the file.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Wishes {
    /// What the run is called in reports
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Rooms
    #[arg(long)]
    pub(crate) rooms: Option<usize>,
    /// Participants of each room that only send
    #[arg(long)]
    pub(crate) publishers: Option<usize>,
    /// Participants of each room that only receive, everybody who sends
    #[arg(long)]
    pub(crate) subscribers: Option<usize>,
    /// Participants of each room that send, and receive all others
    #[arg(long)]
    pub(crate) callers: Option<usize>,
    /// Pictures of each who sends: packets per second and bytes of each, such as 250x1000; `none`: no pictures
    #[arg(long, value_name = "PPSxBYTES")]
    pub(crate) video: Option<String>,
    /// Sound of each who sends: 50 packets a second of 80 bytes
    #[arg(long)]
    pub(crate) audio: bool,
    /// Pictures in three encodings
    #[arg(long)]
    pub(crate) simulcast: bool,
    /// Packets that leave a publisher at once
    #[arg(long)]
    pub(crate) burst: Option<usize>,
    /// How long is measured, such as 10s or 5m
    #[arg(long)]
    pub(crate) duration: Option<String>,
    /// How long everything runs before it is measured
    #[arg(long)]
    pub(crate) warmup: Option<String>,
    /// Join storm: this many participants join, evenly spread over `--over`, while the rooms run
    #[arg(long)]
    pub(crate) joins: Option<usize>,
    /// See `--joins`
    #[arg(long)]
    pub(crate) over: Option<String>,
    /// Memory: this many participants join and send nothing
    #[arg(long)]
    pub(crate) idle: Option<usize>,
    /// Joins and leaves for so long while the rooms run, such as 30m
    #[arg(long)]
    pub(crate) churn: Option<String>,
    /// Joins per second of a churn; each participant stays for about five seconds
    #[arg(long)]
    pub(crate) churn_rate: Option<f64>,
    /// Raises the offered rate of pictures until packets are lost or late
    #[arg(long)]
    pub(crate) capacity: bool,
    /// Runs once for each value: `rooms=1,10,100` or `subscribers=1,10,100`
    #[arg(long)]
    pub(crate) sweep: Option<String>,
}

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

/// What kind of run it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Run {
    /// Measures a steady state.
    Steady,
    /// See [`Wishes::joins`].
    Storm { joins: usize, over: Duration },
    /// See [`Wishes::idle`].
    Idle(usize),
    /// See [`Wishes::churn`].
    Churn { duration: Duration, rate: f64 },
    /// See [`Wishes::capacity`].
    Capacity,
    /// See [`Wishes::sweep`].
    Sweep { over: Axis, values: Vec<usize> },
}

/// What a sweep varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Axis {
    Rooms,
    Subscribers,
}

/// A leg and what its bot sends.
pub(crate) struct Seat {
    pub(crate) leg: Leg,
    pub(crate) streams: Vec<StreamPlan>,
    /// Streams that it receives.
    pub(crate) slots: usize,
}

impl Wishes {
    /// Reads a scenario.
    ///
    /// # Errors
    /// A sentence with the place of the mistake.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let mut wishes: Self =
            toml::from_str(&text).map_err(|error| format!("{}: {}", path.display(), error.to_string().trim()))?;
        if wishes.name.is_none() {
            wishes.name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        }
        Ok(wishes)
    }

    /// The flags, completed by a scenario if one is given.
    ///
    /// # Errors
    /// The scenario cannot be read.
    pub(crate) fn with(self, scenario: Option<&PathBuf>) -> Result<Self, String> {
        let Some(path) = scenario else { return Ok(self) };
        let file = Self::read(path)?;
        Ok(Self {
            name: self.name.or(file.name),
            rooms: self.rooms.or(file.rooms),
            publishers: self.publishers.or(file.publishers),
            subscribers: self.subscribers.or(file.subscribers),
            callers: self.callers.or(file.callers),
            video: self.video.or(file.video),
            audio: self.audio || file.audio,
            simulcast: self.simulcast || file.simulcast,
            burst: self.burst.or(file.burst),
            duration: self.duration.or(file.duration),
            warmup: self.warmup.or(file.warmup),
            joins: self.joins.or(file.joins),
            over: self.over.or(file.over),
            idle: self.idle.or(file.idle),
            churn: self.churn.or(file.churn),
            churn_rate: self.churn_rate.or(file.churn_rate),
            capacity: self.capacity || file.capacity,
            sweep: self.sweep.or(file.sweep),
        })
    }

    /// What to do and with what.
    ///
    /// # Errors
    /// A value that cannot be used.
    pub(crate) fn resolve(&self) -> Result<(Workload, Run), String> {
        let run = self.run()?;
        // Alone, `--idle` brings its own participants; everything else needs somebody who sends and somebody who receives.
        let brings_own = matches!(run, Run::Idle(_));
        let publishers = usize::from(self.callers.is_none() && !brings_own);
        let subscribers = if self.publishers.or(self.callers).is_none() && !brings_own { 10 } else { 0 };
        let video = match self.video.as_deref() {
            None => Some(VIDEO),
            Some("none") => None,
            Some(rate) => Some(rate.parse()?),
        };
        let seconds = |text: &Option<String>, default| text.as_deref().map_or(Ok(default), duration);
        let workload = Workload {
            name: self.name.clone().unwrap_or_else(|| "load".to_owned()),
            rooms: self.rooms.unwrap_or(1),
            publishers: self.publishers.unwrap_or(publishers),
            subscribers: self.subscribers.unwrap_or(subscribers),
            callers: self.callers.unwrap_or(0),
            audio: self.audio || video.is_none(),
            video,
            simulcast: self.simulcast,
            burst: self.burst.unwrap_or(BURST),
            duration: seconds(&self.duration, Duration::from_secs(10))?,
            warmup: seconds(&self.warmup, Duration::from_secs(2))?,
        };
        workload.check()?;
        Ok((workload, run))
    }

    fn run(&self) -> Result<Run, String> {
        let over = self.over.as_deref().map_or(Ok(Duration::from_secs(10)), duration)?;
        let mut runs = Vec::new();
        runs.extend(self.joins.map(|joins| Run::Storm { joins, over }));
        runs.extend(self.idle.map(Run::Idle));
        if let Some(churn) = &self.churn {
            runs.push(Run::Churn { duration: duration(churn)?, rate: self.churn_rate.unwrap_or(20.0).max(0.1) });
        }
        if self.capacity {
            runs.push(Run::Capacity);
        }
        if let Some(sweep) = &self.sweep {
            runs.push(sweep_of(sweep)?);
        }
        match runs.len() {
            0 => Ok(Run::Steady),
            1 => Ok(runs.remove(0)),
            _ => Err("--joins, --idle, --churn, --capacity and --sweep are different runs: choose one".to_owned()),
        }
    }
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

/// `10s`, `5m`, `1h`, `500ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_s = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(format!("{text:?} is no time: expected such as 10s, 5m or 500ms")),
    };
    let number: f64 = number.parse().map_err(|_| format!("{text:?} is no time: expected such as 10s, 5m or 500ms"))?;
    Ok(Duration::from_secs_f64((number * unit_s).clamp(0.0, 7.0 * 86_400.0)))
}

fn sweep_of(text: &str) -> Result<Run, String> {
    let wrong = || format!("{text:?} is no sweep: expected rooms=1,10,100 or subscribers=1,10,100");
    let (axis, values) = text.split_once('=').ok_or_else(wrong)?;
    let over = match axis {
        "rooms" => Axis::Rooms,
        "subscribers" => Axis::Subscribers,
        _ => return Err(wrong()),
    };
    let values: Result<Vec<usize>, _> = values.split(',').map(str::parse).collect();
    let values = values.ok().filter(|values| !values.is_empty() && !values.contains(&0)).ok_or_else(wrong)?;
    Ok(Run::Sweep { over, values })
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

    #[test]
    fn every_scenario_of_this_folder_can_be_used() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            Wishes::read(&path).unwrap().resolve().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            count += 1;
        }
        assert!(count >= 6);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (toml, word) in [
            ("roms = 1", "roms"),
            ("video = \"fast\"", "PACKETSxBYTES"),
            ("duration = \"10 parsec\"", "10s"),
            ("sweep = \"rooms\"", "rooms=1,10,100"),
            ("idle = 3\ncapacity = true", "choose one"),
            ("callers = 40", "32"),
        ] {
            let error = resolve(toml).unwrap_err();
            assert!(error.contains(word), "{toml}: {error}");
        }
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
    }
}
