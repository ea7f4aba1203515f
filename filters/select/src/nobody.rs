//! The errors when nobody can be asked: which constraint emptied the list, or how long all cool down.

use meshrouter_core::ApiError;
use meshrouter_core::api_error::Reason;
use meshrouter_core::facts::Transforms;
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
            excluded.constraint.wants(demand, excluded.prompt)
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
        let last = of_model.max_by_key(|excluded| excluded.constraint)?;
        let wants = last.constraint.wants(demand, last.prompt);
        Some(format!("No endpoints found for `{model}` that {wants}."))
    });
    let sentences: Vec<String> = sentences.collect();
    if sentences.is_empty() {
        // The document changed between two filters' reading of it.
        return "No endpoints found.".to_owned();
    }
    sentences.join(" ")
}

/// Where only the size is in the way: how long the request is, what fits, and what helps (Message Transforms
/// page).
fn too_long(demand: &Demand<'_>, selection: &Selection<'_>) -> Option<String> {
    let sentences = [
        too_many_tokens(demand, selection),
        too_many_messages(demand, selection),
    ];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn too_many_tokens(demand: &Demand<'_>, selection: &Selection<'_>) -> Option<String> {
    let largest = of(selection, Constraint::Context)
        .max_by_key(|excluded| excluded.endpoint.context_length)?;
    let (most, prompt) = (largest.endpoint.context_length, largest.prompt);
    let total = demand.total_tokens(prompt);
    let completion = demand.facts.max_tokens.unwrap_or(0);
    // Where it is on already, the completion alone leaves no room.
    let remedy = match demand.facts.transforms {
        Transforms::MiddleOut => ": there is no room for even a compressed prompt",
        _ => ", or set `transforms: [\"middle-out\"]` to compress the prompt",
    };
    Some(format!(
        "This request needs about {total} tokens ({prompt} for the prompt, {completion} for the \
         completion), but the largest context that can serve it holds {most}. Shorten the messages or \
         lower `max_tokens`{remedy}."
    ))
}

fn too_many_messages(demand: &Demand<'_>, selection: &Selection<'_>) -> Option<String> {
    let limits = of(selection, Constraint::Messages);
    let most = limits
        .filter_map(|excluded| excluded.endpoint.max_messages)
        .max()?;
    let count = demand.facts.message_count;
    Some(format!(
        "This request has {count} messages, but at most {most} can be served. Send fewer of them, or set \
         `transforms: [\"middle-out\"]` to keep those from the start and from the end."
    ))
}

/// Those that one constraint takes out.
fn of<'s, 'a>(
    selection: &'s Selection<'a>,
    constraint: Constraint,
) -> impl Iterator<Item = &'s Excluded<'a>> {
    let excluded = selection.excluded.iter();
    excluded.filter(move |excluded| excluded.constraint == constraint)
}
