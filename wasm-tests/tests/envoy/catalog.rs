//! Models and presets that the demo has no use for.

use serde_json::{Value, json};

/// A model with endpoints in the order of their prices. `more` are other members of the model.
pub(crate) fn model(id: &str, more: Value, endpoints: &[(&str, Value)]) -> Value {
    let endpoints = endpoints.iter().enumerate().map(|(n, (provider, more))| {
        let prompt = format!("0.{n:09}");
        let endpoint = json!({"provider": provider, "model": format!("{provider}-own-name"),
            "pricing": {"prompt": prompt, "completion": "0"}});
        with(endpoint, more)
    });
    let endpoints: Vec<_> = endpoints.collect();
    let model = json!({"id": id, "context_length": 100_000, "endpoints": endpoints});
    with(model, &more)
}

/// An object with the members of another.
pub(crate) fn with(mut object: Value, more: &Value) -> Value {
    let members = more.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(members);
    object
}

/// The models.
pub(crate) fn models() -> Vec<Value> {
    let none = || json!({});
    let parameters = |names: &[&str]| json!({"supported_parameters": names});
    let does = |operations: &[&str]| json!({"operations": operations});
    let cost = |prompt: &str, more: Value| {
        with(
            more,
            &json!({"pricing": {"prompt": prompt, "completion": "0"}}),
        )
    };
    vec![
        // The small context is tried first, because it is cheap.
        model(
            "test/small",
            none(),
            &[
                ("alpha", cost("0.000000001", json!({"context_length": 400}))),
                ("beta", cost("0.000000002", none())),
            ],
        ),
        model(
            "test/few",
            none(),
            &[
                ("alpha", cost("0.000000001", json!({"max_messages": 6}))),
                ("beta", cost("0.000000002", json!({"max_messages": 10}))),
            ],
        ),
        model(
            "test/tiny",
            json!({"context_length": 300}),
            &[("alpha", json!({"context_length": 200})), ("beta", none())],
        ),
        model(
            "test/learned",
            json!({"context_length": 9_000}),
            &[("alpha", none())],
        ),
        model("test/free", none(), &[("alpha", none())]),
        model(
            "test/media",
            json!({"architecture": {"input_modalities": ["text", "image", "file", "audio", "video"]}}),
            &[("alpha", none()), ("beta", none())],
        ),
        model("test/closed", none(), &[("closed", none())]),
        model(
            "test/half-closed",
            none(),
            &[("closed", none()), ("gamma", none())],
        ),
        // Cheap, fast and curated endpoints are not the same.
        model(
            "test/variants",
            json!({"aliases": ["variants@20240620", "old/variants"]}),
            &[
                (
                    "alpha",
                    json!({"throughput": 10, "supported_parameters": ["max_tokens"]}),
                ),
                (
                    "beta",
                    json!({"throughput": 300, "exacto": true,
                "supported_parameters": ["web_search_options", "reasoning"]}),
                ),
                (
                    "gamma",
                    json!({"throughput": 100, "exacto": true, "supported_parameters": ["max_tokens"]}),
                ),
            ],
        ),
        model(
            "test/variants:free",
            none(),
            &[
                ("gamma", parameters(&["web_search_options"])),
                ("alpha", none()),
            ],
        ),
        // No two endpoints understand the same; of gamma's, nothing is known.
        model(
            "test/parameters",
            none(),
            &[
                ("alpha", parameters(&["max_tokens", "temperature"])),
                ("beta", parameters(&["max_completion_tokens", "seed"])),
                ("gamma", none()),
            ],
        ),
        model(
            "test/reasoning",
            none(),
            &[
                (
                    "alpha",
                    json!({"reasoning": {"style": "effort", "efforts": ["low", "medium", "high"]}}),
                ),
                (
                    "beta",
                    json!({"reasoning": {"style": "thinking", "min_tokens": 1024, "max_tokens": 32_000}}),
                ),
                ("gamma", json!({"reasoning": {"style": "object"}})),
            ],
        ),
        model(
            "test/legacy",
            none(),
            &[
                ("alpha", does(&["completions"])),
                ("beta", does(&["completions", "chat_completions"])),
            ],
        ),
        model(
            "test/embeddings",
            none(),
            &[
                ("alpha", cost("0.000001", does(&["embeddings"]))),
                ("beta", cost("0.000002", does(&["embeddings"]))),
            ],
        ),
    ]
}

/// Their ids, in the order of the document.
pub(crate) fn ids() -> Vec<Value> {
    let models = models().into_iter();
    models.map(|mut model| model["id"].take()).collect()
}

/// The presets.
pub(crate) fn presets() -> Value {
    json!({
        "plain": {},
        "brief": {"model": "openai/gpt-4o-mini", "temperature": 0.25, "max_tokens": 77, "odd": {"a": [1]},
            "system": "Be \"brief\"."},
    })
}
