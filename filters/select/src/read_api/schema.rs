//! The parts of the documented schemas that lists and endpoints share.

use meshrouter_core::document::{Architecture, Pricing};
use meshrouter_core::money::Price;
use serde::Serialize;
use serde_json::value::RawValue;

/// The `architecture` of a model.
#[derive(Debug, Serialize)]
pub(super) struct Modalities<'a> {
    /// Both sides in one: `text+image->text`.
    modality: String,
    #[serde(flatten)]
    architecture: &'a Architecture,
}

impl<'a> From<&'a Architecture> for Modalities<'a> {
    fn from(architecture: &'a Architecture) -> Self {
        let input = architecture.input_modalities.join("+");
        let output = architecture.output_modalities.join("+");
        Self {
            modality: format!("{input}->{output}"),
            architecture,
        }
    }
}

/// A price, or that it depends.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Cost {
    Known(Price),
    /// The price of whatever model the auto router picks.
    Varies(&'static str),
}

/// As OpenRouter says it of its own auto router.
const VARIES: Cost = Cost::Varies("-1");

/// All prices; `0` where something costs nothing, or nothing beside the prompt's own price.
#[derive(Debug, Serialize)]
pub(super) struct Prices {
    prompt: Cost,
    completion: Cost,
    request: Cost,
    image: Cost,
    web_search: Cost,
    internal_reasoning: Cost,
    input_cache_read: Cost,
    input_cache_write: Cost,
    /// The share that is taken off, as a number: there only where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<Box<RawValue>>,
}

impl Prices {
    /// The auto router's.
    pub(super) fn varying() -> Self {
        Self {
            prompt: VARIES,
            completion: VARIES,
            ..Self::from(&Pricing::default())
        }
    }
}

impl From<&Pricing> for Prices {
    fn from(pricing: &Pricing) -> Self {
        let optional = |price: Option<Price>| Cost::Known(price.unwrap_or_default());
        Self {
            prompt: Cost::Known(pricing.prompt),
            completion: Cost::Known(pricing.completion),
            request: optional(pricing.request),
            image: optional(pricing.image),
            web_search: optional(pricing.web_search),
            internal_reasoning: optional(pricing.internal_reasoning),
            input_cache_read: optional(pricing.input_cache_read),
            input_cache_write: optional(pricing.input_cache_write),
            discount: pricing
                .discount
                .and_then(|share| RawValue::from_string(share.to_string()).ok()),
        }
    }
}

/// What the newer schemas wrap everything in.
#[derive(Debug, Serialize)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

/// JSON of what cannot fail to be: structs of strings, numbers and lists.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
