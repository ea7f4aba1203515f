//! `usage`: what it counts, and how it stands in OpenAI's words.

use std::borrow::Cow;

use memchr::memmem;
use meshrouter_core::usage::{Usage, count};

use super::{Edit, finish, set};
use crate::json::{Kind, Patch, Scanner, Value};

/// The members of an object.
type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// What the members of a `usage` count.
pub(super) fn read(members: &[(Cow<'_, str>, Value<'_>)]) -> Usage {
    let mut usage = Usage::default();
    let mut take = |object: Option<&str>, name: &str, value: Value<'_>| {
        if let Ok(json) = std::str::from_utf8(value.raw) {
            usage.take(object, name, json);
        }
    };
    for (name, value) in members {
        if value.kind != Kind::Object {
            take(None, name, *value);
            continue;
        }
        for (inner, value) in value.members() {
            take(Some(name), &inner, value);
        }
    }
    usage
}

/// The `usage` of a completion whose JSON was checked before, found from its end: nothing before it is read.
#[derive(Debug)]
pub struct Reported<'a> {
    text: &'a [u8],
    /// Offset of the first byte within its braces.
    inside: usize,
    members: Members<'a>,
}

impl<'a> Reported<'a> {
    /// Finds it; `None` where there is none with members, and where it takes more than a glance to know.
    #[must_use]
    pub fn find(text: &'a [u8]) -> Option<Self> {
        const NAME: &[u8] = b"\"usage\"";
        // Inside of a string, the quotes would be escaped.
        let behind = memmem::rfind(text, NAME)?.checked_add(NAME.len())?;
        let colon = text.get(behind..)?;
        let rest = colon.trim_ascii_start().strip_prefix(b":")?;
        let mut scanner = Scanner::new(rest);
        let usage = scanner.value().ok()?;
        let after = rest.get(usage.end()..)?;
        let start = text
            .len()
            .checked_sub(rest.len())?
            .checked_add(usage.start)?;
        let found = Self {
            text,
            inside: start.checked_add(1)?,
            members: usage.members(),
        };
        (ends_object(after) && !found.members.is_empty()).then_some(found)
    }

    /// What it counts.
    #[must_use]
    pub fn usage(&self) -> Usage {
        read(&self.members)
    }

    /// The text with these members of `usage`, JSON with commas between, in front; `None` where it has one of these
    /// names already.
    #[must_use]
    pub fn with(&self, names: &[&str], members: &[u8]) -> Option<Vec<u8>> {
        let is_one = |name: &str| names.contains(&name);
        if self.members.iter().any(|(name, _)| is_one(name)) {
            return None;
        }
        let (head, tail) = self.text.split_at_checked(self.inside)?;
        Some([head, members, b",", tail].concat())
    }
}

/// Whether this ends the outermost object behind the value of a member: every bracket in it is closed but that one.
fn ends_object(rest: &[u8]) -> bool {
    let (mut depth, mut bytes) = (1_u32, rest.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| **byte != b'"') {
                    if *byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
        if depth == 0 {
            return bytes.as_slice().trim_ascii().is_empty();
        }
    }
    false
}

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
