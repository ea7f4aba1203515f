//! The access-log record: what one request was, took and cost. Never what was said.

use meshrouter_core::money::Usd;
use meshrouter_core::outcome::Failed;

use crate::bill::Bill;
use crate::json::{Json, Object, name};

/// One record, written as one JSON object. Fields that are not known are `null`.
#[derive(Debug, Default)]
pub(crate) struct Record<'a> {
    /// The generation's id.
    pub id: &'a str,
    /// The name of the caller's key; of a created one, that of the key that made it.
    pub key: &'a str,
    /// How the caller's key is shown.
    pub key_label: Option<&'a str>,
    /// The caller's application, by its own words.
    pub app: Option<&'a str>,
    /// The application's URL.
    pub app_url: Option<&'a str>,
    /// The first model that was asked for.
    pub model_requested: &'a str,
    /// The model that served.
    pub model: Option<&'a str>,
    /// The provider that served.
    pub provider: Option<&'a str>,
    /// Whether it served on the caller's own account.
    pub byok: bool,
    /// Attempts made.
    pub attempts: Option<u64>,
    /// Of these, the ones that failed: they cost the caller nothing.
    pub failed: &'a [Failed],
    /// Whether the prompt lost its middle.
    pub compressed: bool,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// Whether the response came to its end.
    pub finished: bool,
    /// Whether the caller left before.
    pub cancelled: bool,
    /// The canonical finish reason.
    pub finish: Option<&'a str>,
    /// Whether the tokens are estimated, because the provider reported none.
    pub estimated: bool,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<u64>,
    /// Of these, from the provider's cache.
    pub cached_tokens: Option<u64>,
    /// Of these, written to the provider's cache.
    pub cache_write_tokens: Option<u64>,
    /// Tokens of the completion.
    pub completion_tokens: Option<u64>,
    /// Of these, reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Images of the prompt.
    pub images: u64,
    /// Web searches that the provider made.
    pub web_searches: Option<u64>,
    /// What the caller pays, in USD, exact.
    pub cost: Option<Usd>,
    /// What the provider takes by the endpoint's prices, whoever pays it.
    pub upstream_cost: Option<Usd>,
    /// What became of the answer's JSON, where it was to be repaired.
    pub healing: Option<&'a str>,
    /// The repairs that were made.
    pub healed: Option<Vec<&'a str>>,
    /// Milliseconds from the request's headers to the first byte of the response's body.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds from the request's headers to the end of the response.
    pub latency_ms: u64,
    /// Tokens of the completion a second, over all of that time.
    pub throughput: Option<Tenths>,
}

impl<'a> Record<'a> {
    /// Takes in what `healing` said: a verdict and, behind a semicolon, the repairs.
    pub(crate) fn take_healing(&mut self, said: &'a str) {
        let (verdict, kinds) = said.split_once(';').unwrap_or((said, ""));
        let kinds = kinds.split(',').filter(|kind| !kind.is_empty());
        self.healing = Some(verdict);
        self.healed = Some(kinds.collect());
    }

    /// Takes in what was used and what it costs.
    pub(crate) fn take_bill(&mut self, bill: &Bill) {
        let usage = bill.usage;
        self.estimated = bill.estimated;
        self.prompt_tokens = Some(usage.prompt_tokens);
        self.cached_tokens = Some(usage.cached_tokens());
        self.cache_write_tokens = Some(usage.cache_write_tokens());
        self.completion_tokens = Some(usage.completion_tokens);
        self.reasoning_tokens = Some(usage.reasoning_tokens());
        self.web_searches = Some(usage.web_searches());
        self.cost = Some(bill.cost.caller);
        self.upstream_cost = Some(bill.cost.upstream);
        self.throughput = throughput(usage.completion_tokens, self.latency_ms);
    }

    /// As one line of JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut line = Object::behind(Vec::with_capacity(LINE));
        line.member(name!("id"), self.id)
            .member(name!("key"), self.key)
            .member(name!("key_label"), self.key_label)
            .member(name!("app"), self.app)
            .member(name!("app_url"), self.app_url)
            .member(name!("model_requested"), self.model_requested)
            .member(name!("model"), self.model)
            .member(name!("provider"), self.provider)
            .member(name!("byok"), self.byok)
            .member(name!("attempts"), self.attempts)
            .member(name!("failed"), self.failed)
            .member(name!("compressed"), self.compressed)
            .member(name!("stream"), self.stream)
            .member(name!("finished"), self.finished)
            .member(name!("cancelled"), self.cancelled)
            .member(name!("finish"), self.finish)
            .member(name!("estimated"), self.estimated)
            .member(name!("prompt_tokens"), self.prompt_tokens)
            .member(name!("cached_tokens"), self.cached_tokens)
            .member(name!("cache_write_tokens"), self.cache_write_tokens)
            .member(name!("completion_tokens"), self.completion_tokens)
            .member(name!("reasoning_tokens"), self.reasoning_tokens)
            .member(name!("images"), self.images)
            .member(name!("web_searches"), self.web_searches)
            .member(name!("cost"), self.cost)
            .member(name!("upstream_cost"), self.upstream_cost)
            .member(name!("healing"), self.healing)
            .member(name!("healed"), self.healed.as_deref())
            .member(name!("first_byte_ms"), self.first_byte_ms)
            .member(name!("latency_ms"), self.latency_ms)
            .member(name!("throughput"), self.throughput);
        line.finish()
    }
}

/// Most records are shorter.
const LINE: usize = 1_024;

/// A number of tenths, with its decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tenths(u64);

impl Json for Tenths {
    fn write(&self, out: &mut Vec<u8>) {
        (self.0 / 10).write(out);
        out.push(b'.');
        (self.0 % 10).write(out);
    }
}

impl Json for Failed {
    fn write(&self, out: &mut Vec<u8>) {
        let mut failed = Object::behind(std::mem::take(out));
        failed
            .member(name!("candidate"), self.candidate.as_str())
            .member(name!("status"), self.status.map(u64::from))
            .member(name!("reason"), self.reason.as_str())
            .member(name!("ms"), self.ms);
        *out = failed.finish();
    }
}

/// Tokens a second, cut off behind the first decimal; `None` where nothing was written, or in no time.
fn throughput(tokens: u64, ms: u64) -> Option<Tenths> {
    let tenths = tokens.saturating_mul(10_000).checked_div(ms)?;
    (tokens > 0).then_some(Tenths(tenths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_a_decimal() {
        let text = |tokens, ms| {
            let mut out = Vec::new();
            throughput(tokens, ms)?.write(&mut out);
            String::from_utf8(out).ok()
        };
        assert_eq!(text(100, 1_500).as_deref(), Some("66.6"));
        assert_eq!(text(1, 20_000).as_deref(), Some("0.0"));
        assert_eq!(text(1_000_000_000, 1).as_deref(), Some("1000000000000.0"));
        assert_eq!((text(0, 10), text(5, 0)), (None, None));
    }
}
