//! The harness itself, on a real Envoy without filters.

// Clippy exempts test functions only, not the helpers beside them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::time::{Duration, Instant};

use meshrouter_wasm_tests::client::Request;
use meshrouter_wasm_tests::envoy::Envoy;
use meshrouter_wasm_tests::providers::{Simulators, simulators};
use serde_json::{Value, json};

const PLAIN: &str = "wasm-tests/tests/fixtures/plain.yaml";

fn start(providers: &Simulators) -> Envoy {
    providers.envoy().base(PLAIN).start()
}

/// A completion of `provider`, with these fields in the body.
fn completion(provider: &str, fields: &Value) -> Request {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi there"}]});
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    Request::post(&format!("/{provider}/v1/chat/completions"))
        .bearer(&format!("sk-sim-{provider}"))
        .json(&body)
}

/// A stream of alpha with this action.
fn stream(action: &Value) -> Request {
    completion(
        "alpha",
        &json!({"stream": true, "simulate": {"alpha": action}}),
    )
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(5), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn each_provider_answers_through_an_envoy_that_logs_and_counts() {
    let providers = simulators();
    let envoy = start(&providers);
    for simulator in providers.all() {
        let response = envoy
            .client()
            .send(completion(simulator.name(), &json!({})));
        assert_eq!(response.status, 200);
        assert_eq!(response.header("Content-Type"), Some("application/json"));
        assert_eq!(
            response.json()["id"],
            format!("chatcmpl-{}-1", simulator.name())
        );
        assert_eq!(simulator.take_requests()[0].json()["model"], "m");
    }
    let refused = envoy
        .client()
        .send(Request::post("/alpha/v1/chat/completions").json(&json!({})));
    assert_eq!(refused.status, 401);
    let log = envoy.wait_for_access_log(4);
    assert_eq!(log[1]["path"], "/beta/v1/chat/completions");
    assert_eq!(log[3]["status"], 401);
    let stats = envoy.admin("/stats/prometheus");
    assert!(stats.contains("envoy_cluster_upstream_rq_total{envoy_cluster_name=\"gamma\"} 1"));
    assert!(envoy.log().contains("admin address: 127.0.0.1:"));
}

#[test]
fn the_first_event_comes_while_the_provider_still_waits() {
    let providers = simulators();
    let envoy = start(&providers);
    let mut stream = envoy
        .client()
        .stream(stream(&json!({"hold_ms_after_first": 1000})));
    let first = stream.read_until("\"content\":\"Hello ");
    assert!(first.contains("Hello "), "{first}");
    let waited = stream.sent.elapsed();
    let last = stream.by_ref().last().unwrap();
    assert!(stream.error().is_none());
    let whole = last.at - stream.sent;
    assert!(waited < Duration::from_millis(800), "{waited:?}");
    assert!(whole >= Duration::from_millis(995), "{whole:?}");
}

#[test]
fn broken_answers_look_broken() {
    let providers = simulators();
    let envoy = start(&providers);
    let reset = envoy
        .client()
        .send(stream(&json!({"reset": "before_headers"})));
    assert_eq!(reset.status, 503);
    let cut = envoy.client().send(stream(
        &json!({"cut": {"after_events": 3}, "chunk_delay_ms": 20}),
    ));
    assert_eq!((cut.status, cut.is_whole()), (200, false));
    assert_eq!(cut.sse_json().len(), 3);
    let whole = envoy.client().send(stream(&json!({"chunk_bytes": 1})));
    assert!(whole.is_whole());
    assert_eq!(whole.sse_data().last().map(String::as_str), Some("[DONE]"));
    let details: Vec<_> = envoy
        .wait_for_access_log(3)
        .iter()
        .map(|record| record["details"].clone())
        .collect();
    assert!(
        details[0]
            .as_str()
            .unwrap()
            .starts_with("upstream_reset_before_response_started"),
        "{details:?}"
    );
}

#[test]
fn a_caller_who_leaves_cancels_the_provider() {
    let providers = simulators();
    let envoy = start(&providers);
    let action = json!({"hold_ms_after_first": 20_000});
    for (index, reset) in [false, true].into_iter().enumerate() {
        let mut stream = envoy.client().stream(stream(&action));
        stream.read_until("Hello ");
        if reset {
            stream.reset()
        } else {
            drop(stream)
        }
        eventually("the provider notices", || {
            providers.alpha.connections_cut() == index + 1
        });
    }
    envoy
        .client()
        .send_and_leave(stream(&json!({"delay_ms": 20_000})))
        .unwrap();
    eventually("nothing is in flight", || providers.alpha.in_flight() == 0);
}

#[test]
fn what_no_proper_client_sends_is_sent() {
    let providers = simulators();
    let envoy = start(&providers);
    let odd = completion("alpha", &json!({}))
        .header("x-odd", b"\xff\xfe")
        .chunked(3);
    assert_eq!(envoy.client().send(odd).status, 200);
    assert_eq!(
        providers.alpha.requests()[0].header("x-odd"),
        Some("\u{fffd}\u{fffd}")
    );
    let nonsense = envoy
        .client()
        .send_raw(b"GET / HTTP/1.1\r\nno colon\r\n\r\n")
        .unwrap();
    assert_eq!(nonsense.status, 400);
    let silent = envoy.client().timeout(Duration::from_millis(100));
    let error = silent
        .try_send(stream(&json!({"delay_ms": 5_000})))
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn two_envoys_run_side_by_side_and_leave_nothing() {
    let providers = simulators();
    let edited = |config: &mut Value| {
        let routes = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";
        let routes = config.pointer_mut(routes).unwrap().as_array_mut().unwrap();
        routes.insert(
            0,
            json!({"match": {"path": "/edited"}, "direct_response": {"status": 204}}),
        );
    };
    let one = start(&providers);
    let two = providers
        .envoy()
        .base(PLAIN)
        .concurrency(2)
        .config(edited)
        .start();
    assert_ne!(one.port(), two.port());
    assert_eq!(two.listener_port("plain"), two.port());
    assert_eq!(one.client().send(Request::get("/edited")).status, 404);
    assert_eq!(two.client().send(Request::get("/edited")).status, 204);
    assert!(two.admin("/server_info").contains("\"concurrency\": 2"));
    let ports = [one.port(), one.admin_port(), two.port(), two.admin_port()];
    let pids: Vec<_> = [&one, &two].into_iter().filter_map(Envoy::pid).collect();
    drop((one, two));
    for pid in pids {
        assert!(
            !Path::new(&format!("/proc/{pid}")).exists(),
            "{pid} is still there"
        );
    }
    for port in ports {
        assert!(
            std::net::TcpStream::connect(("127.0.0.1", port)).is_err(),
            "{port} still listens"
        );
    }
}

#[test]
fn an_envoy_that_cannot_start_says_why() {
    let broken =
        |config: &mut Value| config["static_resources"]["clusters"][0]["type"] = json!("NONSENSE");
    let error = Envoy::builder()
        .base(PLAIN)
        .config(broken)
        .try_start()
        .unwrap_err();
    assert!(
        error.starts_with("Envoy does not get ready: exit"),
        "{error}"
    );
    assert!(error.contains("NONSENSE"), "{error}");
    let error = Envoy::builder()
        .base(PLAIN)
        .provider_port("delta", 1)
        .try_start()
        .unwrap_err();
    assert_eq!(error, "the configuration has no cluster delta");
}

#[test]
fn modules_are_found_wherever_envoy_runs() {
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("empty.wasm");
    let filename = module.display().to_string();
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let plugin = json!({
        "name": "empty",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {"vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": filename}}}},
        },
    });
    let start = || {
        let plugin = plugin.clone();
        let insert = move |config: &mut Value| {
            config
                .pointer_mut(filters)
                .unwrap()
                .as_array_mut()
                .unwrap()
                .insert(0, plugin);
        };
        Envoy::builder()
            .base(PLAIN)
            .config(insert)
            .try_start()
            .err()
            .unwrap_or_default()
    };
    let absent = start();
    assert!(absent.contains("Invalid path"), "{absent}");
    std::fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    let present = start();
    assert!(present.contains("Failed to load Wasm code"), "{present}");
}
