//! Scores the masking on the corpora that lie beside the repository, where they do. They are not part of it: their
//! pages belong to their sites.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test may read the clock and fail loudly

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tillside_cobrowse::score::Score;

/// `corpus/*.jsonl.xz` beside the repository, or below the `shared` folder beside it.
fn corpora() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["corpus", "shared/corpus"].map(|folder| root.join(folder));
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".jsonl.xz"));
    files.sort();
    files
}

fn score(files: &[PathBuf]) -> Score {
    let mut score = Score::default();
    let now = Instant::now();
    for file in files {
        let reader = xz2::read::XzDecoder::new(std::fs::File::open(file).unwrap());
        for line in BufReader::new(reader).lines() {
            score.add_line(now, &line.unwrap()).unwrap();
        }
    }
    score
}

#[test]
fn masking_meets_its_goals_on_every_corpus() {
    let files = corpora();
    if files.is_empty() {
        println!("skipped: no corpus lies beside the repository");
        return;
    }
    let score = score(&files);
    for (name, source) in &score.sources {
        println!(
            "{name}: number+csc {:.2} %, card {:.2} %, over-mask {:.2} % of {}",
            source.number_csc().rate() * 100.0,
            source.card().rate() * 100.0,
            if source.others.fields == 0 { 0.0 } else { source.others.rate() * 100.0 },
            source.others.fields,
        );
        for (kind, tally) in &source.by_type {
            println!("    {kind}: {} of {}", tally.payment, tally.fields);
        }
    }
    println!("{} secrets, {} leaked, {} unproven", score.secrets, score.leaked.len(), score.unproven.len());
    if option_env!("TILLSIDE_SCORE_DETAILS").is_some() {
        for (what, findings) in [
            ("missed", &score.missed),
            ("overmasked", &score.overmasked),
            ("leaked", &score.leaked),
            ("unproven", &score.unproven),
        ] {
            findings.iter().for_each(|one| println!("{what}\t{}\t{}\t{}", one.page, one.node, one.kind));
        }
    }
    assert_eq!(score.desynced, Vec::<String>::new());
    assert_eq!(score.unproven, []);
    assert_eq!(score.leaked, []);
}
