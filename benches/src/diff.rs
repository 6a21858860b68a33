//! `diff`: two reports of one command, row by row: what a change cost or gained.
//!
//! Knows no command's meaning. A row is known again by the fields that say what was measured; all other numbers of it
//! are results.

use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// The fields that say what a row is about.
const NAMES: [&str; 9] = ["path", "case", "scenario", "target", "subscribers", "participants", "payload", "k", "srtp"];
/// Numbers that only say how much was measured.
const AMOUNTS: [&str; 3] = ["packets", "missing", "spread"];
/// A change of this many percent is pointed at. Smaller ones are within what two runs differ by on a shared machine.
const NOTABLE_PERCENT: f64 = 10.0;

/// See [`super::Command::Diff`].
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The earlier report.
    old: PathBuf,
    /// The later report.
    new: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    if old["command"] != new["command"] {
        return Err(format!("{} and {} are reports of different commands", old["command"], new["command"]));
    }
    println!("{}: {}", text(&new["command"]), text(&new["method"]));
    for (name, report) in [("old", &old), ("new", &new)] {
        let (commit, machine, valid) = (text(&report["commit"]), &report["machine"], &report["valid"]);
        println!("{name}: commit {commit}, valid {valid}, {machine}");
    }
    for line in lines(&old, &new) {
        println!("{line}");
    }
    Ok(())
}

fn read(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is no report: {error}", path.display()))
}

/// One line for each row of the new report.
fn lines(old: &Value, new: &Value) -> Vec<String> {
    let known: Vec<_> = rows(old).map(|row| (name_of(row), row)).collect();
    let line = |row: &Map<String, Value>| {
        let name = name_of(row);
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, before)) => format!("{name}: {}", changes(before, row).join(", ")),
            None => format!("{name}: not in the old report"),
        }
    };
    rows(new).map(line).collect()
}

/// The rows of all lists of a report.
fn rows(report: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let lists = report.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_array);
    lists.flatten().filter_map(Value::as_object)
}

fn name_of(row: &Map<String, Value>) -> String {
    let pairs = NAMES.iter().filter_map(|name| row.get(*name).map(|value| format!("{name} {}", text(value))));
    pairs.collect::<Vec<_>>().join(", ")
}

fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let is_result = |name: &&String| !NAMES.contains(&name.as_str()) && !AMOUNTS.contains(&name.as_str());
    let change = |name: &String| {
        let (before, after) = (before.get(name)?.as_f64()?, after.get(name)?.as_f64()?);
        let percent = if before == after { 0.0 } else { (after - before) / before * 100.0 };
        let mark = if percent.abs() >= NOTABLE_PERCENT { " !" } else { "" };
        Some(format!("{name} {before:.4} -> {after:.4} ({percent:+.1} %{mark})"))
    };
    after.keys().filter(is_result).filter_map(change).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_known_again_and_only_results_compared() {
        let row = |k: u64, nanos: f64| json!({ "k": k, "payload": 100, "ns": nanos, "packets": k, "valid": true });
        let old = json!({ "rows": [row(1, 100.0), row(8, 50.0)], "presence": [{ "case": "idle", "bytes": 200 }] });
        let new = json!({ "rows": [row(8, 60.0), row(9, 1.0)], "presence": [{ "case": "idle", "bytes": 200 }] });
        let lines = lines(&old, &new);
        assert_eq!(lines.len(), 3);
        assert!(lines.contains(&"payload 100, k 8: ns 50.0000 -> 60.0000 (+20.0 % !)".to_owned()), "{lines:?}");
        assert!(lines.contains(&"payload 100, k 9: not in the old report".to_owned()));
        assert!(lines.contains(&"case idle: bytes 200.0000 -> 200.0000 (+0.0 %)".to_owned()));
    }
}
