//! What the barriers of one relay's shares have counted, as steps of the node's metrics.

use crate::metrics::Metrics;
use tillside_cobrowse::counters::{Counter, Counters};

/// Name, labels and the counter behind them.
type Counted = (&'static str, &'static [(&'static str, &'static str)], Counter);

/// `stopped` is what a barrier kept from viewers; `masked` is what the page's own SDK should have masked and did not.
const COUNTED: &[Counted] = &[
    ("tillside_cobrowse_records_total", &[], Counter::Records),
    ("tillside_cobrowse_events_total", &[], Counter::Events),
    ("tillside_cobrowse_stopped_total", &[("barrier", "extension")], Counter::ExtensionRefused),
    ("tillside_cobrowse_stopped_total", &[("barrier", "content")], Counter::ContentRefused),
    ("tillside_cobrowse_stopped_total", &[("barrier", "unknown")], Counter::UnknownRefused),
    ("tillside_cobrowse_stopped_total", &[("barrier", "incomplete")], Counter::IncompleteRefused),
    ("tillside_cobrowse_stopped_total", &[("barrier", "not_live")], Counter::NotLive),
    ("tillside_cobrowse_stopped_total", &[("barrier", "tag")], Counter::TagDropped),
    ("tillside_cobrowse_stopped_total", &[("barrier", "attribute")], Counter::AttributeDropped),
    ("tillside_cobrowse_stopped_total", &[("barrier", "url")], Counter::UrlStripped),
    ("tillside_cobrowse_stopped_total", &[("barrier", "css")], Counter::CssDropped),
    ("tillside_cobrowse_stopped_total", &[("barrier", "pointer")], Counter::PointerDropped),
    ("tillside_cobrowse_masked_total", &[("barrier", "value")], Counter::ValueMasked),
    ("tillside_cobrowse_masked_total", &[("barrier", "echo")], Counter::EchoMasked),
    ("tillside_cobrowse_masked_total", &[("barrier", "card")], Counter::CardFound),
    ("tillside_cobrowse_masked_total", &[("barrier", "iban")], Counter::IbanFound),
    ("tillside_cobrowse_masked_total", &[("barrier", "code")], Counter::CodeFound),
    ("tillside_cobrowse_payment_fields_total", &[], Counter::PaymentFound),
    ("tillside_cobrowse_desyncs_total", &[], Counter::Desyncs),
    ("tillside_cobrowse_resnapshots_total", &[], Counter::ViewerOverflow),
];

/// See the module.
#[derive(Default)]
pub(super) struct Tally {
    /// Counted by shares that are gone.
    gone: [u64; COUNTED.len()],
    /// Told to the metrics so far.
    told: [u64; COUNTED.len()],
    asset_bytes: usize,
}

impl Tally {
    /// Keeps what a share has counted that is about to be forgotten.
    pub(super) fn keep(&mut self, counters: &Counters) {
        for (gone, (_, _, counter)) in self.gone.iter_mut().zip(COUNTED) {
            *gone += counters.of(*counter);
        }
    }

    /// Tells the metrics what has come since the last time.
    pub(super) fn tell<'a>(&mut self, metrics: &Metrics, live: impl Iterator<Item = &'a Counters>, asset_bytes: usize) {
        let mut sums = self.gone;
        for counters in live {
            for (sum, (_, _, counter)) in sums.iter_mut().zip(COUNTED) {
                *sum += counters.of(*counter);
            }
        }
        for ((sum, told), (name, labels, _)) in sums.iter().zip(&mut self.told).zip(COUNTED) {
            metrics.cobrowse(name, labels, sum - *told);
            *told = *sum;
        }
        metrics.cobrowse_asset_bytes(self.asset_bytes, asset_bytes);
        self.asset_bytes = asset_bytes;
    }
}
