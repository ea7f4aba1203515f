//! What makes the router try elsewhere, before anything has reached the caller.

use serde_json::{Value, json};

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::gateway::{error, shared, text};

const ERROR: &str = r#"{"error":{"message":"scripted","code":503}}"#;

/// Failures of either kind of request.
fn failures() -> Vec<(&'static str, Value)> {
    let statuses = [
        401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529, 599,
    ];
    let mut failures: Vec<_> = statuses
        .into_iter()
        .map(|status| ("status", json!({"status": status})))
        .collect();
    failures.extend([
        ("reset before headers", json!({"reset": "before_headers"})),
        ("reset after headers", json!({"reset": "after_headers"})),
        ("cut after headers", json!({"cut": {"after_events": 0}})),
        ("empty 200", json!({"empty": true})),
        (
            "html 200",
            json!({"body": "<html>Welcome</html>", "content_type": "text/html"}),
        ),
        (
            "JSON error in a 200",
            json!({"body": {"error": {"message": "scripted"}}}),
        ),
        ("text error in a 200", json!({"body": ERROR})),
        ("JSON that is no object", json!({"body": [1]})),
        (
            "html 503",
            json!({"status": 503, "body": "<html>Sorry</html>", "content_type": "text/html"}),
        ),
        ("empty 500", json!({"status": 500, "empty": true})),
        (
            "429 as SSE",
            json!({"status": 429, "events": ["data: {}\n\n"]}),
        ),
        (
            "a header name that is none",
            json!({"headers": {"x\u{ff}": "1"}}),
        ),
    ]);
    failures
}

/// Failures of streams.
fn stream_failures() -> Vec<(&'static str, Value)> {
    let error = json!({"at": 0, "error": {"message": "scripted", "code": 503}});
    let event = format!("data: {ERROR}\n\n");
    let answer =
        r#"data: {"choices":[{"index":0,"delta":{"content":"scripted"}}]}"#.to_owned() + "\n\n";
    vec![
        ("error event", json!({"error_event": error})),
        (
            "error event, cut at every byte",
            json!({"error_event": error, "chunk_bytes": 1}),
        ),
        (
            "error event, cut in sevens",
            json!({"error_event": error, "chunk_bytes": 7, "chunk_delay_ms": 1}),
        ),
        (
            "comments, then an error event",
            json!({"error_event": error, "comments": 3, "chunk_delay_ms": 1}),
        ),
        (
            "comments, then nothing",
            json!({"events": [], "comments": 2}),
        ),
        ("nothing at all", json!({"events": []})),
        (
            "reset after comments",
            json!({"reset": "after_headers", "comments": 2, "chunk_delay_ms": 5}),
        ),
        (
            "cut in the first event",
            json!({"events": ["data: {\"choices\":"], "cut": {"after_events": 1}, "chunk_delay_ms": 5}),
        ),
        (
            "reset in the first event",
            json!({"events": ["data: {\"choices\":"], "reset": {"after_events": 1}, "chunk_delay_ms": 5}),
        ),
        (
            "error event with CRLF",
            json!({"events": [event.replace('\n', "\r\n")]}),
        ),
        (
            "error event with BOM and no space",
            json!({"events": [format!("\u{feff}data:{ERROR}\n\n")]}),
        ),
        (
            "error event without an end",
            json!({"events": [event.trim_end()]}),
        ),
        ("[DONE] first", json!({"events": ["data: [DONE]\n\n"]})),
        (
            "no answer first",
            json!({"events": ["data: {}\n\n", answer, "data: [DONE]\n\n"]}),
        ),
        (
            "no JSON first",
            json!({"events": ["data: <html>\n\n", answer, "data: [DONE]\n\n"]}),
        ),
        (
            "error event with a name",
            json!({"events": [format!("event: error\nid: 1\n{event}")]}),
        ),
    ]
}

#[test]
fn the_next_endpoint_answers_where_one_fails() {
    let gateway = shared();
    let plain = failures().into_iter().map(|case| (false, case));
    let both = failures().into_iter().chain(stream_failures());
    for (stream, (name, failure)) in plain.chain(both.map(|case| (true, case))) {
        let ask = Ask::with(json!({"model": MINI, "stream": stream})).on("alpha", failure.clone());
        let response = gateway.send(&ask);
        let what = format!("{name}, {failure}, stream: {stream}: {}", response.text());
        assert_eq!(
            (response.status, response.is_whole()),
            (200, true),
            "{what}"
        );
        let said = if stream {
            let chunks = response.sse_json();
            assert!(
                chunks.iter().all(|chunk| chunk["provider"] == "Beta"),
                "{what}"
            );
            assert_eq!(
                response.sse_data().last().map(String::as_str),
                Some("[DONE]"),
                "{what}"
            );
            text(&chunks)
        } else {
            let completion = response.json();
            assert_eq!(completion["provider"], "Beta", "{what}");
            completion["choices"][0]["message"]["content"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        // Nothing of the failure precedes or follows the answer.
        assert_eq!(said, "Hello from beta. You said: One two three", "{what}");
        assert!(!response.text().contains("scripted"), "{what}");
        assert_eq!(gateway.asked(&ask), ["alpha", "beta"], "{what}");
        let record = gateway.record(&ask);
        assert_eq!(
            (&record["attempts"], &record["provider"]),
            (&json!(2), &json!("beta")),
            "{what}"
        );
    }
    gateway.assert_calm();
}

#[test]
fn the_next_model_answers_where_all_endpoints_fail() {
    let gateway = shared();
    for stream in [false, true] {
        let failure = json!({"status": 503});
        let ask = Ask::with(json!({"model": SONNET, "models": [LLAMA, MINI], "stream": stream}))
            .on("beta", failure.clone())
            .on(
                "gamma",
                json!({"error_event": {"at": 0, "error": {"message": "scripted"}}}),
            )
            .on("alpha", json!([failure, {}]));
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        let answers = if stream {
            response.sse_json()
        } else {
            vec![response.json()]
        };
        for answer in answers {
            assert_eq!(
                (&answer["model"], &answer["provider"]),
                (&json!(MINI), &json!("Alpha"))
            );
        }
        assert_eq!(gateway.asked(&ask), ["beta", "gamma", "alpha", "alpha"]);
        let record = gateway.record(&ask);
        assert_eq!(
            (&record["attempts"], &record["model"]),
            (&json!(4), &json!(MINI))
        );
        assert_eq!(record["model_requested"], SONNET);
    }
}

#[test]
fn every_attempt_starts_from_the_callers_own_body() {
    let gateway = shared();
    let ask = Ask::with(
        json!({"models": [MINI, SONNET], "odd": 1.5, "usage": {"include": true}, "stream": true}),
    )
    .on("alpha", json!({"reset": "before_headers"}))
    .on("beta", json!([{"empty": true}, {}]))
    .on("gamma", json!({"status": 500}));
    assert_eq!(gateway.send(&ask).status, 200);
    let bodies: Vec<_> = gateway
        .seen(&ask)
        .iter()
        .map(|seen| {
            let mut body = seen.request.json();
            body.as_object_mut().unwrap().remove("model");
            body
        })
        .collect();
    assert_eq!(bodies.len(), 4);
    let mut wanted = ask.body();
    wanted
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !matches!(&**name, "models" | "usage"));
    wanted["stream_options"] = json!({"include_usage": true});
    for body in bodies {
        assert_eq!(body, wanted);
    }
}

#[test]
fn a_provider_that_nobody_runs_is_passed_over() {
    let gateway = shared();
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": "test/half-closed", "stream": stream}));
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        let answer = if stream {
            response.sse_json().remove(0)
        } else {
            response.json()
        };
        assert_eq!(answer["provider"], "Gamma");
        assert_eq!(gateway.record(&ask)["attempts"], 2);

        let ask =
            Ask::with(json!({"model": "test/closed", "models": ["test/closed"], "stream": stream}));
        let response = gateway.send(&ask);
        let found = error(&response, 503);
        let wanted = json!({"code": 503, "message": "The provider Closed could not be reached.",
            "metadata": {"provider_name": "Closed"}});
        assert_eq!(found, wanted, "Envoy's own words are not the provider's");
        assert_eq!(gateway.record(&ask)["attempts"], 1);
    }
}
