//! `usage` in OpenAI's words.

use meshrouter_core::usage::count;

use super::{Edit, finish, set};
use crate::json::{Kind, Patch, Value};

/// The usage with the counts that OpenAI's has, beside what it had; `None` where it has them.
pub(super) fn canonical(usage: Value<'_>) -> Option<Edit> {
    let known = |name: &str| usage.member(name).filter(|value| value.kind != Kind::Null);
    let counted = |name: &str| known(name).map(|value| tokens(value));
    let read = counted("cache_read_input_tokens");
    let written = counted("cache_creation_input_tokens");
    // Anthropic counts beside its `input_tokens` what has to do with its cache, OpenAI among its `prompt_tokens`.
    let beside = read.unwrap_or(0).saturating_add(written.unwrap_or(0));
    let input = || counted("input_tokens").map(|fresh| fresh.saturating_add(beside));
    let prompt = counted("prompt_tokens").or_else(input).unwrap_or(0);
    let completion = counted("completion_tokens").or_else(|| counted("output_tokens"));
    let completion = completion.unwrap_or(0);

    let mut patch = Patch::of(usage.raw);
    let mut add = |name: &str, value: String| {
        if known(name).is_none() {
            set(&mut patch, name, usage.member(name), &value);
        }
    };
    add("prompt_tokens", prompt.to_string());
    add("completion_tokens", completion.to_string());
    let total = prompt.saturating_add(completion);
    add("total_tokens", total.to_string());
    let cached = counted("prompt_cache_hit_tokens").or(read);
    let details = [("cached_tokens", cached), ("cache_write_tokens", written)];
    let details = details.into_iter().filter_map(|(name, tokens)| {
        let tokens = tokens?;
        Some(format!(r#""{name}":{tokens}"#))
    });
    let details: Vec<_> = details.collect();
    if !details.is_empty() {
        add(
            "prompt_tokens_details",
            format!("{{{}}}", details.join(",")),
        );
    }
    if patch.is_empty() {
        return None;
    }
    Some((usage.start..usage.end(), finish(patch, usage.raw)))
}

fn tokens(value: Value<'_>) -> u64 {
    std::str::from_utf8(value.raw).map_or(0, count)
}

#[cfg(test)]
mod tests {
    use meshrouter_core::route::Operation;

    use crate::completion::{Completion, Signature};

    #[test]
    fn usage_has_openais_names() {
        let usage = |text: &str| {
            let text = format!(
                r#"{{"id":"","provider":"","model":"","object":"","created":1,"choices":[],"usage":{text}}}"#
            );
            let completion = Completion::read(text.as_bytes()).unwrap();
            let signed = String::from_utf8(completion.signed(&Signature::new(
                "",
                "",
                "",
                Operation::ChatCompletions,
            )))
            .unwrap();
            let (_, usage) = signed.split_once(r#""usage":"#).unwrap();
            usage[..usage.len() - 1].to_owned()
        };
        let whole = r#"{"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}"#;
        assert_eq!(usage(whole), whole);
        assert_eq!(
            usage(r#"{"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 1}"#),
            r#"{"prompt_tokens":2,"completion_tokens":2,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":1},"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 1}"#,
            "Anthropic counts its cache beside the input"
        );
        let written =
            r#""input_tokens": 1, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 3}"#;
        assert_eq!(
            usage(&format!("{{{written}")),
            format!(
                r#"{{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9,"prompt_tokens_details":{{"cached_tokens":3,"cache_write_tokens":5}},{written}"#
            )
        );
        let details = r#"{"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "cache_creation_input_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 2}}"#;
        assert_eq!(usage(details), details, "details stay as they stand");
        assert_eq!(
            usage(r#"{"prompt_tokens": null, "input_tokens": "7", "completion_tokens": 2.0}"#),
            r#"{"total_tokens":9,"prompt_tokens": 7, "input_tokens": "7", "completion_tokens": 2.0}"#
        );
        assert_eq!(usage("null"), "null");
    }

    #[test]
    fn members_go_into_usage() {
        let with = |text: &str, members: &[(&str, &str)]| {
            let completion = Completion::read(text.as_bytes()).unwrap();
            String::from_utf8(completion.with_usage(members)).unwrap()
        };
        let cost = [("cost", "0.00045"), ("is_byok", "false")];
        assert_eq!(
            with(r#"{"usage": {"prompt_tokens": 1}, "x": 1}"#, &cost),
            r#"{"usage": {"cost":0.00045,"is_byok":false,"prompt_tokens": 1}, "x": 1}"#
        );
        assert_eq!(
            with(r#"{"usage": {"cost": 9}}"#, &cost),
            r#"{"usage": {"is_byok":false,"cost": 0.00045}}"#
        );
        let all = r#"{"cost":0.00045,"is_byok":false}"#;
        for text in [r#"{"usage": null}"#, r#"{"usage": [3]}"#] {
            assert_eq!(with(text, &cost), format!(r#"{{"usage": {all}}}"#));
        }
        assert_eq!(
            with(r#"{"x": 1}"#, &cost),
            format!(r#"{{"usage":{all},"x": 1}}"#)
        );
    }

    #[test]
    fn a_usage_chunk_is_one() {
        let signature = Signature::new("gen-7-x", "a/b", "P", Operation::Completions).of_chunks();
        let chunk = signature.usage_chunk(&[("prompt_tokens", "1"), ("cost", "0")]);
        assert_eq!(
            String::from_utf8(chunk.clone()).unwrap(),
            r#"{"id":"gen-7-x","provider":"P","model":"a/b","object":"text_completion","created":7,"choices":[],"usage":{"prompt_tokens":1,"cost":0}}"#
        );
        assert!(Completion::read(&chunk).unwrap().is_usage_only());
    }

    #[test]
    fn usage_chunks_are_told_from_others() {
        let is = |text: &str| Completion::read(text.as_bytes()).unwrap().is_usage_only();
        assert!(is(r#"{"choices": [ ], "usage": {"prompt_tokens": 1}}"#));
        assert!(!is(r#"{"choices": [], "usage": null}"#));
        assert!(!is(
            r#"{"choices": [{"delta": {}}], "usage": {"prompt_tokens": 1}}"#
        ));
        assert!(!is(r#"{"choices": []}"#));
    }
}
