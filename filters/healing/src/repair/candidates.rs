//! Where in a text JSON may be.
//!
//! Models wrap JSON in code blocks and sentences, and sentences have brackets of their own. Each
//! opening bracket is tried from left to right, and what was read as JSON is not searched again: a
//! code block in a string is no code block.

use super::kinds::{Kind, Kinds};
use super::lookahead::skip_space;
use super::parser::{Document, Failure, Quotes, parse};
use crate::schema::Words;

/// What all tries together may read, as a multiple of the text. Honest texts need little more than
/// one.
const EFFORT: usize = 4;

/// What a try costs besides what it reads.
const TRY_COST: usize = 16;

/// One object or array found in a text.
pub(super) struct Candidate<'a> {
    pub(super) json: String,
    /// What it says in words that JSON does not have.
    pub(super) words: Words<'a>,
    repairs: Kinds,
    text: &'a str,
    start: usize,
    end: usize,
    fence: Option<Fence>,
}

/// The opening line of a code block.
#[derive(Debug, Clone, Copy)]
struct Fence {
    /// Where its backticks begin.
    start: usize,
    /// Where its language tag ends.
    end: usize,
    /// Whether its language is JSON or not named.
    json: bool,
}

impl Candidate<'_> {
    /// How likely this candidate is the one that is meant: a JSON code block first, then the
    /// largest.
    ///
    /// Bare words as values count against it, because a sketch of a type, `{name: string}`, has
    /// them too.
    pub(super) fn rank(&self) -> (bool, usize) {
        let size = self.json.len();
        let sketchy = self.repairs.contains(Kind::UnquotedValue);
        (
            self.fence.is_some_and(|fence| fence.json),
            if sketchy { size / 4 } else { size },
        )
    }

    /// Whether nothing but space, commas and the like stands between this and the next one.
    pub(super) fn is_followed_by(&self, next: &Self) -> bool {
        let between = self.text.get(self.end..next.start).unwrap_or_default();
        between
            .chars()
            .all(|c| c.is_whitespace() || matches!(c, ',' | ';'))
    }

    /// The repairs inside it.
    pub(super) fn own_kinds(&self) -> Kinds {
        self.repairs
    }

    /// Every repair that it took, taking it out of the text included.
    pub(super) fn kinds(&self) -> Kinds {
        let part = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        let mut kinds = self.repairs;
        let inside = self.fence.map_or(0, |fence| fence.end);
        let outside = self.fence.map_or(0, |fence| fence.start);
        let lead = part(inside, self.start).trim();
        let (before, ticks) = (lead.trim_end_matches('`'), lead.ends_with('`'));
        if !before.is_empty() || !part(0, outside).trim().is_empty() {
            kinds.insert(Kind::SurroundingProse);
        }
        let tail = part(self.end, self.text.len()).trim();
        let after = tail.trim_start_matches('`').trim();
        if self.fence.is_some() || ticks || tail.starts_with('`') {
            kinds.insert(Kind::MarkdownFence);
        }
        if !after.is_empty() {
            let brackets = after
                .chars()
                .all(|c| matches!(c, '}' | ']') || c.is_whitespace());
            kinds.insert(if brackets {
                Kind::ExtraBracket
            } else {
                Kind::SurroundingProse
            });
        }
        kinds
    }
}

/// The candidates of a text from left to right; no two overlap.
pub(super) struct Candidates<'a> {
    text: &'a str,
    at: usize,
    fence: Option<Fence>,
    spent: usize,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            fence: None,
            spent: 0,
        }
    }

    fn rest(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    /// Reads backticks, which may begin or end a code block.
    fn backticks(&mut self) {
        let rest = self.rest(self.at);
        let tag = rest.trim_start_matches('`');
        let ticks = rest.len() - tag.len();
        let start = self.at;
        self.at += ticks;
        if ticks < 3 {
            return;
        }
        if self.fence.take().is_none() {
            let tag = tag.trim_start_matches([' ', '\t']);
            let behind = tag.trim_start_matches(|c: char| {
                c.is_alphanumeric() || matches!(c, '-' | '+' | '_' | '.')
            });
            let language = tag.get(..tag.len() - behind.len()).unwrap_or_default();
            let json = language.is_empty()
                || language
                    .get(..4)
                    .is_some_and(|name| name.eq_ignore_ascii_case("json"));
            self.at = self.text.len() - behind.len();
            self.fence = Some(Fence {
                start,
                end: self.at,
                json,
            });
        }
    }

    /// Reads the bracket here in every way that makes sense, and moves on.
    fn attempt(&mut self) -> Option<Candidate<'a>> {
        let start = self.at;
        let result = match self.parse(self.text, Quotes::Plain) {
            Ok(document) if document.closed => Ok(document),
            result => self.in_fence(&result).map_or(result, Ok),
        };
        let result = match result {
            // Only what is plainly JSON is worth guessing at, and a guess that leaves JSON over is
            // a wrong one.
            Err(failure) if failure.telling => match self.parse(self.text, Quotes::Guessed) {
                Ok(document) if !self.goes_on(document.end) => Ok(document),
                _ => Err(failure),
            },
            result => result,
        };
        match result {
            Ok(document) => {
                self.at = document.end.max(start + 1);
                let fence = self.fence;
                if self.is_part(start, document.end) {
                    return None;
                }
                if document.telling || fence.is_some() || self.stands_out(start, document.end) {
                    let Document {
                        json,
                        words,
                        kinds,
                        end,
                        ..
                    } = document;
                    return Some(Candidate {
                        json,
                        words,
                        repairs: kinds,
                        text: self.text,
                        start,
                        end,
                        fence,
                    });
                }
            }
            // A part of what is nested so deep would not be what was meant.
            Err(Failure { too_deep: true, .. }) => self.at = self.text.len(),
            // Nor would a part of what is plainly JSON but broken.
            Err(failure) if failure.telling => self.at = self.behind(&failure),
            Err(_) => self.at = start + 1,
        }
        None
    }

    fn parse(&mut self, text: &'a str, quotes: Quotes) -> Result<Document<'a>, Failure> {
        let result = parse(text, self.at, quotes);
        let end = match &result {
            Ok(document) => document.end,
            Err(failure) => failure.at,
        };
        self.spent += TRY_COST + end.saturating_sub(self.at);
        result
    }

    /// Reads up to the end of the code block, where a string that was not closed would have gone on
    /// behind it.
    fn in_fence(&mut self, result: &Result<Document<'a>, Failure>) -> Option<Document<'a>> {
        let end = match result {
            Ok(document) => document.end,
            Err(failure) if failure.telling => failure.at,
            Err(_) => return None,
        };
        self.fence?;
        let limit = self.at + self.text.get(self.at..end)?.find("\n```")?;
        self.parse(self.text.get(..limit)?, Quotes::Plain).ok()
    }

    /// Where the brackets are balanced again that were open when reading failed.
    fn behind(&self, failure: &Failure) -> usize {
        let mut depth = failure.depth;
        for (offset, c) in self.rest(failure.at).char_indices() {
            match c {
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return failure.at + offset + 1;
            }
        }
        self.text.len()
    }

    /// Whether what follows looks like more of the same JSON.
    fn goes_on(&self, end: usize) -> bool {
        skip_space(self.rest(end)).starts_with([',', ':', '"', '}', ']'])
    }

    /// Whether this is the value of a key whose object was never opened.
    fn is_part(&self, start: usize, end: usize) -> bool {
        let before = self.text.get(..start).unwrap_or_default().trim_end();
        let key = before
            .strip_suffix(':')
            .is_some_and(|key| key.trim_end().ends_with('"'));
        key && self.goes_on(end)
    }

    /// Whether something that prose could have as well, `[1]` or `[ ]`, is set apart from the
    /// prose.
    fn stands_out(&self, start: usize, end: usize) -> bool {
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.trim_end_matches([' ', '\t']);
        let after = self.rest(end);
        let last = after.len() <= 16 && !after.contains(char::is_alphanumeric);
        line.is_empty() || line.ends_with(['\n', ':']) || last
    }
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.spent <= EFFORT * self.text.len() + TRY_COST {
            self.at += self.rest(self.at).find(['{', '[', '`'])?;
            if self.rest(self.at).starts_with('`') {
                self.backticks();
            } else if let Some(candidate) = self.attempt() {
                return Some(candidate);
            }
        }
        None
    }
}
