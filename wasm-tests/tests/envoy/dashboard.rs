//! The dashboard and the alerts in a real Prometheus, which watches the gateway under the demo's traffic.

use std::time::{Duration, Instant};

use meshrouter_wasm_tests::client::{Client, Request};
use meshrouter_wasm_tests::envoy::repository;
use meshrouter_wasm_tests::etcd::Etcd;
use meshrouter_wasm_tests::process::Process;
use meshrouter_wasm_tests::prometheus::{Prometheus, promtool, shipped};
use meshrouter_wasm_tests::providers::simulators;
use serde_json::{Value, json};

use crate::ask::{known_key, named_key};
use crate::gateway::eventually;
use crate::reload::DYNAMIC;

/// What Grafana puts in the place of the dashboard's variables. Nothing here is older than the test.
const VARIABLES: &[(&str, &str)] = &[
    ("$__rate_interval", "10s"),
    ("$__range", "1m"),
    ("$model", ".*"),
    ("$provider", ".*"),
];

/// How long the demo's traffic may take until it has shown everything.
const PATIENCE: Duration = Duration::from_secs(45);

/// An expression, and where it stands.
struct Query {
    place: String,
    expr: String,
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(shipped(name)).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// The expressions of all targets of all panels.
fn of_dashboard() -> Vec<Query> {
    let dashboard = read("meshrouter.json");
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let (kind, title) = (
            panel["type"].as_str().unwrap(),
            panel["title"].as_str().unwrap(),
        );
        let kinds = ["row", "timeseries", "stat", "bargauge", "table"];
        assert!(
            kinds.contains(&kind),
            "{title}: dashboard.html draws no {kind}"
        );
        let targets = panel["targets"].as_array();
        assert_eq!(targets.is_none_or(Vec::is_empty), kind == "row", "{title}");
        for target in targets.into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap().to_owned();
            let expr = VARIABLES
                .iter()
                .fold(expr, |expr, (name, value)| expr.replace(name, value));
            assert!(!expr.contains('$'), "an unknown variable in {expr}");
            let place = format!("{title} {}", target["refId"]);
            queries.push(Query { place, expr });
        }
    }
    queries
}

/// What the alerts compare: with nothing to be alarmed of, that has values, too.
fn of_alerts() -> Vec<Query> {
    let file = read("alerts.yaml");
    let rules = file["groups"][0]["rules"].as_array().unwrap();
    let query = |rule: &Value| {
        let mut words: Vec<_> = rule["expr"].as_str().unwrap().split_whitespace().collect();
        let threshold = words.pop().unwrap();
        let comparison = words.pop().unwrap();
        assert!(threshold.parse::<f64>().is_ok() && matches!(comparison, ">" | "=="));
        Query {
            place: rule["alert"].as_str().unwrap().to_owned(),
            expr: words.join(" "),
        }
    };
    rules.iter().map(query).collect()
}

/// A listener of its own for a filter that crashes at every request.
fn with_crash(config: &mut Value) {
    let module = repository().join("target/wasm/probe.wasm");
    let script = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "request_headers panic"});
    let vm = json!({"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}});
    let plugin = json!({"name": "probe", "failure_policy": "FAIL_RELOAD", "vm_config": vm, "configuration": script});
    let filters = json!([
        {"name": "probe", "typed_config":
            {"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": plugin}},
        {"name": "router", "typed_config":
            {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]);
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "crash", "http_filters": filters, "route_config": {}});
    let listener = json!({"name": "crash",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}]});
    let listeners = config.pointer_mut("/static_resources/listeners");
    listeners.unwrap().as_array_mut().unwrap().push(listener);
}

fn state(prometheus: &Prometheus, name: &str) -> String {
    let alerts = prometheus.alerts();
    let alert = alerts.iter().find(|alert| alert["name"] == name);
    alert.expect("the alert")["state"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Which queries have no value that is a number, and what they have instead.
fn without_data(prometheus: &Prometheus, queries: &[Query]) -> Vec<String> {
    let lacks = |query: &Query| match prometheus.values(&query.expr) {
        Ok(values) if values.iter().any(|value| value.is_finite()) => None,
        other => Some(format!("{}: {other:?} for {}", query.place, query.expr)),
    };
    queries.iter().filter_map(lacks).collect()
}

#[test]
fn every_query_has_data_under_the_demos_traffic_and_alerts_are_raised() {
    let (mut etcd, simulators) = (Etcd::start(), simulators());
    let envoy = simulators
        .envoy()
        .base(DYNAMIC)
        .provider_port("etcd", etcd.port())
        .document(|document| {
            document["store"] = json!({"cluster": "etcd"});
            let limits = json!({"limit": "5", "requests_per_minute": 5});
            let keys = document["keys"].as_array_mut().unwrap();
            keys.push(known_key("limited", &limits));
        });
    let envoy = envoy.config(with_crash).config(|config| {
        // Histograms show what came up to their last flush.
        config["stats_flush_interval"] = json!("0.250s");
    });
    let envoy = envoy.start();
    let prometheus = Prometheus::start(envoy.admin_port());
    let traffic = Process::traffic(envoy.port(), "sk-or-v1-demo", &named_key("limited"));

    let alerts = of_alerts();
    let events = ["MeshrouterUpdateRefused", "MeshrouterFilterCrashed"];
    for event in events {
        let counts = alerts.iter().find(|alert| alert.place == event).unwrap();
        eventually("nothing has happened", || {
            prometheus.values(&counts.expr) == Ok(vec![0.0])
        });
    }
    envoy.change_document(|document| document["colour"] = json!("red"));
    let crash = Client::new(envoy.listener_port("crash"));
    eventually("a refused update and a crash are alarming", || {
        // Who has crashed is started anew with the next request.
        assert_eq!(crash.send(Request::get("/")).status, 503);
        events.map(|event| state(&prometheus, event)) == ["firing", "firing"]
    });

    let queries: Vec<_> = of_dashboard().into_iter().chain(alerts).collect();
    assert!(queries.len() > 30, "{}", queries.len());
    let started = Instant::now();
    loop {
        let missing = without_data(&prometheus, &queries);
        if missing.is_empty() {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "no data: {missing:#?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("{} queries have data", queries.len());

    etcd.stop();
    eventually("a store that is gone is alarming", || {
        state(&prometheus, "MeshrouterStoreDown") == "pending"
    });
    drop(traffic);
    drop(envoy);
    eventually("a gateway that is gone is alarming", || {
        state(&prometheus, "MeshrouterGone") == "pending"
    });
    for alert in prometheus.alerts() {
        let healthy = alert["health"] == "ok" && alert["lastError"].is_null();
        assert!(healthy, "{alert}");
        // Such as of a label that a description names and the alert does not have.
        let raised = alert["alerts"].to_string();
        assert!(!raised.contains("<error"), "{raised}");
    }
    for page in ["dashboard.html", "meshrouter.json"] {
        let found = prometheus.get(&format!("/user/{page}"));
        let shipped = std::fs::read_to_string(shipped(page)).unwrap();
        assert_eq!(found.as_deref(), Ok(&*shipped), "{page}");
    }
}

#[test]
fn alerts_are_sent_when_they_should_be_and_not_before() {
    promtool(&["check", "rules"], &shipped("alerts.yaml")).unwrap();
    let cases = repository().join("wasm-tests/tests/fixtures/alerts.yaml");
    let said = promtool(&["test", "rules"], &cases).unwrap();
    assert!(said.contains("SUCCESS"), "{said}");
    // Each alert has a case.
    let cases = std::fs::read_to_string(cases).unwrap();
    for alert in of_alerts() {
        let case = format!("alertname=\"{}\"", alert.place);
        assert!(cases.contains(&case), "no case of {}", alert.place);
    }
}
