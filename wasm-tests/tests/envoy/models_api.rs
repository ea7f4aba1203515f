//! `GET /models`, in the schema of the Models API.

use meshrouter_wasm_tests::client::Request;
use serde_json::{Value, json};

use crate::catalog;
use crate::gateway::{error, shared};

#[test]
fn the_list_has_the_documented_schema_on_every_path() {
    let gateway = shared();
    let client = gateway.envoy.client();
    let bare = |path: &str| Request::get(path);
    let requests = [
        bare("/api/v1/models"),
        bare("/v1/models"),
        bare("/v1/models/"),
        bare("/api/v1/models?supported_parameters=tools"),
        bare("/api/v1/models").bearer("sk-or-v1-demo"),
    ];
    let lists = requests.map(|request| {
        let response = client.send(request);
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.header("content-type"), Some("application/json"));
        response.json()
    });
    for list in &lists {
        assert_eq!(list, &lists[0]);
    }
    let data = lists[0]["data"].as_array().unwrap();
    let ids: Vec<_> = data.iter().map(|model| model["id"].clone()).collect();
    let known = [
        "openai/gpt-4o-mini",
        "anthropic/claude-sonnet-4",
        "meta-llama/llama-3.3-70b-instruct",
    ];
    let known: Vec<_> = known
        .map(Value::from)
        .into_iter()
        .chain(catalog::ids())
        .collect();
    assert_eq!(ids, known);
    for model in data {
        assert_schema(model);
    }
    assert_eq!(
        data[0],
        json!({
            "id": "openai/gpt-4o-mini", "canonical_slug": "openai/gpt-4o-mini", "name": "OpenAI: GPT-4o-mini",
            "created": 1_721_260_800, "description": "Small, fast and cheap.", "context_length": 128_000,
            "architecture": {"modality": "text+image->text", "input_modalities": ["text", "image"], "output_modalities": ["text"], "tokenizer": "GPT", "instruct_type": null},
            "pricing": {"prompt": "0.00000015", "completion": "0.0000006", "request": "0", "image": "0", "web_search": "0",
                "internal_reasoning": "0", "input_cache_read": "0", "input_cache_write": "0"},
            "top_provider": {"context_length": 128_000, "max_completion_tokens": 16_384, "is_moderated": false},
            "per_request_limits": null,
            "supported_parameters": ["tools", "tool_choice", "max_tokens", "temperature", "top_p", "stop", "seed", "response_format", "structured_outputs"],
            "default_parameters": null, "supported_voices": null,
            "links": {"details": "/api/v1/models/openai/gpt-4o-mini/endpoints"},
        })
    );
}

/// The types that the Models API documents.
fn assert_schema(model: &Value) {
    let strings = |value: &Value| {
        value
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_string))
    };
    let is = |path: &str, fits: fn(&Value) -> bool| {
        let value = model.pointer(path);
        assert!(value.is_some_and(fits), "{path} in {model}");
    };
    for path in [
        "/id",
        "/canonical_slug",
        "/name",
        "/description",
        "/architecture/tokenizer",
    ] {
        is(path, Value::is_string);
    }
    for path in [
        "/created",
        "/context_length",
        "/top_provider/context_length",
    ] {
        is(path, Value::is_u64);
    }
    is("/top_provider/is_moderated", Value::is_boolean);
    is("/top_provider/max_completion_tokens", |value| {
        value.is_u64() || value.is_null()
    });
    is("/architecture/instruct_type", |value| {
        value.is_string() || value.is_null()
    });
    for path in [
        "/architecture/input_modalities",
        "/architecture/output_modalities",
        "/supported_parameters",
    ] {
        assert!(
            strings(&model.pointer(path).cloned().unwrap_or_default()),
            "{path}"
        );
    }
    let prices = model["pricing"].as_object().unwrap();
    assert_eq!(prices.len(), 8);
    for price in prices.values() {
        let text = price.as_str().unwrap();
        assert!(
            text.parse::<f64>().is_ok_and(|price| price >= 0.0),
            "{text}"
        );
    }
}

#[test]
fn other_methods_are_refused_and_so_are_wrong_keys() {
    let gateway = shared();
    let client = gateway.envoy.client();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let response = client.send(Request::new(method, "/v1/models").bearer("sk-or-v1-demo"));
        error(&response, 405);
        assert_eq!(response.header("allow"), Some("GET"));
    }
    let head = client.send(Request::new("HEAD", "/v1/models").bearer("sk-or-v1-demo"));
    assert!(
        head.body.is_empty() && matches!(head.status, 200 | 405),
        "{head:?}"
    );
    error(
        &client.send(Request::get("/v1/models").bearer("wrong")),
        401,
    );
    // A body is of no interest, and does no harm.
    let with_body = Request::get("/v1/models").body(vec![b'x'; 100_000]);
    assert_eq!(client.send(with_body).status, 200);
    gateway.assert_calm();
}
