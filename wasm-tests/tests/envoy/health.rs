//! What happens to endpoints is counted in data that all workers share: nothing is lost, nothing counted twice.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::choosing::{self, explain, of};
use crate::gateway::{Gateway, eventually};

const MODEL: &str = "test/counted";
/// Many at once: a caller sees only after a second that a stream broke off.
const THREADS: usize = 24;
const ROUNDS: usize = 4;

/// How long a provider is silent whose caller leaves, in milliseconds.
const SILENCE: u64 = 10_000;

/// What a provider does with an attempt, and what that counts as: answered, failed.
fn actions() -> [(Value, u64, u64); 9] {
    let error = json!({"message": "scripted", "code": 500});
    [
        (json!({}), 1, 0),
        (json!({"delay_ms": 20}), 1, 0),
        (json!({"status": 503}), 0, 1),
        (json!({"status": 429, "delay_ms": 5}), 0, 1),
        (json!({"reset": "before_headers"}), 0, 1),
        (json!({"body": {"error": error}}), 0, 1),
        // The request is at fault, or a prompt is flagged.
        (json!({"status": 400}), 0, 0),
        (json!({"status": 403}), 0, 0),
        // A stream that begins to answer, and breaks off.
        (
            json!({"reset": {"after_events": 4}, "chunk_delay_ms": 3}),
            1,
            1,
        ),
    ]
}

/// What an attempt counts as that a simulator saw.
fn counted(action: &Value, stream: bool) -> (u64, u64) {
    let actions = actions();
    let known = actions.iter().find(|(known, _, _)| known == action);
    let (_, answered, failed) = known.unwrap_or_else(|| panic!("{action}"));
    // What is no stream answers when it is whole.
    let broken = action.get("reset").is_some();
    let answered = if broken && !stream { 0 } else { *answered };
    (answered, *failed)
}

/// One caller's requests, each on a connection of its own.
fn call(gateway: &Gateway, ask: &Ask, thread: usize) {
    let actions = actions();
    for round in 0..ROUNDS * actions.len() {
        // At another pace for each provider, so that all combinations meet.
        let action = |pace: usize| actions[(round * pace + thread) % actions.len()].0.clone();
        let stream = (round / 2 + thread).is_multiple_of(2);
        let session = format!("{thread}-{round}");
        let ask = ask
            .again()
            .and(json!({"stream": stream, "session_id": session}));
        let ask = ask
            .on("alpha", action(1))
            .on("beta", action(2))
            .on("gamma", action(4));
        gateway.send(&ask);
        if round % 10 == 0 {
            leave(gateway, &ask);
        }
    }
}

/// Two callers who leave: one in the midst of a stream, one who hears nothing.
fn leave(gateway: &Gateway, ask: &Ask) {
    let held = json!({"hold_ms_after_first": SILENCE});
    let mut stream = gateway.stream(&ask.again().stream().everywhere(&held));
    stream.read_until("Hello ");
    drop(stream);
    let silent = ask.again().everywhere(&json!({"delay_ms": SILENCE}));
    let hasty = gateway.envoy.client().timeout(Duration::from_millis(60));
    assert!(hasty.try_send(silent.request()).is_err());
}

#[test]
fn two_workers_count_every_outcome_once() {
    let gateway = Gateway::start(|envoy| envoy.document(choosing::edit).concurrency(2));
    let ask = Ask::model(MODEL);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (gateway, ask) = (&gateway, &ask);
            scope.spawn(move || call(gateway, ask, thread));
        }
    });
    let candidates = || {
        let explanation = explain(&gateway, &ask);
        ["alpha", "beta", "gamma"].map(|tag| of(&explanation, tag).clone())
    };
    eventually("nothing is in flight", || {
        candidates()
            .iter()
            .all(|candidate| candidate["in_flight"] == 0)
    });
    let found = candidates();
    let took = started.elapsed();
    assert!(
        took < Duration::from_secs(27),
        "what was first is forgotten after {took:?}"
    );
    let mut attempts = 0;
    for (provider, found) in gateway.providers.all().into_iter().zip(found) {
        let (mut answered, mut failed) = (0, 0);
        for request in provider.requests() {
            let body = request.json();
            let action = &body["simulate"][provider.name()];
            let (yes, no) = match (&action["delay_ms"], &action["hold_ms_after_first"]) {
                // A caller who leaves is nobody's failure.
                (delay, _) if *delay == SILENCE => (0, 0),
                (_, hold) if *hold == SILENCE => (1, 0),
                _ => counted(action, body["stream"] == true),
            };
            (answered, failed) = (answered + yes, failed + no);
            attempts += 1;
        }
        let told = (&found["answered_last_30s"], &found["failed_last_30s"]);
        assert_eq!(
            told,
            (&json!(answered), &json!(failed)),
            "{}",
            provider.name()
        );
        assert!(answered > 0 && failed > 0, "{answered}, {failed}");
    }
    assert!(attempts >= THREADS * ROUNDS * actions().len(), "{attempts}");
    println!("{attempts} attempts in {took:?}");
}
