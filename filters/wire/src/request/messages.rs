//! `messages`: checked and counted in the same pass.

use std::ops::Range;

use meshrouter_core::tokens;

use super::RequestError;
use super::media::{self, Medium};
use crate::json::{Kind, Scanner, Value};

/// What a reader wants of `messages` beside their count: told in the order of the text, while the
/// one pass goes on. `()` wants nothing.
pub trait Visit<'a> {
    /// A member of the current message other than its content.
    fn member(&mut self, name: &str, value: Value<'a>) {
        let _ = (name, value);
    }

    /// A text of the current message, with its tokens: the content, or that of a `text` part.
    fn text(&mut self, text: Value<'a>, tokens: u64) {
        let _ = (text, tokens);
    }

    /// A part of the current message that is not text.
    fn medium(&mut self, medium: Medium) {
        let _ = medium;
    }

    /// The end of a message: where it stood, and its tokens.
    fn message(&mut self, span: Range<usize>, tokens: u64) {
        let _ = (span, tokens);
    }
}

impl Visit<'_> for () {}

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

/// Reads the array that comes next: the estimated tokens of its messages.
pub(super) fn read<'a>(
    scanner: &mut Scanner<'a>,
    visit: &mut impl Visit<'a>,
) -> Result<u64, RequestError> {
    let found = scanner.peek()?;
    if found != Kind::Array {
        return Err(RequestError::wrong(
            "messages",
            "an array of messages",
            found,
        ));
    }
    let mut array = scanner.enter()?;
    let mut total: u64 = 0;
    let mut count = 0;
    while scanner.element(&mut array)? {
        let at = At {
            message: count,
            part: None,
        };
        total = total.saturating_add(message(scanner, at, visit)?);
        count = count.saturating_add(1);
    }
    if count == 0 {
        return Err(RequestError::Empty("messages"));
    }
    Ok(total)
}

fn message<'a>(
    scanner: &mut Scanner<'a>,
    at: At,
    visit: &mut impl Visit<'a>,
) -> Result<u64, RequestError> {
    at.expect(scanner, "", Kind::Object)?;
    let start = scanner.offset();
    let mut object = scanner.enter()?;
    let mut has_role = false;
    let mut total = tokens::MESSAGE_TOKENS;
    while let Some(member) = scanner.member(&mut object)? {
        let name = &*member.name;
        if name == "content" {
            total = total.saturating_add(content(scanner, at, visit)?);
            continue;
        }
        if name == "role" {
            at.expect(scanner, "role", Kind::String)?;
        }
        let value = scanner.value()?;
        match name {
            "role" => has_role = true,
            "tool_calls" => total = total.saturating_add(tool_calls(value, at)?),
            _ => total = total.saturating_add(tokens::estimate(value.raw)),
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
    visit.message(start..scanner.offset(), total);
    Ok(total)
}

fn tool_calls(value: Value<'_>, at: At) -> Result<u64, RequestError> {
    if !matches!(value.kind, Kind::Array | Kind::Null) {
        return Err(RequestError::wrong(
            at.path("tool_calls"),
            "an array",
            value.kind,
        ));
    }
    Ok(tokens::estimate(value.raw))
}

/// A string, an array of parts, or `null` beside tool calls.
fn content<'a>(
    scanner: &mut Scanner<'a>,
    at: At,
    visit: &mut impl Visit<'a>,
) -> Result<u64, RequestError> {
    match scanner.peek()? {
        Kind::String => {
            let text = scanner.value()?;
            let tokens = tokens::estimate(text.inner());
            visit.text(text, tokens);
            Ok(tokens)
        }
        Kind::Null => {
            scanner.value()?;
            Ok(0)
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
) -> Result<u64, RequestError> {
    let mut array = scanner.enter()?;
    let mut total: u64 = 0;
    let mut count = 0;
    while scanner.element(&mut array)? {
        let at = At {
            part: Some(count),
            ..at
        };
        total = total.saturating_add(part(scanner, at, visit)?);
        count = count.saturating_add(1);
    }
    Ok(total)
}

/// Text counts by its length; anything else as one medium, whatever its URL or base64 text is.
fn part<'a>(
    scanner: &mut Scanner<'a>,
    at: At,
    visit: &mut impl Visit<'a>,
) -> Result<u64, RequestError> {
    at.expect(scanner, "", Kind::Object)?;
    let mut object = scanner.enter()?;
    let mut kind = None;
    let mut last_text = None;
    let mut held = None;
    let mut total: u64 = 0;
    while let Some(member) = scanner.member(&mut object)? {
        match &*member.name {
            "type" => {
                at.expect(scanner, "type", Kind::String)?;
                kind = Some(scanner.value()?);
            }
            "text" => {
                at.expect(scanner, "text", Kind::String)?;
                let text = scanner.value()?;
                let tokens = tokens::estimate(text.inner());
                last_text = Some((text, tokens));
                total = total.saturating_add(tokens);
            }
            name => match Medium::of_part(name) {
                Some(medium) => {
                    media::check(medium, &at.path(name), scanner.value()?)?;
                    total = total.saturating_add(tokens::MEDIA_TOKENS);
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
    if let Some((text, tokens)) = last_text {
        // Other kinds of parts may hold a text too, signed or bound to a medium: not plain text.
        if kind.inner() == b"text" {
            visit.text(text, tokens);
        }
    }
    Ok(total)
}
