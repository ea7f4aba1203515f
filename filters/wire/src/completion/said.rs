//! What the choices of a completion or a chunk say: what is counted where a provider reports no usage.
//!
//! Every chunk of every stream is read for it, nearly always in vain. So this is no parse: it walks over the
//! strings, and tells them by their names and by how deep they stand. What it is given was checked before.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::choices::finish_reason;

/// Members of a choice, in its list.
const CHOICE: u32 = 2;
/// Members of its message or delta.
const MESSAGE: u32 = 3;
/// Members of the function of a tool call: behind the list of calls and the call.
const FUNCTION: u32 = 6;

/// Where the choices are. Made once: that takes as long as some searches.
static CHOICES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"choices\""));

/// What there was to read in the choices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    /// There is a list of choices.
    pub answers: bool,
    /// How a choice ended, by its canonical name; an error before all others.
    pub finish: Option<&'static str>,
}

/// Tells `each` the inside of every string that is said, escapes included, and returns how it ended. A text
/// that breaks off is read as far as it is.
pub fn said<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8])) -> Said {
    let mut said = Said::default();
    let Some(mut rest) = list(text) else {
        return said;
    };
    said.answers = true;
    let (mut depth, mut name): (u32, &[u8]) = (0, b"");
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let Some((string, behind)) = split_string(after) else {
                    break;
                };
                rest = behind;
                if is_name(behind) {
                    name = string;
                } else if is_said(depth, name) {
                    each(string);
                } else if depth == CHOICE && name == b"finish_reason" {
                    said.finish(string);
                }
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    said
}

/// The text from the list of choices on. Inside of a string, the quotes of its name would be escaped.
fn list(text: &[u8]) -> Option<&[u8]> {
    let at = CHOICES.find(text)?;
    let behind = at.saturating_add(CHOICES.needle().len());
    let value = text.get(behind..)?.trim_ascii_start().strip_prefix(b":")?;
    let value = value.trim_ascii_start();
    value.starts_with(b"[").then_some(value)
}

impl Said {
    fn finish(&mut self, native: &[u8]) {
        let native = std::str::from_utf8(native).ok();
        let reason = native.and_then(finish_reason);
        if self.finish != Some("error") {
            self.finish = reason.or(self.finish);
        }
    }
}

/// Whether the string under this name was written token by token. The reasoning stands under several names in
/// canonical form, and counts once.
fn is_said(depth: u32, name: &[u8]) -> bool {
    match depth {
        CHOICE => name == b"text",
        MESSAGE => matches!(name, b"content" | b"reasoning" | b"refusal"),
        FUNCTION => matches!(name, b"name" | b"arguments"),
        _ => false,
    }
}

/// The inside of a string whose first quote was read, and what follows its last one.
fn split_string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    loop {
        let found = memchr::memchr2(b'"', b'\\', text.get(length..)?)?;
        length = length.saturating_add(found);
        if text.get(length) == Some(&b'"') {
            let (inside, rest) = text.split_at_checked(length)?;
            return Some((inside, rest.get(1..)?));
        }
        // The backslash, and what it escapes.
        length = length.saturating_add(2);
    }
}

/// Whether the string before this is the name of a member.
fn is_name(behind: &[u8]) -> bool {
    behind.trim_ascii_start().first() == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said in a text, piece by piece, and how it ends.
    fn said(text: &str) -> (Vec<String>, Said) {
        let mut pieces = Vec::new();
        let said = super::said(text.as_bytes(), |piece| {
            pieces.push(String::from_utf8_lossy(piece).into_owned());
        });
        (pieces, said)
    }

    #[test]
    fn what_is_said_is_read() {
        let cases = [
            (
                r#"{"choices": [{"delta": {"content": "a \"b\" \u00e9"}, "finish_reason": null}]}"#,
                vec![r#"a \"b\" \u00e9"#],
                None,
            ),
            (
                r#"{"x": "\"choices\":[1]", "choices" : [{"message":{"role":"assistant","content":"a","refusal":"b"},"finish_reason":"length"}]}"#,
                vec!["a", "b"],
                Some("length"),
            ),
            (
                r#"{"choices":[{"text":"a","logprobs":{"text":"b"}},{"text":"c","finish_reason":"eos"}]}"#,
                vec!["a", "c"],
                Some("stop"),
            ),
            (
                r#"{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a","reasoning_details":[{"text":"a"}],"content":null}}]}"#,
                vec!["a"],
                None,
            ),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"x\":"}},{"function":{"arguments":""}},3]}}]}"#,
                vec!["f", r#"{\"x\":"#, ""],
                None,
            ),
            (
                r#"{"choices":[{"finish_reason":"error"},{"finish_reason":"stop"},{"finish_reason":""}]}"#,
                vec![],
                Some("error"),
            ),
            (
                r#"{"choices":[{"message":{"content":[{"type":"image_url"}]}}, 3, null]}"#,
                vec![],
                None,
            ),
            (
                r#"{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"#,
                vec!["a"],
                None,
            ),
        ];
        for (text, pieces, finish) in cases {
            let answers = true;
            assert_eq!(
                said(text),
                (
                    pieces.into_iter().map(str::to_owned).collect(),
                    Said { answers, finish }
                ),
                "{text}"
            );
        }
        for text in [
            "",
            "{}",
            "null",
            r#"{"choices":null}"#,
            r#"["choices"]"#,
            r#"{"data":[]}"#,
        ] {
            assert_eq!(said(text), (vec![], Said::default()), "{text}");
        }
    }
}
