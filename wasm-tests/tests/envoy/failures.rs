//! What goes wrong at providers, as actions of a simulator.

use serde_json::{Value, json};

use crate::catalog::with;

/// An event of a stream in which nothing is said yet.
pub(crate) fn role() -> String {
    let choice =
        json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null});
    let chunk = json!({"id": "scripted", "object": "chat.completion.chunk", "choices": [choice]});
    format!("data: {chunk}\n\n")
}

/// An event of a stream in which this is said.
pub(crate) fn word(said: &str) -> String {
    let choice = json!({"index": 0, "delta": {"content": said}, "finish_reason": null});
    let chunk = json!({"id": "scripted", "object": "chat.completion.chunk", "choices": [choice]});
    format!("data: {chunk}\n\n")
}

/// The failures that end by themselves, as a simulator's actions.
pub(crate) fn failures(stream: bool) -> Vec<(String, Value)> {
    let statuses = [
        401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529,
    ];
    let statuses = statuses.map(|status| (format!("status {status}"), json!({"status": status})));
    let long = json!({"error": {"code": "context_length_exceeded",
        "message": "This model's maximum context length is 9 tokens."}});
    let flagged = json!({"error": {"code": 403, "message": "Your input was flagged",
        "metadata": {"reasons": ["violence"], "flagged_input": "One two", "provider_name": "OpenAI"}}});
    let half = r#"{"id": "scripted", "choices": [{"index": 0, "message": {"content": "scri"#;
    let html = json!({"body": "<html>scripted</html>", "content_type": "text/html"});
    let error = json!({"message": "scripted", "code": 503});
    let mut failures = vec![
        ("reset before headers", json!({"reset": "before_headers"})),
        ("reset after headers", json!({"reset": "after_headers"})),
        ("cut after headers", json!({"cut": {"after_events": 0}})),
        ("flagged", json!({"status": 403, "body": flagged})),
        ("too long", json!({"status": 400, "body": long})),
        ("too large", json!({"status": 413, "body": long})),
        ("empty", json!({"empty": true})),
        (
            "half an object",
            json!({"body": half, "content_type": "application/json"}),
        ),
        ("html", html),
        ("no object", json!({"body": [1]})),
        ("error in a success", json!({"body": {"error": error}})),
    ];
    if stream {
        let event =
            |at: usize| json!({"error_event": {"at": at, "error": error}, "chunk_delay_ms": 2});
        failures.extend([
            ("error first", event(0)),
            (
                "error after comments",
                with(event(0), &json!({"comments": 3})),
            ),
            ("error after a role", event(1)),
            (
                "error with a role",
                with(event(1), &json!({"chunk_delay_ms": 0})),
            ),
            ("nothing", json!({"events": []})),
            ("comments only", json!({"events": [], "comments": 2})),
            ("role only", json!({"events": [role()]})),
            (
                "cut after a role",
                json!({"events": [role()], "cut": {"after_events": 1}, "chunk_delay_ms": 2}),
            ),
            (
                "reset after a role",
                json!({"events": [role()], "reset": {"after_events": 1}, "chunk_delay_ms": 2}),
            ),
            (
                "reset after comments",
                json!({"reset": "after_headers", "comments": 2, "chunk_delay_ms": 2}),
            ),
        ]);
    } else {
        failures.extend([
            (
                "stream",
                json!({"events": [word("scripted"), "data: [DONE]\n\n"]}),
            ),
            ("half of an answer", json!({"cut": {"after_events": 1}})),
            ("half, then a reset", json!({"reset": {"after_events": 1}})),
        ]);
    }
    let named = failures
        .into_iter()
        .map(|(name, action)| (name.to_owned(), action));
    statuses.into_iter().chain(named).collect()
}

/// Providers that say nothing, or nothing of use, for as long as anybody waits.
pub(crate) fn silences(stream: bool) -> Vec<(&'static str, Value)> {
    let mut silences = vec![("silence", json!({"delay_ms": 20_000}))];
    if stream {
        silences.extend([
            (
                "silence after headers",
                json!({"hold_ms_after_headers": 20_000}),
            ),
            (
                "silence after comments",
                json!({"comments": 2, "events": [": x\n\n"], "hold_ms_after_first": 20_000}),
            ),
            (
                "silence after a role",
                json!({"events": [role()], "hold_ms_after_first": 20_000}),
            ),
        ]);
    }
    silences
}
