//! Streams arrive as they are written, however they are cut.

use std::time::Duration;

use meshrouter_wasm_tests::client::{Stream, sse_data};
use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::gateway::{shared, text};

/// How long a provider waits after the first event with content.
const HOLD: u64 = 1_000;
/// How much earlier than the last event the first one is at least.
const APART: Duration = Duration::from_millis(600);

/// When what was awaited and when the last byte came, and all of the text.
fn arrivals(mut stream: Stream, awaited: &str) -> (Duration, Duration, String) {
    let mut seen = stream.read_until(awaited);
    assert!(seen.contains(awaited), "{seen}");
    let first = stream.sent.elapsed();
    for piece in stream.by_ref() {
        seen += &String::from_utf8_lossy(&piece.bytes);
    }
    assert!(stream.error().is_none());
    (first, stream.sent.elapsed(), seen)
}

#[test]
fn the_first_event_arrives_while_the_provider_still_writes() {
    let gateway = shared();
    let held = json!({"hold_ms_after_first": HOLD});
    let json_wanted = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
        "plugins": [{"id": "response-healing"}]});
    let cases = [
        Ask::model(MINI),
        Ask::model(MINI).and(json!({"usage": {"include": true}, "transforms": ["middle-out"]})),
        Ask::model(MINI).and(json_wanted),
        // Also after a fallback.
        Ask::model(MINI).on(
            "alpha",
            json!({"error_event": {"at": 0, "error": {"message": "x"}}}),
        ),
    ];
    // At the same time: the holds are what takes long here.
    std::thread::scope(|scope| {
        for ask in cases {
            let ask = ask.stream().on("beta", held.clone());
            let failing = ask.body()["simulate"].get("alpha").is_some();
            let ask = if failing {
                ask
            } else {
                ask.on("alpha", held.clone())
            };
            let gateway = &gateway;
            scope.spawn(move || {
                let (first, whole, seen) = arrivals(gateway.stream(&ask), "Hello");
                assert!(first + APART < whole, "{first:?} of {whole:?}");
                let said = sse_data(&seen);
                assert_eq!(said.last().map(String::as_str), Some("[DONE]"));
                let record = gateway.record(&ask);
                let first_byte = record["first_byte_ms"].as_u64().unwrap();
                assert!(first_byte < HOLD, "{record}");
                assert!(gateway.line(&ask)["duration_ms"].as_u64().unwrap() >= HOLD);
            });
        }
    });
}

#[test]
fn comments_arrive_before_the_first_event_of_a_stream_that_has_begun() {
    let gateway = shared();
    let chunk = |content: &str| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {"content": content}}]})
        )
    };
    let events = json!([chunk("one"), ": ping\n\n", chunk("two"), "data: [DONE]\n\n"]);
    let ask = Ask::model(MINI).stream().on(
        "alpha",
        json!({"comments": 2, "events": events, "chunk_delay_ms": 2}),
    );
    let response = gateway.send(&ask);
    assert_eq!(text(&response.sse_json()), "onetwo");
    let comments = response
        .text()
        .matches(": OPENROUTER PROCESSING\n\n")
        .count();
    assert_eq!(
        (comments, response.text().matches(": ping\n\n").count()),
        (2, 1)
    );
}

/// Events without what differs from request to request.
fn canonical(response: &meshrouter_wasm_tests::client::Response) -> Vec<Value> {
    let mut events = response.sse_json();
    for event in &mut events {
        event["id"].take();
        event["created"].take();
    }
    events
}

#[test]
fn however_a_stream_is_cut_its_events_are_the_same() {
    let gateway = shared();
    let said = "naïve 世界 😀 \"quoted\\ \u{2028} end";
    let ask = |more: Value| {
        let mut action = json!({"content": said});
        action
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Ask::model(MINI)
            .stream()
            .and(json!({"stream_options": {"include_usage": true}}))
            .on("alpha", action)
    };
    let whole = gateway.send(&ask(json!({})));
    let wanted = canonical(&whole);
    assert_eq!(text(&wanted), said);
    assert_eq!(wanted.last().unwrap()["usage"]["completion_tokens"], 5);
    for size in [1, 2, 3, 7, 64, 1_000] {
        let delay = u64::from(size > 50);
        let response = gateway.send(&ask(json!({"chunk_bytes": size, "chunk_delay_ms": delay})));
        assert!(response.is_whole());
        assert_eq!(canonical(&response), wanted, "in pieces of {size}");
    }
}

#[test]
fn every_framing_that_providers_use_is_read() {
    let gateway = shared();
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "Hi"}}]}).to_string();
    let (head, tail) = chunk.split_at("{\"choices\":".len());
    let framings = [
        format!("data: {chunk}\n\ndata: [DONE]\n\n"),
        format!("data:{chunk}\n\ndata:[DONE]\n\n"),
        format!("data: {chunk}\r\n\r\ndata: [DONE]\r\n\r\n"),
        format!("data: {chunk}\r\rdata: [DONE]\r\r"),
        format!("\u{feff}data: {chunk}\n\ndata: [DONE]\n\n"),
        format!("event: message\nid: 7\nretry: 5\ndata: {chunk}\n\ndata: [DONE]\n\n"),
        format!("data: {chunk}\n\ndata: [DONE]"),
        format!("data: {head}\ndata: {tail}\n\ndata: [DONE]\n\n"),
    ];
    for framing in framings {
        for size in [2, 1_000] {
            let action = json!({"events": [framing], "chunk_bytes": size});
            let ask = Ask::model(MINI).stream().on("alpha", action);
            let response = gateway.send(&ask);
            let events = parsed(&response.text());
            assert_eq!(events.len(), 2, "{framing:?}: {:?}", response.text());
            assert_eq!(events[1], "[DONE]", "{framing:?}");
            let event: Value = serde_json::from_str(&events[0]).unwrap();
            assert_eq!(event["choices"][0]["delta"]["content"], "Hi", "{framing:?}");
            assert_eq!(
                (&event["provider"], &event["model"]),
                (&json!("Alpha"), &json!(MINI)),
                "{framing:?}"
            );
        }
    }
}

/// The data of each event, read as the standard has it.
fn parsed(stream: &str) -> Vec<String> {
    let stream = stream
        .trim_start_matches('\u{feff}')
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let event = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        let lines: Vec<_> = lines
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    };
    stream.split("\n\n").filter_map(event).collect()
}
