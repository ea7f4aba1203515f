//! `models`: what is served, and by whom.

use serde::{Deserialize, Serialize};

use super::Timeouts;
use crate::money::{Price, Share};
use crate::preferences::{DataCollection, Quantization};
use crate::reasoning::Effort;
use crate::route::Operation;

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
    /// The most messages of a request, where its providers bound them.
    pub max_messages: Option<u64>,
    /// Modalities and tokenizer.
    #[serde(default)]
    pub architecture: Architecture,
    /// Parameters that the model understands.
    #[serde(default)]
    pub supported_parameters: Vec<String>,
    /// What it is good for, such as `programming`: `GET /models?category=` filters by it.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Whether its author allows its text to be distilled.
    #[serde(default)]
    pub distillable: bool,
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
    /// The tokenizer's family, by which tokens are estimated: `GPT`, `Claude`, `Llama3`, `Gemini`, `Mistral`,
    /// `Qwen`, `DeepSeek`, or any other.
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
    /// Which of the provider's endpoints of this model it is, where it has more than one: callers
    /// name `variant: turbo` of `deepinfra` as `deepinfra/turbo`.
    pub variant: Option<String>,
    /// The provider's own name of the model; the model's id by default.
    pub model: Option<String>,
    /// The path of its chat completions; the provider's by default. `{model}` stands for `model`.
    pub path: Option<String>,
    /// Where it differs from the model's.
    pub context_length: Option<u64>,
    /// Where it differs from the model's.
    pub max_messages: Option<u64>,
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
    /// Tokens a second that it usually writes, until the router has measured it.
    pub throughput: Option<u64>,
    /// Milliseconds that it usually takes to its first token, until the router has measured it.
    pub latency_ms: Option<u64>,
    /// How the model's weights are quantized there.
    #[serde(default)]
    pub quantization: Quantization,
    /// Where it differs from the provider's.
    pub data_collection: Option<DataCollection>,
    /// Where it differs from the provider's.
    pub zdr: Option<bool>,
    /// Where they differ from the provider's.
    #[serde(default)]
    pub timeouts: Timeouts,
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
    /// Per image of the prompt, beside its tokens.
    pub image: Option<Price>,
    /// Per web search that the provider reports.
    pub web_search: Option<Price>,
    /// Per reasoning token, beside the completion's price.
    pub internal_reasoning: Option<Price>,
    /// Per prompt token read from the provider's cache; the prompt's price by default.
    pub input_cache_read: Option<Price>,
    /// Per prompt token written to the provider's cache; the prompt's price by default.
    pub input_cache_write: Option<Price>,
    /// The share of all these that is taken off.
    pub discount: Option<Share>,
}
