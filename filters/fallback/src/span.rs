//! What the span of an attempt says: whom it asked, and what became of it.

use meshrouter_core::Candidate;
use meshrouter_core::names::attribute;
use meshrouter_core::route::Operation;
use meshrouter_host::Properties;

use crate::cause::Cause;

/// Leaves the attributes for Envoy's tracer. `error` is empty where nothing went wrong.
pub(crate) fn tell(
    host: &mut impl Properties,
    candidate: &Candidate,
    operation: Operation,
    (verdict, error): (&str, &str),
) {
    let name = candidate.to_string();
    for (attribute, value) in [
        (attribute::OPERATION, operation.span_name()),
        (attribute::REQUEST_MODEL, &candidate.model),
        (attribute::PROVIDER, candidate.provider()),
        (attribute::CANDIDATE, &name),
        (attribute::VERDICT, verdict),
        // In the native shape the attempt before this one may have left its own.
        (attribute::ERROR, error),
    ] {
        host.set_property(attribute, value.as_bytes());
    }
}

/// The same of a stream that began to answer and did not come to its end.
pub(crate) fn breaks_off(host: &mut impl Properties) {
    host.set_property(attribute::ERROR, Cause::BrokeOff.reason().as_bytes());
}
