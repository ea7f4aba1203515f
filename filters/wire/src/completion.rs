//! Completions and completion chunks: the few members that the router reads and sets.

use std::borrow::Cow;

use meshrouter_core::usage::Usage;

use crate::json::{JsonError, Kind, Patch, Scanner, Value, literal};

/// Where the members that the router cares about stand in a completion or a chunk.
///
/// The same shape serves `chat.completion` objects and the chunks of a stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Completion<'a> {
    text: &'a [u8],
    id: Option<Value<'a>>,
    model: Option<Value<'a>>,
    provider: Option<Value<'a>>,
    usage: Option<Value<'a>>,
    error: Option<Value<'a>>,
    choices: Option<Value<'a>>,
}

/// How the router signs what it returns. Made once a response, as JSON literals.
#[derive(Debug, Clone)]
pub struct Signature {
    id: String,
    model: String,
    provider: String,
}

impl Signature {
    /// The generation's id, the router's id of the model that served, the provider's name.
    #[must_use]
    pub fn new(generation: &str, model: &str, provider: &str) -> Self {
        Self {
            id: literal(generation),
            model: literal(model),
            provider: literal(provider),
        }
    }
}

impl<'a> Completion<'a> {
    /// Reads a completion. All of `text` is checked: what passes here is one JSON object.
    ///
    /// # Errors
    /// Where and why it is not.
    pub fn read(text: &'a [u8]) -> Result<Self, JsonError> {
        let mut scanner = Scanner::new(text);
        if scanner.peek()? != Kind::Object {
            let message = "expected an object";
            return Err(JsonError { at: 0, message });
        }
        let mut object = scanner.enter()?;
        let mut found = Self {
            text,
            ..Self::default()
        };
        while let Some(member) = scanner.member(&mut object)? {
            let value = Some(scanner.value()?);
            match &*member.name {
                "id" => found.id = value,
                "model" => found.model = value,
                "provider" => found.provider = value,
                "usage" => found.usage = value,
                "error" => found.error = value,
                "choices" => found.choices = value,
                _ => {}
            }
        }
        scanner.end()?;
        Ok(found)
    }

    /// The error that a provider sent in place of a completion.
    #[must_use]
    pub fn error(&self) -> Option<Value<'a>> {
        self.error.filter(|error| error.kind != Kind::Null)
    }

    /// Whether there is a list of choices, as every completion has one, empty or not.
    #[must_use]
    pub fn has_choices(&self) -> bool {
        self.choices.is_some_and(|value| value.kind == Kind::Array)
    }

    /// The usage, where the provider reports one.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let usage = self.usage.filter(|usage| usage.kind == Kind::Object)?;
        serde_json::from_slice(usage.raw).ok()
    }

    /// Whether this is a stream's chunk that carries usage and nothing else: `choices: []`.
    #[must_use]
    pub fn is_usage_only(&self) -> bool {
        let empty = |value: Value<'_>| {
            value.kind == Kind::Array && value.inner().iter().all(u8::is_ascii_whitespace)
        };
        self.usage.is_some_and(|usage| usage.kind == Kind::Object)
            && self.choices.is_some_and(empty)
    }

    /// The text with the router's `id`, `model` and `provider`, all else byte for byte.
    #[must_use]
    pub fn signed(&self, signature: &Signature) -> Vec<u8> {
        let mut patch = Patch::of(self.text);
        // Inserted members go to the front one after the other.
        set(&mut patch, "id", self.id, &signature.id);
        set(&mut patch, "provider", self.provider, &signature.provider);
        set(&mut patch, "model", self.model, &signature.model);
        finish(patch, self.text)
    }

    /// The text with `usage.cost` in dollars, all else byte for byte; as it was without usage.
    #[must_use]
    pub fn with_cost(&self, cost: &str) -> Vec<u8> {
        let Some(usage) = self.usage.filter(|usage| usage.kind == Kind::Object) else {
            return self.text.to_vec();
        };
        let mut inner = Patch::of(usage.raw);
        set(&mut inner, "cost", member(usage.raw, "cost"), cost);
        let mut patch = Patch::of(self.text);
        patch.replace(usage.start..usage.end(), &finish(inner, usage.raw));
        finish(patch, self.text)
    }
}

/// Replaces the value of a member that is there, or adds the member.
fn set(patch: &mut Patch<'_>, name: &str, old: Option<Value<'_>>, new: &str) {
    match old {
        Some(old) => patch.replace(old.start..old.end(), new.as_bytes()),
        None => patch.insert(name, new.as_bytes()),
    }
}

/// Applies a patch whose offsets the scanner gave for this very text: it cannot fail.
fn finish(patch: Patch<'_>, text: &[u8]) -> Vec<u8> {
    patch.finish().unwrap_or_else(|| text.to_vec())
}

/// The last member of this name of an object.
fn member<'a>(object: &'a [u8], name: &str) -> Option<Value<'a>> {
    let mut scanner = Scanner::new(object);
    let mut cursor = scanner.enter().ok()?;
    let mut found = None;
    while let Some(member) = scanner.member(&mut cursor).ok()? {
        let value = scanner.value().ok()?;
        if member.name == name {
            found = Some(value);
        }
    }
    found
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(text: &str) -> String {
        let completion = Completion::read(text.as_bytes()).unwrap();
        let signature = Signature::new("gen-1", "a/b", "Al\"pha");
        String::from_utf8(completion.signed(&signature)).unwrap()
    }

    #[test]
    fn signs_what_is_there_and_what_is_not() {
        assert_eq!(
            signed(r#"{"id": "x", "object": "o", "model": "m", "odd": [1, 2.50]}"#),
            r#"{"provider":"Al\"pha","id": "gen-1", "object": "o", "model": "a/b", "odd": [1, 2.50]}"#
        );
        assert_eq!(
            signed(r#"{"provider": null, "id": null, "model": null}"#),
            r#"{"provider": "Al\"pha", "id": "gen-1", "model": "a/b"}"#
        );
        assert_eq!(
            signed("{}"),
            r#"{"id":"gen-1","provider":"Al\"pha","model":"a/b"}"#
        );
    }

    #[test]
    fn cost_goes_into_usage() {
        let with_cost = |text: &str| {
            let completion = Completion::read(text.as_bytes()).unwrap();
            String::from_utf8(completion.with_cost("0.00045")).unwrap()
        };
        assert_eq!(
            with_cost(r#"{"usage": {"prompt_tokens": 1}, "x": 1}"#),
            r#"{"usage": {"cost":0.00045,"prompt_tokens": 1}, "x": 1}"#
        );
        assert_eq!(
            with_cost(r#"{"usage": {"cost": 9}}"#),
            r#"{"usage": {"cost": 0.00045}}"#
        );
        assert_eq!(with_cost(r#"{"usage": null}"#), r#"{"usage": null}"#);
        assert_eq!(with_cost("{}"), "{}");
    }

    #[test]
    fn usage_chunks_are_told_from_others() {
        let is = |text: &str| Completion::read(text.as_bytes()).unwrap().is_usage_only();
        assert!(is(r#"{"choices": [ ], "usage": {"prompt_tokens": 1}}"#));
        assert!(!is(r#"{"choices": [], "usage": null}"#));
        assert!(!is(
            r#"{"choices": [{"delta": {}}], "usage": {"prompt_tokens": 1}}"#
        ));
        assert!(!is(r#"{"choices": []}"#));
    }

    #[test]
    fn errors_and_usage_are_read() {
        let completion =
            Completion::read(br#"{"error": {"message": "no"}, "usage": {"prompt_tokens": 7}}"#)
                .unwrap();
        assert!(completion.error().is_some());
        assert_eq!(completion.usage().unwrap().prompt_tokens, 7);
        let fine = Completion::read(br#"{"error": null, "usage": []}"#).unwrap();
        assert!(fine.error().is_none() && fine.usage().is_none());
        for text in [&b"null"[..], b"[]", b"", b"{", b"{} x", b"<html>"] {
            assert!(Completion::read(text).is_err());
        }
    }
}
