//! What endpoints must be able to: the hard filters and their reasons.

use super::*;

#[test]
fn hard_filters_and_their_reasons() {
    let parameters = |names: &[&str]| {
        let set = meshrouter_core::parameters::ParameterSet::all(names.iter().copied());
        serde_json::to_value(set).unwrap()
    };
    let case = Case::new(
        vec![model(
            "m",
            json!({"architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]}}),
            vec![
                endpoint(
                    "a",
                    "1",
                    json!({"supported_parameters": ["max_tokens"], "max_completion_tokens": 500}),
                ),
                endpoint(
                    "b",
                    "2",
                    json!({"supported_parameters": ["tools", "response_format"], "context_length": 9_000}),
                ),
                endpoint(
                    "c",
                    "3",
                    json!({"supported_parameters": ["tools", "structured_outputs", "seed", "reasoning"], "operations": ["chat_completions", "completions"]}),
                ),
                endpoint(
                    "d",
                    "4",
                    json!({"pricing": {"prompt": "0", "completion": "0.00001", "request": "0.5", "image": "0.2"}}),
                ),
            ],
        )],
        json!({}),
    );
    let out = |tag: &str, constraint: &str| format!("m@{tag}: {constraint}");
    let cases: Vec<(Value, &str, Vec<String>)> = vec![
        (json!({}), "m@a,m@b,m@c,m@d", vec![]),
        (
            json!({"parameters": parameters(&["tools"])}),
            "m@b,m@c,m@d",
            vec![out("a", "tools")],
        ),
        (
            json!({"parameters": parameters(&["tool_choice"])}),
            "m@b,m@c,m@d",
            vec![out("a", "tools")],
        ),
        (
            json!({"structured": true}),
            "m@c,m@d",
            vec![
                out("a", "structured_outputs"),
                out("b", "structured_outputs"),
            ],
        ),
        (
            json!({"max_tokens": 501}),
            "m@b,m@c,m@d",
            vec![out("a", "max_tokens")],
        ),
        (json!({"max_tokens": 500}), "m@a,m@b,m@c,m@d", vec![]),
        (
            json!({"prompt_tokens": 9_001}),
            "m@a,m@c,m@d",
            vec![out("b", "context_length")],
        ),
        (
            json!({"prompt_tokens": 8_800, "max_tokens": 201}),
            "m@a,m@c,m@d",
            vec![out("b", "context_length")],
        ),
        (
            json!({"input_modalities": ["image"]}),
            "m@a,m@b,m@c,m@d",
            vec![],
        ),
        (
            json!({"operation": "completions"}),
            "m@c",
            vec![
                out("a", "operation"),
                out("b", "operation"),
                out("d", "operation"),
            ],
        ),
        (
            json!({"parameters": parameters(&["seed"]), "preferences": {"require_parameters": true, "sort": "price"}}),
            "m@c,m@d",
            vec![
                out("a", "require_parameters"),
                out("b", "require_parameters"),
            ],
        ),
        // What the router says in the endpoint's own words counts as understood.
        (
            json!({"parameters": parameters(&["max_completion_tokens"]), "preferences": {"require_parameters": true, "sort": "price"}}),
            "m@a,m@d",
            vec![
                out("b", "require_parameters"),
                out("c", "require_parameters"),
            ],
        ),
        (
            json!({"parameters": parameters(&["reasoning_effort"]), "preferences": {"require_parameters": true, "sort": "price"}}),
            "m@c,m@d",
            vec![
                out("a", "require_parameters"),
                out("b", "require_parameters"),
            ],
        ),
        (
            json!({"preferences": {"sort": "price", "max_price": {"request": 0.1}}}),
            "m@a,m@b,m@c",
            vec![out("d", "max_price")],
        ),
        (
            json!({"preferences": {"sort": "price", "max_price": {"image": 0.1}}}),
            "m@a,m@b,m@c",
            vec![out("d", "max_price")],
        ),
        (
            json!({"preferences": {"sort": "price", "max_price": {"completion": 9}}}),
            "m@a,m@b,m@c",
            vec![out("d", "max_price")],
        ),
    ];
    for (mut facts, plan, excluded) in cases {
        if facts.get("preferences").is_none() {
            facts["preferences"] = json!({"sort": "price"});
        }
        let found = case.found(&["m"], &facts);
        let expected = Found {
            plan: plan.to_owned(),
            excluded,
        };
        assert_eq!(found, expected, "{facts}");
    }
    for (facts, constraint) in [
        (json!({"input_modalities": ["audio"]}), "input_modalities"),
        (json!({"output_modalities": ["image"]}), "output_modalities"),
    ] {
        let found = case.found(&["m"], &facts);
        assert_eq!(
            (found.plan.as_str(), found.excluded[3].as_str()),
            ("", &*out("d", constraint))
        );
    }
}

#[test]
fn what_is_compressed_must_hold_half_and_else_the_largest_is_taken() {
    let case = Case::new(
        vec![model(
            "m",
            json!({}),
            vec![
                endpoint("a", "1", json!({"context_length": 4_000})),
                endpoint("b", "2", json!({"context_length": 8_192})),
                endpoint("c", "3", json!({"context_length": 20_000})),
                endpoint("d", "4", json!({"context_length": 20_000})),
            ],
        )],
        json!({}),
    );
    let planned = |tokens: u64, transforms: &str| {
        let facts = json!({"prompt_tokens": tokens, "transforms": transforms, "preferences": {"sort": "price"}});
        case.found(&["m"], &facts).plan
    };
    assert_eq!(planned(4_000, "off"), "m@a,m@b,m@c,m@d");
    assert_eq!(planned(4_001, "off"), "m@b,m@c,m@d");
    // Small contexts compress by default.
    assert_eq!(planned(8_000, "default"), "m@a,m@b,m@c,m@d");
    assert_eq!(planned(8_001, "default"), "m@b,m@c,m@d");
    assert_eq!(planned(20_001, "default"), "m@b");
    assert_eq!(planned(20_001, "off"), "");
    assert_eq!(planned(20_001, "middle-out"), "m@c,m@d");
    assert_eq!(planned(40_000, "middle-out"), "m@c,m@d");
    assert_eq!(planned(40_001, "middle-out"), "m@c");
    assert_eq!(planned(1_000_000, "default"), "m@b");
    // A completion is not compressed: it must leave room.
    let with_completion = |max_tokens: u64| {
        let facts = json!({"max_tokens": max_tokens, "transforms": "middle-out", "preferences": {"sort": "price"}});
        case.found(&["m"], &facts).plan
    };
    assert_eq!(with_completion(3_999), "m@a,m@b,m@c,m@d");
    assert_eq!(with_completion(4_000), "m@b,m@c,m@d");
    assert_eq!(with_completion(20_000), "");
}
