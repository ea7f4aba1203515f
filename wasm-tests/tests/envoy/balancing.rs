//! Balancing: who is drawn how often, and what outages and cool-downs change about it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::choosing::{answers, assert_near, choosing, explain, fail, of, order, planned};
use crate::gateway::{Gateway, error};

fn status(gateway: &Gateway, model: &str, tag: &str) -> Value {
    of(&explain(gateway, &Ask::model(model)), tag)["status"].clone()
}

/// The example of the Provider Routing page: $1, $2 and $3 a million tokens, and the second had outages.
#[test]
fn who_costs_a_third_is_drawn_nine_times_as_often_and_who_is_ailing_comes_last() {
    const ROUNDS: usize = 4;
    let gateway = choosing();
    let model = "test/balanced";
    let (mut alpha, mut gamma) = (0, 0);
    for _ in 0..ROUNDS {
        // Again and again, so that no round outlasts what is remembered of it.
        fail(&gateway, model, "beta", 2);
        let counts = answers(&gateway, model, 100);
        alpha += counts.get("Alpha").unwrap_or(&0);
        gamma += counts.get("Gamma").unwrap_or(&0);
        assert_eq!(counts.get("Beta"), None, "{counts:?}");
    }
    assert_eq!(alpha + gamma, ROUNDS * 100);
    assert_near(Some(&alpha), ROUNDS * 100, 0.9);

    fail(&gateway, model, "beta", 2);
    let orders: Vec<_> = (0..30)
        .map(|_| order(&gateway, &Ask::model(model)))
        .collect();
    let (usual, other) = ("alpha gamma beta", "gamma alpha beta");
    assert!(
        orders.iter().all(|order| order == usual || order == other),
        "{orders:?}"
    );
    assert!(orders.iter().any(|order| order == usual), "{orders:?}");
    // Whoever says where to go goes there.
    for (provider, wanted) in [
        (json!({"sort": "price"}), "alpha beta gamma"),
        (json!({"order": ["beta"]}), "beta alpha gamma"),
        (json!({"only": ["beta"]}), "beta"),
        (
            json!({"allow_fallbacks": false, "ignore": ["alpha"]}),
            "gamma",
        ),
    ] {
        let ask = Ask::with(json!({"model": model, "provider": provider}));
        assert_eq!(order(&gateway, &ask), wanted, "{provider}");
    }
}

#[test]
fn the_shares_that_an_explanation_names_are_those_that_are_drawn() {
    let gateway = choosing();
    let model = "test/shared-out";
    let explanation = explain(&gateway, &Ask::model(model));
    let asked = &explanation["models"][0];
    assert_eq!(
        (&asked["model"], &asked["strategy"]),
        (&json!(model), &json!("balanced by price"))
    );
    let share = |tag: &str| of(&explanation, tag)["share"].as_f64().unwrap();
    // 1 : 1/4 : 1/16
    assert_eq!(
        ["alpha", "beta", "gamma"].map(share),
        [0.7619, 0.1905, 0.0476]
    );
    let counts = answers(&gateway, model, 300);
    for (name, tag) in [("Alpha", "alpha"), ("Beta", "beta"), ("Gamma", "gamma")] {
        assert_near(counts.get(name), 300, share(tag));
    }
}

/// The one slow test: an outage is remembered for 30 seconds.
#[test]
fn an_outage_costs_an_endpoint_its_share_at_once_and_half_a_minute_gives_it_back() {
    let gateway = choosing();
    let model = "test/outage";
    let half = |counts: &std::collections::BTreeMap<String, usize>| {
        assert_near(counts.get("Beta"), 60, 0.5);
        assert_eq!(counts.get("Gamma"), None);
    };
    half(&answers(&gateway, model, 60));
    assert_eq!(status(&gateway, model, "beta"), "good");
    // One failure among so many is no outage, and one in five is.
    fail(&gateway, model, "beta", 1);
    assert_eq!(status(&gateway, model, "beta"), "good");
    let first = Instant::now();
    fail(&gateway, model, "beta", 20);
    let last = Instant::now();
    let explanation = explain(&gateway, &Ask::model(model));
    assert_eq!(planned(&explanation), "alpha gamma beta");
    let beta = of(&explanation, "beta");
    assert_eq!(
        (&beta["status"], &beta["failed_last_30s"]),
        (&json!("ailing"), &json!(21))
    );
    assert_eq!(beta["share"], 0.0, "it takes no part in the draw");
    let alone = answers(&gateway, model, 60);
    assert_eq!(alone.get("Alpha"), Some(&60), "{alone:?}");

    std::thread::sleep((first + Duration::from_secs(26)).saturating_duration_since(Instant::now()));
    assert_eq!(status(&gateway, model, "beta"), "ailing");
    std::thread::sleep(
        (last + Duration::from_millis(30_100)).saturating_duration_since(Instant::now()),
    );
    let beta = of(&explain(&gateway, &Ask::model(model)), "beta").clone();
    assert_eq!(
        (&beta["status"], &beta["failed_last_30s"]),
        (&json!("good"), &json!(0))
    );
    assert_eq!(beta["share"], 0.5);
    half(&answers(&gateway, model, 60));
}

#[test]
fn who_wants_peace_gets_it_whatever_is_asked_for() {
    let gateway = choosing();
    let model = "test/cooling";
    let all = || {
        let preferences = [
            json!({}),
            json!({"sort": "price"}),
            json!({"order": ["alpha", "gamma"]}),
        ];
        preferences.map(|provider| {
            order(
                &gateway,
                &Ask::with(json!({"model": model, "provider": provider})),
            )
        })
    };
    assert_eq!(
        all(),
        ["alpha beta gamma", "alpha beta gamma", "alpha gamma beta"]
    );
    let busy = json!({"status": 429, "headers": {"retry-after": "25"}});
    let ask = Ask::with(json!({"model": model, "provider": {"sort": "price"}})).on("alpha", busy);
    assert_eq!(gateway.send(&ask).json()["provider"], "Beta");
    let [drawn, by_price, in_order] = all();
    // Between the others it is a draw.
    assert!(drawn.ends_with(" alpha"), "{drawn}");
    assert_eq!(
        [by_price, in_order],
        ["beta gamma alpha", "gamma beta alpha"]
    );
    let explanation = explain(&gateway, &ask);
    assert_eq!(planned(&explanation), "beta gamma alpha");
    let alpha = of(&explanation, "alpha");
    assert_eq!(alpha["status"], "cooling");
    assert!(
        alpha["cooling_ms"].as_u64().is_some_and(|ms| ms <= 25_000),
        "{alpha}"
    );
    // Last of all, whatever model the others are of.
    let last = Ask::with(
        json!({"models": [model, "test/other"], "provider": {"ignore": ["beta", "gamma"]}}),
    );
    assert_eq!(order(&gateway, &last), "alpha/other alpha");
    // Where only that one is left, nobody is asked.
    let alone = Ask::with(json!({"model": model, "provider": {"only": ["alpha"]}}));
    error(&gateway.send(&alone), 429);
    assert!(gateway.asked(&alone).is_empty());
}

#[test]
fn peace_ends_by_itself_and_after_a_minute_at_most() {
    let gateway = choosing();
    let model = "test/peace";
    let ask = Ask::with(json!({"model": model, "provider": {"only": ["alpha"]}}));
    let busy = |headers: Value| {
        ask.again()
            .on("alpha", json!({"status": 429, "headers": headers}))
    };
    let short = gateway.send(&busy(json!({"retry-after-ms": "200", "retry-after": "40"})));
    error(&short, 429);
    std::thread::sleep(Duration::from_millis(210));
    let by_price = Ask::with(json!({"model": model, "provider": {"sort": "price"}}));
    assert_eq!(order(&gateway, &by_price), "alpha beta gamma");

    let long = gateway.send(&busy(json!({"retry-after": "86400"})));
    error(&long, 429);
    assert_eq!(
        long.header("retry-after"),
        Some("86400"),
        "the caller is told all the same"
    );
    let explanation = explain(&gateway, &by_price);
    let cooling = of(&explanation, "alpha")["cooling_ms"].as_u64().unwrap();
    assert!((30_000..=60_000).contains(&cooling), "{cooling}");
}
