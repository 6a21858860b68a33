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

/// An item as far as it is read: the end of the clean text from `begin` on.
pub(super) struct Item {
    begin: usize,
    last: Option<TokenSerializationType>,
    forbidden: bool,
    /// Where the name of the at-rule ends that it begins with.
    at_rule_end: Option<usize>,
    /// Where the identifier ends that it begins with, and whether a colon followed that: then it is a declaration.
    property_end: Option<usize>,
    is_declaration: bool,
}

impl Item {
    /// An item of which nothing is read yet.
    pub(super) fn new(out: &str) -> Self {
        let begin = out.len();
        Self { begin, last: None, forbidden: false, at_rule_end: None, property_end: None, is_declaration: false }
    }

    /// Takes one token that began at `start`; enters its block if it opens one.
    pub(super) fn push(
        &mut self,
        out: &mut String,
        parser: &mut Parser<'_>,
        start: SourcePosition,
        token: &Token<'_>,
        depth: usize,
    ) {
        let first = out.len() == self.begin;
        if first && matches!(token, Token::WhiteSpace(_) | Token::CDO | Token::CDC) {
            return;
        }
        self.separate(out, token);
        match token {
            Token::WhiteSpace(_) => out.push(' '),
            Token::QuotedString(text) => self.string(out, text),
            Token::UnquotedUrl(address) => self.address(out, address),
            Token::Function(name) if name.eq_ignore_ascii_case("url") => self.quoted_address(out, parser),
            Token::Function(name) => {
                self.forbidden |= FORBIDDEN_FUNCTIONS.iter().any(|known| name.eq_ignore_ascii_case(known));
                serialize_identifier(name, out).expect("writing to a string never fails");
                self.nested(out, parser, '(', ')', depth);
            }
            Token::ParenthesisBlock => self.nested(out, parser, '(', ')', depth),
            Token::SquareBracketBlock => self.nested(out, parser, '[', ']', depth),
            Token::BadUrl(_) | Token::BadString(_) | Token::CloseParenthesis => self.forbidden = true,
            Token::CloseSquareBracket | Token::CloseCurlyBracket | Token::CDO | Token::CDC => self.forbidden = true,
            Token::Comment(_) | Token::CurlyBracketBlock | Token::Semicolon => {}
            token => self.plain(out, parser.slice_from(start), token, first),
        }
    }

    /// A token that is written as it came, if it came without escapes.
    fn plain(&mut self, out: &mut String, source: &str, token: &Token<'_>, first: bool) {
        if *token == Token::Colon {
            self.is_declaration |= self.property_end.is_some_and(|end| out[end..].trim_end().is_empty());
        }
        if source.bytes().any(|byte| matches!(byte, b'\\' | b'/')) {
            token.to_css(out).expect("writing to a string never fails");
        } else {
            out.push_str(source);
        }
        match token {
            Token::AtKeyword(_) if first => self.at_rule_end = Some(out.len()),
            Token::Ident(name) if first => {
                self.forbidden |= FORBIDDEN_PROPERTIES.iter().any(|known| name.eq_ignore_ascii_case(known));
                self.property_end = Some(out.len());
            }
            _ => {}
        }
    }

    /// The name of the at-rule that this item heads, lower case.
    pub(super) fn at_rule(&self, out: &str) -> Option<String> {
        self.at_rule_end.map(|end| out[self.begin + "@".len()..end].to_ascii_lowercase())
    }

    pub(super) fn is_declaration(&self) -> bool {
        self.is_declaration
    }

    pub(super) fn is_empty(&self, out: &str) -> bool {
        out.len() == self.begin && !self.forbidden
    }

    /// Whether nothing in it is forbidden and it holds no card or account number.
    pub(super) fn may_stay(&self, out: &str) -> bool {
        !self.forbidden && scan::find(&out[self.begin..]).is_none()
    }

    /// Ends the item: it stays, without white space behind it.
    pub(super) fn keep(self, out: &mut String) {
        out.truncate(self.begin + self.text(out).len());
    }

    /// Ends the item: nothing of it stays.
    pub(super) fn drop_from(self, out: &mut String) {
        out.truncate(self.begin);
    }

    fn text<'t>(&self, out: &'t str) -> &'t str {
        out[self.begin..].trim_end()
    }

    /// Comments are gone, so two tokens that only a comment kept apart need one again.
    fn separate(&mut self, out: &mut String, token: &Token<'_>) {
        let kind = token.serialization_type();
        if self.last.is_some_and(|last| last.needs_separator_when_before(kind)) {
            out.push_str("/**/");
        }
        self.last = Some(kind);
    }

    fn string(&mut self, out: &mut String, text: &str) {
        self.forbidden |= scan::count_digits(text) > STRING_DIGITS_MAX;
        serialize_string(text, out).expect("writing to a string never fails");
    }

    fn address(&mut self, out: &mut String, address: &str) {
        match url::asset(address) {
            Some(address) => {
                out.push_str("url(\"");
                out.push_str(address);
                out.push_str("\")");
            }
            None => self.forbidden = true,
        }
    }

    fn quoted_address(&mut self, out: &mut String, parser: &mut Parser<'_>) {
        let read: Result<String, cssparser::ParseError<()>> =
            parser.parse_nested_block(|parser| Ok(parser.expect_string()?.as_ref().to_owned()));
        match read {
            Ok(address) => self.address(out, &address),
            Err(_) => self.forbidden = true,
        }
    }

    fn nested(&mut self, out: &mut String, parser: &mut Parser<'_>, open: char, close: char, depth: usize) {
        out.push(open);
        let begin = out.len();
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
                self.push(out, parser, start, &token, depth + 1);
            }
        });
        self.forbidden |= read.is_err() || (open == '[' && selects_value(&out[begin..]));
        out.push(close);
        self.last = None;
    }
}

/// Whether the inside of an attribute selector asks for what was typed: such a rule would tell it by its effect.
fn selects_value(selector: &str) -> bool {
    let name = selector.trim_start().split(['=', '^', '$', '*', '~', '|', ' ']).next().unwrap_or_default();
    name.eq_ignore_ascii_case("value")
}
