//! The constraints that take endpoints out of a plan, in words for the caller.

use meshrouter_core::preferences::Quantization;

use crate::demand::Demand;

/// Why an endpoint is left out. In the order in which they are checked: of several endpoints, the
/// one that came furthest tells which constraint emptied the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Constraint {
    /// The key's `allowed_models`.
    KeyModels,
    /// What the model reads.
    InputModalities,
    /// What it writes.
    OutputModalities,
    /// The key's `allowed_providers`.
    KeyProviders,
    /// `provider.only`.
    Only,
    /// `provider.ignore`.
    Ignore,
    /// `provider.data_collection`.
    DataCollection,
    /// `provider.zdr`.
    Zdr,
    /// `provider.enforce_distillable_text`.
    Distillable,
    /// `provider.quantizations`.
    Quantizations,
    /// `provider.max_price`.
    MaxPrice,
    /// The operation.
    Operation,
    /// `:exacto`.
    Exacto,
    /// Tools.
    Tools,
    /// A JSON schema for the answer.
    StructuredOutputs,
    /// `provider.require_parameters`.
    Parameters,
    /// `max_tokens`.
    MaxTokens,
    /// How many messages a request may have.
    Messages,
    /// The context length.
    Context,
    /// `provider.order` and `provider.allow_fallbacks: false`.
    Order,
    /// `provider.allow_fallbacks: false` alone.
    Fallbacks,
    /// The plan is full.
    Plan,
}

impl Constraint {
    /// The name for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KeyModels => "allowed_models",
            Self::InputModalities => "input_modalities",
            Self::OutputModalities => "output_modalities",
            Self::KeyProviders => "allowed_providers",
            Self::Only => "only",
            Self::Ignore => "ignore",
            Self::DataCollection => "data_collection",
            Self::Zdr => "zdr",
            Self::Distillable => "enforce_distillable_text",
            Self::Quantizations => "quantizations",
            Self::MaxPrice => "max_price",
            Self::Operation => "operation",
            Self::Exacto => "exacto",
            Self::Tools => "tools",
            Self::StructuredOutputs => "structured_outputs",
            Self::Parameters => "require_parameters",
            Self::MaxTokens => "max_tokens",
            Self::Messages => "max_messages",
            Self::Context => "context_length",
            Self::Order => "order",
            Self::Fallbacks => "allow_fallbacks",
            Self::Plan => "plan",
        }
    }

    /// What it asks of endpoints, as the end of "no endpoints that …". `prompt` is in tokens, by the model's
    /// tokenizer.
    pub(crate) fn wants(self, demand: &Demand<'_>, prompt: u64) -> String {
        let facts = demand.facts;
        let text = match self {
            Self::KeyModels => "this key may use: its `allowed_models` lack the model",
            Self::KeyProviders => "this key may use: its `allowed_providers` lack theirs",
            Self::Only => "`provider.only` lists",
            Self::Ignore => "`provider.ignore` leaves",
            Self::DataCollection => "do not collect data, as `provider.data_collection` wants",
            Self::Zdr => "retain no data, as `provider.zdr` wants",
            Self::Distillable => {
                "allow their text to be distilled, as `provider.enforce_distillable_text` wants"
            }
            Self::MaxPrice => "cost no more than `provider.max_price`",
            Self::Exacto => "are curated, as `:exacto` wants",
            Self::Tools => "support tool use",
            Self::StructuredOutputs => {
                "support structured outputs, as a `response_format` with a schema wants"
            }
            Self::Order => "`provider.order` lists, and `provider.allow_fallbacks` is false",
            Self::Fallbacks => "come first, and `provider.allow_fallbacks` is false",
            Self::Plan => "are among the first that a plan has room for",
            Self::InputModalities => {
                return format!(
                    "take all of this input: {}",
                    facts.input_modalities.join(", ")
                );
            }
            Self::OutputModalities => {
                return format!(
                    "give all of this output: {}",
                    facts.output_modalities.join(", ")
                );
            }
            Self::Quantizations => {
                let levels = demand.preferences.quantizations.iter().flatten();
                let levels: Vec<_> = levels.copied().map(Quantization::name).collect();
                return format!("are quantized to one of: {}", levels.join(", "));
            }
            Self::Operation => return format!("serve {}", facts.operation.name()),
            Self::Parameters => {
                let names: Vec<_> = facts.parameters.names().collect();
                let names = names.join(", ");
                return format!(
                    "understand all of these, as `provider.require_parameters` wants: {names}"
                );
            }
            Self::Messages => {
                return format!("take as many as {} messages", facts.message_count);
            }
            Self::MaxTokens => {
                let wanted = facts.max_tokens.unwrap_or(0);
                return format!("write as many as {wanted} tokens, as `max_tokens` wants");
            }
            Self::Context => {
                let total = demand.total_tokens(prompt);
                return format!("hold the {total} tokens of prompt and completion");
            }
        };
        text.to_owned()
    }
}
