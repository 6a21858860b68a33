//! From the text of a frame to a message.

use super::{ClientMessage, ErrorCode};
use serde::Deserialize;

/// Deepest nesting of objects and lists in a frame (SEC-19). Our own messages need four.
pub const DEPTH_MAX: usize = 32;

/// Every `t` a client may send.
const TYPES: [&str; 13] = [
    "hello", "join", "offer", "view", "mute", "ready", "chat", "data", "moderate", "share", "control", "ping", "leave",
];

/// A frame that is no message. Never quotes a value: it may be a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// [`ErrorCode::Malformed`] or [`ErrorCode::UnknownType`].
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// The `t`, where it is one of ours.
    pub re: Option<&'static str>,
}

/// Reads one frame.
///
/// # Errors
/// [`Unreadable`]: not JSON, too deep, of an unknown type or not of the type's form.
pub fn read(text: &str) -> Result<ClientMessage, Unreadable> {
    // Nearly always there are too few brackets to be nested too deeply, and an offer of kilobytes needs no closer look.
    let brackets = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if brackets > DEPTH_MAX && depth(text) > DEPTH_MAX {
        return Err(malformed(None, format!("the frame is nested deeper than {DEPTH_MAX}")));
    }
    serde_json::from_str(text).map_err(|error| explain(text, &error))
}

fn explain(text: &str, error: &serde_json::Error) -> Unreadable {
    #[derive(Deserialize)]
    struct Tag {
        t: String,
    }
    if error.is_syntax() || error.is_eof() {
        return malformed(None, format!("the frame is not JSON: see line {} column {}", error.line(), error.column()));
    }
    let Ok(tag) = serde_json::from_str::<Tag>(text) else {
        return malformed(None, "a frame is an object with its type in `t`".to_owned());
    };
    let Some(re) = TYPES.into_iter().find(|known| *known == tag.t) else {
        let message = "this node knows no message of that type: it speaks protocol version 1, see PROTOCOL.md";
        return Unreadable { code: ErrorCode::UnknownType, message: message.to_owned(), re: None };
    };
    // Of serde's messages only these name nothing but fields; the others quote what was sent.
    let text = error.to_string();
    let names_fields =
        ["missing field", "unknown field", "duplicate field"].iter().any(|start| text.starts_with(start));
    let why = if names_fields { text } else { "a field has another type or value than it should".to_owned() };
    malformed(Some(re), format!("this `{re}` cannot be read: {why}"))
}

fn malformed(re: Option<&'static str>, message: String) -> Unreadable {
    Unreadable { code: ErrorCode::Malformed, message, re }
}

/// How deep brackets are nested outside of strings. Right for JSON; for anything else the parser will complain.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sec_19_says_what_is_wrong_with_a_frame() {
        let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
        let deep_in_message = format!(r#"{{"t":"ready","x":{deep}}}"#);
        for (text, code, re, part) in [
            ("", ErrorCode::Malformed, None, "not JSON"),
            ("{", ErrorCode::Malformed, None, "not JSON"),
            ("[]", ErrorCode::Malformed, None, "object"),
            ("null", ErrorCode::Malformed, None, "object"),
            (r#"{"t":1}"#, ErrorCode::Malformed, None, "object"),
            (r#"{"type":"ready"}"#, ErrorCode::Malformed, None, "object"),
            (r#"{"t":"dance"}"#, ErrorCode::UnknownType, None, "no message of that type"),
            (r#"{"t":"__proto__"}"#, ErrorCode::UnknownType, None, "no message of that type"),
            (r#"{"t":"join","tracks":[]}"#, ErrorCode::Malformed, Some("join"), "missing field `offer`"),
            (r#"{"t":"mute","mid":0,"muted":true}"#, ErrorCode::Malformed, Some("mute"), "another type"),
            (r#"{"t":"ping","ts":-1}"#, ErrorCode::Malformed, Some("ping"), "another type"),
            (r#"{"t":"ping","ts":1,"ts":2}"#, ErrorCode::Malformed, Some("ping"), "duplicate field"),
            (r#"{"t":"moderate","action":"burn"}"#, ErrorCode::Malformed, Some("moderate"), "another type"),
            (
                r#"{"t":"moderate","action":"kick","participant":"p","forever":true}"#,
                ErrorCode::Malformed,
                Some("moderate"),
                "unknown field",
            ),
            (deep.as_str(), ErrorCode::Malformed, None, "deeper"),
            (deep_in_message.as_str(), ErrorCode::Malformed, None, "deeper"),
        ] {
            let unreadable = read(text).expect_err(text);
            assert_eq!((unreadable.code, unreadable.re), (code, re), "{text}");
            assert!(unreadable.message.contains(part), "{text}: {}", unreadable.message);
        }
    }

    #[test]
    fn unknown_fields_are_ignored_and_brackets_in_strings_are_text() {
        let brackets = "[".repeat(100);
        assert!(read(r#"{"t":"ready","later":{"x":1}}"#).is_ok());
        assert!(read(&format!(r#"{{"t":"chat","text":"\"{brackets}"}}"#)).is_ok());
    }

    #[test]
    fn sec_23_an_error_never_quotes_a_value() {
        for text in [
            r#"{"t":"hello","v":"CANARY","token":"CANARY"}"#,
            r#"{"t":"hello","v":[1],"token":{"x":"CANARY"}}"#,
            r#"{"t":"CANARY"}"#,
            r#"{"t":"moderate","action":"CANARY"}"#,
            r#"{"t":"hello","v":[1],"token":"CANARY"#,
        ] {
            assert!(!read(text).expect_err(text).message.contains("CANARY"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = read(&text);
        }

        #[test]
        fn any_json_like_text_is_read_or_refused(text in r#"[\[\]{}",:\\tjoin0-9 ]{0,200}"#) {
            let _ = read(&text);
        }
    }
}
