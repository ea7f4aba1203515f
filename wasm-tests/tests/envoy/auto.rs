//! `meshrouter/auto`: a model is picked for the request, of those that the document offers for it.

use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::choosing::{choosing, constraints, explain, model, order};
use crate::gateway::{error, shared};

/// The pool. A model loses 15 points for each time that it costs twice as much as the cheapest that can serve, and 4
/// where the request is not an easy one.
pub(crate) fn pool() -> Value {
    json!({"models": [
        {"id": "test/auto-small", "quality": 60, "strengths": {"code": 40, "mathematics": 45}},
        {"id": "test/auto-coder", "quality": 70, "strengths": {"code": 95, "tools": 85}},
        {"id": "test/auto-large", "quality": 90, "strengths": {"mathematics": 96, "reasoning": 95}},
        {"id": "test/auto-long", "quality": 65, "strengths": {"length": 90}},
    ]})
}

/// Its models, at $1, $4, $16 and $8 a million tokens.
pub(crate) fn models() -> Vec<Value> {
    let understands = |names: &[&str]| json!({"supported_parameters": names});
    let endpoints = [
        (
            "test/auto-small",
            "alpha/small",
            1,
            understands(&["max_tokens"]),
        ),
        (
            "test/auto-coder",
            "beta/coder",
            4,
            understands(&["max_tokens", "tools"]),
        ),
        (
            "test/auto-large",
            "gamma/large",
            16,
            understands(&["max_tokens", "tools", "reasoning"]),
        ),
        (
            "test/auto-long",
            "alpha/long",
            8,
            understands(&["max_tokens"]),
        ),
    ];
    let mut models = endpoints.map(|(id, tag, price, more)| model(id, &[(tag, price, more)]));
    models[0]["context_length"] = json!(2_000);
    models[2]["architecture"] = json!({"input_modalities": ["text", "image"]});
    models[3]["context_length"] = json!(1_000_000);
    models.to_vec()
}

fn saying(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}]})
}

/// A request with these members whose text asks for nothing special, unless they have another.
fn auto(members: Value) -> Ask {
    let ask = Ask::with(json!({"model": "meshrouter/auto"}));
    ask.and(saying("Good morning!")).and(members)
}

#[test]
fn the_model_is_picked_by_what_the_request_asks_for() {
    let gateway = choosing();
    let image = json!([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let (easy, mathematics) = (
        "alpha/small beta/coder gamma/large alpha/long",
        "gamma/large beta/coder alpha/long alpha/small",
    );
    let reasoning = "gamma/large beta/coder alpha/small alpha/long";
    let cases = [
        // 60; 70 − 15 × 2; 90 − 15 × 4; 65 − 15 × 3
        (json!({}), easy),
        // 40; 95 − 4 × 2; 90 − 4 × 4; 65 − 4 × 3
        (
            saying("Refactor this:\n```\nlet x = 1;\n```"),
            "beta/coder gamma/large alpha/long alpha/small",
        ),
        // 45; 70 − 8; 96 − 16; 65 − 12
        (saying("Prove that \\sqrt{2} is irrational."), mathematics),
        // The mean of both.
        (
            saying("Write a function that solves an equation"),
            mathematics,
        ),
        (json!({"reasoning": {"effort": "high"}}), reasoning),
        (json!({"model": "meshrouter/auto:thinking"}), reasoning),
        // The cheapest that can call tools is the measure of the others.
        (json!({"tools": tools}), "beta/coder gamma/large"),
        (
            json!({"messages": [{"role": "user", "content": image}]}),
            "gamma/large",
        ),
        // 2,000 tokens hold no 9,000, nor half of them.
        (
            saying(&"word ".repeat(7_200)),
            "alpha/long gamma/large beta/coder",
        ),
        (json!({"max_tokens": 150_000}), "alpha/long"),
        (
            json!({"provider": {"max_price": {"completion": 1.5}}}),
            "alpha/small",
        ),
        (
            json!({"tools": tools, "provider": {"ignore": ["beta"]}}),
            "gamma/large",
        ),
        (
            json!({"provider": {"allow_fallbacks": false, "only": ["alpha"]}}),
            "alpha/small alpha/long",
        ),
        // Under its other name, and wherever a model can stand.
        (json!({"model": "openrouter/auto"}), easy),
        (
            json!({"model": "test/guarded", "models": ["openrouter/auto"], "provider": {"only": ["alpha"]}}),
            "alpha alpha/small alpha/long",
        ),
        (
            json!({"model": "test/auto-large", "models": ["openrouter/auto", "test/auto-coder"]}),
            "gamma/large alpha/small beta/coder alpha/long",
        ),
    ];
    for (members, wanted) in cases {
        assert_eq!(order(&gateway, &auto(members.clone())), wanted, "{members}");
    }
    let primes = saying("Prove that there are infinitely many primes.");
    let keys = [
        ("thrifty", primes, "beta/coder alpha/small"),
        ("small-or-long", json!({}), "alpha/small alpha/long"),
        ("beta-only", json!({}), "beta/coder"),
    ];
    for (key, members, wanted) in keys {
        assert_eq!(
            order(&gateway, &auto(members).with_key(key)),
            wanted,
            "{key}"
        );
    }
}

#[test]
fn the_answer_says_which_model_it_is_and_the_next_of_the_pool_stands_in_for_one_that_fails() {
    let gateway = choosing();
    let cases = [
        (json!({}), "test/auto-small", "Alpha", 1),
        (
            json!({"alpha": {"status": 503}}),
            "test/auto-coder",
            "Beta",
            2,
        ),
        (
            json!({"alpha": {"reset": "before_headers"}, "beta": {"empty": true}}),
            "test/auto-large",
            "Gamma",
            3,
        ),
    ];
    for (failing, model, provider, attempts) in cases {
        for stream in [false, true] {
            let ask = auto(json!({"stream": stream}));
            let failing = failing.as_object().unwrap().iter();
            let ask = failing.fold(ask, |ask, (name, action)| ask.on(name, action.clone()));
            let response = gateway.send(&ask);
            assert_eq!(response.status, 200, "{}", response.text());
            let answers = if stream {
                response.sse_json()
            } else {
                vec![response.json()]
            };
            for answer in &answers {
                let found = (&answer["model"], &answer["provider"]);
                assert_eq!(found, (&json!(model), &json!(provider)));
            }
            let record = gateway.record(&ask);
            assert_eq!(record["model_requested"], "meshrouter/auto");
            let found = (&record["model"], &record["attempts"]);
            assert_eq!(found, (&json!(model), &json!(attempts)));
        }
    }
    // After the pool comes what the request lists.
    let flagged = json!({"status": 403});
    let ask = auto(json!({"models": [MINI], "provider": {"order": ["alpha"]}}))
        .on("alpha", json!([flagged, flagged, {}]))
        .on("beta", flagged.clone())
        .on("gamma", flagged.clone());
    assert_eq!(gateway.send(&ask).json()["model"], MINI);
    assert_eq!(
        gateway.asked(&ask),
        ["alpha", "beta", "gamma", "alpha", "alpha"]
    );
}

#[test]
fn an_explanation_tells_tasks_and_scores() {
    let gateway = choosing();
    let both = auto(saying("Write a function that solves an equation"));
    let score = |model: &str, score: f64| json!({"model": model, "score": score});
    let scores = [
        score("test/auto-large", (90.0 + 96.0) / 2.0 - 16.0),
        score("test/auto-coder", (95.0 + 70.0) / 2.0 - 8.0),
        score("test/auto-long", 65.0 - 12.0),
        score("test/auto-small", (40.0 + 45.0) / 2.0),
    ];
    let wanted = json!({"tasks": ["code", "mathematics"], "scores": scores});
    assert_eq!(explain(&gateway, &both)["auto"], wanted);
    let plain = explain(&gateway, &Ask::model("test/auto-small"));
    assert_eq!(plain.get("auto"), None);
}

#[test]
fn where_nothing_of_the_pool_can_serve_the_error_says_why() {
    let gateway = choosing();
    let audio = json!({"data": "UklGRg==", "format": "wav"});
    let sound = json!([{"type": "input_audio", "input_audio": audio}]);
    let ask = auto(json!({"messages": [{"role": "user", "content": sound}]}));
    let found = error(&gateway.send(&ask), 404);
    let sentences = ["small", "coder", "large", "long"].map(|name| {
        format!("No endpoints found for `test/auto-{name}` that take all of this input: audio.")
    });
    assert_eq!(found["message"], sentences.join(" "));
    let tags = ["alpha/small", "beta/coder", "gamma/large", "alpha/long"];
    assert_eq!(
        constraints(&found),
        tags.map(|tag| format!("{tag} input_modalities"))
    );
    let refused = error(&gateway.send(&auto(json!({})).with_key("other-only")), 404);
    assert_eq!(
        constraints(&refused),
        tags.map(|tag| format!("{tag} allowed_models"))
    );
}

#[test]
fn without_a_pool_there_is_no_such_model() {
    let gateway = shared();
    for name in ["meshrouter/auto", "openrouter/auto"] {
        let found = error(&gateway.send(&Ask::model(name)), 404);
        let wanted =
            format!("There is no model `{name}` here. GET /api/v1/models lists what there is.");
        assert_eq!(found["message"], wanted);
        assert_eq!(found["metadata"], json!({"field": "model"}));
    }
}
