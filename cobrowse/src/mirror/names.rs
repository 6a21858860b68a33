//! Tag and attribute names, each stored once per share.

use hashbrown::HashMap;

/// Most different names one share may use; the allow-lists hold about 300, custom elements bring the rest.
pub(crate) const NAMES_MAX: usize = 4_096;

/// Longest name that is kept; HTML's longest is 20, custom elements may be longer.
pub(crate) const NAME_BYTES_MAX: usize = 80;

/// A name, as its place in [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(u16);

/// The names of one share.
#[derive(Default)]
pub(crate) struct Names {
    places: HashMap<Box<str>, Name>,
    texts: Vec<Box<str>>,
}

impl Names {
    /// The name's place; `None` if it is too long or there are too many.
    pub(crate) fn intern(&mut self, text: &str) -> Option<Name> {
        if let Some(name) = self.places.get(text) {
            return Some(*name);
        }
        if text.len() > NAME_BYTES_MAX || self.texts.len() == NAMES_MAX {
            return None;
        }
        let name = Name(u16::try_from(self.texts.len()).expect("NAMES_MAX fits in 16 bits"));
        self.texts.push(text.into());
        self.places.insert(text.into(), name);
        Some(name)
    }

    /// The name's text.
    pub(crate) fn text(&self, name: Name) -> &str {
        &self.texts[usize::from(name.0)]
    }
}
