//! The order of a model's endpoints.

use std::cmp::Reverse;

use meshrouter_core::Facts;
use meshrouter_core::catalog::{Endpoint, Model};
use meshrouter_core::document::Pricing;
use meshrouter_core::slug::Variants;

/// Tokens of a completion whose length the caller did not bound, for comparing prices.
const USUAL_COMPLETION: u64 = 500;

/// The endpoints of a model that may serve, best first. Equal ones keep the document's order.
///
/// Only those that do what is asked for. By price, unless `:nitro` asks for the fastest; `:exacto` leaves the curated ones only, and
/// `provider.require_parameters` those that understand every parameter of the request.
pub(crate) fn endpoints<'a>(
    model: &'a Model,
    variants: Variants,
    facts: &Facts,
) -> Vec<&'a Endpoint> {
    let understands = |endpoint: &Endpoint| {
        let mut parameters = facts.parameters.iter();
        !facts.require_parameters || parameters.all(|name| endpoint.supports(name))
    };
    let allowed = model.endpoints.iter().filter(|endpoint| {
        endpoint.operations.contains(&facts.operation)
            && (endpoint.exacto || !variants.exacto)
            && understands(endpoint)
    });
    let mut endpoints: Vec<&Endpoint> = allowed.collect();
    endpoints.sort_by_cached_key(|endpoint| price(&endpoint.pricing, facts));
    if variants.nitro && !variants.floor {
        endpoints.sort_by_key(|endpoint| Reverse(endpoint.throughput));
    }
    endpoints
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
