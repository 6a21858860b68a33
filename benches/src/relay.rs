//! `relay`: what the co-browse core costs, in CPU time of one core: small events, whole pages, memory, bytes to a
//! viewer, and the delay that it adds when a thousand shares are busy at once.
//!
//! Drives the real relay core in process, without sockets. Time inside the core is made up; cost is measured with the
//! clock of the thread's own CPU time, so that what else the machine does stays out of the figures.

mod cost;
mod delay;
mod goal;
mod live;
mod page;
mod script;
mod traffic;

use crate::{corpus, origin};
use serde_json::{Value, json};
use std::path::PathBuf;

const METHOD: &str = "the relay core in process, one thread, CPU time of that thread; generated pages by seed unless a corpus \
is named; each event is parsed, tracked, classified, masked, serialised and polled by its viewers; delay: arrivals at their \
times in made-up time, a queue of one server whose service times are the measured CPU times";

/// See [`super::Command::Relay`].
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also takes the pages of a corpus (`*.jsonl.xz`) as snapshots.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Seed of pages and events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Pages per size, each measured three times.
    #[arg(long, default_value_t = 100)]
    pages: u64,
    /// Small events per kind.
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Shares that are busy at once when delay is measured.
    #[arg(long, default_value_t = 1_000)]
    shares: u64,
    /// Measures only cases whose name begins so: snapshot, events, memory, traffic, delay.
    #[arg(long, value_name = "CASE", default_value = "")]
    only: String,
    /// Writes the figures as JSON here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Sizes of generated pages, in bytes of JSON: the median and the 90th percentile of real card pages lie around the
/// second and between the second and the third.
const SIZES: [(&str, usize); 3] = [("100 KB", 100_000), ("260 KB", 260_000), ("1 MB", 1_000_000)];

pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let wanted = |case: &str| case.starts_with(&arguments.only);
    let mut rows = Vec::new();
    // First, since resident memory that other cases have freed would be used again and not be seen to grow.
    if wanted("memory") {
        rows.extend(SIZES.map(|(name, bytes)| cost::memory(name, bytes, arguments.seed)));
    }
    if wanted("events") {
        rows.extend(cost::events(arguments.seed, arguments.events));
    }
    if wanted("snapshot") {
        rows.extend(SIZES.map(|(name, bytes)| cost::generated(name, bytes, arguments.seed, arguments.pages)));
        if let Some(folder) = &arguments.corpus {
            rows.extend(cost::recorded(corpus::snapshots(folder)?));
        }
    }
    if wanted("traffic") {
        rows.extend(traffic::minutes(arguments.seed));
    }
    if wanted("delay") {
        rows.push(delay::busy(arguments.seed, arguments.shares));
    }
    if rows.is_empty() {
        return Err(format!("no case begins with {:?}: see --help", arguments.only));
    }
    for row in &mut rows {
        println!("{}", sentence(row));
        goal::judge(row);
        goal::sentence(row).into_iter().for_each(|goal| println!("{:<28} {goal}", ""));
    }
    match &arguments.json {
        Some(path) => origin::write(path, "relay", true, METHOD, json!({ "seed": arguments.seed, "rows": rows })),
        None => Ok(()),
    }
}

/// A row for people: its case, then what was measured.
fn sentence(row: &Value) -> String {
    let Some(members) = row.as_object() else { return String::new() };
    let case = row["case"].as_str().unwrap_or_default();
    let figures: Vec<String> = members
        .iter()
        .filter(|(name, _)| *name != "case")
        .map(|(name, value)| format!("{name} {}", figure(value)))
        .collect();
    format!("{case:<28} {}", figures.join(", "))
}

fn figure(value: &Value) -> String {
    match value {
        Value::Object(parts) => {
            parts.iter().map(|(name, part)| format!("{name} {}", figure(part))).collect::<Vec<_>>().join(" ")
        }
        Value::Number(number) if number.is_f64() => format!("{:.3}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}
