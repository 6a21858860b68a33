//! What is known of one control: its own attributes, its labels, the words around it.

use super::naming::Naming;
use super::shape::{Shape, shape};
use super::words::{Lexicon, Topic, Topics};
use crate::mirror::{Key, Kind, Mirror, Role};

/// Nodes that are walked over in search of the words before a control.
pub(super) const NEAR_NODES_MAX: usize = 60;

/// Texts that are read before a control.
const NEAR_TEXTS_MAX: usize = 3;

/// Characters of the words before a control; more belong to something else.
const NEAR_CHARS_MAX: usize = 70;

/// Longest label that is a label and not a paragraph.
const LABEL_CHARS_MAX: usize = 160;

/// Most labels of one control that are read; one or two are usual.
const LABELS_MAX: usize = 8;

/// What is known of a control.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// The card token of its autocomplete attribute.
    pub(super) token: Option<Token>,
    /// From name, id, placeholder, title, aria-label, data attributes.
    pub(super) own: Topics,
    /// Of these, what its name and id alone say: the words that the shop's own server reads.
    pub(super) name: Topics,
    /// From classes: layout words, so only the clearest topics count.
    pub(super) class: Topics,
    /// From label elements and aria references.
    pub(super) label: Topics,
    /// From the words before it.
    pub(super) near: Topics,
    /// From the words after it, if nothing else names it.
    pub(super) after: Topics,
    /// From the legend or heading around it.
    pub(super) context: Topics,
    pub(super) shape: Shape,
}

/// What an autocomplete attribute says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Number,
    Csc,
    /// Any other `cc-` token.
    Card,
    /// A token of something that is no card.
    Other,
}

impl Evidence {
    /// Everything said about it by itself or its labels. A “Jan” in an example of a name is no month.
    pub(super) fn said(&self) -> Topics {
        self.own.with(self.label).without(Topic::First)
    }
}

/// What evidence is gathered from.
pub(super) struct Surroundings<'m> {
    pub(super) mirror: &'m Mirror,
    pub(super) naming: &'m Naming,
    pub(super) lexicon: &'m mut Lexicon,
}

/// Gathers what is known of a control.
pub(super) fn gather(around: &mut Surroundings<'_>, key: Key) -> Evidence {
    let mirror = around.mirror;
    let mut evidence = Evidence { shape: shape(mirror, around.lexicon, key), ..Evidence::default() };
    evidence.token = mirror.clue(key, "autocomplete").and_then(token);
    if let Some(element) = mirror.element(key) {
        for (name, value) in &element.clues {
            let name = mirror.names.text(*name);
            if name == "class" {
                evidence.class = around.lexicon.topics(value);
            } else if tells_purpose(name) {
                if matches!(name, "name" | "id") {
                    evidence.name = evidence.name.with(around.lexicon.identifier_topics(value));
                }
                evidence.own = evidence.own.with(purpose(around.lexicon, name, value));
            }
        }
    }
    evidence.label = labels(around, key);
    evidence.near = around.lexicon.topics(&words_before(mirror, key));
    if evidence.said().is_empty() && evidence.near.is_empty() {
        evidence.after = around.lexicon.topics(&words_after(mirror, key));
    }
    evidence.context = context(around, key);
    evidence
}

/// What an attribute tells. Texts are for people, everything else is an identifier; long ones are neither.
fn purpose(lexicon: &mut Lexicon, name: &str, value: &str) -> Topics {
    const IDENTIFIER_BYTES_MAX: usize = 40;
    match name {
        "placeholder" | "title" | "aria-label" | "alt" | "label" => lexicon.topics(value),
        "name" | "id" => lexicon.identifier_topics(value),
        _ if value.len() <= IDENTIFIER_BYTES_MAX => lexicon.identifier_topics(value),
        _ => Topics::default(),
    }
}

/// Attributes whose values name the field's purpose. Of unknown ones all that frameworks and payment scripts invent.
fn tells_purpose(name: &str) -> bool {
    !matches!(
        name,
        "type"
            | "autocomplete"
            | "maxlength"
            | "minlength"
            | "size"
            | "tabindex"
            | "required"
            | "disabled"
            | "readonly"
            | "inputmode"
            | "pattern"
            | "spellcheck"
            | "autocorrect"
            | "autocapitalize"
            | "min"
            | "max"
            | "step"
            | "rows"
            | "cols"
            | "dir"
            | "lang"
            | "form"
            | "role"
            | "for"
            | "multiple"
            | "contenteditable"
            | "accept"
    ) && !name.starts_with("aria-labelledby")
        && !name.starts_with("aria-describedby")
        && !name.starts_with("data-v-")
        && !name.starts_with("_ng")
        && !is_message(name)
}

/// Texts of error messages and rules hang on attributes too; they speak of other fields.
fn is_message(name: &str) -> bool {
    ["msg", "message", "error", "val-", "validat", "rule", "reactid", "url", "track", "analytics", "event", "require"]
        .iter()
        .any(|part| name.contains(part))
        && name.starts_with("data-")
}

/// The last token that says anything; `section-*`, `shipping` and `billing` only qualify it (HTML, autofill).
fn token(attribute: &str) -> Option<Token> {
    let last = attribute.split_ascii_whitespace().next_back()?.to_ascii_lowercase();
    match last.as_str() {
        "cc-number" => Some(Token::Number),
        "cc-csc" => Some(Token::Csc),
        "on" | "off" | "nope" | "false" | "true" | "none" => None,
        other if other.starts_with("cc-") => Some(Token::Card),
        _ => Some(Token::Other),
    }
}

/// Label elements that name it, around it, and what aria refers to.
fn labels(around: &mut Surroundings<'_>, key: Key) -> Topics {
    let (mirror, naming) = (around.mirror, around.naming);
    let mut found = Topics::default();
    if let Some(label) = mirror.ancestors(key).take(6).find(|ancestor| mirror.tag(*ancestor) == "label") {
        found = found.with(around.lexicon.topics(&text_of(mirror, label, key)));
    }
    let labels = mirror.clue(key, "id").into_iter().flat_map(|id| naming.labels(mirror, id));
    let references = ["aria-labelledby", "aria-describedby"].into_iter().filter_map(|name| mirror.clue(key, name));
    let references = references.flat_map(str::split_ascii_whitespace).flat_map(|id| naming.elements(mirror, id));
    for label in labels.chain(references).take(LABELS_MAX) {
        // Frames and their page may use the same ids.
        if tree_root(mirror, label) == tree_root(mirror, key) {
            found = found.with(around.lexicon.topics(&text_of(mirror, label, key)));
        }
    }
    found
}

/// The document that ids are looked up in.
fn tree_root(mirror: &Mirror, key: Key) -> Option<Key> {
    mirror.ancestors(key).find(|ancestor| matches!(mirror.node(*ancestor).kind, Kind::Document))
}

/// The text below a node, up to a label's length, without the content of the control `except` and of lists.
pub(super) fn text_of(mirror: &Mirror, top: Key, except: Key) -> String {
    let mut text = String::new();
    let mut at = Some(top);
    while let Some(key) = at {
        let skipped = key == except || (key != top && matches!(mirror.tag(key), "select" | "style" | "textarea"));
        if let Kind::Text(part) = &mirror.node(key).kind {
            text.push_str(part);
            text.push(' ');
        }
        if text.len() > LABEL_CHARS_MAX * 2 {
            break;
        }
        at = if skipped { mirror.past(key, top) } else { mirror.after(key, top) };
    }
    text
}

/// A walk away from a text, up to where it is no longer among the words next to a control.
pub(super) fn near_words(mirror: &Mirror, walk: impl Iterator<Item = Key>) -> impl Iterator<Item = Key> {
    let mut texts = 0;
    walk.take_while(move |key| {
        texts += usize::from(matches!(&mirror.node(*key).kind, Kind::Text(text) if says_something(text)));
        texts < NEAR_TEXTS_MAX
    })
}

fn says_something(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The words before a control, back to the control before it.
fn words_before(mirror: &Mirror, key: Key) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut length = 0;
    let mut at = mirror.before(key);
    for _ in 0..NEAR_NODES_MAX {
        let Some(here) = at else { break };
        if is_visible_control(mirror, here) {
            break;
        }
        let text = if mirror.tag(here) == "img" {
            mirror.attribute(here, "alt").unwrap_or_default().trim()
        } else if mirror.node(here).parent.is_some_and(|parent| matches!(mirror.tag(parent), "option" | "button")) {
            ""
        } else {
            mirror.text(here).trim()
        };
        if says_something(text) {
            length += text.chars().count();
            parts.push(text);
            if length > NEAR_CHARS_MAX || parts.len() == NEAR_TEXTS_MAX {
                break;
            }
        }
        at = mirror.before(here);
    }
    parts.reverse();
    tail(&parts.join(" "), NEAR_CHARS_MAX * 2)
}

/// The words after a control, up to the next one: labels that float.
fn words_after(mirror: &Mirror, key: Key) -> String {
    let Some(root) = mirror.root() else { return String::new() };
    let mut text = String::new();
    let mut at = mirror.past(key, root);
    for _ in 0..NEAR_NODES_MAX / 3 {
        let Some(here) = at else { break };
        if is_visible_control(mirror, here) {
            break;
        }
        text.push_str(mirror.text(here).trim());
        if text.len() > NEAR_CHARS_MAX {
            break;
        }
        at = mirror.after(here, root);
    }
    text
}

fn is_visible_control(mirror: &Mirror, key: Key) -> bool {
    let role = mirror.role(key);
    role.is_control() && role != Role::Hidden
}

/// The last `chars` characters.
fn tail(text: &str, chars: usize) -> String {
    let skip = text.chars().count().saturating_sub(chars);
    text.chars().skip(skip).collect()
}

/// Legends and what forms and containers call themselves.
fn context(around: &mut Surroundings<'_>, key: Key) -> Topics {
    let mirror = around.mirror;
    let mut found = Topics::default();
    for ancestor in mirror.ancestors(key).take(8) {
        let names = ["id", "class", "aria-label"].iter().filter_map(|name| mirror.attribute(ancestor, name));
        found = names.fold(found, |found, value| found.with(around.lexicon.topics(value)));
        if matches!(mirror.tag(ancestor), "fieldset" | "form") {
            let legend = mirror.children(ancestor).find(|child| mirror.tag(*child) == "legend");
            return legend.map_or(found, |legend| found.with(around.lexicon.topics(&text_of(mirror, legend, key))));
        }
    }
    found
}
