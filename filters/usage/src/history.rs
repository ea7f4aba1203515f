//! What is remembered of requests that are over: the generation, and the day's activity of the endpoint.

use meshrouter_core::Candidate;
use meshrouter_host::{Host, update_shared};
use meshrouter_ledger::activity::{self, Activity, Day};
use meshrouter_ledger::generation;
use meshrouter_store::queue;

use crate::bill::Bill;
use crate::generation::Remembered;

/// Remembers a generation, made at a time in Unix milliseconds. In the place that it gets, another one is forgotten.
pub(crate) fn remember(
    host: &mut impl Host,
    remembered: &Remembered<'_>,
    id: &str,
    milliseconds: u64,
    is_stored: bool,
) {
    let json = serde_json::to_vec(remembered).unwrap_or_default();
    let place = generation::key(id);
    host.set_shared(&place, &generation::value(milliseconds, &json), None);
    if is_stored {
        queue::push(host, &place);
    }
}

/// Adds a request to the day of its endpoint, at a time in Unix seconds.
pub(crate) fn count(host: &mut impl Host, candidate: &Candidate, bill: &Bill, now: u64) {
    let sum = bill.sum();
    let done = Day {
        number: 0,
        requests: 1,
        spent: sum.spent,
        byok: sum.byok,
        prompt_tokens: bill.usage.prompt_tokens,
        cached_tokens: bill.usage.cached_tokens(),
        completion_tokens: bill.usage.completion_tokens,
        reasoning_tokens: bill.usage.reasoning_tokens(),
    };
    let name = format!("{}@{}", candidate.model, candidate.endpoint);
    let mut is_new = false;
    update_shared(host, &activity::key(&name), |bytes| {
        is_new = bytes.is_none();
        let mut days = Activity::decode(bytes.as_deref());
        days.add(done, now);
        days.encode()
    });
    if is_new {
        update_shared(host, activity::INDEX, |names| {
            [
                names.unwrap_or_default(),
                name.clone().into_bytes(),
                b"\n".to_vec(),
            ]
            .concat()
        });
    }
}
