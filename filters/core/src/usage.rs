//! Token usage of one completion, and what it costs.

use serde::Deserialize;

use crate::document::Pricing;
use crate::money::Usd;

/// Tokens of one completion, as providers report them in `usage`.
///
/// Fields that a provider leaves out or sets to `null` count as zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    #[serde(deserialize_with = "count")]
    pub prompt_tokens: u64,
    /// Tokens of the completion, reasoning included.
    #[serde(deserialize_with = "count")]
    pub completion_tokens: u64,
    #[serde(deserialize_with = "or_default")]
    prompt_tokens_details: PromptDetails,
    #[serde(deserialize_with = "or_default")]
    completion_tokens_details: CompletionDetails,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct PromptDetails {
    #[serde(deserialize_with = "count")]
    cached_tokens: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    #[serde(deserialize_with = "count")]
    reasoning_tokens: u64,
}

impl Usage {
    /// Tokens of the prompt that came from the provider's cache; never more than the prompt has.
    #[must_use]
    pub fn cached_tokens(&self) -> u64 {
        self.prompt_tokens_details
            .cached_tokens
            .min(self.prompt_tokens)
    }

    /// Tokens of the completion that were reasoning.
    #[must_use]
    pub fn reasoning_tokens(&self) -> u64 {
        self.completion_tokens_details
            .reasoning_tokens
            .min(self.completion_tokens)
    }

    /// What this usage costs at `pricing`, rounded once.
    #[must_use]
    pub fn cost(&self, pricing: &Pricing) -> Usd {
        let cached = self.cached_tokens();
        let fresh = self.prompt_tokens.saturating_sub(cached);
        let parts = [
            pricing.prompt.times(fresh),
            pricing
                .input_cache_read
                .unwrap_or(pricing.prompt)
                .times(cached),
            pricing.completion.times(self.completion_tokens),
            pricing
                .internal_reasoning
                .unwrap_or_default()
                .times(self.reasoning_tokens()),
            pricing.request.unwrap_or_default().times(1),
        ];
        Usd::from_pico(parts.into_iter().fold(0, u128::saturating_add))
    }
}

/// The most tokens that a provider's count is believed, per completion.
const MAX_TOKENS: f64 = 1e9;

/// A count that may be `null` or, from careless providers, a float or a string.
fn count<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let number = number.unwrap_or(0.0).min(MAX_TOKENS);
    // The cast saturates: negative and NaN become zero.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok(number as u64)
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Price;

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    #[test]
    fn reads_what_providers_send() {
        let usage: Usage = serde_json::from_str(
            r#"{"prompt_tokens": 10, "completion_tokens": 5.0, "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
                "completion_tokens_details": null, "queue_time": 0.1}"#,
        )
        .unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (10, 5));
        assert_eq!((usage.cached_tokens(), usage.reasoning_tokens()), (4, 0));
        let nulls: Usage =
            serde_json::from_str(r#"{"prompt_tokens": null, "completion_tokens": -3}"#).unwrap();
        assert_eq!(nulls, Usage::default());
        let odd: Usage =
            serde_json::from_str(r#"{"prompt_tokens": "12", "completion_tokens": 1e300}"#).unwrap();
        assert_eq!(
            (odd.prompt_tokens, odd.completion_tokens),
            (12, 1_000_000_000)
        );
    }

    #[test]
    fn cost_is_exact() {
        let pricing = Pricing {
            prompt: price("0.00000015"),
            completion: price("0.0000006"),
            ..Pricing::default()
        };
        let usage: Usage =
            serde_json::from_str(r#"{"prompt_tokens": 1000, "completion_tokens": 500}"#).unwrap();
        assert_eq!(usage.cost(&pricing).to_string(), "0.00045");
    }

    #[test]
    fn cached_and_reasoning_tokens_have_their_own_prices() {
        let pricing = Pricing {
            prompt: price("0.000003"),
            completion: price("0.000015"),
            input_cache_read: Some(price("0.0000003")),
            internal_reasoning: Some(price("0.000001")),
            request: Some(price("0.01")),
            ..Pricing::default()
        };
        let usage: Usage = serde_json::from_str(
            r#"{"prompt_tokens": 100, "completion_tokens": 20,
                "prompt_tokens_details": {"cached_tokens": 90},
                "completion_tokens_details": {"reasoning_tokens": 10}}"#,
        )
        .unwrap();
        // 10 × 3µ + 90 × 0.3µ + 20 × 15µ + 10 × 1µ + 0.01
        assert_eq!(usage.cost(&pricing).to_string(), "0.010367");
    }
}
