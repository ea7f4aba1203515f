//! Where trying elsewhere ends: nobody is left, the request itself is at fault, or an answer has begun.

use serde_json::json;

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::gateway::{error, shared, text};

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
