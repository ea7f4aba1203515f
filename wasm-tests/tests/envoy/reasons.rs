//! The one word for what was wrong with an attempt, and the status that the provider gave.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::attempts::{ENDLESS, WHY, gateway, id, listed, told};
use crate::failures::role;
use crate::gateway::refusal;

/// A provider, what it does, the status that it gives, and the word for that.
type Row = (&'static str, Value, Option<u16>, &'static str);

/// Failures of either kind of request.
fn rows() -> Vec<Row> {
    let scripted = |action, status, reason| ("alpha", action, status, reason);
    let statuses = [
        (401, "credential"),
        (402, "credential"),
        (403, "flagged"),
        (404, "not_found"),
        (408, "server_error"),
        (409, "server_error"),
        (425, "server_error"),
        (429, "rate_limited"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "overloaded"),
        (504, "server_error"),
        (522, "server_error"),
        (529, "overloaded"),
        (400, "refused"),
        (413, "refused"),
        (422, "refused"),
        (451, "refused"),
        (302, "refused"),
    ];
    let statuses =
        statuses.map(|(status, reason)| scripted(json!({"status": status}), Some(status), reason));
    let long = json!({"error": {"code": "context_length_exceeded", "message": "Too long."}});
    let long = |status| json!({"status": status, "body": long});
    let failed = json!({"body": {"error": {"message": "Failed.", "code": 503}}});
    let silent = json!({"delay_ms": ENDLESS});
    let others = [
        ("closed", json!({}), None, "unreachable"),
        ("nowhere", json!({}), None, "unreachable"),
        ("no-tls", json!({}), None, "tls"),
        ("hanging", json!({}), None, "connect_timeout"),
        ("first_byte", silent.clone(), None, "first_byte_timeout"),
        ("total", silent, None, "total_timeout"),
        scripted(json!({"reset": "before_headers"}), None, "reset"),
        scripted(json!({"reset": "after_headers"}), None, "broke_off"),
        scripted(json!({"cut": {"after_events": 0}}), None, "broke_off"),
        scripted(long(400), Some(400), "too_long"),
        scripted(long(413), Some(413), "too_long"),
        scripted(json!({"empty": true}), Some(200), "no_completion"),
        scripted(failed, Some(200), "error_event"),
    ];
    statuses.into_iter().chain(others).collect()
}

/// Failures of plain requests.
fn plain_rows() -> Vec<Row> {
    let scripted = |action, status, reason| ("alpha", action, status, reason);
    vec![
        (
            "idle",
            json!({"hold_ms_after_headers": ENDLESS}),
            None,
            "idle_timeout",
        ),
        scripted(json!({"events": [role()]}), Some(200), "wrong_type"),
        scripted(
            json!({"body": "{\"choices\": [", "content_type": "application/json"}),
            Some(200),
            "no_completion",
        ),
        scripted(json!({"body": [1]}), Some(200), "no_completion"),
        scripted(json!({"cut": {"after_events": 1}}), None, "broke_off"),
    ]
}

/// Failures of streams.
fn stream_rows() -> Vec<Row> {
    let scripted = |action, status, reason| ("alpha", action, status, reason);
    let event = |at: usize| json!({"error_event": {"at": at, "error": {"message": "Failed."}}});
    let broken = json!({"events": [role()], "cut": {"after_events": 1}, "chunk_delay_ms": 2});
    let commented = json!({"reset": "after_headers", "comments": 2, "chunk_delay_ms": 2});
    let silent = json!({"events": [role()], "hold_ms_after_first": ENDLESS});
    vec![
        scripted(
            json!({"body": "<html>", "content_type": "text/html"}),
            Some(200),
            "wrong_type",
        ),
        scripted(event(0), Some(200), "error_event"),
        scripted(event(1), Some(200), "error_event"),
        scripted(json!({"events": []}), Some(200), "no_completion"),
        scripted(
            json!({"events": [], "comments": 2}),
            Some(200),
            "no_completion",
        ),
        scripted(json!({"events": [role()]}), Some(200), "no_completion"),
        scripted(broken, None, "broke_off"),
        scripted(commented, None, "broke_off"),
        ("first_byte", silent.clone(), None, "first_byte_timeout"),
        ("total", silent, None, "total_timeout"),
    ]
}

#[test]
fn every_failure_has_a_word_for_who_may_ask_why() {
    let gateway = gateway();
    let either = |more: Vec<Row>| rows().into_iter().chain(more);
    let plain = either(plain_rows()).map(|row| (false, row));
    let all: Vec<_> = plain
        .chain(either(stream_rows()).map(|row| (true, row)))
        .collect();
    let next = Mutex::new(all.iter());
    let complaints = Mutex::new(Vec::new());
    let check = |(stream, (provider, action, status, reason)): &(bool, Row)| {
        let ask = Ask::with(json!({"model": id(provider), "stream": stream}))
            .with_key(WHY)
            .on("alpha", action.clone());
        let response = gateway.send(&ask);
        refusal(&response)?;
        let error = response.json()["error"].take();
        let wanted = json!([{"model": id(provider), "endpoint": provider, "status": status, "reason": reason}]);
        match (listed(&error) == wanted, told(&response)) {
            (true, Some("1")) => Ok(()),
            (_, told) => Err(format!(
                "{provider} {action}, stream: {stream}, {told:?}: {reason}, not {error}"
            )),
        }
    };
    // Most wait for something.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(row) = { next.lock().unwrap().next() } {
                    complaints.lock().unwrap().extend(check(row).err());
                }
            });
        }
    });
    let complaints: Vec<String> = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
