//! What a viewer sees instead of what is hidden.

/// How much of a node a viewer may see. Inherited by everything below it; within an epoch it only rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// As it is, within the allow-lists.
    #[default]
    Public,
    /// Fixed glyphs of constant length; attributes with words or links stripped.
    Masked,
    /// A box: no content, no attributes but those that give it its size.
    Blocked,
    /// A box about which nothing moves: no focus, no length, no timing, no caret, no pointer inside.
    Payment,
}

impl Level {
    /// The word that viewers get in [`LEVEL_ATTRIBUTE`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Masked => "masked",
            Self::Blocked => "blocked",
            Self::Payment => "payment",
        }
    }
}

/// What stands for any hidden text or value. Always the same length, so that length tells nothing.
pub const GLYPHS: &str = "\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}";

/// The attribute by which a viewer recognises a hidden element and draws its “only the customer sees this” box.
pub const LEVEL_ATTRIBUTE: &str = "data-tillside-level";

/// Whether a page's SDK already masked this value: nothing but bullets or asterisks, or nothing at all.
pub(crate) fn is_glyphs(value: &str) -> bool {
    value.chars().all(|c| matches!(c, '\u{2022}' | '*' | '\u{25cf}'))
}
