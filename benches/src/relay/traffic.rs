//! Bytes to one viewer per minute, by what the shopper does.

use super::live::Live;
use super::page::page;
use super::script::{Script, Step};
use serde_json::{Value, json};
use tillside_cobrowse::relay::ShareId;

const SHARE: ShareId = ShareId(1);

/// What happens in a minute: how many events of each kind.
const MINUTES: [(&str, &[(Step, u32)]); 3] = [
    // The tab is open and nobody touches it; a price changes now and then.
    ("traffic idle", &[(Step::Text, 2)]),
    // A scroll gesture every six seconds, 20 events each, and a mouse that moves a fifth of the time.
    ("traffic reading", &[(Step::Scroll, 200), (Step::Mouse, 120), (Step::Attribute, 30)]),
    // Three keys a second, a form that answers each, a page that loads its parts.
    (
        "traffic typing",
        &[(Step::Input, 180), (Step::Attribute, 180), (Step::Add, 60), (Step::Text, 60), (Step::Mouse, 60)],
    ),
];

/// A minute of each.
pub(super) fn minutes(seed: u64) -> Vec<Value> {
    MINUTES.iter().map(|(case, steps)| minute(case, steps, seed)).collect()
}

fn minute(case: &str, steps: &[(Step, u32)], seed: u64) -> Value {
    let page = page(seed, 260_000);
    let mut live = Live::new(1);
    live.open(SHARE, &page);
    let mut script = Script::new(&page, seed);
    let (mut bytes_in, mut bytes_out) = (0, 0);
    for (step, count) in steps {
        for _ in 0..*count {
            let mut message = script.event(*step);
            bytes_in += message.len();
            live.handle(SHARE, &mut message);
            bytes_out += live.poll(SHARE);
        }
    }
    json!({ "case": case, "bytes_in_per_min": bytes_in, "bytes_out_per_min": bytes_out })
}
