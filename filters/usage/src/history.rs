//! What is remembered of requests that are over.

use meshrouter_host::Host;
use meshrouter_ledger::generation;
use meshrouter_store::queue;

/// Remembers a generation, made at a time in Unix milliseconds. In the place that it gets, another one is forgotten.
pub(crate) fn remember(
    host: &mut impl Host,
    json: &[u8],
    id: &str,
    milliseconds: u64,
    is_stored: bool,
) {
    let place = generation::key(id);
    host.set_shared(&place, &generation::value(milliseconds, json), None);
    if is_stored {
        queue::push(host, &place);
    }
}
