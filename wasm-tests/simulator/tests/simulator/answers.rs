//! What a simulator answers when nothing goes wrong, and what it keeps of the requests.

use std::time::{Duration, Instant};

use crate::client::{Connection, alpha, chat, eventually, request};
use meshrouter_simulator::Simulator;
use serde_json::{Value, json};

#[test]
fn a_completion_has_the_whole_shape() {
    let answer = chat(&alpha(), json!({})).unwrap();
    assert_eq!(answer.head.status, 200);
    assert_eq!(
        answer.head.header("content-type"),
        Some(&b"application/json"[..])
    );
    let mut body = answer.json();
    assert!(body["created"].as_u64().unwrap() > 1_700_000_000);
    body["created"] = json!(0);
    assert_eq!(
        body,
        json!({
            "id": "chatcmpl-alpha-1",
            "object": "chat.completion",
            "created": 0,
            "model": "m-1",
            "system_fingerprint": "fp_sim",
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": "Hello from alpha. You said: two words", "refusal": null},
                "logprobs": null,
                "finish_reason": "stop",
            }],
            "usage": {
                "prompt_tokens": 4,
                "completion_tokens": 7,
                "total_tokens": 11,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        })
    );
}

#[test]
fn a_stream_says_the_same_word_by_word() {
    let fields = json!({"stream": true, "stream_options": {"include_usage": true}});
    let answer = chat(&alpha(), fields).unwrap();
    assert!(answer.head.says("transfer-encoding", "chunked"));
    assert!(answer.end.is_ok());
    let events = answer.events();
    assert_eq!(events.len(), 1 + 7 + 1 + 1 + 1);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let content = |event: &Value| {
        event
            .pointer("/choices/0/delta/content")?
            .as_str()
            .map(str::to_owned)
    };
    let said: String = events.iter().filter_map(content).collect();
    assert_eq!(said, "Hello from alpha. You said: two words");
    assert_eq!(events[8]["choices"][0]["finish_reason"], "stop");
    assert_eq!(events[9]["choices"], json!([]));
    assert_eq!(events[9]["usage"]["completion_tokens"], 7);
    assert_eq!(events[10], "[DONE]");
    assert!(
        events[..10]
            .iter()
            .all(|event| event["object"] == "chat.completion.chunk")
    );
}

#[test]
fn usage_is_streamed_only_when_asked_for_and_choices_are_as_many_as_asked_for() {
    let alpha = alpha();
    let events = chat(&alpha, json!({"stream": true, "n": 2}))
        .unwrap()
        .events();
    assert!(events.iter().all(|event| event.get("usage").is_none()));
    assert_eq!(events.len(), 2 * 9 + 1);
    let whole = chat(&alpha, json!({"n": 3})).unwrap().json();
    assert_eq!(whole["choices"][2]["index"], 2);
    assert_eq!(whole["usage"]["completion_tokens"], 21);
}

#[test]
fn only_the_key_opens() {
    let alpha = alpha();
    let ask = |header: &str| {
        let mut connection = Connection::new(alpha.address());
        connection.write(format!("GET /v1/models HTTP/1.1\r\n{header}\r\n\r\n").as_bytes());
        connection.answer().unwrap()
    };
    for header in [
        "x: y",
        "authorization: Bearer sk-wrong",
        "authorization: sk-test",
        "api-key: no",
    ] {
        let answer = ask(header);
        assert_eq!(answer.head.status, 401, "{header}");
        assert_eq!(answer.json()["error"]["code"], "invalid_api_key");
    }
    for header in ["authorization: Bearer sk-test", "Api-Key: sk-test"] {
        assert_eq!(
            ask(header).json()["data"][0]["id"],
            "alpha-model",
            "{header}"
        );
    }
}

#[test]
fn other_paths_and_bad_requests_are_refused_in_openai_style() {
    let alpha = alpha();
    let mut connection = Connection::new(alpha.address());
    let mut post = |path: &str, body: &[u8]| {
        let answer = connection.post(path, body).unwrap();
        (
            answer.head.status,
            answer.json()["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    assert_eq!(post("/nothing", b"").0, 404);
    assert_eq!(post("/v1/chat/completions?x=1", b"{").0, 400);
    let (status, message) = post("/v1/chat/completions", br#"{"model": "m"}"#);
    assert_eq!(
        (status, message.as_str()),
        (400, "Missing required parameter: 'messages'.")
    );
    let typo = request(json!({"simulate": {"beta": {"stauts": 503}}}));
    let (status, message) = post("/v1/chat/completions", typo.to_string().as_bytes());
    assert_eq!(
        (status, message.as_str()),
        (400, "simulate.beta.stauts is not a field of an action")
    );
}

#[test]
fn embeddings_are_small_and_fixed() {
    let alpha = alpha();
    let mut connection = Connection::new(alpha.address());
    let body = json!({"model": "e", "input": ["a b", "c"]}).to_string();
    let answer = connection
        .post("/v1/embeddings", body.as_bytes())
        .unwrap()
        .json();
    assert_eq!(
        answer["data"][1],
        json!({"object": "embedding", "index": 1, "embedding": [0.0, 0.25, 0.5]})
    );
    assert_eq!(answer["usage"]["prompt_tokens"], 3);
}

#[test]
fn a_prompt_is_completed_in_the_older_form() {
    let alpha = alpha();
    let mut connection = Connection::new(alpha.address());
    let mut post = |body: Value| {
        let body = body.to_string();
        connection.post("/v1/completions", body.as_bytes()).unwrap()
    };
    let said = "Hello from alpha. You said: a b";
    for prompt in [json!("a b"), json!(["a b"])] {
        let answer = post(json!({"model": "m", "prompt": prompt})).json();
        assert_eq!(
            (&answer["object"], &answer["choices"][0]["text"]),
            (&json!("text_completion"), &json!(said))
        );
        let events = post(json!({"model": "m", "prompt": prompt, "stream": true})).events();
        let texts = events
            .iter()
            .filter_map(|event| event.pointer("/choices/0/text")?.as_str());
        assert_eq!(texts.collect::<String>(), said);
    }
    assert_eq!(post(json!({"model": "m"})).head.status, 400);
}

#[test]
fn requests_are_kept_as_they_came() {
    let alpha = alpha();
    let mut connection = Connection::new(alpha.address());
    connection.write(b"POST /x?y=1 HTTP/1.1\r\nX-Odd: \xff\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.write(b"4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n");
    assert_eq!(connection.answer().unwrap().head.status, 401);
    let requests = alpha.take_requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path.as_str()),
        ("POST", "/x?y=1")
    );
    assert_eq!(requests[0].header("x-odd"), Some("\u{fffd}"));
    assert_eq!(requests[0].json(), json!({"a": 1}));
    assert!(requests[0].received.elapsed() < Duration::from_secs(10));
    assert!(alpha.requests().is_empty());
}

#[test]
fn forty_megabytes_and_an_expectation() {
    let alpha = alpha();
    let mut connection = Connection::new(alpha.address());
    let text = "word ".repeat(8 << 20);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]}).to_string();
    assert!(body.len() > 40 << 20);
    let head = format!(
        "POST /chat/completions HTTP/1.1\r\napi-key: sk-test\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.write(head.as_bytes());
    assert_eq!(connection.0.response_head().unwrap().unwrap().status, 100);
    connection.write(body.as_bytes());
    assert_eq!(
        connection.answer().unwrap().json()["usage"]["prompt_tokens"],
        8 << 20
    );
    assert_eq!(alpha.requests()[0].body.len(), body.len());
}

#[test]
fn dropping_ends_every_thread_at_once() {
    let alpha = alpha();
    let address = alpha.address();
    let idle = Connection::new(address);
    let mut waiting = Connection::new(address);
    let slow = request(json!({"simulate": {"alpha": {"delay_ms": 60_000}}})).to_string();
    let head = format!(
        "POST /chat/completions HTTP/1.1\r\napi-key: sk-test\r\ncontent-length: {}\r\n\r\n",
        slow.len()
    );
    waiting.write(head.as_bytes());
    waiting.write(slow.as_bytes());
    eventually("the slow request arrives", || alpha.requests().len() == 1);
    assert_eq!(alpha.in_flight(), 1);
    let start = Instant::now();
    drop(alpha);
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(idle);
}

#[test]
fn a_long_running_simulator_keeps_nothing() {
    let quiet = Simulator::builder("alpha")
        .recording(false)
        .start()
        .unwrap();
    assert_eq!(chat(&quiet, json!({})).unwrap().head.status, 200);
    assert!(quiet.requests().is_empty());
    assert_eq!(quiet.requests_received(), 1);
}

#[test]
fn what_is_no_http_is_refused() {
    let alpha = alpha();
    let mut connection = Connection::new(alpha.address());
    connection.write(b"\x16\x03\x01\x02\x00\x01");
    let head = connection.0.response_head().unwrap().unwrap();
    assert_eq!((head.status, alpha.requests_received()), (400, 0));
}
