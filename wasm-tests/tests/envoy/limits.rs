//! What keys may use up: what callers read at a limit, and what goes on below it.

use serde_json::{Value, json};

use crate::ask::{Ask, MINI, known_key};
use crate::gateway::{Gateway, error};
use crate::money::{DEAR, PRICED, price_list};

fn document(document: &mut Value) {
    price_list(document);
    let keys = document["keys"].as_array_mut().unwrap();
    let mut add = |name: &str, more: Value| keys.push(known_key(name, &more));
    add("poor", json!({"limit": 1, "limit_reset": "daily"}));
    add("hasty", json!({"requests_per_minute": 2}));
    add("chatty", json!({"tokens_per_minute": 2_000}));
    add(
        "frugal",
        json!({"limit": "5000", "budgets": [{"model": DEAR, "limit": "1"}]}),
    );
}

fn asked(model: &str, key: &'static str, max_tokens: u64) -> Ask {
    Ask::with(json!({"model": model, "max_tokens": max_tokens})).with_key(key)
}

#[track_caller]
fn refusal(gateway: &Gateway, ask: &Ask, status: u16, words: &str) -> Value {
    let refused = error(&gateway.send(ask), status);
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains(words), "{message}");
    refused
}

#[test]
fn answers_at_the_limits_say_what_is_left_and_when_there_is_more() {
    let gateway = Gateway::start(|envoy| envoy.concurrency(2).document(document));
    let left = "$1 are left of the key's limit of $1 a day. Have the limit raised";
    let refused = refusal(&gateway, &asked(DEAR, "poor", 100), 402, left);
    assert_eq!(refused["metadata"]["limit_remaining"], 1);
    let much = asked(PRICED, "poor", 90_000);
    refusal(&gateway, &much, 402, "Lower `max_tokens` to 666");
    assert_eq!(gateway.send(&asked(PRICED, "poor", 1_000)).status, 200);

    for _ in 0..2 {
        assert_eq!(gateway.send(&asked(MINI, "hasty", 10)).status, 200);
    }
    let response = gateway.send(&asked(MINI, "hasty", 10));
    error(&response, 429);
    let header = |name: &str| response.header(name).unwrap().parse::<u64>().unwrap();
    assert!((1..=120).contains(&header("retry-after")));
    assert_eq!(header("x-ratelimit-limit"), 2);
    assert_eq!(header("x-ratelimit-remaining"), 0);
    assert!(header("x-ratelimit-reset") > 1_700_000_000_000);

    let long = asked(MINI, "chatty", 1_900);
    assert_eq!(gateway.send(&long).status, 200);
    // What it did not use is there again.
    assert_eq!(gateway.send(&asked(MINI, "chatty", 1_900)).status, 200);
    let longer = asked(MINI, "chatty", 5_000);
    refusal(&gateway, &longer, 429, "2000 tokens a minute");
    gateway.assert_calm();
}

#[test]
fn a_model_without_a_budget_left_makes_room_for_the_next() {
    let gateway = Gateway::start(|envoy| envoy.document(document));
    let models = json!({"models": [DEAR, PRICED], "max_tokens": 100});
    let served = gateway.send(&Ask::with(models).with_key("frugal"));
    assert_eq!(served.json()["model"], PRICED, "{}", served.text());
    let alone = asked(DEAR, "frugal", 100);
    refusal(
        &gateway,
        &alone,
        402,
        "the key's budget of $1 for `test/dear`",
    );
    gateway.assert_calm();
}
