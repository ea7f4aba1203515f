//! The clusters that istiod makes of a `ServiceEntry` and its `DestinationRule`.

use serde_json::{Value, json};

/// One for each port, and one for each port and subset. What is in them that no stock Envoy knows is left out.
pub(super) fn clusters(resources: &[Value]) -> Vec<Value> {
    let entries = resources
        .iter()
        .filter(|resource| resource["kind"] == "ServiceEntry");
    let mut clusters = Vec::new();
    for entry in entries {
        for host in items(&entry["spec"]["hosts"]) {
            for port in items(&entry["spec"]["ports"]) {
                clusters.push(cluster(&entry["spec"], host, port, &Value::Null));
                let rules = resources.iter().filter(|resource| {
                    resource["kind"] == "DestinationRule" && resource["spec"]["host"] == *host
                });
                let subsets = rules.flat_map(|rule| items(&rule["spec"]["subsets"]));
                clusters.extend(subsets.map(|subset| cluster(&entry["spec"], host, port, subset)));
            }
        }
    }
    clusters
}

fn cluster(entry: &Value, host: &Value, port: &Value, subset: &Value) -> Value {
    let host = host.as_str().expect("a host");
    let number = &port["number"];
    let subset_name = subset["name"].as_str().unwrap_or_default();
    let name = format!("outbound|{number}|{subset_name}|{host}");
    let policy = &subset["trafficPolicy"];
    let timeout = policy.pointer("/connectionPool/tcp/connectTimeout");
    let unlimited = u32::MAX;
    let mut cluster = json!({
        "name": name,
        "alt_stat_name": format!("{name};"),
        "type": match entry["resolution"].as_str() {
            Some("DNS") => "STRICT_DNS",
            Some("DNS_ROUND_ROBIN") => "LOGICAL_DNS",
            other => panic!("the resolution {other:?} is not known here"),
        },
        "dns_lookup_family": "V4_ONLY",
        "dns_refresh_rate": "60s",
        "respect_dns_ttl": true,
        "connect_timeout": timeout.cloned().unwrap_or(json!("10s")),
        "circuit_breakers": {"thresholds": [{
            "max_connections": unlimited, "max_pending_requests": unlimited,
            "max_requests": unlimited, "max_retries": unlimited, "track_remaining": true,
        }]},
        "common_lb_config": {},
        "load_assignment": {"cluster_name": name, "endpoints": [{
            "load_balancing_weight": 1,
            "lb_endpoints": [{
                "load_balancing_weight": 1,
                "endpoint": {"address": {"socket_address": {"address": host, "port_value": number}}},
            }],
        }]},
    });
    if let Some(tls) = policy.get("tls") {
        add_tls(&mut cluster, tls);
    }
    cluster
}

/// TLS as `SIMPLE` has it: the agent serves the authorities as a secret, by default the system's. Names that are not said are found in the
/// request, by options of the cluster.
fn add_tls(cluster: &mut Value, tls: &Value) {
    assert_eq!(tls["mode"], "SIMPLE");
    let names = items(&tls["subjectAltNames"]);
    let names: Vec<_> = names.map(|name| json!({"exact": name})).collect();
    if tls.get("sni").is_none() {
        let http = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        let options = json!({
            "@type": format!("type.googleapis.com/{http}"),
            "explicit_http_config": {"http_protocol_options": {}},
            "upstream_http_protocol_options": {"auto_sni": true, "auto_san_validation": names.is_empty()},
        });
        cluster["typed_extension_protocol_options"] = json!({http: options});
    }
    let authorities = tls["caCertificates"].as_str().unwrap_or("system");
    let agent = json!({
        "api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": true,
        "grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}],
    });
    cluster["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": tls["sni"].as_str().unwrap_or_default(),
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
                "combined_validation_context": {
                    "default_validation_context": {"match_subject_alt_names": names},
                    "validation_context_sds_secret_config": {
                        "name": format!("file-root:{authorities}"),
                        "sds_config": {"api_config_source": agent, "resource_api_version": "V3"},
                    },
                },
            },
        },
    });
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_and_rule(tls: Value) -> [Value; 2] {
        let entry = json!({"hosts": ["a.test"], "resolution": "DNS", "ports": [{"number": 443}]});
        let policy = json!({"connectionPool": {"tcp": {"connectTimeout": "5s"}}, "tls": tls});
        let rule = json!({"host": "a.test", "subsets": [{"name": "x", "trafficPolicy": policy}]});
        [
            json!({"kind": "ServiceEntry", "spec": entry}),
            json!({"kind": "DestinationRule", "spec": rule}),
        ]
    }

    #[test]
    fn a_subset_is_a_cluster_of_its_own_with_what_its_policy_says() {
        let tls = json!({"mode": "SIMPLE", "sni": "a.test", "subjectAltNames": ["a.test"]});
        let clusters = clusters(&entry_and_rule(tls));
        assert_eq!(clusters[0]["name"], "outbound|443||a.test");
        assert_eq!(clusters[0]["connect_timeout"], "10s");
        assert!(clusters[0].get("transport_socket").is_none());
        assert_eq!(clusters[1]["name"], "outbound|443|x|a.test");
        assert_eq!(clusters[1]["connect_timeout"], "5s");
        let context = &clusters[1]["transport_socket"]["typed_config"];
        assert_eq!(context["sni"], "a.test");
        assert!(
            clusters[1]
                .get("typed_extension_protocol_options")
                .is_none()
        );
    }

    #[test]
    fn names_that_are_not_said_come_from_the_request_by_options() {
        let clusters = clusters(&entry_and_rule(json!({"mode": "SIMPLE"})));
        let http = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        let options = &clusters[1]["typed_extension_protocol_options"][http];
        let wanted = json!({"auto_sni": true, "auto_san_validation": true});
        assert_eq!(options["upstream_http_protocol_options"], wanted);
    }
}
