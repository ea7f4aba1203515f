//! Where trying elsewhere ends: nobody is left, the request itself is at fault, or an answer has begun.

use serde_json::{Value, json};

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::gateway::{error, shared, text};

/// What is said of a provider whose success has no answer in it.
const NO_COMPLETION: &str = "The provider Gamma answered without a completion.";

#[test]
fn the_last_real_status_is_the_callers() {
    let gateway = shared();
    let named = |status: u16, message: &str| json!({"status": status, "body": {"error": {"message": message}}});
    let event = |error: Value| json!({"error_event": {"at": 0, "error": error}});
    let cases = [
        (named(503, "overloaded today"), 503, "overloaded today"),
        (named(429, "slow down"), 429, "slow down"),
        (
            json!({"status": 529, "body": "<html>busy</html>"}),
            529,
            "status 529",
        ),
        (json!({"status": 500, "empty": true}), 500, "status 500"),
        (
            event(json!({"code": 429, "message": "slow down"})),
            429,
            "slow down",
        ),
        (
            event(json!({"code": "overloaded", "message": "too busy"})),
            502,
            "too busy",
        ),
        (json!({"empty": true}), 502, NO_COMPLETION),
        (json!({"body": "<html>200</html>"}), 502, NO_COMPLETION),
        // Our key at the provider is not the caller's, and its address is not the caller's to follow.
        (named(401, "no such key"), 502, "no such key"),
        (named(402, "top up"), 502, "top up"),
        (
            json!({"status": 302, "headers": {"location": "https://canary.example"}, "body": ""}),
            502,
            "status 302",
        ),
        (named(403, "flagged"), 403, "flagged"),
        (named(404, "no such model here"), 404, "no such model here"),
        (named(409, "conflict"), 409, "conflict"),
        (named(425, "too early"), 425, "too early"),
        (
            json!({"reset": "before_headers"}),
            503,
            "could not be reached",
        ),
        (json!({"reset": "after_headers"}), 502, "broke off"),
    ];
    for stream in [false, true] {
        for (last, status, message) in &cases {
            // The first two fail otherwise: theirs is not the answer.
            let ask = Ask::with(json!({"model": MINI, "stream": stream}))
                .on("alpha", named(500, "first"))
                .on("beta", named(504, "second"))
                .on("gamma", last.clone());
            let response = gateway.send(&ask);
            let found = error(&response, *status);
            let said = found["message"].as_str().unwrap();
            assert!(said.contains(message), "{last}, stream {stream}: {found}");
            if *message != "broke off" {
                assert_eq!(
                    found["metadata"]["provider_name"], "Gamma",
                    "{last}: {found}"
                );
                assert_eq!(gateway.record(&ask)["attempts"], 3);
            }
            assert_eq!(gateway.asked(&ask), ["alpha", "beta", "gamma"]);
            let line = gateway.line(&ask);
            assert_eq!(line["status"], *status);
            assert!(line["completion"]["cost"].is_null(), "{line}");
        }
    }
    gateway.assert_calm();
}

#[test]
fn what_any_provider_would_refuse_is_asked_once() {
    let gateway = shared();
    for stream in [false, true] {
        // A redirect leads nowhere from here.
        let refusals = [400, 405, 413, 415, 422, 451].map(|status| (status, status));
        for (status, seen) in refusals.into_iter().chain([(301, 502), (307, 502)]) {
            let body = json!({"error": {"message": "your request is wrong, sk-live-canary-1234"}});
            let ask = Ask::with(json!({"model": MINI, "stream": stream}))
                .on("alpha", json!({"status": status, "body": body}));
            let response = gateway.send(&ask);
            let found = error(&response, seen);
            assert_eq!(found["message"], "your request is wrong, [redacted]");
            assert_eq!(found["metadata"]["provider_name"], "Alpha");
            assert!(!response.text().contains("canary"));
            assert_eq!(gateway.asked(&ask), ["alpha"]);
            assert_eq!(gateway.record(&ask)["attempts"], 1);
        }
    }
}

#[test]
fn what_is_refused_for_its_length_goes_where_there_is_more_room() {
    let gateway = shared();
    let long = json!({"error": {"code": "context_length_exceeded", "message": "This model's maximum context length is 9 tokens."}});
    for (stream, status) in [(false, 400), (true, 400), (false, 413)] {
        let ask = Ask::with(json!({"model": MINI, "stream": stream}))
            .on("alpha", json!({"status": status, "body": long}))
            .on("beta", json!({"status": status, "body": long}));
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(gateway.asked(&ask), ["alpha", "beta", "gamma"]);
    }
    // The last one's words are the caller's.
    let ask = Ask::model(MINI).everywhere(&json!({"status": 400, "body": long}));
    let found = error(&gateway.send(&ask), 400);
    assert_eq!(found["metadata"]["provider_name"], "Gamma");
    assert_eq!(gateway.asked(&ask).len(), 3);
}

#[test]
fn any_error_leads_to_the_next_model() {
    let gateway = shared();
    let body = json!({"error": {"message": "your request is wrong"}});
    for status in [400, 405, 413, 415, 422, 451] {
        for stream in [false, true] {
            let ask = Ask::with(json!({"model": SONNET, "models": [LLAMA], "stream": stream}))
                .on("beta", json!({"status": status, "body": body}));
            let response = gateway.send(&ask);
            assert_eq!(response.status, 200, "{status}: {}", response.text());
            assert_eq!(gateway.asked(&ask), ["beta", "gamma"], "{status}");
            assert_eq!(gateway.record(&ask)["model"], LLAMA);
        }
    }
}

#[test]
fn a_plan_is_tried_to_its_end_and_no_further() {
    let gateway = shared();
    let ask =
        Ask::with(json!({"models": [MINI, SONNET, LLAMA]})).everywhere(&json!({"status": 503}));
    error(&gateway.send(&ask), 503);
    let wanted = ["alpha", "beta", "gamma", "beta", "gamma", "alpha"];
    assert_eq!(gateway.asked(&ask), wanted);
    assert_eq!(gateway.record(&ask)["attempts"], 6);
}

#[test]
fn after_content_there_is_no_second_start() {
    let gateway = shared();
    let error = json!({"code": 503, "message": "broke in the middle"});
    let cases = [
        (
            "error event",
            json!({"error_event": {"at": 3, "error": error}}),
            true,
        ),
        (
            "reset",
            json!({"reset": {"after_events": 3}, "chunk_delay_ms": 100}),
            false,
        ),
        (
            "cut",
            json!({"cut": {"after_events": 3}, "chunk_delay_ms": 100}),
            false,
        ),
    ];
    for (name, action, whole) in cases {
        let ask = Ask::model(MINI).stream().on("alpha", action);
        let response = gateway.send(&ask);
        assert_eq!(
            (response.status, response.is_whole()),
            (200, whole),
            "{name}: {}",
            response.text()
        );
        let events = response.sse_json();
        assert_eq!(text(&events), "Hello from ", "{name}");
        assert!(
            events.iter().all(|event| event["provider"] == "Alpha"),
            "{name}: {events:?}"
        );
        let last = events.last().unwrap();
        if whole {
            assert_eq!(last["error"]["message"], "broke in the middle", "{name}");
        } else {
            // Whoever sees `[DONE]` takes a broken answer for a whole one.
            assert!(!response.text().contains("[DONE]"), "{name}");
        }
        assert_eq!(gateway.asked(&ask), ["alpha"], "{name}");
        let record = gateway.record(&ask);
        assert_eq!(
            (&record["attempts"], &record["finished"]),
            (&json!(1), &json!(whole)),
            "{name}: {record}"
        );
    }
}

#[test]
fn half_a_plain_answer_is_tried_elsewhere() {
    let gateway = shared();
    // Plain answers are held until they are whole, so that nothing of a broken one is seen.
    for broken in [
        json!({"reset": {"after_events": 1}}),
        json!({"cut": {"after_events": 1}}),
    ] {
        let ask = Ask::model(MINI).on("alpha", broken);
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.json()["provider"], "Beta");
        assert_eq!(gateway.asked(&ask), ["alpha", "beta"]);
    }
}
