//! The access-log record: what one request was, took and cost. Never what was said.

use meshrouter_core::money::Usd;
use serde::Serialize;
use serde_json::value::RawValue;

/// One record, written as one JSON object. Fields that are not known are `null`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Record<'a> {
    /// The generation's id.
    pub id: &'a str,
    /// The name of the caller's key.
    pub key: &'a str,
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
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// Whether the response came to its end.
    pub finished: bool,
    /// Tokens as the provider reported them.
    pub prompt_tokens: Option<u64>,
    /// Of these, from the provider's cache.
    pub cached_tokens: Option<u64>,
    /// Tokens of the completion.
    pub completion_tokens: Option<u64>,
    /// Of these, reasoning.
    pub reasoning_tokens: Option<u64>,
    /// In USD, exact.
    pub cost: Option<Box<RawValue>>,
    /// What became of the answer's JSON, where it was to be repaired.
    pub healing: Option<&'a str>,
    /// The repairs that were made.
    pub healed: Option<Vec<&'a str>>,
    /// Milliseconds from the request's headers to the first byte of the response's body.
    pub first_byte_ms: Option<u64>,
}

impl<'a> Record<'a> {
    /// Takes in what `healing` said: a verdict and, behind a semicolon, the repairs.
    pub(crate) fn take_healing(&mut self, said: &'a str) {
        let (verdict, kinds) = said.split_once(';').unwrap_or((said, ""));
        let kinds = kinds.split(',').filter(|kind| !kind.is_empty());
        self.healing = Some(verdict);
        self.healed = Some(kinds.collect());
    }

    /// As one line of JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// An amount as a JSON number with all its digits.
pub(crate) fn number(amount: Usd) -> Option<Box<RawValue>> {
    RawValue::from_string(amount.to_string()).ok()
}
