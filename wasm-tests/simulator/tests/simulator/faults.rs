//! Every scripted fault, as a client sees it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::client::{Answer, Connection, alpha, chat, eventually, request};
use meshrouter_simulator::http1::Framing;
use serde_json::{Value, json};

/// The answer of a simulator to a request with this action.
fn acted(stream: bool, action: Value) -> std::io::Result<Answer> {
    chat(
        &alpha(),
        json!({"stream": stream, "simulate": {"alpha": action}}),
    )
}

#[test]
fn a_status_comes_with_an_error_body() {
    let answer = acted(
        true,
        json!({"status": 429, "headers": {"retry-after": 7, "x-odd": "\u{ff}"}}),
    )
    .unwrap();
    assert_eq!(answer.head.status, 429);
    assert_eq!(answer.head.header("retry-after"), Some(&b"7"[..]));
    assert_eq!(answer.head.header("x-odd"), Some(&b"\xff"[..]));
    assert_eq!(answer.json()["error"]["code"], "rate_limit_exceeded");
}

#[test]
fn a_body_can_be_anything() {
    let html = acted(
        false,
        json!({"status": 502, "body": "<h1>Bad", "content_type": "text/html"}),
    )
    .unwrap();
    assert_eq!(
        (html.head.status, html.body.as_slice()),
        (502, &b"<h1>Bad"[..])
    );
    assert_eq!(html.head.header("content-type"), Some(&b"text/html"[..]));
    let json_for_stream = acted(true, json!({"body": {"a": null}})).unwrap();
    assert_eq!(json_for_stream.json(), json!({"a": null}));
    assert_eq!(acted(false, json!({"body": null})).unwrap().body, b"null");
    let empty = acted(true, json!({"empty": true})).unwrap();
    assert_eq!((empty.head.status, empty.body.len()), (200, 0));
    assert!(
        empty
            .head
            .says("content-type", "text/event-stream; charset=utf-8")
    );
}

#[test]
fn resets_are_resets() {
    let reset = |error: std::io::Error| error.kind() == ErrorKind::ConnectionReset;
    assert!(reset(
        acted(false, json!({"reset": "before_headers"}))
            .err()
            .unwrap()
    ));
    for (stream, after, events) in [
        (true, json!("after_headers"), 0),
        (true, json!({"after_events": 2}), 2),
    ] {
        // A moment's wait keeps the reset from overtaking the bytes before it.
        let action = json!({"reset": after, "chunk_delay_ms": 50});
        match acted(stream, action) {
            Ok(answer) => {
                assert!(reset(
                    answer
                        .end
                        .as_ref()
                        .err()
                        .map(|error| error.kind().into())
                        .unwrap()
                ));
                assert_eq!(answer.events().len(), events);
            }
            Err(error) => assert!(events == 0 && reset(error)),
        }
    }
}

#[test]
fn a_cut_is_an_early_end() {
    for (stream, events, wanted) in [(true, 0, 0), (true, 3, 3)] {
        let answer = acted(stream, json!({"cut": {"after_events": events}})).unwrap();
        assert_eq!(
            answer.end.as_ref().unwrap_err().kind(),
            ErrorKind::UnexpectedEof
        );
        assert_eq!(answer.events().len(), wanted);
    }
    let answer = acted(false, json!({"cut": {"after_events": 1}})).unwrap();
    let length: usize = std::str::from_utf8(answer.head.header("content-length").unwrap())
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(answer.body.len(), length / 2);
    assert_eq!(answer.end.unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn an_error_event_ends_the_stream() {
    for at in [0, 2] {
        let answer = acted(
            true,
            json!({"error_event": {"at": at, "error": {"code": 529}}}),
        )
        .unwrap();
        assert!(answer.end.is_ok());
        let events = answer.events();
        assert_eq!(events.len(), at + 1);
        assert_eq!(events[at], json!({"error": {"code": 529}}));
    }
    let whole = acted(
        false,
        json!({"error_event": {"at": 0, "error": {"code": 529}}}),
    )
    .unwrap();
    assert_eq!(
        (whole.head.status, whole.json()),
        (200, json!({"error": {"code": 529}}))
    );
}

#[test]
fn chunks_of_one_byte_make_the_same_stream() {
    let content = "schön, 日本 🙂";
    let plain = acted(true, json!({"content": content})).unwrap();
    let cut = acted(true, json!({"content": content, "chunk_bytes": 1})).unwrap();
    let said = |answer: &Answer| -> String {
        let content = |event: &Value| {
            event
                .pointer("/choices/0/delta/content")?
                .as_str()
                .map(str::to_owned)
        };
        answer.events().iter().filter_map(content).collect()
    };
    assert_eq!(said(&cut), content);
    assert_eq!(said(&cut), said(&plain));
    let whole = acted(false, json!({"content": content, "chunk_bytes": 3})).unwrap();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], content);
}

#[test]
fn waiting_is_where_it_was_asked_for() {
    let ms = Duration::from_millis;
    let delayed = acted(true, json!({"delay_ms": 80})).unwrap();
    assert!(delayed.arrivals[0] >= ms(75));
    let held = acted(true, json!({"hold_ms_after_first": 600})).unwrap();
    assert!(held.arrivals[0] < ms(450));
    assert!(*held.arrivals.last().unwrap() >= ms(595));
    let slow = acted(true, json!({"content": "a b c", "chunk_delay_ms": 60})).unwrap();
    assert!(*slow.arrivals.last().unwrap() >= ms(5 * 60 - 5));
    assert!(slow.arrivals[0] < ms(250));
    for stream in [false, true] {
        let simulator = alpha();
        let mut connection = Connection::new(simulator.address());
        let action = json!({"hold_ms_after_headers": 600});
        let body = request(json!({"stream": stream, "simulate": {"alpha": action}})).to_string();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer sk-test\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write((head + &body).as_bytes());
        let head = connection.0.response_head().unwrap().unwrap();
        let headed = Instant::now();
        let mut framing = Framing::of_response(&head, false).unwrap();
        connection.0.body_piece(&mut framing).unwrap().unwrap();
        assert!(headed.elapsed() >= ms(200));
    }
}

#[test]
fn what_the_model_says_is_scripted() {
    let action = json!({
        "content": "ignored", "finish_reason": "tool_calls", "usage": {"prompt_tokens": 9},
        "message": {"content": null, "tool_calls": [{"id": "c1", "type": "function"}]},
    });
    let whole = acted(false, action.clone()).unwrap().json();
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(whole["choices"][0]["message"]["content"], Value::Null);
    assert_eq!(whole["choices"][0]["message"]["tool_calls"][0]["id"], "c1");
    assert_eq!(whole["usage"], json!({"prompt_tokens": 9}));
    let events = acted(true, action).unwrap().events();
    assert_eq!(events.len(), 4, "role, tool calls, finish, done");
    assert_eq!(
        events[1]["choices"][0]["delta"]["tool_calls"][0]["index"],
        0
    );
    let unmetered = acted(false, json!({"usage": false})).unwrap().json();
    assert!(unmetered.get("usage").is_none());
}

#[test]
fn a_stream_can_be_written_by_hand() {
    let events = json!(["data:{}\r\n\r\n", ": ping\n\n", "data: [DONE]"]);
    let answer = acted(false, json!({"events": events, "comments": 2})).unwrap();
    let wanted = ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata:{}\r\n\r\n: ping\n\ndata: [DONE]";
    assert_eq!(std::str::from_utf8(&answer.body).unwrap(), wanted);
}

#[test]
fn attempts_are_told_apart_by_the_id() {
    let alpha = alpha();
    let ask = |id: &str| {
        let script = json!({"id": id, "alpha": [{"status": 503}, {"status": 429}, {}]});
        chat(&alpha, json!({"simulate": script}))
            .unwrap()
            .head
            .status
    };
    assert_eq!(
        [ask("a"), ask("b"), ask("a"), ask("a"), ask("a")],
        [503, 503, 429, 200, 200]
    );
}

#[test]
fn a_client_that_leaves_is_noticed_while_it_is_answered() {
    let alpha = alpha();
    for action in [
        json!({"delay_ms": 20_000}),
        json!({"chunk_delay_ms": 20_000}),
    ] {
        let before = alpha.connections_cut();
        let body = request(json!({"stream": true, "simulate": {"alpha": action}})).to_string();
        let mut connection = Connection::new(alpha.address());
        let head = format!(
            "POST /chat/completions HTTP/1.1\r\napi-key: sk-test\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write(head.as_bytes());
        connection.write(body.as_bytes());
        eventually("the request is being answered", || {
            alpha.in_flight() == 1 && !alpha.requests().is_empty()
        });
        drop(connection);
        eventually("the cut is counted", || {
            alpha.connections_cut() == before + 1
        });
        eventually("nothing is in flight", || alpha.in_flight() == 0);
        alpha.take_requests();
    }
    chat(&alpha, json!({})).unwrap();
    assert_eq!(alpha.connections_cut(), 2, "a whole answer is no cut");
}
