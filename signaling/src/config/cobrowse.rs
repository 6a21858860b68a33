//! `[tenants.cobrowse]`: what agents see of a shopper's page, and what they may do there. Payment fields, passwords and
//! one-time codes are hidden whatever it says.

use super::ConfigError;
use crate::protocol::Rung;
use crate::signaling::ShareRules;
use serde::{Deserialize, Serialize};
use tillside_cobrowse::limits::NODES_MAX;
use tillside_cobrowse::policy::{Links, PageMarks, Policy, SELECTORS_MAX, Selector};

/// Fewest nodes that make sense: the barest page has some dozens.
const NODES_MIN: usize = 100;
/// Entries of `pause_on`; each is looked for in every address.
const PAUSES_MAX: usize = 64;

/// `[tenants.cobrowse]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CobrowseConfig {
    /// Fields whose typed values agents see, as selectors. All others show dots.
    pub share: Vec<String>,
    /// Parts of pages whose text agents see as dots.
    pub mask: Vec<String>,
    /// Parts of pages that agents see as boxes.
    pub block: Vec<String>,
    /// Whether the page's own `data-tillside` marks count.
    pub page_marks: PageMarksConfig,
    /// What agents see of where links lead.
    pub links: LinksConfig,
    /// Pages whose host and path contain one of these are never shown.
    pub pause_on: Vec<String>,
    /// Whether pictures and fonts are shared.
    pub images: bool,
    /// The most that a shopper can let an agent do.
    pub control: ControlConfig,
    /// Nodes of a page at most; a larger one is not shown.
    pub nodes_max: usize,
}

/// Whether a page's own `data-tillside="mask|block|share"` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageMarksConfig {
    /// All three count.
    Obeyed,
    /// `mask` and `block` count, `share` does not.
    HidingOnly,
}

/// What agents see of where links lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinksConfig {
    /// Scheme, host and path.
    WithoutQuery,
    /// Nothing.
    Scrambled,
}

/// How far control may go; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlConfig {
    /// Agents only look.
    None,
    /// Pointer, highlight, draw.
    Point,
    /// Click and scroll.
    Click,
    /// Type into shared fields.
    Type,
    /// Follow links, go back and forward.
    Navigate,
}

impl Default for CobrowseConfig {
    fn default() -> Self {
        Self {
            share: Vec::new(),
            mask: Vec::new(),
            block: Vec::new(),
            page_marks: PageMarksConfig::Obeyed,
            links: LinksConfig::WithoutQuery,
            pause_on: Vec::new(),
            images: true,
            control: ControlConfig::Navigate,
            nodes_max: NODES_MAX,
        }
    }
}

impl CobrowseConfig {
    /// What the cores are told.
    pub(super) fn rules(&self, tenant: &str) -> Result<ShareRules, ConfigError> {
        let invalid = |key: &str, why: String| ConfigError::Invalid { key: place(tenant, key), why };
        if !(NODES_MIN..=NODES_MAX).contains(&self.nodes_max) {
            return Err(invalid("nodes_max", format!("choose a number from {NODES_MIN} to {NODES_MAX}")));
        }
        if self.pause_on.len() > PAUSES_MAX {
            return Err(invalid("pause_on", format!("name at most {PAUSES_MAX} pages")));
        }
        if self.pause_on.iter().any(|part| part.is_empty() || part.contains(['?', '#'])) {
            let why = "name a part of a host or path, such as \"/checkout/pay\", without ? and #";
            return Err(invalid("pause_on", why.to_owned()));
        }
        let policy = Policy {
            share: selectors(tenant, "share", &self.share)?,
            mask: selectors(tenant, "mask", &self.mask)?,
            block: selectors(tenant, "block", &self.block)?,
            page_marks: match self.page_marks {
                PageMarksConfig::Obeyed => PageMarks::Obeyed,
                PageMarksConfig::HidingOnly => PageMarks::HidingOnly,
            },
            links: match self.links {
                LinksConfig::WithoutQuery => Links::WithoutQuery,
                LinksConfig::Scrambled => Links::Scrambled,
            },
            pause_on: self.pause_on.clone(),
            nodes_max: self.nodes_max,
        };
        let control = match self.control {
            ControlConfig::None => None,
            ControlConfig::Point => Some(Rung::Point),
            ControlConfig::Click => Some(Rung::Click),
            ControlConfig::Type => Some(Rung::Type),
            ControlConfig::Navigate => Some(Rung::Navigate),
        };
        Ok(ShareRules { policy, images: self.images, control })
    }
}

fn selectors(tenant: &str, key: &str, texts: &[String]) -> Result<Vec<Selector>, ConfigError> {
    let invalid = |why: String| ConfigError::Invalid { key: place(tenant, key), why };
    if texts.len() > SELECTORS_MAX {
        return Err(invalid(format!("name at most {SELECTORS_MAX} selectors")));
    }
    let read =
        |text: &String| Selector::parse(text).map_err(|error| invalid(format!("{text:?} cannot be used: {error}")));
    texts.iter().map(read).collect()
}

fn place(tenant: &str, key: &str) -> String {
    format!("tenants.cobrowse.{key} of {tenant:?}")
}
