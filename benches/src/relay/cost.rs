//! What one event, one page and one share cost.

use super::live::{Live, messages};
use super::page::page;
use super::script::{Script, Step};
use crate::cpu;
use crate::samples::Samples;
use serde_json::{Value, json};
use std::time::Duration;
use tillside_cobrowse::relay::{ShareId, ViewerId};

const SHARE: ShareId = ShareId(1);

/// Each page is measured so often; the first time warms caches that a busy node has warm.
const ROUNDS: usize = 3;

/// Small events on a page of the median size, the lively mix first, then each kind by itself.
pub(super) fn events(seed: u64, count: u64) -> Vec<Value> {
    let mut rows = vec![event_row("events", seed, count * 3, |script| script.lively())];
    rows.extend(
        Step::ALL.map(|step| event_row(&format!("events {}", step.name()), seed, count, |script| script.event(step))),
    );
    rows
}

fn event_row(case: &str, seed: u64, count: u64, next: impl Fn(&mut Script<'_>) -> Vec<u8>) -> Value {
    let page = page(seed, 260_000);
    let mut live = Live::new(1);
    live.open(SHARE, &page);
    let mut script = Script::new(&page, seed);
    let (mut bytes_in, mut bytes_out, mut spent) = (0, 0, Duration::ZERO);
    const BATCH: u64 = 1_000;
    for _ in 0..count.div_ceil(BATCH) {
        // Made before the clock starts.
        let mut batch: Vec<Vec<u8>> = (0..BATCH).map(|_| next(&mut script)).collect();
        bytes_in += batch.iter().map(Vec::len).sum::<usize>();
        let ((), took) = cpu::timed(|| {
            for message in &mut batch {
                live.handle(SHARE, message);
                bytes_out += live.poll(SHARE);
            }
        });
        spent += took;
    }
    let count = count.div_ceil(BATCH) * BATCH;
    json!({
        "case": case,
        "events_per_s": (count as f64 / spent.as_secs_f64()).round(),
        "bytes_in": bytes_in as f64 / count as f64,
        "bytes_out": bytes_out as f64 / count as f64,
    })
}

/// Snapshots of generated pages of one size.
pub(super) fn generated(name: &str, bytes: usize, seed: u64, pages: u64) -> Value {
    let pages = (0..pages).map(|place| page(seed + place, bytes).snapshot);
    snapshot_row(&format!("snapshot {name}"), pages)
}

/// Snapshots of recorded pages, by size.
pub(super) fn recorded(pages: Vec<Vec<u8>>) -> Vec<Value> {
    const BINS: [(&str, std::ops::Range<usize>); 4] = [
        ("snapshot corpus <100 KB", 0..100_000),
        ("snapshot corpus 100-260 KB", 100_000..260_000),
        ("snapshot corpus 260 KB-1 MB", 260_000..1_000_000),
        ("snapshot corpus >1 MB", 1_000_000..usize::MAX),
    ];
    let rows = BINS.iter().filter_map(|(name, range)| {
        let inside: Vec<Vec<u8>> = pages.iter().filter(|page| range.contains(&page.len())).cloned().collect();
        (!inside.is_empty()).then(|| snapshot_row(name, inside.into_iter()))
    });
    rows.collect()
}

/// The time from the record to a classified and masked mirror, and from the mirror to a viewer's bytes.
fn snapshot_row(case: &str, pages: impl Iterator<Item = Vec<u8>>) -> Value {
    let (mut taken, mut written, mut per_kb) = (Samples::default(), Samples::default(), Samples::default());
    let (mut count, mut bytes_in, mut bytes_out) = (0, 0, 0);
    for page in pages {
        for _ in 0..ROUNDS {
            let mut live = Live::new(1);
            live.consent(SHARE);
            let mut cut = messages(&page);
            let ((), took) = cpu::timed(|| cut.iter_mut().for_each(|message| live.handle(SHARE, message)));
            let (message, wrote) = cpu::timed(|| live.relay.poll_viewer(SHARE, ViewerId(0)));
            taken.push(took.as_secs_f64() * 1e3);
            written.push(wrote.as_secs_f64() * 1e3);
            per_kb.push(took.as_secs_f64() * 1e6 / (page.len() as f64 / 1e3));
            bytes_out += message.map_or(0, |message| message.len());
            bytes_in += page.len();
        }
        count += 1;
    }
    json!({
        "case": case,
        "pages": count,
        "bytes_in": bytes_in / (count * ROUNDS),
        "bytes_out": bytes_out / (count * ROUNDS),
        "snapshot_ms": { "p50": taken.median(), "p99": taken.quantile(0.99), "spread": taken.spread() },
        "serialise_ms": { "p50": written.median(), "p99": written.quantile(0.99) },
        "us_per_kb": per_kb.median(),
    })
}

/// What a share keeps while it lives: the growth of resident memory over many of them.
pub(super) fn memory(name: &str, bytes: usize, seed: u64) -> Value {
    const SHARES: u64 = 64;
    let page = page(seed, bytes);
    let mut live = Live::new(2);
    // The first ones fill what the allocator keeps in reserve.
    (0..8).for_each(|share| live.open(ShareId(share), &page));
    let before = resident_bytes();
    (8..8 + SHARES).for_each(|share| live.open(ShareId(share), &page));
    let grown = resident_bytes().saturating_sub(before);
    json!({ "case": format!("memory {name}"), "bytes_per_share": grown / SHARES, "viewers": 2 })
}

/// Resident memory of this process, from the second number of `/proc/self/statm`, in pages of 4 KiB.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}
