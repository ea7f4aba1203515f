//! Buffers and clusters.

use serde_json::{Value, json};

use super::{HOST, at, finds, finds_in_document, host, list, remove};

#[test]
fn bodies_fit_into_buffers() {
    const LIMIT: &str = "per_connection_buffer_limit_bytes";
    let limit = format!("{HOST}.request_body_buffer_limit");
    finds(
        "envoy",
        |file| {
            remove(file, "/static_resources/listeners/0", LIMIT);
            remove(file, &host(), "request_body_buffer_limit");
        },
        &[
            "error: static_resources.listeners[0].per_connection_buffer_limit_bytes: 1048576 bytes, by default, are less than \
           `max_body_bytes` (33554432)",
            &format!("error: {limit}: 1048576 bytes, by default, are less than"),
        ],
    );
    // The route's own limit is enough.
    finds(
        "envoy",
        |file| remove(file, "/static_resources/listeners/0", LIMIT),
        &[],
    );
    finds(
        "fused",
        |file| at(file, "/static_resources/listeners/1")[LIMIT] = json!(33_554_432),
        &[
            "error: static_resources.listeners[1].per_connection_buffer_limit_bytes: 33554432 bytes are less than",
        ],
    );
    finds(
        "openai",
        |file| at(file, "/static_resources/clusters/1")[LIMIT] = json!(65536),
        &[
            "warning: static_resources.clusters[1].per_connection_buffer_limit_bytes: 65536 bytes are less than",
        ],
    );
    finds(
        "envoy",
        |file| at(file, &host())["request_body_buffer_limit"] = json!("1000"),
        &[&format!("error: {limit}: 1000 bytes are less than")],
    );
    finds(
        "envoy",
        |file| remove(file, &host(), "request_body_buffer_limit"),
        &[&format!(
            "warning: {limit}: 33554432 bytes, by default, are less than twice"
        )],
    );
    finds(
        "native",
        |file| remove(file, &host(), "request_body_buffer_limit"),
        &[],
    );
    finds_in_document(
        "envoy",
        |document| document["max_body_bytes"] = json!(1 << 26),
        &[
            "error: static_resources.listeners[1].per_connection",
            "warning: static_resources.clusters[2].per_connection",
            "warning: static_resources.clusters[3].per_connection",
            "warning: static_resources.clusters[4].per_connection",
            "warning: static_resources.clusters[0].per_connection",
            &format!("warning: {limit}: 67108864 bytes are less than twice"),
        ],
    );
}

#[test]
fn circuit_breakers_are_raised() {
    let requests = |cluster: usize| {
        format!(
            "warning: static_resources.clusters[{cluster}].circuit_breakers: max_connections, max_pending_requests, max_requests \
             not above Envoy's default of 1024"
        )
    };
    let retries = |cluster: usize| {
        format!(
            "error: static_resources.clusters[{cluster}].circuit_breakers: max_retries not above Envoy's default of 3"
        )
    };
    let without = |cluster: usize| {
        move |file: &mut Value| {
            remove(
                file,
                &format!("/static_resources/clusters/{cluster}"),
                "circuit_breakers",
            )
        }
    };
    finds("envoy", without(0), &[&requests(0), &retries(0)]);
    finds("envoy", without(2), &[&requests(2)]);
    finds("native", without(2), &[&requests(2), &retries(2)]);
    finds("native-fused", without(0), &[&requests(0), &retries(0)]);
    finds(
        "envoy",
        |file| {
            let thresholds = at(
                file,
                "/static_resources/clusters/0/circuit_breakers/thresholds/0",
            );
            thresholds["max_retries"] = json!(3);
        },
        &[&retries(0)],
    );
    finds(
        "envoy",
        |file| {
            at(
                file,
                "/static_resources/clusters/0/circuit_breakers/thresholds/0",
            )["priority"] = json!("HIGH")
        },
        &[&requests(0), &retries(0)],
    );
}

#[test]
fn connections_have_time() {
    let warning = "warning: static_resources.clusters[2].connect_timeout: 1s is over";
    for (shape, timeout, expected) in [("envoy", "1s", &[warning][..]), ("native", "1.5s", &[])] {
        let edit = |file: &mut Value| {
            at(file, "/static_resources/clusters/2")["connect_timeout"] = json!(timeout)
        };
        finds(shape, edit, expected);
    }
}

#[test]
fn names_without_addresses_lead_on_in_the_native_shape() {
    let dns =
        |file: &mut Value| at(file, "/static_resources/clusters/2")["type"] = json!("STRICT_DNS");
    finds(
        "native",
        dns,
        &[
            "warning: static_resources.clusters[2].load_assignment.endpoints: while its name has no address",
        ],
    );
    finds("envoy", dns, &[]);
    finds(
        "native",
        |file| {
            dns(file);
            let localities = "/static_resources/clusters/2/load_assignment/endpoints";
            list(file, localities).push(json!({"priority": 1}));
        },
        &[],
    );
}
