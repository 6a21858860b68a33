//! An agent's verbs on the shopper's page: read strictly, checked against the grant and the mirror, written anew.
//!
//! A verb names a node, its fingerprint and the epoch, never bare coordinates. What is masked, blocked or payment
//! cannot be acted on at all, nor can passwords, one-time codes, file inputs and frames.

mod guard;

use crate::admit;
use crate::counters::Counter;
use crate::grant::{Rung, Uncovered};
use crate::mask::Level;
use crate::mirror::{Key, Mirror, Role};
use crate::record::NodeId;
use crate::relay::{Phase, ViewerId};
use crate::share::Share;
use serde::{Deserialize, Serialize};
use std::time::Instant;

pub use guard::Guard;

/// Largest verb.
pub const VERB_BYTES_MAX: usize = 1_024;

/// Most characters that one verb types.
pub const TYPED_CHARS_MAX: usize = 64;

/// Most points of one stroke.
pub const STROKE_POINTS_MAX: usize = 32;

/// A verb on its way to the shopper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Verb {
    /// Rises with every verb of a viewer.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub seq: u64,
    /// Of the snapshot that the node's id belongs to.
    pub epoch: u32,
    /// The node acted on.
    pub node: u32,
    /// What the agent believes the node is; see [`fingerprint`].
    pub fingerprint: u32,
    /// What to do.
    pub act: Act,
}

/// What a verb does. Places are fractions of the node's box, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are the places and amounts that the acts speak of")]
pub enum Act {
    /// The agent's pointer is here.
    Point { x: f32, y: f32 },
    /// Draws attention to the node.
    Highlight {},
    /// A stroke over the node.
    Draw { points: Vec<(f32, f32)> },
    /// Scrolls the node by CSS pixels.
    Scroll { dx: f32, dy: f32 },
    /// Clicks.
    Click { x: f32, y: f32 },
    /// Puts the focus there.
    Focus {},
    /// Types text, or replaces what the field holds.
    Type {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "ts", ts(optional))]
        replace: Option<bool>,
    },
    /// Presses one key.
    Press { key: PressedKey },
    /// Chooses an option by its place.
    Select { option: u16 },
    /// Follows a link.
    Follow {},
    /// Goes back in the history. Names the document.
    Back {},
    /// Goes forward in the history. Names the document.
    Forward {},
    /// Loads the page again. Names the document.
    Reload {},
}

/// Keys an agent may press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the key of that name")]
pub enum PressedKey {
    Enter,
    Tab,
    Escape,
    Backspace,
    Delete,
    ArrowUp,
    ArrowDown,
    ArrowLeft,
    ArrowRight,
    Home,
    End,
}

impl Act {
    /// The rung of the ladder that it needs.
    #[must_use]
    pub fn rung(&self) -> Rung {
        match self {
            Self::Point { .. } | Self::Highlight {} | Self::Draw { .. } => Rung::Point,
            Self::Scroll { .. } | Self::Click { .. } | Self::Focus {} => Rung::Click,
            Self::Type { .. } | Self::Press { .. } | Self::Select { .. } => Rung::Type,
            Self::Follow {} | Self::Back {} | Self::Forward {} | Self::Reload {} => Rung::Navigate,
        }
    }

    /// The kind, for the audit log; never its content.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Point { .. } => "point",
            Self::Highlight {} => "highlight",
            Self::Draw { .. } => "draw",
            Self::Scroll { .. } => "scroll",
            Self::Click { .. } => "click",
            Self::Focus {} => "focus",
            Self::Type { .. } => "type",
            Self::Press { .. } => "press",
            Self::Select { .. } => "select",
            Self::Follow {} => "follow",
            Self::Back {} => "back",
            Self::Forward {} => "forward",
            Self::Reload {} => "reload",
        }
    }

    fn is_well_formed(&self) -> bool {
        let fraction = |value: f32| (0.0..=1.0).contains(&value);
        match self {
            Self::Point { x, y } | Self::Click { x, y } => fraction(*x) && fraction(*y),
            Self::Draw { points } => {
                points.len() <= STROKE_POINTS_MAX && points.iter().all(|(x, y)| fraction(*x) && fraction(*y))
            }
            Self::Scroll { dx, dy } => dx.abs() <= 1e5 && dy.abs() <= 1e5,
            Self::Type { text, .. } => {
                text.chars().count() <= TYPED_CHARS_MAX && !text.chars().any(|c| c.is_control() && c != '\n')
            }
            _ => true,
        }
    }
}

/// Why a verb was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// The share is not live, or no such viewer.
    #[error("the share is not live")]
    NotLive,
    /// Too large, not JSON, unknown members, impossible values.
    #[error("the verb is malformed")]
    Malformed,
    /// The number was used, or the verbs come too fast.
    #[error("the verb is late, repeated or too fast")]
    Unordered,
    /// The agent holds no grant.
    #[error("no grant")]
    NoGrant,
    /// The grant's time is over.
    #[error("the grant has expired")]
    Expired,
    /// The grant does not reach that far.
    #[error("the grant does not cover this")]
    BeyondGrant,
    /// The shopper is acting.
    #[error("the shopper is acting")]
    ShopperActs,
    /// The verb belongs to an older page.
    #[error("the page has changed")]
    WrongEpoch,
    /// No such node, or it is not what the agent believes.
    #[error("the node is gone or changed")]
    Moved,
    /// The node is hidden from the agent.
    #[error("the node is hidden")]
    Hidden,
    /// Nothing an agent may do to this kind of node.
    #[error("not for agents")]
    Forbidden,
}

/// What a node is, as agent, relay and page compute it alike: 32-bit FNV-1a over tag, id, type and role, each followed
/// by a line feed.
#[must_use]
pub fn fingerprint(tag: &str, id: &str, kind: &str, role: &str) -> u32 {
    let bytes = [tag, id, kind, role].into_iter().flat_map(|part| part.bytes().chain([b'\n']));
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Share {
    /// Checks a verb; gives it with what the shopper must confirm.
    ///
    /// # Errors
    /// Why it was refused; counted.
    pub(crate) fn handle_verb(
        &mut self,
        now: Instant,
        viewer: ViewerId,
        bytes: &[u8],
    ) -> Result<(Verb, Option<Guard>), Refusal> {
        let checked = self.check_verb(now, viewer, bytes);
        self.counters.add(if checked.is_ok() { Counter::VerbPassed } else { Counter::VerbRefused });
        checked
    }

    fn check_verb(&mut self, now: Instant, viewer: ViewerId, bytes: &[u8]) -> Result<(Verb, Option<Guard>), Refusal> {
        if self.phase != Phase::Live || self.desync.is_some() || !self.viewers.contains_key(&viewer) {
            return Err(Refusal::NotLive);
        }
        let verb = parse(bytes).ok_or(Refusal::Malformed)?;
        if !self.grants.admit(now, viewer, verb.seq) {
            return Err(Refusal::Unordered);
        }
        self.grants.cover(now, viewer, verb.act.rung()).map_err(|uncovered| match uncovered {
            Uncovered::NoGrant => Refusal::NoGrant,
            Uncovered::Expired => Refusal::Expired,
            Uncovered::BeyondGrant => Refusal::BeyondGrant,
            Uncovered::ShopperActs => Refusal::ShopperActs,
        })?;
        if verb.epoch != self.epoch {
            return Err(Refusal::WrongEpoch);
        }
        let (key, level, role) = self.target(NodeId(verb.node)).ok_or(Refusal::Moved)?;
        if verb.fingerprint != fingerprint_of(&self.mirror, key) {
            return Err(Refusal::Moved);
        }
        if level > Level::Public {
            return Err(Refusal::Hidden);
        }
        if !is_allowed(&self.mirror, key, role, &verb.act) {
            return Err(Refusal::Forbidden);
        }
        if verb.act.rung() >= Rung::Click {
            self.grants.note_act(now, NodeId(verb.node));
        }
        let guard = guard::of(&self.mirror, key, &verb.act);
        Ok((verb, guard))
    }
}

fn parse(bytes: &[u8]) -> Option<Verb> {
    if bytes.len() > VERB_BYTES_MAX {
        return None;
    }
    serde_json::from_slice::<Verb>(bytes).ok().filter(|verb| verb.act.is_well_formed())
}

fn fingerprint_of(mirror: &Mirror, key: Key) -> u32 {
    let attribute = |name| mirror.attribute(key, name).unwrap_or_default();
    fingerprint(mirror.tag(key), attribute("id"), attribute("type"), attribute("role"))
}

/// Whether this kind of node takes this kind of act.
fn is_allowed(mirror: &Mirror, key: Key, role: Role, act: &Act) -> bool {
    let never = role == Role::File
        || role == Role::Frame
        || role == Role::Hidden
        || admit::is_never_shared(|name| mirror.clue(key, name).or_else(|| mirror.attribute(key, name)));
    match act {
        Act::Point { .. } | Act::Highlight {} | Act::Draw { .. } => true,
        _ if never => false,
        Act::Scroll { .. } => true,
        Act::Click { .. } | Act::Focus {} => true,
        Act::Type { .. } => role == Role::Field,
        Act::Press { .. } => matches!(role, Role::Field | Role::Choice | Role::Button | Role::Toggle),
        Act::Select { .. } => role == Role::Choice,
        Act::Follow {} => mirror.tag(key) == "a",
        Act::Back {} | Act::Forward {} | Act::Reload {} => Some(key) == mirror.root(),
    }
}
