//! Usage of one completion: what is counted, and so paid for.

mod count;

pub use count::{MAX_COUNT, count};

/// What one completion used, as providers report it in `usage`.
///
/// Fields that a provider leaves out or sets to `null` count as zero, and none counts for more than
/// [`MAX_COUNT`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, those read from and written to a cache included.
    pub prompt_tokens: u64,
    /// Tokens of the completion, reasoning included.
    pub completion_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
    /// Anthropic's names, beside OpenAI's.
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    server_tool_use: ServerTools,
    /// Perplexity's name of the web searches.
    num_search_queries: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    cache_creation_tokens: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ServerTools {
    web_search_requests: u64,
}

/// The most web searches that one completion is believed to have made.
pub const MAX_SEARCHES: u64 = 1_000;

impl Usage {
    /// Takes in a member of a provider's `usage`, or of an object in it, by its name and its JSON. What does not
    /// count is left alone.
    pub fn take(&mut self, object: Option<&str>, name: &str, json: &str) {
        let prompt = &mut self.prompt_tokens_details;
        let place = match (object, name) {
            (None, "prompt_tokens") => &mut self.prompt_tokens,
            (None, "completion_tokens") => &mut self.completion_tokens,
            (None, "cache_read_input_tokens") => &mut self.cache_read_input_tokens,
            (None, "cache_creation_input_tokens") => &mut self.cache_creation_input_tokens,
            (None, "num_search_queries") => &mut self.num_search_queries,
            (Some("prompt_tokens_details"), "cached_tokens") => &mut prompt.cached_tokens,
            (Some("prompt_tokens_details"), "cache_write_tokens") => &mut prompt.cache_write_tokens,
            (Some("prompt_tokens_details"), "cache_creation_tokens") => {
                &mut prompt.cache_creation_tokens
            }
            (Some("completion_tokens_details"), "reasoning_tokens") => {
                &mut self.completion_tokens_details.reasoning_tokens
            }
            (Some("server_tool_use"), "web_search_requests") => {
                &mut self.server_tool_use.web_search_requests
            }
            _ => return,
        };
        *place = count(json);
    }

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
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;

    use super::*;

    type Members<'a> = BTreeMap<&'a str, &'a RawValue>;

    pub(crate) fn read(json: &str) -> Usage {
        let mut usage = Usage::default();
        for (name, value) in serde_json::from_str::<Members<'_>>(json).unwrap() {
            usage.take(None, name, value.get());
            let inside = serde_json::from_str::<Members<'_>>(value.get());
            for (inner, value) in inside.unwrap_or_default() {
                usage.take(Some(name), inner, value.get());
            }
        }
        usage
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
