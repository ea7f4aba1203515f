//! The order of a model's endpoints.

use std::cmp::Reverse;

use meshrouter_core::Facts;
use meshrouter_core::catalog::{Endpoint, Model};
use meshrouter_core::document::Pricing;
use meshrouter_core::slug::Variants;

/// Tokens of a completion whose length the caller did not bound, for comparing prices.
const USUAL_COMPLETION: u64 = 500;

/// Why no endpoint may serve, in the words of an error: "no endpoint …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lack {
    /// The model does not read or write what the request needs.
    Modality,
    /// None does what is asked for.
    Operation,
    /// None is curated, as `:exacto` wants.
    Exacto,
    /// None understands every parameter, as `provider.require_parameters` wants.
    Parameters,
}

/// The endpoints of a model that may serve, best first. Equal ones keep the document's order.
///
/// Only those that do what is asked for. By price, unless `:nitro` asks for the fastest; `:exacto`
/// leaves the curated ones only, and `provider.require_parameters` those that understand every
/// parameter of the request.
///
/// # Errors
/// What none of them has; of several lacks the one that takes out the last endpoint.
pub(crate) fn endpoints<'a>(
    model: &'a Model,
    variants: Variants,
    facts: &Facts,
) -> Result<Vec<&'a Endpoint>, Lack> {
    let architecture = &model.entry.architecture;
    let has = |known: &[String], needed: &[String]| needed.iter().all(|name| known.contains(name));
    if !has(&architecture.input_modalities, &facts.input_modalities)
        || !has(&architecture.output_modalities, &facts.output_modalities)
    {
        return Err(Lack::Modality);
    }
    let lack = |endpoint: &Endpoint| {
        let understands = |name: &String| endpoint.supports(name);
        if !endpoint.operations.contains(&facts.operation) {
            return Some(Lack::Operation);
        }
        if variants.exacto && !endpoint.exacto {
            return Some(Lack::Exacto);
        }
        let required = facts.require_parameters && !facts.parameters.iter().all(understands);
        required.then_some(Lack::Parameters)
    };
    let mut endpoints: Vec<&Endpoint> = model
        .endpoints
        .iter()
        .filter(|e| lack(e).is_none())
        .collect();
    if endpoints.is_empty() {
        let lacks = model.endpoints.iter().filter_map(lack);
        return Err(lacks.max().unwrap_or(Lack::Operation));
    }
    endpoints.sort_by_cached_key(|endpoint| price(&endpoint.pricing, facts));
    if variants.nitro && !variants.floor {
        endpoints.sort_by_key(|endpoint| Reverse(endpoint.throughput));
    }
    Ok(endpoints)
}

/// What the request would cost, in pico-dollars.
fn price(pricing: &Pricing, facts: &Facts) -> u128 {
    let completion = facts.max_tokens.unwrap_or(USUAL_COMPLETION);
    let parts = [
        pricing.prompt.times(facts.prompt_tokens),
        pricing.completion.times(completion),
        pricing.request.unwrap_or_default().times(1),
    ];
    parts.into_iter().fold(0, u128::saturating_add)
}
