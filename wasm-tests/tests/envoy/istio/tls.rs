//! TLS to the providers, as the rendered clusters have it.

use std::path::Path;

use meshrouter_simulator::Simulator;
use meshrouter_wasm_tests::envoy::Envoy;
use serde_json::{Value, json};

use super::mesh::{GATEWAY, GROQ, TOGETHER, ask, client, key, rendered, router};
use crate::tls::Authority;

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

/// Ends TLS in front of a provider, with a certificate for `name`, for connections that ask for the server `sni`.
fn terminator(authority: &Authority, name: &str, sni: &str, provider: &Simulator) -> Envoy {
    let certificate = authority.certificate(&format!("DNS:{name}"));
    let text = |pem: &str| json!({"inline_string": pem});
    let socket = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": format!("{TLS}.DownstreamTlsContext"),
            "common_tls_context": {"tls_certificates": [
                {"certificate_chain": text(&certificate.chain), "private_key": text(&certificate.key)}]},
        },
    });
    let inspector =
        "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
    let proxy = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    let anywhere = json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}});
    let config = json!({"admin": {"address": anywhere}, "static_resources": {
        "listeners": [{
            "name": "tls", "address": anywhere,
            "listener_filters": [{"name": "tls", "typed_config": {"@type": inspector}}],
            "filter_chains": [{
                "filter_chain_match": {"server_names": [sni]},
                "transport_socket": socket,
                "filters": [{"name": "tcp", "typed_config": {"@type": proxy, "stat_prefix": "tls", "cluster": "provider"}}],
            }],
        }],
        "clusters": [{"name": "provider", "load_assignment": {"cluster_name": "provider", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": anywhere}}]}]}}],
    }});
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("terminator.json");
    std::fs::write(&file, config.to_string()).unwrap();
    let builder = Envoy::builder().base(file);
    builder.provider_port("provider", provider.port()).start()
}

/// Leads a cluster to a port, and has it read from a file whom to believe, which the agent would say. The rest is as it was rendered.
fn lead(cluster: &mut Value, port: u16, authorities: &Path) {
    let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    *cluster.pointer_mut(endpoint).unwrap() = json!({"address": "127.0.0.1", "port_value": port});
    let source = "/transport_socket/typed_config/common_tls_context/combined_validation_context\
                  /validation_context_sds_secret_config/sds_config";
    *cluster.pointer_mut(source).unwrap() =
        json!({"path_config_source": {"path": authorities}, "resource_api_version": "V3"});
}

#[test]
fn a_provider_has_to_be_the_one_that_it_is_asked_as() {
    let Some(authority) = Authority::new() else {
        return;
    };
    let start = |name: &str| Simulator::builder(name).key(key(name)).start().unwrap();
    let (groq, together) = (start("groq"), start("together"));
    let right = terminator(&authority, "api.groq.com", "api.groq.com", &groq);
    let wrong = terminator(&authority, "other.test", "api.together.xyz", &together);
    let directory = tempfile::tempdir().unwrap();
    let authorities = directory.path().join("authorities.json");
    let secret = json!({"resources": [{
        "@type": format!("{TLS}.Secret"), "name": "file-root:system",
        "validation_context": {"trusted_ca": {"inline_string": authority.chain()}},
    }]});
    std::fs::write(&authorities, secret.to_string()).unwrap();
    let (groq_port, together_port) = (right.port(), wrong.port());
    let (served, builder) = rendered(GATEWAY, &router(GATEWAY));
    served.edit_documents(|document| document["keys"][0]["explain"] = json!(true));
    let readable = directory.path().to_owned();
    let envoy = builder.readable(&readable).config(move |config| {
        let clusters = config["static_resources"]["clusters"].as_array_mut();
        for cluster in clusters.unwrap() {
            match cluster["name"].as_str() {
                Some(GROQ) => lead(cluster, groq_port, &authorities),
                Some(TOGETHER) => lead(cluster, together_port, &authorities),
                _ => {}
            }
        }
    });
    let envoy = envoy.start();

    let send = |members: Value| client(&envoy, GATEWAY).send(ask(GATEWAY, &members));
    let answer = send(json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["provider"], "Groq");
    let refused = send(json!({"provider": {"only": ["together"]}})).json();
    let reason = &refused["error"]["metadata"]["attempts"][0]["reason"];
    assert_eq!(*reason, "tls", "{refused}");
    assert!(together.requests().is_empty());
}
