//! The `provider` object: what each field of it does, alone and with those of key and gateway.

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::choosing::{CHOICE, OTHER, choosing, explain, order, planned};

/// The whole order, as it is without preferences.
const ALL: &str = "alpha alpha/turbo beta gamma";

#[test]
fn each_field_alone_does_what_its_page_says() {
    let gateway = choosing();
    let cases = [
        (json!({}), ALL),
        // Listed ones first, then the usual order; who does not serve the model is skipped.
        (
            json!({"order": ["gamma", "beta"]}),
            "gamma beta alpha alpha/turbo",
        ),
        (
            json!({"order": ["openai", "beta"]}),
            "beta alpha alpha/turbo gamma",
        ),
        (json!({"order": ["Gamma"]}), "gamma alpha alpha/turbo beta"),
        (
            json!({"order": ["beta", "alpha"]}),
            "beta alpha alpha/turbo gamma",
        ),
        (json!({"order": []}), ALL),
        (json!({"allow_fallbacks": true}), ALL),
        (json!({"allow_fallbacks": false}), "alpha"),
        (
            json!({"allow_fallbacks": false, "order": ["gamma", "beta"]}),
            "gamma beta",
        ),
        (
            json!({"allow_fallbacks": false, "order": ["openai", "alpha"]}),
            "alpha alpha/turbo",
        ),
        // A provider's endpoints can be named one by one.
        (
            json!({"order": ["alpha/turbo"]}),
            "alpha/turbo alpha beta gamma",
        ),
        (
            json!({"allow_fallbacks": false, "order": ["alpha/turbo"]}),
            "alpha/turbo",
        ),
        (json!({"only": ["alpha/turbo"]}), "alpha/turbo"),
        (json!({"ignore": ["alpha/turbo"]}), "alpha beta gamma"),
        (
            json!({"only": ["gamma", "alpha"]}),
            "alpha alpha/turbo gamma",
        ),
        (json!({"only": ["beta"]}), "beta"),
        (json!({"only": []}), ALL),
        (
            json!({"ignore": ["gamma", "openai"]}),
            "alpha alpha/turbo beta",
        ),
        (json!({"ignore": ["beta", "GAMMA"]}), "alpha alpha/turbo"),
        (json!({"data_collection": "deny"}), "alpha gamma"),
        (json!({"data_collection": "allow"}), ALL),
        (json!({"zdr": true}), "alpha beta"),
        (json!({"zdr": false}), ALL),
        (json!({"quantizations": ["fp8"]}), "alpha beta"),
        (
            json!({"quantizations": ["fp8", "unknown"]}),
            "alpha beta gamma",
        ),
        (json!({"quantizations": ["bf16"]}), "alpha/turbo"),
        (json!({"sort": "price"}), ALL),
        (
            json!({"sort": "throughput"}),
            "alpha/turbo alpha gamma beta",
        ),
        (json!({"sort": "latency"}), "alpha alpha/turbo gamma beta"),
        (
            json!({"sort": {"by": "latency"}}),
            "alpha alpha/turbo gamma beta",
        ),
        (
            json!({"sort": {"by": "throughput", "partition": "model"}}),
            "alpha/turbo alpha gamma beta",
        ),
        (json!({"max_price": {"prompt": 3.99}}), "alpha alpha/turbo"),
        (
            json!({"max_price": {"completion": 4}}),
            "alpha alpha/turbo beta",
        ),
        (
            json!({"max_price": {"prompt": "1", "completion": "0.5"}}),
            "alpha",
        ),
        (
            json!({"max_price": {"request": 0.009}}),
            "alpha alpha/turbo beta",
        ),
        (
            json!({"max_price": {"image": 0.019}}),
            "alpha alpha/turbo beta",
        ),
        (json!({"max_price": {"request": 0.01, "image": 0.02}}), ALL),
        // Those that are too slow come last, but they come.
        (
            json!({"preferred_min_throughput": 90}),
            "alpha alpha/turbo gamma beta",
        ),
        (
            json!({"preferred_max_latency": 0.2}),
            "alpha alpha/turbo gamma beta",
        ),
        (
            json!({"preferred_max_latency": {"p50": 0.4, "p90": 0.2}}),
            "alpha alpha/turbo gamma beta",
        ),
        (
            json!({"preferred_min_throughput": {"p75": 9_000}, "preferred_max_latency": 0}),
            ALL,
        ),
    ];
    for (provider, wanted) in cases {
        let ask = Ask::with(json!({"model": CHOICE, "provider": provider}));
        assert_eq!(order(&gateway, &ask), wanted, "{provider}");
        assert_eq!(planned(&explain(&gateway, &ask)), wanted, "{provider}");
    }
}

#[test]
fn parameters_that_are_not_understood_put_an_endpoint_behind_or_out() {
    let gateway = choosing();
    let required = json!({"require_parameters": true});
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}});
    let cases = [
        (
            json!({"seed": 7}),
            json!({}),
            "alpha alpha/turbo gamma beta",
        ),
        (
            json!({"seed": 7}),
            json!({"require_parameters": false}),
            "alpha alpha/turbo gamma beta",
        ),
        (
            json!({"seed": 7}),
            required.clone(),
            "alpha alpha/turbo gamma",
        ),
        // Whoever says by what to sort has it sorted by that.
        (json!({"seed": 7}), json!({"sort": "price"}), ALL),
        // A bound is one under either name, and what no page knows is nobody's to understand.
        (
            json!({"max_completion_tokens": 50, "odd": 1, "stream": true}),
            required.clone(),
            ALL,
        ),
        // These leave endpoints out without a word of the caller's.
        (json!({"tools": tools}), json!({}), "alpha alpha/turbo"),
        (
            json!({"tool_choice": "none"}),
            json!({}),
            "alpha alpha/turbo",
        ),
        (
            json!({"response_format": schema}),
            json!({"require_parameters": false}),
            "alpha",
        ),
        (
            json!({"response_format": {"type": "json_object"}}),
            json!({}),
            ALL,
        ),
        (json!({"max_tokens": 1_000}), json!({}), ALL),
        (
            json!({"max_tokens": 1_001}),
            json!({"sort": "price"}),
            "alpha/turbo beta gamma",
        ),
        (
            json!({"max_completion_tokens": 1_001}),
            json!({"sort": "price"}),
            "alpha/turbo beta gamma",
        ),
    ];
    for (members, provider, wanted) in cases {
        let about = format!("{members} {provider}");
        let ask = Ask::with(json!({"model": CHOICE, "provider": provider})).and(members);
        assert_eq!(order(&gateway, &ask), wanted, "{about}");
        assert_eq!(planned(&explain(&gateway, &ask)), wanted, "{about}");
    }
}

#[test]
fn models_follow_each_other_or_are_sorted_as_one_list() {
    let gateway = choosing();
    let all = |sort: Value| json!({"sort": sort});
    let cases = [
        (
            json!({}),
            "alpha alpha/turbo beta gamma alpha/other gamma/other",
        ),
        (
            all(json!("price")),
            "alpha alpha/turbo beta gamma alpha/other gamma/other",
        ),
        (
            all(json!({"by": "price", "partition": "none"})),
            "alpha alpha/other alpha/turbo beta gamma/other gamma",
        ),
        (
            all(json!({"by": "throughput", "partition": "none"})),
            "alpha/turbo alpha/other alpha gamma beta gamma/other",
        ),
        (
            all(json!({"by": "throughput"})),
            "alpha/turbo alpha gamma beta alpha/other gamma/other",
        ),
        // Each model has its first.
        (json!({"allow_fallbacks": false}), "alpha alpha/other"),
        (
            json!({"enforce_distillable_text": true}),
            "alpha/other gamma/other",
        ),
        (
            json!({"enforce_distillable_text": false, "only": ["gamma"]}),
            "gamma gamma/other",
        ),
    ];
    for (provider, wanted) in cases {
        let ask = Ask::with(json!({"models": [CHOICE, OTHER], "provider": provider}));
        assert_eq!(order(&gateway, &ask), wanted, "{provider}");
        assert_eq!(planned(&explain(&gateway, &ask)), wanted, "{provider}");
    }
}

#[test]
fn no_endpoint_is_asked_twice() {
    let gateway = choosing();
    let floor = format!("{CHOICE}:floor");
    let ask = Ask::with(json!({"models": [CHOICE, floor, OTHER, CHOICE]}));
    let wanted = "alpha alpha/turbo beta gamma alpha/other gamma/other";
    assert_eq!(order(&gateway, &ask), wanted);
}

#[test]
fn the_provider_object_reaches_no_provider() {
    let gateway = choosing();
    let provider = json!({"only": ["alpha"], "sort": "price"});
    let ask = Ask::with(json!({"model": "test/guarded", "provider": provider}));
    assert_eq!(gateway.send(&ask).status, 200);
    let body = gateway.seen(&ask).remove(0).request.json();
    assert_eq!(body.get("provider"), None);
}
