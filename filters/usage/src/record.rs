//! The access-log record: what one request was, took and cost. Never what was said.

use meshrouter_core::money::Usd;
use meshrouter_core::outcome::Failed;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::bill::Bill;

/// One record, written as one JSON object. Fields that are not known are `null`.
#[derive(Debug, Default, Serialize)]
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
    pub attempts: Option<usize>,
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
    pub cost: Option<Box<RawValue>>,
    /// What the provider takes by the endpoint's prices, whoever pays it.
    pub upstream_cost: Option<Box<RawValue>>,
    /// What became of the answer's JSON, where it was to be repaired.
    pub healing: Option<&'a str>,
    /// The repairs that were made.
    pub healed: Option<Vec<&'a str>>,
    /// Milliseconds from the request's headers to the first byte of the response's body.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds from the request's headers to the end of the response.
    pub latency_ms: u64,
    /// Tokens of the completion a second, over all of that time.
    pub throughput: Option<Box<RawValue>>,
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
        self.cost = number(bill.cost.caller);
        self.upstream_cost = number(bill.cost.upstream);
        self.throughput = throughput(usage.completion_tokens, self.latency_ms);
    }

    /// As one line of JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// An amount as a JSON number with all its digits.
fn number(amount: Usd) -> Option<Box<RawValue>> {
    RawValue::from_string(amount.to_string()).ok()
}

/// Tokens a second with one decimal, cut off there; `None` where nothing was written, or in no time.
fn throughput(tokens: u64, ms: u64) -> Option<Box<RawValue>> {
    let tenths = tokens.saturating_mul(10_000).checked_div(ms)?;
    let text = format!("{}.{}", tenths / 10, tenths % 10);
    let text = RawValue::from_string(text).ok();
    text.filter(|_| tokens > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_a_decimal() {
        let text = |tokens, ms| throughput(tokens, ms).map(|number| number.get().to_owned());
        assert_eq!(text(100, 1_500).as_deref(), Some("66.6"));
        assert_eq!(text(1, 20_000).as_deref(), Some("0.0"));
        assert_eq!(text(1_000_000_000, 1).as_deref(), Some("1000000000000.0"));
        assert_eq!((text(0, 10), text(5, 0)), (None, None));
    }
}
