//! The errors when nobody can be asked: which constraint emptied the list, or how long all cool down.

use meshrouter_core::ApiError;
use meshrouter_core::api_error::Reason;
use meshrouter_host::Reply;

use crate::constraint::Constraint;
use crate::demand::Demand;
use crate::plan::{Excluded, Selection};

/// The most endpoints whose reasons an error lists.
const MAX_REASONS: usize = 32;

/// The error for a request for these models whose plan is empty.
pub(crate) fn error(demand: &Demand<'_>, models: &[&str], selection: &Selection<'_>) -> ApiError {
    let mut error = match too_long(demand, selection) {
        Some(message) => ApiError::new(400, message),
        None => ApiError::new(404, nobody(demand, models, selection)),
    };
    let reasons = selection.excluded.iter().take(MAX_REASONS);
    error.metadata.reasons = reasons.map(|excluded| reason(demand, excluded)).collect();
    error
}

/// The answer where all endpoints cool down for so many milliseconds more.
pub(crate) fn all_cooling(ms: u64) -> Reply {
    let seconds = ms.div_ceil(1_000);
    let message = format!(
        "All endpoints that can serve this request are rate limited or failing: the first may be \
         asked again in {seconds} s."
    );
    let reply = Reply::from(ApiError::new(429, message));
    reply
        .with("retry-after", seconds.to_string())
        .with("retry-after-ms", ms.to_string())
}

/// Why an endpoint is left out.
pub(crate) fn reason(demand: &Demand<'_>, excluded: &Excluded<'_>) -> Reason {
    Reason {
        model: excluded.model.to_owned(),
        endpoint: excluded.endpoint.tag.clone(),
        constraint: excluded.constraint.name(),
        reason: format!(
            "It is none of those that {}.",
            excluded.constraint.wants(demand)
        ),
    }
}

/// One sentence a model: the constraint that took its last endpoint out.
fn nobody(demand: &Demand<'_>, models: &[&str], selection: &Selection<'_>) -> String {
    let each = models.iter().enumerate();
    let each = each.filter(|(n, model)| !models.iter().take(*n).any(|other| other == *model));
    let sentences = each.filter_map(|(_, model)| {
        let of_model = selection
            .excluded
            .iter()
            .filter(|excluded| excluded.model == *model);
        let last = of_model.map(|excluded| excluded.constraint).max()?;
        let wants = last.wants(demand);
        Some(format!("No endpoints found for `{model}` that {wants}."))
    });
    let sentences: Vec<String> = sentences.collect();
    if sentences.is_empty() {
        // The document changed between two filters' reading of it.
        return "No endpoints found.".to_owned();
    }
    sentences.join(" ")
}

/// Where only the context is too small: how long the request is, what fits, and what helps (Message
/// Transforms page).
fn too_long(demand: &Demand<'_>, selection: &Selection<'_>) -> Option<String> {
    let excluded = selection.excluded.iter();
    let too_small = excluded.filter(|excluded| excluded.constraint == Constraint::Context);
    let most = too_small
        .map(|excluded| excluded.endpoint.context_length)
        .max()?;
    let (total, prompt) = (demand.total_tokens(), demand.facts.prompt_tokens);
    let completion = demand.facts.max_tokens.unwrap_or(0);
    Some(format!(
        "This request needs about {total} tokens ({prompt} for the prompt, {completion} for the \
         completion), but the largest context that can serve it holds {most}. Shorten the messages or \
         lower `max_tokens`, or set `transforms: [\"middle-out\"]` to compress the prompt."
    ))
}
