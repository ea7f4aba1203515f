//! How long an attempt may take, and all of them together.

use std::sync::{Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::catalog::model;
use crate::failures::{role, word};
use crate::gateway::{Gateway, Place, Shared, answer, eventually, refusal, share, text};

/// For how long a provider would say nothing.
const ENDLESS: u64 = 20_000;
/// How much later than it should something may happen: timers tick ten times a second, and the machine is busy.
const SLACK: u64 = 1_200;

/// A gateway whose endpoints have little time for the one or the other. `patient` is the simulator alpha, too.
fn gateway() -> Shared {
    static CURRENT: Place = Mutex::new(Weak::new());
    share(&CURRENT, |envoy| envoy.document(edit))
}

fn edit(document: &mut Value) {
    document["timeouts"] = json!({"first_byte_ms": 400});
    let timeouts = json!({"first_byte_ms": 5_000});
    document["providers"]["patient"] = json!({"cluster": "alpha", "timeouts": timeouts});
    let own = |timeouts: Value| ("patient", json!({"timeouts": timeouts}));
    let endpoints = [
        ("document", ("alpha", json!({}))),
        ("provider", ("patient", json!({}))),
        ("endpoint", own(json!({"first_byte_ms": 300}))),
        ("idle", own(json!({"idle_ms": 500}))),
        ("total", own(json!({"total_ms": 600}))),
    ];
    let models = document["models"].as_array_mut().unwrap();
    for (id, endpoint) in endpoints {
        let plan = [endpoint, ("gamma", json!({}))];
        models.push(model(&format!("timeouts/{id}"), json!({}), &plan));
    }
}

/// A model, what its first endpoint does, who answers, and how long that takes, in milliseconds.
type Row = (&'static str, Value, &'static str, u64);

fn rows(stream: bool) -> Vec<Row> {
    let silent = json!({"delay_ms": ENDLESS});
    let slow = json!({"delay_ms": 1_500});
    let after_headers = |ms: u64| json!({"hold_ms_after_headers": ms});
    let after_role = json!({"events": [role()], "hold_ms_after_first": ENDLESS});
    let mut rows = vec![
        ("document", silent.clone(), "gamma", 400),
        // The provider's own over the document's, the endpoint's own over both, each field for itself.
        ("provider", slow.clone(), "alpha", 1_500),
        ("endpoint", silent.clone(), "gamma", 300),
        ("idle", slow, "alpha", 1_500),
        ("total", silent, "gamma", 600),
        ("total", after_headers(ENDLESS), "gamma", 600),
    ];
    if stream {
        let late = json!({"hold_ms_after_first": 1_500,
            "events": [role(), word("Hello from alpha. You said: One two three"), "data: [DONE]\n\n"]});
        let often = json!({"chunk_delay_ms": 100});
        rows.extend([
            // Of a stream, the first byte is that of the first token: until then, silence is not idleness.
            ("document", after_headers(ENDLESS), "gamma", 400),
            ("document", after_role.clone(), "gamma", 400),
            ("endpoint", after_headers(ENDLESS), "gamma", 300),
            ("idle", after_headers(1_500), "alpha", 1_500),
            ("idle", late, "alpha", 1_500),
            // Who goes on is not idle.
            ("idle", often, "alpha", 1_000),
            ("total", after_role, "gamma", 600),
        ]);
    } else {
        // Nothing of a plain answer is passed on before it is whole.
        rows.push(("idle", after_headers(ENDLESS), "gamma", 500));
    }
    rows
}

#[test]
fn who_takes_too_long_before_the_first_token_is_passed_over() {
    let gateway = gateway();
    thread::scope(|scope| {
        for stream in [false, true] {
            for (id, action, provider, ms) in rows(stream) {
                let gateway = &gateway;
                scope.spawn(move || {
                    let model = format!("timeouts/{id}");
                    let ask = Ask::with(json!({"model": model, "stream": stream}));
                    let ask = ask.on("alpha", action);
                    let asked = Instant::now();
                    let response = gateway.send(&ask);
                    let took = u64::try_from(asked.elapsed().as_millis()).unwrap();
                    let what = format!("{id}, {}, stream: {stream}", ask.body()["simulate"]);
                    let (_, said) = answer(&response).unwrap();
                    let wanted = format!("Hello from {provider}. You said: One two three");
                    assert_eq!(said, wanted, "{what}");
                    assert!((ms..ms + SLACK).contains(&took), "{what}: {took} ms");
                    let all: &[_] = if provider == "alpha" {
                        &["alpha"]
                    } else {
                        &["alpha", "gamma"]
                    };
                    assert_eq!(gateway.asked(&ask), all, "{what}");
                    assert_eq!(gateway.record(&ask)["attempts"], all.len(), "{what}");
                });
            }
        }
    });
}

#[test]
fn who_takes_too_long_in_the_middle_of_a_stream_is_cut_off() {
    // Of one's own: connections are counted.
    let gateway = Gateway::start(|envoy| envoy.document(edit));
    let many = "word ".repeat(100);
    let cases = [
        ("idle", json!({"hold_ms_after_first": ENDLESS}), "Hello "),
        (
            "total",
            json!({"content": many, "chunk_delay_ms": 50}),
            "word word ",
        ),
    ];
    for (number, (id, action, begins)) in cases.into_iter().enumerate() {
        let ask = Ask::with(json!({"model": format!("timeouts/{id}"), "stream": true}));
        let ask = ask.on("alpha", action);
        let asked = Instant::now();
        let response = gateway.send(&ask);
        // Envoy closes a second after it has ended a response too early.
        let (took, most) = (asked.elapsed(), Duration::from_millis(600 + 1_000 + SLACK));
        assert!(took < most, "{id}: {took:?}");
        assert_eq!((response.status, response.is_whole()), (200, false), "{id}");
        assert!(
            !response.text().contains("[DONE]"),
            "{id}: {}",
            response.text()
        );
        let said = text(&response.sse_json());
        assert!(
            said.starts_with(begins) && said.len() < many.len() / 2,
            "{id}: {said}"
        );
        let alpha = &gateway.providers.alpha;
        eventually("alpha is cancelled", || {
            alpha.connections_cut() == number + 1
        });
        let record = gateway.record(&ask);
        let found = (&record["finished"], &record["attempts"]);
        assert_eq!(found, (&json!(false), &json!(1)), "{id}");
        assert_eq!(gateway.asked(&ask), ["alpha"], "{id}");
    }
}

#[test]
fn all_attempts_together_have_their_time() {
    let gateway = Gateway::start(|envoy| {
        envoy.document(|document| {
            document["timeouts"] = json!({"first_byte_ms": 400});
            document["request_timeout_ms"] = json!(600);
        })
    });
    let silent = json!({"delay_ms": ENDLESS});
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": MINI, "stream": stream})).everywhere(&silent);
        let (two, three) = (&["alpha", "beta"][..], &["alpha", "beta", "gamma"][..]);
        let busy = ask.again().on("alpha", json!({"status": 503}));
        for (ask, asked, attempts) in [(ask, two, "2"), (busy, three, "3")] {
            let started = Instant::now();
            let response = gateway.send(&ask);
            let took = started.elapsed();
            assert_eq!(refusal(&response), Ok(408), "{}", response.text());
            assert!(took >= Duration::from_millis(600), "{took:?}");
            assert!(took < Duration::from_millis(1_300), "{took:?}");
            assert_eq!(response.header("x-router-attempts"), Some(attempts));
            assert_eq!(gateway.asked(&ask), asked);
        }
    }
}
