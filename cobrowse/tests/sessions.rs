//! Ten shopping sessions of our own, recorded in a real browser by a recorder that masks nothing: all payment fields are
//! found, hardly anything else is taken for one, and nothing that was typed leaks. Unlike the corpora, they are in the repository.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test may read the clock and fail loudly

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Instant;
use tillside_cobrowse::score::{Score, Tally};

/// Sessions in the file; with fewer the test would say nothing.
const SESSIONS: u64 = 10;

/// A step that asks for a full name and then, right behind it, for the card's number: until the card's own name field
/// comes, nothing tells that the first is not the name on the card, and what was found stays found.
const FULL_NAMES: usize = 1;

fn score() -> Score {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/sessions/recorded.jsonl.xz");
    let mut score = Score::default();
    let now = Instant::now();
    for line in BufReader::new(xz2::read::XzDecoder::new(File::open(path).unwrap())).lines() {
        score.add_line(now, &line.unwrap()).unwrap();
    }
    score
}

#[test]
fn payment_fields_of_recorded_sessions_are_found_and_nothing_leaks() {
    let score = score();
    let sessions = &score.sources["shopping"];
    assert_eq!(sessions.pages, SESSIONS);
    assert_eq!(score.desynced, Vec::<String>::new());
    assert!(score.secrets > 30, "only {} secrets were typed", score.secrets);
    assert!(score.unproven.is_empty(), "the leak rule does not find {:?}", score.unproven);
    assert!(score.leaked.is_empty(), "{:?}", score.leaked);
    assert!(score.missed.is_empty(), "{:?}", score.missed);
    assert!(score.overmasked.len() <= FULL_NAMES, "{:?}", score.overmasked);
    assert_eq!(sessions.recall(&["bank-iban"]), Tally { fields: 1, payment: 1 });
}
