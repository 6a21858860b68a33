//! Reads corpora of recorded pages: every `*.jsonl.xz` of a folder, one stream per line.

use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use xz2::bufread::XzDecoder;

/// Gives every line of every file to `take`, which may refuse it with a reason. Shows progress on a terminal.
///
/// # Errors
/// A sentence for people, with the file and line.
pub(crate) fn for_each_line(folder: &Path, mut take: impl FnMut(&str) -> Result<(), String>) -> Result<(), String> {
    for path in files(folder)? {
        let say = |error: &dyn std::fmt::Display, line: usize| format!("{}, line {line}: {error}", path.display());
        let file = File::open(&path).map_err(|error| say(&error, 0))?;
        for (index, line) in BufReader::new(XzDecoder::new(BufReader::new(file))).lines().enumerate() {
            let line = line.map_err(|error| say(&error, index + 1))?;
            take(&line).map_err(|error| say(&error, index + 1))?;
            if std::io::stderr().is_terminal() {
                eprint!("\r{}: {} streams", path.display(), index + 1);
                let _ = std::io::stderr().flush();
            }
        }
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
    }
    Ok(())
}

/// The snapshot of every untouched page, as the recorder's JSON.
///
/// # Errors
/// A sentence for people.
pub(crate) fn snapshots(folder: &Path) -> Result<Vec<Vec<u8>>, String> {
    let mut found = Vec::new();
    for_each_line(folder, |line| {
        let mut reader = serde_json::Deserializer::from_str(line);
        reader.disable_recursion_limit();
        let stream = <Value as serde::Deserialize>::deserialize(&mut reader).map_err(|_| "no JSON".to_owned())?;
        let events = stream["events"].as_array().ok_or("no stream of a corpus")?;
        if stream["variant"].is_null() {
            let snapshot = events.iter().find(|event| event["type"] == 2);
            found.extend(snapshot.map(|event| event.to_string().into_bytes()));
        }
        Ok(())
    })?;
    Ok(found)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot read the corpus {}: {error}", folder.display()))?;
    let is_corpus = |path: &PathBuf| path.to_string_lossy().ends_with(".jsonl.xz");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_corpus).collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("no *.jsonl.xz in {}: name the folder of a corpus with --corpus", folder.display()));
    }
    Ok(files)
}
