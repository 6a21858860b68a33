//! Why a share's tree can no longer be trusted.

use serde::{Deserialize, Serialize};

/// The reason a share turned *desynced*: viewers see a named blank, the sharer is asked for a snapshot. Carries no
/// content of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Desync {
    /// Not the JSON of rrweb events, or a snapshot or mutation of the wrong shape.
    #[error("the record is malformed")]
    Malformed,
    /// rrweb's `pack` makes events opaque; the relay must read what it passes on.
    #[error("packed events are refused")]
    Packed,
    /// Over [`crate::limits::RECORD_BYTES_MAX`], a chunk over its bound, or an inflate ratio over its bound.
    #[error("the record is too large")]
    Oversized,
    /// The page nests deeper than [`crate::limits::DEPTH_MAX`].
    #[error("the page nests too deeply")]
    TooDeep,
    /// More nodes than the policy allows.
    #[error("the page has too many nodes")]
    TooManyNodes,
    /// More text than [`crate::limits::MIRROR_BYTES_MAX`].
    #[error("the page holds too much text")]
    TooMuchText,
    /// A node id that already stands somewhere in the tree.
    #[error("a node id is used twice")]
    DuplicateId,
    /// A change under a node that the relay has never seen.
    #[error("a change names an unknown parent")]
    UnknownParent,
    /// A change of a node that the relay has never seen.
    #[error("a change names an unknown node")]
    UnknownNode,
    /// A tree that cannot be: a document inside a text, a text with children, two roots.
    #[error("the tree is impossible")]
    BadTree,
    /// A change before the first snapshot.
    #[error("a change came before the first snapshot")]
    NoSnapshot,
    /// More records than [`crate::limits::RECORDS_PER_SECOND`] for longer than the burst allows.
    #[error("the page sends too much")]
    TooFast,
    /// So many style changes since the snapshot that a late viewer would be slow: a fresh snapshot is cheaper.
    #[error("style changes need a fresh snapshot")]
    StyleJournalFull,
}

impl Desync {
    /// As viewers, metrics and the sharer's page read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Packed => "packed",
            Self::Oversized => "oversized",
            Self::TooDeep => "too_deep",
            Self::TooManyNodes => "too_many_nodes",
            Self::TooMuchText => "too_much_text",
            Self::DuplicateId => "duplicate_id",
            Self::UnknownParent => "unknown_parent",
            Self::UnknownNode => "unknown_node",
            Self::BadTree => "bad_tree",
            Self::NoSnapshot => "no_snapshot",
            Self::TooFast => "too_fast",
            Self::StyleJournalFull => "style_journal_full",
        }
    }
}
