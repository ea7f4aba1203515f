//! Speeds that were measured count more than those of the document, and explanations tell what is known.

use std::time::{Duration, Instant};

use meshrouter_wasm_tests::client::Request;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::choosing::{choosing, explain, of, order, planned};
use crate::gateway::{Gateway, error, eventually};

/// Has each endpoint stream three answers: milliseconds to its first token, and tokens by its own account.
fn measure(gateway: &Gateway, model: &str, endpoints: &[(&str, u64, u64)]) {
    for (provider, delay, tokens) in endpoints {
        let usage =
            json!({"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": tokens + 3});
        let ask =
            Ask::with(json!({"model": model, "stream": true, "provider": {"only": [provider]}}))
                .on(provider, json!({"delay_ms": delay, "usage": usage}));
        for _ in 0..3 {
            let response = gateway.send(&ask.again());
            assert!(
                response.status == 200 && response.is_whole(),
                "{}",
                response.text()
            );
        }
    }
}

#[test]
fn what_was_measured_steers_the_choice() {
    let gateway = choosing();
    let model = "test/measured";
    // By price alpha, beta, gamma; to the first token gamma, alpha, beta; in tokens a second beta, gamma, alpha.
    measure(
        &gateway,
        model,
        &[
            ("alpha", 150, 1),
            ("beta", 600, 10_000_000),
            ("gamma", 0, 500),
        ],
    );
    let cases = [
        ("", json!({}), "alpha beta gamma"),
        ("", json!({"sort": "latency"}), "gamma alpha beta"),
        ("", json!({"sort": "throughput"}), "beta gamma alpha"),
        (":nitro", json!({}), "beta gamma alpha"),
        (":nitro", json!({"sort": "price"}), "beta gamma alpha"),
        (":floor", json!({"sort": "latency"}), "alpha beta gamma"),
        (
            "",
            json!({"sort": "price", "preferred_min_throughput": 100}),
            "beta gamma alpha",
        ),
        (
            "",
            json!({"sort": "price", "preferred_min_throughput": {"p90": 100}}),
            "beta gamma alpha",
        ),
        (
            "",
            json!({"preferred_max_latency": 0.5}),
            "alpha gamma beta",
        ),
        (
            "",
            json!({"preferred_max_latency": {"p99": 0.5}}),
            "alpha gamma beta",
        ),
        (
            "",
            json!({"sort": "price", "preferred_max_latency": {"p50": 0.1}}),
            "gamma alpha beta",
        ),
        // Who is not preferred is not refused.
        (
            "",
            json!({"preferred_max_latency": 0, "preferred_min_throughput": 100_000_000}),
            "alpha beta gamma",
        ),
        (
            "",
            json!({"only": ["beta"], "preferred_max_latency": 0.1}),
            "beta",
        ),
    ];
    for (variant, provider, wanted) in cases {
        let ask = Ask::with(json!({"model": format!("{model}{variant}"), "provider": provider}));
        assert_eq!(order(&gateway, &ask), wanted, "{variant} {provider}");
        let explanation = explain(&gateway, &ask);
        assert_eq!(planned(&explanation), wanted, "{variant} {provider}");
    }
    let explanation = explain(&gateway, &Ask::model(model));
    let number = |tag: &str, name: &str| of(&explanation, tag)[name].as_f64().unwrap();
    assert!(number("alpha", "latency_ms") >= 150.0 && number("beta", "latency_ms") >= 600.0);
    assert!(number("alpha", "throughput") < 7.0, "{explanation}");
    for tag in ["alpha", "beta", "gamma"] {
        let candidate = of(&explanation, tag);
        assert_eq!(
            (
                &candidate["answered_last_30s"],
                &candidate["failed_last_30s"]
            ),
            (&json!(3), &json!(0)),
            "{tag}"
        );
    }
}

#[test]
fn an_explanation_tells_what_the_choice_is_made_from() {
    let gateway = choosing();
    let model = "test/explained";
    let members = json!({"model": model, "max_tokens": 100, "provider": {"ignore": ["gamma"], "data_collection": "allow"}});
    let explanation = explain(&gateway, &Ask::with(members.clone()));
    // Nobody was asked yet. 9 tokens of prompt, 100 of completion.
    let candidate = |provider: &str, cost: Value, share: f64| {
        json!({"model": model, "provider": provider, "endpoint": provider.to_lowercase(), "status": "good", "cost": cost,
            "share": share, "served_last_turn": false, "throughput": null, "latency_ms": null, "in_flight": 0,
            "answered_last_30s": 0, "failed_last_30s": 0})
    };
    let wanted = json!({
        "object": "router.explanation", "prompt_tokens": 9, "max_tokens": 100,
        // The request's own over the gateway's.
        "provider": {"ignore": ["gamma", "closed"], "data_collection": "allow"},
        "models": [{"model": model, "strategy": "balanced by price", "prompt_tokens": 9}],
        "plan": [candidate("Alpha", json!(0), 1.0), candidate("Beta", json!(0.000_109), 0.0)],
        "excluded": [{"model": model, "endpoint": "gamma", "constraint": "ignore",
            "reason": "It is none of those that `provider.ignore` leaves."}],
    });
    assert_eq!(explanation, wanted);

    // An attempt that runs is in flight; that it answers is counted with its first token.
    let ask = Ask::with(members)
        .stream()
        .on("alpha", json!({"hold_ms_after_first": 500}));
    let mut stream = gateway.stream(&ask);
    stream.read_until("Hello ");
    let alpha = of(&explain(&gateway, &ask), "alpha").clone();
    assert_eq!(
        (&alpha["in_flight"], &alpha["answered_last_30s"]),
        (&json!(1), &json!(1))
    );
    assert!(
        alpha["latency_ms"].is_number() && alpha["throughput"].is_null(),
        "{alpha}"
    );
    // A first turn has no last one; the next has.
    assert_eq!(alpha["served_last_turn"], false);
    let next = json!({"messages": [
        {"role": "user", "content": "One two three"}, {"role": "assistant", "content": "Four"}]});
    let next = explain(&gateway, &ask.again().and(next));
    assert_eq!(of(&next, "alpha")["served_last_turn"], true);
    assert!(stream.finish().is_whole());
    eventually("nothing is in flight", || {
        of(&explain(&gateway, &ask), "alpha")["in_flight"] == 0
    });
    let alpha = of(&explain(&gateway, &ask), "alpha").clone();
    assert!(alpha["throughput"].is_number(), "{alpha}");

    let strategies = [
        (
            json!({"order": ["beta"]}),
            "in the given order, then the cheapest first",
        ),
        (
            json!({"allow_fallbacks": false}),
            "in the given order, then the cheapest first",
        ),
        (json!({"sort": "latency"}), "sorted by latency"),
        (json!({"sort": "throughput"}), "sorted by throughput"),
        (json!({"sort": {"by": "price"}}), "sorted by price"),
    ];
    for (provider, strategy) in strategies {
        let explanation = explain(
            &gateway,
            &Ask::with(json!({"model": model, "provider": provider})),
        );
        assert_eq!(
            explanation["models"],
            json!([{"model": model, "strategy": strategy, "prompt_tokens": 9}])
        );
        assert_eq!(explanation["plan"][0].get("share"), None);
    }
}

#[test]
fn only_keys_that_may_ask_get_an_explanation() {
    let gateway = choosing();
    let ask = Ask::model("test/guarded").with_key("beta-only");
    let found = error(
        &gateway.send(&ask.again().header("x-router-explain", "true")),
        403,
    );
    let wanted = "This key may not ask for explanations: the gateway's configuration allows it with `explain: true` at the key.";
    assert_eq!(found["message"], wanted);
    for value in ["1", "TRUE", ""] {
        let found = error(
            &gateway.send(&ask.again().header("x-router-explain", value)),
            400,
        );
        assert_eq!(
            found["message"], "The header `x-router-explain` must be `true` or `false`.",
            "{value}"
        );
    }
    let plain = ask.again().header("x-router-explain", "false");
    assert_eq!(gateway.send(&plain).json()["provider"], "Beta");
    assert_eq!(
        gateway.seen(&plain)[0].request.header("x-router-explain"),
        None
    );
    // Who does not say who he is gets no answer to it, and a wrong request is one all the same.
    let stranger = Request::post("/api/v1/chat/completions").header("x-router-explain", "true");
    error(&gateway.envoy.client().send(stranger.json(&json!({}))), 401);
    let wrong = Ask::with(json!({"model": "test/other", "provider": {"zrd": true}}));
    error(
        &gateway.send(&wrong.header("x-router-explain", "true")),
        400,
    );
    let started = Instant::now();
    let stream = Ask::model("test/other")
        .stream()
        .on("alpha", json!({"delay_ms": 5_000}));
    assert_eq!(
        planned(&explain(&gateway, &stream)),
        "alpha/other gamma/other"
    );
    assert!(started.elapsed() < Duration::from_secs(4));
}
