//! Reads one object or array leniently and writes it strictly.
//!
//! One pass with an explicit stack. What is valid is copied as it stands, whitespace included, so
//! that a repaired text differs from the original only where it was broken.

use super::kinds::{Kind, Kinds};
use super::lookahead;
use super::string::is_quote;
use crate::schema::Words;

/// How deep a repaired text may nest: what `serde_json`, among the strictest of common parsers, can
/// still read.
pub(crate) const MAX_DEPTH: usize = 127;

/// How quotes inside strings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// A string ends at the next quote that is not escaped.
    Plain,
    /// A string ends at the next quote behind which JSON could go on. For texts that make no sense
    /// otherwise.
    Guessed,
}

/// An object or array that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    Object,
    Array,
}

impl Frame {
    /// The bracket that closes it.
    pub(crate) fn close(self) -> char {
        match self {
            Self::Object => '}',
            Self::Array => ']',
        }
    }
}

/// What was read and written.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) json: String,
    /// Scalars that stood in the text as other words.
    pub(super) words: Words<'a>,
    pub(super) kinds: Kinds,
    /// Where in the text reading ended.
    pub(super) end: usize,
    /// Whether the text itself closed the root.
    pub(super) closed: bool,
    /// Whether there was anything in it that prose does not have: a key, or a quoted element.
    pub(super) telling: bool,
}

/// Why reading stopped short.
#[derive(Debug)]
pub(super) struct Failure {
    /// Where in the text.
    pub(super) at: usize,
    /// How many brackets were open there.
    pub(super) depth: usize,
    /// See [`Document::telling`].
    pub(super) telling: bool,
    pub(super) too_deep: bool,
}

/// What the parser has just seen in the innermost frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Open,
    Comma,
    Key,
    Colon,
    Value,
}

/// The text makes no sense as JSON.
pub(super) enum Stop {
    Broken,
    TooDeep,
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) out: String,
    pub(super) words: Words<'a>,
    pub(super) stack: Vec<Frame>,
    pub(super) kinds: Kinds,
    pub(super) quotes: Quotes,
    pub(super) seen: Seen,
    /// Where the comma before the member being read was written.
    pub(super) comma: Option<usize>,
    /// Where the key of the member being read was written.
    pub(super) member: usize,
    /// Where the last value ended in what was written.
    pub(super) value_end: usize,
    /// Where a bare word on a new line began that could be the next member or prose behind an
    /// unclosed text, and the repairs up to there.
    pub(super) doubt: Option<(usize, Kinds)>,
    pub(super) closed: bool,
    pub(super) telling: bool,
}

/// Reads the object or array that starts at `start`.
pub(super) fn parse(text: &str, start: usize, quotes: Quotes) -> Result<Document<'_>, Failure> {
    let mut parser = Parser {
        text,
        at: start,
        out: String::new(),
        words: Words::default(),
        stack: Vec::new(),
        kinds: Kinds::default(),
        quotes,
        seen: Seen::Colon,
        comma: None,
        member: 0,
        value_end: 0,
        doubt: None,
        closed: true,
        telling: false,
    };
    let mut result = parser.value();
    while result.is_ok() && !parser.stack.is_empty() {
        result = parser.step();
    }
    if matches!(result, Err(Stop::Broken)) && parser.give_up_doubt() {
        result = Ok(());
    }
    // Had there been nothing to leave out, an empty object would be what was meant.
    let gutted = parser.kinds.contains(Kind::IncompleteMember) && parser.is_empty();
    if result.is_err() || gutted {
        return Err(Failure {
            at: parser.at,
            depth: parser.stack.len(),
            telling: parser.telling,
            too_deep: matches!(result, Err(Stop::TooDeep)),
        });
    }
    Ok(Document {
        json: parser.out,
        words: parser.words,
        kinds: parser.kinds,
        end: parser.at,
        closed: parser.closed,
        telling: parser.telling,
    })
}

impl<'a> Parser<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Copies so many bytes as they stand.
    pub(super) fn copy(&mut self, len: usize) {
        self.out
            .push_str(self.rest().get(..len).unwrap_or_default());
        self.at += len;
    }

    /// Reads the next token inside a container.
    fn step(&mut self) -> Result<(), Stop> {
        let newline = self.space();
        let Some(next) = self.peek() else {
            self.finish();
            return Ok(());
        };
        match (next, self.seen) {
            ('`', _) if self.rest().starts_with("```") => self.finish(),
            // A quote too many, as in `key": 1`, `"key"": 1` and `["value""]`.
            (c, Seen::Key) if is_quote(c) && self.behind(c).starts_with(':') => self.extra_quote(c),
            (c, Seen::Value) if is_quote(c) && lookahead::only_closes(self.behind(c)) => {
                self.extra_quote(c);
            }
            ('}' | ']' | ',', Seen::Key) => return Err(Stop::Broken),
            ('}' | ']' | ',', Seen::Colon) => self.drop_member(),
            ('}', _) => self.close(Frame::Object),
            (']', _) => self.close(Frame::Array),
            (',', Seen::Value) => {
                self.comma = Some(self.out.len());
                self.copy(1);
                self.seen = Seen::Comma;
            }
            (',', _) => {
                self.kinds.insert(Kind::ExtraComma);
                self.at += 1;
            }
            (':', Seen::Key) => {
                self.copy(1);
                self.seen = Seen::Colon;
                self.telling = true;
            }
            // As Ruby, PHP and configuration files have it.
            ('=', Seen::Key) => {
                let arrow = self.rest().starts_with("=>");
                self.at += if arrow { 2 } else { 1 };
                self.kinds.insert(Kind::MissingColon);
                self.out.insert(self.written(), ':');
                self.seen = Seen::Colon;
                self.telling |= arrow;
            }
            (_, Seen::Key) if self.telling && lookahead::is_value(self.rest()) => {
                self.kinds.insert(Kind::MissingColon);
                self.out.insert(self.written(), ':');
                self.seen = Seen::Colon;
            }
            (_, Seen::Key) => return Err(Stop::Broken),
            (_, Seen::Colon) => return self.value(),
            (_, Seen::Value) => {
                self.doubt = (newline && next.is_alphabetic()).then_some((self.at, self.kinds));
                self.out.insert(self.value_end, ',');
                self.comma = Some(self.value_end);
                self.seen = Seen::Comma;
                self.member()?;
                self.kinds.insert(Kind::MissingComma);
            }
            (_, Seen::Open | Seen::Comma) => return self.member(),
        }
        Ok(())
    }

    /// What comes behind the character that is next, without whitespace.
    fn behind(&self, next: char) -> &'a str {
        lookahead::skip_space(self.rest().get(next.len_utf8()..).unwrap_or_default())
    }

    /// Where what was written ends, without whitespace.
    pub(super) fn written(&self) -> usize {
        self.out.trim_end_matches([' ', '\t', '\n', '\r']).len()
    }

    fn extra_quote(&mut self, quote: char) {
        self.kinds.insert(Kind::ExtraQuote);
        self.at += quote.len_utf8();
    }

    /// Skips whitespace, which is copied, and comments, which are not; true if a line ended.
    fn space(&mut self) -> bool {
        let from = self.at;
        loop {
            let rest = self.rest();
            self.copy(rest.len() - lookahead::skip_space(rest).len());
            let rest = self.rest();
            let comment = if rest.starts_with("//") || rest.starts_with('#') {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else {
                let blank = rest.len() - rest.trim_start_matches(super::is_blank).len();
                if blank == 0 {
                    break;
                }
                self.kinds.insert(Kind::Whitespace);
                self.at += blank;
                continue;
            };
            self.kinds.insert(Kind::Comment);
            self.at += comment;
        }
        self.text
            .get(from..self.at)
            .is_some_and(|space| space.contains('\n'))
    }
}
