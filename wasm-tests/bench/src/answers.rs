//! What the provider says: the same form as OpenAI's, words that differ.

/// The head of every stream.
pub const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

/// What completions are made of: tokens as models write them.
const TOKENS: [&str; 24] = [
    "The",
    " reservoir",
    " above",
    " the",
    " village",
    " holds",
    " about",
    " forty",
    " days",
    " of",
    " water",
    ",",
    " so",
    " a",
    " dry",
    " spring",
    " is",
    " felt",
    " only",
    " late",
    " in",
    " summer",
    ".",
    "\\n\\n",
];

const END: &str = r#""object":"chat.completion.chunk","created":1795361488,"model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_51db84afab","#;

/// A whole response with a completion of about 1 KB, whose usage tells of a prompt of so many bytes.
pub fn completion(prompt: usize) -> Vec<u8> {
    let content: String = TOKENS.iter().cycle().take(72).copied().collect();
    let body = format!(
        r#"{{"id":"chatcmpl-CfR2bWmOeFqAyuL8HnYdVQ0xJtP1k","object":"chat.completion","created":1795361488,"model":"gpt-4o-mini-2024-07-18","choices":[{{"index":0,"message":{{"role":"assistant","content":"{content}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{},"service_tier":"default","system_fingerprint":"fp_51db84afab"}}"#,
        usage(prompt, 72)
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// One chunk of a stream, framed.
pub fn chunk(number: usize) -> Vec<u8> {
    let token = TOKENS
        .get(number % TOKENS.len())
        .copied()
        .unwrap_or_default();
    let delta = if number == 0 {
        r#"{"role":"assistant","content":"","refusal":null}"#.to_owned()
    } else {
        format!(r#"{{"content":"{token}"}}"#)
    };
    framed(&event(&format!(
        r#""choices":[{{"index":0,"delta":{delta},"finish_reason":null}}],"usage":null"#
    )))
}

/// The end of a stream: why it ends, its usage, and `[DONE]`, framed.
pub fn stream_end(prompt: usize, completion: usize) -> Vec<u8> {
    let reason = event(r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null"#);
    let usage = event(&format!(
        r#""choices":[],"usage":{}"#,
        usage(prompt, completion)
    ));
    let mut end = [framed(&reason), framed(&usage), framed("data: [DONE]\n\n")].concat();
    end.extend_from_slice(b"0\r\n\r\n");
    end
}

fn event(rest: &str) -> String {
    format!("data: {{\"id\":\"chatcmpl-CfR2bWmOeFqAyuL8HnYdVQ0xJtP1k\",{END}{rest}}}\n\n")
}

fn framed(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}

/// Usage as OpenAI writes it; a token is about four bytes of a prompt.
fn usage(prompt: usize, completion: usize) -> String {
    let prompt = prompt / 4;
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#,
        prompt + completion
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Reader;

    #[test]
    fn a_completion_is_about_a_kilobyte_of_json() {
        let response = completion(4_000);
        let mut reader = Reader::new(&*response);
        let head = reader.head().unwrap().unwrap();
        let mut body = Vec::new();
        reader
            .body(head.framing, |piece| body.extend_from_slice(piece))
            .unwrap();
        assert!((900..1_400).contains(&body.len()), "{}", body.len());
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["usage"]["prompt_tokens"], 1_000);
    }

    #[test]
    fn a_stream_is_events_of_json_of_two_to_three_hundred_bytes() {
        let mut response = STREAM_HEAD.to_vec();
        for number in 0..30 {
            response.extend(chunk(number));
        }
        response.extend(stream_end(4_000, 30));
        let mut reader = Reader::new(&*response);
        let head = reader.head().unwrap().unwrap();
        let mut body = String::new();
        reader
            .body(head.framing, |piece| {
                body.push_str(std::str::from_utf8(piece).unwrap())
            })
            .unwrap();
        let events: Vec<&str> = body.split_terminator("\n\n").collect();
        assert_eq!(events.len(), 33);
        for event in &events[..31] {
            assert!((200..=300).contains(&event.len()), "{event}");
            let data = event.strip_prefix("data: ").unwrap();
            serde_json::from_str::<serde_json::Value>(data).unwrap();
        }
        assert_eq!(events[32], "data: [DONE]");
    }
}
