//! What Prometheus is told of a request that is over.

use meshrouter_core::Outcome;
use meshrouter_core::names::metric;
use meshrouter_host::Metrics;

use crate::bill::Bill;

/// When things happened, in nanoseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) started: u64,
    pub(crate) first_byte: Option<u64>,
    pub(crate) ended: u64,
}

/// The labels of everything that one request adds to.
#[derive(Debug)]
pub(crate) struct Labels<'a> {
    labels: Vec<(&'static str, &'a str)>,
    /// Whether it was not the first of the plan.
    fell_back: bool,
}

impl<'a> Labels<'a> {
    /// Those of whoever answered.
    pub(crate) fn of(outcome: Option<&'a Outcome>) -> Self {
        let candidate = outcome.map(|outcome| &outcome.candidate);
        let labels = candidate.map(|candidate| {
            [
                ("model", candidate.model.as_str()),
                ("provider", candidate.provider()),
            ]
        });
        Self {
            labels: labels.into_iter().flatten().collect(),
            fell_back: outcome.is_some_and(|outcome| outcome.attempts > 1),
        }
    }

    fn name(&self, metric: &str) -> String {
        metric::label(metric, &self.labels)
    }

    fn with(&self, metric: &str, label: (&str, &str)) -> String {
        metric::label(metric, &[self.labels.as_slice(), &[label]].concat())
    }
}

/// A request ended with this status.
pub(crate) fn request(host: &mut impl Metrics, labels: &Labels<'_>, status: &str) {
    host.count(&labels.with(metric::REQUESTS, ("status", status)), 1);
}

/// An answer came, in one piece or as a stream.
pub(crate) fn answer(
    host: &mut impl Metrics,
    labels: &Labels<'_>,
    bill: &Bill,
    times: Times,
    is_stream: bool,
) {
    let usage = &bill.usage;
    for (kind, tokens) in [
        ("input", usage.prompt_tokens),
        ("cached", usage.cached_tokens()),
        ("cache_write", usage.cache_write_tokens()),
        ("output", usage.completion_tokens),
        ("reasoning", usage.reasoning_tokens()),
    ] {
        if tokens > 0 {
            host.count(&labels.with(metric::TOKENS, ("type", kind)), tokens);
        }
    }
    host.count(&labels.name(metric::COST), bill.cost.caller.nano());
    if labels.fell_back {
        host.count(&labels.name(metric::FALLBACKS), 1);
    }
    let since = |from: u64, to: u64, unit: u64| to.saturating_sub(from) / unit;
    let all = since(times.started, times.ended, 1_000_000);
    host.observe(&labels.name(metric::DURATION), all);
    let Some(first) = times.first_byte.filter(|_| is_stream) else {
        return;
    };
    let wait = since(times.started, first, 1_000_000);
    host.observe(&labels.name(metric::FIRST_TOKEN), wait);
    let rest = usage.completion_tokens.saturating_sub(1);
    if let Some(each) = since(first, times.ended, 1_000).checked_div(rest) {
        host.observe(&labels.name(metric::PER_TOKEN), each);
    }
}
