//! The delay that the core adds when many shares are busy at once.
//!
//! A queue of one server: every event has its arrival in made-up time and waits for those before it. Its service time
//! is the CPU time it really took, so the figure holds for a core that does nothing else, whatever this machine did.

use super::live::{Live, messages};
use super::page::{Page, page};
use super::script::Script;
use crate::cpu;
use crate::samples::Samples;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tillside_cobrowse::relay::ShareId;

/// Small events of each share per second.
const EVENTS_PER_SECOND: f64 = 20.0;

/// Every share loads a new page about so often.
const SECONDS_PER_PAGE: f64 = 60.0;

/// How long the shares are watched, in made-up seconds.
const SECONDS: f64 = 10.0;

/// Viewers of each share.
const VIEWERS: u64 = 2;

/// Runs `shares` busy shares at once.
pub(super) fn busy(seed: u64, shares: u64) -> Value {
    let page = page(seed, 100_000);
    let mut live = Live::new(VIEWERS);
    (0..shares).for_each(|share| live.open(ShareId(share), &page));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut scripts: Vec<Script<'_>> = (0..shares).map(|share| Script::new(&page, seed + share)).collect();
    let mut arrivals = Arrivals::new(shares, &mut random);
    let (mut delays, mut pages) = (Samples::default(), Samples::default());
    let (mut free_at, mut spent, mut events) = (0.0, 0.0, 0_u64);
    while let Some((at, share)) = arrivals.next(&mut random) {
        let new_page = random.random_range(0.0..1.0) < 1.0 / (SECONDS_PER_PAGE * EVENTS_PER_SECOND);
        let took = if new_page {
            scripts[share as usize] = Script::new(&page, random.random_range(0..u64::MAX));
            serve_page(&mut live, share, &page)
        } else {
            serve(&mut live, share, scripts[share as usize].lively())
        };
        let begins = f64::max(at, free_at);
        free_at = begins + took;
        spent += took;
        events += 1;
        if new_page { pages.push((free_at - at) * 1e3) } else { delays.push((free_at - at) * 1e3) }
    }
    json!({
        "case": format!("delay {shares} shares"),
        "events": events,
        "viewers": VIEWERS,
        "delay_ms": { "p50": delays.median(), "p99": delays.quantile(0.99), "p999": delays.quantile(0.999) },
        "page_delay_ms": { "p50": pages.median(), "p99": pages.quantile(0.99) },
        "load": spent / SECONDS,
    })
}

fn serve(live: &mut Live, share: u64, mut message: Vec<u8>) -> f64 {
    let share = ShareId(share);
    let (_, took) = cpu::timed(|| {
        live.handle(share, &mut message);
        live.poll(share)
    });
    took.as_secs_f64()
}

fn serve_page(live: &mut Live, share: u64, page: &Page) -> f64 {
    let share = ShareId(share);
    let mut cut = messages(&page.snapshot);
    let (_, took) = cpu::timed(|| {
        cut.iter_mut().for_each(|message| live.handle(share, message));
        live.poll(share)
    });
    took.as_secs_f64()
}

/// When which share sends next: at random with the same mean for all.
struct Arrivals(BinaryHeap<Reverse<(u64, u64)>>);

impl Arrivals {
    fn new(shares: u64, random: &mut ChaCha8Rng) -> Self {
        Self((0..shares).map(|share| Reverse((gap(random), share))).collect())
    }

    /// The next arrival in seconds, and whose it is; `None` when the time is over.
    fn next(&mut self, random: &mut ChaCha8Rng) -> Option<(f64, u64)> {
        let Reverse((at, share)) = self.0.pop()?;
        let seconds = at as f64 / 1e9;
        self.0.push(Reverse((at + gap(random), share)));
        (seconds < SECONDS).then_some((seconds, share))
    }
}

/// Nanoseconds to a share's next event: exponential, as independent arrivals are.
fn gap(random: &mut ChaCha8Rng) -> u64 {
    let even: f64 = random.random_range(f64::EPSILON..1.0);
    (-even.ln() / EVENTS_PER_SECOND * 1e9) as u64
}
