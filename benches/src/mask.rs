//! `mask`: the score of the relay's masking on a corpus of labelled pages.
//!
//! Reads every `*.jsonl.xz` of a folder, one stream per line, and runs each through the real relay core with a page
//! that masks nothing. The rules of the score are `tillside_cobrowse::score`'s.

use crate::origin;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tillside_cobrowse::score::Score;
use xz2::bufread::XzDecoder;

const METHOD: &str = "every stream through the relay core, a viewer from the start and one that comes late; a field counts as \
recognised at level Payment; the leak rule is proven on each unmasked stream first";

/// See [`super::Command::Mask`].
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder with the corpus: `*.jsonl.xz`.
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,
    /// Writes the score as JSON here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let files = corpus_files(&arguments.corpus)?;
    let mut score = Score::default();
    for file in &files {
        add_file(&mut score, file)?;
    }
    print(&score);
    if let Some(path) = &arguments.json {
        let mut json = score.to_json();
        json["corpus"] = arguments.corpus.display().to_string().into();
        origin::write(path, "mask", score.unproven.is_empty(), METHOD, json)?;
    }
    Ok(())
}

fn corpus_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
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

fn add_file(score: &mut Score, path: &Path) -> Result<(), String> {
    let say = |error: &dyn std::fmt::Display, line: usize| format!("{}, line {line}: {error}", path.display());
    let file = File::open(path).map_err(|error| say(&error, 0))?;
    for (index, line) in BufReader::new(XzDecoder::new(BufReader::new(file))).lines().enumerate() {
        let line = line.map_err(|error| say(&error, index + 1))?;
        score.add_line(now(), &line).map_err(|error| say(&error, index + 1))?;
        if std::io::stderr().is_terminal() {
            eprint!("\r{}: {} streams", path.display(), index + 1);
            let _ = std::io::stderr().flush();
        }
    }
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the harness owns the clock")]
fn now() -> Instant {
    Instant::now()
}

fn print(score: &Score) {
    println!("{:<36} {:>6} {:>12} {:>12} {:>10}", "source", "pages", "number+csc", "all card", "over-mask");
    for (name, source) in &score.sources {
        println!(
            "{name:<36} {:>6} {:>11.2}% {:>11.2}% {:>9.2}%",
            source.pages,
            source.number_csc().rate() * 100.0,
            source.card().rate() * 100.0,
            source.others.rate() * 100.0,
        );
    }
    println!("planted secrets: {}, leaked: {}", score.secrets, score.leaked.len());
    if !score.desynced.is_empty() {
        println!("streams that ended desynced (all their fields count as missed): {}", score.desynced.len());
    }
    if !score.unproven.is_empty() {
        println!("INVALID: {} secrets are not found even in the unmasked streams", score.unproven.len());
    }
}
