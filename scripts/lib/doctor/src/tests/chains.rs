//! The gateway's filters in their chains.

use serde_json::{Value, json};

use super::{ATTEMPT, EDGE, at, edit_documents, finds, finds_in_document, list, remove};

/// The path of the edge's filters in findings.
const FILTERS: &str =
    "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters";

fn filters(chain: &str) -> String {
    format!("{chain}/http_filters")
}

fn plugin(chain: &str, n: usize) -> String {
    format!("{chain}/http_filters/{n}/typed_config/config")
}

#[test]
fn filters_agree_with_each_other() {
    finds(
        "envoy",
        |file| at(file, &plugin(EDGE, 1))["configuration"]["value"]["sticky_seconds"] = json!(1),
        &[&format!(
            "error: {FILTERS}[1].typed_config.config.configuration: is another gateway document than at {FILTERS}[0]."
        )],
    );
    finds(
        "fused",
        |file| at(file, &plugin(ATTEMPT, 0))["vm_config"]["vm_id"] = json!("other"),
        &[
            "error: static_resources.listeners[1].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.config\
           .vm_config.vm_id: is not \"meshrouter\"",
        ],
    );
    finds(
        "envoy",
        |file| remove(file, &plugin(EDGE, 2), "allow_on_headers_stop_iteration"),
        &[&format!(
            "error: {FILTERS}[2].typed_config.config.allow_on_headers_stop_iteration: "
        )],
    );
}

/// Has a plugin fetch its code.
fn fetch(plugin: &mut Value, sha256: &str, configuration: &str) {
    plugin["vm_config"]["code"] = json!({"remote": {"sha256": sha256}});
    plugin["vm_config"]["configuration"] = json!({"value": configuration});
}

#[test]
fn code_that_is_fetched_is_told_apart() {
    let both = |sha256: [&'static str; 2], configuration: [&'static str; 2]| {
        move |file: &mut Value| {
            for n in [0, 1] {
                fetch(at(file, &plugin(EDGE, n)), sha256[n], configuration[n]);
            }
        }
    };
    let vm = format!("{FILTERS}[1].typed_config.config.vm_config");
    finds("envoy", both(["a", "b"], ["a", "b"]), &[]);
    finds("envoy", both(["a", "a"], ["a", "a"]), &[]);
    finds(
        "envoy",
        both(["a", "b"], ["", ""]),
        &[&format!(
            "error: {vm}.configuration: is the same as at {FILTERS}[0].typed_config.config.vm_config: "
        )],
    );
}

#[test]
fn a_filter_that_failed_comes_back() {
    let policy = format!("{FILTERS}[0].typed_config.config.failure_policy");
    finds(
        "envoy",
        |file| remove(file, &plugin(EDGE, 0), "failure_policy"),
        &[&format!(
            "warning: {policy}: where the filter has failed once"
        )],
    );
    finds(
        "envoy",
        |file| at(file, &plugin(EDGE, 0))["failure_policy"] = json!("FAIL_OPEN"),
        &[&format!(
            "error: {policy}: where the filter has failed, requests pass"
        )],
    );
    finds(
        "fused",
        |file| {
            remove(file, &plugin(EDGE, 0), "failure_policy");
            at(file, &plugin(EDGE, 0))["fail_open"] = json!(true);
        },
        &[&format!(
            "error: {policy}: where the filter has failed, requests pass"
        )],
    );
}

#[test]
fn every_filter_is_in_its_place() {
    finds(
        "envoy",
        |file| drop(list(file, &filters(EDGE)).remove(2)),
        &[&format!("error: {FILTERS}: `select` is missing")],
    );
    finds(
        "envoy",
        |file| drop(list(file, &filters(EDGE)).remove(3)),
        &[&format!("warning: {FILTERS}: `healing` is missing")],
    );
    finds(
        "envoy",
        |file| list(file, &filters(EDGE)).swap(1, 4),
        &[&format!(
            "error: {FILTERS}: the filters stand in the order auth, usage, select, healing, normalize"
        )],
    );
    finds(
        "envoy",
        |file| {
            let first = at(file, &filters(EDGE))[0].clone();
            list(file, &filters(EDGE)).insert(1, first);
        },
        &[&format!(
            "error: {FILTERS}[1]: `auth` stands here a second time"
        )],
    );
    finds(
        "envoy",
        |file| {
            let fallback = at(file, &filters(ATTEMPT))[0].clone();
            list(file, &filters(EDGE)).insert(1, fallback);
        },
        &[&format!(
            "error: {FILTERS}[1]: `fallback` does not belong in this chain"
        )],
    );
    finds(
        "fused",
        |file| {
            let edge = list(file, &filters(EDGE)).remove(0);
            list(file, &filters(ATTEMPT)).insert(0, edge);
        },
        &[
            "error: static_resources.listeners[1].filter_chains[0].filters[0].typed_config.http_filters[1]: `attempt` does not \
             belong in this chain",
            "error: static_resources.listeners: no listener has the filters of the attempt chain",
            "error: static_resources.listeners[1].filter_chains[0].filters[0].typed_config.route_config: no route leads",
        ],
    );
}

#[test]
fn both_chains_are_there() {
    finds(
        "envoy",
        |file| drop(list(file, "/static_resources/listeners").remove(1)),
        &[
            "error: static_resources.listeners: no listener has the filters of the attempt chain",
            "error: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config: no route leads",
        ],
    );
    finds(
        "fused",
        |file| drop(list(file, "/static_resources/listeners").remove(0)),
        &["error: static_resources.listeners: no listener has the filters of the edge chain"],
    );
    finds(
        "envoy",
        |file| list(file, "/static_resources/listeners").clear(),
        &[
            "error: static_resources.listeners: no listener and no cluster has a filter of the gateway",
        ],
    );
}

/// Where a cluster of `envoy/native.yaml` has its filters: 0 is `nobody`, 2 `alpha`.
fn upstream(cluster: usize) -> String {
    format!(
        "/static_resources/clusters/{cluster}/typed_extension_protocol_options/\
         envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters"
    )
}

#[test]
fn the_native_shape_has_an_attempt_chain_at_each_cluster() {
    let path = |cluster: usize| {
        format!(
            "static_resources.clusters[{cluster}].typed_extension_protocol_options[\
             \"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\"].http_filters"
        )
    };
    finds(
        "native",
        |file| drop(list(file, &upstream(2)).remove(0)),
        &[&format!("error: {}: `fallback` is missing", path(2))],
    );
    finds(
        "native",
        |file| drop(list(file, &upstream(2)).remove(1)),
        &[&format!("warning: {}: `middle-out` is missing", path(2))],
    );
    finds(
        "native-fused",
        |file| drop(list(file, &upstream(0)).remove(0)),
        &[&format!("error: {}: `fallback` is missing", path(0))],
    );
    finds(
        "native",
        |file| {
            remove(
                file,
                "/static_resources/clusters/2",
                "typed_extension_protocol_options",
            )
        },
        &[
            "error: static_resources.clusters[2].typed_extension_protocol_options: `fallback` is missing",
            "warning: static_resources.clusters[2].typed_extension_protocol_options: `middle-out` is missing",
        ],
    );
}

#[test]
fn the_document_says_which_shape_it_is() {
    finds_in_document(
        "native",
        |document| document["native"] = json!(false),
        &[
            "error: static_resources.listeners: no listener has the filters of the attempt chain, and the document does not say \
             `native: true`",
            "error: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config: no route leads",
        ],
    );
    let mut both = super::shipped("native");
    let attempt: Value = at(
        &mut super::shipped("envoy"),
        "/static_resources/listeners/1",
    )
    .clone();
    list(&mut both, "/static_resources/listeners").push(attempt);
    edit_documents(&mut both, &|document| document["native"] = json!(true));
    super::has(
        &both,
        &[
            "error: static_resources.listeners[1]: has filters of the attempt chain, but the document says",
        ],
    );
}
