//! How much of a stream is held with its headers, so that another provider can still take its place.

use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::failures::{role, word};
use crate::gateway::{Gateway, answer, shared, text};

/// What a provider says when it fails after all.
fn error() -> String {
    "data: {\"error\": {\"code\": 503, \"message\": \"scripted\"}}\n\n".to_owned()
}

/// A chunk of no choice.
fn empty() -> String {
    "data: {\"id\": \"scripted\", \"choices\": []}\n\n".to_owned()
}

/// Comments of more than this many bytes.
fn comments(bytes: usize) -> String {
    ": still at work\n\n".repeat(bytes / 10)
}

fn gateway(hold: Value) -> Gateway {
    Gateway::start(|envoy| envoy.document(move |document| document["hold"] = hold))
}

fn streamed(action: Value) -> Ask {
    Ask::model(MINI).stream().on("alpha", action)
}

/// Checks that alpha's error reached the caller in alpha's stream.
#[track_caller]
fn assert_visible(gateway: &Gateway, action: Value) {
    let ask = streamed(action);
    let response = gateway.send(&ask);
    assert_eq!((response.status, response.is_whole()), (200, true));
    let events = response.sse_json();
    let last = events.last().unwrap();
    assert_eq!(last["error"]["message"], "scripted", "{}", response.text());
    assert_eq!(last["choices"][0]["finish_reason"], "error");
    assert!(!response.text().contains("[DONE]"), "{}", response.text());
    assert_eq!(gateway.asked(&ask), ["alpha"]);
    assert_eq!(gateway.record(&ask)["attempts"], 1);
}

/// Checks that a stream's headers are with the caller so much earlier than its first token.
#[track_caller]
fn assert_early(gateway: &Gateway, action: Value, apart: Duration) {
    let ask = streamed(action);
    let mut stream = gateway.stream(&ask);
    assert_eq!(stream.head.status, 200);
    let headed = stream.head_at;
    let seen = stream.read_until("Hello");
    assert!(seen.contains("Hello"), "{seen}");
    assert!(headed.elapsed() >= apart, "{:?}", headed.elapsed());
    assert!(stream.finish().is_whole());
    assert_eq!(gateway.asked(&ask), ["alpha"]);
}

#[test]
fn chunks_that_say_nothing_are_held() {
    let gateway = shared();
    for first in [role(), empty(), role() + &empty(), comments(100) + &role()] {
        for delay in [0, 20] {
            let action = json!({"events": [first, error()], "chunk_delay_ms": delay});
            let ask = streamed(action);
            let response = gateway.send(&ask);
            let said = "Hello from beta. You said: One two three".to_owned();
            assert_eq!(answer(&response), Ok(("Beta".to_owned(), said)));
            assert!(!response.text().contains("scripted"), "{}", response.text());
            assert_eq!(gateway.asked(&ask), ["alpha", "beta"]);
        }
    }
    // None of them is lost where a token follows.
    let events = [
        comments(20),
        empty(),
        role(),
        word("Hi"),
        "data: [DONE]\n\n".to_owned(),
    ];
    let response = gateway.send(&streamed(json!({"events": events, "chunk_delay_ms": 2})));
    let seen = response.sse_json();
    assert_eq!((seen.len(), text(&seen)), (3, "Hi".to_owned()));
    assert_eq!(seen[1]["choices"][0]["delta"]["role"], "assistant");
    assert!(
        response.text().starts_with(": still at work\n\n"),
        "{}",
        response.text()
    );
}

#[test]
fn any_chunk_ends_the_hold_where_events_do() {
    let gateway = gateway(json!({"until": "event"}));
    for first in [role(), empty()] {
        assert_visible(
            &gateway,
            json!({"events": [first, error()], "chunk_delay_ms": 20}),
        );
    }
    // Comments are no events, and an error is nothing that answers.
    let ask = streamed(json!({"events": [comments(100), error()], "chunk_delay_ms": 20}));
    let response = gateway.send(&ask);
    assert_eq!(answer(&response).unwrap().0, "Beta");
    assert_eq!(gateway.asked(&ask), ["alpha", "beta"]);
}

#[test]
fn a_hold_lasts_no_longer_than_it_may() {
    let gateway = gateway(json!({"max_ms": 300}));
    let (said, done) = (word("Hello"), "data: [DONE]\n\n".to_owned());
    let apart = Duration::from_millis(700);
    // At once where nothing has come, else with the next piece.
    let silent = |events: &[String]| json!({"events": events, "hold_ms_after_headers": 2_000});
    assert_early(&gateway, silent(&[said.clone(), done.clone()]), apart);
    assert_visible(&gateway, silent(&[error()]));
    for first in [comments(10), role()] {
        let slow = |rest: &[String]| {
            let events = [&vec![first.clone(); 20], rest].concat();
            json!({"events": events, "chunk_delay_ms": 100})
        };
        assert_early(&gateway, slow(&[said.clone(), done.clone()]), apart);
        assert_visible(&gateway, slow(&[error()]));
    }
}

#[test]
fn a_hold_takes_no_more_than_it_may() {
    let gateway = gateway(json!({"max_bytes": 2_000}));
    let slow = |events: &[String]| json!({"events": events, "hold_ms_after_first": 1_000});
    let done = "data: [DONE]\n\n".to_owned();
    let apart = Duration::from_millis(500);
    assert_early(
        &gateway,
        slow(&[comments(2_500), word("Hello"), done]),
        apart,
    );
    assert_visible(&gateway, slow(&[comments(2_500), error()]));
    assert_visible(&gateway, slow(&[comments(2_500) + &role(), error()]));
    // Less than that is held for as long as it takes.
    let ask = streamed(slow(&[comments(1_000), error()]));
    assert_eq!(answer(&gateway.send(&ask)).unwrap().0, "Beta");
}
