//! What a control looks like, whatever it is called: its length, its masks, what a list offers.

use super::evidence::text_of;
use super::words::{Lexicon, Topic};
use crate::mirror::{Key, Mirror, Role};

/// What a control looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: ShapeKind,
    /// Its maxlength, or its size if that is all there is.
    pub(super) length: Option<u16>,
    /// Takes digits only, by type, inputmode or pattern.
    pub(super) numeric: bool,
    pub(super) password: bool,
    /// Its placeholder or value pattern is a date like MM/YY.
    pub(super) date_mask: bool,
    /// Its placeholder is a code of three or four digits, or speaks of so many.
    pub(super) code_mask: bool,
    /// Its placeholder is a card number, or groups of four.
    pub(super) number_mask: bool,
}

/// What kind of control it is, and what a list offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ShapeKind {
    #[default]
    Text,
    Hidden,
    Radio,
    Checkbox,
    /// A list of something else.
    List,
    /// A list of the months.
    Months,
    /// A list of the coming years.
    Years,
    /// A list of years that are past, or of the days of a month: dates of birth or delivery.
    OtherDate,
    /// A list of months and years: both in one.
    Expiries,
    /// A list of card brands.
    Brands,
}

/// What a control looks like.
pub(super) fn shape(mirror: &Mirror, lexicon: &mut Lexicon, key: Key) -> Shape {
    let clue = |name: &str| mirror.clue(key, name).unwrap_or_default();
    let kind = match mirror.role(key) {
        Role::Choice => list_kind(mirror, lexicon, key),
        Role::Hidden => ShapeKind::Hidden,
        Role::Toggle if clue("type").eq_ignore_ascii_case("radio") => ShapeKind::Radio,
        Role::Toggle => ShapeKind::Checkbox,
        _ => ShapeKind::Text,
    };
    let number = |name: &str| clue(name).trim().parse::<u16>().ok().filter(|length| (1..=64).contains(length));
    let input_type = clue("type").to_ascii_lowercase();
    let placeholder = clue("placeholder");
    Shape {
        kind,
        length: number("maxlength").or_else(|| number("size")).or_else(|| pattern_length(clue("pattern"))),
        numeric: matches!(input_type.as_str(), "tel" | "number")
            || matches!(clue("inputmode"), "numeric" | "decimal" | "tel")
            || clue("pattern").contains(r"\d")
            || clue("pattern").contains("0-9"),
        password: input_type == "password",
        date_mask: is_date_mask(placeholder),
        code_mask: is_code_mask(placeholder),
        number_mask: is_number_mask(placeholder),
    }
}

/// `\d{3,4}` and the like: the longest it takes.
fn pattern_length(pattern: &str) -> Option<u16> {
    let (_, braces) = pattern.rsplit_once('{')?;
    braces.split('}').next()?.split(',').next_back()?.trim().parse().ok()
}

/// “MM/YY” in the letters of many languages, or its digits: two or three groups around a stroke.
fn is_date_mask(placeholder: &str) -> bool {
    let mask: String = placeholder.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let mut groups = mask.split(['/', '-', '|']);
    let (Some(month), Some(year), None) = (groups.next(), groups.next(), groups.next()) else { return false };
    let same = |group: &str| group.chars().all(|c| group.starts_with(c)) || group.chars().all(|c| c.is_ascii_digit());
    month.chars().count() == 2 && matches!(year.chars().count(), 2 | 4) && same(month) && same(year)
}

/// “123”, “•••”, or words around a three or a four.
fn is_code_mask(placeholder: &str) -> bool {
    let mask = placeholder.trim();
    let digits: String = mask.chars().filter(char::is_ascii_digit).collect();
    let example = (3..=4).contains(&mask.chars().count())
        && (digits.len() == mask.len() || !mask.chars().any(char::is_alphanumeric));
    example || (mask.chars().any(char::is_alphabetic) && matches!(digits.as_str(), "3" | "4" | "34"))
}

/// Four groups of four, in digits, bullets or letters; or an example number, which may have words before it.
fn is_number_mask(placeholder: &str) -> bool {
    let example = placeholder.find(|c: char| !c.is_alphabetic() && !c.is_whitespace() && !matches!(c, '.' | ':' | ','));
    [Some(0), example].into_iter().flatten().any(|start| is_grouped(&placeholder[start..]))
}

fn is_grouped(mask: &str) -> bool {
    let groups: Vec<usize> =
        mask.split(|c: char| c.is_whitespace() || c == '-').map(|group| group.chars().count()).collect();
    let plain = mask.chars().all(|c| !c.is_alphabetic() || matches!(c, 'x' | 'X' | '0' | 'o'));
    let digits = crate::scan::count_digits(mask);
    plain && (groups == [4, 4, 4, 4] || groups == [4, 6, 5] || (15..=16).contains(&digits))
}

/// Longest list that is read; months, years and brands are shorter.
const OPTIONS_MAX: usize = 60;

fn list_kind(mirror: &Mirror, lexicon: &mut Lexicon, key: Key) -> ShapeKind {
    let options: Vec<Key> =
        mirror.subtree(key).filter(|below| mirror.tag(*below) == "option").take(OPTIONS_MAX + 1).collect();
    if options.len() > OPTIONS_MAX || options.len() < 2 {
        // Four digits of year times twelve months may be long; nothing else of ours is.
        return ShapeKind::List;
    }
    let words: Vec<(String, &str)> = options
        .iter()
        .map(|option| (text_of(mirror, *option, key), mirror.clue(*option, "value").unwrap_or_default()))
        .map(|(text, value)| (text.trim().to_owned(), value.trim()))
        .collect();
    let numbers: Vec<Option<u32>> =
        words.iter().map(|(text, value)| number_of(text).or_else(|| number_of(value))).collect();
    let count = |test: &dyn Fn(u32) -> bool| numbers.iter().flatten().filter(|number| test(**number)).count();
    let months = (1..=12).filter(|month| numbers.contains(&Some(*month)) || has_value(&words, *month)).count();
    let long_years = count(&|number| (2005..=2100).contains(&number));
    let short_years = count(&|number| (15..=60).contains(&number));
    let past = count(&|number| (1900..=2004).contains(&number));
    let mut brands = 0;
    for (text, value) in &words {
        brands += usize::from(lexicon.topics(text).with(lexicon.topics(value)).has(Topic::Brand));
    }
    let expiries = words.iter().filter(|(text, value)| is_date_mask(text) || is_date_mask(value)).count();
    if brands >= 2 || (brands == 1 && options.len() <= 3) {
        ShapeKind::Brands
    } else if expiries >= 6 {
        ShapeKind::Expiries
    } else if past >= 10 || numbers.contains(&Some(31)) && numbers.contains(&Some(13)) && options.len() <= 33 {
        ShapeKind::OtherDate
    } else if (12..=15).contains(&options.len()) && (months == 12 || begins_year(lexicon, &words)) {
        ShapeKind::Months
    } else if (5..=40).contains(&long_years) && options.len() - long_years <= 2
        || (5..=40).contains(&short_years) && options.len() - short_years <= 2
    {
        ShapeKind::Years
    } else {
        ShapeKind::List
    }
}

/// A number by itself, or one before a name as in “01 - January”.
fn number_of(text: &str) -> Option<u32> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let rest = &text[digits.len()..];
    let stands_alone = rest.is_empty() || rest.starts_with([' ', '-', '/', '.', ')', '월', '月', '年', '년']);
    if (1..=4).contains(&digits.len()) && stands_alone { digits.parse().ok() } else { None }
}

/// Months that have names only: the first of them is among the first entries.
fn begins_year(lexicon: &mut Lexicon, words: &[(String, &str)]) -> bool {
    words.iter().take(3).any(|(text, _)| lexicon.topics(text).has(Topic::First))
}

/// Months that are named in the text and numbered in the value.
fn has_value(words: &[(String, &str)], month: u32) -> bool {
    words.iter().any(|(_, value)| number_of(value) == Some(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_card_numbers_are_known_with_and_without_words() {
        for mask in
            ["1234 5678 9012 3456", "0000-0000-0000-0000", "F.eks. 1234 5678 9012 3456", "z.B.: 4242424242424242"]
        {
            assert!(is_number_mask(mask), "{mask}");
        }
        assert!(is_number_mask(&vec!["X".repeat(4); 4].join("-")), "letters that stand for digits");
        for mask in ["1234", "e.g. 07123 456 789", "Max Mustermann", "(000) 000-0000", "Musterstr. 12, 10115 Berlin"] {
            assert!(!is_number_mask(mask), "{mask}");
        }
    }
}
