//! `mask`: the score of the relay's masking on a corpus of labelled pages.
//!
//! Reads every `*.jsonl.xz` of a folder, one stream per line, and runs each through the real relay core with a page
//! that masks nothing. The rules of the score are `tillside_cobrowse::score`'s.

use crate::{corpus, origin};
use std::path::PathBuf;
use std::time::Instant;
use tillside_cobrowse::score::{Finding, Score};

const METHOD: &str = "every stream through the relay core, a viewer from the start and one that comes late; a field counts as \
recognised at level Payment; the leak rule is proven on each unmasked stream first";

/// See [`super::Command::Mask`].
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder with the corpus: `*.jsonl.xz`.
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,
    /// Prints every card field that was missed and every other field that was taken for one.
    #[arg(long)]
    list: bool,
    /// Writes the score as JSON here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let mut score = Score::default();
    corpus::for_each_line(&arguments.corpus, |line| score.add_line(now(), line).map_err(|error| error.to_string()))?;
    print(&score);
    if arguments.list {
        list("missed", &score.missed);
        list("overmasked", &score.overmasked);
    }
    if let Some(path) = &arguments.json {
        let mut json = score.to_json();
        json["corpus"] = arguments.corpus.display().to_string().into();
        origin::write(path, "mask", score.unproven.is_empty(), METHOD, json)?;
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the harness owns the clock")]
fn now() -> Instant {
    Instant::now()
}

fn list(what: &str, findings: &[Finding]) {
    for finding in findings {
        println!("{what} {} {} {}", finding.kind, finding.node, finding.page);
    }
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
