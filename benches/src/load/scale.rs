//! Scale: what more media workers carry than one.
//!
//! The rate is fixed and the same for both, and small enough for this machine's cores together with the driver, so the
//! most that each carries is not reached but computed: the node is full when its busiest media thread is, so the CPU time
//! of that thread for each packet received, with one worker and with several, tells how much more they carry. It holds
//! the cost of everything that several workers do and one does not: links between them, colder caches, worse batches.

use super::{Arguments, target};
use crate::arena::Arena;
use crate::outcome::{Row, Spread};
use crate::peers::Peer;
use crate::workload::Workload;
use serde_json::json;
use std::collections::BTreeMap;

/// Rounds of each that count; one more is run first.
const ROUNDS: usize = 3;
/// How the node calls the threads that forward media: `media-0`, `media-1`.
const MEDIA_THREAD: &str = "media-";

/// CPU time in microseconds for each packet that was received.
struct Cost {
    /// Of each media thread.
    media: Vec<f64>,
    /// Of all that the node does.
    whole: f64,
}

impl Cost {
    fn busiest(&self) -> f64 {
        self.media.iter().copied().fold(0.0, f64::max)
    }
}

/// Runs it: a row for one worker and a row for several, the latter with how much more they carry.
pub(super) async fn run(arguments: &Arguments, workload: &Workload, workers: usize) -> Result<Vec<Row>, String> {
    if arguments.url.is_some() {
        return Err("--scale starts nodes with one worker and with more: leave --url away".to_owned());
    }
    let mut found: [Vec<(Row, Cost)>; 2] = Default::default();
    for round in 0..=ROUNDS {
        for (count, found) in [1, workers].into_iter().zip(&mut found) {
            let (row, cost) = measure(arguments, workload, count).await?;
            eprintln!(
                "{count} workers · round {round}: {:.3} µs of the node per packet, media threads {}{}",
                cost.whole,
                cost.media.iter().map(|micros| format!("{micros:.3}")).collect::<Vec<_>>().join(" + "),
                if row.valid { String::new() } else { format!(" · not valid: {}", row.invalid_because.join("; ")) }
            );
            if round > 0 {
                found.push((row, cost));
            }
        }
    }
    let median = |of: &dyn Fn(&Cost) -> f64, found: &[(Row, Cost)]| {
        Spread::of(&found.iter().map(|(_, cost)| of(cost)).collect::<Vec<_>>()).p50
    };
    let [one, several] = &found;
    let carried = median(&Cost::busiest, one) / median(&Cost::busiest, several).max(f64::MIN_POSITIVE);
    let cost = median(&|cost| cost.whole, several) / median(&|cost| cost.whole, one).max(f64::MIN_POSITIVE);
    let mut rows = [(1, one), (workers, several)].map(|(workers, found)| summary(workload, workers, found)).to_vec();
    rows[1].note("carries_times_one_worker", carried);
    rows[1].note("cpu_per_packet_times_one_worker", cost);
    Ok(rows)
}

/// The last round's row, with the costs of all.
fn summary(workload: &Workload, workers: usize, found: &[(Row, Cost)]) -> Row {
    let mut row = found.last().map(|(row, _)| row.clone()).unwrap_or_default();
    row.scenario = format!("{} on {workers} worker{}", workload.name, if workers == 1 { "" } else { "s" });
    row.note("media_us_per_packet", json!(found.iter().map(|(_, cost)| &cost.media).collect::<Vec<_>>()));
    row.note("node_us_per_packet", json!(found.iter().map(|(_, cost)| cost.whole).collect::<Vec<_>>()));
    let shares = found.iter().map(|(_, cost)| cost.busiest() / cost.media.iter().sum::<f64>().max(f64::MIN_POSITIVE));
    row.note("busiest_worker_share", Spread::of(&shares.collect::<Vec<_>>()).p50);
    for why in found.iter().flat_map(|(row, _)| &row.invalid_because) {
        if !row.invalid_because.contains(why) {
            row.invalidate(why.clone());
        }
    }
    row
}

/// One node, started and measured.
async fn measure(arguments: &Arguments, workload: &Workload, workers: usize) -> Result<(Row, Cost), String> {
    let (server, peer) = target(arguments, workers).await?;
    let mut arena = Arena::new(&arguments.driver, server, Peer::Tillside(peer))?;
    arena.seat(workload).await?;
    crate::server::pause(workload.warmup).await;
    let before = media_times(&arena);
    let row = arena.measure(workload, "tillside", workload.duration).await?;
    let after = media_times(&arena);
    let packets = (row.packets_per_s * row.seconds).max(1.0);
    let media: Vec<f64> =
        after.iter().map(|(name, after)| (after - before.get(name).unwrap_or(&0.0)) * 1e6 / packets).collect();
    if media.len() != workers {
        return Err(format!("the node has {} media threads, {workers} were wanted", media.len()));
    }
    Ok((row.clone(), Cost { media, whole: row.cpu_s_per_million }))
}

fn media_times(arena: &Arena) -> BTreeMap<String, f64> {
    let times = arena.server.iter().flat_map(|server| server.thread_times());
    times.filter(|(name, _)| name.strip_prefix(MEDIA_THREAD).is_some_and(|rest| rest.parse::<u16>().is_ok())).collect()
}
