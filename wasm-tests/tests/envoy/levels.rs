//! What gateway, keys and presets say of the choice of endpoints.

use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::choosing::{CHOICE, OTHER, choosing, constraints, order};
use crate::gateway::error;

#[test]
fn keys_and_gateway_have_their_say_and_a_request_cannot_take_it_back() {
    let gateway = choosing();
    let cases = [
        // Either wants it.
        ("zdr", json!({}), "alpha beta"),
        ("zdr", json!({"zdr": false}), "alpha beta"),
        ("zdr", json!({"data_collection": "deny"}), "alpha"),
        // The lower price counts.
        ("thrifty", json!({}), "alpha alpha/turbo beta"),
        (
            "thrifty",
            json!({"max_price": {"completion": 100}}),
            "alpha alpha/turbo beta",
        ),
        (
            "thrifty",
            json!({"max_price": {"completion": 1}}),
            "alpha alpha/turbo",
        ),
        ("thrifty", json!({"max_price": {"prompt": 0}}), "alpha"),
        // The request's own word counts.
        ("hasty", json!({}), "alpha/turbo alpha gamma beta"),
        (
            "hasty",
            json!({"sort": "price"}),
            "alpha alpha/turbo beta gamma",
        ),
        (
            "hasty",
            json!({"order": ["beta"]}),
            "beta alpha/turbo alpha gamma",
        ),
        // Lists are merged.
        ("alpha-only", json!({}), "alpha"),
        ("alpha-only", json!({"only": ["gamma"]}), "alpha gamma"),
        (
            "alpha-only",
            json!({"only": ["beta", "gamma"], "ignore": ["gamma"]}),
            "alpha beta",
        ),
        // A policy is no preference.
        ("beta-only", json!({}), "beta"),
        (
            "beta-only",
            json!({"order": ["alpha"], "only": ["alpha", "beta"]}),
            "beta",
        ),
    ];
    for (key, provider, wanted) in cases {
        let ask = Ask::with(json!({"model": CHOICE, "provider": provider})).with_key(key);
        assert_eq!(order(&gateway, &ask), wanted, "{key} {provider}");
    }
    // What the gateway ignores is ignored for all.
    for (provider, wanted) in [
        (json!({}), "alpha beta"),
        (json!({"order": ["closed"]}), "alpha beta"),
        (json!({"ignore": ["beta"]}), "alpha"),
        (json!({"only": ["closed", "alpha"]}), "alpha"),
    ] {
        let ask = Ask::with(json!({"model": "test/guarded", "provider": provider}));
        assert_eq!(order(&gateway, &ask), wanted, "{provider}");
    }
    let careful = Ask::with(json!({"preset": "careful"}));
    assert_eq!(order(&gateway, &careful), "alpha beta");
    let careful = Ask::with(json!({"preset": "careful", "provider": {"only": ["gamma"]}}));
    assert_eq!(
        order(&gateway, &careful),
        "gamma",
        "the request's own in the place of the preset's"
    );
}

#[test]
fn a_key_that_may_use_some_models_only_is_told_so() {
    let gateway = choosing();
    let ask = |models: Value| Ask::with(json!({"models": models})).with_key("other-only");
    let both = ask(json!([CHOICE, OTHER, MINI]));
    assert_eq!(order(&gateway, &both), "alpha/other gamma/other");
    let found = error(&gateway.send(&ask(json!([CHOICE]))), 404);
    let wanted = format!(
        "No endpoints found for `{CHOICE}` that this key may use: its `allowed_models` lack the model."
    );
    assert_eq!(found["message"], wanted);
    assert_eq!(
        constraints(&found),
        [
            "alpha allowed_models",
            "alpha/turbo allowed_models",
            "beta allowed_models",
            "gamma allowed_models",
        ]
    );
    let refused = Ask::with(json!({"model": OTHER})).with_key("beta-only");
    let found = error(&gateway.send(&refused), 404);
    let wanted = format!(
        "No endpoints found for `{OTHER}` that this key may use: its `allowed_providers` lack theirs."
    );
    assert_eq!(found["message"], wanted);
    assert_eq!(
        constraints(&found),
        [
            "alpha/other allowed_providers",
            "gamma/other allowed_providers"
        ]
    );
}
