//! What the span of a request says of its completion: values that the record has, too, each in a property of its own, because
//! Envoy's tracer cannot take the record apart.
//!
//! Envoy ends a span before it asks the filters for the log: so all is said as soon as it is known.

use meshrouter_core::Outcome;
use meshrouter_core::facts::Billable;
use meshrouter_core::names::attribute;
use meshrouter_host::Properties;

use crate::bill::Bill;
use crate::json::Json;

/// A completion is asked for.
pub(crate) fn asks(host: &mut impl Properties, facts: &Billable) {
    tell(host, attribute::OPERATION, facts.operation.span_name());
    tell(host, attribute::REQUEST_MODEL, requested(facts));
    tell(host, attribute::RESPONSE_ID, &facts.generation);
    tell(host, attribute::KEY_NAME, &facts.key);
}

/// The headers of a response are here.
pub(crate) fn responds(
    host: &mut impl Properties,
    facts: &Billable,
    outcome: Option<&Outcome>,
    status: &[u8],
) {
    if let Some(outcome) = outcome {
        let candidate = &outcome.candidate;
        // In the native shape the attempt has left its own.
        tell(host, attribute::REQUEST_MODEL, requested(facts));
        tell(host, attribute::PROVIDER, candidate.provider());
        tell(host, attribute::RESPONSE_MODEL, &candidate.model);
        let attempts = u64::try_from(outcome.attempts).unwrap_or(u64::MAX);
        tell_number(host, attribute::ATTEMPTS, attempts);
    }
    if !status.starts_with(b"2") {
        host.set_property(attribute::ERROR, status);
    }
}

/// The completion has come to its end. Of tokens that are part of others, only what there are is said.
pub(crate) fn ends(host: &mut impl Properties, bill: Option<&Bill>, finish: Option<&str>) {
    if let Some(finish) = finish {
        tell(host, attribute::FINISH, finish);
    }
    if let Some(bill) = bill {
        let usage = bill.usage;
        tell_number(host, attribute::INPUT_TOKENS, usage.prompt_tokens);
        tell_number(host, attribute::OUTPUT_TOKENS, usage.completion_tokens);
        for (name, tokens) in [
            (attribute::CACHE_READ_TOKENS, usage.cached_tokens()),
            (attribute::CACHE_WRITE_TOKENS, usage.cache_write_tokens()),
            (attribute::REASONING_TOKENS, usage.reasoning_tokens()),
        ] {
            if tokens > 0 {
                tell_number(host, name, tokens);
            }
        }
        tell_number(host, attribute::COST, bill.cost.caller);
    }
}

/// The first model that was asked for.
fn requested(facts: &Billable) -> &str {
    facts.models.first().map_or("", |choice| &choice.id)
}

fn tell(host: &mut impl Properties, name: &str, text: &str) {
    host.set_property(name, text.as_bytes());
}

fn tell_number(host: &mut impl Properties, name: &str, number: impl Json) {
    let mut text = Vec::with_capacity(24);
    number.write(&mut text);
    host.set_property(name, &text);
}
