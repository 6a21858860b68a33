//! Rules of the tree that no compiler checks.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file beyond which it hardly holds one idea. Tests may be longer.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_owned()
}

/// Source files with one of the extensions, by path from the root.
fn sources(extensions: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["sfu", "cobrowse", "signaling", "benches", "tests", "sdk", "fuzz", "config"]
        .map(|name| root().join(name))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["node_modules", "target", "dist", ".venv", "corpus", "fixtures", "artifacts"]
                    .contains(&name.as_str())
                {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known)) {
                let text = fs::read_to_string(&path).expect("sources are text");
                let path = path.strip_prefix(root()).expect("found below the root").to_string_lossy().into_owned();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found.sort();
    found
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("tests.rs") || path.starts_with("tests/") || path.contains("/test/")
}

#[test]
fn every_module_says_what_it_owns() {
    for (path, text) in sources(&["rs"]) {
        let code = text.trim_start_matches("#![cfg_attr(fuzzing, no_main)]\n");
        assert!(is_test(&path) || code.starts_with("//!"), "{path} does not begin with a module doc");
    }
}

#[test]
fn cores_know_no_runtime_and_no_socket() {
    for (path, text) in sources(&["rs"]) {
        let is_core =
            path.starts_with("cobrowse/src") || (path.starts_with("sfu/src") && !path.starts_with("sfu/src/worker"));
        if !is_core {
            continue;
        }
        for banned in ["tokio::", "mio::", "socket2::", "libc::", "std::thread", "std::sync::Mutex", "std::fs"] {
            assert!(!text.contains(banned), "{path} is part of a core and names {banned}");
        }
    }
}

#[test]
fn one_module_names_the_dtls_crate() {
    for (path, text) in sources(&["rs"]) {
        // The bench's bots stand at the other end: they are clients.
        let is_client = path == "benches/src/swarm/link.rs";
        let may = path.starts_with("sfu/src/dtls") || is_test(&path) || is_client;
        assert!(may || !text.contains("dimpl::"), "{path} names the DTLS crate");
    }
}

#[test]
fn no_unfinished_marks() {
    let marks = ["TO\u{44}O", "FIX\u{4d}E", "XX\u{58}", "unimplemented\u{21}", "todo\u{21}("];
    for (path, text) in sources(&["rs", "ts", "tsx", "js", "mjs", "py", "css", "html", "toml"]) {
        for mark in marks {
            assert!(!text.contains(mark), "{path} holds {mark}");
        }
    }
}

#[test]
fn files_hold_one_idea() {
    for (path, text) in sources(&["rs", "ts", "tsx"]) {
        let generated = path == "sdk/src/protocol.ts";
        let lines = text.lines().count();
        assert!(generated || is_test(&path) || lines <= LINES_MAX, "{path} has {lines} lines: is it still one idea?");
    }
}

#[test]
fn the_readme_names_commands_that_exist() {
    let (readme, makefile) = (
        fs::read_to_string(root().join("README.md")).expect("there is a README"),
        fs::read_to_string(root().join("Makefile")).expect("there is a Makefile"),
    );
    for target in ["run", "test", "check", "e2e", "fuzz", "bench"] {
        assert!(makefile.contains(&format!("\n{target}:")), "the Makefile lost {target}");
    }
    for command in ["make run", "make test"] {
        assert!(readme.contains(command), "the README lost {command}");
    }
}
