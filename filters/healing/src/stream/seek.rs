//! What stands before a document and behind it: it does not leave.

use super::{Emitter, Mode, Step};
use crate::repair::lookahead::{is_word, skip_space, word};
use crate::repair::{Kind, is_blank};

impl Emitter {
    /// Skips what is not the document's first bracket.
    pub(super) fn seek(&mut self) -> Step {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            return Step::More;
        };
        let opens = match c {
            '{' if self.roots.object => self.opens_object(),
            '[' if self.roots.array => self.opens_array(),
            _ => Some(false),
        };
        match opens {
            None => return Step::More,
            Some(true) => {
                self.mode = Mode::Token;
                return Step::Done;
            }
            Some(false) => {}
        }
        match c {
            '`' => self.kinds.insert(Kind::MarkdownFence),
            '\u{feff}' => self.kinds.insert(Kind::ByteOrderMark),
            c if is_blank(c) => {}
            // The language of a code block is no prose.
            c if c.is_alphanumeric() && self.kinds.contains(Kind::MarkdownFence) => {}
            _ => self.kinds.insert(Kind::SurroundingProse),
        }
        self.at += c.len_utf8();
        Step::Done
    }

    /// Whether a brace begins a document; `None` where that cannot be told yet.
    fn opens_object(&self) -> Option<bool> {
        let inside = skip_space(self.rest().get(1..).unwrap_or_default());
        let whole = self.is_whole();
        let unknown = if whole { Some(self.is_end()) } else { None };
        match inside.chars().next() {
            None => unknown,
            Some('"' | '\'' | '“' | '”' | '‘' | '’' | '/' | '#') => Some(true),
            Some('}') => self.stands_alone(inside),
            Some(c) if is_word(c) => {
                let name = word(inside);
                let behind = skip_space(inside.get(name.len()..).unwrap_or_default());
                match behind.chars().next() {
                    None => unknown,
                    Some(c) => Some(matches!(c, ':' | '"')),
                }
            }
            Some(_) => Some(false),
        }
    }

    /// Whether a square bracket begins a document and not a reference or a to-do.
    fn opens_array(&self) -> Option<bool> {
        let inside = skip_space(self.rest().get(1..).unwrap_or_default());
        let unknown = if self.is_whole() {
            Some(self.is_end())
        } else {
            None
        };
        match inside.chars().next() {
            None => unknown,
            Some('"' | '\'' | '“' | '‘' | '{' | '[') => Some(true),
            Some(']') => self.stands_alone(inside),
            Some(c) if is_word(c) => {
                let name = word(inside);
                let behind = skip_space(inside.get(name.len()..).unwrap_or_default());
                match behind.chars().next() {
                    None => unknown,
                    Some(',') => Some(true),
                    Some(']') => self.stands_alone(behind),
                    Some(_) => Some(false),
                }
            }
            Some(_) => Some(false),
        }
    }

    /// Whether nothing follows the bracket that `text` begins with: then it is no part of a sentence.
    fn stands_alone(&self, text: &str) -> Option<bool> {
        let behind = skip_space(text.get(1..).unwrap_or_default());
        match behind.chars().next() {
            None if self.is_whole() => Some(self.is_end()),
            None => None,
            Some(c) => Some(c == '`'),
        }
    }

    /// Skips what stands behind the document.
    pub(super) fn tail(&mut self) -> Step {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.contains('`') {
            self.kinds.insert(Kind::MarkdownFence);
        }
        if rest.contains(['}', ']']) {
            self.kinds.insert(Kind::ExtraBracket);
        }
        let known = |c: char| is_blank(c) || matches!(c, '`' | '}' | ']');
        if rest.contains(|c: char| !known(c)) {
            self.kinds.insert(Kind::SurroundingProse);
        }
        self.at = self.text.len();
        Step::More
    }
}
