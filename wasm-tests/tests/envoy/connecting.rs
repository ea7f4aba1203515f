//! Connections that are late: what becomes of the requests that wait for them.

use std::thread;
use std::time::{Duration, Instant};

use meshrouter_simulator::Simulator;
use serde_json::{Value, json};

use crate::ask::{Ask, known_key};
use crate::attempts::WHY;
use crate::catalog::model;
use crate::gateway::{Gateway, answer, error};
use crate::unreachable::{Hanging, add_cluster};

/// A gateway with a model that only a provider serves which completes no handshake. `more`: what its cluster has that
/// is not shipped.
fn gateway(hanging: &Hanging, more: Value) -> Gateway {
    let port = hanging.port;
    Gateway::start(|envoy| {
        let envoy = envoy.document(|document| {
            document["providers"]["late"] = json!({"name": "Late", "cluster": "late"});
            let mut add = |list: &str, item| document[list].as_array_mut().unwrap().push(item);
            add("keys", known_key(WHY, &json!({"explain": true})));
            add(
                "models",
                model("test/late", json!({}), &[("late", json!({}))]),
            );
        });
        envoy.config(move |config| {
            add_cluster(config, "late", &more, Some(("127.0.0.1", port)));
        })
    })
}

#[test]
fn a_handshake_that_takes_a_second_turn_fails_no_request() {
    let hanging = Hanging::start();
    let gateway = gateway(&hanging, json!({}));
    let ask = Ask::model("test/late");
    thread::scope(|scope| {
        let start = Instant::now();
        let response = scope.spawn(|| gateway.send(&ask));
        // Its first packet is dropped meanwhile, because the queue is full; TCP sends another a second later.
        thread::sleep(Duration::from_millis(300));
        let simulator = Simulator::builder("alpha").key("sk-sim-alpha");
        let _serving = simulator.start_on(hanging.listener()).unwrap();
        let response = response.join().unwrap();
        assert_eq!(answer(&response).unwrap().0, "Late");
        assert!(
            start.elapsed() > Duration::from_millis(900),
            "nothing was lost"
        );
    });
    let stats = gateway
        .envoy
        .admin("/stats?filter=cluster.late.upstream_cx");
    assert!(stats.contains("upstream_cx_connect_fail: 0"), "{stats}");
}

#[test]
fn who_waits_for_a_connection_fails_with_the_first_that_is_late() {
    let hanging = Hanging::start();
    let gateway = gateway(&hanging, json!({"connect_timeout": "2s"}));
    let fail = || {
        let ask = Ask::model("test/late").with_key(WHY);
        error(&gateway.send(&ask), 503)["metadata"]["attempts"][0].take()
    };
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(fail);
        thread::sleep(Duration::from_secs(1));
        let second = fail();
        (first.join().unwrap(), second)
    });
    for attempt in [&first, &second] {
        assert_eq!(attempt["reason"], "connect_timeout", "{attempt}");
    }
    let [first, second] = [first, second].map(|attempt| attempt["ms"].as_u64().unwrap());
    assert!(first >= 1_900 && second < 1_900, "{first}, then {second}");
}
