//! Response healing, as its page documents it.

use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::gateway::shared;

/// The page's examples: what the model says, and what the caller reads.
const REPAIRS: &[(&str, &str)] = &[
    (
        "{\"name\": \"Alice\", \"age\": 30",
        "{\"name\": \"Alice\", \"age\": 30}",
    ),
    ("```json\n{\"name\": \"Bob\"}\n```", "{\"name\": \"Bob\"}"),
    (
        "Here's the data you requested:\n{\"name\": \"Charlie\", \"age\": 25}",
        "{\"name\": \"Charlie\", \"age\": 25}",
    ),
    (
        "{\"name\": \"David\", \"age\": 35,}",
        "{\"name\": \"David\", \"age\": 35}",
    ),
    (
        "{name: \"Eve\", age: 40}",
        "{\"name\": \"Eve\", \"age\": 40}",
    ),
];

fn wanting_json(content: &str, plugins: &Value) -> Ask {
    let format = json!({"type": "json_schema", "json_schema": {"name": "person", "schema": {"type": "object"}}});
    Ask::with(json!({"model": MINI, "response_format": format, "plugins": plugins}))
        .on("alpha", json!({"content": content}))
}

#[test]
fn the_documented_repairs_are_made_where_they_were_asked_for() {
    let gateway = shared();
    for (said, healed) in REPAIRS {
        let ask = wanting_json(said, &json!([{"id": "response-healing"}]));
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        let answer = response.json();
        let content = &answer["choices"][0]["message"]["content"];
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(parse(content.as_str().unwrap()), parse(healed), "{said}");
        // It is still an answer like any other.
        assert_eq!(
            response.header("content-length"),
            Some(&*response.body.len().to_string())
        );
        assert!(answer["usage"]["cost"].is_number());
        assert_eq!(answer["provider"], "Alpha");
        let seen = gateway.seen(&ask).remove(0).request.json();
        assert!(seen.get("plugins").is_none() && seen["response_format"]["type"] == "json_schema");
    }
}

#[test]
fn nothing_is_repaired_unasked_nor_in_streams() {
    let gateway = shared();
    let healing = json!([{"id": "response-healing"}]);
    for (said, _) in REPAIRS {
        let unasked = [
            wanting_json(said, &json!([])),
            wanting_json(said, &json!([{"id": "response-healing", "enabled": false}])),
            Ask::with(json!({"model": MINI, "plugins": healing}))
                .on("alpha", json!({"content": said})),
        ];
        for ask in unasked {
            let answer = gateway.send(&ask).json();
            assert_eq!(answer["choices"][0]["message"]["content"], *said);
        }
        let stream = gateway.send(&wanting_json(said, &healing).stream());
        assert_eq!(crate::gateway::text(&stream.sse_json()), *said);
    }
}

#[test]
fn an_answer_after_a_fallback_is_repaired_too() {
    let gateway = shared();
    let ask = wanting_json("", &json!([{"id": "response-healing"}]))
        .on("alpha", json!({"status": 503}))
        .on("beta", json!({"content": REPAIRS[1].0}));
    let answer = gateway.send(&ask).json();
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "{\"name\": \"Bob\"}"
    );
}
