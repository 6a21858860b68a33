//! Lines and sections of a session description (RFC 8866 §5). Knows the shape of the text, not its meaning.

use super::{MEDIA_MAX, SdpError};

/// One `<letter>=<value>` line.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Counted from 1, for messages.
    pub(super) number: usize,
    pub(super) letter: u8,
    pub(super) value: &'a str,
}

/// One `a=<name>` or `a=<name>:<value>` line; `value` is empty for a flag.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) line: usize,
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// The lines before the first m-line, or those of one m-line.
#[derive(Default)]
pub(super) struct Section<'a> {
    pub(super) attributes: Vec<Attribute<'a>>,
}

/// A whole description, cut into its sections.
pub(super) struct Sections<'a> {
    pub(super) session: Section<'a>,
    pub(super) media: Vec<(Line<'a>, Section<'a>)>,
}

impl<'a> Section<'a> {
    /// All values of one attribute, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = Attribute<'a>> {
        self.attributes.iter().copied().filter(move |attribute| attribute.name == name)
    }

    /// The first value of one attribute.
    pub(super) fn first(&self, name: &str) -> Option<Attribute<'a>> {
        self.all(name).next()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }
}

impl<'a> Sections<'a> {
    /// Cuts a whole description into sections.
    pub(super) fn parse(text: &'a str) -> Result<Self, SdpError> {
        let version = lines(text).next().ok_or(SdpError::NotSdp)??;
        if version.letter != b'v' || version.value != "0" {
            return Err(SdpError::NotSdp);
        }
        Self::parse_fragment(text)
    }

    /// Cuts a text into sections that may begin anywhere in a description (RFC 8840 §9). Letters other than `m` and `a`
    /// carry nothing we use and are skipped.
    pub(super) fn parse_fragment(text: &'a str) -> Result<Self, SdpError> {
        let mut sections = Self { session: Section::default(), media: Vec::new() };
        for line in lines(text) {
            let line = line?;
            match line.letter {
                b'm' if sections.media.len() == MEDIA_MAX => {
                    return Err(SdpError::TooMany { what: "m-lines", max: MEDIA_MAX, line: line.number });
                }
                b'm' => sections.media.push((line, Section::default())),
                b'a' => sections.last().attributes.push(line.attribute()),
                _ => {}
            }
        }
        Ok(sections)
    }

    fn last(&mut self) -> &mut Section<'a> {
        match self.media.last_mut() {
            Some((_, section)) => section,
            None => &mut self.session,
        }
    }
}

impl<'a> Line<'a> {
    fn attribute(&self) -> Attribute<'a> {
        let (name, value) = self.value.split_once(':').unwrap_or((self.value, ""));
        Attribute { line: self.number, name, value }
    }
}

/// Lines ended by CRLF or LF (some clients write LF only). Empty lines are skipped: a text area adds them.
fn lines(text: &str) -> impl Iterator<Item = Result<Line<'_>, SdpError>> {
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(|(index, line)| {
        let number = index + 1;
        match line.as_bytes() {
            [letter @ b'a'..=b'z', b'=', ..] => Ok(Line { number, letter: *letter, value: line[2..].trim_end() }),
            _ => Err(SdpError::Line { line: number }),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keep_order_and_line_numbers() {
        let text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\na=group:BUNDLE 0\r\n\r\nm=audio 9 X 0\na=mid:0\na=sendonly";
        let sections = Sections::parse(text).expect("well formed");
        let group = sections.session.first("group").expect("present");
        assert_eq!((group.line, group.value), (3, "BUNDLE 0"));
        let [(heading, media)] = &sections.media[..] else { panic!("one m-line") };
        assert_eq!((heading.number, heading.value), (5, "audio 9 X 0"));
        assert!(media.has("sendonly") && !media.has("recvonly"));
    }

    #[test]
    fn bad_lines_are_named_by_number() {
        for (text, line) in [("v=0\nnonsense", 2), ("v=0\na=x\nA=b", 3), ("v=0\n=", 2), ("v=0\n\u{e9}=1", 2)] {
            assert_eq!(Sections::parse(text).err(), Some(SdpError::Line { line }), "{text:?}");
        }
        assert_eq!(Sections::parse("").err(), Some(SdpError::NotSdp));
        assert_eq!(Sections::parse("v=1").err(), Some(SdpError::NotSdp));
    }
}
