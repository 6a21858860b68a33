//! Capacity: the most that a server forwards before packets are lost or late, and the delay at a half and at 70 % of it.
//!
//! The rate grows with everybody seated: by half until a step fails, then by halving the gap.

use crate::arena::Arena;
use crate::outcome::Row;
use crate::server::pause;
use crate::workload::Workload;
use std::time::Duration;

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
/// Halvings of the gap between what passed and what failed: to 3 %.
const HALVINGS: usize = 4;

/// Runs it: the rows of capacity, 70 % and 50 % of it, in this order.
pub(super) async fn run(arena: &mut Arena, workload: &Workload) -> Result<Vec<Row>, String> {
    arena.seat(workload).await?;
    pause(workload.warmup).await;
    let (mut passed, mut failed, mut best) = (0.0, None, None);
    let mut factor = 1.0;
    for _ in 0..STEPS_UP + HALVINGS {
        let row = step(arena, workload, factor, STEP).await?;
        match overload(&row) {
            None => (passed, best) = (factor, Some(row)),
            Some(why) => failed = Some((factor, why)),
        }
        factor = match &failed {
            None => factor * 1.5,
            Some((failed, _)) if (failed - passed) / failed < 0.04 => break,
            Some((failed, _)) => (failed + passed) / 2.0,
        };
    }
    let Some(mut best) = best else {
        let why = failed.map_or_else(String::new, |(_, why)| why);
        return Err(format!("the server does not carry the rate to begin with ({why}): offer less with --video"));
    };
    best.scenario = format!("{} at capacity", workload.name);
    best.note("rate_factor", passed);
    if let Some((_, why)) = failed {
        if why.contains("driver") {
            best.invalidate(format!("the driver was first to reach its limit ({why}): the server carries more"));
        }
        best.note("limited_by", why);
    }
    let mut rows = vec![best];
    for share in [0.7, 0.5] {
        let mut row = step(arena, workload, passed * share, workload.duration).await?;
        row.scenario = format!("{} at {:.0} % of capacity", workload.name, share * 100.0);
        row.note("share_of_capacity", share);
        rows.push(row);
    }
    Ok(rows)
}

async fn step(arena: &mut Arena, workload: &Workload, factor: f64, duration: Duration) -> Result<Row, String> {
    arena.swarm.set_rate(factor);
    pause(SETTLE).await;
    arena.measure(workload, "tillside", duration).await
}

/// Why the server, or the driver, does not carry this rate.
fn overload(row: &Row) -> Option<String> {
    if row.loss > LOSS_MAX {
        return Some(format!("loss {:.2} %", row.loss * 100.0));
    }
    if row.delay_ms.p99 > P99_MAX_MS {
        return Some(format!("p99 delay {:.0} ms", row.delay_ms.p99));
    }
    let driver = row.invalid_because.iter().find(|why| why.contains("driver"));
    driver.cloned()
}
