//! Server-sent events (WHATWG HTML, section 9.2) out of chunks that are cut anywhere.
//!
//! A chunk of a response body is no event: events come several to a chunk, or in pieces that part
//! characters and line ends. [`Decoder`] hands out whole events as the bytes that arrived, so that
//! what is not changed leaves byte for byte.

mod event;

pub use event::Event;

/// The longest event that is held back for its end, in bytes. Base64 images arrive as one event.
pub const MAX_EVENT: usize = 32 << 20;

/// Cuts a stream of chunks into events.
#[derive(Debug)]
pub struct Decoder {
    /// The beginning of an event whose end has not arrived.
    tail: Vec<u8>,
    /// How far `tail` was searched for its end.
    scan: LineScan,
    limit: usize,
    /// The current event grew past the limit: its bytes pass as they come.
    passing: bool,
    unread: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limit(MAX_EVENT)
    }
}

impl Decoder {
    /// A decoder that gives up on events longer than `limit` bytes and passes them as they are.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            tail: Vec::new(),
            scan: LineScan::default(),
            limit,
            passing: false,
            unread: false,
        }
    }

    /// Takes the next chunk; `each` sees every event that is now whole, in order.
    pub fn feed(&mut self, chunk: &[u8], mut each: impl FnMut(Event<'_>)) {
        let mut rest = chunk;
        while let Some(end) = self.scan.find_end(rest) {
            let (head, next) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            if self.tail.is_empty() {
                each(self.event(head));
            } else {
                self.tail.extend_from_slice(head);
                let tail = std::mem::take(&mut self.tail);
                each(self.event(&tail));
            }
            self.passing = false;
            rest = next;
        }
        self.tail.extend_from_slice(rest);
        if self.tail.len() > self.limit {
            self.passing = true;
            self.unread = true;
            let tail = std::mem::take(&mut self.tail);
            each(Event::opaque(&tail));
        }
    }

    /// The data of a chunk that is one event of one line of data, as most chunks are, where nothing before it waits for
    /// its end: what [`feed`](Self::feed) would tell of it. Such a chunk need not be fed.
    #[must_use]
    pub fn only_data<'a>(&self, chunk: &'a [u8]) -> Option<&'a [u8]> {
        let data = chunk.strip_prefix(b"data: ")?.strip_suffix(b"\n\n")?;
        let is_line = !data.is_empty() && memchr::memchr2(b'\n', b'\r', data).is_none();
        (!self.waits() && is_line).then_some(data)
    }

    /// Whether the next chunk may end what an earlier one began.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.passing || !self.tail.is_empty() || self.scan != LineScan::default()
    }

    /// Ends the stream: `each` sees what is left without the blank line that should have ended it.
    pub fn finish(&mut self, each: impl FnOnce(Event<'_>)) {
        if !self.tail.is_empty() {
            let tail = std::mem::take(&mut self.tail);
            each(self.event(&tail));
        }
        self.scan = LineScan::default();
    }

    /// Whether some event was longer than the limit and passed unread.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        self.unread
    }

    fn event<'a>(&self, raw: &'a [u8]) -> Event<'a> {
        if self.passing {
            return Event::opaque(raw);
        }
        Event::new(raw)
    }
}

/// Finds blank lines across chunks, whichever of LF, CR and CRLF ends the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LineScan {
    /// The line so far has characters.
    line_has_text: bool,
    /// The event so far has lines.
    event_has_lines: bool,
    /// The last byte was a CR: an LF now belongs to it.
    after_cr: bool,
}

impl LineScan {
    /// The length of the prefix of `bytes` that ends the current event; `None` without one.
    ///
    /// Blank lines before an event's first line belong to that event. The LF of a CRLF that was
    /// cut in two comes with the next event.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            let found = memchr::memchr2(b'\n', b'\r', rest);
            let skipped = found.unwrap_or(rest.len());
            if skipped > 0 {
                self.line_has_text = true;
                self.after_cr = false;
            }
            at = at.saturating_add(found?);
            let byte = bytes.get(at).copied()?;
            at = at.saturating_add(1);
            if byte == b'\n' && self.after_cr {
                self.after_cr = false;
                continue;
            }
            self.after_cr = byte == b'\r';
            let blank = !std::mem::replace(&mut self.line_has_text, false);
            if !blank {
                self.event_has_lines = true;
            } else if std::mem::replace(&mut self.event_has_lines, false) {
                // Take the LF of this CRLF along where it is already here.
                if self.after_cr && bytes.get(at) == Some(&b'\n') {
                    self.after_cr = false;
                    at = at.saturating_add(1);
                }
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
