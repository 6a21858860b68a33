//! Cleans style sheets: tokenised by `cssparser`, written again from the tokens, item by item.
//!
//! What goes: `url()` to anything but an asset, `@import` and unknown at-rules, selectors on `value`, strings with
//! digits in them, functions that load, run or read attributes, whatever does not tokenise. A rule that goes is
//! replaced by [`INERT_RULE`], so that the places of its siblings stay what the page thinks they are.

mod item;

use cssparser::{Parser, Token};
use item::Item;

/// Stands for a dropped rule: matches nothing, since no such element is on the allow-list.
pub(crate) const INERT_RULE: &str = "tillside-dropped{}";

/// Deepest nesting of blocks that is read; hand-written sheets reach 4, generated ones 6.
const BLOCKS_MAX: usize = 16;

/// At-rules with a block that may stay.
const BLOCK_RULES: [&str; 15] = [
    "media",
    "supports",
    "layer",
    "container",
    "keyframes",
    "-webkit-keyframes",
    "-moz-keyframes",
    "font-face",
    "page",
    "property",
    "counter-style",
    "scope",
    "starting-style",
    "font-feature-values",
    "position-try",
];

/// Clean CSS and how many items were dropped from it.
#[derive(Debug, Default)]
pub(crate) struct Clean {
    pub(crate) css: String,
    pub(crate) dropped: u64,
}

/// Cleans a whole sheet, or any list of rules.
pub(crate) fn sheet(text: &str) -> Clean {
    let mut clean = Clean { css: String::with_capacity(text.len()), dropped: 0 };
    block(&mut Parser::new(text), &mut clean, Content::Rules, 0);
    clean
}

/// Cleans the declarations of an inline style.
pub(crate) fn declarations(text: &str) -> Clean {
    let mut clean = Clean { css: String::with_capacity(text.len() + 1), dropped: 0 };
    block(&mut Parser::new(text), &mut clean, Content::Declarations, 0);
    clean
}

/// Cleans one declaration's value; `None` if it must go.
pub(crate) fn value(property: &str, text: &str) -> Option<String> {
    let plain = property.len() <= 128
        && property.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !plain {
        return None;
    }
    let clean = declarations(&format!("{property}:{text}"));
    let value = clean.css.strip_prefix(property)?.strip_prefix(':')?.trim_end_matches(';').trim();
    (clean.dropped == 0 && !value.is_empty()).then(|| value.to_owned())
}

/// Clean declarations with one property set, or removed if `value` is `None`. `style` must be the output of
/// [`declarations`] or of this function.
pub(crate) fn with_property(style: &str, property: &str, value: Option<&str>) -> String {
    let mut changed = String::with_capacity(style.len() + 32);
    for declaration in split_declarations(style) {
        let name = declaration.split(':').next().unwrap_or_default().trim();
        if !declaration.trim().is_empty() && !name.eq_ignore_ascii_case(property) {
            changed.push_str(declaration);
            changed.push(';');
        }
    }
    if let Some(value) = value {
        changed.push_str(property);
        changed.push(':');
        changed.push_str(value);
        changed.push(';');
    }
    changed
}

/// Splits at the semicolons outside strings and brackets.
fn split_declarations(style: &str) -> impl Iterator<Item = &str> {
    let (mut quote, mut open, mut escaped) = (None, 0_usize, false);
    style.split(move |c: char| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match (c, quote) {
            ('\\', _) => escaped = true,
            (c, Some(mark)) if c == mark => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            ('(', None) => open += 1,
            (')', None) => open = open.saturating_sub(1),
            _ => {}
        }
        c == ';' && quote.is_none() && open == 0
    })
}

/// What a block may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Rules; text without a block is dropped, at-statements apart.
    Rules,
    /// Declarations only: an inline style.
    Declarations,
    /// Both: the body of a rule, with nesting.
    Mixed,
}

/// Reads items up to the end of the block and writes those that may stay.
fn block(parser: &mut Parser<'_>, clean: &mut Clean, content: Content, depth: usize) {
    loop {
        let mut item = Item::new(&clean.css);
        match read_item(parser, &mut item, &mut clean.css, depth) {
            Some(End::Semicolon) => statement(item, clean, content),
            Some(End::Block) => rule(parser, item, clean, content, depth),
            None => return statement(item, clean, content),
        }
    }
}

/// What ends an item.
enum End {
    Semicolon,
    Block,
}

/// Feeds tokens to `item` until it ends; `None` at the end of the input.
fn read_item(parser: &mut Parser<'_>, item: &mut Item, out: &mut String, depth: usize) -> Option<End> {
    loop {
        let start = parser.position();
        let token = parser.next_including_whitespace().ok()?.clone();
        match token {
            Token::Semicolon => return Some(End::Semicolon),
            Token::CurlyBracketBlock => return Some(End::Block),
            token => item.push(out, parser, start, &token, depth),
        }
    }
}

fn statement(item: Item, clean: &mut Clean, content: Content) {
    if item.is_empty(&clean.css) {
        return;
    }
    let stays = match (item.at_rule(&clean.css).as_deref(), content) {
        // `@layer a, b;` orders layers; every other statement loads, names or ends something we do not pass on.
        (Some(name), Content::Rules | Content::Mixed) => name == "layer",
        (Some(_), Content::Declarations) | (None, Content::Rules) => false,
        (None, Content::Declarations | Content::Mixed) => item.is_declaration(),
    };
    if stays && item.may_stay(&clean.css) {
        item.keep(&mut clean.css);
        clean.css.push(';');
    } else {
        item.drop_from(&mut clean.css);
        clean.dropped += 1;
    }
}

fn rule(parser: &mut Parser<'_>, prelude: Item, clean: &mut Clean, content: Content, depth: usize) {
    let name = prelude.at_rule(&clean.css);
    let known = name.as_deref().is_none_or(|name| BLOCK_RULES.contains(&name));
    let allowed = content != Content::Declarations && depth < BLOCKS_MAX && known;
    if !allowed || !prelude.may_stay(&clean.css) {
        skip_block(parser);
        prelude.drop_from(&mut clean.css);
        clean.dropped += 1;
        if content == Content::Rules {
            clean.css.push_str(INERT_RULE);
        }
        return;
    }
    prelude.keep(&mut clean.css);
    clean.css.push('{');
    let inner = match name.as_deref() {
        Some("keyframes" | "-webkit-keyframes" | "-moz-keyframes") => Content::Rules,
        Some("media" | "supports" | "layer" | "container" | "scope" | "starting-style")
            if content == Content::Rules =>
        {
            Content::Rules
        }
        _ => Content::Mixed,
    };
    let read: Result<(), cssparser::ParseError<()>> = parser.parse_nested_block(|parser| {
        block(parser, clean, inner, depth + 1);
        Ok(())
    });
    clean.dropped += u64::from(read.is_err());
    clean.css.push('}');
}

/// The parser would skip the block by itself, but only after the place of the next token was noted.
fn skip_block(parser: &mut Parser<'_>) {
    let skipped: Result<(), cssparser::ParseError<()>> = parser.parse_nested_block(|parser| {
        while parser.next_including_whitespace_and_comments().is_ok() {}
        Ok(())
    });
    debug_assert!(skipped.is_ok(), "everything in the block was read");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(css: &str, expected: &str) {
        assert_eq!(sheet(css).css, expected, "{css}");
    }

    #[test]
    fn harmless_css_stays() {
        check("a{color:red}", "a{color:red;}");
        check(
            ".x > p::before , #y{ margin: 0 auto!important; content:\"\\2014\" }",
            ".x > p::before , #y{margin: 0 auto!important;content:\"\u{2014}\";}",
        );
        check("@media (min-width:10px){a{b:c}}", "@media (min-width:10px){a{b:c;}}");
        check("@keyframes k{from{opacity:0}50%{opacity:.5}}", "@keyframes k{from{opacity:0;}50%{opacity:.5;}}");
        check("a{&:hover{color:red}color:blue}", "a{&:hover{color:red;}color:blue;}");
        check("@layer a,b;a{width:calc(1px + (2px*3))}", "@layer a,b;a{width:calc(1px + (2px*3));}");
        check("input[type=\"text\"]{color:#123456}", "input[type=\"text\"]{color:#123456;}");
        check("a{color:/*x*/red}", "a{color:red;}");
    }

    #[test]
    fn sec_27_what_loads_or_reads_goes() {
        check("@import url(https://evil.example/x.css);a{b:c}", "a{b:c;}");
        check("a{background:url(https://evil.example/x);color:red}", "a{color:red;}");
        check("a{background:u\\72l(https://evil.example/x);color:red}", "a{color:red;}");
        check("a{background:image-set(\"https://evil.example/x\" 1x)}", "a{}");
        check("input[value^=\"4\"]{color:red}b{c:d}", "tillside-dropped{}b{c:d;}");
        check("input[ v\\61lue $= '4' ]{color:red}", INERT_RULE);
        check("a:not([value*='4']){color:red}", INERT_RULE);
        check("a::after{content:attr(data-card)}", "a::after{}");
        check("a{behavior:url(#x)}b{-moz-binding:url(x)}", "a{}b{}");
        check("@font-face{font-family:x;src:url(//evil.example/f)}", "@font-face{font-family:x;}");
        check("a{width:expression(alert(1))}", "a{}");
        check("@unknown x{a{b:c}}d{e:f}", "tillside-dropped{}d{e:f;}");
    }

    #[test]
    fn numbers_in_strings_go() {
        check("a::before{content:\"4242 4242\"}", "a::before{}");
        check("a::before{content:\"\\34 242 4\"}", "a::before{}");
        check("a{--card:4242424242424242;--x:1}", "a{--x:1;}");
        check("a{--card:'12345'}", "a{}");
        check("a::before{content:\"12\"}", "a::before{content:\"12\";}");
    }

    #[test]
    fn assets_stay() {
        let digest = "ab".repeat(32);
        check(
            &format!("a{{background:url(\"asset:{digest}\")}}"),
            &format!("a{{background:url(\"asset:{digest}\");}}"),
        );
        check(&format!("a{{background:url(asset:{digest})}}"), &format!("a{{background:url(\"asset:{digest}\");}}"));
    }

    #[test]
    fn broken_css_comes_out_closed() {
        for css in ["a{color:red", "a{b:c}}d{e:f}", "a{b:'x\ny'}", "@media{a{b:c", "<!-- a{b:c} -->", "a{b:url(x y)}"] {
            let once = sheet(css).css;
            assert_eq!(sheet(&once).css, once, "{css}");
            assert_eq!(once.matches('{').count(), once.matches('}').count(), "{css}");
        }
    }

    #[test]
    fn inline_styles_hold_declarations_only() {
        assert_eq!(declarations("color:red; background:url(x); width:1px").css, "color:red;width:1px;");
        assert_eq!(declarations("color:red} a{b:c").css, "");
        assert_eq!(value("width", "12px").as_deref(), Some("12px"));
        assert_eq!(value("background", "url(https://evil.example)"), None);
        assert_eq!(value("width;x", "12px"), None);
        assert_eq!(with_property("COLOR:red;content:\";\";", "color", Some("blue")), "content:\";\";color:blue;");
        assert_eq!(with_property("color:red;", "color", None), "");
    }
}
