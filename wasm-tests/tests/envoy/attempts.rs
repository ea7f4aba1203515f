//! What callers are told of attempts: how many there were, and, who may ask why, which.

use std::sync::{Mutex, OnceLock, Weak};

use meshrouter_wasm_tests::client::Response;
use serde_json::{Value, json};

use crate::ask::{Ask, MINI, SONNET, known_key};
use crate::catalog::model;
use crate::gateway::{Place, Shared, error, refusal, share, shared};
use crate::unreachable::{Hanging, UNREACHABLE, unreachable};

/// The key that is told why.
pub(crate) const WHY: &str = "why";
/// How long is waited for providers that say nothing, in milliseconds.
pub(crate) const PATIENCE: u64 = 300;
/// For how long these would say nothing.
pub(crate) const ENDLESS: u64 = 20_000;

/// The gateway, with a model for each provider that fails in a way of its own.
pub(crate) fn gateway() -> Shared {
    static CURRENT: Place = Mutex::new(Weak::new());
    static HANGING: OnceLock<Hanging> = OnceLock::new();
    let hanging = HANGING.get_or_init(Hanging::start);
    share(&CURRENT, |envoy| unreachable(envoy, hanging).document(edit))
}

fn edit(document: &mut Value) {
    // In the native shape the longest of a plan holds for all of it.
    document["timeouts"] = json!({"first_byte_ms": PATIENCE * 3});
    let mut add = |list: &str, item| document[list].as_array_mut().unwrap().push(item);
    add("keys", known_key(WHY, &json!({"explain": true})));
    let impatient = ["first_byte", "idle", "total"];
    for provider in UNREACHABLE
        .iter()
        .chain(&["alpha", "closed"])
        .chain(&impatient)
    {
        add("models", alone(provider));
    }
    // Endpoints that are to be left alone for a while are nobody else's.
    let plan = |providers: &[&'static str]| -> Vec<_> {
        providers.iter().map(|name| (*name, json!({}))).collect()
    };
    add(
        "models",
        model(
            &id("limited"),
            json!({}),
            &plan(&["alpha", "beta", "gamma"]),
        ),
    );
    add(
        "models",
        model(&id("limited-first"), json!({}), &plan(&["alpha", "beta"])),
    );
    for limit in impatient {
        let timeouts = json!({format!("{limit}_ms"): PATIENCE});
        document["providers"][limit] = json!({"cluster": "alpha", "timeouts": timeouts});
    }
}

/// A model that only this provider serves.
fn alone(provider: &str) -> Value {
    model(&id(provider), json!({}), &[(provider, json!({}))])
}

pub(crate) fn id(provider: &str) -> String {
    format!("attempts/{provider}")
}

/// How many attempts an answer says there were.
pub(crate) fn told(response: &Response) -> Option<&str> {
    response.header("x-router-attempts")
}

/// The attempts that an error tells of, without their durations.
#[track_caller]
pub(crate) fn listed(error: &Value) -> Value {
    let mut attempts = error["metadata"]["attempts"].clone();
    for attempt in attempts.as_array_mut().into_iter().flatten() {
        assert!(attempt["ms"].as_u64().is_some(), "{error}");
        attempt.as_object_mut().unwrap().remove("ms");
    }
    attempts
}

#[test]
fn attempts_are_listed_in_their_order_and_timed() {
    let gateway = gateway();
    for stream in [false, true] {
        let limited = json!({"status": 429, "delay_ms": 150});
        let ask = Ask::with(json!({"models": [MINI, SONNET, id("first_byte")], "stream": stream}))
            .with_key(WHY)
            .on("alpha", json!([{"status": 503}, {"delay_ms": ENDLESS}]))
            .on(
                "beta",
                json!([{"reset": "before_headers"}, {"status": 400}]),
            )
            .on("gamma", limited);
        let response = gateway.send(&ask);
        let found = error(&response, 429);
        assert_eq!(found["metadata"]["provider_name"], "Gamma");
        assert_eq!(told(&response), Some("5"));
        let last = id("first_byte");
        let attempt = |model: &str, endpoint: &str, status: Option<u16>, reason: &str| json!({"model": model, "endpoint": endpoint, "status": status, "reason": reason});
        let wanted = json!([
            attempt(MINI, "alpha", Some(503), "overloaded"),
            attempt(MINI, "beta", None, "reset"),
            attempt(MINI, "gamma", Some(429), "rate_limited"),
            attempt(SONNET, "beta", Some(400), "refused"),
            attempt(&last, "first_byte", None, "first_byte_timeout"),
        ]);
        assert_eq!(listed(&found), wanted);
        let ms = |n: usize| found["metadata"]["attempts"][n]["ms"].as_u64().unwrap();
        assert!((150..1_000).contains(&ms(2)), "{found}");
        assert!((PATIENCE..PATIENCE + 1_000).contains(&ms(4)), "{found}");
        // A refusal ends the list.
        let ask = Ask::with(json!({"model": MINI, "stream": stream}))
            .with_key(WHY)
            .on("alpha", json!({"status": 503}))
            .on("beta", json!({"status": 422}));
        let response = gateway.send(&ask);
        let wanted = json!([
            attempt(MINI, "alpha", Some(503), "overloaded"),
            attempt(MINI, "beta", Some(422), "refused"),
        ]);
        assert_eq!(listed(&error(&response, 422)), wanted);
        assert_eq!(told(&response), Some("2"));
    }
}

#[test]
fn nobody_else_is_told_more_than_how_many_there_were() {
    let gateway = shared();
    for stream in [false, true] {
        let ask = |actions: [u16; 3]| {
            let status = |n: usize| json!({"status": actions[n]});
            Ask::with(json!({"model": MINI, "stream": stream}))
                .on("alpha", status(0))
                .on("beta", status(1))
                .on("gamma", status(2))
        };
        let response = gateway.send(&ask([503, 429, 500]));
        let found = error(&response, 500);
        assert_eq!(found["metadata"].get("attempts"), None, "{found}");
        assert_eq!(told(&response), Some("3"));
        for (actions, attempts) in [
            ([200; 3], "1"),
            ([503, 200, 200], "2"),
            ([503, 429, 200], "3"),
        ] {
            let response = gateway.send(&ask(actions));
            assert_eq!(response.status, 200, "{}", response.text());
            assert_eq!(told(&response), Some(attempts));
        }
    }
    // Nothing was planned.
    let unplanned = [
        Ask::with(json!({"model": MINI, "temperature": "hot"})),
        Ask::model("nobody/knows"),
        Ask::with(json!({"model": MINI, "provider": {"only": ["nobody"]}})),
    ];
    for ask in unplanned {
        let response = gateway.send(&ask);
        refusal(&response).unwrap();
        assert_eq!(told(&response), None, "{}", response.text());
    }
}

#[test]
fn the_callers_error_brings_its_own_retry_after() {
    let gateway = gateway();
    let limited = json!({"status": 429, "headers": {"retry-after": "7"}});
    let ask = Ask::with(json!({"model": id("limited")}))
        .on("alpha", json!({"status": 503}))
        .on("beta", limited.clone())
        .on("gamma", json!({"reset": "before_headers"}));
    let response = gateway.send(&ask);
    let found = error(&response, 429);
    assert_eq!(found["metadata"]["provider_name"], "Beta");
    assert_eq!(response.header("retry-after"), Some("7"));
    // What another one wants is of no use to the caller.
    let ask = Ask::with(json!({"model": id("limited-first")}))
        .on("alpha", limited)
        .on("beta", json!({"status": 503}));
    let response = gateway.send(&ask);
    let found = error(&response, 503);
    assert_eq!(found["metadata"]["provider_name"], "Beta");
    assert_eq!(response.header("retry-after"), None);
}
