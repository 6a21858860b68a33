//! What a run found: one row of a report, for people and for programs.

use crate::swarm::Totals;
use crate::workload::Workload;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Above this the driver may be the one that is slow.
const DRIVER_BUSY_MAX: f64 = 0.80;
/// More cores than this taken by others, of those that server and driver run on, and the figures are not theirs alone.
const OTHERS_CORES_MAX: f64 = 0.15;
/// Least share of the offered packets that must arrive.
const DELIVERED_MIN: f64 = 0.999;
/// Quantiles of the delay distribution in reports.
const QUANTILES: [f64; 16] =
    [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999];

/// One run against one server. Fields that a kind of run does not measure are left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) target: String,
    /// What was run: participants, rates.
    pub(crate) workload: String,
    pub(crate) participants: usize,
    /// ICE and DTLS associations.
    pub(crate) transports: usize,
    /// Seconds measured.
    pub(crate) seconds: f64,
    /// Packets per second that receivers should have got, and got.
    pub(crate) offered_per_s: f64,
    pub(crate) packets_per_s: f64,
    /// Received, per second of the server's CPU time.
    pub(crate) packets_per_cpu_s: f64,
    pub(crate) mbit_per_cpu_s: f64,
    /// Seconds of the server's CPU for a million packets received.
    pub(crate) cpu_s_per_million: f64,
    /// Cores that the server kept busy.
    pub(crate) server_cores: f64,
    /// The cores that it may run on, as the kernel lists them; empty where it cannot be watched.
    pub(crate) server_runs_on: String,
    /// Cores that others kept busy, of those that server and driver run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) others_cores: Option<f64>,
    /// Cores of those that the host of this virtual machine took away. Packets wait meanwhile: delays are the host's then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stolen_cores: Option<f64>,
    pub(crate) delay_ms: Spread,
    pub(crate) loss: f64,
    /// Join to first packet.
    pub(crate) join_ms: Spread,
    /// Join to media keys.
    pub(crate) connect_ms: Spread,
    /// Join to first keyframe.
    pub(crate) keyframe_ms: Spread,
    /// The negotiated SRTP profile, or several with their counts.
    pub(crate) srtp: String,
    pub(crate) rss_mib: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rss_per_participant_kib: Option<f64>,
    pub(crate) threads: u64,
    pub(crate) descriptors: u64,
    /// Share of its core that the driver was busy.
    pub(crate) driver_busy: f64,
    /// Why the driver may have been slower than the server, if it may.
    #[serde(skip)]
    pub(crate) driver_limit: Option<String>,
    pub(crate) valid: bool,
    pub(crate) invalid_because: Vec<String>,
    /// Figures of one kind of run only.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty", default)]
    pub(crate) extra: serde_json::Map<String, serde_json::Value>,
    /// What was received and used in each second.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) timeline: Vec<Second>,
    /// Quantiles of the delay, in milliseconds.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) delay_distribution: Vec<(f64, f64)>,
}

/// A distribution, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// One second of a run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Second {
    /// Since the beginning.
    pub(crate) at: f64,
    pub(crate) packets_per_s: f64,
    pub(crate) server_cores: f64,
    pub(crate) driver_busy: f64,
}

/// What was read around a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    pub(crate) seconds: f64,
    /// `None` where the server cannot be watched.
    pub(crate) server_cpu_s: Option<f64>,
    pub(crate) driver_cpu_s: f64,
    pub(crate) driver_threads: usize,
    /// See [`Row::others_cores`].
    pub(crate) others_cores: Option<f64>,
    /// See [`Row::stolen_cores`].
    pub(crate) stolen_cores: Option<f64>,
    pub(crate) receive_buffer_errors: u64,
    pub(crate) usage: crate::server::Usage,
}

impl Row {
    /// From what swarm and system have counted.
    pub(crate) fn new(workload: &Workload, target: &str, totals: &Totals, around: &Around) -> Self {
        let per_second = |count: u64| if around.seconds > 0.0 { count as f64 / around.seconds } else { 0.0 };
        let cpu_s = around.server_cpu_s.unwrap_or(0.0);
        let per_cpu = |count: f64| if cpu_s > 0.0 { count / cpu_s } else { 0.0 };
        let mut row = Self {
            scenario: workload.name.clone(),
            target: target.to_owned(),
            workload: workload.describe(),
            participants: workload.participants(),
            transports: totals.bots,
            seconds: around.seconds,
            offered_per_s: per_second(totals.expected),
            packets_per_s: per_second(totals.received),
            packets_per_cpu_s: per_cpu(totals.received as f64),
            mbit_per_cpu_s: per_cpu(totals.received_bytes as f64 * 8.0 / 1e6),
            cpu_s_per_million: if totals.received > 0 { cpu_s / totals.received as f64 * 1e6 } else { 0.0 },
            server_cores: if around.seconds > 0.0 { cpu_s / around.seconds } else { 0.0 },
            others_cores: around.others_cores,
            stolen_cores: around.stolen_cores,
            delay_ms: Spread::of_delay(&totals.delay),
            loss: totals.loss(),
            join_ms: Spread::of(&totals.playing_ms),
            connect_ms: Spread::of(&totals.connected_ms),
            keyframe_ms: Spread::of(&totals.keyframe_ms),
            srtp: profiles(totals),
            rss_mib: around.usage.rss_bytes as f64 / f64::from(1 << 20),
            threads: around.usage.threads,
            descriptors: around.usage.descriptors,
            driver_busy: around.driver_cpu_s / around.seconds.max(1e-9) / around.driver_threads.max(1) as f64,
            delay_distribution: distribution(&totals.delay),
            ..Self::default()
        };
        if totals.stale > 0 {
            row.note("packets_of_before_left_out", totals.stale);
        }
        row.judge(totals, around);
        row
    }

    /// Says whether the run counts.
    fn judge(&mut self, totals: &Totals, around: &Around) {
        let why = &mut self.invalid_because;
        if self.driver_busy > DRIVER_BUSY_MAX {
            self.driver_limit = Some(format!(
                "the driver was busy for {:.0} % of its core (at most {:.0} % count): it may be what is slow",
                self.driver_busy * 100.0,
                DRIVER_BUSY_MAX * 100.0
            ));
        } else if totals.skipped > totals.sent / 1_000 {
            self.driver_limit = Some(format!("the driver was late and left out {} packets", totals.skipped));
        }
        why.extend(self.driver_limit.clone());
        if let Some(others) = self.others_cores.filter(|others| *others > OTHERS_CORES_MAX) {
            why.push(format!("other programs took {others:.2} cores of those that server and driver run on"));
        }
        if totals.expected > 0 && totals.received > totals.expected {
            why.push(format!(
                "{} packets more arrived than were sent to receivers: some were counted twice or are of another run",
                totals.received - totals.expected
            ));
        }
        if self.loss > 1.0 - DELIVERED_MIN {
            why.push(format!("only {:.3} % arrived", (1.0 - self.loss) * 100.0));
        }
        if around.receive_buffer_errors > 0 {
            why.push(format!("{} datagrams found a receive buffer full", around.receive_buffer_errors));
        }
        if totals.unauthentic > 0 {
            why.push(format!("{} packets were not authentic", totals.unauthentic));
        }
        if totals.profiles.len() > 1 {
            why.push("transports have different SRTP profiles".to_owned());
        }
        why.extend(totals.failures.iter().map(|(why, bots)| format!("{bots} × {why}")));
        self.valid = why.is_empty();
    }

    /// Marks the row as one that does not count.
    pub(crate) fn invalidate(&mut self, why: String) {
        self.valid = false;
        self.invalid_because.push(why);
    }

    /// For a run that offers more than the server carries: loss is the finding, and only a slow driver spoils it.
    pub(crate) fn count_despite_loss(&mut self) {
        self.invalid_because = self.driver_limit.clone().into_iter().collect();
        self.valid = self.invalid_because.is_empty();
    }

    /// Adds a figure of this kind of run only.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        self.extra.insert(name.to_owned(), value.into());
    }

    /// For people: a table of the figures, a line for each.
    pub(crate) fn print(&self) {
        println!("\n{} · {} · {}", self.scenario, self.target, self.workload);
        let line = |name: &str, value: String| println!("  {name:<22} {value}");
        line("received", format!("{:.0} of {:.0} packets/s", self.packets_per_s, self.offered_per_s));
        line("loss", format!("{:.4} %", self.loss * 100.0));
        if self.packets_per_cpu_s > 0.0 {
            line(
                "per server CPU second",
                format!(
                    "{:.0} packets, {:.0} Mbit ({:.2} s per million packets, {:.2} cores)",
                    self.packets_per_cpu_s, self.mbit_per_cpu_s, self.cpu_s_per_million, self.server_cores
                ),
            );
            line(
                "server",
                format!("{:.1} MiB, {} threads, {} descriptors", self.rss_mib, self.threads, self.descriptors),
            );
        }
        let Spread { p50, p99, p999, .. } = self.delay_ms;
        line("one-way delay", format!("p50 {p50:.3} · p99 {p99:.3} · p99.9 {p999:.3} ms"));
        for (name, spread) in [
            ("join → keys", self.connect_ms),
            ("join → first packet", self.join_ms),
            ("join → first keyframe", self.keyframe_ms),
        ] {
            if spread.max > 0.0 {
                line(name, format!("p50 {:.0} · p95 {:.0} · max {:.0} ms", spread.p50, spread.p95, spread.max));
            }
        }
        for (name, value) in &self.extra {
            if !value.is_array() && !value.is_object() {
                line(
                    &name.replace('_', " "),
                    value.as_f64().map_or(value.to_string(), |number| format!("{number:.4}")),
                );
            }
        }
        line("SRTP", self.srtp.clone());
        line("driver", format!("{:.0} % of its core", self.driver_busy * 100.0));
        if let Some(others) = self.others_cores {
            line("others on these cores", format!("{others:.2} cores (server on {})", self.server_runs_on));
        }
        if let Some(stolen) = self.stolen_cores {
            line("taken by the host", format!("{stolen:.2} cores: packets wait meanwhile"));
        }
        match self.valid {
            true => line("valid", "yes".to_owned()),
            false => line("NOT VALID", self.invalid_because.join("; ")),
        }
    }
}

impl Spread {
    /// Of single values.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |quantile: f64| {
            let index = (sorted.len() as f64 * quantile).ceil() as usize;
            sorted.get(index.saturating_sub(1)).copied().unwrap_or(0.0)
        };
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }

    fn of_delay(delay: &Histogram<u64>) -> Self {
        let at = |quantile: f64| delay.value_at_quantile(quantile) as f64 / 1e6;
        if delay.is_empty() {
            return Self::default();
        }
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }
}

impl Workload {
    /// In words.
    pub(crate) fn describe(&self) -> String {
        let mut parts = vec![format!("{} room{}", self.rooms, if self.rooms == 1 { "" } else { "s" })];
        match (self.publishers, self.subscribers, self.callers) {
            (0, 0, 0) => {}
            (0, 0, callers) => parts.push(format!("{callers} callers")),
            (publishers, subscribers, 0) => parts.push(format!("{publishers} → {subscribers}")),
            (publishers, subscribers, callers) => {
                parts.push(format!("{publishers} → {subscribers} and {callers} callers"));
            }
        }
        if let Some(video) = self.video {
            let simulcast = if self.simulcast { " simulcast" } else { "" };
            parts.push(format!("video {:.0} × {} B{simulcast}, bursts of {}", video.packets, video.bytes, self.burst));
        }
        if self.audio {
            parts.push("audio 50 × 80 B".to_owned());
        }
        parts.join(", ")
    }
}

fn profiles(totals: &Totals) -> String {
    match totals.profiles.len() {
        0 => "none".to_owned(),
        1 => totals.profiles.keys().next().cloned().unwrap_or_default(),
        _ => totals.profiles.iter().map(|(profile, bots)| format!("{bots} × {profile}")).collect::<Vec<_>>().join(", "),
    }
}

fn distribution(delay: &Histogram<u64>) -> Vec<(f64, f64)> {
    if delay.is_empty() {
        return Vec::new();
    }
    QUANTILES.iter().map(|quantile| (*quantile, delay.value_at_quantile(*quantile) as f64 / 1e6)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_the_nearest_rank() {
        let spread = Spread::of(&(1..=100).map(f64::from).collect::<Vec<_>>());
        assert_eq!((spread.p50, spread.p95, spread.p99, spread.max), (50.0, 95.0, 99.0, 100.0));
        assert_eq!(Spread::of(&[]), Spread::default());
    }
    /// Why a run with these totals, around which this was read, does not count.
    fn judged(totals: &Totals, around: Around) -> Vec<String> {
        let (workload, _) = crate::workload::Wishes::default().resolve().unwrap();
        let row = Row::new(&workload, "x", totals, &Around { seconds: 10.0, driver_threads: 1, ..around });
        assert_eq!(row.valid, row.invalid_because.is_empty());
        row.invalid_because
    }

    #[test]
    fn a_run_counts_only_if_nothing_else_can_have_made_its_figures() {
        let totals = || {
            let mut totals = Totals::new();
            (totals.sent, totals.expected, totals.received) = (10_000, 10_000, 10_000);
            totals
        };
        let quiet = Around { driver_cpu_s: 5.0, others_cores: Some(0.05), ..Around::default() };
        assert_eq!(judged(&totals(), quiet), Vec::<String>::new());
        let mut more = totals();
        more.received += 1;
        let mut fewer = totals();
        fewer.received -= 11;
        let mut forged = totals();
        forged.unauthentic = 1;
        let mut late = totals();
        late.skipped = 11;
        let mut two_ciphers = totals();
        two_ciphers.profiles = [("a".to_owned(), 1), ("b".to_owned(), 1)].into();
        for (totals, around, word) in [
            (more, quiet, "more arrived"),
            (fewer, quiet, "only 99.890 % arrived"),
            (forged, quiet, "not authentic"),
            (late, quiet, "left out 11"),
            (two_ciphers, quiet, "different SRTP profiles"),
            (totals(), Around { driver_cpu_s: 8.1, ..quiet }, "the driver was busy for 81 %"),
            (totals(), Around { others_cores: Some(0.4), ..quiet }, "other programs took 0.40 cores"),
            (totals(), Around { receive_buffer_errors: 3, ..quiet }, "receive buffer full"),
        ] {
            let why = judged(&totals, around);
            assert!(why.len() == 1 && why[0].contains(word), "{word}: {why:?}");
        }
    }
}
