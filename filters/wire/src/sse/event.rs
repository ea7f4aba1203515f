//! One event: its bytes, and the data in them.

use std::borrow::Cow;
use std::ops::Range;

/// A whole event as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    raw: &'a [u8],
    data: Data,
}

/// Where the data of an event stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    /// Comments, blank lines, other fields, or bytes that are not to be read.
    None,
    /// One `data` line, at this range of the event: the usual case, without a copy.
    Line(Range<usize>),
    /// Several `data` lines, joined by LF.
    Lines(Vec<u8>),
}

impl<'a> Event<'a> {
    /// Reads an event.
    pub(super) fn new(raw: &'a [u8]) -> Self {
        let mut data = Data::None;
        for line in lines(raw) {
            let Some(value) = raw.get(line.clone()).and_then(data_of) else {
                continue;
            };
            let value = line.end.saturating_sub(value.len())..line.end;
            data = match data {
                Data::None => Data::Line(value),
                Data::Line(first) => Data::Lines(join(raw, slice(raw, &first), &value)),
                Data::Lines(lines) => Data::Lines(join(raw, &lines, &value)),
            };
        }
        Self { raw, data }
    }

    /// Bytes that are passed on unread.
    pub(super) fn opaque(raw: &'a [u8]) -> Self {
        let data = Data::None;
        Self { raw, data }
    }

    /// The event's bytes, line ends included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The event's data; `None` for comments and other events without any.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        match &self.data {
            Data::None => None,
            Data::Line(range) => Some(slice(self.raw, range)),
            Data::Lines(lines) => Some(lines),
        }
    }

    /// Whether this is the `[DONE]` that ends an OpenAI-format stream.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.data()
            .is_some_and(|data| data.trim_ascii() == b"[DONE]")
    }

    /// Appends the event's bytes with other data, which `write` appends in its place.
    pub fn rewrite(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        match &self.data {
            Data::None => out.extend_from_slice(self.raw),
            Data::Line(range) => {
                out.extend_from_slice(self.raw.get(..range.start).unwrap_or_default());
                write(out);
                out.extend_from_slice(self.raw.get(range.end..).unwrap_or_default());
            }
            Data::Lines(_) => {
                let mut data = Vec::new();
                write(&mut data);
                out.extend_from_slice(&self.with_lines(&data));
            }
        }
    }

    /// The event's bytes with other data: all but the data as it was.
    #[must_use]
    pub fn with_data(&self, data: &[u8]) -> Cow<'a, [u8]> {
        match &self.data {
            Data::None => Cow::Borrowed(self.raw),
            Data::Line(range) => {
                let head = self.raw.get(..range.start).unwrap_or_default();
                let end = self.raw.get(range.end..).unwrap_or_default();
                Cow::Owned([head, data, end].concat())
            }
            Data::Lines(_) => Cow::Owned(self.with_lines(data)),
        }
    }

    /// The other lines as they were, then the new data, a `data` field for each of its lines.
    fn with_lines(&self, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len());
        for line in lines(self.raw) {
            let line = slice(self.raw, &line);
            if !line.is_empty() && data_of(line).is_none() {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
        }
        for line in data.split(|b| *b == b'\n') {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        out.push(b'\n');
        out
    }
}

/// The value of a `data` line, without the one space that may precede it.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let value = line.strip_prefix(b"data")?;
    if value.is_empty() {
        return Some(value);
    }
    let value = value.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

/// The lines of an event without their ends.
fn lines(raw: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = at..at.saturating_add(length);
        let after = rest.get(length..).unwrap_or_default();
        let end = if after.starts_with(b"\r\n") { 2 } else { 1 };
        at = line.end.saturating_add(end);
        Some(line)
    })
}

fn slice<'a>(raw: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    raw.get(range.clone()).unwrap_or_default()
}

fn join(raw: &[u8], lines: &[u8], next: &Range<usize>) -> Vec<u8> {
    [lines, b"\n", slice(raw, next)].concat()
}
