//! What the router puts into each completion that it returns.

use meshrouter_core::route::Operation;

use crate::json::{literal, push_literal};

/// How the router signs what it returns. Made once a response, as JSON.
#[derive(Debug, Clone)]
pub struct Signature {
    /// `id`, `provider`, `model` and `created`, each with a comma behind it.
    text: Vec<u8>,
    /// Where each of these ends but the last.
    ends: [usize; 3],
    object: Object,
    pub(super) exclude_reasoning: bool,
}

/// A member that the router signs with, in the order in which they are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Id,
    Provider,
    Model,
    Object,
    Created,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Object => "object",
            Self::Created => "created",
        }
    }
}

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Chat,
    ChatChunk,
    Text,
    List,
}

impl Object {
    /// The whole member, with a comma behind it.
    const fn member(self) -> &'static str {
        match self {
            Self::Chat => r#""object":"chat.completion","#,
            Self::ChatChunk => r#""object":"chat.completion.chunk","#,
            Self::Text => r#""object":"text_completion","#,
            Self::List => r#""object":"list","#,
        }
    }
}

impl Signature {
    /// The generation's id, the router's id of the model that served, the provider's name.
    #[must_use]
    pub fn new(generation: &str, model: &str, provider: &str, operation: Operation) -> Self {
        let mut text = Vec::with_capacity(192);
        let mut add = |part: Part, value: &str| {
            push_name(&mut text, part);
            push_literal(&mut text, value);
            text.push(b',');
            text.len()
        };
        let ends = [
            add(Part::Id, generation),
            add(Part::Provider, provider),
            add(Part::Model, model),
        ];
        push_name(&mut text, Part::Created);
        text.extend_from_slice(created(generation));
        text.push(b',');
        Self {
            text,
            ends,
            object: match operation {
                Operation::ChatCompletions => Object::Chat,
                Operation::Completions => Object::Text,
                Operation::Embeddings => Object::List,
            },
            exclude_reasoning: false,
        }
    }

    /// A whole member with a comma behind it, as it stands before others.
    pub(super) fn member(&self, part: Part) -> &[u8] {
        let [id, provider, model] = self.ends;
        let span = match part {
            Part::Id => 0..id,
            Part::Provider => id..provider,
            Part::Model => provider..model,
            Part::Created => model..self.text.len(),
            Part::Object => return self.object.member().as_bytes(),
        };
        self.text.get(span).unwrap_or_default()
    }

    /// A member's value.
    pub(super) fn value(&self, part: Part) -> &[u8] {
        let member = self.member(part);
        // Behind the name, its quotes and the colon, and before the comma.
        let value = part.name().len().saturating_add(3)..member.len().saturating_sub(1);
        member.get(value).unwrap_or_default()
    }

    /// The same for the chunks of a stream.
    #[must_use]
    pub fn of_chunks(mut self) -> Self {
        if self.object == Object::Chat {
            self.object = Object::ChatChunk;
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
            r#"{{{}"choices":[],"usage":{{{}}}}}"#,
            self.members(),
            members.join(",")
        )
        .into_bytes()
    }

    /// The chunk that ends a stream in which something went wrong: `error` is the documented error
    /// object as JSON.
    #[must_use]
    pub fn error_chunk(&self, error: &[u8]) -> Vec<u8> {
        let error = String::from_utf8_lossy(error);
        let nothing = if self.object == Object::Text {
            r#""text":"""#
        } else {
            r#""delta":{"content":""}"#
        };
        format!(
            r#"{{{}"error":{error},"choices":[{{"index":0,{nothing},"finish_reason":"error"}}]}}"#,
            self.members()
        )
        .into_bytes()
    }

    /// All members, each with a comma behind it.
    fn members(&self) -> String {
        let all = [
            Part::Id,
            Part::Provider,
            Part::Model,
            Part::Object,
            Part::Created,
        ];
        let all = all.map(|part| self.member(part)).concat();
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// Appends a member's name and the colon behind it.
fn push_name(text: &mut Vec<u8>, part: Part) {
    text.push(b'"');
    text.extend_from_slice(part.name().as_bytes());
    text.extend_from_slice(b"\":");
}

/// The second in which a request came, of whose id it is a part: `gen-<seconds>-…`.
fn created(generation: &str) -> &[u8] {
    let seconds = generation.as_bytes().split(|byte| *byte == b'-').nth(1);
    let is_number = |text: &&[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    seconds.filter(is_number).unwrap_or(b"0")
}
