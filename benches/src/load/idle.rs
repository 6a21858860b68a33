//! Memory: what a participant that sends nothing costs, by the slope of the server's memory over their number.

use super::storm::silent_callers;
use crate::arena::{Arena, progress, progress_end};
use crate::outcome::Row;
use crate::server::pause;
use crate::workload::Workload;
use serde_json::json;
use std::time::Duration;

/// Points of the slope.
const STEPS: usize = 5;
/// A node keeps a finished handshake for ten seconds, to answer repetitions.
const LINGER: Duration = Duration::from_secs(12);

/// Runs it.
pub(super) async fn run(arena: &mut Arena, workload: &Workload, participants: usize) -> Result<Row, String> {
    if workload.participants() > 0 {
        arena.seat(workload).await?;
    }
    let mut seats = silent_callers(arena, participants);
    let mut points: Vec<(f64, f64)> = Vec::new();
    let before = arena.read()?;
    let total = seats.len();
    let step = total.div_ceil(STEPS).max(1);
    let mut inside = 0;
    while !seats.is_empty() {
        let rest = seats.split_off(step.min(seats.len()));
        inside += seats.len();
        let joins = arena.enter_all(std::mem::replace(&mut seats, rest)).await;
        if let Some(why) = joins.failed.first() {
            return Err(format!("{} participants did not get in: {why}", joins.failed.len()));
        }
        arena.settle(|totals| totals.connected == totals.bots).await?;
        progress(&format!("idle · {inside} of {total} participants · waiting for handshakes to be forgotten"));
        pause(LINGER).await;
        points.push((inside as f64, arena.read()?.server.rss_bytes as f64));
    }
    progress_end();
    let settled = arena.read()?;
    pause(Duration::from_secs(5)).await;
    let after = arena.read()?;
    let totals = arena.swarm.look()?;
    let seconds = (after.at - settled.at).as_secs_f64();
    let mut row = arena.row(workload, "tillside", &totals, &settled.until(&after, seconds));
    row.participants = workload.participants() + participants;
    let slope = crate::report::fit(&points).map_or(0.0, |line| line.slope);
    row.rss_per_participant_kib = Some(slope / 1024.0);
    row.note("idle_participants", participants);
    row.note("rss_kib_per_idle_participant", slope / 1024.0);
    row.note("rss_mib_before", before.server.rss_bytes as f64 / f64::from(1 << 20));
    row.note("points", json!(points));
    Ok(row)
}
