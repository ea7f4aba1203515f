//! The text: what stands where. It is well-formed, so that nothing is checked here but what serde_json passes over.

use std::borrow::Cow;

use serde::de::Error as _;
use serde_json::Number;

use super::Error;

/// The text, and how far it is read.
#[derive(Debug)]
pub(crate) struct Reader<'j> {
    json: &'j [u8],
    pub(super) at: usize,
}

impl<'j> Reader<'j> {
    /// A reader of a text that serde_json has found well-formed.
    pub(crate) fn new(json: &'j [u8]) -> Self {
        Self { json, at: 0 }
    }

    /// The offset up to which it has read: after an error, where that is.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The first byte of what comes next.
    #[inline(never)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = self.json.get(self.at..)?;
        let spaces = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.at += spaces;
        rest.get(spaces).copied()
    }

    /// Passes the bytes for which this holds, and returns them.
    fn run(&mut self, of: impl FnMut(&u8) -> bool) -> &'j [u8] {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(of).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// The string that begins here.
    #[inline(never)]
    pub(super) fn text(&mut self) -> Result<Cow<'j, str>, Error> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        let text = self.run(|byte| {
            let closes = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            closes
        });
        self.at += 1;
        if text.contains(&b'\\') {
            let quoted = self.json.get(start..self.at).unwrap_or_default();
            return serde_json::from_slice(quoted)
                .map(Cow::Owned)
                .map_err(Error::custom);
        }
        let text = std::str::from_utf8(text).map(Cow::Borrowed);
        text.map_err(|_| Error::custom("invalid unicode code point"))
    }

    /// The number that begins here.
    #[inline(never)]
    pub(super) fn number(&mut self) -> Result<Number, Error> {
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
        serde_json::from_slice(self.run(ends)).map_err(Error::custom)
    }

    /// The number that the text which begins here is; where it is none, the text is still to be read.
    #[inline(never)]
    pub(super) fn number_in_text(&mut self) -> Result<Option<Number>, Error> {
        let start = self.at;
        let number = serde_json::from_str(&self.text()?).ok();
        if number.is_none() {
            self.at = start;
        }
        Ok(number)
    }

    /// The `true`, `false` or `null` that begins here.
    #[inline(never)]
    pub(super) fn word(&mut self) -> &'j [u8] {
        self.run(|byte| !byte.is_ascii_lowercase())
    }

    /// Whether another member or element follows; if not, its container is passed.
    #[inline(never)]
    pub(super) fn more(&mut self) -> bool {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
        let more = !matches!(self.peek(), Some(b'}' | b']') | None);
        self.at += usize::from(!more);
        more
    }

    /// The name of the member that begins here.
    #[inline(never)]
    pub(super) fn name(&mut self) -> Result<Cow<'j, str>, Error> {
        let name = self.text()?;
        let end = self.at;
        if self.peek() == Some(b':') {
            self.at += 1;
        } else {
            self.at = end;
        }
        Ok(name)
    }
}
