//! The order of a model's endpoints.

use meshrouter_core::Facts;
use meshrouter_core::catalog::{Endpoint, Model};
use meshrouter_core::document::Pricing;

/// Tokens of a completion whose length the caller did not bound, for comparing prices.
const USUAL_COMPLETION: u64 = 500;

/// The endpoints of a model, the cheapest for this request first. Equal prices keep the document's
/// order.
pub(crate) fn by_price<'a>(model: &'a Model, facts: &Facts) -> Vec<&'a Endpoint> {
    let mut endpoints: Vec<&Endpoint> = model.endpoints.iter().collect();
    endpoints.sort_by_cached_key(|endpoint| price(&endpoint.pricing, facts));
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
