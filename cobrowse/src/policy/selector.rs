//! The selectors of a policy: one compound of tag, id, classes and attributes, as in CSS. No combinators: a policy
//! must be readable at a glance, and matching must not depend on the rest of the page.

/// One compound selector, such as `input#q.big[type=search]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    tag: Option<String>,
    tests: Vec<Test>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Id(String),
    Class(String),
    Present(String),
    Equals(String, String),
}

/// Why a text is no selector of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Nothing in it.
    #[error("the selector is empty")]
    Empty,
    /// Combinators, pseudo-classes, lists and operators other than `=` are not supported.
    #[error("only tag, #id, .class, [name] and [name=value] are supported")]
    Unsupported,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// See [`SelectorError`].
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SelectorError::Empty);
        }
        let (tag, mut rest) = text.split_at(name_length(text));
        let tag = (!tag.is_empty()).then(|| tag.to_ascii_lowercase());
        let mut tests = Vec::new();
        while let Some(sign) = rest.chars().next() {
            let (test, after) = match sign {
                '#' | '.' => named(sign, &rest[1..])?,
                '[' => bracketed(&rest[1..])?,
                _ => return Err(SelectorError::Unsupported),
            };
            tests.push(test);
            rest = after;
        }
        Ok(Self { tag, tests })
    }

    /// Whether an element of this tag with these attributes is meant.
    pub(crate) fn matches<'a>(&self, tag: &str, attribute: &impl Fn(&str) -> Option<&'a str>) -> bool {
        self.tag.as_deref().is_none_or(|wanted| wanted == tag)
            && self.tests.iter().all(|test| match test {
                Test::Id(id) => attribute("id") == Some(id),
                Test::Class(class) => {
                    attribute("class").is_some_and(|list| list.split_whitespace().any(|one| one == class))
                }
                Test::Present(name) => attribute(name).is_some(),
                Test::Equals(name, value) => attribute(name) == Some(value),
            })
    }
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(text.len())
}

fn named(sign: char, text: &str) -> Result<(Test, &str), SelectorError> {
    let (name, rest) = text.split_at(name_length(text));
    if name.is_empty() {
        return Err(SelectorError::Unsupported);
    }
    let test = if sign == '#' { Test::Id(name.to_owned()) } else { Test::Class(name.to_owned()) };
    Ok((test, rest))
}

fn bracketed(text: &str) -> Result<(Test, &str), SelectorError> {
    let (inside, rest) = text.split_once(']').ok_or(SelectorError::Unsupported)?;
    let (name, value) = match inside.split_once('=') {
        Some((name, value)) => (name, Some(value.trim_matches(['"', '\'']))),
        None => (inside, None),
    };
    if name.is_empty() || name_length(name) != name.len() {
        return Err(SelectorError::Unsupported);
    }
    let name = name.to_ascii_lowercase();
    let test = match value {
        Some(value) => Test::Equals(name, value.to_owned()),
        None => Test::Present(name),
    };
    Ok((test, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compounds_match_all_their_parts() {
        let selector = Selector::parse("INPUT#q.big[type=\"search\"][autofocus]").unwrap();
        let attributes = [("id", "q"), ("class", "a big"), ("type", "search"), ("autofocus", "")];
        let with = |names: &'static [&'static str]| {
            move |name: &str| {
                attributes.iter().find(|(known, _)| *known == name && names.contains(known)).map(|(_, value)| *value)
            }
        };
        assert!(selector.matches("input", &with(&["id", "class", "type", "autofocus"])));
        assert!(!selector.matches("select", &with(&["id", "class", "type", "autofocus"])));
        assert!(!selector.matches("input", &with(&["id", "class", "type"])));
    }

    #[test]
    fn what_is_no_compound_is_refused() {
        assert_eq!(Selector::parse(" "), Err(SelectorError::Empty));
        for text in ["a b", "a>b", "a,b", "a:hover", "[x^=y]", "[x", "#", "a..b", "*"] {
            assert_eq!(Selector::parse(text), Err(SelectorError::Unsupported), "{text}");
        }
    }
}
