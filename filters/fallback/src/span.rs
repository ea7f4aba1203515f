//! What the span of an attempt says: whom it asked, and what became of it.
//!
//! Envoy ends a span before it asks the filters for the log: so all is said as soon as it is known.

use meshrouter_core::Candidate;
use meshrouter_core::names::{NOBODY, attribute};
use meshrouter_core::route::Operation;
use meshrouter_host::Properties;

/// An attempt begins: what an attempt before it has left in the native shape is written over.
pub(crate) fn begins(host: &mut impl Properties, operation: Operation, candidate: &Candidate) {
    let name = candidate.to_string();
    let asked = [&candidate.model, candidate.provider(), &name];
    write(host, operation, asked);
}

/// The same of the attempt that asks nobody and has the last word.
pub(crate) fn last_word(host: &mut impl Properties, operation: Operation) {
    write(host, operation, ["", "", NOBODY]);
}

fn write(host: &mut impl Properties, operation: Operation, asked: [&str; 3]) {
    let [model, provider, candidate] = asked;
    for (name, value) in [
        (attribute::OPERATION, operation.span_name()),
        (attribute::REQUEST_MODEL, model),
        (attribute::PROVIDER, provider),
        (attribute::CANDIDATE, candidate),
        (attribute::VERDICT, ""),
        (attribute::REASON, ""),
    ] {
        host.set_property(name, value.as_bytes());
    }
}

/// It is known how the attempt went; `reason` is empty where nothing went wrong.
pub(crate) fn settled(host: &mut impl Properties, verdict: &str, reason: &str) {
    host.set_property(attribute::VERDICT, verdict.as_bytes());
    if !reason.is_empty() {
        host.set_property(attribute::REASON, reason.as_bytes());
    }
}
