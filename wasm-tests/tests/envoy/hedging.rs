//! Attempts that race: off unless the gateway says after which delay, one winner, and nobody else's words.

use std::time::{Duration, Instant};

use meshrouter_wasm_tests::providers::simulators;
use meshrouter_wasm_tests::shape;
use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::gateway::{Gateway, error, eventually, shared, text};

/// Milliseconds after which the next candidate is asked, too.
const AFTER: u64 = 200;

/// A gateway whose attempts race; `None` in the native shape, where such a document is refused.
fn gateway() -> Option<Gateway> {
    let edit = |document: &mut Value| document["hedge_after_ms"] = json!(AFTER);
    if !shape::is_native() {
        return Some(Gateway::start(|envoy| envoy.document(edit)));
    }
    let error = simulators().envoy().document(edit).try_start().unwrap_err();
    assert!(
        error.contains("hedge_after_ms: attempts cannot race"),
        "{error}"
    );
    None
}

/// What a response says, and who said it.
fn said(stream: bool, response: &meshrouter_wasm_tests::client::Response) -> (String, Value) {
    assert_eq!((response.status, response.is_whole()), (200, true));
    if stream {
        let events = response.sse_json();
        return (text(&events), events[0]["provider"].clone());
    }
    let completion = response.json();
    let words = completion["choices"][0]["message"]["content"].as_str();
    (words.unwrap().to_owned(), completion["provider"].clone())
}

fn slow(ms: u64) -> Value {
    json!({"delay_ms": ms})
}

#[test]
fn the_first_to_answer_wins_and_the_other_is_let_go() {
    let Some(gateway) = gateway() else {
        return;
    };
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": MINI, "stream": stream})).on("alpha", slow(20_000));
        let before = gateway.providers.alpha.connections_cut();
        let begun = Instant::now();
        let response = gateway.send(&ask);
        assert!(begun.elapsed() < Duration::from_secs(5));
        let (words, provider) = said(stream, &response);
        assert_eq!(words, "Hello from beta. You said: One two three");
        assert_eq!(provider, "Beta");
        assert_eq!(response.header("x-router-attempts"), Some("2"));
        assert_eq!(gateway.record(&ask)["attempts"], 2);
        eventually("alpha is let go", || {
            gateway.providers.alpha.connections_cut() == before + 1
        });
        assert_eq!(gateway.asked(&ask), ["alpha", "beta"]);
    }
}

#[test]
fn the_slower_first_one_may_still_win() {
    let Some(gateway) = gateway() else {
        return;
    };
    let ask = Ask::model(MINI)
        .on("alpha", slow(AFTER * 3 / 2))
        .on("beta", slow(20_000));
    let response = gateway.send(&ask);
    assert_eq!(said(false, &response).1, "Alpha");
    assert_eq!(response.header("x-router-attempts"), Some("2"));
    assert_eq!(gateway.record(&ask)["attempts"], 2, "both were asked");
}

#[test]
fn who_fails_in_a_race_says_nothing_while_another_runs() {
    let Some(gateway) = gateway() else {
        return;
    };
    for stream in [false, true] {
        let failing = json!({"status": 503, "delay_ms": AFTER * 2});
        let ask = Ask::with(json!({"model": MINI, "stream": stream}))
            .on("alpha", failing)
            .on("beta", slow(AFTER * 3));
        let (_, provider) = said(stream, &gateway.send(&ask));
        // Gamma was asked when beta had been silent for as long, and answers at once.
        assert!(provider == "Beta" || provider == "Gamma", "{provider}");
    }
    gateway.assert_calm();
}

#[test]
fn where_all_fail_the_last_word_waits_for_the_last_of_them() {
    let Some(gateway) = gateway() else {
        return;
    };
    for stream in [false, true] {
        let failing = |ms: u64, status: u16| json!({"status": status, "delay_ms": ms});
        let ask = Ask::with(json!({"model": MINI, "stream": stream}))
            .on("alpha", failing(AFTER * 6, 500))
            .on("beta", failing(0, 401))
            .on("gamma", failing(AFTER * 2, 404));
        let response = gateway.send(&ask);
        let found = error(&response, 500);
        assert_eq!(found["metadata"]["provider_name"], "Alpha");
        assert_eq!(gateway.asked(&ask), ["alpha", "beta", "gamma"]);
        assert_eq!(gateway.record(&ask)["attempts"], 3);
    }
    gateway.assert_calm();
}

#[test]
fn a_fast_failure_leads_on_at_once_and_nobody_races_unless_told() {
    let Some(gateway) = gateway() else {
        return;
    };
    let ask = Ask::model(MINI).on("alpha", json!({"status": 503}));
    assert_eq!(said(false, &gateway.send(&ask)).1, "Beta");
    assert_eq!(gateway.asked(&ask), ["alpha", "beta"]);
    let ask = Ask::model(MINI).on("alpha", slow(AFTER * 2));
    assert_eq!(said(false, &shared().send(&ask)).1, "Alpha");
}
