//! What a user asked for: flags, or a TOML file, or both; and what comes of it.

use super::{VIDEO, Workload};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Packets of a burst: what a browser's pacer lets out at once.
const BURST: usize = 4;

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
    /// Compares one media worker with so many, by turns: what each carries per packet
    #[arg(long, value_name = "WORKERS")]
    pub(crate) scale: Option<usize>,
    /// Runs once for each value: `rooms=1,10,100` or `subscribers=1,10,100`
    #[arg(long)]
    pub(crate) sweep: Option<String>,
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
    /// See [`Wishes::scale`].
    Scale(usize),
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
            scale: self.scale.or(file.scale),
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
        runs.extend(self.scale.map(|workers| Run::Scale(workers.max(2))));
        if let Some(sweep) = &self.sweep {
            runs.push(sweep_of(sweep)?);
        }
        match runs.len() {
            0 => Ok(Run::Steady),
            1 => Ok(runs.remove(0)),
            _ => {
                Err("--joins, --idle, --churn, --capacity, --scale and --sweep are different runs: choose one"
                    .to_owned())
            }
        }
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
