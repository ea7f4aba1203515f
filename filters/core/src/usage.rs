//! Usage of one completion: what is counted, and so paid for.

mod count;

use serde::Deserialize;

pub use count::{MAX_COUNT, count};

/// What one completion used, as providers report it in `usage`.
///
/// Fields that a provider leaves out or sets to `null` count as zero, and none counts for more than
/// [`MAX_COUNT`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the prompt, those read from and written to a cache included.
    #[serde(deserialize_with = "count::member")]
    pub prompt_tokens: u64,
    /// Tokens of the completion, reasoning included.
    #[serde(deserialize_with = "count::member")]
    pub completion_tokens: u64,
    #[serde(deserialize_with = "count::details")]
    prompt_tokens_details: PromptDetails,
    #[serde(deserialize_with = "count::details")]
    completion_tokens_details: CompletionDetails,
    /// Anthropic's names, beside OpenAI's.
    #[serde(deserialize_with = "count::member")]
    cache_read_input_tokens: u64,
    #[serde(deserialize_with = "count::member")]
    cache_creation_input_tokens: u64,
    #[serde(deserialize_with = "count::details")]
    server_tool_use: ServerTools,
    /// Perplexity's name of the web searches.
    #[serde(deserialize_with = "count::member")]
    num_search_queries: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct PromptDetails {
    #[serde(deserialize_with = "count::member")]
    cached_tokens: u64,
    #[serde(deserialize_with = "count::member")]
    cache_write_tokens: u64,
    #[serde(deserialize_with = "count::member")]
    cache_creation_tokens: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    #[serde(deserialize_with = "count::member")]
    reasoning_tokens: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct ServerTools {
    #[serde(deserialize_with = "count::member")]
    web_search_requests: u64,
}

/// The most web searches that one completion is believed to have made.
pub const MAX_SEARCHES: u64 = 1_000;

impl Usage {
    /// What was estimated, because the provider reported nothing.
    #[must_use]
    pub fn estimated(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            prompt_tokens: prompt_tokens.min(MAX_COUNT),
            completion_tokens: completion_tokens.min(MAX_COUNT),
            ..Self::default()
        }
    }

    /// Tokens of the prompt that came from the provider's cache; never more than the prompt has.
    #[must_use]
    pub fn cached_tokens(&self) -> u64 {
        self.prompt_tokens_details
            .cached_tokens
            .max(self.cache_read_input_tokens)
            .min(self.prompt_tokens)
    }

    /// Tokens of the prompt that were written to the provider's cache; never more than those that did not come
    /// from it.
    #[must_use]
    pub fn cache_write_tokens(&self) -> u64 {
        let details = self.prompt_tokens_details;
        details
            .cache_write_tokens
            .max(details.cache_creation_tokens)
            .max(self.cache_creation_input_tokens)
            .min(self.prompt_tokens.saturating_sub(self.cached_tokens()))
    }

    /// Tokens of the prompt that have to do with no cache.
    #[must_use]
    pub fn fresh_tokens(&self) -> u64 {
        let cached = self.cached_tokens();
        let others = cached.saturating_add(self.cache_write_tokens());
        self.prompt_tokens.saturating_sub(others)
    }

    /// Tokens of the completion that were reasoning.
    #[must_use]
    pub fn reasoning_tokens(&self) -> u64 {
        self.completion_tokens_details
            .reasoning_tokens
            .min(self.completion_tokens)
    }

    /// Web searches that the provider made; never more than [`MAX_SEARCHES`].
    #[must_use]
    pub fn web_searches(&self) -> u64 {
        self.server_tool_use
            .web_search_requests
            .max(self.num_search_queries)
            .min(MAX_SEARCHES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Usage {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn reads_what_providers_send() {
        let usage = read(
            r#"{"prompt_tokens": 10, "completion_tokens": 5.0, "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
                "completion_tokens_details": null, "queue_time": 0.1}"#,
        );
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (10, 5));
        assert_eq!((usage.cached_tokens(), usage.reasoning_tokens()), (4, 0));
        let nulls = read(r#"{"prompt_tokens": null, "completion_tokens": -3}"#);
        assert_eq!(nulls, Usage::default());
        let odd = read(r#"{"prompt_tokens": "12", "completion_tokens": 1e300}"#);
        assert_eq!(
            (odd.prompt_tokens, odd.completion_tokens),
            (12, 1_000_000_000)
        );
        let details = read(
            r#"{"prompt_tokens": 1, "prompt_tokens_details": [3], "completion_tokens_details": "x",
                "server_tool_use": 3}"#,
        );
        assert_eq!(details, Usage::estimated(1, 0));
    }

    #[test]
    fn cache_writes_have_several_names() {
        for json in [
            r#"{"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 5}}"#,
            r#"{"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 3, "cache_creation_tokens": 5}}"#,
            r#"{"prompt_tokens": 10, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 5}"#,
            r#"{"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 3}, "cache_creation_input_tokens": 5}"#,
        ] {
            let usage = read(json);
            let tokens = [
                usage.cached_tokens(),
                usage.cache_write_tokens(),
                usage.fresh_tokens(),
            ];
            assert_eq!(tokens, [3, 5, 2], "{json}");
        }
    }

    #[test]
    fn parts_are_never_more_than_the_whole() {
        let usage = read(
            r#"{"prompt_tokens": 10, "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 7},
                "completion_tokens_details": {"reasoning_tokens": 2},
                "server_tool_use": {"web_search_requests": 1e9}}"#,
        );
        assert_eq!((usage.cached_tokens(), usage.cache_write_tokens()), (7, 3));
        assert_eq!((usage.fresh_tokens(), usage.reasoning_tokens()), (0, 1));
        assert_eq!(usage.web_searches(), MAX_SEARCHES);
    }

    #[test]
    fn searches_are_reported_in_two_ways() {
        let anthropic = read(r#"{"server_tool_use": {"web_search_requests": 2}}"#);
        let perplexity = read(r#"{"num_search_queries": 2}"#);
        assert_eq!(
            [anthropic.web_searches(), perplexity.web_searches()],
            [2, 2]
        );
    }
}
