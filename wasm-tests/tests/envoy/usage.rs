//! Tokens and cost: in the response, in the access log, and exact.

use serde_json::{Value, json};

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::gateway::{shared, text};

const USAGE: &str = r#"{"prompt_tokens": 1234567, "completion_tokens": 89, "total_tokens": 1234656,
    "prompt_tokens_details": {"cached_tokens": 234567}, "completion_tokens_details": {"reasoning_tokens": 9}}"#;

fn usage() -> Value {
    serde_json::from_str(USAGE).unwrap()
}

#[test]
fn cost_is_exact_at_the_price_of_the_endpoint_that_served() {
    let gateway = shared();
    let failing = json!({"status": 503});
    let used = json!({"usage": usage()});
    // Prompt and completion at the endpoint's prices; Claude's cache has a price of its own.
    let cases = [
        (MINI, vec![("alpha", &used)], "0.18523845"),
        (
            MINI,
            vec![("alpha", &failing), ("beta", &used)],
            "0.2469846",
        ),
        (
            MINI,
            vec![("alpha", &failing), ("beta", &failing), ("gamma", &used)],
            "0.3704769",
        ),
        (SONNET, vec![("beta", &used)], "3.0717051"),
        (
            LLAMA,
            vec![("gamma", &failing), ("alpha", &used)],
            "1.08649728",
        ),
    ];
    for (model, script, cost) in cases {
        for stream in [false, true] {
            let members = json!({"model": model, "stream": stream, "usage": {"include": true}});
            let script = script.iter();
            let ask = script
                .clone()
                .fold(Ask::with(members), |ask, (name, action)| {
                    ask.on(name, (*action).clone())
                });
            let provider = script.last().unwrap().0;
            let response = gateway.send(&ask);
            let text = response.text();
            assert_eq!(response.status, 200, "{text}");
            assert_eq!(
                text.matches(&format!("\"cost\":{cost},")).count(),
                1,
                "{text}"
            );
            let record = gateway.record(&ask);
            assert_eq!(record["cost"].to_string(), cost);
            assert_eq!(record["provider"], provider);
            assert_eq!(
                [
                    "prompt_tokens",
                    "cached_tokens",
                    "completion_tokens",
                    "reasoning_tokens"
                ]
                .map(|name| record[name].clone()),
                [1_234_567, 234_567, 89, 9]
            );
        }
    }
}

#[test]
fn a_record_says_what_a_request_was() {
    let gateway = shared();
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": MINI, "models": [SONNET], "stream": stream}))
            .on("alpha", json!({"status": 429}));
        let response = gateway.send(&ask);
        let answer = if stream {
            response.sse_json().remove(0)
        } else {
            response.json()
        };
        let line = gateway.line(&ask);
        assert_eq!(
            (&line["status"], &line["flags"]),
            (&json!(200), &json!("-"))
        );
        assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
        assert!(line["duration_ms"].is_u64(), "{line}");
        let mut record = line["completion"].clone();
        let first_byte = record["first_byte_ms"].take().as_u64().unwrap();
        let latency = record["latency_ms"].take().as_u64().unwrap();
        assert!(first_byte <= latency, "{line}");
        let mut failed = record["failed"].take();
        assert!(failed[0]["ms"].take().is_u64(), "{line}");
        let who = format!("{MINI}@alpha");
        let limited =
            json!({"candidate": who, "status": 429, "reason": "rate_limited", "ms": null});
        assert_eq!(failed, json!([limited]));
        let throughput = record["throughput"].take();
        assert!(throughput.is_number() || latency == 0, "{line}");
        assert_eq!(
            record,
            json!({
                "id": answer["id"], "key": ask.key_name(), "key_label": ask.key_name(), "app": null, "app_url": null, "model_requested": MINI, "model": MINI, "provider": "beta",
                "byok": false, "attempts": 2, "failed": null, "compressed": false, "stream": stream, "finished": true, "cancelled": false, "finish": "stop", "estimated": false,
                "prompt_tokens": 3, "cached_tokens": 0, "cache_write_tokens": 0, "completion_tokens": 8, "reasoning_tokens": 0,
                "images": 0, "web_searches": 0, "cost": 0.000007, "upstream_cost": 0.000007, "healing": null, "healed": null,
                "first_byte_ms": null, "latency_ms": null, "throughput": null,
            })
        );
    }
}

#[test]
fn a_record_says_whose_application_asked() {
    let gateway = shared();
    let url = ("http-referer", "https://app.example/x?y=1");
    let cases: &[(&[(&str, &str)], Value)] = &[
        (
            &[("X-Title", "My \"app\" é"), url],
            json!(["My \"app\" é", "https://app.example/x"]),
        ),
        (&[("x-title", "One")], json!(["One", null])),
        (
            &[("referer", "https://b.example")],
            json!([null, "https://b.example"]),
        ),
        (
            &[url, ("referer", "https://b.example")],
            json!([null, "https://app.example/x"]),
        ),
        (&[("x-title", " ")], json!([null, null])),
    ];
    for (headers, wanted) in cases {
        let headers = headers.iter();
        let ask = headers.fold(Ask::model(MINI), |ask, (name, value)| {
            ask.header(name, value)
        });
        assert_eq!(gateway.send(&ask).status, 200);
        let record = gateway.record(&ask);
        assert_eq!(json!([record["app"], record["app_url"]]), *wanted);
    }
    let long = Ask::model(MINI).header("x-title", "x".repeat(5_000));
    assert_eq!(gateway.send(&long).status, 200);
    assert_eq!(gateway.record(&long)["app"], "x".repeat(256));
}

#[test]
fn the_usage_chunk_is_for_those_who_asked() {
    let gateway = shared();
    let cases = [
        (json!({}), false),
        (json!({"stream_options": {"include_usage": false}}), false),
        (
            json!({"stream_options": null, "usage": {"include": false}}),
            false,
        ),
        (json!({"stream_options": {"include_usage": true}}), true),
        (json!({"usage": {"include": true}}), true),
        (
            json!({"stream_options": {}, "usage": {"include": true}}),
            true,
        ),
    ];
    for (members, asked) in cases {
        let ask = Ask::model(MINI).stream().and(members.clone());
        let response = gateway.send(&ask);
        let chunks = response.sse_json();
        let with_usage: Vec<_> = chunks
            .iter()
            .filter(|chunk| chunk.get("usage").is_some())
            .collect();
        assert_eq!(
            with_usage.len(),
            usize::from(asked),
            "{members}: {chunks:?}"
        );
        if let [chunk] = with_usage[..] {
            assert_eq!(chunk["choices"], json!([]));
            assert_eq!(chunk["usage"]["prompt_tokens"], 3);
            assert_eq!(chunk["usage"]["cost"], 0.000_005_25);
        }
        assert_eq!(text(&chunks), "Hello from alpha. You said: One two three");
        assert_eq!(
            response.sse_data().last().map(String::as_str),
            Some("[DONE]")
        );
        // It is counted for all.
        let record = gateway.record(&ask);
        assert_eq!(
            (&record["prompt_tokens"], &record["completion_tokens"]),
            (&json!(3), &json!(8))
        );
        // And providers are always asked for it.
        let seen = gateway.seen(&ask).remove(0).request.json();
        assert_eq!(seen["stream_options"]["include_usage"], true, "{members}");
        assert!(seen.get("usage").is_none());
    }
}

#[test]
fn providers_that_report_oddly_are_counted_as_well_as_can_be() {
    let gateway = shared();
    let chunk = |rest: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"a \\\"usage\\\" b\"}}{rest}\n\n"
        )
    };
    let beside = "}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}";
    let done = "data: [DONE]\n\n";
    let cases = [
        // Beside content; repeated, where the last counts; at the very end without a newline; none; null; odd.
        (vec![chunk(beside), done.to_owned()], Some((10, 5))),
        (
            vec![
                chunk("}],\"usage\":{\"prompt_tokens\":1}}"),
                chunk(beside),
                done.to_owned(),
            ],
            Some((10, 5)),
        ),
        (
            vec![
                chunk("}]}"),
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7}}".to_owned(),
            ],
            Some((7, 0)),
        ),
        // What nobody reports is estimated.
        (vec![chunk("}]}"), done.to_owned()], None),
        (vec![chunk("}],\"usage\":null}"), done.to_owned()], None),
        (vec![chunk("}],\"usage\":[3]}"), done.to_owned()], None),
    ];
    for (events, wanted) in cases {
        let ask = Ask::model(MINI)
            .stream()
            .on("alpha", json!({"events": events, "chunk_bytes": 9}));
        let response = gateway.send(&ask);
        assert!(text(&response.sse_json()).contains("a \"usage\" b"));
        let record = gateway.record(&ask);
        let found = record["prompt_tokens"]
            .as_u64()
            .zip(record["completion_tokens"].as_u64());
        assert_eq!(record["estimated"], wanted.is_none(), "{record}");
        match wanted {
            Some(_) => assert_eq!(found, wanted, "{events:?}: {record}"),
            None => assert!(
                found.is_some_and(|(prompt, said)| prompt > 0 && said > 0),
                "{events:?}: {record}"
            ),
        }
        assert!(record["cost"].is_number(), "{record}");
    }
    let plain = [
        (json!({"usage": false}), None),
        (
            json!({"usage": {"prompt_tokens": 0, "completion_tokens": 0}}),
            Some(0),
        ),
        (
            json!({"usage": {"prompt_tokens": null, "completion_tokens": 2}}),
            Some(0),
        ),
    ];
    for (action, wanted) in plain {
        let ask = Ask::model(MINI).on("alpha", action);
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200);
        let record = gateway.record(&ask);
        assert_eq!(record["estimated"], wanted.is_none(), "{record}");
        let prompt = record["prompt_tokens"].as_u64();
        assert!(
            prompt == wanted || wanted.is_none() && prompt > Some(0),
            "{record}"
        );
    }
    let free = Ask::model("test/free");
    assert_eq!(gateway.send(&free).json()["usage"]["cost"], 0);
    assert_eq!(gateway.record(&free)["cost"], 0);
    gateway.assert_calm();
}
