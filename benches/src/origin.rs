//! Where a figure comes from: the commit, the machine and the build, as JSON beside every figure.
//!
//! A number counts only with its method. Every command's `--json FILE` is written by [`write`], so that no report can
//! lack them.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The machine as it was when the program began: see [`note_machine`].
static MACHINE: OnceLock<Value> = OnceLock::new();

/// Writes a command's report: `body`, an object, with `"command"`, `"commit"`, `"machine"`, `"valid"` and `"method"`
/// added.
///
/// `valid` is false where the run does not count (a saturated driver, an unproven rule); `method` says in a sentence
/// how it was measured.
///
/// # Errors
/// A sentence for people: the file cannot be written.
pub(crate) fn write(path: &Path, command: &str, valid: bool, method: &str, mut body: Value) -> Result<(), String> {
    body["command"] = command.into();
    body["commit"] = commit().into();
    body["machine"] = machine();
    body["valid"] = valid.into();
    body["method"] = method.into();
    fs::write(path, format!("{body:#}\n")).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The commit of the sources, with `-dirty` where they differ from it; `unknown` outside of a git work tree.
pub(crate) fn commit() -> String {
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12", "--match="])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    match described {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// Looks at the machine before this program binds itself to a core of it and becomes its load.
pub(crate) fn note_machine() {
    machine();
}

/// The machine and the build: processor, cores that may be used, memory in MiB, kernel, the load before the run (one
/// minute's average: what else the machine did), and whether the build is optimised.
pub(crate) fn machine() -> Value {
    MACHINE.get_or_init(look_at_machine).clone()
}

fn look_at_machine() -> Value {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory_kib = field(&meminfo, "MemTotal").and_then(|value| value.trim_end_matches(" kB").parse::<u64>().ok());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "cpu": field(&cpuinfo, "model name"),
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "memory_mib": memory_kib.map(|kib| kib / 1024),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "load": load.split(' ').next().and_then(|average| average.parse::<f64>().ok()),
        "build": if cfg!(debug_assertions) { "dev" } else { "release" },
    })
}

/// A value of one of /proc's `name: value` lists; of the first entry where there are many.
fn field<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = list.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_found_by_name() {
        let list = "processor\t: 0\nmodel name\t: Some CPU @ 2\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(field(list, "model name"), Some("Some CPU @ 2"));
        assert_eq!(field(list, "flags"), None);
    }

    #[test]
    fn every_report_says_where_it_comes_from() {
        let path = std::env::temp_dir().join(format!("tillside-origin-{}.json", std::process::id()));
        write(&path, "mask", true, "once", json!({ "rows": [1] })).unwrap();
        let report: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(report["rows"], json!([1]));
        assert_eq!((&report["command"], &report["valid"]), (&json!("mask"), &json!(true)));
        assert!(report["commit"].is_string() && report["machine"]["cores"].is_u64());
    }
}
