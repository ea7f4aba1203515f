//! The resources of `envoy/istio`, applied as istiod does to a gateway and to a sidecar that Istio configured, and the result on a real Envoy.
//!
//! Envoy asks files for what istiod would serve: routes, and each filter's configuration by ECDS.

use meshrouter_simulator::RecordedRequest;
use meshrouter_wasm_tests::client::{Request, Response};
use meshrouter_wasm_tests::envoy::Envoy;
use serde_json::{Value, json};

use crate::ask::LLAMA;
use crate::gateway::{error, eventually, text};
use crate::unchanged::{answer, arrived};
use mesh::{COMPLETIONS, GATEWAY, Kind, Mesh, SHOP, SIDECAR, client, key, rendered, secret};

mod files;
mod mesh;
mod schemas;
mod tls;

/// Requests that are none of the router's, although some look so.
fn the_meshs_requests(kind: Kind) -> Vec<Request> {
    let shop = |request: Request| request.header("host", kind.shop);
    vec![
        shop(Request::get("/api/v1/models")),
        shop(Request::get("/orders/1")),
        shop(Request::post(COMPLETIONS))
            .bearer("sk-or-v1-demo")
            .header("x-meshrouter-plan", "a@b")
            .body("{}"),
    ]
}

fn the_mesh_answers_as_before(kind: Kind) {
    let mesh = Mesh::start(kind);
    let (_files, before) = rendered(kind, &[]);
    let before = before.provider_port(SHOP, mesh.shop.port()).start();
    for request in the_meshs_requests(kind) {
        let was = answer(&client(&before, kind), request.clone());
        let was_seen = mesh.shop.take_requests();
        assert_eq!(was_seen.len(), 1);
        assert_eq!(answer(&client(&mesh.envoy, kind), request), was);
        let seen = mesh.shop.take_requests();
        let parts = |seen: &[RecordedRequest]| -> Vec<_> {
            seen.iter().map(|seen| arrived(seen, &[])).collect()
        };
        assert_eq!(parts(&seen), parts(&was_seen));
    }
    let requests = the_meshs_requests(kind).len();
    let log = before.wait_for_access_log(requests);
    assert_eq!(mesh.envoy.wait_for_access_log(requests), log);
    // Not even a line that would be no JSON, for want of a record.
    assert_eq!(mesh.envoy.output().lines().count(), requests);
}

fn completions_come_plain_streamed_and_from_the_next_provider(kind: Kind) {
    let mesh = Mesh::start(kind);
    let content = |response: &Response| {
        let json = response.json();
        json["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };

    let plain = mesh.send(mesh.ask(&json!({})));
    assert_eq!(plain.status, 200, "{}", plain.text());
    assert_eq!(content(&plain), "Hello from groq. You said: Hi");
    let seen = mesh.groq.take_requests().remove(0);
    assert_eq!(seen.path, "/openai/v1/chat/completions");
    assert_eq!(seen.header("host"), Some("api.groq.com"));
    let bearer = format!("Bearer {}", key("groq"));
    assert_eq!(seen.header("authorization"), Some(bearer.as_str()));

    let stream = mesh.send(mesh.ask(&json!({"stream": true})));
    assert_eq!(stream.sse_data().last().map(String::as_str), Some("[DONE]"));
    assert_eq!(text(&stream.sse_json()), "Hello from groq. You said: Hi");

    let failing = json!({"groq": {"status": 503}});
    let plain = mesh.send(mesh.ask(&json!({"simulate": failing})));
    assert_eq!(plain.json()["provider"], "Together");
    let seen = mesh.together.take_requests().remove(0);
    let bearer = format!("Bearer {}", key("together"));
    assert_eq!(seen.header("authorization"), Some(bearer.as_str()));
    let failing = json!({"groq": {"error_event": {"at": 0, "error": {"message": "scripted"}}}});
    let stream = mesh.send(mesh.ask(&json!({"stream": true, "simulate": failing})));
    assert_eq!(
        text(&stream.sse_json()),
        "Hello from together. You said: Hi"
    );

    // Twenty times what a listener lets filters hold by default.
    let long = "x".repeat(20 << 20);
    let simulate = json!({"groq": {"reset": "before_headers"}, "together": {"content": long}});
    let large = mesh.send(mesh.ask(&json!({"simulate": simulate})));
    assert_eq!(large.status, 200, "{}", large.text());
    assert_eq!(content(&large), long);

    let keyless = Request::post(COMPLETIONS).header("host", kind.host);
    error(&mesh.send(keyless.body("{}")), 401);
    let models = mesh.send(Request::get("/api/v1/models").header("host", kind.host));
    assert_eq!(models.json()["data"][0]["id"], LLAMA);

    // The mesh's log has a line of each, and the router its own.
    let log = mesh.envoy.wait_for_access_log(14);
    let records = log.iter().filter(|line| line.get("completion").is_some());
    let attempts: Vec<_> = records
        .map(|line| line["completion"]["attempts"].as_u64())
        .collect();
    let one_each = [1, 1, 2, 2, 2].map(Some);
    assert_eq!(attempts, [one_each.as_slice(), &[None, None]].concat());
    let lines = log.iter().filter(|line| line["route_name"] == "llm");
    assert_eq!(lines.count(), 7);
    assert!(mesh.shop.requests().is_empty());
    counters_show_with_their_labels(&mesh.envoy);
}

/// Istio's bootstrap would have kept them to itself.
fn counters_show_with_their_labels(envoy: &Envoy) {
    let wanted = format!("meshrouter_requests_total{{model=\"{LLAMA}\"");
    eventually("the counter of requests", || {
        let stats = envoy.admin("/stats/prometheus");
        stats.lines().any(|line| line.starts_with(&wanted))
    });
}

#[test]
fn a_gateways_own_routes_answer_as_before() {
    the_mesh_answers_as_before(GATEWAY);
}

#[test]
fn a_sidecars_own_routes_answer_as_before() {
    the_mesh_answers_as_before(SIDECAR);
}

#[test]
fn a_gateway_completes() {
    completions_come_plain_streamed_and_from_the_next_provider(GATEWAY);
}

#[test]
fn a_sidecar_completes() {
    completions_come_plain_streamed_and_from_the_next_provider(SIDECAR);
}

#[test]
fn a_changed_document_and_a_changed_key_hold_without_a_restart() {
    let mesh = Mesh::start(GATEWAY);
    assert_eq!(mesh.send(mesh.ask(&json!({}))).json()["provider"], "Groq");
    let slow = json!({"groq": {"content": "word ".repeat(100), "chunk_delay_ms": 50}});
    let request = mesh.ask(&json!({"stream": true, "simulate": slow}));
    let mut begun = client(&mesh.envoy, GATEWAY).stream(request);
    begun.read_until("word");
    let reversed = |document: &mut Value| {
        document["models"][0]["endpoints"][0]["pricing"]["prompt"] = json!("0.001");
    };
    mesh.served.edit_documents(reversed);
    let request = mesh.ask(&json!({}));
    mesh.until(&request, |response| {
        response.json()["provider"] == "Together"
    });
    mesh.together.take_requests();
    // Who had begun goes on.
    let rest = begun.finish();
    assert!(rest.is_whole(), "{}", rest.text());
    assert_eq!(rest.sse_data().last().map(String::as_str), Some("[DONE]"));

    let mut changed = secret();
    let file = &mut changed["stringData"]["together.yaml"];
    *file = file
        .as_str()
        .unwrap()
        .replace(&key("together"), "sk-changed")
        .into();
    mesh.served.mount(&changed);
    mesh.until(&request, |_| {
        let seen = mesh.together.take_requests();
        seen.iter()
            .any(|seen| seen.header("authorization") == Some("Bearer sk-changed"))
    });
}

/// The agent puts a filter that refuses everything in the place of a module that it cannot fetch.
#[test]
fn a_module_that_cannot_be_fetched_closes_the_routers_route_only() {
    let mesh = Mesh::start(GATEWAY);
    assert_eq!(mesh.send(mesh.ask(&json!({}))).status, 200);
    let refusing = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {}, "rules_stat_prefix": "wasm-default-deny"
    });
    mesh.served.replace_filter("meshrouter-edge", &refusing);
    mesh.until(&mesh.ask(&json!({})), |response| response.status == 403);
    // The shop's word, which has no such path.
    let shop = Request::get("/orders/1").header("host", GATEWAY.shop);
    assert_eq!(mesh.send(shop).status, 404);
    assert_eq!(mesh.shop.requests().len(), 1);
}
