//! Requests that are wrong, and requests that only look so.

use meshrouter_wasm_tests::client::Request;
use serde_json::json;

use crate::ask::{Ask, MINI};
use crate::gateway::{error, shared};

fn post(path: &str) -> Request {
    Request::post(path).bearer("sk-or-v1-demo")
}

#[test]
fn a_wrong_body_is_named_in_a_400() {
    let gateway = shared();
    let client = gateway.envoy.client();
    let messages = r#""messages":[{"role":"user","content":"x"}]"#;
    let model = r#""model":"openai/gpt-4o-mini""#;
    let cases = [
        (String::new(), None),
        ("{".to_owned(), None),
        ("not json".to_owned(), None),
        ("[]".to_owned(), None),
        ("null".to_owned(), None),
        (format!("{{{model},{messages}}} x"), None),
        (format!("{{{model},{messages},}}"), None),
        (format!("{{{messages}}}"), Some("model")),
        (format!("{{{model}}}"), Some("messages")),
        (format!("{{{model},\"messages\":[]}}"), Some("messages")),
        (format!("{{{model},\"messages\":\"hi\"}}"), Some("messages")),
        (
            format!("{{{model},\"messages\":[{{\"content\":\"x\"}}]}}"),
            Some("messages[0].role"),
        ),
        (
            format!("{{{model},\"messages\":[{{\"role\":\"user\",\"content\":7}}]}}"),
            Some("messages[0].content"),
        ),
        (format!("{{\"model\":7,{messages}}}"), Some("model")),
        (format!("{{\"models\":\"x\",{messages}}}"), Some("models")),
        (
            format!("{{\"models\":[\"openai/gpt-4o-mini\",7],{messages}}}"),
            Some("models[1]"),
        ),
        (
            format!("{{{model},{messages},\"stream\":\"yes\"}}"),
            Some("stream"),
        ),
        (
            format!("{{{model},{messages},\"temperature\":\"hot\"}}"),
            Some("temperature"),
        ),
        (
            format!("{{{model},{messages},\"max_tokens\":-1}}"),
            Some("max_tokens"),
        ),
        (
            format!("{{{model},{messages},\"stream_options\":{{\"include_usage\":1}}}}"),
            Some("stream_options.include_usage"),
        ),
        (
            format!("{{{model},{messages},\"plugins\":[{{}}]}}"),
            Some("plugins[0].id"),
        ),
        (
            format!(
                "{{{model},{messages},\"plugins\":[{{\"id\":\"web\"}},{{\"id\":\"oracle\"}}]}}"
            ),
            Some("plugins[1].id"),
        ),
        (
            format!("{{{model},{messages},\"reasoning\":{{\"effort\":\"huge\"}}}}"),
            Some("reasoning.effort"),
        ),
        (format!("{{{model},{model},{messages}}}"), Some("model")),
    ];
    for (body, field) in cases {
        let response = client.send(post("/v1/chat/completions").body(body.clone()));
        let found = error(&response, 400);
        assert_eq!(
            found["metadata"]["field"].as_str(),
            field,
            "{body}: {found}"
        );
        if let Some(field) = field {
            assert!(
                found["message"].as_str().unwrap().contains(field),
                "{found}"
            );
        }
    }
    let not_utf8 = b"{\"model\":\"openai/gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}";
    error(
        &client.send(post("/v1/chat/completions").body(*not_utf8)),
        400,
    );
    gateway.assert_calm();
}

#[test]
fn an_unknown_model_is_a_404_that_names_it() {
    let gateway = shared();
    let cases = [
        (json!({"model": "no/such-model"}), "model"),
        (
            json!({"model": MINI, "models": ["no/such-model"]}),
            "models[0]",
        ),
        (json!({"model": "no/such-model", "stream": true}), "model"),
        (
            json!({"model": MINI, "fallback_models": [MINI, "no/such-model"]}),
            "fallback_models[1]",
        ),
    ];
    for (members, field) in cases {
        let ask = Ask::with(members);
        let found = error(&gateway.send(&ask), 404);
        assert_eq!(found["metadata"]["field"], field);
        assert!(
            found["message"].as_str().unwrap().contains("no/such-model"),
            "{found}"
        );
        assert!(gateway.seen(&ask).is_empty());
    }
}

#[test]
fn what_is_not_plain_json_is_415() {
    let gateway = shared();
    let kinds = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonl",
        "json",
    ];
    let headers = kinds.map(|kind| ("content-type", kind));
    let encodings = ["gzip", "br", "deflate", "identity, gzip"];
    let encodings = encodings.map(|encoding| ("content-encoding", encoding));
    for path in ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"] {
        for (name, value) in headers.into_iter().chain(encodings) {
            let ask = Ask::model(MINI).path(path);
            let request = ask.bare().header(name, value);
            let response = gateway
                .envoy
                .client()
                .send(request.body(ask.body().to_string()));
            let found = error(&response, 415);
            let message = found["message"].as_str().unwrap();
            let named = if name == "content-type" {
                value
            } else {
                "compressed"
            };
            assert!(message.contains(named), "{value}: {message}");
            assert!(gateway.seen(&ask).is_empty());
        }
    }
    let good = [
        ("content-type", "application/json"),
        ("content-type", "Application/JSON; charset=UTF-8"),
        ("content-type", "application/vnd.api+json"),
        ("content-encoding", "identity"),
        // As from a bare socket: no content type at all.
        ("accept", "*/*"),
    ];
    for (name, value) in good {
        let ask = Ask::model(MINI);
        let request = ask.bare().header(name, value);
        let response = gateway
            .envoy
            .client()
            .send(request.body(ask.body().to_string()));
        assert_eq!(response.status, 200, "{name}: {value}: {}", response.text());
    }
}

#[test]
fn other_paths_are_404_and_other_methods_405() {
    let gateway = shared();
    let client = gateway.envoy.client();
    for path in [
        "/",
        "/v1",
        "/v1/chat",
        "/v1/chat/completionsx",
        "/v2/chat/completions",
        "/api/models",
        "/ready",
        "/stats",
    ] {
        for method in ["GET", "POST"] {
            let request = Request::new(method, path)
                .bearer("sk-or-v1-demo")
                .body("{}");
            error(&client.send(request), 404);
        }
    }
    for path in [
        "/v1/chat/completions",
        "/api/v1/completions",
        "/v1/embeddings/",
    ] {
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let request = Request::new(method, path)
                .bearer("sk-or-v1-demo")
                .body("{}");
            let response = client.send(request);
            error(&response, 405);
            assert_eq!(response.header("allow"), Some("POST"), "{method} {path}");
        }
    }
    // Strangers learn nothing of what there is.
    error(&client.send(Request::get("/nothing")), 401);
}

#[test]
fn what_is_valid_passes() {
    let gateway = shared();
    let members = [
        json!({"max_tokens": null, "stream": null, "models": null, "usage": null, "stop": null}),
        json!({"temperature": 0, "top_p": 1, "stop": ["a", "b"], "logit_bias": {"50256": -100}}),
        json!({"tools": [], "tool_choice": "auto", "response_format": {"type": "text"}}),
        json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]}),
        json!({"messages": [{"role": "assistant", "content": null, "tool_calls": []}, {"role": "user", "content": "x"}]}),
        json!({"unknown": {"deep": [[[[{}]]]]}}),
    ];
    for members in members {
        let ask = Ask::model(MINI).and(members.clone());
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{members}: {}", response.text());
    }
}
