//! Chat completion requests: read and checked in one pass over the body.
//!
//! The fields that steer the router are understood; all others are checked to be JSON and pass
//! untouched. Nothing is copied but what the router must know.

mod error;
mod messages;
mod prompt;
mod rules;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;

use meshrouter_core::facts::{MemberSpan, Transforms};

use crate::json::{Kind, Scanner, Value};
pub use error::RequestError;
pub use messages::Visit;
pub use prompt::prompt;
use rules::Rule;

/// Members that are the router's: no provider sees them.
pub const ROUTER_ONLY: &[&str] = &[
    "models",
    "route",
    "provider",
    "plugins",
    "transforms",
    "usage",
    "preset",
    "fallback_models",
    "fallback_rules",
];

/// Members that an attempt sets to what its provider wants.
const PER_ATTEMPT: &[&str] = &["model", "stream_options"];

/// What the router must know of a chat completion request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatRequest<'a> {
    /// `model`.
    pub model: Option<Cow<'a, str>>,
    /// `models`: what to try after `model`.
    pub models: Vec<Cow<'a, str>>,
    /// `stream`.
    pub stream: bool,
    /// `stream_options.include_usage` or `usage.include`.
    pub include_usage: bool,
    /// `max_completion_tokens`, or else `max_tokens`.
    pub max_tokens: Option<u64>,
    /// `transforms`.
    pub transforms: Transforms,
    /// `response_format.type` is `json_schema` or `json_object`.
    pub wants_json: bool,
    /// `plugins` mentions `response-healing`: whether it turns it on.
    pub healing: Option<bool>,
    /// Estimated tokens of the prompt: messages and tools.
    pub prompt_tokens: u64,
    /// Where the members stand that an attempt changes or leaves out.
    pub members: Vec<MemberSpan>,
}

impl<'a> ChatRequest<'a> {
    /// Reads a request's body.
    ///
    /// # Errors
    /// What is wrong with the first field that is: not JSON, of the wrong type, missing, twice.
    pub fn read(body: &'a [u8]) -> Result<Self, RequestError> {
        if let Err(error) = std::str::from_utf8(body) {
            return Err(RequestError::Encoding(error.valid_up_to()));
        }
        let mut scanner = Scanner::new(body);
        let kind = scanner.peek()?;
        if kind != Kind::Object {
            return Err(RequestError::wrong("", "an object", kind));
        }
        let mut request = Self::default();
        let mut seen = Vec::with_capacity(16);
        let mut object = scanner.enter()?;
        while let Some(member) = scanner.member(&mut object)? {
            let name = &*member.name;
            // Once each, the router's own too: their spans travel in a header.
            let own = || ROUTER_ONLY.iter().copied().find(|own| *own == name);
            if let Some(known) = rules::known(name).or_else(own) {
                if seen.contains(&known) {
                    return Err(RequestError::Twice(name.to_owned()));
                }
                seen.push(known);
            }
            if name == "messages" {
                let tokens = messages::read(&mut scanner, &mut ())?;
                request.add_tokens(tokens);
                continue;
            }
            let value = scanner.value()?;
            if ROUTER_ONLY.contains(&name) || PER_ATTEMPT.contains(&name) {
                request.members.push(MemberSpan {
                    name: name.to_owned(),
                    start: member.start,
                    value: value.start,
                    end: value.end(),
                });
            }
            if value.kind != Kind::Null {
                request.take(name, value)?;
            }
        }
        scanner.end()?;
        if !seen.contains(&"messages") {
            return Err(RequestError::Missing("messages", "an array of messages"));
        }
        Ok(request)
    }

    /// The models in the order in which they are to be tried, each once.
    #[must_use]
    pub fn all_models(&self) -> Vec<&str> {
        // A set, because callers choose how many there are: a search in the list would be quadratic.
        let mut seen = BTreeSet::new();
        let all = self.model.iter().chain(&self.models);
        all.map(|model| &**model)
            .filter(|model| seen.insert(*model))
            .collect()
    }

    /// Checks one member against its rule and keeps what the router must know.
    fn take(&mut self, name: &str, value: Value<'a>) -> Result<(), RequestError> {
        if let Some(rule) = rules::of(name) {
            rule.check(name, value)?;
        }
        match name {
            "model" => self.model = value.text(),
            "models" => self.models = texts(value),
            "stream" => self.stream = value.is_true(),
            "stream_options" => {
                self.include_usage |= flag(name, value, "include_usage")? == Some(true)
            }
            "usage" => self.include_usage |= flag(name, value, "include")? == Some(true),
            "max_completion_tokens" => self.max_tokens = value.whole_number(),
            "max_tokens" => self.max_tokens = self.max_tokens.or(value.whole_number()),
            "transforms" => self.transforms = transforms(value),
            "response_format" => self.wants_json = wants_json(value)?,
            "plugins" => self.healing = healing(value)?,
            "tools" => self.add_tokens(prompt::tools(value)),
            _ => {}
        }
        Ok(())
    }

    fn add_tokens(&mut self, tokens: u64) {
        self.prompt_tokens = self.prompt_tokens.saturating_add(tokens);
    }
}

/// The strings of an array that was checked to hold nothing else.
fn texts(value: Value<'_>) -> Vec<Cow<'_, str>> {
    elements(value).iter().filter_map(Value::text).collect()
}

/// The elements of an array that was checked.
fn elements(value: Value<'_>) -> Vec<Value<'_>> {
    let mut scanner = Scanner::new(value.raw);
    let mut found = Vec::new();
    let Ok(mut array) = scanner.enter() else {
        return found;
    };
    while let Ok(true) = scanner.element(&mut array) {
        found.extend(scanner.value());
    }
    found
}

/// A member of an object that was checked; `null` counts as missing.
fn member<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    let mut scanner = Scanner::new(object.raw);
    let mut cursor = scanner.enter().ok()?;
    let mut found = None;
    while let Ok(Some(member)) = scanner.member(&mut cursor) {
        let value = scanner.value().ok()?;
        if member.name == name {
            found = Some(value);
        }
    }
    found.filter(|value| value.kind != Kind::Null)
}

/// A boolean member of the object at `path`.
fn flag(path: &str, object: Value<'_>, name: &str) -> Result<Option<bool>, RequestError> {
    let Some(value) = member(object, name) else {
        return Ok(None);
    };
    Rule::Bool.check(&format!("{path}.{name}"), value)?;
    Ok(Some(value.is_true()))
}

fn transforms(value: Value<'_>) -> Transforms {
    if texts(value).iter().any(|name| name == "middle-out") {
        return Transforms::MiddleOut;
    }
    Transforms::Off
}

fn wants_json(format: Value<'_>) -> Result<bool, RequestError> {
    let Some(kind) = member(format, "type") else {
        return Err(RequestError::Missing(
            "response_format.type",
            "a string such as \"json_schema\"",
        ));
    };
    Rule::String.check("response_format.type", kind)?;
    Ok(matches!(kind.inner(), b"json_schema" | b"json_object"))
}

/// Whether `plugins` turns response healing on or off; the last mention counts.
fn healing(plugins: Value<'_>) -> Result<Option<bool>, RequestError> {
    let mut healing = None;
    for (n, plugin) in elements(plugins).into_iter().enumerate() {
        let path = format!("plugins[{n}]");
        Rule::Object.check(&path, plugin)?;
        let Some(id) = member(plugin, "id") else {
            return Err(RequestError::MissingIn(
                path,
                "id",
                "a string such as \"response-healing\"",
            ));
        };
        Rule::String.check(&format!("{path}.id"), id)?;
        let enabled = flag(&path, plugin, "enabled")?.unwrap_or(true);
        if id.inner() == b"response-healing" {
            healing = Some(enabled);
        }
    }
    Ok(healing)
}
