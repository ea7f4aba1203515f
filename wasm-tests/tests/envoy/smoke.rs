//! The one test that stands for all: nothing edited, the demo's key, a completion, a stream, a fallback.

use meshrouter_wasm_tests::client::Request;
use meshrouter_wasm_tests::providers::simulators;
use serde_json::{Value, json};

use crate::gateway::text;

#[test]
fn smoke() {
    let providers = simulators();
    let envoy = providers.envoy().start();
    let ask = |more: Value| {
        let mut body =
            json!({"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let request = Request::post("/api/v1/chat/completions").bearer("sk-or-v1-demo");
        envoy.client().send(request.json(&body))
    };

    let completion = ask(json!({}));
    assert_eq!(completion.status, 200);
    let completion = completion.json();
    // Whoever was drawn.
    let said = |answer: &Value| {
        let provider = answer["provider"].as_str().unwrap().to_lowercase();
        format!("Hello from {provider}. You said: Hi")
    };
    assert_eq!(completion["model"], "openai/gpt-4o-mini");
    let content = &completion["choices"][0]["message"]["content"];
    assert_eq!(*content, said(&completion));

    let stream = ask(json!({"stream": true}));
    assert!(stream.is_whole());
    assert_eq!(stream.sse_data().last().map(String::as_str), Some("[DONE]"));
    let chunks = stream.sse_json();
    assert_eq!(text(&chunks), said(&chunks[0]));

    let failing = json!({"alpha": {"status": 503}, "beta": {"reset": "before_headers"}});
    let fallback = ask(json!({"provider": {"sort": "price"}, "simulate": failing}));
    assert_eq!(fallback.status, 200);
    assert_eq!(fallback.json()["provider"], "Gamma");

    let log = envoy.wait_for_access_log(3);
    let attempts: Vec<_> = log
        .iter()
        .map(|line| line["completion"]["attempts"].clone())
        .collect();
    assert_eq!(attempts, [1, 1, 3]);
}
