//! What the choices of a completion say: what healing repairs.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Scanner, Value};

/// What one choice of a completion says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content<'a> {
    /// The string in `choices[].message.content`.
    pub text: Option<Value<'a>>,
    /// The functions that it calls.
    pub calls: Vec<Call<'a>>,
    /// `choices[].finish_reason`.
    pub finish_reason: Option<Cow<'a, str>>,
}

/// One of `choices[].message.tool_calls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'a> {
    /// `function.name`.
    pub name: Cow<'a, str>,
    /// The string in `function.arguments`.
    pub arguments: Value<'a>,
}

/// What each choice of a completion says.
///
/// # Errors
/// Where and why the text is no JSON object.
pub fn contents(text: &[u8]) -> Result<Vec<Content<'_>>, JsonError> {
    let mut scanner = Scanner::new(text);
    let mut found = Vec::new();
    let mut object = scanner.enter()?;
    while let Some(member) = scanner.member(&mut object)? {
        if *member.name != *b"choices" || scanner.peek()? != Kind::Array {
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
    let mut content = Content::default();
    let mut choice = scanner.enter()?;
    while let Some(member) = scanner.member(&mut choice)? {
        match &*member.name {
            b"message" if scanner.peek()? == Kind::Object => message(scanner, &mut content)?,
            b"finish_reason" => content.finish_reason = scanner.value()?.text(),
            _ => {
                scanner.value()?;
            }
        }
    }
    Ok(Some(content))
}

fn message<'a>(scanner: &mut Scanner<'a>, content: &mut Content<'a>) -> Result<(), JsonError> {
    let mut message = scanner.enter()?;
    while let Some(member) = scanner.member(&mut message)? {
        match &*member.name {
            b"content" => {
                let value = scanner.value()?;
                content.text = Some(value).filter(|value| value.kind == Kind::String);
            }
            b"tool_calls" if scanner.peek()? == Kind::Array => {
                let mut calls = scanner.enter()?;
                while scanner.element(&mut calls)? {
                    content.calls.extend(call(scanner)?);
                }
            }
            _ => {
                scanner.value()?;
            }
        }
    }
    Ok(())
}

/// One tool call; `None` where it calls no function.
pub(super) fn call<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Call<'a>>, JsonError> {
    if scanner.peek()? != Kind::Object {
        scanner.value()?;
        return Ok(None);
    }
    let (mut name, mut arguments) = (None, None);
    let mut call = scanner.enter()?;
    while let Some(member) = scanner.member(&mut call)? {
        if *member.name != *b"function" || scanner.peek()? != Kind::Object {
            scanner.value()?;
            continue;
        }
        let mut function = scanner.enter()?;
        while let Some(member) = scanner.member(&mut function)? {
            let value = scanner.value()?;
            match &*member.name {
                b"name" => name = value.text(),
                b"arguments" => arguments = Some(value).filter(|value| value.kind == Kind::String),
                _ => {}
            }
        }
    }
    Ok(arguments.map(|arguments| Call {
        name: name.unwrap_or_default(),
        arguments,
    }))
}
