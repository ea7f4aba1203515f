//! `envoy/kubernetes`: rendered by kustomize, and a pod of it with a real Envoy, in front of simulated providers.

// Clippy exempts test functions only, not the helpers beside them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod files;
mod objects;

use std::time::{Duration, Instant};

use meshrouter_simulator::Simulator;
use meshrouter_wasm_tests::client::{Request, Response};
use meshrouter_wasm_tests::kubernetes::{Pod, Rendered};
use serde_json::{Value, json};

const LLAMA: &str = "meta-llama/llama-3.3-70b-instruct";
const PROVIDERS: [&str; 4] = ["openai", "anthropic", "groq", "together"];

/// What `kubectl create secret generic` makes of a key for each provider.
fn secret(key: impl Fn(&str) -> String) -> Value {
    let files: serde_json::Map<String, Value> = PROVIDERS
        .iter()
        .map(|name| ((*name).to_owned(), json!(key(name))))
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "meshrouter-keys"}, "stringData": files})
}

fn key(provider: &str) -> String {
    format!("sk-sim-{provider}")
}

/// What is deployed, with the two providers of a model.
struct Cluster {
    rendered: Rendered,
    groq: Simulator,
    together: Simulator,
}

impl Cluster {
    fn new() -> Self {
        let start = |name: &str| Simulator::builder(name).key(key(name)).start().unwrap();
        let (groq, together) = (start("groq"), start("together"));
        let mut rendered = Rendered::new();
        rendered.lead("groq", groq.port());
        rendered.lead("together", together.port());
        // Nobody asks these two, and no test asks a name server for them.
        rendered.lead("openai", 1);
        rendered.lead("anthropic", 1);
        Self {
            rendered,
            groq,
            together,
        }
    }
}

/// A completion from the cheapest endpoint that answers: Groq, then Together.
fn ask(members: &Value) -> Request {
    let mut body = json!({
        "model": LLAMA, "messages": [{"role": "user", "content": "Hi"}], "provider": {"sort": "price"}
    });
    let body_members = body.as_object_mut().unwrap();
    body_members.extend(members.as_object().unwrap().clone());
    let request = Request::post("/api/v1/chat/completions");
    request.bearer("sk-or-v1-demo").json(&body)
}

#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn content(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.text());
    let content = response.json()["choices"][0]["message"]["content"].take();
    content.as_str().unwrap().to_owned()
}

#[test]
fn a_pod_answers_its_probes_and_callers_and_shows_no_more_of_the_admin_than_it_has_to() {
    let cluster = Cluster::new();
    let pod = Pod::started(&cluster.rendered, &secret(key));
    assert!(pod.probe("readinessProbe") && pod.probe("livenessProbe"));
    files::every_file_that_is_named_is_there(&cluster.rendered, &pod);

    let answer = pod.client("http").send(ask(&json!({})));
    assert_eq!(content(&answer), "Hello from groq. You said: Hi");
    let failing = json!({"simulate": {"groq": {"status": 503}}});
    let answer = pod.client("http").send(ask(&failing));
    assert_eq!(content(&answer), "Hello from together. You said: Hi");

    let monitored = &cluster.rendered.the("ServiceMonitor")["spec"]["endpoints"][0];
    let (port, path) = (&monitored["port"], &monitored["path"]);
    let (port, path) = (port.as_str().unwrap(), path.as_str().unwrap());
    let wanted = format!("meshrouter_requests_total{{model=\"{LLAMA}\"");
    eventually("the counter of requests", || {
        let stats = pod.client(port).send(Request::get(path)).text();
        stats.lines().any(|line| line.starts_with(&wanted))
    });

    let operations = |request: Request| pod.client(port).send(request).status;
    for path in [
        "/",
        "/stats",
        "/config_dump",
        "/certs",
        "/help",
        "/ready/",
        "/ready/../config_dump",
        "/stats/prometheus/../../config_dump",
        "//config_dump",
        "/%63onfig_dump",
    ] {
        assert_eq!(operations(Request::get(path)), 404, "{path}");
    }
    for path in [
        "/quitquitquit",
        "/drain_listeners",
        "/ready",
        "/stats/prometheus",
    ] {
        assert_eq!(operations(Request::post(path)), 404, "{path}");
    }
    // On the callers' port it is a caller's path without a key.
    let answer = pod.client("http").send(Request::get("/config_dump"));
    assert_eq!(answer.status, 401);
    assert!(!pod.log().contains("[error]"), "{}", pod.log());
}

#[test]
fn a_changed_config_map_and_a_changed_key_hold_without_a_restart() {
    let mut cluster = Cluster::new();
    let mut pod = Pod::started(&cluster.rendered, &secret(key));
    let provider = |pod: &Pod| pod.client("http").send(ask(&json!({}))).json()["provider"].take();
    assert_eq!(provider(&pod), "Groq");
    let slow = json!({"groq": {"content": "word ".repeat(100), "chunk_delay_ms": 20}});
    let request = ask(&json!({"stream": true, "simulate": slow}));
    let mut begun = pod.client("http").stream(request);
    begun.read_until("word");

    cluster.rendered.edit_documents(|document| {
        let mut models = document["models"].as_array_mut().unwrap().iter_mut();
        let model = models.find(|model| model["id"] == LLAMA).unwrap();
        model["endpoints"][0]["pricing"]["prompt"] = json!("0.001");
    });
    pod.mount(&cluster.rendered, &secret(key));
    eventually("the new price leads elsewhere", || {
        provider(&pod) == "Together"
    });

    let changed = |name: &str| match name {
        "together" => "sk-changed".to_owned(),
        name => key(name),
    };
    cluster.together.take_requests();
    pod.mount(&cluster.rendered, &secret(changed));
    eventually("the new key is sent", || {
        provider(&pod);
        let seen = cluster.together.take_requests();
        seen.iter()
            .any(|seen| seen.header("authorization") == Some("Bearer sk-changed"))
    });

    let rest = begun.finish();
    assert!(rest.is_whole(), "{}", rest.text());
    assert_eq!(rest.sse_data().last().map(String::as_str), Some("[DONE]"));
    assert!(pod.is_running());
}

#[test]
fn a_bad_document_stops_a_new_pod_and_leaves_the_old_one_at_work() {
    let mut cluster = Cluster::new();
    let old = Pod::started(&cluster.rendered, &secret(key));
    cluster
        .rendered
        .edit_documents(|document| document["models"][0]["colour"] = json!("red"));
    old.mount(&cluster.rendered, &secret(key));
    eventually("it is refused", || old.log().contains("models[0].colour"));
    let answer = old.client("http").send(ask(&json!({})));
    assert_eq!(content(&answer), "Hello from groq. You said: Hi");
    assert_eq!(cluster.groq.requests().len(), 1);

    // Envoy waits 15 seconds for a filter's first configuration, then starts without.
    cluster
        .rendered
        .edit("meshrouter-live", "listeners.json", |file| {
            for listener in file["resources"].as_array_mut().unwrap() {
                let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
                let source = &mut manager["http_filters"][0]["config_discovery"]["config_source"];
                source["initial_fetch_timeout"] = json!("0.5s");
            }
        });
    let new = Pod::start(&cluster.rendered, &secret(key));
    eventually("its Envoy runs", || new.probe("readinessProbe"));
    assert!(new.log().contains("models[0].colour"), "{}", new.log());
    assert!(!new.probe("startupProbe"));
}

#[test]
fn a_pod_that_is_to_end_waits_for_its_streams() {
    let cluster = Cluster::new();
    let pod = Pod::started(&cluster.rendered, &secret(key));
    let stays = |response: &Response| response.header("connection") != Some("close");
    assert!(stays(&pod.client("http").send(ask(&json!({})))));
    let said = ["word ".repeat(80), "last ".to_owned(), "word ".repeat(20)].concat();
    let slow = json!({"groq": {"content": said, "chunk_delay_ms": 60}});
    let request = ask(&json!({"stream": true, "simulate": slow}));
    let mut begun = pod.client("http").stream(request);
    begun.read_until("word");

    let mut stopping = pod.pre_stop();
    // Who does not know yet is still answered, and told to go: everybody, and not now and then one.
    let answered = || {
        let answer = pod.client("http").send(ask(&json!({})));
        assert_eq!(content(&answer), "Hello from groq. You said: Hi");
        answer
    };
    eventually("callers are told to go", || !stays(&answered()));
    assert!((0..5).all(|_| !stays(&answered())));
    assert!(pod.probe("livenessProbe"));
    // Seconds later, of which one is its pause, it still waits.
    begun.read_until("last");
    assert_eq!(stopping.ended(), None);
    let rest = begun.finish();
    assert!(rest.is_whole(), "{}", rest.text());
    assert_eq!(rest.sse_data().last().map(String::as_str), Some("[DONE]"));
    let mut end = None;
    eventually("it ends", || {
        end = stopping.ended();
        end.is_some()
    });
    assert!(end.is_some_and(|status| status.success()), "{end:?}");
    // With Envoy gone, there is nothing to wait for.
    let mut stopping = pod.pre_stop();
    drop(pod);
    eventually("it ends without an Envoy", || stopping.ended().is_some());
}
