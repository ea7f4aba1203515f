//! The canonical request in each endpoint's own words: parameters, bounds, reasoning.

use serde_json::{Map, Value, json};

use crate::ask::Ask;
use crate::gateway::{Gateway, Seen, error, shared};

/// What the providers saw of a request, in order, without what every one of them sees.
fn words(gateway: &Gateway, ask: &Ask) -> Vec<Value> {
    let own = |seen: &Seen| {
        let Value::Object(body) = seen.request.json() else {
            panic!("{seen:?}")
        };
        let common = ["model", "messages", "simulate", "stream", "stream_options"];
        let own = body
            .into_iter()
            .filter(|(name, _)| !common.contains(&&**name));
        Value::Object(own.collect::<Map<_, _>>())
    };
    gateway.seen(ask).iter().map(own).collect()
}

/// Alpha and beta fail, so that all three have their say.
fn failing_twice(ask: Ask) -> Ask {
    ask.on("alpha", json!({"status": 503}))
        .on("beta", json!({"reset": "before_headers"}))
}

#[test]
fn each_endpoint_is_told_what_it_understands() {
    let gateway = shared();
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let cases = [
        (
            json!({"max_tokens": 50, "temperature": 0.5, "seed": 7, "top_k": 3, "odd": 1}),
            vec![
                json!({"max_tokens": 50, "temperature": 0.5, "odd": 1}),
                json!({"max_completion_tokens": 50, "seed": 7, "odd": 1}),
                json!({"max_tokens": 50, "temperature": 0.5, "seed": 7, "top_k": 3, "odd": 1}),
            ],
        ),
        (
            json!({"max_completion_tokens": 60, "parallel_tool_calls": true, "stop": ["x"]}),
            vec![
                json!({"max_tokens": 60}),
                json!({"max_completion_tokens": 60}),
                json!({"max_completion_tokens": 60, "parallel_tool_calls": true, "stop": ["x"]}),
            ],
        ),
        // Whoever is known not to call tools is not asked for it.
        (
            json!({"max_completion_tokens": 60, "tools": tools, "tool_choice": "auto", "stop": ["x"]}),
            vec![
                json!({"max_completion_tokens": 60, "tools": tools, "tool_choice": "auto", "stop": ["x"]}),
            ],
        ),
        (
            json!({"max_tokens": 50, "max_completion_tokens": 60}),
            vec![
                json!({"max_tokens": 50}),
                json!({"max_completion_tokens": 60}),
                json!({"max_tokens": 50, "max_completion_tokens": 60}),
            ],
        ),
    ];
    for (members, wanted) in cases {
        for stream in [false, true] {
            let ask = Ask::model("test/parameters")
                .and(members.clone())
                .and(json!({"stream": stream}));
            let ask = failing_twice(ask);
            assert_eq!(gateway.send(&ask).status, 200);
            assert_eq!(words(&gateway, &ask), wanted, "{members}");
        }
    }
}

#[test]
fn endpoints_that_do_not_understand_everything_may_be_passed_over() {
    let gateway = shared();
    let ask = Ask::model("test/parameters")
        .and(json!({"seed": 7, "provider": {"require_parameters": true}}))
        .everywhere(&json!({"status": 503}));
    error(&gateway.send(&ask), 503);
    assert_eq!(gateway.asked(&ask), ["beta", "gamma"]);
}

#[test]
fn reasoning_is_put_into_each_endpoints_words() {
    let gateway = shared();
    let model = "test/reasoning";
    let thinking = |tokens: u64| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    let effort = |level: &str| json!({"reasoning_effort": level});
    let object = |value: Value| json!({"reasoning": value});
    // The least budget of beta is 1,024 tokens; alpha's levels are low, medium and high.
    let cases = [
        (model, json!({}), [json!({}), json!({}), json!({})]),
        (
            model,
            json!({"reasoning": {"effort": "high"}, "max_completion_tokens": 10_000}),
            [
                effort("high"),
                thinking(8_000),
                object(json!({"effort": "high"})),
            ],
        ),
        (
            model,
            json!({"reasoning_effort": "minimal", "max_completion_tokens": 4_000}),
            [
                effort("low"),
                thinking(1_024),
                object(json!({"effort": "minimal"})),
            ],
        ),
        (
            model,
            json!({"reasoning": {"effort": "xhigh"}, "max_completion_tokens": 90_000}),
            [
                effort("high"),
                thinking(32_000),
                object(json!({"effort": "xhigh"})),
            ],
        ),
        (
            model,
            json!({"reasoning": {"max_tokens": 2_000}, "max_completion_tokens": 4_000}),
            [
                effort("medium"),
                thinking(2_000),
                object(json!({"max_tokens": 2_000})),
            ],
        ),
        (
            model,
            json!({"reasoning": {"enabled": true}, "max_completion_tokens": 10_000}),
            [
                effort("medium"),
                thinking(5_000),
                object(json!({"enabled": true})),
            ],
        ),
        (
            model,
            json!({"reasoning": {"enabled": false}}),
            [
                effort("low"),
                json!({"thinking": {"type": "disabled"}}),
                object(json!({"enabled": false})),
            ],
        ),
        (
            "test/reasoning:thinking",
            json!({"max_completion_tokens": 10_000}),
            [
                effort("medium"),
                thinking(5_000),
                object(json!({"enabled": true})),
            ],
        ),
        (
            "test/reasoning:thinking",
            json!({"reasoning": {"effort": "none"}}),
            [
                effort("low"),
                json!({"thinking": {"type": "disabled"}}),
                object(json!({"enabled": false})),
            ],
        ),
    ];
    for (model, members, mut wanted) in cases {
        let ask = failing_twice(Ask::model(model).and(members.clone()));
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{members}: {}", response.text());
        if let Some(bound) = members.get("max_completion_tokens") {
            for words in &mut wanted {
                words["max_completion_tokens"] = bound.clone();
            }
        }
        assert_eq!(words(&gateway, &ask), wanted, "{model} {members}");
    }
}

#[test]
fn the_thinking_variant_reaches_endpoints_without_a_form_of_their_own() {
    let gateway = shared();
    let ask = failing_twice(Ask::model("test/variants:thinking"));
    assert_eq!(gateway.send(&ask).json()["provider"], "Gamma");
    // Beta alone knows of reasoning.
    let wanted = [
        json!({}),
        json!({"reasoning": {"enabled": true}}),
        json!({}),
    ];
    assert_eq!(words(&gateway, &ask), wanted);
}
