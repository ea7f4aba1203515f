//! Completions and completion chunks: what the router reads of them, and their canonical form.
//!
//! Providers differ in how they name the end of an answer, where they put its reasoning and what
//! they leave out. A canonical completion has the router's `id`, `model` and `provider`; `object` and
//! `created`; one of five values of `finish_reason`, with the provider's own beside it; reasoning under
//! each of its names; and OpenAI's names in `usage`. Everything else stays byte for byte.

mod choices;
mod contents;
mod deltas;
mod said;
#[cfg(test)]
mod tests;
mod usage;

use std::ops::Range;

use meshrouter_core::route::Operation;
use meshrouter_core::usage::Usage;

use crate::json::{JsonError, Kind, Patch, Scanner, Value, literal};
pub use contents::{Call, Content, contents};
pub use deltas::{Delta, deltas};
pub use said::{Said, said};
pub use usage::Reported;

/// What the router cares about in a completion or a chunk.
///
/// The same shape serves `chat.completion` objects and the chunks of a stream.
#[derive(Debug, Clone, Default)]
pub struct Completion<'a> {
    text: &'a [u8],
    id: Option<Value<'a>>,
    model: Option<Value<'a>>,
    provider: Option<Value<'a>>,
    object: Option<Value<'a>>,
    created: Option<Value<'a>>,
    usage: Option<Value<'a>>,
    error: Option<Value<'a>>,
    choices: choices::Choices,
    /// `data`: the list of embeddings.
    data: Option<Value<'a>>,
}

/// How the router signs what it returns. Made once a response, as JSON.
#[derive(Debug, Clone)]
pub struct Signature {
    id: String,
    model: String,
    provider: String,
    object: String,
    created: String,
    exclude_reasoning: bool,
}

impl Signature {
    /// The generation's id, the router's id of the model that served, the provider's name.
    #[must_use]
    pub fn new(generation: &str, model: &str, provider: &str, operation: Operation) -> Self {
        // The id holds the second in which the request came: `gen-<seconds>-…`.
        let created = generation.split('-').nth(1);
        let created = created
            .filter(|text| text.parse::<u64>().is_ok())
            .unwrap_or("0");
        Self {
            id: literal(generation),
            model: literal(model),
            provider: literal(provider),
            object: literal(match operation {
                Operation::ChatCompletions => "chat.completion",
                Operation::Completions => "text_completion",
                Operation::Embeddings => "list",
            }),
            created: created.to_owned(),
            exclude_reasoning: false,
        }
    }

    /// The same for the chunks of a stream.
    #[must_use]
    pub fn of_chunks(mut self) -> Self {
        if self.object == literal("chat.completion") {
            self.object = literal("chat.completion.chunk");
        }
        self
    }

    /// The same, leaving the reasoning out.
    #[must_use]
    pub fn without_reasoning(mut self, exclude: bool) -> Self {
        self.exclude_reasoning = exclude;
        self
    }

    /// The chunk of a stream that has the usage: its members, each its name and its JSON.
    #[must_use]
    pub fn usage_chunk(&self, members: &[(&str, &str)]) -> Vec<u8> {
        let members = members
            .iter()
            .map(|(name, value)| format!("{}:{value}", literal(name)));
        let members: Vec<_> = members.collect();
        format!(
            r#"{{"id":{},"provider":{},"model":{},"object":{},"created":{},"choices":[],"usage":{{{}}}}}"#,
            self.id,
            self.provider,
            self.model,
            self.object,
            self.created,
            members.join(",")
        )
        .into_bytes()
    }

    /// The chunk that ends a stream in which something went wrong: `error` is the documented error
    /// object as JSON.
    #[must_use]
    pub fn error_chunk(&self, error: &[u8]) -> Vec<u8> {
        let error = String::from_utf8_lossy(error);
        let nothing = if self.object == literal("text_completion") {
            r#""text":"""#
        } else {
            r#""delta":{"content":""}"#
        };
        format!(
            r#"{{"id":{},"provider":{},"model":{},"object":{},"created":{},"error":{error},"choices":[{{"index":0,{nothing},"finish_reason":"error"}}]}}"#,
            self.id, self.provider, self.model, self.object, self.created
        )
        .into_bytes()
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
            if member.name == "choices" && scanner.peek()? == Kind::Array {
                found.choices = choices::read(&mut scanner)?;
                continue;
            }
            let value = Some(scanner.value()?);
            match &*member.name {
                "id" => found.id = value,
                "model" => found.model = value,
                "provider" => found.provider = value,
                "object" => found.object = value,
                "created" => found.created = value,
                "usage" => found.usage = value,
                "error" => found.error = value,
                "data" => found.data = value,
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

    /// Whether there is an answer, empty or not: choices, or embeddings.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        let embeddings = self.data.is_some_and(|value| value.kind == Kind::Array);
        self.choices.are_present() || embeddings
    }

    /// The usage, where the provider reports one.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage_object()
            .map(|usage| usage::read(&usage.members()))
    }

    /// Whether this is a stream's chunk that carries usage and nothing else: `choices: []`.
    #[must_use]
    pub fn is_usage_only(&self) -> bool {
        self.usage_object().is_some() && self.choices.are_empty()
    }

    /// Whether some choice says that it is finished.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.choices.finished
    }

    /// Whether a chunk brings the answer on: something is said in it, or it says that this was all. A role
    /// alone does not, nor do empty choices.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.choices.speaks || self.choices.finished
    }

    /// The text in canonical form, signed.
    #[must_use]
    pub fn signed(&self, signature: &Signature) -> Vec<u8> {
        let mut patch = Patch::of(self.text);
        // Inserted members go to the front one after the other.
        set(&mut patch, "id", self.id, &signature.id);
        set(&mut patch, "provider", self.provider, &signature.provider);
        set(&mut patch, "model", self.model, &signature.model);
        if self.object.is_none() {
            patch.insert("object", signature.object.as_bytes());
        }
        if self.created.is_none() && self.choices.are_present() {
            patch.insert("created", signature.created.as_bytes());
        }
        self.choices
            .canonicalise(&mut patch, signature.exclude_reasoning);
        // Embeddings have no completion to count.
        let usage = self.usage_object().filter(|_| self.choices.are_present());
        if let Some((range, canonical)) = usage.and_then(usage::canonical) {
            patch.replace(range, &canonical);
        }
        finish(patch, self.text)
    }

    /// The text with these members of `usage`, each its name and its JSON, all else byte for byte. Where there
    /// is no usage, they are all that it has.
    #[must_use]
    pub fn with_usage(&self, members: &[(&str, &str)]) -> Vec<u8> {
        let old = self.usage_object();
        let raw = old.map_or(&b"{}"[..], |usage| usage.raw);
        let mut usage = Patch::of(raw);
        for (name, value) in members {
            let old = old.and_then(|usage| usage.member(name));
            set(&mut usage, name, old, value);
        }
        let usage = finish(usage, raw);
        let mut patch = Patch::of(self.text);
        match self.usage {
            Some(old) => patch.replace(old.start..old.end(), &usage),
            None => patch.insert("usage", &usage),
        }
        finish(patch, self.text)
    }

    fn usage_object(&self) -> Option<Value<'a>> {
        self.usage.filter(|usage| usage.kind == Kind::Object)
    }
}

/// An edit: what stands at a range, replaced.
type Edit = (Range<usize>, Vec<u8>);

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
