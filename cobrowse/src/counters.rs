//! What each barrier had to stop, as numbers: for metrics and alerts. Never content, never a node or page.

/// One thing that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Records taken in.
    Records,
    /// Events applied.
    Events,
    /// Events dropped: custom, plugin, asset, annotation.
    ExtensionRefused,
    /// Events dropped: pixels, fonts, logs.
    ContentRefused,
    /// Events dropped: no rrweb type or source.
    UnknownRefused,
    /// Events dropped: a field missing or a node unknown, the tree unharmed.
    IncompleteRefused,
    /// Records dropped because the share was not live or waited for a snapshot.
    NotLive,
    /// Elements off the allow-list, with all below them.
    TagDropped,
    /// Attributes off the allow-list.
    AttributeDropped,
    /// Links and sources that lost their scheme, query, fragment or all.
    UrlStripped,
    /// Rules and declarations that were dropped.
    CssDropped,
    /// A raw value arrived for a field that the SDK should have masked. Alert.
    ValueMasked,
    /// A text or attribute repeated a private value. Alert.
    EchoMasked,
    /// A text or attribute held a card number. Alert.
    CardFound,
    /// A text or attribute held a bank account number. Alert.
    IbanFound,
    /// A code or an expiry stood beside a card number. Alert.
    CodeFound,
    /// Controls found to be payment fields.
    PaymentFound,
    /// Pointer positions over payment fields.
    PointerDropped,
    /// Times that the tree could not be trusted.
    Desyncs,
    /// Viewers whose queue ran over and who got a fresh snapshot.
    ViewerOverflow,
    /// Verbs passed to the shopper.
    VerbPassed,
    /// Verbs refused.
    VerbRefused,
}

const COUNTERS: usize = Counter::VerbRefused as usize + 1;

/// All counters of one share.
#[derive(Clone, Debug, Default)]
pub struct Counters([u64; COUNTERS]);

impl Counters {
    /// How often it happened.
    #[must_use]
    pub fn of(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }

    /// Those that mean that the page's own SDK failed to mask: any above zero is an alert.
    #[must_use]
    pub fn server_masked(&self) -> u64 {
        use Counter::{CardFound, CodeFound, EchoMasked, IbanFound, ValueMasked};
        [ValueMasked, EchoMasked, CardFound, IbanFound, CodeFound].map(|counter| self.of(counter)).iter().sum()
    }

    pub(crate) fn add(&mut self, counter: Counter) {
        self.0[counter as usize] += 1;
    }
}
