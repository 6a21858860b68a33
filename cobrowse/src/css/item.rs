//! One item of a sheet while it is read: a selector, the head of an at-rule, or a declaration.

use crate::{scan, url};
use cssparser::{
    Parser, SourcePosition, ToCss as _, Token, TokenSerializationType, serialize_identifier, serialize_string,
};

/// Digits that one string of a style may hold: enough for "12", too few for a part of a card number.
const STRING_DIGITS_MAX: usize = 3;

/// Functions that load, run or read what a viewer must not have.
const FORBIDDEN_FUNCTIONS: [&str; 10] = [
    "expression",
    "image-set",
    "-webkit-image-set",
    "image",
    "-moz-image-rect",
    "element",
    "-moz-element",
    "src",
    "attr",
    "paint",
];

/// Properties that load or run.
const FORBIDDEN_PROPERTIES: [&str; 4] = ["behavior", "-ms-behavior", "-moz-binding", "-webkit-user-modify"];

/// An item as far as it is read.
#[derive(Default)]
pub(super) struct Item {
    text: String,
    last: Option<TokenSerializationType>,
    forbidden: bool,
    at_rule: Option<String>,
    /// The first identifier, and whether a colon followed it: then it is a declaration's property.
    property: Option<String>,
    is_declaration: bool,
}

impl Item {
    /// Takes one token that began at `start`; enters its block if it opens one.
    pub(super) fn push(&mut self, parser: &mut Parser<'_>, start: SourcePosition, token: &Token<'_>, depth: usize) {
        if self.text.is_empty() && matches!(token, Token::WhiteSpace(_) | Token::CDO | Token::CDC) {
            return;
        }
        self.note(token);
        self.separate(token);
        match token {
            Token::WhiteSpace(_) => self.text.push(' '),
            Token::QuotedString(text) => self.string(text),
            Token::UnquotedUrl(address) => self.address(address),
            Token::Function(name) if name.eq_ignore_ascii_case("url") => self.quoted_address(parser),
            Token::Function(name) => {
                self.forbidden |= FORBIDDEN_FUNCTIONS.iter().any(|known| name.eq_ignore_ascii_case(known));
                serialize_identifier(name, &mut self.text).expect("writing to a string never fails");
                self.nested(parser, '(', ')', depth);
            }
            Token::ParenthesisBlock => self.nested(parser, '(', ')', depth),
            Token::SquareBracketBlock => self.nested(parser, '[', ']', depth),
            Token::BadUrl(_) | Token::BadString(_) | Token::CloseParenthesis => self.forbidden = true,
            Token::CloseSquareBracket | Token::CloseCurlyBracket | Token::CDO | Token::CDC => self.forbidden = true,
            Token::Comment(_) | Token::CurlyBracketBlock | Token::Semicolon => {}
            token => {
                let source = parser.slice_from(start);
                if source.contains(['\\', '/']) {
                    token.to_css(&mut self.text).expect("writing to a string never fails");
                } else {
                    self.text.push_str(source);
                }
            }
        }
    }

    /// The name of the at-rule that this item heads, lower case.
    pub(super) fn at_rule(&self) -> Option<&str> {
        self.at_rule.as_deref()
    }

    pub(super) fn is_declaration(&self) -> bool {
        self.is_declaration
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && !self.forbidden
    }

    /// Whether nothing in it is forbidden and it holds no card or account number.
    pub(super) fn may_stay(&self) -> bool {
        !self.forbidden && scan::find(&self.text).is_none()
    }

    pub(super) fn text(&self) -> &str {
        self.text.trim_end()
    }

    fn note(&mut self, token: &Token<'_>) {
        match token {
            Token::AtKeyword(name) if self.text.is_empty() => self.at_rule = Some(name.to_ascii_lowercase()),
            Token::Ident(name) if self.text.is_empty() => {
                self.forbidden |= FORBIDDEN_PROPERTIES.iter().any(|known| name.eq_ignore_ascii_case(known));
                self.property = Some(name.to_ascii_lowercase());
            }
            Token::Colon => {
                let property = self.property.as_deref();
                self.is_declaration |=
                    property.is_some_and(|property| self.text.trim_end().eq_ignore_ascii_case(property));
            }
            _ => {}
        }
    }

    /// Comments are gone, so two tokens that only a comment kept apart need one again.
    fn separate(&mut self, token: &Token<'_>) {
        let kind = token.serialization_type();
        if self.last.is_some_and(|last| last.needs_separator_when_before(kind)) {
            self.text.push_str("/**/");
        }
        self.last = Some(kind);
    }

    fn string(&mut self, text: &str) {
        self.forbidden |= scan::count_digits(text) > STRING_DIGITS_MAX;
        serialize_string(text, &mut self.text).expect("writing to a string never fails");
    }

    fn address(&mut self, address: &str) {
        match url::asset(address) {
            Some(address) => {
                self.text.push_str("url(\"");
                self.text.push_str(address);
                self.text.push_str("\")");
            }
            None => self.forbidden = true,
        }
    }

    fn quoted_address(&mut self, parser: &mut Parser<'_>) {
        let read: Result<String, cssparser::ParseError<()>> =
            parser.parse_nested_block(|parser| Ok(parser.expect_string()?.as_ref().to_owned()));
        match read {
            Ok(address) => self.address(&address),
            Err(_) => self.forbidden = true,
        }
    }

    fn nested(&mut self, parser: &mut Parser<'_>, open: char, close: char, depth: usize) {
        self.text.push(open);
        let begin = self.text.len();
        self.last = None;
        if depth >= super::BLOCKS_MAX {
            self.forbidden = true;
            return;
        }
        let read: Result<(), cssparser::ParseError<()>> = parser.parse_nested_block(|parser| {
            loop {
                let start = parser.position();
                let Ok(token) = parser.next_including_whitespace() else { return Ok(()) };
                let token = token.clone();
                // A block in braces inside parentheses: no selector and no value needs one.
                self.forbidden |= matches!(token, Token::CurlyBracketBlock | Token::Semicolon);
                self.push(parser, start, &token, depth + 1);
            }
        });
        self.forbidden |= read.is_err() || (open == '[' && selects_value(&self.text[begin..]));
        self.text.push(close);
        self.last = None;
    }
}

/// Whether the inside of an attribute selector asks for what was typed: such a rule would tell it by its effect.
fn selects_value(selector: &str) -> bool {
    let name = selector.trim_start().split(['=', '^', '$', '*', '~', '|', ' ']).next().unwrap_or_default();
    name.eq_ignore_ascii_case("value")
}
