//! What providers say when they fail: their message, and their words without credentials.

use std::borrow::Cow;

use serde_json::Value;

/// The most of a provider's words that is passed on, in bytes.
pub const MAX_RAW: usize = 2_048;

/// What stands in the place of a credential.
const REDACTED: &str = "[redacted]";

/// The message in a provider's error body, in whichever of the usual shapes it is:
/// `{"error": {"message"}}`, `{"error": "…"}`, `{"message"}`, `{"detail"}`, or the same in a list.
/// `secret` is what the provider was sent and must not be repeated, whatever it looks like.
#[must_use]
pub fn message(body: &[u8], secret: Option<&str>) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let body = body.get(0).unwrap_or(&body);
    let error = body.get("error").unwrap_or(body);
    let text = ["message", "detail"]
        .into_iter()
        .find_map(|name| error.get(name)?.as_str())
        .or_else(|| error.as_str())?;
    (!text.is_empty()).then(|| redact(&clip(without(text, secret).as_bytes())))
}

/// How providers say that a request is too long for the model's context, in lower case.
const TOO_LONG: [&str; 10] = [
    "context_length_exceeded",
    "context length",
    "context limit",
    "context window",
    "maximum model length",
    "prompt is too long",
    "input is too long",
    "input token count",
    "too many tokens",
    "tokens + `max_new_tokens`",
];

/// Whether an error body says that the request is too long for the model's context.
#[must_use]
pub fn is_too_long(body: &[u8]) -> bool {
    let words = body.get(..MAX_RAW).unwrap_or(body).to_ascii_lowercase();
    let says = |phrase: &str| memchr::memmem::find(&words, phrase.as_bytes()).is_some();
    TOO_LONG.iter().any(|phrase| says(phrase))
}

/// The provider's own words: bounded, as text, without anything that looks like a credential, and
/// without `secret`.
#[must_use]
pub fn raw(body: &[u8], secret: Option<&str>) -> Option<String> {
    // Before it is cut: half of a secret would not be found.
    let whole = secret.map(|_| String::from_utf8_lossy(body));
    let whole = whole.as_ref().map(|text| without(text, secret));
    let text = clip(whole.as_ref().map_or(body, |text| text.as_bytes()));
    let text = text.trim();
    (!text.is_empty()).then(|| redact(text))
}

/// As text, at most [`MAX_RAW`] bytes of it, cut between two characters.
fn clip(words: &[u8]) -> String {
    let head = words.get(..MAX_RAW).unwrap_or(words);
    let text = String::from_utf8_lossy(head);
    text.trim_end_matches('\u{fffd}').to_owned()
}

/// The text without a secret. A body of JSON may say it escaped, so that it is looked for both ways.
fn without<'a>(text: &'a str, secret: Option<&str>) -> Cow<'a, str> {
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        return Cow::Borrowed(text);
    };
    let escaped = crate::json::literal(secret);
    let escaped = escaped.trim_matches('"');
    let text = text.replace(secret, REDACTED);
    Cow::Owned(match escaped == secret || escaped.is_empty() {
        true => text,
        false => text.replace(escaped, REDACTED),
    })
}

/// Replaces words that look like API keys or bearer tokens. Providers do repeat the key that they
/// refused.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_bearer = false;
    for piece in text.split_inclusive(|c: char| !is_key_character(c)) {
        let word = piece.trim_end_matches(|c: char| !is_key_character(c));
        let end = piece.get(word.len()..).unwrap_or_default();
        let secret = is_key(word) || (after_bearer && word.len() >= 8);
        out.push_str(if secret { REDACTED } else { word });
        out.push_str(end);
        if !word.is_empty() {
            after_bearer = word.eq_ignore_ascii_case("bearer");
        }
    }
    out
}

fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*')
}

/// The prefixes that the known providers give their keys.
const PREFIXES: [&str; 9] = [
    "sk-", "sk_", "gsk_", "xai-", "AIza", "pk-", "r8_", "hf_", "fw_",
];

/// Whether a key begins somewhere in a word, other than within a run of letters: `task-force` has none.
fn is_key(word: &str) -> bool {
    PREFIXES.iter().any(|prefix| {
        word.match_indices(prefix).any(|(at, _)| {
            let (before, key) = word.split_at_checked(at).unwrap_or((word, ""));
            key.len() >= 8 && !before.ends_with(|c: char| c.is_ascii_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_say_in_many_words_that_it_is_too_long() {
        let bodies = [
            r#"{"error": {"code": "context_length_exceeded", "message": "x"}}"#,
            r#"{"error": {"message": "This model's maximum context length is 8192 tokens."}}"#,
            r#"{"type": "error", "error": {"message": "prompt is too long: 215000 tokens > 200000 maximum"}}"#,
            r#"{"error": {"message": "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"}}"#,
            r#"{"error": {"message": "The input token count (1200000) exceeds the maximum number of tokens allowed"}}"#,
            r#"{"message": "Input is too long for requested model."}"#,
            r#"{"error": {"message": "`inputs` tokens + `max_new_tokens` must be <= 8193."}}"#,
            r#"{"message": "the prompt (9000 tokens) is longer than the maximum model length of 4096"}"#,
        ];
        for body in bodies {
            assert!(is_too_long(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "null",
            r#"{"error": {"message": "`temperature` is too high"}}"#,
        ] {
            assert!(!is_too_long(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn messages_of_all_shapes() {
        let cases = [
            (
                r#"{"error": {"message": "Rate limited", "code": 429}}"#,
                Some("Rate limited"),
            ),
            (r#"{"error": "boom"}"#, Some("boom")),
            (r#"{"message": "boom"}"#, Some("boom")),
            (r#"{"detail": "Not found"}"#, Some("Not found")),
            (r#"[{"error": {"message": "listed"}}]"#, Some("listed")),
            (r#"{"error": {"message": ""}}"#, None),
            (r#"{"error": {"message": 3}}"#, None),
            ("<html>502</html>", None),
            ("", None),
        ];
        for (body, expected) in cases {
            assert_eq!(
                message(body.as_bytes(), None).as_deref(),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn credentials_are_removed() {
        assert_eq!(
            redact("Incorrect API key provided: sk-proj-abc_123***xyz. See docs."),
            "Incorrect API key provided: [redacted] See docs."
        );
        assert_eq!(
            redact("got Bearer abcdefghij, no"),
            "got Bearer [redacted], no"
        );
        assert_eq!(
            redact("{\"key\":\"gsk_12345678\"}"),
            "{\"key\":\"[redacted]\"}"
        );
        assert_eq!(redact("(key).sk-abcdefgh"), "(key)[redacted]");
        assert_eq!(redact("the task-force asks sk-"), "the task-force asks sk-");
    }

    #[test]
    fn what_was_sent_is_not_repeated_whatever_it_looks_like() {
        let secret = "0123456789abcdef0123456789abcdef";
        let body = format!(r#"{{"error": {{"message": "Wrong key '{secret}'."}}}}"#);
        assert_eq!(
            message(body.as_bytes(), Some(secret)).as_deref(),
            Some("Wrong key '[redacted]'.")
        );
        assert_eq!(
            raw(body.as_bytes(), Some(secret)).as_deref(),
            Some(r#"{"error": {"message": "Wrong key '[redacted]'."}}"#)
        );
        assert!(
            raw(body.as_bytes(), Some("another"))
                .unwrap()
                .contains(secret)
        );
        let odd = r#"{"message": "a\"\\b"}"#;
        assert_eq!(
            message(odd.as_bytes(), Some(r#"a"\b"#)).as_deref(),
            Some(REDACTED)
        );
        assert_eq!(
            raw(odd.as_bytes(), Some(r#"a"\b"#)).as_deref(),
            Some(r#"{"message": "[redacted]"}"#)
        );
        // Nor a part of it, wherever the end falls.
        for before in MAX_RAW - 40..=MAX_RAW + 1 {
            let body = format!("{}{secret} and more", ".".repeat(before));
            let text = raw(body.as_bytes(), Some(secret)).unwrap();
            assert!(text.len() <= MAX_RAW && !text.contains("0123"), "{before}");
        }
        let body = format!("{secret} ").repeat(MAX_RAW);
        assert!(!raw(body.as_bytes(), Some(secret)).unwrap().contains("012"));
    }

    #[test]
    fn raw_is_bounded_text() {
        assert_eq!(
            raw(b"  upstream down \n", None).as_deref(),
            Some("upstream down")
        );
        assert_eq!(raw(b"", None), None);
        let long = "é".repeat(MAX_RAW);
        let text = raw(long.as_bytes(), None).unwrap();
        assert!(text.len() <= MAX_RAW && text.chars().all(|c| c == 'é'));
        let odd = raw(format!("x{long}").as_bytes(), None).unwrap();
        assert!(
            odd.chars().skip(1).all(|c| c == 'é'),
            "no half character at the end"
        );
    }
}
