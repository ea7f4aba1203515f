//! Chat requests as clients send them, of any size and always the same.

use serde_json::{Value, json};

mod text;

use text::Random;

/// The model that all of them ask for; the shipped configuration serves it.
pub const MODEL: &str = "openai/gpt-4o-mini";

/// The `number`-th conversation of about `bytes` bytes.
pub fn plain(bytes: usize, number: u64) -> String {
    let mut random = Random::new(number.wrapping_mul(1_000_003) + bytes as u64);
    let mut body =
        format!(r#"{{"model":"{MODEL}","temperature":0.7,"max_tokens":1024,"messages":["#);
    let turn = (bytes / 6).min(6_000);
    push(
        &mut body,
        "system",
        &clipped(text::text(turn / 2, &mut random), turn),
        false,
    );
    for role in ["user", "assistant"].iter().cycle() {
        let left = bytes.saturating_sub(body.len() + 2);
        if *role == "assistant" && left > 8_000 && random.below(8) == 0 {
            body += &tool_call(&mut random);
        }
        // From a short question to a pasted file; the last one fills up what is left.
        let size = [turn / 4, turn / 2, turn, 3 * turn]
            .get(random.below(4))
            .copied()
            .unwrap_or(turn);
        let last = size + size / 2 + 100 > left;
        let wanted = if last {
            left.saturating_sub(60).max(16)
        } else {
            size
        };
        let content = clipped(text::text(wanted, &mut random), wanted);
        // Some clients write all but ASCII as escapes.
        push(
            &mut body,
            if last { "user" } else { role },
            &content,
            random.below(10) == 0,
        );
        if last {
            break;
        }
    }
    body + "]}"
}

/// The same as a stream that tells its usage.
pub fn stream(bytes: usize, number: u64) -> String {
    let body = plain(bytes, number);
    body.replacen(
        '{',
        r#"{"stream":true,"stream_options":{"include_usage":true},"#,
        1,
    )
}

fn push(body: &mut String, role: &str, content: &str, ascii: bool) {
    let content = Value::from(content).to_string();
    let content = if ascii { escaped(&content) } else { content };
    let comma = if body.ends_with('[') { "" } else { "," };
    *body += &format!(r#"{comma}{{"role":"{role}","content":{content}}}"#);
}

/// A call of a tool and what it returned: JSON in strings.
fn tool_call(random: &mut Random) -> String {
    let id = format!("call_{:08}", random.below(100_000_000));
    let call = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "lookup", "arguments": text::data(random)}}]});
    let result = json!({"role": "tool", "tool_call_id": id, "content": text::data(random)});
    format!(",{call},{result}")
}

/// At most so many bytes, cut between two characters.
fn clipped(mut text: String, most: usize) -> String {
    while text.len() > most {
        text.pop();
    }
    text
}

/// JSON with all but ASCII as escapes.
fn escaped(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                ascii += &format!("\\u{unit:04x}");
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_are_json_of_the_size_that_is_asked_for() {
        for bytes in [1_000, 16_000, 200_000, 4_000_000] {
            for number in 0..3 {
                let body = plain(bytes, number);
                assert_eq!(body, plain(bytes, number));
                let off = body.len().abs_diff(bytes);
                assert!(off < bytes / 5, "{} for {bytes}", body.len());
                let parsed: Value = serde_json::from_str(&body).unwrap();
                let messages = parsed["messages"].as_array().unwrap().len();
                assert!(messages >= 2 + bytes / 20_000, "{messages} in {bytes}");
            }
            assert_ne!(plain(bytes, 0), plain(bytes, 1));
        }
        let stream: Value = serde_json::from_str(&stream(1_000, 0)).unwrap();
        assert_eq!(stream["stream"], true);
    }

    #[test]
    fn a_large_one_has_many_different_lines_and_all_kinds_of_text() {
        let body = plain(200_000, 0);
        let mut lines: Vec<&str> = body.split("\\n").filter(|line| line.len() > 60).collect();
        let all = lines.len();
        lines.sort_unstable();
        lines.dedup();
        assert!(lines.len() * 10 > all * 8, "{} of {all}", lines.len());
        for kind in ["\\\"", "\\u", "é", "请", "😅", "tool_calls", "fn "] {
            assert!(body.contains(kind), "no {kind}");
        }
    }
}
