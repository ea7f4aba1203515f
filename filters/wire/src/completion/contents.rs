//! The text contents of a completion: what healing repairs.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Scanner, Value};

/// The content of one choice of a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'a> {
    /// The string in `choices[].message.content`.
    pub text: Value<'a>,
    /// `choices[].finish_reason`.
    pub finish_reason: Option<Cow<'a, str>>,
}

/// The text contents of a completion's choices; choices without one are left out.
///
/// # Errors
/// Where and why the text is no JSON object.
pub fn contents(text: &[u8]) -> Result<Vec<Content<'_>>, JsonError> {
    let mut scanner = Scanner::new(text);
    let mut found = Vec::new();
    let mut object = scanner.enter()?;
    while let Some(member) = scanner.member(&mut object)? {
        if member.name != "choices" || scanner.peek()? != Kind::Array {
            scanner.value()?;
            continue;
        }
        let mut choices = scanner.enter()?;
        while scanner.element(&mut choices)? {
            found.extend(choice(&mut scanner)?);
        }
    }
    scanner.end()?;
    Ok(found)
}

fn choice<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Content<'a>>, JsonError> {
    if scanner.peek()? != Kind::Object {
        scanner.value()?;
        return Ok(None);
    }
    let (mut text, mut finish_reason) = (None, None);
    let mut choice = scanner.enter()?;
    while let Some(member) = scanner.member(&mut choice)? {
        match &*member.name {
            "message" if scanner.peek()? == Kind::Object => text = content(scanner)?,
            "finish_reason" => finish_reason = scanner.value()?.text(),
            _ => {
                scanner.value()?;
            }
        }
    }
    Ok(text.map(|text| Content {
        text,
        finish_reason,
    }))
}

fn content<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Value<'a>>, JsonError> {
    let mut found = None;
    let mut message = scanner.enter()?;
    while let Some(member) = scanner.member(&mut message)? {
        let value = scanner.value()?;
        if member.name == "content" {
            found = Some(value).filter(|value| value.kind == Kind::String);
        }
    }
    Ok(found)
}
