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
        let repair = response.header("x-router-healing").unwrap();
        assert!(repair.starts_with("repaired;"), "{repair}");
        let record = gateway.record(&ask);
        let kinds = record["healed"].as_array().unwrap().iter();
        let kinds: Vec<_> = kinds.map(|kind| kind.as_str().unwrap()).collect();
        assert_eq!(repair, format!("repaired;{}", kinds.join(",")));
        assert_eq!(record["healing"], "repaired");
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
            let response = gateway.send(&ask);
            assert_eq!(response.json()["choices"][0]["message"]["content"], *said);
            assert_eq!(response.header("x-router-healing"), None);
            assert_eq!(gateway.record(&ask)["healing"], Value::Null);
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

/// An answer in this shape, healed.
fn shaped(content: &str, schema: Value, plugin: Value) -> Ask {
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    Ask::with(json!({"model": MINI, "response_format": format, "plugins": [plugin]}))
        .on("alpha", json!({"content": content}))
}

#[test]
fn answers_follow_the_schema_or_stay_as_they_are() {
    let gateway = shared();
    let schema = json!({"type": "object", "required": ["name", "age"], "additionalProperties": false, "properties": {
        "name": {"type": "string"}, "age": {"type": "integer"}, "mood": {"enum": ["Good", "Bad"]},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}}}, "$defs": {"tag": {"type": "string"}}});
    let cases = [
        (
            r#"{"name": "Eve", "age": 40}"#,
            r#"{"name": "Eve", "age": 40}"#,
            "valid",
            "valid",
        ),
        (
            r#"{"name": "Eve", "age": "40", "mood": " good", "tags": "a", "x": 1}"#,
            r#"{"name": "Eve", "age": 40, "mood": "Good", "tags": ["a"]}"#,
            "repaired;schema_type,schema_value,schema_array,schema_extra",
            "repaired",
        ),
        (
            "{\"steps\": [\"a long list of what to do\"]}\n{name: 'Eve', age: 40, mood: null}",
            r#"{"name": "Eve", "age": 40}"#,
            "repaired;surrounding_prose,unquoted_key,single_quotes,schema_null",
            "repaired",
        ),
        (r#"{name: "Eve"}"#, r#"{name: "Eve"}"#, "failed", "failed"),
        (
            r#"{"name": "Eve", "age": "old"}"#,
            r#"{"name": "Eve", "age": "old"}"#,
            "failed",
            "failed",
        ),
    ];
    for (said, healed, header, verdict) in cases {
        let ask = shaped(said, schema.clone(), json!({"id": "response-healing"}));
        let response = gateway.send(&ask);
        assert_eq!(response.json()["choices"][0]["message"]["content"], healed);
        assert_eq!(response.header("x-router-healing"), Some(header), "{said}");
        assert_eq!(gateway.record(&ask)["healing"], verdict);
    }
    gateway.assert_calm();
}

#[test]
fn each_choice_is_healed_and_what_was_cut_off_is_reported() {
    let gateway = shared();
    let choice = |index: u8, content: &str, reason: &str| json!({"index": index, "message": {"role": "assistant", "content": content}, "finish_reason": reason});
    let choices = json!([
        choice(0, "{a: 1}", "stop"),
        choice(1, "```\n{\"b\": 2}\n```", "stop"),
        choice(2, "{\"c\": [3", "length")
    ]);
    let body = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices});
    let ask = wanting_json("", &json!([{"id": "response-healing"}]))
        .and(json!({"n": 3}))
        .on("alpha", json!({"body": body}));
    let response = gateway.send(&ask);
    let answer = response.json();
    let contents: Vec<_> = (0..3)
        .map(|n| answer["choices"][n]["message"]["content"].as_str().unwrap())
        .collect();
    assert_eq!(contents, ["{\"a\": 1}", "{\"b\": 2}", "{\"c\": [3"]);
    assert_eq!(
        response.header("x-router-healing"),
        Some("truncated;markdown_fence,unquoted_key")
    );
}

#[test]
fn arguments_of_tool_calls_are_healed_when_asked() {
    let gateway = shared();
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let tools =
        json!([{"type": "function", "function": {"name": "weather", "parameters": parameters}}]);
    let said = "{city: 'Paris', days: '3'";
    let call =
        json!({"id": "1", "type": "function", "function": {"name": "weather", "arguments": said}});
    for (asked, expected) in [(true, "{\"city\": \"Paris\", \"days\": 3}"), (false, said)] {
        let plugins = json!([{"id": "response-healing", "tool_calls": asked}]);
        let ask = Ask::with(json!({"model": MINI, "tools": tools, "plugins": plugins}))
            .on("alpha", json!({"message": {"content": null, "tool_calls": [call]}, "finish_reason": "tool_calls"}));
        let response = gateway.send(&ask);
        let answer = response.json();
        let arguments = &answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"];
        assert_eq!(arguments, expected);
        assert_eq!(response.header("x-router-healing").is_some(), asked);
    }
}

#[test]
fn streams_are_healed_when_asked() {
    let gateway = shared();
    let plugin = json!({"id": "response-healing", "stream": true});
    for (said, healed) in REPAIRS {
        for bytes in [1, 50, 100_000] {
            let ask = shaped(said, json!({"type": "object"}), plugin.clone())
                .stream()
                .and(json!({"n": 2, "stream_options": {"include_usage": true}}))
                .on("alpha", json!({"content": said, "chunk_bytes": bytes}));
            let response = gateway.send(&ask);
            assert_eq!(response.header("x-router-healing"), Some("streamed"));
            let chunks = response.sse_json();
            let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            for index in 0..2 {
                let choices = chunks
                    .iter()
                    .flat_map(|chunk| chunk["choices"].as_array().unwrap());
                let mine = choices.filter(|choice| choice["index"] == index);
                let text: String = mine
                    .filter_map(|choice| choice["delta"]["content"].as_str())
                    .collect();
                assert_eq!(parse(&text), parse(healed), "{text}");
            }
            assert!(chunks.last().unwrap()["usage"]["cost"].is_number());
            assert_eq!(gateway.record(&ask)["healing"], "repaired");
        }
    }
    let cut = shaped("{\"a\": [1, 2", json!({"type": "object"}), plugin)
        .stream()
        .on(
            "alpha",
            json!({"content": "{\"a\": [1, 2", "finish_reason": "length"}),
        );
    let chunks = gateway.send(&cut).sse_json();
    assert_eq!(
        crate::gateway::text(&chunks),
        "{\"a\": [1,".trim_end_matches(',')
    );
    assert_eq!(gateway.record(&cut)["healing"], "truncated");
    gateway.assert_calm();
}
