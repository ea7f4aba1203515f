//! What `normalize` learned from the body, so that no later filter parses it again.

mod attempt;
mod billable;

use serde::{Deserialize, Serialize};

pub use billable::Billable;

use crate::carried;
use crate::document::Task;
use crate::limits::Limits;
use crate::parameters::ParameterSet;
use crate::preferences::Preferences;
use crate::reasoning::Reasoning;
use crate::route::Operation;
use crate::slug::Variants;
use crate::tokens::{Correction, Estimate, Scale};

/// What the edge filters after `normalize` need to know of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The generation id, `gen-…`: the response's `id`.
    pub generation: String,
    /// When the request came, in nanoseconds since the epoch.
    pub started: u64,
    /// The name of the key of the document whose policy holds.
    pub key: String,
    /// What is asked for.
    pub operation: Operation,
    /// The models to try, in order, each once.
    pub models: Vec<Choice>,
    /// Whether the caller wants server-sent events.
    pub stream: bool,
    /// Whether the caller wants the usage chunk of a stream.
    pub include_usage: bool,
    /// What the prompt weighs.
    pub estimate: Estimate,
    /// The caller's bound on the completion's tokens.
    pub max_tokens: Option<u64>,
    /// Whether the answer's JSON is to be repaired.
    pub heals: bool,
    /// How many images it holds.
    pub images: u64,
    /// How many completions it wants: `n`, `best_of`.
    pub choices: u64,
    /// Whether the web may be searched for it.
    pub searches: bool,
    /// The caller's application, from `HTTP-Referer` and `X-Title`.
    pub app: App,
    /// Whether the plan is wanted in the place of an answer.
    pub explain: Explain,
    /// How many messages it has.
    pub message_count: u64,
    /// The documented parameters that the request uses.
    pub parameters: ParameterSet,
    /// Whether the answer must follow a schema: `response_format.type` is `json_schema`.
    pub structured: bool,
    /// What the request says of the choice of endpoints: `provider`.
    #[serde(with = "carried::document")]
    pub preferences: Preferences,
    /// What to do where the prompt exceeds an endpoint's context.
    pub transforms: Transforms,
    /// What the request asks of a model, for the auto router; empty where that is not asked.
    pub tasks: Vec<Task>,
    /// Which conversation this is a later turn of; `None` for a first one.
    pub conversation: Option<u64>,
    /// What the request holds beside text: `image`, `file`, `audio`, `video`.
    pub input_modalities: Vec<String>,
    /// What the answer is to hold: `modalities`.
    pub output_modalities: Vec<String>,
}

/// What the header `x-router-explain` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Explain {
    /// `false`, or nothing.
    #[default]
    No,
    /// `true`.
    Yes,
    /// Neither.
    Unclear,
}

impl Explain {
    /// What a value of the header means.
    #[must_use]
    pub fn of(value: Option<&[u8]>) -> Self {
        match value {
            None | Some(b"false") => Self::No,
            Some(b"true") => Self::Yes,
            Some(_) => Self::Unclear,
        }
    }
}

/// The caller's application, as it names itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its URL.
    pub url: Option<String>,
    /// Its name.
    pub title: Option<String>,
}

/// A model that a request asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its id in the catalog.
    pub id: String,
    /// What its slug asks for beside it.
    pub variants: Variants,
}

/// Whether `transforms` asks for middle-out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transforms {
    /// Not mentioned: endpoints of small context compress by default (Message Transforms page).
    #[default]
    Default,
    /// `transforms: []`, or none that is known: never.
    Off,
    /// `transforms: ["middle-out"]`.
    MiddleOut,
}

/// Endpoints of this context or less, in tokens, compress unless the request says otherwise (Message
/// Transforms page).
const SMALL_CONTEXT: u64 = 8_192;

impl Transforms {
    /// Whether prompts that are too long for an endpoint of this context are compressed.
    #[must_use]
    pub fn compresses(self, context: u64) -> bool {
        match self {
            Self::MiddleOut => true,
            Self::Default => context <= SMALL_CONTEXT,
            Self::Off => false,
        }
    }
}

/// What an attempt needs to know of a request. Crosses to the attempt chain as a header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptRequest {
    /// The generation id, `gen-…`.
    pub generation: String,
    /// What is asked for.
    pub operation: Operation,
    /// Whether the caller wants server-sent events.
    pub stream: bool,
    /// What the prompt weighs.
    pub estimate: Estimate,
    /// How many messages it has.
    pub message_count: u64,
    /// Whether it holds more than text, whose tokens are less certain.
    pub has_media: bool,
    /// The caller's bound on the completion's tokens.
    pub max_tokens: Option<u64>,
    /// What to do where the prompt exceeds the candidate's context.
    pub transforms: Transforms,
    /// What the request says of reasoning.
    pub reasoning: Reasoning,
    /// Which conversation this is a turn of.
    pub conversation: Option<u64>,
    /// The name of the caller's key, where an attempt has to know it.
    pub key: String,
    /// When the request came, in Unix milliseconds.
    pub started: u64,
    /// Models that were asked for as `:thinking`.
    pub thinking: Vec<String>,
    /// Models that are to search the web: all of them with the plugin, else those as `:online`.
    pub online: Vec<String>,
    /// Where in the body the members stand that an attempt replaces or leaves out.
    pub members: Vec<MemberSpan>,
    /// Length of the body in bytes for which `members` holds.
    pub body_length: usize,
}

/// What `middle-out` needs to know of an attempt whose prompt it is to compress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The model that is asked, as callers name it.
    pub model: String,
    /// How it counts.
    pub scale: Scale,
    /// Its context, in tokens.
    pub context: u64,
    /// What the prompt is to be cut down to.
    pub limits: Limits,
}

/// A prompt, as long as it is to one candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt {
    /// What it weighs to the candidate's tokenizer, in parts of a token.
    pub weight: u64,
    /// How the model's real counts compare to that.
    pub correction: Correction,
    /// How many messages it has.
    pub message_count: u64,
    /// The caller's bound on the completion's tokens.
    pub max_tokens: Option<u64>,
    /// What to do where the prompt exceeds the candidate's context.
    pub transforms: Transforms,
}

/// Where one top-level member of the body stands, so that an attempt patches it without a parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSpan {
    /// The member's name, unescaped.
    pub name: String,
    /// Offset of the `{` or `,` before the member.
    pub start: usize,
    /// Offset of the value's first byte.
    pub value: usize,
    /// Offset after the value's last byte.
    pub end: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carried::Carried;

    #[test]
    fn facts_round_trip() {
        let facts = Facts {
            generation: "gen-1".to_owned(),
            models: vec![Choice {
                id: "a/b".to_owned(),
                variants: Variants::default(),
            }],
            stream: true,
            max_tokens: Some(5),
            ..Facts::default()
        };
        assert_eq!(Facts::decode(&facts.encode()), Some(facts));
        assert_eq!(Facts::decode(b"{}"), None);
    }

    #[test]
    fn an_explanation_is_wanted_by_one_word() {
        let cases: [(Option<&[u8]>, Explain); 5] = [
            (None, Explain::No),
            (Some(b"false"), Explain::No),
            (Some(b"true"), Explain::Yes),
            (Some(b""), Explain::Unclear),
            (Some(b"True"), Explain::Unclear),
        ];
        for (value, meaning) in cases {
            assert_eq!(Explain::of(value), meaning);
        }
    }
}
