//! How streams end: once, in `[DONE]` or in an error that nobody can take for an answer.

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::gateway::{shared, text};

const MODEL: &str = "test/free";
const DONE: &str = "data: [DONE]\n\n";

fn word() -> String {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "Hi"}}]});
    format!("data: {chunk}\n\n")
}

fn last() -> String {
    let chunk = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    format!("data: {chunk}\n\n")
}

#[test]
fn a_finished_stream_ends_in_one_done() {
    let gateway = shared();
    let usage = format!(
        "data: {}\n\n",
        json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    );
    let cases = [
        vec![word(), last(), DONE.to_owned()],
        vec![word(), last()],
        vec![word(), last(), usage.clone()],
        vec![word(), last(), usage, DONE.to_owned(), DONE.to_owned()],
        vec![word(), last().trim_end().to_owned()],
        vec![word(), last(), "data: [DONE]".to_owned()],
        // Whoever says that he is done, is.
        vec![word(), DONE.to_owned()],
    ];
    for events in cases {
        for size in [1, 1_000] {
            let ask = Ask::model(MODEL)
                .stream()
                .on("alpha", json!({"events": events, "chunk_bytes": size}));
            let response = gateway.send(&ask);
            assert!(response.is_whole());
            let data = response.sse_data();
            let done = data.iter().filter(|data| *data == "[DONE]").count();
            assert_eq!(done, 1, "{events:?}: {}", response.text());
            assert_eq!(data.last().map(String::as_str), Some("[DONE]"));
            assert_eq!(text(&response.sse_json()), "Hi");
            assert!(
                !response.text().contains("\"error\""),
                "{}",
                response.text()
            );
            assert_eq!(gateway.record(&ask)["finished"], true);
        }
    }
}

/// Checks that a stream said `Hi`, and that its last event is a canonical error with nothing behind.
#[track_caller]
fn assert_ends_in(response: &meshrouter_wasm_tests::client::Response, error: &Value) {
    let text = response.text();
    assert!(response.is_whole() && response.status == 200, "{text}");
    assert!(
        !text.contains("[DONE]") && !text.contains("canary"),
        "{text}"
    );
    let events = response.sse_json();
    assert_eq!(events.len(), 2, "{text}");
    assert_eq!(events[0]["choices"][0]["delta"]["content"], "Hi");
    let last = &events[1];
    let wanted = json!({
        "id": events[0]["id"], "provider": "Alpha", "model": MODEL, "object": "chat.completion.chunk",
        "created": events[0]["created"], "error": error,
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    });
    assert_eq!(last, &wanted);
}

#[test]
fn a_stream_that_breaks_off_politely_ends_in_an_error() {
    let gateway = shared();
    let broke_off = json!({"code": 502, "message": "The provider Alpha broke off its answer.",
        "metadata": {"provider_name": "Alpha"}});
    for events in [
        vec![word()],
        vec![word().trim_end().to_owned()],
        vec![word(), ": ping\n\n".to_owned()],
    ] {
        let ask = Ask::model(MODEL)
            .stream()
            .on("alpha", json!({"events": events}));
        assert_ends_in(&gateway.send(&ask), &broke_off);
        assert_eq!(gateway.asked(&ask), ["alpha"]);
    }
}

#[test]
fn an_error_in_the_midst_is_canonical_redacted_and_the_end() {
    let gateway = shared();
    let cases = [
        (
            json!({"error": {"code": 429, "message": "Slow down, sk-live-canary-1234"}}),
            429,
            "Slow down, [redacted]",
        ),
        (
            json!({"error": "sk-live-canary-1234 is out of credit"}),
            502,
            "[redacted] is out of credit",
        ),
        (
            json!({"error": {"code": "overloaded", "status": 529, "message": "Busy"}, "choices": []}),
            529,
            "Busy",
        ),
        (
            json!({"error": {"code": 402, "message": "Top up"}}),
            502,
            "Top up",
        ),
    ];
    for (event, code, message) in cases {
        let raw = event
            .to_string()
            .replace("sk-live-canary-1234", "[redacted]");
        let wanted = json!({"code": code, "message": message,
            "metadata": {"provider_name": "Alpha", "raw": raw}});
        for size in [1, 7, 1_000] {
            // What a provider says after its error is of no use to anybody.
            let events = [
                word(),
                format!("data: {event}\n\n"),
                word(),
                DONE.to_owned(),
            ];
            let ask = Ask::model(MODEL)
                .stream()
                .on("alpha", json!({"events": events, "chunk_bytes": size}));
            assert_ends_in(&gateway.send(&ask), &wanted);
            assert_eq!(gateway.asked(&ask), ["alpha"]);
        }
    }
    gateway.assert_calm();
}
