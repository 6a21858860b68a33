//! Capacity: the most that a server forwards before packets are lost or late; the delay at a half and at 70 % of it;
//! what newcomers are told beyond it; and how far it is from what this machine allows.
//!
//! The rate grows with everybody seated: by half until a step fails, then by halving the gap.

use super::storm::silent_callers;
use crate::arena::Arena;
use crate::limit::{self, Floor};
use crate::outcome::Row;
use crate::server::pause;
use crate::workload::Workload;
use std::time::Duration;
use tillside_sfu::srtp::SrtpProfile;

/// A host that takes more of the cores than this makes packets late that the server had in hand.
const STOLEN_MAX: f64 = 0.05;
/// How often a step beside such a host is measured again.
const AGAIN_MAX: usize = 4;
/// How long each step of the search is measured.
const STEP: Duration = Duration::from_secs(4);
/// How long a new rate runs before it is measured.
const SETTLE: Duration = Duration::from_millis(500);
/// Loss that ends the search.
const LOSS_MAX: f64 = 0.001;
/// Delay that ends it: packets queue faster than they leave.
const P99_MAX_MS: f64 = 50.0;
/// Steps up, each by half: from 1 to 7,000 times the offered rate.
const STEPS_UP: usize = 22;
/// Parts of the capacity at which delay is measured for the workload's whole duration.
const SHARES: [f64; 2] = [0.7, 0.5];
/// Part of the capacity that is offered while others want to join.
const BEYOND: f64 = 1.3;
/// Who wants to join then, and over which time.
pub(super) const JOINS_BEYOND: usize = 40;
const JOINS_BEYOND_OVER: Duration = Duration::from_secs(4);
/// Halvings of the gap between what passed and what failed: to 3 %.
const HALVINGS: usize = 4;

/// Runs it: the rows of capacity, of parts of it, and of what happens beyond, in this order.
pub(super) async fn run(arena: &mut Arena, workload: &Workload) -> Result<Vec<Row>, String> {
    arena.seat(workload).await?;
    pause(workload.warmup).await;
    let Found { factor, mut row, limit } = search(arena, workload).await?;
    row.scenario = format!("{} at capacity", workload.name);
    row.note("rate_factor", factor);
    row.note("limited_by", limit.why());
    if let Limit::Driver(why) = limit {
        row.invalidate(format!("the driver reached its limit first, the server carries more ({why})"));
    }
    let mut rows = vec![row];
    for share in SHARES {
        let mut row = undisturbed(arena, workload, (factor * share, workload.duration), |_| true).await?;
        row.scenario = format!("{} at {:.0} % of capacity", workload.name, share * 100.0);
        row.note("share_of_capacity", share);
        rows.push(row);
    }
    rows.push(beyond(arena, workload, factor * BEYOND).await?);
    arena.clear().await;
    compare_with_limit(&mut rows[0], workload)?;
    Ok(rows)
}

/// The highest rate that passed.
struct Found {
    /// Times the rate to begin with.
    factor: f64,
    row: Row,
    /// What was wrong one step further.
    limit: Limit,
}

/// Whose limit was reached.
enum Limit {
    Server(String),
    Driver(String),
}

impl Limit {
    fn why(&self) -> String {
        let (Self::Server(why) | Self::Driver(why)) = self;
        why.clone()
    }
}

async fn search(arena: &mut Arena, workload: &Workload) -> Result<Found, String> {
    let (mut passed, mut failed, mut best) = (0.0, None, None);
    let mut factor = 1.0;
    for _ in 0..STEPS_UP + HALVINGS {
        let row = undisturbed(arena, workload, (factor, STEP), |row| overload(row).is_some()).await?;
        match overload(&row) {
            None => (passed, best) = (factor, Some(row)),
            Some(limit) => failed = Some((factor, limit)),
        }
        factor = match &failed {
            None => factor * 1.5,
            Some((failed, _)) if (failed - passed) / failed < 0.04 => break,
            Some((failed, _)) => (failed + passed) / 2.0,
        };
    }
    let limit = failed.map_or_else(|| Limit::Driver("the highest rate there is".to_owned()), |(_, limit)| limit);
    match best {
        Some(row) => Ok(Found { factor: passed, row, limit }),
        None => Err(format!(
            "the server does not carry the rate to begin with ({}): offer less with --video, as in --video 50x1000",
            limit.why()
        )),
    }
}

fn progress_of(row: &Row, factor: f64) {
    eprintln!(
        "rate × {factor:.2}: {:.0} packets/s, {:.0} per server CPU second, server {:.2} cores, driver {:.0} %, p99 {:.2} ms{}",
        row.packets_per_s,
        row.packets_per_cpu_s,
        row.server_cores,
        row.driver_busy * 100.0,
        row.delay_ms.p99,
        overload(row).map_or_else(String::new, |limit| format!(" · too much: {}", limit.why())),
    );
}

/// More than the server carries, and newcomers at its door: they should be told that it takes nobody now.
async fn beyond(arena: &mut Arena, workload: &Workload, factor: f64) -> Result<Row, String> {
    arena.swarm.set_rate(factor);
    pause(SETTLE).await;
    let seats = silent_callers(arena, JOINS_BEYOND);
    let joins = arena.enter_paced(seats, JOINS_BEYOND_OVER.div_f64(JOINS_BEYOND as f64)).await;
    let mut row = step(arena, workload, factor, STEP).await?;
    row.scenario = format!("{} at {:.0} % of capacity", workload.name, BEYOND * 100.0);
    row.note("joins_wanted", JOINS_BEYOND);
    row.note("joins_let_in", joins.bots.len());
    row.note("joins_refused_overloaded", joins.overloaded);
    row.note("joins_failed", joins.failed.len());
    if let Some(why) = joins.failed.first() {
        row.note("joins_failed_because", why.clone());
    }
    row.count_despite_loss();
    Ok(row)
}

/// Measures what this machine allows for such packets, with the cipher that was negotiated, alone and in runs as long as
/// a publisher's bursts.
fn compare_with_limit(row: &mut Row, workload: &Workload) -> Result<(), String> {
    let known = [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm];
    let profile = known.into_iter().find(|profile| profile.to_string() == row.srtp);
    let (Some(profile), Some(video)) = (profile, workload.video) else { return Ok(()) };
    for batch in [1, workload.burst] {
        let Floor { batch, nanos, spread } = limit::floor(profile, workload.fanout(), video.bytes, batch)?;
        let per_second = 1e9 / nanos;
        row.note(&format!("limit_k{batch}_datagrams_per_s"), per_second);
        row.note(&format!("limit_k{batch}_spread"), spread);
        row.note(&format!("share_of_limit_k{batch}"), row.packets_per_cpu_s / per_second);
        row.note(&format!("rate_share_of_limit_k{batch}"), row.packets_per_s / per_second);
    }
    Ok(())
}

async fn step(arena: &mut Arena, workload: &Workload, factor: f64, duration: Duration) -> Result<Row, String> {
    arena.swarm.set_rate(factor);
    pause(SETTLE).await;
    arena.measure(workload, "tillside", duration).await
}

/// Measures a step, and again if the host of a virtual machine took cores from it and `matters` says that this may be seen
/// in the row. Gives the one that it took least from.
async fn undisturbed(
    arena: &mut Arena,
    workload: &Workload,
    (factor, duration): (f64, Duration),
    matters: impl Fn(&Row) -> bool,
) -> Result<Row, String> {
    let mut best: Option<Row> = None;
    for _ in 0..=AGAIN_MAX {
        let row = step(arena, workload, factor, duration).await?;
        progress_of(&row, factor);
        let stolen = |row: &Row| row.stolen_cores.unwrap_or(0.0);
        let is_over = stolen(&row) <= STOLEN_MAX || !matters(&row);
        if is_over || best.as_ref().is_none_or(|best| stolen(&row) < stolen(best)) {
            best = Some(row);
        }
        if is_over {
            break;
        }
    }
    Ok(best.expect("measured at least once"))
}

/// Why the server, or the driver, does not carry this rate.
fn overload(row: &Row) -> Option<Limit> {
    if let Some(why) = &row.driver_limit {
        return Some(Limit::Driver(why.clone()));
    }
    if row.loss > LOSS_MAX {
        return Some(Limit::Server(format!("loss {:.2} %", row.loss * 100.0)));
    }
    let p99 = row.delay_ms.p99;
    (p99 > P99_MAX_MS).then(|| Limit::Server(format!("p99 delay {p99:.0} ms")))
}
