//! What a tenant decides about masking: which fields are shared, which parts hidden, which pages pause the share.

mod selector;

pub use selector::{Selector, SelectorError};

use crate::limits::NODES_MAX;
use crate::mask::Level;

/// Most selectors in one list; each is tried on every element that enters the tree.
pub const SELECTORS_MAX: usize = 64;

/// What is masked, for one share. Payment fields, passwords and one-time codes are hidden whatever it says.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Fields whose typed values viewers may see: a search box, a quantity.
    pub share: Vec<Selector>,
    /// Parts shown as glyphs.
    pub mask: Vec<Selector>,
    /// Parts shown as boxes.
    pub block: Vec<Selector>,
    /// Whether the page's own `data-tillside` attributes count.
    pub page_marks: PageMarks,
    /// Whether links show where they lead.
    pub links: Links,
    /// Pages whose host and path contain one of these are never shown.
    pub pause_on: Vec<String>,
    /// Most nodes of a page.
    pub nodes_max: usize,
}

/// What `data-tillside="mask|block|share"` on an element does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageMarks {
    /// `mask` and `block` hide, `share` shows a field.
    Obeyed,
    /// `mask` and `block` hide, `share` is ignored.
    HidingOnly,
}

/// What a viewer gets as the address of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Scheme, host and path.
    WithoutQuery,
    /// Nothing: all links look alike.
    Scrambled,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            share: Vec::new(),
            mask: Vec::new(),
            block: Vec::new(),
            page_marks: PageMarks::Obeyed,
            links: Links::WithoutQuery,
            pause_on: Vec::new(),
            nodes_max: NODES_MAX,
        }
    }
}

/// What the policy and the page say about one element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// At least this hidden.
    pub(crate) level: Level,
    /// The value may be shown, if nothing else hides it.
    pub(crate) shared: bool,
}

impl Policy {
    /// Judges an element by its tag and its raw attributes. Hiding wins over sharing.
    pub(crate) fn judge<'a>(&self, tag: &str, attribute: impl Fn(&str) -> Option<&'a str>) -> Verdict {
        let matches = |list: &[Selector]| list.iter().take(SELECTORS_MAX).any(|one| one.matches(tag, &attribute));
        let mark = attribute("data-tillside");
        let level = if mark == Some("block") || matches(&self.block) {
            Level::Blocked
        } else if mark == Some("mask") || matches(&self.mask) {
            Level::Masked
        } else {
            Level::Public
        };
        let marked = mark == Some("share") && self.page_marks == PageMarks::Obeyed;
        Verdict { level, shared: level == Level::Public && (marked || matches(&self.share)) }
    }

    /// Whether a page is never shown.
    pub(crate) fn pauses(&self, href: &str) -> bool {
        let place = href.split(['?', '#']).next().unwrap_or_default();
        self.pause_on.iter().any(|part| !part.is_empty() && place.contains(part.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            share: vec![Selector::parse("input[name=q]").unwrap()],
            mask: vec![Selector::parse(".account").unwrap()],
            block: vec![Selector::parse("#chat").unwrap()],
            ..Policy::default()
        }
    }

    fn check(policy: &Policy, tag: &str, attributes: &[(&str, &str)], level: Level, shared: bool) {
        let find = |name: &str| attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        assert_eq!(policy.judge(tag, find), Verdict { level, shared }, "{tag} {attributes:?}");
    }

    #[test]
    fn hiding_wins_and_sharing_is_by_name() {
        let policy = policy();
        check(&policy, "input", &[("name", "q")], Level::Public, true);
        check(&policy, "input", &[("name", "email")], Level::Public, false);
        check(&policy, "input", &[("name", "q"), ("data-tillside", "mask")], Level::Masked, false);
        check(&policy, "div", &[("class", "x account y")], Level::Masked, false);
        check(&policy, "div", &[("id", "chat"), ("data-tillside", "mask")], Level::Blocked, false);
        check(&policy, "input", &[("data-tillside", "share")], Level::Public, true);
        let strict = Policy { page_marks: PageMarks::HidingOnly, ..policy };
        check(&strict, "input", &[("data-tillside", "share")], Level::Public, false);
    }

    #[test]
    fn pages_pause_by_host_and_path_only() {
        let policy = Policy { pause_on: vec!["/checkout/pay".into()], ..Policy::default() };
        assert!(policy.pauses("https://shop.example/checkout/pay?x=1"));
        assert!(!policy.pauses("https://shop.example/cart?next=/checkout/pay"));
    }
}
