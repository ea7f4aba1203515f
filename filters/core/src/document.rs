//! The gateway document: the one YAML document that configures every filter, as it is written.
//!
//! Envoy hands it over as JSON. Unknown fields are refused. What needs knowledge of more than one
//! field is checked where the document is compiled: [`Catalog`](crate::Catalog),
//! [`KeyRing`](crate::keys::KeyRing).

mod protobuf;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::money::Price;
use crate::reasoning::Effort;
use crate::route::Operation;

/// The whole document.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Who serves, by slug.
    #[serde(default)]
    pub providers: BTreeMap<String, Provider>,
    /// What is served, and by whom.
    #[serde(default)]
    pub models: Vec<Model>,
    /// Who may call.
    #[serde(default)]
    pub keys: Vec<Key>,
    /// The model of requests that name none.
    pub default_model: Option<String>,
    /// The largest request body, in bytes. Envoy's own buffer limits must not be lower.
    #[serde(default = "max_body_bytes")]
    pub max_body_bytes: usize,
    /// Request fields under a name (Presets page). `system` is a system prompt.
    #[serde(default)]
    pub presets: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// Gateway-wide plugin settings.
    #[serde(default)]
    pub plugins: Plugins,
}

fn max_body_bytes() -> usize {
    32 << 20
}

/// A provider: where its API is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The name that callers see in `provider`; the slug by default.
    pub name: Option<String>,
    /// The Envoy cluster of the provider.
    pub cluster: String,
    /// The `:authority` that the provider expects; the cluster's name by default.
    pub authority: Option<String>,
    /// The path of its chat completions; `/v1/chat/completions` by default.
    pub path: Option<String>,
    /// The path of its legacy completions; `/v1/completions` by default.
    pub completions_path: Option<String>,
    /// The path of its embeddings; `/v1/embeddings` by default.
    pub embeddings_path: Option<String>,
    /// Caller's headers that the provider is to see, and the names under which it knows them,
    /// such as `x-anthropic-beta: anthropic-beta`.
    #[serde(default)]
    pub forward_headers: BTreeMap<String, String>,
}

/// A model and its endpoints.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// `author/slug`, what callers write in `model`.
    pub id: String,
    /// Other names under which callers may ask for it, such as `claude-3-5-sonnet@20240620`.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The permanent slug; the id by default.
    pub canonical_slug: Option<String>,
    /// The name for people; the id by default.
    pub name: Option<String>,
    /// When the model was added, in Unix seconds.
    #[serde(default)]
    pub created: u64,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Tokens of prompt and completion together.
    pub context_length: u64,
    /// Modalities and tokenizer.
    #[serde(default)]
    pub architecture: Architecture,
    /// Parameters that the model understands.
    #[serde(default)]
    pub supported_parameters: Vec<String>,
    /// Who serves it.
    pub endpoints: Vec<Endpoint>,
}

/// The `architecture` of a model, as in the Models API.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Architecture {
    /// What the model reads: `text`, `image`, `file`, `audio`, `video`.
    pub input_modalities: Vec<String>,
    /// What it writes.
    pub output_modalities: Vec<String>,
    /// The tokenizer's family.
    pub tokenizer: String,
    /// The instruction format, where one applies.
    pub instruct_type: Option<String>,
}

impl Default for Architecture {
    fn default() -> Self {
        Self {
            input_modalities: vec!["text".to_owned()],
            output_modalities: vec!["text".to_owned()],
            tokenizer: "Other".to_owned(),
            instruct_type: None,
        }
    }
}

/// A model at a provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The provider's slug.
    pub provider: String,
    /// The provider's own name of the model; the model's id by default.
    pub model: Option<String>,
    /// Where it differs from the model's.
    pub context_length: Option<u64>,
    /// The longest completion, in tokens.
    pub max_completion_tokens: Option<u64>,
    /// What the endpoint does; chat completions by default.
    #[serde(default = "chat_completions")]
    pub operations: Vec<Operation>,
    /// Parameters that the endpoint understands; the model's by default.
    pub supported_parameters: Option<Vec<String>>,
    /// How the endpoint is told to reason; as the request says it, by default.
    pub reasoning: Option<ReasoningDialect>,
    /// Whether the provider moderates prompts.
    #[serde(default)]
    pub is_moderated: bool,
    /// Whether the variant `:exacto` includes it.
    #[serde(default)]
    pub exacto: bool,
    /// Tokens a second that it usually writes, for `:nitro`.
    pub throughput: Option<u64>,
    /// What it costs.
    pub pricing: Pricing,
}

fn chat_completions() -> Vec<Operation> {
    vec![Operation::ChatCompletions]
}

/// How an endpoint is told to reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasoningDialect {
    /// The form.
    pub style: ReasoningStyle,
    /// The levels that it knows, for `effort`; all by default.
    pub efforts: Option<Vec<Effort>>,
    /// The least budget that it takes, in tokens.
    #[serde(default)]
    pub min_tokens: u64,
    /// The most.
    pub max_tokens: Option<u64>,
}

/// The forms in which providers take reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningStyle {
    /// `reasoning_effort: "high"`, as OpenAI.
    Effort,
    /// `thinking: {type, budget_tokens}`, as Anthropic.
    Thinking,
    /// `reasoning: {effort, max_tokens}`, as OpenRouter.
    Object,
}

/// Prices in USD per unit, as decimal strings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pricing {
    /// Per token of the prompt.
    pub prompt: Price,
    /// Per token of the completion.
    pub completion: Price,
    /// Per request.
    pub request: Option<Price>,
    /// Per image of the prompt.
    pub image: Option<Price>,
    /// Per web search.
    pub web_search: Option<Price>,
    /// Per reasoning token, beside the completion's price.
    pub internal_reasoning: Option<Price>,
    /// Per prompt token read from the provider's cache; the prompt's price by default.
    pub input_cache_read: Option<Price>,
    /// Per prompt token written to the provider's cache.
    pub input_cache_write: Option<Price>,
}

/// A caller's key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its name in records.
    pub name: String,
    /// SHA-256 of the key, 64 hex digits. The key itself stands nowhere.
    pub hash: String,
    /// A disabled key is refused.
    #[serde(default)]
    pub disabled: bool,
    /// The model of this key's requests that name none, in place of the gateway's.
    pub default_model: Option<String>,
    /// Plugin settings in place of the gateway's.
    #[serde(default)]
    pub plugins: Plugins,
}

/// Plugin settings by plugin id (Plugins page: account defaults).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugins {
    /// Repair of JSON answers.
    #[serde(rename = "response-healing")]
    pub response_healing: Option<Plugin>,
    /// Web search, by providers that have their own.
    pub web: Option<Plugin>,
}

/// The settings of one plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// Whether it works for requests that do not mention it.
    #[serde(default)]
    pub enabled: bool,
    /// Whether requests cannot say otherwise.
    #[serde(default)]
    pub prevent_overrides: bool,
}

impl Document {
    /// Reads the document as Envoy hands it over: a `google.protobuf.Struct`, which some versions
    /// turn into JSON and others leave serialised, or JSON from a `StringValue`.
    ///
    /// # Errors
    /// The path of the first field that is unknown, missing or of the wrong type.
    pub fn from_plugin_configuration(bytes: &[u8]) -> Result<Self, DocumentError> {
        match protobuf::struct_to_json(bytes) {
            Some(json) => Self::from_json(json.as_bytes()),
            None => Self::from_json(bytes),
        }
    }

    /// Reads the document from JSON.
    ///
    /// # Errors
    /// The path of the first field that is unknown, missing or of the wrong type.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            // serde_json adds a position in the JSON that Envoy made, which nobody has seen.
            let message = error.into_inner().to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            DocumentError::new(path, message)
        })
    }
}

/// What is wrong with a gateway document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    /// Path of the field, such as `models[0].endpoints[1].provider`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl DocumentError {
    /// An error at a field.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gateway document: {}: {}", self.path, self.message)
    }
}

impl std::error::Error for DocumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        Document::from_json(json.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_empty_document_is_one() {
        assert!(Document::from_json(b"{}").unwrap().models.is_empty());
    }

    #[test]
    fn errors_name_the_path() {
        assert_eq!(
            error(r#"{"providers": {"alpha": {"cluster": "a", "colour": 1}}}"#),
            "gateway document: providers.alpha.colour: unknown field `colour`, \
             expected one of `name`, `cluster`, `authority`, `path`, \
             `completions_path`, `embeddings_path`, `forward_headers`"
        );
        assert_eq!(
            error(
                r#"{"models": [{"id": "a/b", "context_length": 1, "endpoints":
                [{"provider": "p", "pricing": {"prompt": 0.1, "completion": "0"}}]}]}"#
            ),
            "gateway document: models[0].endpoints[0].pricing.prompt: \
             invalid type: floating point `0.1`, expected a string"
        );
        assert_eq!(
            error(r#"{"keys": [{"name": "x"}]}"#),
            "gateway document: keys[0]: missing field `hash`"
        );
    }
}
