//! Strings: from any kind of quotes to JSON's, with everything in them escaped as JSON wants it.

use super::kinds::{Kind, Kinds};
use super::lookahead::{self, Role, ends_string};
use super::parser::{Frame, Parser, Quotes};
use std::fmt::Write as _;

/// What a string is written between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Double,
    Single,
    SmartDouble,
    SmartSingle,
}

impl Style {
    pub(crate) fn of(open: char) -> Option<Self> {
        match open {
            '"' => Some(Self::Double),
            '\'' => Some(Self::Single),
            '“' | '”' | '„' | '‟' => Some(Self::SmartDouble),
            '‘' | '’' | '‚' => Some(Self::SmartSingle),
            _ => None,
        }
    }

    /// Whether a character may close the string. Typographic quotes are often closed by plain ones.
    pub(crate) fn closed_by(self, c: char) -> bool {
        match self {
            Self::Double => c == '"',
            Self::Single => c == '\'',
            Self::SmartDouble => matches!(c, '"' | '“' | '”' | '„' | '‟'),
            Self::SmartSingle => matches!(c, '\'' | '‘' | '’' | '‚'),
        }
    }
}

/// Whether a character begins a string.
pub(super) fn is_quote(c: char) -> bool {
    Style::of(c).is_some()
}

impl Parser<'_> {
    /// Reads the string that starts here and writes it as JSON; false when the text ended first.
    pub(super) fn string(&mut self, role: Role) -> bool {
        let (at, written, kinds) = (self.at, self.out.len(), self.kinds);
        if self.string_body(role) {
            if let Some(tail) = self.stray_quote(at, role) {
                self.string_up_to(tail, at, role, (written, kinds));
            }
            return true;
        }
        self.kinds.insert(Kind::MissingQuote);
        // The brackets at the very end are more likely meant as brackets than as the end of the
        // string.
        if role == Role::Value
            && let Some(tail) = self.closing_tail(at)
        {
            self.string_up_to(tail, at, role, (written, kinds));
        }
        false
    }

    /// Reads a string once more, as if the text ended at `tail`.
    fn string_up_to(&mut self, tail: usize, at: usize, role: Role, before: (usize, Kinds)) {
        let whole = self.text;
        self.text = whole.get(..tail).unwrap_or(whole);
        self.at = at;
        self.out.truncate(before.0);
        self.kinds = before.1;
        self.kinds.insert(Kind::MissingQuote);
        self.string_body(role);
        self.text = whole;
    }

    /// Where a string that began at `from` should have ended, if the quote just read is not its own but
    /// the one that opens the next string: `"Bob, "age": 4`, `"name: "Bob"`.
    fn stray_quote(&self, from: usize, role: Role) -> Option<usize> {
        let in_object = self.stack.last() == Some(&Frame::Object);
        if !lookahead::begins_inside(self.rest(), role, in_object) {
            return None;
        }
        let inside = self.text.get(from..self.at.saturating_sub(1))?.trim_end();
        let inside = inside.strip_suffix(match role {
            Role::Value => ',',
            Role::Key => ':',
        })?;
        (inside.len() > 1).then_some(from + inside.len())
    }

    /// Reads and writes a string; false when the text ended before it did.
    fn string_body(&mut self, role: Role) -> bool {
        let Some((open, style)) = self.peek().and_then(|c| Some((c, Style::of(c)?))) else {
            return true;
        };
        match style {
            Style::Double => {}
            Style::Single => self.kinds.insert(Kind::SingleQuotes),
            Style::SmartDouble | Style::SmartSingle => self.kinds.insert(Kind::SmartQuotes),
        }
        self.at += open.len_utf8();
        self.out.push('"');
        loop {
            let rest = self.rest();
            let special = |c: char| c == '\\' || c == '"' || c < ' ' || style.closed_by(c);
            self.copy(rest.find(special).unwrap_or(rest.len()));
            let Some(c) = self.peek() else {
                self.out.push('"');
                return false;
            };
            if c == '\\' {
                self.escape(style);
                continue;
            }
            self.at += c.len_utf8();
            if c < ' ' {
                self.kinds.insert(Kind::ControlCharacter);
                self.push_escaped(c);
            } else if style.closed_by(c) && self.closes(style, role) {
                self.out.push('"');
                return true;
            } else {
                if style == Style::Double {
                    self.kinds.insert(Kind::InnerQuote);
                }
                self.push_escaped(c);
            }
        }
    }

    /// Whether the quote just read closes its string.
    fn closes(&self, style: Style, role: Role) -> bool {
        (style == Style::Double && self.quotes == Quotes::Plain) || ends_string(self.rest(), role)
    }

    /// Reads and writes one backslash sequence.
    fn escape(&mut self, style: Style) {
        let rest = self.rest();
        let mut chars = rest.chars();
        chars.next();
        match chars.next() {
            // Cut off right behind the backslash.
            None => {
                self.at += 1;
                self.kinds.insert(Kind::BadEscape);
            }
            Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => self.copy(2),
            Some('u') => self.unicode_escape(),
            Some('x') if hex(rest, 2, 4).is_some() => {
                let code = hex(rest, 2, 4).unwrap_or_default();
                self.at += 4;
                self.kinds.insert(Kind::BadEscape);
                let _ = write!(self.out, "\\u{code:04x}");
            }
            Some('\'') if style == Style::Single => {
                self.at += 1;
                self.copy(1);
            }
            // Other apostrophes need no backslash, and a raw line break behind one is still a line
            // break.
            Some(c @ ('\'' | '\n' | '\r' | '\t')) => {
                self.at += 2;
                self.kinds.insert(Kind::BadEscape);
                self.push_escaped(c);
            }
            // Most likely a path or a regular expression, whose backslash is meant.
            Some(_) => {
                self.at += 1;
                self.kinds.insert(Kind::BadEscape);
                self.out.push_str("\\\\");
            }
        }
    }

    /// Reads and writes `\u....`, and the second half of a surrogate pair with the first.
    fn unicode_escape(&mut self) {
        let rest = self.rest();
        let second = || {
            rest.get(6..)
                .filter(|rest| rest.starts_with("\\u"))
                .and_then(|rest| hex(rest, 2, 6))
        };
        match hex(rest, 2, 6) {
            Some(0xd800..=0xdbff) if matches!(second(), Some(0xdc00..=0xdfff)) => self.copy(12),
            // Half a pair is no character, and many parsers refuse it.
            Some(0xd800..=0xdfff) => {
                self.at += 6;
                self.kinds.insert(Kind::BadEscape);
                self.out.push_str("\\ufffd");
            }
            Some(_) => self.copy(6),
            None => {
                self.kinds.insert(Kind::BadEscape);
                let digits = rest.get(2..).unwrap_or_default();
                if digits.len() < 4 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
                    // Cut off in the middle.
                    self.at += rest.len();
                } else {
                    self.at += 1;
                    self.out.push_str("\\\\");
                }
            }
        }
    }

    fn push_escaped(&mut self, c: char) {
        push_escaped(&mut self.out, c);
    }

    /// Where the brackets begin that end the text, if they close exactly what is open; never before
    /// `from`.
    fn closing_tail(&self, from: usize) -> Option<usize> {
        let mut rest = self.text.get(from..)?.trim_end();
        for frame in &self.stack {
            rest = rest.strip_suffix(Frame::close(*frame))?.trim_end();
        }
        // The opening quote itself stays.
        (!rest.is_empty()).then_some(from + rest.len())
    }
}

/// Writes one character inside a string.
pub(crate) fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c < ' ' => {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// The value of the hexadecimal digits in a range of a text.
pub(crate) fn hex(text: &str, from: usize, to: usize) -> Option<u32> {
    let digits = text.get(from..to)?;
    let all = digits.chars().all(|c| c.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(digits, 16).ok())?
}
