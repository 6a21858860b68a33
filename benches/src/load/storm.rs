//! A join storm: many join at a fixed pace while the rooms that run must not suffer.

use crate::arena::Arena;
use crate::outcome::Row;
use crate::server::pause;
use crate::workload::{Seat, Workload};
use serde_json::json;
use std::time::Duration;

/// How long the last ones may take to get their keys.
const LAST_JOINS: Duration = Duration::from_secs(3);

/// Runs it: the row's loss and delay are those of the rooms that ran before.
pub(super) async fn run(arena: &mut Arena, workload: &Workload, joins: usize, over: Duration) -> Result<Row, String> {
    arena.seat(workload).await?;
    pause(workload.warmup).await;
    let quiet = arena.measure(workload, "tillside", over.min(Duration::from_secs(5))).await?;
    let before = arena.read()?;
    let seated = arena.swarm.look()?;
    arena.swarm.mark();
    let seats = silent_callers(arena, joins);
    let outcome = arena.enter_paced(seats, over.div_f64(joins.max(1) as f64)).await;
    let in_time = arena.read()?;
    pause(LAST_JOINS).await;
    let totals = arena.swarm.look()?;
    let seconds = (in_time.at - before.at).as_secs_f64() + LAST_JOINS.as_secs_f64();
    let after = arena.read()?;
    let mut row = arena.row(workload, "tillside", &totals, &before.until(&after, seconds));
    let connected = totals.connected - seated.connected;
    let success = connected as f64 / joins.max(1) as f64;
    // What the rooms cost by themselves is not the joins'.
    let cpu_s = after.server.cpu_s - before.server.cpu_s - quiet.server_cores * seconds;
    let mut newcomers = totals.connected_ms.clone();
    newcomers.drain(..seated.connected_ms.len());
    row.connect_ms = crate::outcome::Spread::of(&newcomers);
    row.note("joins", joins);
    row.note("joins_over_s", over.as_secs_f64());
    row.note("join_success", success);
    row.note("joins_refused_overloaded", outcome.overloaded);
    row.note("joins_failed", outcome.failed.len());
    row.note("cpu_us_per_join", cpu_s / joins.max(1) as f64 * 1e6);
    row.note("quiet", json!({ "server_cores": quiet.server_cores, "delay_ms": quiet.delay_ms, "loss": quiet.loss }));
    if let Some(why) = outcome.failed.first() {
        row.invalidate(format!("{} joins failed: {why}", outcome.failed.len()));
    }
    if success + outcome.overloaded as f64 / (joins.max(1) as f64) < 0.999 {
        row.invalidate(format!("only {:.2} % of the joins got keys", success * 100.0));
    }
    Ok(row)
}

/// Seats in rooms of two whose bots have a microphone and a camera, and send nothing.
pub(super) fn silent_callers(arena: &mut Arena, participants: usize) -> Vec<Seat> {
    let workload = Workload {
        name: "silent".to_owned(),
        rooms: participants.div_ceil(2),
        publishers: 0,
        subscribers: 0,
        callers: 2,
        video: Some(crate::swarm::shape::VideoRate { packets: 250.0, bytes: 1_000 }),
        audio: true,
        simulcast: false,
        burst: 1,
        duration: Duration::ZERO,
        warmup: Duration::ZERO,
    };
    let mut seats = arena.seats(&workload);
    seats.truncate(participants);
    for seat in &mut seats {
        seat.streams.clear();
        seat.slots = 0;
    }
    seats
}
