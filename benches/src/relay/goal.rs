//! What each figure should be: the goals that are printed and written beside it.

use serde_json::{Value, json};

/// A bound of one figure of the cases whose names begin so.
struct Goal {
    case: &'static str,
    /// Where the figure stands in its row, as a JSON pointer (RFC 6901).
    figure: &'static str,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// Milliseconds, events per second of one core, and bytes.
const GOALS: [Goal; 7] = [
    Goal { case: "events", figure: "/events_per_s", bound: Bound::AtLeast(300_000.0) },
    Goal { case: "snapshot 260 KB", figure: "/snapshot_ms/p99", bound: Bound::AtMost(3.0) },
    Goal { case: "snapshot 1 MB", figure: "/snapshot_ms/p99", bound: Bound::AtMost(10.0) },
    Goal { case: "snapshot corpus 100-260 KB", figure: "/snapshot_ms/p99", bound: Bound::AtMost(3.0) },
    Goal { case: "memory 260 KB", figure: "/bytes_per_share", bound: Bound::AtMost(3_145_728.0) },
    Goal { case: "traffic reading", figure: "/bytes_out_per_min", bound: Bound::AtMost(40_000.0) },
    Goal { case: "delay ", figure: "/delay_ms/p99", bound: Bound::AtMost(2.0) },
];

/// Writes the goal of a row's figure into it, if it has one: the bound, and whether it was held.
pub(super) fn judge(row: &mut Value) {
    let case = row["case"].as_str().unwrap_or_default();
    let Some(goal) = GOALS.iter().find(|goal| case.starts_with(goal.case)) else { return };
    let Some(figure) = row.pointer(goal.figure).and_then(Value::as_f64) else { return };
    let (bound, value, is_held) = match goal.bound {
        Bound::AtLeast(least) => ("at_least", least, figure >= least),
        Bound::AtMost(most) => ("at_most", most, figure <= most),
    };
    row["goal"] = json!({ "figure": goal.figure, bound: value, "held": is_held });
}

/// “goal: /delay_ms/p99 at most 2: held”, for people.
pub(super) fn sentence(row: &Value) -> Option<String> {
    let goal = row.get("goal")?;
    let bound = match (&goal["at_least"], &goal["at_most"]) {
        (Value::Null, most) => format!("at most {most}"),
        (least, _) => format!("at least {least}"),
    };
    let verdict = if goal["held"] == true { "held" } else { "MISSED" };
    Some(format!("goal: {} {bound}: {verdict}", goal["figure"].as_str().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_its_bound_misses_the_goal() {
        for (mut row, expected) in [
            (json!({ "case": "snapshot 260 KB", "snapshot_ms": { "p99": 4.8 } }), Some(false)),
            (json!({ "case": "snapshot 260 KB", "snapshot_ms": { "p99": 2.9 } }), Some(true)),
            (json!({ "case": "events typing", "events_per_s": 120_000.0 }), Some(false)),
            (json!({ "case": "events typing", "events_per_s": 300_000.0 }), Some(true)),
            (json!({ "case": "snapshot 100 KB", "snapshot_ms": { "p99": 1.0 } }), None),
        ] {
            judge(&mut row);
            assert_eq!(row["goal"]["held"].as_bool(), expected, "{row}");
            assert_eq!(sentence(&row).map(|text| text.ends_with("held")), expected, "{row}");
        }
    }
}
