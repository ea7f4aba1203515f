//! A gateway for tests of the choice of endpoints: it balances, as a document without preferences of its own does.
//!
//! What happened to an endpoint is counted by model, so that tests with models of their own do not disturb one
//! another. A first endpoint that is free keeps the draw from choosing another: the order is known without sorting.

use std::collections::BTreeMap;
use std::sync::{Mutex, Weak};

use serde_json::{Value, json};

use crate::ask::{Ask, known_key};
use crate::gateway::{Gateway, Place, Shared, error, share};

/// Four endpoints that differ in all that can be asked for, the first of them free. None of them, and of [`OTHER`]'s,
/// is to answer: its speed would be known then.
pub(crate) const CHOICE: &str = "test/choice";
/// Two further ones, the first of them free. Its text may be distilled.
pub(crate) const OTHER: &str = "test/other";

/// The gateway. Every numbered key may ask for explanations.
pub(crate) fn choosing() -> Shared {
    static CURRENT: Place = Mutex::new(Weak::new());
    share(&CURRENT, |envoy| envoy.document(edit))
}

/// Makes a document one that balances, with models for it.
pub(crate) fn edit(document: &mut Value) {
    for key in document["keys"].as_array_mut().unwrap() {
        key["explain"] = json!(key["name"] != "demo");
    }
    // What holds for all, and disturbs nobody here.
    document["preferences"] = json!({"ignore": ["closed"]});
    document["providers"]["beta"]["zdr"] = json!(true);
    document["providers"]["gamma"]["data_collection"] = json!("deny");
    let add = |list: &mut Value, items: Vec<Value>| list.as_array_mut().unwrap().extend(items);
    add(&mut document["keys"], keys());
    add(&mut document["models"], models());
    document["presets"]["careful"] = json!({"model": CHOICE, "provider": {"zdr": true}});
    document["auto"] = crate::auto::pool();
}

fn keys() -> Vec<Value> {
    let preferring = |name: &str, preferences: Value| {
        known_key(name, &json!({"preferences": preferences, "explain": true}))
    };
    vec![
        preferring("zdr", json!({"zdr": true})),
        preferring("thrifty", json!({"max_price": {"completion": "4"}})),
        preferring("hasty", json!({"sort": "throughput"})),
        preferring(
            "alpha-only",
            json!({"only": ["alpha"], "ignore": ["alpha/turbo"]}),
        ),
        known_key("other-only", &json!({"allowed_models": [OTHER]})),
        known_key("beta-only", &json!({"allowed_providers": ["beta"]})),
        known_key(
            "small-or-long",
            &json!({"allowed_models": ["test/auto-small", "test/auto-long"]}),
        ),
    ]
}

fn models() -> Vec<Value> {
    let sampling = ["max_tokens", "temperature"];
    let supports = |more: &[&str]| json!([&sampling, more].concat());
    let mut models = vec![
        model(
            CHOICE,
            &[
                (
                    "alpha",
                    0,
                    json!({"zdr": true, "quantization": "fp8", "throughput": 250, "latency_ms": 20,
                    "max_completion_tokens": 1_000, "supported_parameters": supports(&["seed", "tools", "structured_outputs"])}),
                ),
                (
                    "alpha/turbo",
                    1,
                    json!({"data_collection": "allow", "quantization": "bf16", "throughput": 400,
                    "latency_ms": 50, "supported_parameters": supports(&["seed", "tools"])}),
                ),
                (
                    "beta",
                    4,
                    json!({"quantization": "fp8", "throughput": 80, "latency_ms": 300,
                    "supported_parameters": supports(&[])}),
                ),
                (
                    "gamma",
                    6,
                    json!({"throughput": 100, "latency_ms": 100, "supported_parameters": supports(&["seed"])}),
                ),
            ],
        ),
        model(
            OTHER,
            &[
                ("alpha/other", 0, json!({"throughput": 300})),
                ("gamma/other", 5, json!({"throughput": 30})),
            ],
        ),
        model(
            "test/guarded",
            &[
                ("closed", 0, json!({})),
                ("alpha", 0, json!({})),
                ("beta", 2, json!({})),
            ],
        ),
        model("test/doors", &[("closed", 0, json!({}))]),
    ];
    let gamma = &mut models[0]["endpoints"][3]["pricing"];
    gamma["request"] = json!("0.01");
    gamma["image"] = json!("0.02");
    models[1]["distillable"] = json!(true);
    // For what happens to endpoints: a model a test.
    let three = |id: &str, prices: [u32; 3]| {
        let endpoints = ["alpha", "beta", "gamma"].into_iter().zip(prices);
        let endpoints: Vec<_> = endpoints
            .map(|(tag, price)| (tag, price, json!({})))
            .collect();
        model(id, &endpoints)
    };
    models.extend([
        three("test/balanced", [1, 2, 3]),
        three("test/shared-out", [1, 2, 4]),
        three("test/outage", [1, 1, 100_000]),
        three("test/cooling", [0, 1, 2]),
        three("test/peace", [0, 1, 2]),
        three("test/measured", [0, 1, 2]),
        three("test/explained", [0, 1, 2]),
        three("test/turns", [1, 1, 1]),
        three("test/counted", [1, 2, 4]),
    ]);
    models.extend(crate::auto::models());
    models
}

/// A model with endpoints of these tags and prices, in USD a million tokens of either kind. Each provider knows it by
/// the endpoint's tag.
pub(crate) fn model(id: &str, endpoints: &[(&str, u32, Value)]) -> Value {
    let endpoints = endpoints.iter().map(|(tag, price, more)| {
        let price = format!("0.{price:06}");
        let mut endpoint = json!({"model": tag, "pricing": {"prompt": price, "completion": price}});
        match tag.split_once('/') {
            Some((provider, variant)) => {
                endpoint["provider"] = json!(provider);
                endpoint["variant"] = json!(variant);
            }
            None => endpoint["provider"] = json!(tag),
        }
        let more = more.as_object().unwrap().clone();
        endpoint.as_object_mut().unwrap().extend(more);
        endpoint
    });
    let endpoints: Vec<_> = endpoints.collect();
    json!({"id": id, "context_length": 100_000, "endpoints": endpoints})
}

/// The endpoints that a request would reach one after the other: each finds its prompt flagged, for which nobody blames
/// the endpoint, so that asking changes nothing.
#[track_caller]
pub(crate) fn order(gateway: &Gateway, ask: &Ask) -> String {
    let ask = ask.again().everywhere(&json!({"status": 403}));
    error(&gateway.send(&ask), 403);
    tags(gateway, &ask)
}

/// The endpoints that a request reached, in order.
pub(crate) fn tags(gateway: &Gateway, ask: &Ask) -> String {
    let seen = gateway.seen(ask).into_iter();
    let tags = seen.map(|seen| seen.request.json()["model"].as_str().unwrap().to_owned());
    tags.collect::<Vec<_>>().join(" ")
}

/// What the router says of a request in place of an answer; nobody is asked.
#[track_caller]
pub(crate) fn explain(gateway: &Gateway, ask: &Ask) -> Value {
    let ask = ask.again().header("x-router-explain", "true");
    let response = gateway.send(&ask);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert!(gateway.seen(&ask).is_empty());
    let explanation = response.json();
    assert_eq!(explanation["object"], "router.explanation");
    explanation
}

/// The endpoints of an explanation's plan, in order.
pub(crate) fn planned(explanation: &Value) -> String {
    let plan = explanation["plan"].as_array().unwrap().iter();
    let tags = plan.map(|candidate| candidate["endpoint"].as_str().unwrap());
    tags.collect::<Vec<_>>().join(" ")
}

/// What an explanation says of one endpoint of its plan.
#[track_caller]
pub(crate) fn of<'a>(explanation: &'a Value, tag: &str) -> &'a Value {
    let mut plan = explanation["plan"].as_array().unwrap().iter();
    let found = plan.find(|candidate| candidate["endpoint"] == tag);
    found.unwrap_or_else(|| panic!("no {tag} in {explanation}"))
}

/// The endpoints and constraints of an error's reasons.
pub(crate) fn constraints(error: &Value) -> Vec<String> {
    let reasons = error["metadata"]["reasons"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    reasons
        .map(|reason| {
            format!(
                "{} {}",
                text(&reason["endpoint"]),
                text(&reason["constraint"])
            )
        })
        .collect()
}

/// Has an endpoint fail so often: whoever is asked for it gets the failure.
#[track_caller]
pub(crate) fn fail(gateway: &Gateway, model: &str, provider: &str, times: usize) {
    let ask = Ask::with(json!({"model": model, "provider": {"only": [provider]}}));
    for _ in 0..times {
        let ask = ask.again().on(provider, json!({"status": 503}));
        error(&gateway.send(&ask), 503);
    }
}

/// How many of so many conversations each provider, by its name, answers.
#[track_caller]
pub(crate) fn answers(
    gateway: &Gateway,
    model: &str,
    conversations: usize,
) -> BTreeMap<String, usize> {
    let ask = Ask::model(model);
    let mut counts = BTreeMap::new();
    for number in 0..conversations {
        let message = json!({"role": "user", "content": format!("Conversation {number}")});
        let answer = gateway
            .send(&ask.again().and(json!({"messages": [message]})))
            .json();
        let provider = answer["provider"].as_str().unwrap().to_owned();
        *counts.entry(provider).or_default() += 1;
    }
    counts
}

/// Checks that this many of `all` is what comes of a chance, within four standard deviations.
#[track_caller]
pub(crate) fn assert_near(count: Option<&usize>, all: usize, chance: f64) {
    let (count, all) = (*count.unwrap_or(&0) as f64, all as f64);
    let (mean, deviation) = (all * chance, (all * chance * (1.0 - chance)).sqrt());
    assert!(
        (count - mean).abs() <= 4.0 * deviation,
        "{count} of {all}, where {mean:.1} ± {deviation:.1} were expected"
    );
}
