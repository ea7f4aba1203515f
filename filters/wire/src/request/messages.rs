//! `messages`: checked and counted in the same pass.

use std::ops::Range;

use meshrouter_core::tokens::{MESSAGE_TOKENS, Tally};

use super::media::{self, Medium};
use super::{RequestError, weigh};
use crate::json::{Kind, Scanner, Value};

/// What a reader wants of `messages`: told in the order of the text, while the one pass goes on.
pub trait Visit<'a> {
    /// What the prompt is counted with.
    type Tally: Tally;

    /// What the prompt is counted with.
    fn tally(&mut self) -> &mut Self::Tally;

    /// The beginning of a message.
    fn begin(&mut self) {}

    /// A member of the current message other than its content.
    fn member(&mut self, name: &[u8], value: Value<'a>) {
        let _ = (name, value);
    }

    /// A text of the current message, which this counts: the content, or that of a `text` part.
    fn text(&mut self, text: Value<'a>) {
        self.tally().text(text.inner());
    }

    /// A part of the current message that is not text.
    fn medium(&mut self, medium: Medium) {
        let _ = medium;
    }

    /// The end of a message: where it stood.
    fn message(&mut self, span: Range<usize>) {
        let _ = span;
    }
}

/// Where in `messages` a reader is; becomes text only for an error.
#[derive(Clone, Copy)]
struct At {
    message: usize,
    part: Option<usize>,
}

impl At {
    fn path(self, name: &str) -> String {
        let message = self.message;
        match (self.part, name) {
            (None, "") => format!("messages[{message}]"),
            (None, name) => format!("messages[{message}].{name}"),
            (Some(part), "") => format!("messages[{message}].content[{part}]"),
            (Some(part), name) => format!("messages[{message}].content[{part}].{name}"),
        }
    }

    /// Checks the type of what comes next.
    fn expect(self, scanner: &mut Scanner<'_>, name: &str, kind: Kind) -> Result<(), RequestError> {
        let found = scanner.peek()?;
        if found == kind {
            return Ok(());
        }
        Err(RequestError::wrong(self.path(name), kind.describe(), found))
    }
}

/// Reads the array that comes next, and counts its messages.
pub(super) fn read<'a>(
    scanner: &mut Scanner<'a>,
    visit: &mut impl Visit<'a>,
) -> Result<(), RequestError> {
    let found = scanner.peek()?;
    if found != Kind::Array {
        return Err(RequestError::wrong(
            "messages",
            "an array of messages",
            found,
        ));
    }
    let mut array = scanner.enter()?;
    let mut number = 0;
    while scanner.element(&mut array)? {
        let at = At {
            message: number,
            part: None,
        };
        message(scanner, at, visit)?;
        number = number.saturating_add(1);
    }
    if number == 0 {
        return Err(RequestError::Empty("messages"));
    }
    Ok(())
}

fn message<'a>(
    scanner: &mut Scanner<'a>,
    at: At,
    visit: &mut impl Visit<'a>,
) -> Result<(), RequestError> {
    at.expect(scanner, "", Kind::Object)?;
    let start = scanner.offset();
    let mut object = scanner.enter()?;
    let mut has_role = false;
    visit.begin();
    visit.tally().tokens(MESSAGE_TOKENS);
    while let Some(member) = scanner.member(&mut object)? {
        let name = &*member.name;
        if name == b"content" {
            content(scanner, at, visit)?;
            continue;
        }
        if name == b"role" {
            at.expect(scanner, "role", Kind::String)?;
        }
        let value = scanner.value()?;
        match name {
            b"role" => has_role = true,
            b"tool_calls" => {
                if !matches!(value.kind, Kind::Array | Kind::Null) {
                    let path = at.path("tool_calls");
                    return Err(RequestError::wrong(path, "an array", value.kind));
                }
                visit.tally().text(value.raw);
            }
            _ => visit.tally().text(value.raw),
        }
        visit.member(name, value);
    }
    if !has_role {
        return Err(RequestError::MissingIn(
            at.path(""),
            "role",
            "a string such as \"user\"",
        ));
    }
    visit.message(start..scanner.offset());
    Ok(())
}

/// A string, an array of parts, or `null` beside tool calls.
fn content<'a>(
    scanner: &mut Scanner<'a>,
    at: At,
    visit: &mut impl Visit<'a>,
) -> Result<(), RequestError> {
    match scanner.peek()? {
        Kind::String => {
            visit.text(scanner.value()?);
            Ok(())
        }
        Kind::Null => {
            scanner.value()?;
            Ok(())
        }
        Kind::Array => parts(scanner, at, visit),
        found => {
            let expected = "a string or an array of content parts";
            Err(RequestError::wrong(at.path("content"), expected, found))
        }
    }
}

fn parts<'a>(
    scanner: &mut Scanner<'a>,
    at: At,
    visit: &mut impl Visit<'a>,
) -> Result<(), RequestError> {
    let mut array = scanner.enter()?;
    let mut number = 0;
    while scanner.element(&mut array)? {
        let at = At {
            part: Some(number),
            ..at
        };
        part(scanner, at, visit)?;
        number = number.saturating_add(1);
    }
    Ok(())
}

/// Text counts by what it is made of, a medium by its size; not by its URL or base64 text.
fn part<'a>(
    scanner: &mut Scanner<'a>,
    at: At,
    visit: &mut impl Visit<'a>,
) -> Result<(), RequestError> {
    at.expect(scanner, "", Kind::Object)?;
    let mut object = scanner.enter()?;
    let mut kind = None;
    let mut last_text: Option<Value<'a>> = None;
    let mut held = None;
    while let Some(member) = scanner.member(&mut object)? {
        match &*member.name {
            b"type" => {
                at.expect(scanner, "type", Kind::String)?;
                kind = Some(scanner.value()?);
            }
            b"text" => {
                at.expect(scanner, "text", Kind::String)?;
                // Whoever reads one that stands twice may read either.
                if let Some(text) = last_text.replace(scanner.value()?) {
                    visit.tally().text(text.inner());
                }
            }
            name => match Medium::ALL
                .into_iter()
                .find(|medium| medium.part().as_bytes() == name)
            {
                Some(medium) => {
                    let value = scanner.value()?;
                    let source = media::check(medium, &at.path(medium.part()), value)?;
                    weigh::count(medium, value, &source, visit.tally());
                    visit.medium(medium);
                    held = Some(medium);
                }
                None => {
                    scanner.value()?;
                }
            },
        }
    }
    let Some(kind) = kind else {
        return Err(RequestError::MissingIn(
            at.path(""),
            "type",
            "a string such as \"text\"",
        ));
    };
    let kind_name = kind.text().unwrap_or_default();
    if let Some(medium) = Medium::of_part(&kind_name).filter(|medium| held != Some(*medium)) {
        return Err(RequestError::MissingIn(
            at.path(""),
            medium.part(),
            "an object",
        ));
    }
    if kind_name == "text" && last_text.is_none() {
        return Err(RequestError::MissingIn(at.path(""), "text", "a string"));
    }
    if let Some(text) = last_text {
        // Other kinds of parts may hold a text too, signed or bound to a medium: not plain text.
        match kind.inner() {
            b"text" => visit.text(text),
            _ => visit.tally().text(text.inner()),
        }
    }
    Ok(())
}
