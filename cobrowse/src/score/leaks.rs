//! The leak rule: what of a planted secret must not stand in what a viewer got.

use serde::Deserialize;
use serde_json::Value;

/// Digits of a card number that must not stand together.
const RUN_LENGTH: usize = 5;

/// A planted secret.
#[derive(Deserialize)]
pub(super) struct Secret {
    pub(super) node: u32,
    pub(super) value: String,
    pub(super) kind: String,
    scope: Scope,
    /// Of a part: the whole number.
    #[serde(default)]
    whole: Option<String>,
    /// Runs that stand in the untouched page already.
    #[serde(default)]
    ignore: Vec<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Anywhere,
    /// Too short to be looked for anywhere but in its own field.
    Own,
}

impl Secret {
    /// Whether any message holds the secret, or too much of it.
    pub(super) fn leaks_in<'a>(&self, messages: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut messages = messages;
        if self.scope == Scope::Own {
            return messages.any(|message| self.is_in_own_field(message));
        }
        let is_number = self.kind.ends_with("number") && digits(&self.value).len() >= RUN_LENGTH;
        messages.any(|message| {
            let text = String::from_utf8_lossy(message);
            if is_number { self.holds_digits(&text) } else { text.contains(&*self.value) }
        })
    }

    fn holds_digits(&self, text: &str) -> bool {
        let number = digits(self.whole.as_deref().unwrap_or(&self.value));
        let squeezed: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect();
        let runs = (0..=number.len().saturating_sub(RUN_LENGTH)).map(|start| &number[start..start + RUN_LENGTH]);
        let mut runs = runs.filter(|run| !self.ignore.iter().any(|ignored| ignored == run));
        runs.any(|run| squeezed.contains(run)) || squeezed.contains(&number)
    }

    /// The value as an Input's text or as the `value` attribute of its own node; of a code even its first two digits.
    fn is_in_own_field(&self, message: &[u8]) -> bool {
        let mut reader = serde_json::Deserializer::from_slice(message);
        reader.disable_recursion_limit();
        let Ok(events) = Value::deserialize(&mut reader) else { return false };
        let mut values = Vec::new();
        collect(&events, self.node, &mut values);
        let start: String = self.value.chars().take(2).collect();
        let is_code = self.kind.contains("csc");
        values.iter().any(|value| value.contains(&self.value) || (is_code && value.starts_with(&start)))
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// All texts of inputs and `value` attributes of one node, anywhere in these events.
fn collect<'a>(json: &'a Value, node: u32, values: &mut Vec<&'a str>) {
    match json {
        Value::Object(members) => {
            if members.get("id").and_then(Value::as_u64) == Some(u64::from(node)) {
                values.extend(members.get("text").and_then(Value::as_str));
                values.extend(members.get("attributes").and_then(|list| list.get("value")).and_then(Value::as_str));
            }
            members.values().for_each(|member| collect(member, node, values));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, node, values)),
        _ => {}
    }
}
