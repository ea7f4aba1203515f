//! A strict JSON scanner (RFC 8259): validates while it walks, hands out spans, allocates nothing.
//!
//! One pass: a reader enters the objects and arrays that it cares about with a [`Cursor`] and
//! skips the rest with [`Scanner::value`], so that no byte is looked at twice.

use std::borrow::Cow;
use std::fmt;

use super::{Kind, Value};

mod scalars;
mod strings;

/// The deepest nesting that [`Scanner::value`] skips. Deeper input is an error, not a stack overflow.
pub const MAX_DEPTH: u32 = 127;

/// What is wrong with a text that is not JSON, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// Byte offset.
    pub at: usize,
    /// What was expected there.
    pub message: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.at)
    }
}

impl std::error::Error for JsonError {}

/// A member's name, and where the member begins. Its value is what the scanner reads next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// Offset of the `{` or `,` before the member.
    pub start: usize,
    /// The name's bytes, unescaped. Whether they are UTF-8 is nobody's business who looks for names of his own.
    pub name: Cow<'a, [u8]>,
}

impl<'a> Member<'a> {
    /// The name as text.
    ///
    /// # Errors
    /// Where it is not UTF-8.
    pub fn text(self) -> Result<Cow<'a, str>, JsonError> {
        let text = match self.name {
            Cow::Borrowed(name) => std::str::from_utf8(name).ok().map(Cow::Borrowed),
            Cow::Owned(name) => String::from_utf8(name).ok().map(Cow::Owned),
        };
        text.ok_or(JsonError {
            at: self.start,
            message: "expected a name in UTF-8",
        })
    }
}

/// Where a reader is inside an object or an array that it entered.
#[derive(Debug)]
pub struct Cursor {
    open: usize,
    first: bool,
}

/// Walks over a text.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of `text`; a byte order mark is skipped.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        let at = if text.starts_with(b"\xEF\xBB\xBF") {
            3
        } else {
            0
        };
        Self { text, at }
    }

    /// Scans a text that is exactly one value.
    ///
    /// # Errors
    /// Where and why the text is not that.
    pub fn document(text: &'a [u8]) -> Result<Value<'a>, JsonError> {
        let mut scanner = Self::new(text);
        let value = scanner.value()?;
        scanner.end()?;
        Ok(value)
    }

    /// Where the scanner is: after [`peek`](Self::peek), at the next value's first byte; after a
    /// value or the end of a container, behind its last.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The type of the next value, by its first byte.
    ///
    /// # Errors
    /// Where no value begins.
    pub fn peek(&mut self) -> Result<Kind, JsonError> {
        self.space();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.error("expected a value")),
        }
    }

    /// Validates and skips the next value.
    ///
    /// # Errors
    /// Where and why it is no value.
    pub fn value(&mut self) -> Result<Value<'a>, JsonError> {
        let kind = self.peek()?;
        let start = self.at;
        match kind {
            Kind::Object | Kind::Array => self.container()?,
            _ => self.scalar(kind)?,
        }
        let raw = self.text.get(start..self.at).unwrap_or_default();
        Ok(Value { kind, start, raw })
    }

    /// Enters the object or array that comes next (`peek` says which).
    ///
    /// # Errors
    /// Where neither comes next.
    pub fn enter(&mut self) -> Result<Cursor, JsonError> {
        match self.peek()? {
            Kind::Object | Kind::Array => {
                let open = self.at;
                self.at = open.saturating_add(1);
                Ok(Cursor { open, first: true })
            }
            _ => Err(self.error("expected an object or an array")),
        }
    }

    /// The next member's name of an object that was entered; `None` at its end.
    ///
    /// # Errors
    /// Where the object is malformed.
    pub fn member(&mut self, cursor: &mut Cursor) -> Result<Option<Member<'a>>, JsonError> {
        let Some(start) = self.separator(cursor, b'}', "expected `,` or `}`")? else {
            return Ok(None);
        };
        let name = self.name()?;
        Ok(Some(Member { start, name }))
    }

    /// Whether another element follows in an array that was entered.
    ///
    /// # Errors
    /// Where the array is malformed.
    pub fn element(&mut self, cursor: &mut Cursor) -> Result<bool, JsonError> {
        let separator = self.separator(cursor, b']', "expected `,` or `]`")?;
        Ok(separator.is_some())
    }

    /// Checks that only space is left.
    ///
    /// # Errors
    /// Where something else is.
    pub fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        match self.byte() {
            None => Ok(()),
            Some(_) => Err(self.error("expected the end of the text")),
        }
    }

    /// Passes the separator before the next member or element: its offset, or `None` at the end.
    fn separator(
        &mut self,
        cursor: &mut Cursor,
        close: u8,
        expected: &'static str,
    ) -> Result<Option<usize>, JsonError> {
        self.space();
        let first = std::mem::replace(&mut cursor.first, false);
        match self.byte() {
            Some(byte) if byte == close => {
                self.at = self.at.saturating_add(1);
                Ok(None)
            }
            _ if first => Ok(Some(cursor.open)),
            Some(b',') => {
                let start = self.at;
                self.at = self.at.saturating_add(1);
                Ok(Some(start))
            }
            _ => Err(self.error(expected)),
        }
    }

    /// Skips an object or array without recursion: one bit a level says which it is.
    fn container(&mut self) -> Result<(), JsonError> {
        let mut objects: u128 = 0;
        let mut depth: u32 = 0;
        loop {
            let kind = self.peek()?;
            match kind {
                Kind::Object | Kind::Array => {
                    if depth == MAX_DEPTH {
                        return Err(self.error("nested too deeply"));
                    }
                    depth = depth.saturating_add(1);
                    objects = objects << 1 | u128::from(kind == Kind::Object);
                    self.at = self.at.saturating_add(1);
                    self.space();
                    let empty = matches!(
                        (kind, self.byte()),
                        (Kind::Object, Some(b'}')) | (Kind::Array, Some(b']'))
                    );
                    if !empty {
                        if kind == Kind::Object {
                            self.name()?;
                        }
                        continue;
                    }
                }
                _ => self.scalar(kind)?,
            }
            // After a value, or before the closing bracket of an empty container.
            loop {
                self.space();
                match (objects & 1 == 1, self.byte()) {
                    (true, Some(b'}')) | (false, Some(b']')) => {
                        self.at = self.at.saturating_add(1);
                        objects >>= 1;
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            return Ok(());
                        }
                    }
                    (object, Some(b',')) => {
                        self.at = self.at.saturating_add(1);
                        if object {
                            self.name()?;
                        }
                        break;
                    }
                    (true, _) => return Err(self.error("expected `,` or `}`")),
                    (false, _) => return Err(self.error("expected `,` or `]`")),
                }
            }
        }
    }

    /// A member's name and its colon.
    fn name(&mut self) -> Result<Cow<'a, [u8]>, JsonError> {
        self.space();
        if let Some(name) = self.plain_name() {
            return Ok(Cow::Borrowed(name));
        }
        let start = self.at;
        if self.byte() != Some(b'"') {
            return Err(self.error("expected a name in double quotes"));
        }
        let is_escaped = self.string()?;
        let raw = self.text.get(start..self.at).unwrap_or_default();
        self.space();
        if self.byte() != Some(b':') {
            return Err(self.error("expected `:`"));
        }
        self.at = self.at.saturating_add(1);
        let name = Value {
            kind: Kind::String,
            start,
            raw,
        };
        if !is_escaped {
            return Ok(Cow::Borrowed(name.inner()));
        }
        let text = name.text().ok_or(JsonError {
            at: start,
            message: "expected a name in UTF-8",
        })?;
        Ok(Cow::Owned(text.into_owned().into_bytes()))
    }

    fn scalar(&mut self, kind: Kind) -> Result<(), JsonError> {
        match kind {
            Kind::String => self.string().map(|_| ()),
            Kind::Number => self.number(),
            _ => self.word(),
        }
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at = self.at.saturating_add(1);
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn error(&self, message: &'static str) -> JsonError {
        let message = if self.at >= self.text.len() {
            "the text ends too early"
        } else {
            message
        };
        JsonError {
            at: self.at,
            message,
        }
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
