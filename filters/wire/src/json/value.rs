//! Values: spans of a text that the scanner has validated.

use std::borrow::Cow;

use super::Scanner;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`
    Null,
}

impl Kind {
    /// The type with its article, for error messages.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "a boolean",
            Self::Null => "null",
        }
    }
}

/// A validated value: where it stands and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its type.
    pub kind: Kind,
    /// Offset of its first byte in the scanned text.
    pub start: usize,
    /// Its bytes; a string's with the quotes.
    pub raw: &'a [u8],
}

impl<'a> Value<'a> {
    /// Offset after its last byte.
    #[must_use]
    pub fn end(&self) -> usize {
        self.start.saturating_add(self.raw.len())
    }

    /// The text of a string, unescaped; `None` for other types and for bytes that are not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        if self.kind != Kind::String {
            return None;
        }
        let inner = self.inner();
        if memchr::memchr(b'\\', inner).is_none() {
            return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
        }
        serde_json::from_slice(self.raw).ok().map(Cow::Owned)
    }

    /// The bytes between a string's quotes, still escaped.
    #[must_use]
    pub fn inner(&self) -> &'a [u8] {
        self.raw
            .get(1..self.raw.len().saturating_sub(1))
            .unwrap_or_default()
    }

    /// Whether this is the literal `true`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.raw == b"true"
    }

    /// A non-negative whole number; `None` for anything else.
    #[must_use]
    pub fn whole_number(&self) -> Option<u64> {
        std::str::from_utf8(self.raw).ok()?.parse().ok()
    }

    /// The elements of an array; none of anything else.
    #[must_use]
    pub fn elements(&self) -> Vec<Self> {
        let mut scanner = Scanner::new(self.raw);
        let mut found = Vec::new();
        let Some(mut array) = scanner.enter().ok().filter(|_| self.kind == Kind::Array) else {
            return found;
        };
        while let Ok(true) = scanner.element(&mut array) {
            found.extend(scanner.value());
        }
        found
    }

    /// The members of an object; none of anything else. Their offsets count from this value's
    /// first byte.
    #[must_use]
    pub fn members(&self) -> Vec<(Cow<'a, str>, Self)> {
        let mut scanner = Scanner::new(self.raw);
        let mut found = Vec::new();
        let Some(mut object) = scanner.enter().ok().filter(|_| self.kind == Kind::Object) else {
            return found;
        };
        while let Ok(Some(member)) = scanner.member(&mut object) {
            let Ok((name, value)) = member.text().and_then(|name| Ok((name, scanner.value()?)))
            else {
                break;
            };
            found.push((name, value));
        }
        found
    }

    /// The last member of this name of an object.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Self> {
        let mut members = self.members().into_iter().rev();
        members
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }
}
