//! `messages`: checked and counted in the same pass.

use meshrouter_core::tokens;

use super::RequestError;
use crate::json::{Kind, Scanner};

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
pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<u64, RequestError> {
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
        total = total.saturating_add(message(scanner, at)?);
        count = count.saturating_add(1);
    }
    if count == 0 {
        return Err(RequestError::Empty("messages"));
    }
    Ok(total)
}

fn message(scanner: &mut Scanner<'_>, at: At) -> Result<u64, RequestError> {
    at.expect(scanner, "", Kind::Object)?;
    let mut object = scanner.enter()?;
    let mut has_role = false;
    let mut total = tokens::MESSAGE_TOKENS;
    while let Some(member) = scanner.member(&mut object)? {
        let tokens = match &*member.name {
            "role" => {
                at.expect(scanner, "role", Kind::String)?;
                scanner.value()?;
                has_role = true;
                0
            }
            "content" => content(scanner, at)?,
            "tool_calls" => tool_calls(scanner, at)?,
            _ => tokens::estimate(scanner.value()?.raw),
        };
        total = total.saturating_add(tokens);
    }
    if !has_role {
        return Err(RequestError::MissingIn(
            at.path(""),
            "role",
            "a string such as \"user\"",
        ));
    }
    Ok(total)
}

fn tool_calls(scanner: &mut Scanner<'_>, at: At) -> Result<u64, RequestError> {
    let value = scanner.value()?;
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
fn content(scanner: &mut Scanner<'_>, at: At) -> Result<u64, RequestError> {
    match scanner.peek()? {
        Kind::String => Ok(tokens::estimate(scanner.value()?.inner())),
        Kind::Null => {
            scanner.value()?;
            Ok(0)
        }
        Kind::Array => parts(scanner, at),
        found => {
            let expected = "a string or an array of content parts";
            Err(RequestError::wrong(at.path("content"), expected, found))
        }
    }
}

fn parts(scanner: &mut Scanner<'_>, at: At) -> Result<u64, RequestError> {
    let mut array = scanner.enter()?;
    let mut total: u64 = 0;
    let mut count = 0;
    while scanner.element(&mut array)? {
        let at = At {
            part: Some(count),
            ..at
        };
        total = total.saturating_add(part(scanner, at)?);
        count = count.saturating_add(1);
    }
    Ok(total)
}

/// Text counts by its length; anything else as one medium, whatever its URL or base64 text is.
fn part(scanner: &mut Scanner<'_>, at: At) -> Result<u64, RequestError> {
    at.expect(scanner, "", Kind::Object)?;
    let mut object = scanner.enter()?;
    let mut has_type = false;
    let mut total: u64 = 0;
    while let Some(member) = scanner.member(&mut object)? {
        match &*member.name {
            "type" => {
                at.expect(scanner, "type", Kind::String)?;
                scanner.value()?;
                has_type = true;
            }
            "text" => {
                at.expect(scanner, "text", Kind::String)?;
                let text = scanner.value()?;
                total = total.saturating_add(tokens::estimate(text.inner()));
            }
            "image_url" | "file" | "input_audio" | "video_url" => {
                scanner.value()?;
                total = total.saturating_add(tokens::MEDIA_TOKENS);
            }
            _ => {
                scanner.value()?;
            }
        }
    }
    if !has_type {
        return Err(RequestError::MissingIn(
            at.path(""),
            "type",
            "a string such as \"text\"",
        ));
    }
    Ok(total)
}
