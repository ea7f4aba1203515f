//! `usage` in OpenAI's words.

use std::ops::Range;

use meshrouter_core::usage::count;

use super::{finish, set};
use crate::json::{JsonError, Kind, Patch, Scanner, Value};

/// The members that are read or written here, each where it stands last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known<'a> {
    prompt: Option<Value<'a>>,
    completion: Option<Value<'a>>,
    total: Option<Value<'a>>,
    details: Option<Value<'a>>,
    input: Option<Value<'a>>,
    output: Option<Value<'a>>,
    cache_hit: Option<Value<'a>>,
    cache_read: Option<Value<'a>>,
    cache_written: Option<Value<'a>>,
}

impl<'a> Known<'a> {
    /// Reads the object that comes next.
    pub(super) fn read(scanner: &mut Scanner<'a>) -> Result<Self, JsonError> {
        let mut known = Self::default();
        let mut object = scanner.enter()?;
        while let Some(member) = scanner.member(&mut object)? {
            let value = Some(scanner.value()?);
            match &*member.name {
                b"prompt_tokens" => known.prompt = value,
                b"completion_tokens" => known.completion = value,
                b"total_tokens" => known.total = value,
                b"prompt_tokens_details" => known.details = value,
                b"input_tokens" => known.input = value,
                b"output_tokens" => known.output = value,
                b"prompt_cache_hit_tokens" => known.cache_hit = value,
                b"cache_read_input_tokens" => known.cache_read = value,
                b"cache_creation_input_tokens" => known.cache_written = value,
                _ => {}
            }
        }
        Ok(known)
    }

    /// The tokens of prompt and completion.
    pub(super) fn tokens(&self) -> Tokens {
        Tokens {
            prompt: counted(self.prompt).unwrap_or(0),
            completion: counted(self.completion).unwrap_or(0),
        }
    }

    /// Whether these are all the counts that OpenAI's usage has.
    fn is_canonical(&self) -> bool {
        let counts = [self.prompt, self.completion, self.total];
        let cached = [self.cache_hit, self.cache_read, self.cache_written];
        counts.into_iter().all(is_known)
            && (is_known(self.details) || !cached.into_iter().any(is_known))
    }
}

/// The tokens that a provider reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Of the prompt.
    pub prompt: u64,
    /// Of the completion.
    pub completion: u64,
}

fn is_known(value: Option<Value<'_>>) -> bool {
    value.is_some_and(|value| value.kind != Kind::Null)
}

fn counted(value: Option<Value<'_>>) -> Option<u64> {
    value.filter(|_| is_known(value)).map(tokens)
}

/// The usage with the counts that OpenAI's has, beside what it had; `None` where it has them.
pub(super) fn canonical(
    usage: Value<'_>,
    known: Option<Known<'_>>,
) -> Option<(Range<usize>, Vec<u8>)> {
    if known.is_none_or(|known| known.is_canonical()) {
        return None;
    }
    // Once more, with offsets that count from the usage's beginning.
    let known = Known::read(&mut Scanner::new(usage.raw)).ok()?;
    let read = counted(known.cache_read);
    let written = counted(known.cache_written);
    let cached = counted(known.cache_hit).or(read);
    // Anthropic counts beside its `input_tokens` what has to do with its cache, OpenAI among its `prompt_tokens`.
    let beside = read.unwrap_or(0).saturating_add(written.unwrap_or(0));
    let input = || counted(known.input).map(|fresh| fresh.saturating_add(beside));
    let prompt = counted(known.prompt).or_else(input).unwrap_or(0);
    let completion = counted(known.completion).or_else(|| counted(known.output));
    let completion = completion.unwrap_or(0);

    let mut patch = Patch::of(usage.raw);
    let mut add = |name: &str, old: Option<Value<'_>>, value: String| {
        if !is_known(old) {
            set(&mut patch, name, old, &value);
        }
    };
    add("prompt_tokens", known.prompt, prompt.to_string());
    add(
        "completion_tokens",
        known.completion,
        completion.to_string(),
    );
    let total = prompt.saturating_add(completion);
    add("total_tokens", known.total, total.to_string());
    let details = [("cached_tokens", cached), ("cache_write_tokens", written)];
    let details = details.into_iter().filter_map(|(name, tokens)| {
        let tokens = tokens?;
        Some(format!(r#""{name}":{tokens}"#))
    });
    let details: Vec<_> = details.collect();
    if !details.is_empty() {
        let details = format!("{{{}}}", details.join(","));
        add("prompt_tokens_details", known.details, details);
    }
    Some((usage.start..usage.end(), finish(patch, usage.raw)))
}

fn tokens(value: Value<'_>) -> u64 {
    std::str::from_utf8(value.raw).map_or(0, count)
}

#[cfg(test)]
mod tests {
    use meshrouter_core::route::Operation;

    use crate::completion::{Completion, Reported, Signature};

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
    fn usage_is_found_from_the_end() {
        let members = br#""cost":1,"is_byok":false"#;
        let with = |text: &str| {
            let found = Reported::find(text.as_bytes())?;
            let completion = Completion::read(text.as_bytes()).unwrap();
            assert_eq!(Some(found.usage()), completion.usage(), "{text}");
            let billed = found.with(&["cost", "is_byok"], members)?;
            let expected = completion.with_usage(&[("cost", "1"), ("is_byok", "false")]);
            assert_eq!(billed, expected, "{text}");
            String::from_utf8(billed).ok()
        };
        for text in [
            r#"{"usage":{"prompt_tokens":3}}"#,
            r#"{"choices":[{"usage":{"prompt_tokens":7}}],"usage" : { "prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":2}} , "x":[{"a":"}\"]\\"}], "y":"usage"}
"#,
            r#"{"x":"\"usage\":{\"prompt_tokens\":9}","usage":{"a":null}}"#,
            r#"{"usage":{"prompt_tokens":1},"usage":{"prompt_tokens":2}}"#,
        ] {
            // The text ends with a name that is a value, once.
            let is_value = text.contains(r#""usage"}"#);
            assert_eq!(with(text).is_none(), is_value, "{text}");
            let text = text.replace(r#""usage"}"#, "null}");
            assert!(with(&text).is_some(), "{text}");
        }
        for text in [
            "",
            "{}",
            r#"{"choices":[{"usage":{"prompt_tokens":7}}]}"#,
            r#"{"choices":[{"usage":{"prompt_tokens":7}}],"x":{}}"#,
            r#"{"usage":null}"#,
            r#"{"usage":{}}"#,
            r#"{"usage":{"cost":2}}"#,
            r#"{"usage":{"prompt_tokens":1}"#,
            r#"{"usage":{"prompt_tokens":1}}}"#,
            r#"{"usage":{"prompt_tokens":1},"x":"}"#,
        ] {
            let found = Reported::find(text.as_bytes());
            let billed = found.and_then(|found| found.with(&["cost"], members));
            assert_eq!(billed, None, "{text}");
        }
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
