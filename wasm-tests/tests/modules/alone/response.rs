//! `healing` and `usage`.

use meshrouter_core::Facts;
use meshrouter_core::carried::Carried;
use meshrouter_core::shapes::{Repairs, Writer};
use serde_json::{Value, json};

use super::respond;
use crate::{COMPLETION, GPT, alone, facts, json};

/// What `normalize` leaves where content is to be repaired.
fn shapes() -> Vec<u8> {
    let repairs = Repairs {
        content: true,
        structured: true,
        ..Repairs::default()
    };
    Writer::default().finish(repairs)
}

#[test]
fn healing_repairs_what_was_asked_for() {
    let (_, mut chain) = alone("healing");
    let heal = Some(shapes());
    let nothing = None;
    let cases = [
        (
            &heal,
            "200",
            r#"{name: 'Eve', age: 40}"#,
            Some(r#"{"name": "Eve", "age": 40}"#),
        ),
        (
            &heal,
            "200",
            "```json\n{\"a\": 1}\n```",
            Some(r#"{"a": 1}"#),
        ),
        (
            &heal,
            "200",
            "Here: {\"a\": [1, 2,],}",
            Some(r#"{"a": [1, 2]}"#),
        ),
        (&heal, "200", r#"{"a": "é"#, Some(r#"{"a": "é"}"#)),
        (&heal, "200", r#"{"a": 1}"#, None),
        (&heal, "502", "{a: 1}", None),
        (&nothing, "200", "{a: 1}", None),
    ];
    for (shapes, status, content, healed) in cases {
        let mut stream = chain.stream();
        if let Some(shapes) = shapes {
            stream.set_property(&["meshrouter.shapes"], shapes.clone());
        }
        stream.request_headers([(":path", "/")], true).unwrap();
        let body = json!({"choices": [{"message": {"content": content}}]}).to_string();
        let sent = [
            (":status", status),
            ("content-type", "application/json"),
            ("content-length", "1"),
        ];
        let text = respond(&mut stream, &sent, &body);
        match healed {
            None => assert_eq!(text, body),
            Some(healed) => {
                let found = &json(&text)["choices"][0]["message"]["content"];
                assert_eq!(json(found.as_str().unwrap()), json(healed), "{content}");
                let length = stream.response().headers.unwrap().text("content-length");
                assert_eq!(length, Some(text.len().to_string()));
            }
        }
    }
}

#[test]
fn healing_lets_pass_what_is_no_completion() {
    let (_, mut chain) = alone("healing");
    for body in [
        "",
        "[]",
        "{",
        r#"{"choices":3}"#,
        r#"{"choices":[{"message":{"content":3}}]}"#,
    ] {
        let mut stream = chain.stream();
        stream.set_property(&["meshrouter.shapes"], shapes());
        stream.request_headers([(":path", "/")], true).unwrap();
        assert_eq!(respond(&mut stream, &[(":status", "200")], body), body);
    }
}

/// What leaves, and the record, of a response through `usage`.
fn metered(facts: &Facts, status: &str, content_type: &str, body: &str) -> (String, Value) {
    let (_, mut chain) = alone("usage");
    let mut stream = chain.stream();
    stream.set_property(&["meshrouter.facts"], facts.encode());
    stream.request_headers([(":path", "/")], true).unwrap();
    let outcome = format!("2;{GPT}@beta");
    let sent = [
        (":status", status),
        ("content-type", content_type),
        ("x-meshrouter-outcome", &outcome),
    ];
    let text = respond(&mut stream, &sent, body);
    stream.finish().unwrap();
    let record = stream.property(&["meshrouter.record"]).unwrap().to_vec();
    (text, json(&String::from_utf8(record).unwrap()))
}

#[test]
fn usage_prices_completions_and_streams() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    let stream = format!("data: {{\"choices\":[{{}}]}}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    let plain = facts(&[GPT]);
    let asks = Facts {
        stream: true,
        include_usage: true,
        ..plain.clone()
    };
    let silent = Facts {
        include_usage: false,
        ..asks.clone()
    };
    // 10 × 0.2µ + 5 × 0.8µ
    let cases = [
        (
            &plain,
            "200",
            "application/json",
            usage,
            true,
            json!(0.000_006),
        ),
        (
            &asks,
            "200",
            "text/event-stream",
            &stream,
            true,
            json!(0.000_006),
        ),
        (
            &silent,
            "200",
            "text/event-stream; charset=utf-8",
            &stream,
            false,
            json!(0.000_006),
        ),
        (&plain, "429", "application/json", usage, false, Value::Null),
        (
            &plain,
            "200",
            "application/json",
            "null",
            false,
            Value::Null,
        ),
        (
            &plain,
            "200",
            "application/json",
            "{\"usage\":",
            false,
            Value::Null,
        ),
    ];
    for (facts, status, content_type, body, priced, cost) in cases {
        let (text, record) = metered(facts, status, content_type, body);
        assert_eq!(
            text.contains(r#""cost":0.000006,"#),
            priced,
            "{content_type}: {text}"
        );
        assert_eq!(record["cost"], cost, "{body}");
        assert_eq!(
            (&record["provider"], &record["attempts"]),
            (&json!("beta"), &json!(2))
        );
        if !cost.is_null() {
            assert_eq!(
                (&record["prompt_tokens"], &record["cached_tokens"]),
                (&json!(10), &json!(4))
            );
        }
    }
    let (text, _) = metered(&plain, "200", "application/json", COMPLETION);
    let bill =
        r#""cost":0.000006,"is_byok":false,"cost_details":{"upstream_inference_cost":null},"#;
    assert_eq!(text.replace(bill, ""), COMPLETION);
}
