//! What the requests of one endpoint add up to.

use meshrouter_core::Candidate;
use meshrouter_core::names::metric;
use meshrouter_host::{Metrics, SharedData, update_shared};
use meshrouter_ledger::activity::{self, Activity, Day};

use crate::bill::Bill;

/// When things happened, in nanoseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) started: u64,
    /// The first byte of a stream.
    pub(crate) first_byte: Option<u64>,
    pub(crate) ended: u64,
}

/// What one endpoint's requests add up to. Names are made once.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The labels of whoever answers, as metrics' names have them.
    labels: String,
    /// The histograms' names.
    duration: String,
    first_token: String,
    per_token: String,
    /// The counters' names: of tokens by their type, of cost, of fallbacks.
    tokens: [String; TYPES.len()],
    cost: String,
    fell_back: String,
    /// How many ended with each status, and the counter's name.
    requests: Vec<(i64, String, u64)>,
    /// Answers that came, by the day.
    days: Activity,
    cache_writes: u64,
    /// Answers of another than the first of the plan.
    fallbacks: u64,
}

/// The types of tokens.
const TYPES: [&str; 5] = ["input", "cached", "cache_write", "output", "reasoning"];

impl Entry {
    /// Of whoever answers; `None` where nobody does.
    pub(super) fn new(candidate: Option<&Candidate>) -> Self {
        let labels = candidate.map(|candidate| {
            let model = ("model", candidate.model.as_str());
            [model, ("provider", candidate.provider())]
        });
        let labels = labels.map_or_else(String::new, |labels| metric::label("", &labels));
        let name = |metric: &str| [metric, &labels].concat();
        Self {
            duration: name(metric::DURATION),
            first_token: name(metric::FIRST_TOKEN),
            per_token: name(metric::PER_TOKEN),
            tokens: TYPES.map(|kind| [metric::TOKENS, &labels, ";type=", kind].concat()),
            cost: name(metric::COST),
            fell_back: name(metric::FALLBACKS),
            labels,
            requests: Vec::new(),
            days: Activity::default(),
            cache_writes: 0,
            fallbacks: 0,
        }
    }

    /// A request ended with this status.
    pub(crate) fn request(&mut self, status: i64) {
        let mut known = self.requests.iter_mut();
        match known.find(|(known, ..)| *known == status) {
            Some((.., requests)) => *requests = requests.saturating_add(1),
            None => {
                let label = status.to_string();
                let name = [metric::REQUESTS, &self.labels, ";status=", &label].concat();
                self.requests.push((status, name, 1));
            }
        }
    }

    /// An answer came. Its times are told at once: each is a value of its own.
    pub(crate) fn answer(
        &mut self,
        host: &mut impl Metrics,
        bill: &Bill,
        fell_back: bool,
        times: Times,
    ) {
        let (usage, sum) = (&bill.usage, bill.sum());
        let done = Day {
            number: 0,
            requests: 1,
            spent: sum.spent,
            byok: sum.byok,
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens(),
            completion_tokens: usage.completion_tokens,
            reasoning_tokens: usage.reasoning_tokens(),
        };
        self.days.add(done, times.ended / 1_000_000_000);
        self.cache_writes = self.cache_writes.saturating_add(usage.cache_write_tokens());
        self.fallbacks = self.fallbacks.saturating_add(fell_back.into());
        let since = |from: u64, to: u64, unit: u64| to.saturating_sub(from) / unit;
        let all = since(times.started, times.ended, 1_000_000);
        host.observe(&self.duration, all);
        let Some(first) = times.first_byte else {
            return;
        };
        let wait = since(times.started, first, 1_000_000);
        host.observe(&self.first_token, wait);
        let rest = usage.completion_tokens.saturating_sub(1);
        if let Some(each) = since(first, times.ended, 1_000).checked_div(rest) {
            host.observe(&self.per_token, each);
        }
    }

    /// Tells how many ended with each status since it was last told.
    pub(super) fn tell_requests(&mut self, host: &mut (impl Metrics + ?Sized)) {
        for (_, name, requests) in &mut self.requests {
            match std::mem::take(requests) {
                0 => {}
                more => host.count(name, more),
            }
        }
    }

    /// Tells what came of this endpoint, whose name in the list of activities this is.
    pub(super) fn tell_answers(
        &mut self,
        host: &mut (impl Metrics + SharedData + ?Sized),
        name: &str,
    ) {
        let days = std::mem::take(&mut self.days);
        let cache_writes = std::mem::take(&mut self.cache_writes);
        let fallbacks = std::mem::take(&mut self.fallbacks);
        let all = days.total();
        if all.requests == 0 {
            return;
        }
        let tokens = [
            all.prompt_tokens,
            all.cached_tokens,
            cache_writes,
            all.completion_tokens,
            all.reasoning_tokens,
        ];
        for (counter, tokens) in self.tokens.iter().zip(tokens) {
            if tokens > 0 {
                host.count(counter, tokens);
            }
        }
        host.count(&self.cost, all.spent);
        if fallbacks > 0 {
            host.count(&self.fell_back, fallbacks);
        }
        remember(host, name, &days);
    }
}

/// Adds to the days of an endpoint that all workers share.
fn remember(host: &mut (impl SharedData + ?Sized), name: &str, done: &Activity) {
    let mut is_new = false;
    update_shared(host, &activity::key(name), |bytes| {
        is_new = bytes.is_none();
        let mut days = Activity::decode(bytes.as_deref());
        days.merge(done);
        days.encode()
    });
    if is_new {
        update_shared(host, activity::INDEX, |names| {
            [&names.unwrap_or_default(), name.as_bytes(), b"\n"].concat()
        });
    }
}
