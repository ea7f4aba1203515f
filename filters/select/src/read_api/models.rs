//! `GET /models`, in the Models API's schema. Made once, when the document is compiled.
//!
//! Beyond the documented fields it has those without which OpenRouter's own SDK refuses the list:
//! `modality`, `default_parameters`, `supported_voices`, and `links`.

use meshrouter_core::Catalog;
use meshrouter_core::catalog::Model;
use meshrouter_core::document::{Architecture, Pricing};
use meshrouter_core::money::Price;
use serde::Serialize;

#[derive(Serialize)]
struct List<'a> {
    data: Vec<Entry<'a>>,
    total_count: usize,
    links: Pages,
}

/// There is one page.
#[derive(Serialize)]
struct Pages {
    next: Option<()>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    canonical_slug: &'a str,
    name: &'a str,
    created: u64,
    description: &'a str,
    context_length: u64,
    architecture: Modalities<'a>,
    pricing: Prices,
    top_provider: TopProvider,
    /// Rate limits of the model; there are none.
    per_request_limits: Option<()>,
    supported_parameters: &'a [String],
    default_parameters: Option<()>,
    supported_voices: Option<()>,
    links: Links,
}

#[derive(Serialize)]
struct Modalities<'a> {
    /// Both sides in one: `text+image->text`.
    modality: String,
    #[serde(flatten)]
    architecture: &'a Architecture,
}

#[derive(Serialize)]
struct Links {
    details: String,
}

#[derive(Serialize)]
struct Prices {
    prompt: Price,
    completion: Price,
    request: Price,
    image: Price,
    web_search: Price,
    internal_reasoning: Price,
    input_cache_read: Price,
    input_cache_write: Price,
}

#[derive(Serialize)]
struct TopProvider {
    context_length: u64,
    max_completion_tokens: Option<u64>,
    is_moderated: bool,
}

/// The list's body.
pub(crate) fn body(catalog: &Catalog) -> Vec<u8> {
    let data: Vec<_> = catalog.models().filter_map(entry).collect();
    let list = List {
        total_count: data.len(),
        links: Pages { next: None },
        data,
    };
    serde_json::to_vec(&list).unwrap_or_default()
}

/// A model's entry. Its prices and its top provider are those of the cheapest endpoint.
fn entry(model: &Model) -> Option<Entry<'_>> {
    let cheapest = model.endpoints.iter().min_by_key(|endpoint| {
        let prices = &endpoint.pricing;
        prices
            .prompt
            .times(1)
            .saturating_add(prices.completion.times(1))
    })?;
    let entry = &model.entry;
    Some(Entry {
        id: &entry.id,
        canonical_slug: entry.canonical_slug.as_deref().unwrap_or(&entry.id),
        name: entry.name.as_deref().unwrap_or(&entry.id),
        created: entry.created,
        description: &entry.description,
        context_length: entry.context_length,
        architecture: modalities(&entry.architecture),
        pricing: prices(&cheapest.pricing),
        top_provider: TopProvider {
            context_length: cheapest.context_length,
            max_completion_tokens: cheapest.max_completion_tokens,
            is_moderated: cheapest.is_moderated,
        },
        per_request_limits: None,
        supported_parameters: &entry.supported_parameters,
        default_parameters: None,
        supported_voices: None,
        links: Links {
            details: format!("/api/v1/models/{}/endpoints", entry.id),
        },
    })
}

fn modalities(architecture: &Architecture) -> Modalities<'_> {
    let input = architecture.input_modalities.join("+");
    let output = architecture.output_modalities.join("+");
    Modalities {
        modality: format!("{input}->{output}"),
        architecture,
    }
}

fn prices(pricing: &Pricing) -> Prices {
    Prices {
        prompt: pricing.prompt,
        completion: pricing.completion,
        request: pricing.request.unwrap_or_default(),
        image: pricing.image.unwrap_or_default(),
        web_search: pricing.web_search.unwrap_or_default(),
        internal_reasoning: pricing.internal_reasoning.unwrap_or_default(),
        input_cache_read: pricing.input_cache_read.unwrap_or_default(),
        input_cache_write: pricing.input_cache_write.unwrap_or_default(),
    }
}
