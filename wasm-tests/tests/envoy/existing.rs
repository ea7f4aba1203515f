//! The router in an Envoy that a team already has: `envoy/existing-listener.yaml`, merged into a configuration of theirs.

use std::path::PathBuf;

use meshrouter_simulator::Simulator;
use meshrouter_wasm_tests::client::{Request, Response};
use meshrouter_wasm_tests::envoy::{Builder, Envoy, repository};
use meshrouter_wasm_tests::merge::merge;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ask::LLAMA;
use crate::gateway::{error, text};
use crate::unchanged::{answer, arrived};

const THEIRS: &str = "wasm-tests/tests/fixtures/existing.yaml";
const FRAGMENT: &str = "envoy/existing-listener.yaml";
const COMPLETIONS: &str = "/api/v1/chat/completions";

/// An Envoy with the router in it, and the providers.
struct Team {
    envoy: Envoy,
    groq: Simulator,
    together: Simulator,
}

impl Team {
    /// With this upstream of the team's own.
    fn start(shop: &Simulator) -> Self {
        let start = |name: &str| {
            let simulator = Simulator::builder(name).key(key(name));
            simulator.start().unwrap()
        };
        let (groq, together) = (start("groq"), start("together"));
        let directory = tempfile::tempdir().unwrap();
        let envoy = builder(&directory)
            .provider_port("shop", shop.port())
            .provider_port("groq", groq.port())
            .provider_port("together", together.port())
            .start();
        Self {
            envoy,
            groq,
            together,
        }
    }

    #[track_caller]
    fn send(&self, request: Request) -> Response {
        self.envoy.client().send(request)
    }
}

/// An Envoy to be, with the router in the team's configuration.
fn builder(directory: &TempDir) -> Builder {
    Envoy::builder()
        .base(merged(directory))
        .env("GROQ_API_KEY", &key("groq"))
        .env("TOGETHER_API_KEY", &key("together"))
}

fn key(provider: &str) -> String {
    format!("sk-sim-{provider}")
}

/// The merged configuration, a file in this directory.
fn merged(directory: &TempDir) -> PathBuf {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let mut config: Value = serde_norway::from_str(&read(THEIRS)).unwrap();
    // The first thing that the fragment asks its reader to do.
    let fragment = read(FRAGMENT)
        .replace("your-listener", "ingress")
        .replace("your-virtual-host", "api");
    merge(&mut config, serde_norway::from_str(&fragment).unwrap());
    let file = directory.path().join("merged.json");
    std::fs::write(&file, config.to_string()).unwrap();
    file
}

fn shop() -> Simulator {
    Simulator::builder("shop").start().unwrap()
}

/// A completion from the cheapest endpoint that answers: Groq, then Together.
fn ask(members: &Value) -> Request {
    let mut body = json!({
        "model": LLAMA, "messages": [{"role": "user", "content": "Hi"}], "provider": {"sort": "price"}
    });
    let body_members = body.as_object_mut().unwrap();
    body_members.extend(members.as_object().unwrap().clone());
    let request = Request::post(COMPLETIONS).header("host", "api.test");
    request.bearer("sk-or-v1-demo").json(&body)
}

/// What a browser asks before it sends a page's request.
fn preflight(path: &str) -> Request {
    Request::new("OPTIONS", path)
        .header("host", "api.test")
        .header("origin", "https://shop.test")
        .header("access-control-request-method", "POST")
}

/// Requests that are none of the router's, although some look so.
fn their_requests() -> Vec<Request> {
    let shop = |request: Request| request.header("host", "shop.test");
    let api = |request: Request| request.header("host", "api.test");
    vec![
        shop(Request::get("/api/v1/models")),
        shop(Request::post(COMPLETIONS))
            .bearer("sk-or-v1-demo")
            .header("x-meshrouter-plan", "a@b")
            .body("{}"),
        api(Request::get("/orders/models")).header("origin", "https://shop.test"),
        preflight("/orders/1"),
        api(Request::get("/api/v1beta")),
        api(Request::get("/")),
    ]
}

#[test]
fn the_merged_configuration_is_valid() {
    let directory = tempfile::tempdir().unwrap();
    if let Err(error) = builder(&directory).validate() {
        panic!("{error}");
    }
}

#[test]
fn what_the_team_had_answers_as_before() {
    let shop = shop();
    let before = Envoy::builder()
        .base(THEIRS)
        .provider_port("shop", shop.port())
        .start();
    let team = Team::start(&shop);
    let requests = their_requests();
    for request in &requests {
        let was = answer(&before.client(), request.clone());
        let was_seen = shop.take_requests();
        assert_eq!(answer(&team.envoy.client(), request.clone()), was);
        let seen = shop.take_requests();
        assert_eq!(seen.len(), was_seen.len());
        for (seen, was_seen) in seen.iter().zip(&was_seen) {
            let but = ["x-envoy-attempt-count"];
            assert_eq!(arrived(seen, &but), arrived(was_seen, &but));
            // The one thing that Envoy has for whole virtual hosts only.
            let of_api = seen.path.starts_with("/orders/");
            assert_eq!(seen.header("x-envoy-attempt-count").is_some(), of_api);
        }
    }
    let log = before.wait_for_access_log(requests.len());
    assert_eq!(team.envoy.wait_for_access_log(requests.len()), log);
    // Not even a line that would be no JSON, for want of a record.
    assert_eq!(team.envoy.output().lines().count(), requests.len());
}

#[test]
fn completions_come_plain_and_streamed_and_from_the_next_provider_where_one_fails() {
    let shop = shop();
    let team = Team::start(&shop);

    let plain = team.send(ask(&json!({})));
    assert_eq!(plain.status, 200, "{}", plain.text());
    assert_eq!(plain.header("x-frame-options"), Some("DENY"));
    let content = &plain.json()["choices"][0]["message"]["content"];
    assert_eq!(*content, "Hello from groq. You said: Hi");
    let seen = team.groq.take_requests().remove(0);
    assert_eq!(seen.path, "/openai/v1/chat/completions");
    assert_eq!(seen.header("host"), Some("api.groq.com"));

    let stream = team.send(ask(&json!({"stream": true})));
    assert_eq!(stream.sse_data().last().map(String::as_str), Some("[DONE]"));
    assert_eq!(text(&stream.sse_json()), "Hello from groq. You said: Hi");

    let failing = json!({"groq": {"status": 503}});
    let plain = team.send(ask(&json!({"simulate": failing})));
    assert_eq!(plain.json()["provider"], "Together");
    let failing = json!({"groq": {"error_event": {"at": 0, "error": {"message": "scripted"}}}});
    let stream = team.send(ask(&json!({"stream": true, "simulate": failing})));
    assert_eq!(
        text(&stream.sse_json()),
        "Hello from together. You said: Hi"
    );
    // Twenty times what a listener lets filters hold by default, in either direction.
    let long = "x".repeat(20 << 20);
    let simulate = json!({"groq": {"reset": "before_headers"}, "together": {"content": long}});
    let large = team.send(ask(&json!({"simulate": simulate})));
    assert_eq!(large.status, 200, "{}", large.text());
    assert_eq!(large.json()["choices"][0]["message"]["content"], *long);
    let too_large = "x".repeat(32 << 20);
    error(&team.send(ask(&json!({"pad": too_large}))), 413);

    // The team's log has a line of each, and the router its own.
    let log = team.envoy.wait_for_access_log(12);
    let (records, lines): (Vec<_>, Vec<_>) = log
        .iter()
        .partition(|line| line.get("completion").is_some());
    let attempts: Vec<_> = records
        .iter()
        .map(|line| line["completion"]["attempts"].as_u64())
        .collect();
    assert_eq!(
        attempts,
        [Some(1), Some(1), Some(2), Some(2), Some(2), None]
    );
    let line = |status: u16| json!({"host": "api.test", "path": COMPLETIONS, "status": status});
    let wanted = [200, 200, 200, 200, 200, 413].map(line);
    assert_eq!(lines, wanted.iter().collect::<Vec<_>>());
    assert!(shop.requests().is_empty());
    assert_eq!(team.together.requests().len(), 3);
}

#[test]
fn the_routers_paths_pass_the_teams_filters_and_need_a_key() {
    let shop = shop();
    let team = Team::start(&shop);
    let keyless = Request::post(COMPLETIONS).header("host", "api.test");
    error(&team.send(keyless.body("{}")), 401);
    let models = team.send(Request::get("/api/v1/models").header("host", "api.test"));
    assert_eq!(models.json()["data"][0]["id"], LLAMA);
    // A browser's question has no key: the team's CORS filter answers it first.
    let allowed = team.send(preflight(COMPLETIONS));
    assert_eq!(allowed.status, 200);
    let origin = allowed.header("access-control-allow-origin");
    assert_eq!(origin, Some("https://shop.test"));
}
