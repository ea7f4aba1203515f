//! Strings, which leave as they come.

use super::{Emitter, Mode, REACH, Seen, Step};
use crate::repair::lookahead::{Role, capped, is_value, skip_space, word};
use crate::repair::{Kind, Style, hex, push_escaped};

/// How far to look for the colon behind what may be a key, in bytes.
const KEY_REACH: usize = 256;

impl Emitter {
    pub(super) fn begin_string(&mut self, c: char, style: Style, role: Role) -> Step {
        match style {
            Style::Double => {}
            Style::Single => self.kinds.insert(Kind::SingleQuotes),
            Style::SmartDouble | Style::SmartSingle => self.kinds.insert(Kind::SmartQuotes),
        }
        if role == Role::Value {
            self.lead_out();
        }
        self.say(role, |out| out.push('"'));
        self.mode = Mode::String(style, role);
        self.skip(c)
    }

    /// Where a string is written: keys wait for their values.
    fn say(&mut self, role: Role, write: impl FnOnce(&mut String)) {
        match role {
            Role::Key => write(&mut self.lead),
            Role::Value => write(&mut self.out),
        }
    }

    /// Reads on in a string.
    pub(super) fn string(&mut self, style: Style, role: Role) -> Step {
        if role == Role::Key && self.lead.len() > REACH {
            self.mode = Mode::Token;
            return Step::Broken;
        }
        let rest = self.rest();
        let plain =
            |c: char| c >= ' ' && !matches!(c, '\\' | '"' | '}' | ']' | ' ') && !style.closed_by(c);
        let special = rest.find(|c| !plain(c)).unwrap_or(rest.len());
        if special > 0 {
            let text = rest.get(..special).unwrap_or_default().to_owned();
            self.say(role, |out| out.push_str(&text));
            self.at += special;
            return Step::Done;
        }
        let Some(c) = rest.chars().next() else {
            return match self.last {
                true => self.string_ends(role),
                false => Step::More,
            };
        };
        match c {
            '\\' => self.escape(style, role),
            '}' | ']' | ' ' | '\n' | '\r' | '\t' => self.brackets_in_string(role),
            c if style.closed_by(c) => match self.quote_ends(c, role) {
                None => Step::More,
                Some(true) => {
                    self.end_string(role);
                    self.skip(c)
                }
                Some(false) => {
                    if style == Style::Double {
                        self.kinds.insert(Kind::InnerQuote);
                    }
                    self.escaped(c, role)
                }
            },
            c => self.escaped(c, role),
        }
    }

    fn end_string(&mut self, role: Role) {
        self.say(role, |out| out.push('"'));
        self.mode = Mode::Token;
        self.seen = match role {
            Role::Key => Seen::Key,
            Role::Value => Seen::Value,
        };
    }

    fn escaped(&mut self, c: char, role: Role) -> Step {
        if c < ' ' {
            self.kinds.insert(Kind::ControlCharacter);
        }
        self.say(role, |out| push_escaped(out, c));
        self.skip(c)
    }

    /// Ends a string that was not closed.
    fn string_ends(&mut self, role: Role) -> Step {
        self.kinds.insert(Kind::MissingQuote);
        self.end_string(role);
        Step::Done
    }

    /// Reads space and closing brackets in a string. At the very end of the text they are more likely
    /// meant as brackets, if they close exactly what is open.
    fn brackets_in_string(&mut self, role: Role) -> Step {
        let rest = self.rest();
        let space = [' ', '\n', '\r', '\t'];
        let behind = rest.trim_start_matches(|c| space.contains(&c) || matches!(c, '}' | ']'));
        if behind.is_empty() && !self.is_whole() {
            return Step::More;
        }
        let in_fence = self.kinds.contains(Kind::MarkdownFence);
        if in_fence && behind.starts_with('`') && rest.starts_with('\n') {
            if behind.len() < 3 && "```".starts_with(behind) && !self.is_whole() {
                return Step::More;
            }
            if behind.starts_with("```") {
                return self.string_ends(role);
            }
        }
        if behind.is_empty() && self.is_end() && role == Role::Value {
            let closing = rest.chars().filter(|c| !space.contains(c));
            let due = self.stack.iter().rev().map(|frame| frame.close());
            if !self.stack.is_empty() && closing.eq(due) {
                return self.string_ends(role);
            }
        }
        let run = rest.get(..rest.len() - behind.len()).unwrap_or_default();
        let run = run.to_owned();
        if run.contains(|c: char| c < ' ') {
            self.kinds.insert(Kind::ControlCharacter);
        }
        self.say(role, |out| run.chars().for_each(|c| push_escaped(out, c)));
        self.at += run.len();
        Step::Done
    }

    /// Whether a quote ends its string, judged by whether what follows could follow a string; `None`
    /// where that has not arrived.
    fn quote_ends(&self, quote: char, role: Role) -> Option<bool> {
        let behind = self.rest().get(quote.len_utf8()..).unwrap_or_default();
        let next = skip_space(behind);
        let spaced = next.len() < behind.len();
        let unknown = if self.is_whole() { Some(true) } else { None };
        let Some(c) = next.chars().next() else {
            return unknown;
        };
        match (c, role) {
            (':', Role::Key) | ('}' | ']' | '`', Role::Value) => Some(true),
            // One quote too many behind a key.
            ('"', Role::Key) => {
                let colon = skip_space(next.get(1..).unwrap_or_default());
                let known = !colon.is_empty() || self.is_whole();
                known.then(|| colon.starts_with(':'))
            }
            (',', Role::Value) => self.goes_on(skip_space(next.get(1..).unwrap_or_default())),
            ('#' | '/' | '"' | '\'' | '“' | '‘', Role::Value) => Some(spaced),
            // A missing colon.
            ('{' | '[' | '-' | '0'..='9', Role::Key) => Some(spaced || c == '{' || c == '['),
            ('t' | 'f' | 'n', Role::Key) if spaced => {
                let known = word(next).len() < next.len() || self.is_whole();
                known.then(|| is_value(next))
            }
            _ => Some(false),
        }
    }

    /// Whether a text could be what follows a comma in JSON, rather than the rest of a sentence.
    fn goes_on(&self, text: &str) -> Option<bool> {
        let Some(first) = text.chars().next() else {
            return if self.is_whole() { Some(true) } else { None };
        };
        if !first.is_alphabetic() {
            return Some(true);
        }
        let head = capped(text, KEY_REACH);
        let name = word(head);
        let behind = skip_space(head.get(name.len()..).unwrap_or_default());
        if behind.is_empty() && head.len() == text.len() && !self.is_whole() {
            return None;
        }
        let literal = ["true", "false", "null", "none"]
            .iter()
            .any(|literal| literal.eq_ignore_ascii_case(name));
        Some(behind.starts_with(':') || (literal && behind.starts_with([',', '}', ']'])))
    }

    /// Reads and writes one backslash sequence.
    fn escape(&mut self, style: Style, role: Role) -> Step {
        let rest = self.rest();
        let Some(c) = rest.chars().nth(1) else {
            if !self.last {
                return Step::More;
            }
            self.kinds.insert(Kind::BadEscape);
            return self.skip('\\');
        };
        let fixed = match c {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => Some((2, format!("\\{c}"))),
            'u' => match self.unicode(rest) {
                Some(fixed) => fixed,
                None => return Step::More,
            },
            'x' if rest.len() < 4 && !self.last => return Step::More,
            'x' => hex(rest, 2, 4).map(|code| (4, format!("\\u{code:04x}"))),
            '\'' | '\n' | '\r' | '\t' => {
                let mut text = String::new();
                push_escaped(&mut text, c);
                Some((2, text))
            }
            _ => None,
        };
        let proper = match c {
            'u' => fixed
                .as_ref()
                .is_some_and(|(length, text)| *length == text.len()),
            '\'' => style == Style::Single,
            c => matches!(c, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't'),
        };
        if !proper {
            self.kinds.insert(Kind::BadEscape);
        }
        // Most likely a path or a regular expression, whose backslash is meant.
        let (length, text) = fixed.unwrap_or((1, "\\\\".to_owned()));
        self.say(role, |out| out.push_str(&text));
        self.at += length;
        Step::Done
    }

    /// `\u....`, and the second half of a surrogate pair with the first: its length, and what is
    /// written. `None` where more has to arrive; inside, where it is none.
    #[allow(
        clippy::option_option,
        reason = "not yet and not at all are two things"
    )]
    fn unicode(&self, rest: &str) -> Option<Option<(usize, String)>> {
        let digits = rest.get(2..).unwrap_or_default();
        let run = digits.len()
            - digits
                .trim_start_matches(|c: char| c.is_ascii_hexdigit())
                .len();
        if run == digits.len() && run < 4 {
            // Cut off in the middle.
            return self.last.then(|| Some((rest.len(), String::new())));
        }
        let verbatim = |length: usize| {
            let text = rest.get(..length).unwrap_or_default();
            Some(Some((length, text.to_owned())))
        };
        match hex(rest, 2, 6) {
            Some(0xd800..=0xdbff) => {
                let second = rest.get(6..).unwrap_or_default();
                let begun = second.len() < 6
                    && ("\\u".starts_with(second) || second.starts_with("\\u"))
                    && !self.last;
                if begun {
                    return None;
                }
                match hex(second, 2, 6) {
                    Some(0xdc00..=0xdfff) if second.starts_with("\\u") => verbatim(12),
                    _ => Some(Some((6, "\\ufffd".to_owned()))),
                }
            }
            Some(0xdc00..=0xdfff) => Some(Some((6, "\\ufffd".to_owned()))),
            Some(_) => verbatim(6),
            None => Some(None),
        }
    }
}
