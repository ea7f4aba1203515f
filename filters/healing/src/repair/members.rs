//! What objects and arrays are made of: keys, values, and words without quotes.

use super::kinds::Kind;
use super::lookahead::{self, Role};
use super::parser::{Frame, MAX_DEPTH, Parser, Seen, Stop};
use super::scalar::{Scalar, classify};
use super::string::{is_quote, push_escaped};

impl<'a> Parser<'a> {
    /// Reads what a container is made of: a key of an object, an element of an array.
    pub(super) fn member(&mut self) -> Result<(), Stop> {
        match self.stack.last() {
            Some(Frame::Object) => self.key(),
            _ => self.value(),
        }
    }

    fn key(&mut self) -> Result<(), Stop> {
        self.member = self.out.len();
        if self.peek().is_some_and(is_quote) {
            let rest = self.rest();
            self.telling = true;
            // A key that was cut off says so by ending in the middle. If brackets end it, it is the
            // quote that is missing, and everything behind would be lost.
            if !self.string(Role::Key) && rest.ends_with(['}', ']']) {
                return Err(Stop::Broken);
            }
        } else {
            let word = lookahead::word(self.rest());
            if word.is_empty() {
                return Err(Stop::Broken);
            }
            self.kinds.insert(Kind::UnquotedKey);
            self.push_word(word);
        }
        self.seen = Seen::Key;
        Ok(())
    }

    pub(super) fn value(&mut self) -> Result<(), Stop> {
        match self.peek() {
            Some('{') => return self.open(Frame::Object),
            Some('[') => return self.open(Frame::Array),
            Some(c) if is_quote(c) => {
                self.string(Role::Value);
                self.telling = true;
            }
            _ => return self.bare_word(),
        }
        self.value_done();
        Ok(())
    }

    fn bare_word(&mut self) -> Result<(), Stop> {
        let word = lookahead::word(self.rest());
        let behind = self.rest().get(word.len()..).unwrap_or_default();
        if word.is_empty() {
            return Err(Stop::Broken);
        }
        if lookahead::goes_on(behind) && self.phrase() {
            return Ok(());
        }
        match classify(word, behind.is_empty()) {
            Scalar::Verbatim => self.copy(word.len()),
            Scalar::Literal(json) => {
                self.kinds.insert(Kind::Literal);
                self.replace_word(word, json);
            }
            Scalar::Number(json) => {
                self.kinds.insert(Kind::Number);
                self.replace_word(word, &json);
            }
            Scalar::Nothing => {
                self.kinds.insert(Kind::IncompleteMember);
                self.at += word.len();
                return Ok(());
            }
            // Prose has words in square brackets, but hardly ever inside other brackets.
            Scalar::Word
                if self.stack.as_slice() != [Frame::Array] && lookahead::ends_word(behind) =>
            {
                self.kinds.insert(Kind::UnquotedValue);
                self.push_word(word);
            }
            Scalar::Word if self.phrase() => return Ok(()),
            Scalar::Word => return Err(Stop::Broken),
        }
        self.value_done();
        Ok(())
    }

    /// Reads several words without quotes that are the value of a key; false where they are not.
    fn phrase(&mut self) -> bool {
        if self.stack.last() != Some(&Frame::Object) {
            return false;
        }
        let Some((text, length)) = lookahead::phrase(self.rest()) else {
            return false;
        };
        self.kinds.insert(Kind::UnquotedValue);
        self.out.push('"');
        for c in text.chars() {
            push_escaped(&mut self.out, c);
        }
        self.out.push('"');
        self.at += length;
        self.value_done();
        true
    }

    /// Writes JSON in the place of a word, and remembers the word: a schema may want it as a string.
    fn replace_word(&mut self, word: &'a str, json: &str) {
        self.words.insert(self.out.len(), word);
        self.out.push_str(json);
        self.at += word.len();
    }

    /// Writes a bare word as a string; it has no character that would need an escape.
    fn push_word(&mut self, word: &str) {
        self.out.push('"');
        self.copy(word.len());
        self.out.push('"');
    }

    pub(super) fn value_done(&mut self) {
        self.seen = Seen::Value;
        self.value_end = self.out.len();
        self.comma = None;
        self.doubt = None;
    }

    fn open(&mut self, frame: Frame) -> Result<(), Stop> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Stop::TooDeep);
        }
        self.value_done();
        self.stack.push(frame);
        self.seen = Seen::Open;
        self.copy(1);
        Ok(())
    }
}
