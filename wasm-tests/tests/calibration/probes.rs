//! The shipped configuration with probe filters in it: what filters can see and change.

use meshrouter_wasm_tests::shipped::Shipped;
use serde_json::{Value, json};

use crate::ours::Ours;
use crate::real::Real;
use crate::scenario::Scenario;
use crate::seen::{Seen, stable};

/// A probe: its name, its place, what it does.
type Probe = (&'static str, Place, &'static str);

/// Where a probe stands, whatever the modules between.
#[derive(Clone, Copy)]
enum Place {
    /// Before the edge chain's filters.
    First,
    /// Behind them, before the router.
    Last,
    /// Behind the attempt chain's first module.
    Inner,
}

fn insert(config: &mut Value, (name, place, script): Probe) {
    let listener = match place {
        Place::First | Place::Last => 0,
        Place::Inner => 1,
    };
    let filters = format!(
        "/static_resources/listeners/{listener}/filter_chains/0/filters/0/typed_config/http_filters"
    );
    let filters = config
        .pointer_mut(&filters)
        .unwrap()
        .as_array_mut()
        .unwrap();
    let filter = json!({"name": name, "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": name,
            "root_id": name,
            "allow_on_headers_stop_iteration": true,
            "vm_config": {
                "vm_id": "meshrouter",
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": "target/wasm/probe.wasm"}},
            },
            "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": script},
        },
    }});
    let index = match place {
        Place::First => 0,
        Place::Last => filters.len() - 1,
        Place::Inner => 1,
    };
    filters.insert(index, filter);
}

/// Runs a scenario with these probes in both; what was seen, and what each probe said.
fn run(scenario: &Scenario, probes: &'static [Probe]) -> [(Seen, Vec<String>); 2] {
    let edit = |config: &mut Value| probes.iter().for_each(|probe| insert(config, *probe));
    let mut ours = Ours::new(&Shipped::read().config(edit));
    let mut real = Real::new(|builder| builder.config(edit));
    let seen = [ours.run(scenario), real.run(scenario)];
    let names = probes.iter().map(|(name, ..)| *name);
    let said = names.clone().flat_map(|name| {
        let logs = ours.world.logs().into_iter();
        let own = logs.filter(move |log| log.filter == name && log.level == 2);
        own.map(move |log| format!("{name}: {}", log.message))
    });
    let log = real.envoy.log();
    let heard = names.flat_map(|name| {
        let lines = log.lines().filter_map(move |line| {
            let (_, said) = line.split_once("] wasm log ")?;
            let (whose, text) = said.split_once(": ")?;
            whose
                .split(' ')
                .any(|word| word == name)
                .then(|| format!("{name}: {text}"))
        });
        lines.collect::<Vec<_>>()
    });
    // A generation's id may be in a body that a probe saw.
    let (said, heard) = (
        said.map(|line| stable(line.as_bytes())).collect(),
        heard.map(|line| stable(line.as_bytes())).collect(),
    );
    let [ours, real] = seen;
    [(ours, said), (real, heard)]
}

fn assert_same(scenario: &Scenario, probes: &'static [Probe]) -> (Seen, Vec<String>) {
    let [ours, real] = run(scenario, probes);
    assert_eq!(ours.1, real.1, "what probes said: ours, real");
    assert_eq!(ours.0, real.0, "{}: ours, real", scenario.name);
    real
}

fn plain() -> Scenario {
    Scenario::chat("probed", &json!({}), &json!({}))
        .header("x-k", "1")
        .header("x-k", "2")
        .header("accept", "a/b")
        .header("accept", "c/d")
        .header("x-gone", "1")
        .header("X-Upper", "Case")
}

#[test]
fn headers_properties_and_attributes() {
    const FIRST: &str = "request_headers header x-k
request_headers header accept
request_headers header x-none
request_headers header x-upper
request_headers add x-k 3
request_headers header x-k
request_headers add accept e/f
request_headers header accept
request_headers set x-k 4
request_headers header x-k
request_headers remove x-gone
request_headers header x-gone
request_headers header :path
request_headers set :path /v1/chat/completions?a=b
request_headers header :method
request_headers header :scheme
request_headers header :authority
request_headers show request.path
request_headers show request.url_path
request_headers show request.headers.x-k
request_headers show response.code
request_headers prop first seen
response_headers header :status
response_headers add x-out 1
response_headers add x-out 2
response_headers header x-out
response_headers show last
response_headers show response.code_details
log show first
log show last
log show response.code_details
log show request.path";
    const LAST: &str = "request_headers show first
request_headers prop last seen
request_headers header x-k
request_headers header x-envoy-max-retries
request_headers header x-meshrouter-plan
request_headers header authorization
request_headers show plugin_name
response_headers header x-meshrouter-outcome
response_headers header x-envoy-upstream-service-time
response_headers header content-length
response_body body
log show first";
    const INNER: &str = "request_headers show first
request_headers header x-meshrouter-plan
request_headers header x-meshrouter-cluster
request_headers header x-envoy-attempt-count
request_headers header :authority
request_headers header content-length
request_body body
response_headers header :status
response_headers header set-cookie
response_headers show response.code_details
log show last";
    let probes: &'static [Probe] = &[
        ("first", Place::First, FIRST),
        ("last", Place::Last, LAST),
        ("inner", Place::Inner, INNER),
    ];
    let (seen, said) = assert_same(&plain(), probes);
    assert_eq!(seen.status, 200);
    assert!(said.len() > 40, "{said:?}");
}

#[test]
fn a_reply_before_all_filters() {
    let (seen, _) = assert_same(
        &plain(),
        &[(
            "first",
            Place::First,
            "request_headers reply 418 no\nresponse_headers add x-own 1",
        )],
    );
    assert_eq!((seen.status, seen.upstream.len()), (418, 0));
}

#[test]
fn a_reply_to_a_whole_body_behind_all_filters() {
    let script = "request_headers pause\nrequest_body pause\nrequest_end reply 418 no\nresponse_headers header :status";
    let probes = Box::leak(Box::new([("last", Place::Last, script)]));
    let (seen, _) = assert_same(&plain().chunked(5), probes);
    assert_eq!((seen.status, seen.upstream.len()), (418, 0));
}

#[test]
fn a_reply_in_the_attempt_chain_is_an_outcome_like_any_other() {
    let (seen, _) = assert_same(
        &plain(),
        &[("inner", Place::Inner, "request_body reply 503 no")],
    );
    assert_eq!((seen.status, seen.upstream.len()), (503, 0));
    assert_eq!(seen.record["attempts"], 3);
}

#[test]
fn a_reply_to_a_response() {
    let (seen, _) = assert_same(
        &plain(),
        &[("last", Place::Last, "response_headers reply 418 no")],
    );
    assert_eq!(seen.upstream.len(), 1);
}
