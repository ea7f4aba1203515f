//! The files beside each other: what one names, another has.

use meshrouter_wasm_tests::envoy::repository;
use meshrouter_wasm_tests::istio::resources;
use serde_json::{Value, json};

use super::mesh::{GATEWAY, GROQ, SIDECAR, TOGETHER, captured, router};

/// The deepest values of this key anywhere.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get(key));
            object.values().for_each(|inner| all(inner, key, found));
        }
        Value::Array(array) => array.iter().for_each(|inner| all(inner, key, found)),
        _ => {}
    }
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    all(value, key, &mut found);
    let texts = found.into_iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[test]
fn a_provider_is_reached_by_tls_in_its_name_with_unlimited_retries() {
    let proxy = captured(GATEWAY).with(&router(GATEWAY));
    for (name, host) in [(GROQ, "api.groq.com"), (TOGETHER, "api.together.xyz")] {
        let cluster = proxy.cluster(name);
        assert_eq!(cluster["connect_timeout"], "5s");
        assert_eq!(
            cluster["transport_socket"]["name"],
            "envoy.transport_sockets.tls"
        );
        let context = &cluster["transport_socket"]["typed_config"];
        assert_eq!(context["sni"], host);
        let validation = &context["common_tls_context"]["combined_validation_context"];
        let names = &validation["default_validation_context"]["match_subject_alt_names"];
        assert_eq!(*names, json!([{"exact": host}]));
        // The patch replaced whatever Istio says of HTTP there; so names by request must not have been among it.
        let before = captured(GATEWAY).with(&resources("providers.yaml")[..4]);
        assert_eq!(
            before.cluster(name).get("typed_extension_protocol_options"),
            None
        );
        // What others send to the host goes as it is, without a key.
        let others = proxy.cluster(&format!("outbound|443||{host}"));
        assert!(others.get("transport_socket").is_none(), "{others}");
        assert!(
            others.get("typed_extension_protocol_options").is_none(),
            "{others}"
        );
    }
}

#[test]
fn the_document_names_clusters_and_the_clusters_name_keys_that_are_mounted() {
    let router = json!(resources("router.yaml"));
    let mut documents = Vec::new();
    all(&router, "configuration", &mut documents);
    assert_eq!(documents.len(), 2);
    let providers = json!(resources("providers.yaml"));
    let mut clusters = texts(&documents[0]["value"]["providers"], "cluster");
    let mut patched: Vec<_> = texts(&providers, "name");
    patched.retain(|name| name.starts_with("outbound|"));
    clusters.sort();
    patched.sort();
    assert_eq!(clusters, patched);

    let secret = resources("keys.yaml").remove(0);
    let files = secret["stringData"].as_object().unwrap().keys();
    let files: Vec<_> = files
        .map(|file| format!("/etc/meshrouter/keys/{file}"))
        .collect();
    let mut paths = texts(&providers, "path");
    paths.retain(|path| path != "/etc/meshrouter/keys");
    assert_eq!(paths, files);
}

/// A pod's volumes, where they are mounted, its labels, its annotations, and its environment.
fn pods() -> [(Value, Value, Value, Value, Value); 2] {
    let values = resources("gateway-values.yaml").remove(0);
    let by_name = |list: &Value, inner: &str| {
        let items = list.as_array().unwrap().iter().map(|item| {
            let name = item["name"].as_str().unwrap().to_owned();
            (name, item[inner].clone())
        });
        Value::Object(items.collect())
    };
    let gateway = (
        by_name(&values["volumes"], "secret"),
        by_name(&values["volumeMounts"], "mountPath"),
        values["labels"].clone(),
        values["podAnnotations"].clone(),
        values["env"].clone(),
    );
    let patch = resources("sidecar-pod.yaml").remove(0);
    let metadata = &patch["spec"]["template"]["metadata"];
    let yaml = |annotation: &str| -> Value {
        serde_norway::from_str(metadata["annotations"][annotation].as_str().unwrap()).unwrap()
    };
    let inner = |map: Value, key: &str| {
        let items = map.as_object().unwrap().iter();
        Value::Object(
            items
                .map(|(name, item)| (name.clone(), item[key].clone()))
                .collect(),
        )
    };
    let sidecar = (
        inner(yaml("sidecar.istio.io/userVolume"), "secret"),
        inner(yaml("sidecar.istio.io/userVolumeMount"), "mountPath"),
        metadata["labels"].clone(),
        metadata["annotations"].clone(),
        yaml("proxy.istio.io/config")["proxyMetadata"].clone(),
    );
    [gateway, sidecar]
}

#[test]
fn gateways_and_sidecars_have_mounted_what_the_patches_read() {
    let bootstrap = resources("bootstrap.yaml").remove(0);
    let secret = resources("keys.yaml").remove(0);
    for (volumes, mounts, labels, annotations, environment) in pods() {
        assert_eq!(
            volumes["meshrouter-keys"]["secretName"],
            secret["metadata"]["name"]
        );
        assert_eq!(mounts["meshrouter-keys"], "/etc/meshrouter/keys");
        assert_eq!(mounts["meshrouter-registry"], environment["DOCKER_CONFIG"]);
        let items = json!([{"key": ".dockerconfigjson", "path": "config.json"}]);
        assert_eq!(volumes["meshrouter-registry"]["items"], items);
        let overriding = &annotations["sidecar.istio.io/bootstrapOverride"];
        assert_eq!(*overriding, bootstrap["metadata"]["name"]);
        for kind in [GATEWAY, SIDECAR] {
            for filter in router(kind)
                .iter()
                .filter(|resource| resource["kind"] == "EnvoyFilter")
            {
                assert_eq!(filter["spec"]["workloadSelector"]["labels"], labels);
            }
        }
    }
}

#[test]
fn every_filter_is_the_one_of_a_configuration_of_ones_own() {
    // The same modules, in the same order, with the same settings but for where the module comes from.
    let own = |name: &str| -> Value {
        let path = repository().join("envoy").join(name);
        serde_norway::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let settings = |value: &Value| {
        let mut configs = Vec::new();
        all(value, "config", &mut configs);
        configs.retain(|config| config.get("vm_config").is_some());
        let configs = configs.into_iter().cloned().map(|mut config| {
            config.as_object_mut().unwrap().remove("configuration");
            config["vm_config"].as_object_mut().unwrap().remove("code");
            config
        });
        configs.collect::<Vec<_>>()
    };
    let routers = json!(resources("router.yaml"));
    assert_eq!(settings(&routers), settings(&own("fused.yaml")));
    let route = |value: &Value| {
        let mut routes = Vec::new();
        all(value, "retry_policy", &mut routes);
        routes.into_iter().cloned().collect::<Vec<_>>()
    };
    for file in ["gateway.yaml", "sidecar.yaml"] {
        assert_eq!(
            route(&json!(resources(file))),
            route(&own("existing-listener.yaml")),
            "{file}"
        );
    }
}
