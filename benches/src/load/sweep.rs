//! A sweep: one run for each size, and whether cost grows in a straight line with it.

use super::steady;
use crate::arena::Arena;
use crate::outcome::Row;
use crate::report::fit;
use crate::workload::{Axis, Workload};
use serde_json::json;

/// Runs it: a row for each size; the last one also has what all of them show together.
pub(super) async fn run(
    arena: &mut Arena,
    workload: &Workload,
    over: Axis,
    values: &[usize],
) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    for value in values {
        let mut row = steady(arena, &workload.at(over, *value), "tillside").await?;
        row.note("sweep", json!({ "over": over, "value": value }));
        eprintln!(
            "{value}: {:.0} packets/s, server {:.3} cores, {:.2} s per million packets, p99 {:.2} ms",
            row.packets_per_s, row.server_cores, row.cpu_s_per_million, row.delay_ms.p99
        );
        rows.push(row);
    }
    note_line(&mut rows, values);
    Ok(rows)
}

/// A straight line through the cores in use, and the largest size's distance from it: a knee is more cost there.
fn note_line(rows: &mut [Row], values: &[usize]) {
    let points: Vec<(f64, f64)> =
        values.iter().zip(rows.iter()).map(|(value, row)| (*value as f64, row.server_cores)).collect();
    if let (Some(line), Some(last), Some((value, cores))) = (fit(&points), rows.last_mut(), points.last()) {
        last.note("line_r2", line.r2);
        last.note("line_core_us_per_s_for_each", line.slope * 1e6);
        last.note("largest_above_line", cores / (line.intercept + line.slope * value) - 1.0);
    }
}
