//! Callers who leave: the provider at work is stopped at once, and nobody else is asked.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use meshrouter_simulator::Simulator;
use serde_json::{Value, json};
use socket2::SockRef;

use crate::ask::{Ask, MINI};
use crate::failures::role;
use crate::gateway::{Gateway, eventually};

/// How soon a provider is to know that nobody listens any more.
const AT_ONCE: Duration = Duration::from_secs(1);
/// For how long a provider would go on, in milliseconds.
const ENDLESS: u64 = 30_000;

/// A moment to leave at: what the provider does that is left, and what the caller has seen of it by then.
fn moments(stream: bool) -> Vec<(&'static str, Value, Option<&'static str>)> {
    let mut moments = vec![("before the headers", json!({"delay_ms": ENDLESS}), None)];
    if stream {
        moments.extend([
            (
                "while the headers are held",
                json!({"hold_ms_after_headers": ENDLESS}),
                None,
            ),
            (
                "while a role is held",
                json!({"events": [role()], "hold_ms_after_first": ENDLESS}),
                None,
            ),
            (
                "in the middle of the stream",
                json!({"hold_ms_after_first": ENDLESS}),
                Some("Hello"),
            ),
        ]);
    } else {
        moments.push((
            "while the headers of a plain answer are held",
            json!({"hold_ms_after_headers": ENDLESS}),
            None,
        ));
    }
    moments
}

/// Asks, and leaves when the provider is at work.
fn leave(gateway: &Gateway, ask: &Ask, asked: &[&str], seen: Option<&str>, reset: bool) {
    if let Some(seen) = seen {
        let mut stream = gateway.stream(ask);
        assert!(stream.read_until(seen).contains(seen));
        return if reset { stream.reset() } else { drop(stream) };
    }
    let mut connection: TcpStream = gateway.connect();
    let body = ask.body().to_string();
    let wire = ask.head(body.len(), "") + &body;
    connection.write_all(wire.as_bytes()).unwrap();
    eventually("the provider is asked", || gateway.asked(ask) == asked);
    // What it sends at once is on its way.
    std::thread::sleep(Duration::from_millis(30));
    if reset {
        let linger = Some(Duration::ZERO);
        SockRef::from(&connection).set_linger(linger).unwrap();
    }
}

#[test]
fn a_caller_who_leaves_stops_the_provider_at_work_and_is_recorded_once() {
    let gateway = Gateway::start(|envoy| envoy);
    let mut left = Vec::new();
    // The provider at work is the first one, or the second.
    for (attempts, provider) in [(1, &gateway.providers.alpha), (2, &gateway.providers.beta)] {
        let asked = &["alpha", "beta"][..attempts];
        for stream in [false, true] {
            for (when, action, seen) in moments(stream) {
                for reset in [false, true] {
                    let what = format!("{when}, stream: {stream}, attempt {attempts}, {reset}");
                    let ask = Ask::with(json!({"model": MINI, "stream": stream}))
                        .on("alpha", json!({"status": 503}))
                        .on(provider.name(), action.clone());
                    let cut = provider.connections_cut();
                    leave(&gateway, &ask, asked, seen, reset);
                    let gone = Instant::now();
                    eventually(&what, || provider.connections_cut() == cut + 1);
                    assert!(gone.elapsed() < AT_ONCE, "{what}: {:?}", gone.elapsed());
                    let record = gateway.record(&ask);
                    assert_eq!(record["finished"], false, "{what}: {record}");
                    match seen {
                        Some(_) => assert_eq!(record["attempts"], attempts, "{what}: {record}"),
                        None => assert_eq!(record["cost"], Value::Null, "{what}: {record}"),
                    }
                    left.push((what, ask, asked));
                }
            }
        }
    }
    for (what, ask, asked) in left {
        assert_eq!(gateway.asked(&ask), asked, "{what}");
    }
    let busy: usize = gateway
        .providers
        .all()
        .map(Simulator::in_flight)
        .iter()
        .sum();
    assert_eq!(busy, 0);
}
