use super::*;
use meshrouter_core::Candidate;
use meshrouter_core::facts::{Prompt, Transforms};
use meshrouter_core::route::Operation;
use meshrouter_core::tokens::{Correction, Family};
use meshrouter_host::fake::{Stream, settings};
use meshrouter_wire::request::ChatRequest;

const DOCUMENT: &str = r#"{"providers": {"p": {"cluster": "p"}}, "models": [
    {"id": "a/small", "context_length": 400, "endpoints": [{"provider": "p", "pricing": {"prompt": "0", "completion": "0"}}]},
    {"id": "a/large", "context_length": 10000, "endpoints": [{"provider": "p", "pricing": {"prompt": "0", "completion": "0"}}]}]}"#;

fn weight(body: &str) -> u64 {
    let request = ChatRequest::read_whole(body.as_bytes(), Operation::ChatCompletions).unwrap();
    request.prompt.count().weight(Family::Other.tokenizer())
}

/// What leaves of a request of 20 messages of some 105 tokens each.
fn messages_sent(model: &str, transforms: Transforms, max_tokens: Option<u64>) -> usize {
    let text = "word ".repeat(76);
    let message = serde_json::json!({"role": "user", "content": text});
    let body = serde_json::json!({"model": "m", "messages": vec![message; 20]}).to_string();
    let attempt = Attempt {
        candidate: Candidate {
            own: None,
            model: model.to_owned(),
            endpoint: "p".to_owned(),
        },
        prompt: Prompt {
            weight: weight(&body),
            correction: Correction::default(),
            message_count: 20,
            max_tokens,
            transforms,
        },
    };
    let mut stream: Stream<MiddleOut> = Stream::new(&settings::<MiddleOut>(DOCUMENT).unwrap());
    stream
        .host
        .properties
        .insert(property::ATTEMPT.to_owned(), attempt.encode());
    stream.headers(Direction::Request, &[("content-length", "0")], false);
    stream.body(Direction::Request, body.as_bytes(), true);
    let sent = stream.sent(Direction::Request);
    if sent != body {
        let length = stream.header(Direction::Request, "content-length");
        assert_eq!(length, Some(sent.len().to_string()));
    }
    let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    sent["messages"].as_array().unwrap().len()
}

#[test]
fn the_documented_defaults() {
    assert_eq!(
        messages_sent("a/large", Transforms::MiddleOut, None),
        20,
        "it fits"
    );
    assert_eq!(
        messages_sent("a/large", Transforms::MiddleOut, Some(9_500)),
        4
    );
    assert_eq!(
        messages_sent("a/large", Transforms::Default, Some(9_500)),
        20
    );
    assert_eq!(messages_sent("a/small", Transforms::Off, None), 20);
    assert!(messages_sent("a/small", Transforms::Default, None) < 20);
}

#[test]
fn without_an_attempt_nothing_happens() {
    let mut stream: Stream<MiddleOut> = Stream::new(&settings::<MiddleOut>(DOCUMENT).unwrap());
    assert_eq!(
        stream.headers(Direction::Request, &[], false),
        Flow::Continue
    );
    assert_eq!(stream.body(Direction::Request, b"{}", true), Flow::Continue);
    assert_eq!(stream.sent(Direction::Request), "{}");
}
