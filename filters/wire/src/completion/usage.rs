//! `usage` in OpenAI's words.

use super::{Edit, finish};
use crate::json::{Patch, Value};

/// Other names that providers give the counts.
const NAMES: [(&str, &str); 2] = [
    ("prompt_tokens", "input_tokens"),
    ("completion_tokens", "output_tokens"),
];

/// The usage with the counts that OpenAI's has, beside what it had; `None` where it has them.
pub(super) fn canonical(usage: Value<'_>) -> Option<Edit> {
    let count = |name: &str| usage.member(name)?.whole_number();
    let mut patch = Patch::of(usage.raw);
    let mut total: u64 = 0;
    for (name, other) in NAMES {
        let known = count(name);
        let tokens = known.or_else(|| count(other)).unwrap_or(0);
        total = total.saturating_add(tokens);
        if known.is_none() && usage.member(name).is_none() {
            patch.insert(name, tokens.to_string().as_bytes());
        }
    }
    if usage.member("total_tokens").is_none() {
        patch.insert("total_tokens", total.to_string().as_bytes());
    }
    let cached = count("prompt_cache_hit_tokens").or_else(|| count("cache_read_input_tokens"));
    if let Some(cached) = cached.filter(|_| usage.member("prompt_tokens_details").is_none()) {
        let details = format!(r#"{{"cached_tokens":{cached}}}"#);
        patch.insert("prompt_tokens_details", details.as_bytes());
    }
    if patch.is_empty() {
        return None;
    }
    Some((usage.start..usage.end(), finish(patch, usage.raw)))
}
