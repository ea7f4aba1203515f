//! Cool-downs: whoever wants peace gets it, and so does whoever fails in a row.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::{Ask, MINI, SONNET};
use crate::gateway::{Gateway, error, eventually};

/// A gateway of one's own, sorted by price: alpha is asked first unless it cools down.
fn gateway() -> Gateway {
    Gateway::start(|envoy| envoy.document(|document| document["cool_down_after"] = json!(3)))
}

/// Sends a plain request: who was asked.
fn asked(gateway: &Gateway, model: &str) -> Vec<String> {
    let ask = Ask::model(model);
    assert_eq!(gateway.send(&ask).status, 200);
    gateway.asked(&ask)
}

fn limited(headers: Value) -> Value {
    json!({"status": 429, "headers": headers})
}

#[test]
fn a_provider_that_wants_peace_is_asked_by_no_worker() {
    let gateway = gateway();
    let ask = Ask::model(MINI).on("alpha", limited(json!({"retry-after-ms": "1500"})));
    assert_eq!(gateway.send(&ask).status, 200);
    assert_eq!(gateway.asked(&ask), ["alpha", "beta"]);
    eventually("it is counted", || {
        let count =
            format!("meshrouter_cooldowns_total{{model=\"{MINI}\",provider=\"alpha\"}} 1\n");
        gateway.envoy.admin("/stats/prometheus").contains(&count)
    });
    // New connections are spread over the workers.
    for _ in 0..8 {
        assert_eq!(asked(&gateway, MINI), ["beta"]);
    }
    // Another model's endpoint there was not meant.
    assert_eq!(asked(&gateway, "test/free"), ["alpha"]);
    thread::sleep(Duration::from_millis(1_500));
    assert_eq!(asked(&gateway, MINI), ["alpha"]);
}

#[test]
fn where_nobody_may_be_asked_nobody_is() {
    let gateway = gateway();
    let ask = Ask::model(SONNET).on("beta", limited(json!({"retry-after": "20"})));
    error(&gateway.send(&ask), 429);
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": SONNET, "stream": stream}));
        let response = gateway.send(&ask);
        let found = error(&response, 429);
        let after: u64 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((15..=20).contains(&after), "{after}");
        let message = found["message"].as_str().unwrap();
        assert!(message.contains(&format!("in {after} s")), "{message}");
        assert!(gateway.asked(&ask).is_empty());
    }
    // Another model is asked first, and this one not at all.
    let ask = Ask::with(json!({"models": [SONNET, "test/free"]}));
    assert_eq!(gateway.send(&ask).json()["model"], "test/free");
    assert_eq!(gateway.asked(&ask), ["alpha"]);
}

#[test]
fn failures_in_a_row_cool_down_and_one_request_probes() {
    let gateway = gateway();
    let fail = || {
        let ask = Ask::model(MINI).on("alpha", json!({"status": 503}));
        assert_eq!(gateway.send(&ask).status, 200);
        gateway.asked(&ask)
    };
    for _ in 0..3 {
        assert_eq!(fail(), ["alpha", "beta"]);
    }
    assert_eq!(asked(&gateway, MINI), ["beta"]);
    thread::sleep(Duration::from_millis(1_000));
    // Of many at once, one finds out; it fails, and the others never knew.
    let firsts = thread::scope(|scope| {
        let asks: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let slow = json!({"status": 503, "delay_ms": 300});
                    let ask = Ask::model(MINI).on("alpha", slow);
                    assert_eq!(gateway.send(&ask).status, 200);
                    gateway.asked(&ask).remove(0)
                })
            })
            .collect();
        asks.into_iter()
            .map(|ask| ask.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(
        firsts.iter().filter(|first| *first == "alpha").count(),
        1,
        "{firsts:?}"
    );
    // Twice as long now.
    thread::sleep(Duration::from_millis(1_200));
    assert_eq!(asked(&gateway, MINI), ["beta"]);
    thread::sleep(Duration::from_millis(800));
    assert_eq!(asked(&gateway, MINI), ["alpha"], "the probe, which answers");
    assert_eq!(asked(&gateway, MINI), ["alpha"]);
}
