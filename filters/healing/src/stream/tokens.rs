//! What stands between strings: brackets, commas, colons, words, space and comments.

use super::{Emitter, Mode, Seen, Step};
use crate::repair::lookahead::{Role, capped, is_value, skip_space, word};
use crate::repair::{Frame, Kind, Scalar, Style, classify, is_blank};

/// The most space between two tokens that is kept, in bytes.
const MAX_SPACE: usize = 256;

/// The longest word, in bytes.
const MAX_WORD: usize = 256;

impl Emitter {
    pub(super) fn token(&mut self) -> Step {
        let Some(c) = self.rest().chars().next() else {
            if self.last {
                self.finish_document();
                return Step::Done;
            }
            return Step::More;
        };
        match c {
            ' ' | '\t' | '\n' | '\r' => self.space(c),
            '/' | '#' => self.comment_begins(c),
            '`' => self.fence(),
            c if is_blank(c) => {
                self.kinds.insert(Kind::Whitespace);
                self.skip(c)
            }
            '}' => self.close(Frame::Object),
            ']' => self.close(Frame::Array),
            ',' => self.comma(),
            ':' if self.seen == Seen::Key => {
                self.lead.push(c);
                self.seen = Seen::Colon;
                self.skip(c)
            }
            ':' => Step::Broken,
            c => self.content(c),
        }
    }

    pub(super) fn skip(&mut self, c: char) -> Step {
        self.at += c.len_utf8();
        Step::Done
    }

    fn space(&mut self, c: char) -> Step {
        if self.lead.len() < MAX_SPACE && !self.stack.is_empty() {
            self.lead.push(c);
        }
        self.skip(c)
    }

    fn comment_begins(&mut self, c: char) -> Step {
        let second = self.rest().chars().nth(1);
        let block = match (c, second) {
            ('#', _) | ('/', Some('/')) => false,
            (_, Some('*')) => true,
            (_, None) if !self.last => return Step::More,
            _ => return Step::Broken,
        };
        self.kinds.insert(Kind::Comment);
        self.mode = Mode::Comment { block };
        self.at += if c == '#' { 1 } else { 2 };
        Step::Done
    }

    /// Skips a comment, and the `*/` that ends it.
    pub(super) fn comment(&mut self, block: bool) -> Step {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = if block { "*/" } else { "\n" };
        match rest.find(end) {
            Some(at) => {
                self.at += at + if block { 2 } else { 0 };
                self.mode = Mode::Token;
            }
            None if self.last => {
                self.at = self.text.len();
                self.mode = Mode::Token;
            }
            None => {
                // The end may be cut in two.
                let star = block && rest.ends_with('*');
                self.at = self.text.len().saturating_sub(usize::from(star));
                return Step::More;
            }
        }
        Step::Done
    }

    /// The end of a code block ends the document in it.
    fn fence(&mut self) -> Step {
        let rest = self.rest();
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        if ticks < 3 {
            let undecided = ticks == rest.len() && !self.last;
            return if undecided { Step::More } else { Step::Broken };
        }
        self.finish_document();
        Step::Done
    }

    fn comma(&mut self) -> Step {
        match self.seen {
            Seen::Value => {
                self.comma = Some(self.lead.len());
                self.lead.push(',');
                self.seen = Seen::Comma;
            }
            Seen::Key => return Step::Broken,
            Seen::Colon => {
                self.drop_member();
                self.kinds.insert(Kind::IncompleteMember);
                return Step::Done;
            }
            Seen::Open | Seen::Comma => self.kinds.insert(Kind::ExtraComma),
        }
        self.skip(',')
    }

    /// What begins a key or a value.
    fn content(&mut self, c: char) -> Step {
        let is_key = self.stack.last() == Some(&Frame::Object) && self.seen != Seen::Colon;
        match self.seen {
            Seen::Key => return self.missing_colon(c),
            Seen::Value if self.comma.is_none() => {
                let prose = is_key && self.lead.contains('\n') && c.is_alphabetic();
                self.doubt = prose.then_some(self.kinds);
                self.kinds.insert(Kind::MissingComma);
                self.lead.insert(0, ',');
                self.comma = Some(0);
                self.seen = Seen::Comma;
            }
            _ => {}
        }
        if is_key && self.key.is_none() {
            self.key = Some(self.lead.len());
        }
        match (c, Style::of(c)) {
            (_, Some(style)) => {
                let role = if is_key { Role::Key } else { Role::Value };
                self.begin_string(c, style, role)
            }
            ('{', _) if !is_key => self.open(Frame::Object),
            ('[', _) if !is_key => self.open(Frame::Array),
            _ => self.word(is_key),
        }
    }

    fn missing_colon(&mut self, c: char) -> Step {
        if Style::of(c).is_some() {
            let behind = skip_space(self.rest().get(c.len_utf8()..).unwrap_or_default());
            if behind.is_empty() && !self.is_whole() {
                return Step::More;
            }
            // A quote too many, as in `key": 1`.
            if behind.starts_with(':') {
                self.kinds.insert(Kind::ExtraQuote);
                return self.skip(c);
            }
        }
        let rest = self.rest();
        if word(rest).len() == rest.len() && !self.is_whole() {
            return Step::More;
        }
        if self.doubt.is_some() || !is_value(rest) {
            return Step::Broken;
        }
        self.kinds.insert(Kind::MissingColon);
        let end = self.lead.trim_end().len();
        self.lead.insert(end, ':');
        self.seen = Seen::Colon;
        Step::Done
    }

    fn word(&mut self, is_key: bool) -> Step {
        let rest = capped(self.rest(), MAX_WORD);
        let name = word(rest);
        if name.is_empty() || name.len() > MAX_WORD.saturating_sub(4) {
            return Step::Broken;
        }
        let behind = rest.get(name.len()..).unwrap_or_default();
        let is_whole = rest.len() < self.rest().len() || self.is_whole();
        if behind.trim_start_matches([' ', '\t']).is_empty() && !is_whole {
            return Step::More;
        }
        let (name, length) = (name.to_owned(), name.len());
        if is_key {
            self.kinds.insert(Kind::UnquotedKey);
            self.lead.push('"');
            self.lead.push_str(&name);
            self.lead.push('"');
            self.seen = Seen::Key;
            self.at += length;
            return Step::Done;
        }
        let ends = behind.trim_start_matches([' ', '\t']);
        let ends = ends.is_empty() || ends.starts_with([',', '}', ']', '\n', '\r']);
        let json = match classify(&name, behind.is_empty() && self.is_end()) {
            Scalar::Verbatim => name,
            Scalar::Literal(json) => {
                self.kinds.insert(Kind::Literal);
                json.to_owned()
            }
            Scalar::Number(json) => {
                self.kinds.insert(Kind::Number);
                json
            }
            Scalar::Nothing => {
                self.kinds.insert(Kind::IncompleteMember);
                self.at += length;
                return Step::Done;
            }
            Scalar::Word if ends && self.stack.as_slice() != [Frame::Array] => {
                self.kinds.insert(Kind::UnquotedValue);
                format!("\"{name}\"")
            }
            Scalar::Word => return Step::Broken,
        };
        self.lead_out();
        self.out.push_str(&json);
        self.seen = Seen::Value;
        self.at += length;
        Step::Done
    }

    /// Lets out what waited for a value.
    pub(super) fn lead_out(&mut self) {
        self.out.push_str(&self.lead);
        self.lead.clear();
        (self.comma, self.key, self.doubt) = (None, None, None);
    }
}
