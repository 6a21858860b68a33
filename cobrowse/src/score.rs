//! Scores the masking on a labelled corpus of recorded pages: recall by type, over-masking, leaks.
//!
//! Every stream goes through the real [`Relay`], with a viewer from the start and one that comes late. A field counts
//! as recognised only at level Payment, though every typed value is hidden at least as Masked. The leak rule is proven
//! on each stream before it judges: on the unmasked input it must find every secret.
//! Reads no files: the caller gives lines, see [`Score::add_line`].

mod leaks;

use crate::mask::Level;
use crate::policy::Policy;
use crate::relay::{Relay, ShareId, ViewerId};
use leaks::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Types that count as card fields.
const CARD_TYPES: [&str; 10] = [
    "cc-number",
    "cc-csc",
    "cc-exp",
    "cc-exp-month",
    "cc-exp-year",
    "cc-name",
    "cc-given-name",
    "cc-family-name",
    "cc-additional-name",
    "cc-type",
];

/// Types that count neither as recall nor as over-masking; reported by themselves.
const APART_TYPES: [&str; 13] = [
    "cc-hidden-number",
    "cc-hidden-csc",
    "gift-card",
    "gift-card-pin",
    "bank-iban",
    "bank-account",
    "bank-routing",
    "bank-bic",
    "bank-sort-code",
    "voucher",
    "loyalty",
    "none",
    "none-other",
];

/// How many fields of a kind there are, and how many were taken for payment fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Labelled fields.
    pub fields: u64,
    /// Of these at level Payment.
    pub payment: u64,
}

impl Tally {
    /// The share of payment, 0 to 1; 1 where there are no fields.
    #[must_use]
    pub fn rate(self) -> f64 {
        if self.fields == 0 { 1.0 } else { self.payment as f64 / self.fields as f64 }
    }

    fn add(&mut self, payment: bool) {
        self.fields += 1;
        self.payment += u64::from(payment);
    }

    fn plus(self, other: Self) -> Self {
        Self { fields: self.fields + other.fields, payment: self.payment + other.payment }
    }
}

/// The score of one source, or of one variant of it.
#[derive(Clone, Debug, Default)]
pub struct SourceScore {
    /// By label: card types, and those reported apart.
    pub by_type: BTreeMap<String, Tally>,
    /// All fields labelled as something that is no card field.
    pub others: Tally,
    /// Pages of this source.
    pub pages: u64,
    /// Pages on which a card field was missed.
    pub pages_with_miss: u64,
}

impl SourceScore {
    /// Recall over these types.
    #[must_use]
    pub fn recall(&self, types: &[&str]) -> Tally {
        types.iter().filter_map(|kind| self.by_type.get(*kind)).fold(Tally::default(), |sum, tally| sum.plus(*tally))
    }

    /// Recall over number and code together.
    #[must_use]
    pub fn number_csc(&self) -> Tally {
        self.recall(&["cc-number", "cc-csc"])
    }

    /// Recall over all card types.
    #[must_use]
    pub fn card(&self) -> Tally {
        self.recall(&CARD_TYPES)
    }
}

/// A labelled field that was judged wrongly, or a secret that leaked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The page's name in the corpus.
    pub page: String,
    /// The recorder's id of the field.
    pub node: u32,
    /// Its label.
    pub kind: String,
}

/// The score of a corpus.
#[derive(Default)]
pub struct Score {
    /// By source, variants apart as `source/variant`.
    pub sources: BTreeMap<String, SourceScore>,
    /// Secrets that reached a viewer.
    pub leaked: Vec<Finding>,
    /// Secrets that the rule does not find even in the unmasked stream: must be none, else a leak count says nothing.
    pub unproven: Vec<Finding>,
    /// Card fields that were not found.
    pub missed: Vec<Finding>,
    /// Other fields that were taken for payment fields.
    pub overmasked: Vec<Finding>,
    /// Secrets planted.
    pub secrets: u64,
    /// Streams that ended desynced: counted as missed with all their fields.
    pub desynced: Vec<String>,
}

/// Why a line of a corpus cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// Not the corpus' JSON.
    #[error("the line is no stream of a corpus")]
    NoStream,
}

#[derive(Deserialize)]
struct Stream {
    source: String,
    page: String,
    #[serde(default)]
    variant: Option<String>,
    events: Vec<Value>,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    secrets: Vec<Secret>,
}

impl Score {
    /// Runs one stream, `now` being any instant.
    ///
    /// # Errors
    /// [`ScoreError::NoStream`].
    pub fn add_line(&mut self, now: Instant, line: &str) -> Result<(), ScoreError> {
        let mut reader = serde_json::Deserializer::from_str(line);
        reader.disable_recursion_limit();
        let stream = Stream::deserialize(&mut reader).map_err(|_| ScoreError::NoStream)?;
        let run = run(now, &stream);
        self.count_fields(&stream, &run);
        self.count_leaks(&stream, &run);
        Ok(())
    }

    /// As the bench prints it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let sources: BTreeMap<&str, Value> = self
            .sources
            .iter()
            .map(|(name, score)| {
                let by_type: BTreeMap<&str, Value> = score
                    .by_type
                    .iter()
                    .map(|(kind, tally)| (kind.as_str(), json!({ "fields": tally.fields, "payment": tally.payment })))
                    .collect();
                let value = json!({
                    "number_csc_recall": score.number_csc().rate(),
                    "card_recall": score.card().rate(),
                    "overmask": if score.others.fields == 0 { 0.0 } else { score.others.rate() },
                    "pages": score.pages,
                    "pages_with_miss": score.pages_with_miss,
                    "by_type": by_type,
                });
                (name.as_str(), value)
            })
            .collect();
        let leaked: Vec<Value> =
            self.leaked.iter().map(|leak| json!({ "page": leak.page, "node": leak.node, "kind": leak.kind })).collect();
        json!({
            "sources": sources,
            "secrets": self.secrets,
            "unproven": self.unproven.len(),
            "desynced": self.desynced,
            "leaks": leaked.len(),
            "leaked": leaked,
        })
    }

    fn count_fields(&mut self, stream: &Stream, run: &Run) {
        if run.desynced {
            self.desynced.push(stream.page.clone());
        }
        let name = match &stream.variant {
            Some(variant) => format!("{}/{variant}", stream.source),
            None => stream.source.clone(),
        };
        let score = self.sources.entry(name).or_default();
        score.pages += 1;
        let mut missed = false;
        for (node, kind) in &stream.labels {
            if kind == "ambiguous" {
                continue;
            }
            let Ok(node) = node.parse::<u32>() else { continue };
            let payment = run.relay.level(SHARE, node) == Some(Level::Payment);
            let finding = || Finding { page: stream.page.clone(), node, kind: kind.clone() };
            let is_card = CARD_TYPES.contains(&kind.as_str());
            if is_card || APART_TYPES.contains(&kind.as_str()) {
                score.by_type.entry(kind.clone()).or_default().add(payment);
            } else {
                score.others.add(payment);
                if payment {
                    self.overmasked.push(finding());
                }
            }
            if is_card && !payment {
                missed = true;
                self.missed.push(finding());
            }
        }
        score.pages_with_miss += u64::from(missed);
    }

    fn count_leaks(&mut self, stream: &Stream, run: &Run) {
        for secret in &stream.secrets {
            self.secrets += 1;
            let finding = || Finding { page: stream.page.clone(), node: secret.node, kind: secret.kind.clone() };
            if !secret.leaks_in(run.unmasked.iter().map(Vec::as_slice)) {
                self.unproven.push(finding());
            }
            if secret.leaks_in(run.seen.iter().map(|message| &**message)) {
                self.leaked.push(finding());
            }
        }
    }
}

const SHARE: ShareId = ShareId(1);
const EARLY: ViewerId = ViewerId(1);
const LATE: ViewerId = ViewerId(2);

/// What came of a stream.
struct Run {
    relay: Relay,
    /// Everything that viewers got.
    seen: Vec<Arc<[u8]>>,
    /// Everything that the page sent.
    unmasked: Vec<Vec<u8>>,
    desynced: bool,
}

fn run(now: Instant, stream: &Stream) -> Run {
    let mut relay = Relay::default();
    relay.request(now, SHARE, Policy::default()).expect("a new relay has no share");
    relay.consent(SHARE).expect("the share was just requested");
    relay.add_viewer(SHARE, EARLY).expect("a new share has no viewers");
    let mut seen = Vec::new();
    let mut unmasked = Vec::new();
    for (step, event) in stream.events.iter().enumerate() {
        let bytes = serde_json::to_vec(event).expect("parsed JSON can be written");
        let at = now + Duration::from_millis(40) * u32::try_from(step).unwrap_or(u32::MAX);
        for mut message in messages(&bytes) {
            relay.handle_record(at, SHARE, &mut message);
        }
        unmasked.push(bytes);
        seen.extend(std::iter::from_fn(|| relay.poll_viewer(SHARE, EARLY)));
    }
    relay.add_viewer(SHARE, LATE).expect("two viewers are few");
    seen.extend(std::iter::from_fn(|| relay.poll_viewer(SHARE, LATE)));
    let desynced = relay.counters(SHARE).is_none_or(|counters| counters.of(crate::counters::Counter::Desyncs) > 0);
    Run { relay, seen, unmasked, desynced }
}

/// A record as the SDK sends it: whole if it is small, in chunks if not.
fn messages(record: &[u8]) -> Vec<Vec<u8>> {
    use crate::{CHUNK_BYTES_MAX, FLAG_FRAMED, FLAG_MORE};
    if record.len() <= CHUNK_BYTES_MAX {
        return vec![record.to_vec()];
    }
    let chunks = record.chunks(CHUNK_BYTES_MAX - 1);
    let last = chunks.len() - 1;
    chunks
        .enumerate()
        .map(|(place, chunk)| [&[FLAG_FRAMED | if place < last { FLAG_MORE } else { 0 }], chunk].concat())
        .collect()
}
