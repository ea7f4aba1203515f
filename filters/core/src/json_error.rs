//! Errors of JSON that is read into types: where they are, and what is wrong.
//!
//! A reader says at which byte it stopped. The path there is found by walking over the text once
//! more, when there is an error: keeping paths while reading would make every reader twice as large
//! and twice as slow.

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::json_reader::Reader;

/// Reads a value from JSON.
///
/// # Errors
/// The path of the first field that is unknown, missing or of the wrong type, empty for the value
/// itself, and what is wrong with it.
pub(crate) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, (String, String)> {
    serde_json::from_slice::<IgnoredAny>(json).map_err(|error| {
        let stopped = offset(json, error.line(), error.column());
        tell(json, stopped, &error.to_string())
    })?;
    let mut reader = Reader::new(json);
    T::deserialize(&mut reader).map_err(|error| tell(json, reader.at(), &error.to_string()))
}

/// The path of what a reader stopped at, and what may be said of it.
fn tell(json: &[u8], stopped: usize, message: &str) -> (String, String) {
    // The position is that of a text which Envoy made, and which nobody has seen.
    let message = message.split(" at line ").next().unwrap_or_default();
    // That something is missing shows when the object was closed: it is said of the object, not
    // of its last member.
    let is_missing = message.starts_with("missing field");
    let mut steps = steps(json, stopped.saturating_sub(usize::from(is_missing)));
    if let Some(Step::Member(name)) = steps.last_mut().filter(|_| is_missing) {
        *name = None;
    }
    let message = match discreet(&mut steps, message) {
        Some(message) => message,
        None => message.to_owned(),
    };
    (path(&steps), message)
}

/// The member whose errors do not repeat what was written there: it holds secrets, and one may stand
/// where it does not belong.
const SECRETIVE: &str = "credentials";

/// The longest name of a field that may be repeated there.
const LONGEST_FIELD: usize = 16;

/// A message that tells nothing of what was written; `None` where any may be told. The last step is
/// taken off where it may be no name of a field.
fn discreet(steps: &mut Vec<Step>, message: &str) -> Option<String> {
    let is_secretive = |step: &Step| matches!(step, Step::Member(Some(name)) if name == SECRETIVE);
    if !steps.iter().any(is_secretive) {
        return None;
    }
    let field = |name: &str| {
        name.len() <= LONGEST_FIELD && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    if let Some(Step::Member(Some(name))) = steps.last()
        && !field(name)
    {
        steps.pop();
        return Some("unknown field".to_owned());
    }
    let (what, _) = message
        .split_once(':')
        .filter(|(what, _)| what.starts_with("invalid"))?;
    let expected = message.rsplit_once(", expected ");
    Some(expected.map_or(what.to_owned(), |(_, expected)| {
        format!("{what}, expected {expected}")
    }))
}

/// The offset of a line and a column, both counted from 1.
fn offset(json: &[u8], line: usize, column: usize) -> usize {
    let newlines = json.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1));
    starts.nth(line.saturating_sub(1)).unwrap_or(0) + column
}

/// A step of a path.
enum Step {
    /// Into an object: the current member's name, once it was read.
    Member(Option<String>),
    /// Into an array: the current element.
    Element(usize),
}

/// The steps to what stands before an offset.
fn steps(json: &[u8], end: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = json.get(..end).unwrap_or(json);
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, steps.last_mut()) {
            (b'{', _) => steps.push(Step::Member(None)),
            (b'[', _) => steps.push(Step::Element(0)),
            (b'}' | b']', _) => drop(steps.pop()),
            (b',', Some(Step::Element(n))) => *n += 1,
            (b',', Some(Step::Member(name))) => *name = None,
            (b'"', top) => {
                let length = string_length(after);
                let (text, behind) = after.split_at_checked(length).unwrap_or((after, &[]));
                if let Some(Step::Member(name @ None)) = top {
                    *name = Some(String::from_utf8_lossy(text).into_owned());
                }
                rest = behind.get(1..).unwrap_or_default();
            }
            _ => {}
        }
    }
    steps
}

/// The bytes before a string's closing quote.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    let closes = |byte: &u8| {
        let closing = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closing
    };
    text.iter().position(closes).unwrap_or(text.len())
}

fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Member(Some(name)) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Step::Member(None) => {}
            Step::Element(n) => path.push_str(&format!("[{n}]")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only what cannot be read matters")]
    struct Thing {
        number: u8,
        #[serde(default)]
        list: Vec<Thing>,
        #[serde(default)]
        map: BTreeMap<String, Thing>,
    }

    #[test]
    fn errors_have_their_path() {
        let cases = [
            ("3", "", "invalid type: integer"),
            ("{}", "", "missing field `number`"),
            (r#"{"number": 300}"#, "number", "invalid value"),
            (r#"{"number": "x"}"#, "number", "invalid type: string"),
            (r#"{"number": 1, "odd": 1}"#, "odd", "unknown field `odd`"),
            (
                "{\n \"number\": 1,\n \"list\": [\n {\"number\": 2},\n {\"number\": null}]}",
                "list[1].number",
                "invalid type: null",
            ),
            (
                r#"{"number": 1, "list": [{"number": 2}, {"list": []}]}"#,
                "list[1]",
                "missing field `number`",
            ),
            (
                r#"{"map": {"a\"b": {"number": 1, "list": [{"number": -1}]}}, "number": 1}"#,
                r#"map.a\"b.list[0].number"#,
                "invalid value",
            ),
            (
                r#"{"number": 1, "map": {"{[,": {"x": 1}}}"#,
                "map.{[,.x",
                "unknown field `x`",
            ),
            (
                r#"{"number": 1, "list": 7}"#,
                "list",
                "invalid type: integer",
            ),
        ];
        for (json, path, message) in cases {
            let (found, why) = read::<Thing>(json.as_bytes()).unwrap_err();
            assert_eq!(found, path, "{json}");
            assert!(why.starts_with(message), "{json}: {why}");
        }
        assert!(read::<Thing>(br#"{"number": 1, "list": [{"number": 2}]}"#).is_ok());
    }

    #[test]
    fn secrets_are_not_repeated_wherever_they_stand() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(dead_code, reason = "only what cannot be read matters")]
        struct Holder {
            credentials: Vec<crate::document::Credential>,
        }
        let (at, first) = ("credentials", "credentials[0]");
        let cases = [
            (
                r#"[{"provider": "p", "secret": 4711}]"#,
                "credentials[0].secret",
                "invalid type, expected a string",
            ),
            (
                r#"[{"provider": "p", "secret": true}]"#,
                "credentials[0].secret",
                "invalid type, expected a string",
            ),
            (
                r#"[{"provider": "p", "secret": {"k": "sk-1"}}]"#,
                "credentials[0].secret",
                "invalid type, expected a string",
            ),
            (
                r#"["sk-4711"]"#,
                first,
                "invalid type, expected struct Credential",
            ),
            (
                r#""sk-4711, expected no good""#,
                at,
                "invalid type, expected a sequence",
            ),
            (
                r#"[{"provider": "p", "sk-4711": null}]"#,
                first,
                "unknown field",
            ),
            (
                r#"[{"provider": "p", "always": "sk-4711"}]"#,
                "credentials[0].always",
                "invalid type, expected a boolean",
            ),
            (
                r#"[{"provider": "p", "secrets": "sk-4711"}]"#,
                "credentials[0].secrets",
                "unknown field `secrets`, expected one of",
            ),
            (
                r#"[{"secret": "sk-4711"}]"#,
                first,
                "missing field `provider`",
            ),
        ];
        for (credentials, path, message) in cases {
            let json = format!(r#"{{"credentials": {credentials}}}"#);
            let (found, why) = read::<Holder>(json.as_bytes()).unwrap_err();
            assert_eq!(found, path, "{json}");
            assert!(why.starts_with(message), "{json}: {why}");
            assert!(!why.contains("4711"), "{why}");
        }
    }
}
