//! Envoy's `remote` source: modules that it loads from the registry over HTTP.

use std::path::Path;

use meshrouter_wasm_tests::client::Request;
use meshrouter_wasm_tests::envoy::Builder;
use meshrouter_wasm_tests::providers::simulators;
use serde_json::{Value, json};

use crate::{module, pushed, sha256};

/// In the native shape the first attempts come before Envoy knows the registry's cluster.
const RETRIES: u32 = 5;

/// An Envoy whose modules come from the registry, checked against these sums.
fn remote(envoy: Builder, port: u16, retries: u32, sum: fn(&str) -> String) -> Builder {
    envoy.config(move |config| {
        visit_vms(config, &|vm| {
            let file = vm["code"]["local"]["filename"].as_str().unwrap();
            let name = Path::new(file).file_stem().unwrap().to_str().unwrap();
            let (digest, sum) = (sha256(&module(name)), sum(name));
            let uri = format!("http://127.0.0.1:{port}/v2/acme/{name}/blobs/sha256:{digest}");
            let http_uri = json!({"uri": uri, "cluster": "registry", "timeout": "10s"});
            let retries = json!({"num_retries": retries});
            vm["code"] =
                json!({"remote": {"http_uri": http_uri, "sha256": sum, "retry_policy": retries}});
            vm["configuration"] =
                json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": sum});
        });
        let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
        let endpoint = json!({"lb_endpoints": [{"endpoint": {"address": address}}]});
        let cluster = json!({"name": "registry", "type": "STATIC",
            "load_assignment": {"cluster_name": "registry", "endpoints": [endpoint]}});
        let clusters = config["static_resources"]["clusters"].as_array_mut();
        clusters.unwrap().push(cluster);
    })
}

/// Edits the `vm_config` of every plugin.
fn visit_vms(value: &mut Value, edit: &dyn Fn(&mut Value)) {
    match value {
        Value::Object(object) => {
            if let Some(vm) = object.get_mut("vm_config") {
                edit(vm);
            }
            object.values_mut().for_each(|inner| visit_vms(inner, edit));
        }
        Value::Array(array) => array.iter_mut().for_each(|inner| visit_vms(inner, edit)),
        _ => {}
    }
}

/// A completion for the demo's key.
fn completion(stream: bool) -> Request {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let body = json!({"model": "openai/gpt-4o-mini", "messages": messages, "stream": stream});
    let request = Request::post("/api/v1/chat/completions");
    request.bearer("sk-or-v1-demo").json(&body)
}

#[test]
fn envoy_loads_the_modules_from_a_registry() {
    let pushed = pushed();
    let port = pushed.registry.port();
    for (base, plugins) in [
        ("envoy/envoy.yaml", 7),
        ("envoy/fused.yaml", 2),
        ("envoy/native-fused.yaml", 5),
    ] {
        let providers = simulators();
        let envoy = providers.envoy().base(base);
        let envoy = remote(envoy, port, RETRIES, |name| sha256(&module(name))).start();
        let config = envoy.admin("/config_dump");
        assert!(!config.contains("target/wasm"), "{config}");
        let stats = envoy.admin("/stats?filter=remote_load_fetch_successes");
        assert!(stats.ends_with(&format!(": {plugins}\n")), "{stats}");
        let whole = envoy.client().send(completion(false));
        assert_eq!(whole.status, 200, "{}", whole.text());
        let said = whole.json()["choices"][0]["message"]["content"].take();
        assert!(said.as_str().unwrap().ends_with("You said: Hi"), "{said}");
        let streamed = envoy.client().send(completion(true)).sse_data();
        assert_eq!(streamed.last().map(String::as_str), Some("[DONE]"));
        // `usage` wrote the records, of what `fallback` counted.
        for line in envoy.wait_for_access_log(2) {
            assert_eq!(line["completion"]["attempts"], 1, "{line}");
        }
    }
}

#[test]
fn with_a_module_of_another_checksum_nobody_is_served() {
    let pushed = pushed();
    let providers = simulators();
    let envoy = providers.envoy().base("envoy/envoy.yaml");
    let envoy = remote(envoy, pushed.registry.port(), 0, |name| match name {
        "auth" => sha256(b"something else"),
        _ => sha256(&module(name)),
    });
    let envoy = envoy.start();
    let refused = envoy.client().send(completion(false));
    assert_eq!((refused.status, refused.text()), (503, String::new()));
    assert!(envoy.log().contains("Plugin auth failed to load"));
}
