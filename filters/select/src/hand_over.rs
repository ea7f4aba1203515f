//! What a plan becomes: headers for the attempts, and for Envoy's router.

use meshrouter_core::Catalog;
use meshrouter_core::credentials::Rule;
use meshrouter_core::document::Timeouts;
use meshrouter_core::groups;
use meshrouter_core::money::Decimal;
use meshrouter_core::names::{NOBODY, header};
use meshrouter_host::{Direction, Host};

use crate::plan::Selection;
use crate::rank::Ranked;

/// Tells the attempts whom to ask, and Envoy's router how often: once more than there are
/// candidates, so that `fallback` has the last word where all of them failed.
pub(crate) fn plan(host: &mut impl Host, selection: &Selection<'_>, hedge_after: u64) {
    let candidates = u64::try_from(selection.planned.len()).unwrap_or(u64::MAX);
    let hedges = hedge_after > 0 && candidates > 1;
    // Where attempts race, each may lead to the next twice: when it is slow, and when it fails.
    let retries = candidates.saturating_mul(if hedges { 3 } else { 1 });
    set(host, header::PLAN, &selection.plan());
    set_number(host, header::ENVOY_MAX_RETRIES, retries);
    if hedges {
        // By the route's `hedge_policy`, one that is too slow runs on beside the next.
        set_number(host, header::ENVOY_PER_TRY_TIMEOUT, hedge_after);
    }
}

/// In the native shape: tells the edge's route where each attempt goes, and how long it may take to answer.
pub(crate) fn route(
    host: &mut impl Host,
    catalog: &Catalog,
    rules: &[Rule],
    selection: &Selection<'_>,
) {
    let clusters = selection.planned.iter().map(|ranked| {
        let own = ranked.own.and_then(|n| rules.get(n)?.cluster.as_deref());
        let provider = || Some(&*catalog.provider(&ranked.endpoint.provider)?.cluster);
        own.or_else(provider).unwrap_or(NOBODY)
    });
    let groups = groups::encode(clusters.chain([NOBODY]));
    set(host, header::GROUPS, &groups);
    // Envoy's router alone can end an attempt that has not answered, and has one time for all of a request's.
    let patience = selection.planned.iter().map(patience);
    let patience = patience.max_by_key(|ms| ms.wrapping_sub(1)).unwrap_or(0);
    if Some(patience) != Timeouts::usual().first_byte_ms {
        set_number(host, header::ENVOY_PER_TRY_TIMEOUT, patience);
    }
}

/// The milliseconds that a candidate has to begin its answer; 0 for as long as it likes.
fn patience(ranked: &Ranked<'_>) -> u64 {
    let Timeouts {
        first_byte_ms,
        total_ms,
        ..
    } = ranked.endpoint.timeouts;
    let limits = [first_byte_ms, total_ms].into_iter().flatten();
    limits.filter(|ms| *ms > 0).min().unwrap_or(0)
}

fn set_number(host: &mut impl Host, name: &str, value: u64) {
    set(host, name, Decimal::from(value).text());
}

fn set(host: &mut impl Host, name: &str, value: &str) {
    host.set_header(Direction::Request, name, value.as_bytes());
}
