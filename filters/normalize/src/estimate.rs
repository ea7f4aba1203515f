//! What a prompt weighs: by a sample where that is enough, else to its last word.

use meshrouter_core::Catalog;
use meshrouter_core::catalog::{Endpoint, Model};
use meshrouter_core::route::Operation;
use meshrouter_core::tokens::{Estimate, Scale};
use meshrouter_wire::request::ChatRequest;

/// The share of a context that is kept for a completion whose length the caller did not bound, as `middle-out` does.
const COMPLETION_SHARE: u64 = 4;

/// What the prompt of a request weighs, whose canonical form is `body`. A sample may be some hundredths off, which
/// matters where the prompt might not fit: there it is counted once more, all of it.
pub(crate) fn estimate<'a>(
    request: &ChatRequest<'_>,
    body: &[u8],
    operation: Operation,
    catalog: &Catalog,
    mut models: impl Iterator<Item = &'a str>,
) -> Estimate {
    let sampled = request.prompt.estimate();
    let is_close = |model: &Model| {
        let mut endpoints = model.endpoints.iter();
        endpoints.any(|endpoint| is_close(&sampled, request.max_tokens, endpoint))
    };
    if request.prompt.is_whole() || !models.any(|id| catalog.model(id).is_some_and(is_close)) {
        return sampled;
    }
    let whole = ChatRequest::read_whole(body, operation);
    whole.map_or(sampled, |whole| whole.prompt.estimate())
}

/// Whether a prompt would not fit an endpoint if it were a quarter longer.
fn is_close(estimate: &Estimate, max_tokens: Option<u64>, endpoint: &Endpoint) -> bool {
    let prompt = Scale::of(endpoint.family).tokens(estimate.weight(endpoint.family));
    let context = endpoint.context_length;
    let completion = max_tokens.unwrap_or(context / COMPLETION_SHARE);
    let longer = prompt.saturating_add(prompt / 4);
    longer.saturating_add(completion) > context
}
