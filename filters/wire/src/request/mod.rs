//! Chat completion requests: read and checked in one pass over the body.
//!
//! The fields that steer the router are understood; all others are checked to be JSON and pass
//! untouched. Nothing is copied but what the router must know.

mod conversation;
mod error;
mod format;
mod input;
mod look;
mod media;
mod messages;
mod plugins;
mod preset;
mod prompt;
mod reasoning;
mod rules;
#[cfg(test)]
mod tests;
mod weigh;

use std::borrow::Cow;

use meshrouter_core::facts::{MemberSpan, Transforms};
use meshrouter_core::parameters::ParameterSet;
use meshrouter_core::preferences::Preferences;
use meshrouter_core::reasoning::Reasoning;
use meshrouter_core::route::Operation;
use meshrouter_core::tokens::Sample;

use crate::json::{Kind, Scanner, Value};
pub use conversation::Conversation;
pub use error::RequestError;
pub use format::NamedSchema;
use look::Look;
pub use media::Medium;
pub use messages::Visit;
pub use plugins::Mentions;
pub use preset::Preset;
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
    "session_id",
];

/// The most members of a request. Bounds what looking for one that stands twice costs.
const MAX_MEMBERS: usize = 256;

/// The documented member that has no rule, because it may be of two types.
const UNRULED: &str = "plugins";

/// Whether an attempt has to know where a member stands: it may replace or leave out every
/// documented one.
fn is_spanned(name: &str) -> bool {
    name == UNRULED || rules::of(name).is_some()
}

/// What the router must know of a chat completion request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatRequest<'a> {
    /// `model`.
    pub model: Option<Cow<'a, str>>,
    /// `models`: what to try after `model`.
    pub models: Vec<Cow<'a, str>>,
    /// `fallback_models`: what to try after these, as OneRouter has it.
    pub fallback_models: Vec<Cow<'a, str>>,
    /// `fallback_rules` is `none`: nobody is asked but the first.
    pub no_fallbacks: bool,
    /// `preset`.
    pub preset: Option<Cow<'a, str>>,
    /// `stream`.
    pub stream: bool,
    /// `stream_options.include_usage` or `usage.include`.
    pub include_usage: bool,
    /// `max_completion_tokens`, or else `max_tokens`.
    pub max_tokens: Option<u64>,
    /// `n`, or `best_of` where that is more; 0 where neither stands.
    pub choices: u64,
    /// `transforms`.
    pub transforms: Transforms,
    /// `response_format.type` is `json_schema` or `json_object`.
    pub wants_json: bool,
    /// It is `json_schema`.
    pub structured: bool,
    /// `response_format.json_schema`: the schema.
    pub answer_schema: Option<NamedSchema<'a>>,
    /// `tools`, as they stand.
    tools: Option<Value<'a>>,
    /// `plugins`.
    pub plugins: Mentions,
    /// What the messages hold beside text.
    pub media: Vec<Medium>,
    /// How many images they hold.
    pub images: u64,
    /// The texts of the last message of the user's, as JSON without the quotes.
    pub last_texts: Vec<&'a [u8]>,
    /// How the conversation began, by its messages.
    pub opening: Option<Conversation>,
    /// Whether the messages hold an answer, so that this is not the first turn.
    pub goes_on: bool,
    /// `session_id`: which conversation it is, by the caller's own word.
    pub session_id: Option<Cow<'a, str>>,
    /// `modalities`: what the answer is to hold.
    pub output_modalities: Vec<Cow<'a, str>>,
    /// `reasoning`, `include_reasoning` and `reasoning_effort` together.
    pub reasoning: Reasoning,
    /// `provider`.
    pub preferences: Preferences,
    /// The documented parameters that it uses.
    pub parameters: ParameterSet,
    /// What the prompt counts: messages and tools.
    pub prompt: Sample,
    /// How many messages there are.
    pub message_count: u64,
    /// Where the members stand that an attempt changes or leaves out.
    pub members: Vec<MemberSpan>,
    /// The names of all members.
    names: Vec<Cow<'a, str>>,
    /// Offset of the `[` of `messages`.
    messages: usize,
    /// Whether a message is a system or developer prompt, or there is no place for one.
    has_system: bool,
}

impl<'a> ChatRequest<'a> {
    /// Reads a request's body; of a long prompt a sample is counted.
    ///
    /// # Errors
    /// What is wrong with the first field that is: not JSON, of the wrong type, missing, twice.
    pub fn read(body: &'a [u8], operation: Operation) -> Result<Self, RequestError> {
        Self::read_into(Sample::of_body(body.len()), body, operation)
    }

    /// The same with a prompt that is counted to its last word.
    ///
    /// # Errors
    /// See [`read`](Self::read).
    pub fn read_whole(body: &'a [u8], operation: Operation) -> Result<Self, RequestError> {
        Self::read_into(Sample::whole(), body, operation)
    }

    fn read_into(
        prompt: Sample,
        body: &'a [u8],
        operation: Operation,
    ) -> Result<Self, RequestError> {
        let mut scanner = scan_object(body)?;
        let mut request = Self {
            prompt,
            // Until the messages are found, if there are any.
            messages: scanner.offset(),
            has_system: operation != Operation::ChatCompletions,
            ..Self::default()
        };
        let mut object = scanner.enter()?;
        while let Some(member) = scanner.member(&mut object)? {
            let (start, name) = (member.start, member.text()?);
            if request.names.len() == MAX_MEMBERS {
                return Err(RequestError::TooMany(MAX_MEMBERS));
            }
            if request.names.contains(&name) {
                return Err(RequestError::Twice(name.into_owned()));
            }
            if name == "messages" && operation == Operation::ChatCompletions {
                scanner.peek()?;
                request.messages = scanner.offset();
                let mut look = Look::of(body, std::mem::take(&mut request.prompt));
                messages::read(&mut scanner, &mut look)?;
                request.message_count = look.messages;
                request.has_system = look.opening.has_system();
                request.media = look.media;
                request.images = look.images;
                request.last_texts = look.last_texts;
                request.opening = Some(look.opening.conversation());
                request.goes_on = look.opening.goes_on();
                request.prompt = look.prompt;
            } else if let Some(input) = input_of(operation).filter(|input| *input == name) {
                input::read(input, scanner.value()?, &mut request.prompt)?;
            } else {
                let value = scanner.value()?;
                request.member(&name, start, value)?;
            }
            request.names.push(name);
        }
        scanner.end()?;
        let needed = input_of(operation).unwrap_or("messages");
        if !request.names.iter().any(|name| name == needed) {
            let expected = match operation {
                Operation::ChatCompletions => "an array of messages",
                _ => "a string or an array of strings",
            };
            return Err(RequestError::Missing(needed, expected));
        }
        Ok(request)
    }

    /// Takes a member of the body, whose span an attempt may need.
    fn member(&mut self, name: &str, start: usize, value: Value<'a>) -> Result<(), RequestError> {
        let rule = rules::of(name);
        if rule.is_some() || name == UNRULED {
            self.members.push(MemberSpan {
                name: name.to_owned(),
                start,
                value: value.start,
                end: value.end(),
            });
        }
        self.take(name, rule, value)
    }

    /// Checks one member against its rule and keeps what the router must know.
    fn take(
        &mut self,
        name: &str,
        rule: Option<Rule>,
        value: Value<'a>,
    ) -> Result<(), RequestError> {
        if value.kind == Kind::Null {
            return Ok(());
        }
        if let Some(rule) = rule {
            rule.check(name, value)?;
        }
        // An empty list of tools asks for nothing.
        if !(name == "tools" && value.elements().is_empty()) {
            self.parameters = self.parameters.with(ParameterSet::of(name));
        }
        match name {
            "model" => self.model = value.text(),
            "models" => self.models = texts(value),
            "fallback_models" => self.fallback_models = texts(value),
            "fallback_rules" => self.no_fallbacks = !falls_back(value)?,
            "preset" => self.preset = value.text(),
            "stream" => self.stream = value.is_true(),
            "stream_options" => {
                self.include_usage |= flag(name, value, "include_usage")? == Some(true)
            }
            "usage" => self.include_usage |= flag(name, value, "include")? == Some(true),
            "max_completion_tokens" => self.max_tokens = value.whole_number(),
            "max_tokens" => self.max_tokens = self.max_tokens.or(value.whole_number()),
            "n" | "best_of" => {
                self.choices = self.choices.max(value.whole_number().unwrap_or_default());
            }
            "transforms" => self.transforms = transforms(value),
            "reasoning" => reasoning::read(value, &mut self.reasoning)?,
            "reasoning_effort" => {
                let effort = reasoning::effort("reasoning_effort", value)?;
                self.reasoning.effort = self.reasoning.effort.or(Some(effort));
            }
            "include_reasoning" => self.reasoning.exclude |= !value.is_true(),
            "provider" => self.preferences = preferences(value)?,
            "session_id" => self.session_id = session_id(value)?,
            "response_format" => {
                let kind = format::kind(value)?;
                self.structured = kind == b"json_schema";
                self.wants_json = self.structured || kind == b"json_object";
                self.answer_schema = format::schema(value).filter(|_| self.structured);
            }
            "plugins" => self.plugins = plugins::read(value)?,
            "modalities" => self.output_modalities = texts(value),
            "tools" => {
                self.tools = Some(value);
                prompt::tools(value, &mut self.prompt);
            }
            _ => {}
        }
        Ok(())
    }

    /// The schemas of the tools' arguments, of each tool that has one.
    #[must_use]
    pub fn tool_schemas(&self) -> Vec<NamedSchema<'a>> {
        self.tools.map(format::tools).unwrap_or_default()
    }
}

/// The member that holds what an operation works on; `None` for `messages`, which are read apart.
fn input_of(operation: Operation) -> Option<&'static str> {
    match operation {
        Operation::ChatCompletions => None,
        Operation::Completions => Some("prompt"),
        Operation::Embeddings => Some("input"),
    }
}

/// The strings of an array that was checked to hold nothing else.
fn texts(value: Value<'_>) -> Vec<Cow<'_, str>> {
    value.elements().iter().filter_map(Value::text).collect()
}

/// A member of an object that was checked; `null` counts as missing.
fn member<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    object.member(name).filter(|value| value.kind != Kind::Null)
}

/// A scanner at the object that a body must be.
fn scan_object(body: &[u8]) -> Result<Scanner<'_>, RequestError> {
    // Twice as fast, but it does not say where.
    if simdutf8::basic::from_utf8(body).is_err()
        && let Err(error) = std::str::from_utf8(body)
    {
        return Err(RequestError::Encoding(error.valid_up_to()));
    }
    let mut scanner = Scanner::new(body);
    match scanner.peek()? {
        Kind::Object => Ok(scanner),
        found => Err(RequestError::wrong("", "an object", found)),
    }
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

fn preferences(provider: Value<'_>) -> Result<Preferences, RequestError> {
    Preferences::from_json(provider.raw).map_err(|(path, message)| {
        let dot = if path.is_empty() { "" } else { "." };
        RequestError::Field(format!("provider{dot}{path}"), message)
    })
}

/// The longest `session_id`, in bytes.
pub const MAX_SESSION_ID: usize = 256;

/// Whether `fallback_rules` lets others be asked. OneRouter documents `auto` alone; whoever says something
/// else is told, lest others answer where nobody should.
fn falls_back(value: Value<'_>) -> Result<bool, RequestError> {
    match value.text().as_deref() {
        Some("auto") => Ok(true),
        Some("none") => Ok(false),
        _ => {
            let message = "expected \"auto\" or \"none\"".to_owned();
            Err(RequestError::Field("fallback_rules".to_owned(), message))
        }
    }
}

fn session_id(value: Value<'_>) -> Result<Option<Cow<'_, str>>, RequestError> {
    let id = value.text();
    if id.as_ref().is_some_and(|id| id.len() > MAX_SESSION_ID) {
        let message = format!("at most {MAX_SESSION_ID} bytes are allowed");
        return Err(RequestError::Field("session_id".to_owned(), message));
    }
    Ok(id)
}
