//! Strings of the wire: borrowed where JSON allows, wiped where it does not.

use crate::wipe::Wipe as _;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// A string of a record. Points into the input buffer unless it held escapes; the copy is then zeroed on drop.
#[derive(Default)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The characters.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text<'_> {
    /// Page content never reaches a log: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(copy) = &mut self.0 {
            copy.wipe();
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// The value of an attribute, in a snapshot or in a change.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// The usual case.
    Text(Text<'a>),
    /// `rr_width`, `rr_scrollTop` and the like.
    Number(f64),
    /// `checked`, `selected` and other properties that rrweb writes as booleans.
    Flag(bool),
    /// The attribute was removed.
    Removed,
    /// Changes of an inline style, property by property.
    Style(Vec<(Text<'a>, StyleValue<'a>)>),
}

/// One property of a style change.
#[derive(Debug)]
pub(crate) enum StyleValue<'a> {
    /// A value with its priority (`important` or empty).
    Set { value: Text<'a>, important: bool },
    /// The property was removed.
    Removed,
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Text(Cow::Borrowed(text))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Removed)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut changes = Vec::new();
        while let Some(change) = map.next_entry()? {
            if changes.len() == crate::limits::ATTRIBUTES_MAX * 8 {
                return Err(de::Error::custom("too many properties"));
            }
            changes.push(change);
        }
        Ok(Value::Style(changes))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for StyleValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StyleValueVisitor)
    }
}

struct StyleValueVisitor;

impl<'de> Visitor<'de> for StyleValueVisitor {
    type Value = StyleValue<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(StyleValue::Set { value: Text(Cow::Borrowed(text)), important: false })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(StyleValue::Set { value: Text(Cow::Owned(text.to_owned())), important: false })
    }

    fn visit_bool<E: de::Error>(self, _removed: bool) -> Result<Self::Value, E> {
        Ok(StyleValue::Removed)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let value = seq.next_element::<Text<'de>>()?.ok_or_else(|| de::Error::custom("a property without value"))?;
        let priority = seq.next_element::<Text<'de>>()?.unwrap_or_default();
        Ok(StyleValue::Set { value, important: priority.as_str() == "important" })
    }
}
