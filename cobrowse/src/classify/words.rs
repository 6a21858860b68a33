//! What the words around a field say, in any language of `words.txt`.

use aho_corasick::{AhoCorasick, MatchKind};
use hashbrown::HashMap;
use std::borrow::Cow;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Longest text that is read; a label is shorter.
const TEXT_CHARS_MAX: usize = 240;

/// Words at the end of an identifier that are read.
const IDENTIFIER_WORDS_MAX: usize = 6;

/// What a phrase speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Number,
    Csc,
    Code,
    Exp,
    Month,
    Year,
    Holder,
    Type,
    Brand,
    Card,
    Digits,
    Name,
    /// A given or a family name alone.
    Part,
    Gift,
    Pin,
    Bank,
    Voucher,
    Loyalty,
    Ident,
    Birth,
    Other,
    /// The name of the first month.
    First,
}

const TOPICS: [(&str, Topic); 22] = [
    ("number", Topic::Number),
    ("csc", Topic::Csc),
    ("code", Topic::Code),
    ("exp", Topic::Exp),
    ("month", Topic::Month),
    ("year", Topic::Year),
    ("holder", Topic::Holder),
    ("type", Topic::Type),
    ("brand", Topic::Brand),
    ("card", Topic::Card),
    ("digits", Topic::Digits),
    ("name", Topic::Name),
    ("part", Topic::Part),
    ("gift", Topic::Gift),
    ("pin", Topic::Pin),
    ("bank", Topic::Bank),
    ("voucher", Topic::Voucher),
    ("loyalty", Topic::Loyalty),
    ("ident", Topic::Ident),
    ("birth", Topic::Birth),
    ("other", Topic::Other),
    ("first", Topic::First),
];

/// The topics that a text touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Topics(u32);

impl Topics {
    pub(super) fn has(self, topic: Topic) -> bool {
        self.0 & (1 << topic as u32) != 0
    }

    pub(super) fn any(self, topics: &[Topic]) -> bool {
        topics.iter().any(|topic| self.has(*topic))
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These but one.
    pub(super) fn without(self, topic: Topic) -> Self {
        Self(self.0 & !(1 << topic as u32))
    }

    fn add(&mut self, topic: Topic) {
        self.0 |= 1 << topic as u32;
    }
}

/// The topics of a text.
fn topics(text: &str) -> Topics {
    if text.trim().is_empty() {
        return Topics::default();
    }
    let mut topics = matches(&fold(text));
    if is_phone_mask(text) {
        topics.add(Topic::Other);
    }
    topics
}

/// “+49” or “(000) 000-0000” at the start: how a phone number is to be written, in no words of any language.
fn is_phone_mask(text: &str) -> bool {
    let text = text.trim_start();
    if let Some(prefix) = text.strip_prefix('+') {
        return prefix.starts_with(|c: char| c.is_ascii_digit());
    }
    let area = text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    area.is_some_and(|(area, rest)| {
        let is_mask = |text: &str| text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.'));
        (2..=5).contains(&area.len()) && is_mask(area) && rest.chars().any(|c| c.is_ascii_digit()) && is_mask(rest)
    })
}

/// The topics of an identifier. Frameworks put whole paths into names; only the end of one names the field.
fn identifier_topics(text: &str) -> Topics {
    let folded = fold(&without_noise(text));
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let end = &words[words.len().saturating_sub(IDENTIFIER_WORDS_MAX)..];
    matches(&format!(" {} ", end.join(" ")))
}

/// Letters that stand between digits by chance: a part of a hash up to this long is no word.
const NOISE_LETTERS_MAX: usize = 3;

/// An identifier without the scraps of hashes and counters in it: `id97rg` says nothing, though “rg” is a word. A part
/// in which letters, digits and again small letters follow each other was made by a machine; its short runs of letters
/// are blanked.
fn without_noise(text: &str) -> Cow<'_, str> {
    let is_made = |part: &[u8]| {
        let letters = part.iter().position(u8::is_ascii_alphabetic).unwrap_or(part.len());
        part[letters..].windows(2).any(|pair| pair[0].is_ascii_digit() && pair[1].is_ascii_lowercase())
    };
    if !is_made(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for part in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        if !is_made(part.as_bytes()) {
            clean.push_str(part);
            continue;
        }
        for run in part.split_inclusive(|c: char| !c.is_ascii_lowercase()) {
            let letters = run.chars().filter(char::is_ascii_lowercase).count();
            clean.push_str(if letters > NOISE_LETTERS_MAX { run } else { " " });
        }
    }
    Cow::Owned(clean)
}

fn matches(folded: &str) -> Topics {
    let mut topics = Topics::default();
    // No phrase is without a letter, but most options of lists are.
    if !folded.bytes().any(|byte| byte.is_ascii_lowercase() || !byte.is_ascii()) {
        return topics;
    }
    for found in VOCABULARY.phrases.find_overlapping_iter(&*without_lookalikes(folded)) {
        topics.add(VOCABULARY.topics[found.pattern().as_usize()]);
    }
    topics
}

/// A “placeholder” holds no card, and the French “tel que” calls nobody.
fn without_lookalikes(folded: &str) -> Cow<'_, str> {
    if !folded.contains("place") && !folded.contains(" tel qu") {
        return Cow::Borrowed(folded);
    }
    Cow::Owned(folded.replace(" place holder ", " ").replace("placeholder", " ").replace(" tel qu", " qu"))
}

/// What texts say, remembered: pages repeat their class lists, options and labels over and over.
#[derive(Default)]
pub(super) struct Lexicon {
    /// By a hash of the text, so that no text is held.
    known: HashMap<u64, Topics>,
}

impl Lexicon {
    /// Most texts that are remembered; a page with forms has some hundred different ones.
    const TEXTS_MAX: usize = 4_096;

    /// As [`topics`].
    pub(super) fn topics(&mut self, text: &str) -> Topics {
        self.look_up(0, text, topics)
    }

    /// As [`identifier_topics`].
    pub(super) fn identifier_topics(&mut self, text: &str) -> Topics {
        self.look_up(1, text, identifier_topics)
    }

    fn look_up(&mut self, kind: u8, text: &str, read: fn(&str) -> Topics) -> Topics {
        let key = self.known.hasher().hash_one((kind, text));
        if let Some(topics) = self.known.get(&key) {
            return *topics;
        }
        if self.known.len() == Self::TEXTS_MAX {
            self.known.clear();
        }
        *self.known.entry(key).or_insert_with(|| read(text))
    }
}

/// Lower case, no accents, camelCase split, everything but letters and digits a single space, spaces around.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 8);
    folded.push(' ');
    let mut previous = ' ';
    for c in text.chars().take(TEXT_CHARS_MAX) {
        let border = c.is_uppercase() && previous.is_lowercase()
            || c.is_ascii_digit() && previous.is_alphabetic()
            || previous.is_ascii_digit() && c.is_alphabetic();
        if border {
            space(&mut folded);
        }
        fold_char(c, &mut folded);
        previous = c;
    }
    space(&mut folded);
    folded
}

fn fold_char(c: char, folded: &mut String) {
    if c.is_ascii() {
        match c {
            'a'..='z' | '0'..='9' => folded.push(c),
            'A'..='Z' => folded.push(c.to_ascii_lowercase()),
            // An apostrophe joins in some languages and parts in others; as a border it is right for all phrases here.
            _ => space(folded),
        }
        return;
    }
    for lower in c.to_lowercase() {
        let plain = match lower {
            'ß' => "ss",
            'ł' => "l",
            'ø' => "o",
            'đ' | 'ð' => "d",
            'ı' => "i",
            'æ' => "ae",
            'œ' => "oe",
            'þ' => "th",
            _ => "",
        };
        if !plain.is_empty() {
            folded.push_str(plain);
            continue;
        }
        for part in std::iter::once(lower).nfkd() {
            if is_accent(part) {
                continue;
            }
            if part.is_alphanumeric() || is_combining_mark(part) {
                folded.extend(part.to_lowercase());
            } else {
                space(folded);
            }
        }
    }
}

/// Marks that people leave out: Latin, Greek and Cyrillic accents, Hebrew and Arabic points. In other scripts a mark is a
/// vowel, and words without vowels are other words.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

fn space(folded: &mut String) {
    if !folded.ends_with(' ') {
        folded.push(' ');
    }
}

struct Vocabulary {
    phrases: AhoCorasick,
    topics: Vec<Topic>,
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let entries: Vec<(String, Topic)> = entries().collect();
    let phrases = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .build(entries.iter().map(|(phrase, _)| phrase))
        .expect("the vocabulary is small and fixed");
    Vocabulary { phrases, topics: entries.into_iter().map(|(_, topic)| topic).collect() }
});

/// Reads the vocabulary, unless that is done: milliseconds that no page should wait for.
pub(super) fn read_vocabulary() {
    LazyLock::force(&VOCABULARY);
}

/// The folded phrases of `words.txt` with their borders, and their topics.
fn entries() -> impl Iterator<Item = (String, Topic)> {
    let lines = include_str!("words.txt").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.flat_map(|line| {
        let (head, phrases) = line.split_once(':').expect("every line of words.txt has a head");
        let name = head.split(' ').next().unwrap_or_default();
        let topic = TOPICS.iter().find(|(known, _)| *known == name).expect("words.txt names known topics").1;
        phrases.split('|').map(move |phrase| (pattern(phrase.trim()), topic))
    })
}

fn pattern(phrase: &str) -> String {
    if let Some(word) = phrase.strip_prefix('=') {
        return fold(word);
    }
    match phrase.strip_prefix('^') {
        Some(start) => fold(start).trim_end().to_owned(),
        None => fold(phrase).trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn check(text: &str, has: &[Topic], lacks: &[Topic]) {
        let topics = topics(text);
        for topic in has {
            assert!(topics.has(*topic), "{text} has {topic:?}: {}", fold(text));
        }
        for topic in lacks {
            assert!(!topics.has(*topic), "{text} lacks {topic:?}: {}", fold(text));
        }
    }

    #[test]
    fn folding_evens_out_spelling() {
        assert_eq!(fold("cardNumber_2[0]"), " card number 2 0 ");
        assert_eq!(fold("Numéro de CARTE:"), " numero de carte ");
        assert_eq!(fold("Gültig bis"), " gultig bis ");
        assert_eq!(fold("ｶｰﾄﾞ番号"), fold("カード番号"));
    }

    #[test]
    fn scraps_of_hashes_are_no_words() {
        for text in ["id97rg", "a3cc9d1", "f0no7x", "x4pin2y"] {
            assert!(identifier_topics(text).is_empty(), "{text}");
        }
        for (text, topic) in [
            ("cc1", Topic::Card),
            ("cardNumber2", Topic::Number),
            ("cvv2", Topic::Csc),
            ("f_7a.cvc", Topic::Csc),
            ("44cc_number", Topic::Number),
        ] {
            assert!(identifier_topics(text).has(topic), "{text}");
        }
    }

    #[test]
    fn how_phones_are_written_is_no_card() {
        for text in ["+49", "(000) 000-0000", " (02) 1234 5678", "+44 7123 456789"] {
            check(text, &[Topic::Other], &[]);
        }
        for text in ["(3 digits)", "1234 5678 9012 3456", "+", "(123)", "(optional) 12"] {
            check(text, &[], &[Topic::Other]);
        }
    }

    #[test]
    fn card_words_are_known_and_others_are_not() {
        check("Kreditkartennummer *", &[Topic::Number], &[Topic::Csc, Topic::Exp]);
        check("txtCCNumber", &[Topic::Number], &[]);
        check("CVV / CVC", &[Topic::Csc], &[Topic::Number]);
        check("Geburtsdatum", &[Topic::Birth], &[Topic::Exp, Topic::Number]);
        check("Telefonnummer", &[Topic::Other], &[Topic::Number, Topic::Csc]);
        check("Promo code", &[Topic::Voucher], &[Topic::Number, Topic::Csc]);
        check("Geschenkkarte Nummer", &[Topic::Gift], &[]);
        check("search products", &[Topic::Other], &[Topic::Number, Topic::Csc, Topic::Exp, Topic::Holder]);
    }

    /// Facts §8: every language has words for the number, the code, the expiry and the holder, and for what is none.
    #[test]
    fn every_language_has_positive_and_negative_words() {
        let mut languages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in include_str!("words.txt").lines().filter(|line| !line.starts_with('#')) {
            if let Some((topic, language)) = line.split_once(':').and_then(|(head, _)| head.split_once(' ')) {
                languages.entry(language).or_default().push(topic);
            }
        }
        let complete =
            |topics: &Vec<&str>| ["number", "csc", "exp", "holder", "other"].iter().all(|one| topics.contains(one));
        let count = languages.values().filter(|topics| complete(topics)).count();
        assert!(count >= 25, "{count} complete languages");
    }
}
