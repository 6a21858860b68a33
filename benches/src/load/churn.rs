//! Churn: joins, leaves and disappearances for as long as wanted; memory, threads and descriptors must stay flat.

use super::storm::silent_callers;
use crate::arena::{Arena, progress, progress_end};
use crate::outcome::Row;
use crate::server::pause;
use crate::swarm::BotId;
use crate::workload::Workload;
use serde_json::json;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a participant stays.
const STAY: Duration = Duration::from_secs(5);
/// Joins and leaves happen in steps of this length.
const STEP: Duration = Duration::from_millis(500);
/// Between readings of the server's memory.
const READ_EVERY: usize = 10;
/// One in this many participants vanishes without a word, as a tab that crashes.
const VANISH_ONE_IN: usize = 10;

/// Runs it. The slope is that of the second half: the first fills pools and caches.
pub(super) async fn run(arena: &mut Arena, workload: &Workload, duration: Duration, rate: f64) -> Result<Row, String> {
    arena.seat(workload).await?;
    pause(workload.warmup).await;
    arena.swarm.mark();
    let before = arena.read()?;
    let (mut points, mut joined, mut failed, mut refused) = (Vec::new(), 0_usize, Vec::new(), 0);
    let mut inside: VecDeque<Vec<BotId>> = VecDeque::new();
    let steps = (STAY.as_secs_f64() / STEP.as_secs_f64()) as usize;
    let mut wanted = 0.0;
    for turn in 0.. {
        if before.at.elapsed() >= duration {
            break;
        }
        wanted += rate * STEP.as_secs_f64();
        let count = wanted as usize;
        wanted -= count as f64;
        let seats = silent_callers(arena, count);
        let joins = arena.enter_paced(seats, STEP.div_f64(count.max(1) as f64)).await;
        joined += joins.bots.len();
        refused += joins.overloaded;
        failed.extend(joins.failed);
        inside.push_back(joins.bots);
        if inside.len() > steps
            && let Some(leaving) = inside.pop_front()
        {
            let (vanishing, leaving): (Vec<_>, Vec<_>) =
                leaving.into_iter().enumerate().partition(|(index, _)| index % VANISH_ONE_IN == VANISH_ONE_IN - 1);
            let bots = |numbered: Vec<(usize, BotId)>| numbered.into_iter().map(|(_, bot)| bot).collect::<Vec<_>>();
            arena.vanish(&bots(vanishing));
            arena.dismiss(&bots(leaving)).await;
        }
        if turn % READ_EVERY == 0 {
            let now = arena.read()?;
            let hours = (now.at - before.at).as_secs_f64() / 3_600.0;
            points.push((hours, now.server.rss_bytes as f64, now.server.descriptors, now.server.threads));
            progress(&format!(
                "churn · {:.0} of {:.0} s · {joined} joins, {} failed · {:.1} MiB, {} descriptors",
                hours * 3_600.0,
                duration.as_secs_f64(),
                failed.len(),
                now.server.rss_bytes as f64 / f64::from(1 << 20),
                now.server.descriptors
            ));
        }
    }
    progress_end();
    let after = arena.read()?;
    let totals = arena.swarm.look()?;
    let seconds = (after.at - before.at).as_secs_f64();
    let mut row = arena.row(workload, "tillside", &totals, &before.until(&after, seconds));
    // Bots that left were told so; what the rooms that stayed have seen is what counts.
    let half = &points[points.len() / 2..];
    let memory: Vec<(f64, f64)> = half.iter().map(|(hours, rss, ..)| (*hours, *rss / f64::from(1 << 20))).collect();
    row.note("joins", joined);
    row.note("joins_failed", failed.len());
    row.note("joins_refused_overloaded", refused);
    row.note("rss_mib_per_hour", crate::report::fit(&memory).map_or(0.0, |line| line.slope));
    row.note("rss_mib_first", points.first().map_or(0.0, |point| point.1 / f64::from(1 << 20)));
    row.note("descriptors_min", half.iter().map(|point| point.2).min().unwrap_or(0));
    row.note("descriptors_max", half.iter().map(|point| point.2).max().unwrap_or(0));
    row.note("threads_max", half.iter().map(|point| point.3).max().unwrap_or(0));
    row.note("points", json!(points));
    if let Some(why) = failed.first() {
        row.invalidate(format!("{} joins failed: {why}", failed.len()));
    }
    Ok(row)
}
