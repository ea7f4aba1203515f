//! What is in the ConfigMaps, and what it names.

use std::collections::BTreeSet;
use std::fs;

use meshrouter_wasm_tests::envoy::repository;
use meshrouter_wasm_tests::kubernetes::{Pod, Rendered, documents};
use serde_json::{Value, json};

/// The values of these keys anywhere.
pub(crate) fn all<'a>(value: &'a Value, keys: &[&str], found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            found.extend(keys.iter().filter_map(|key| object.get(*key)));
            object.values().for_each(|inner| all(inner, keys, found));
        }
        Value::Array(array) => array.iter().for_each(|inner| all(inner, keys, found)),
        _ => {}
    }
}

fn texts(value: &Value, keys: &[&str]) -> BTreeSet<String> {
    let mut found = Vec::new();
    all(value, keys, &mut found);
    let texts = found.into_iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn yaml(file: &str) -> Value {
    meshrouter_publish::read(&repository().join(file)).unwrap()
}

/// What Envoy reads, all of it.
pub(crate) fn configuration(rendered: &Rendered) -> Value {
    let maps = ["meshrouter-bootstrap", "meshrouter-live"].map(|name| rendered.files(name));
    let files = maps.iter().flat_map(|files| files.as_object().unwrap());
    let parsed = files.map(|(_, text)| documents(text.as_str().unwrap()).unwrap());
    json!(parsed.collect::<Vec<_>>())
}

/// A file that is missing keeps Envoy from a resource, and not from its start.
#[track_caller]
pub(crate) fn every_file_that_is_named_is_there(rendered: &Rendered, pod: &Pod) {
    let named = texts(&configuration(rendered), &["path", "filename"]);
    // Others are paths of requests, and what Envoy's image brings.
    let relative: Vec<_> = named.iter().filter(|path| !path.starts_with('/')).collect();
    assert_eq!(relative.len(), 15, "{relative:?}");
    for path in relative {
        let place = pod.place(&format!("/meshrouter/{path}"));
        assert!(place.exists(), "{path}");
    }
}

#[test]
fn config_maps_have_what_is_published_and_no_key() {
    let rendered = Rendered::new();
    let folder = repository().join("envoy/kubernetes/config");
    let published = meshrouter_publish::resources(&folder).unwrap();
    let published = meshrouter_publish::files(&published).unwrap();
    let files = rendered.files("meshrouter-live").as_object().unwrap();
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        published.keys().collect::<Vec<_>>()
    );
    let secrets = texts(
        &configuration(&rendered),
        &["inline_string", "inline_bytes", "environment_variable"],
    );
    // The format of the access log.
    assert_eq!(secrets.len(), 1, "{secrets:?}");

    // The name of the one has a hash, which the pods have to name; the other's stays, so that pods do.
    let names = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    let maps = rendered
        .objects()
        .iter()
        .filter(|object| object["kind"] == "ConfigMap");
    let maps: BTreeSet<_> = maps.map(names).collect();
    let mut volumes = Vec::new();
    all(rendered.the("Deployment"), &["configMap"], &mut volumes);
    let mounted: BTreeSet<_> = volumes
        .iter()
        .map(|map| map["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(mounted, maps);
    assert!(
        maps.contains("meshrouter-live") && !maps.contains("meshrouter-bootstrap"),
        "{maps:?}"
    );
}

#[test]
fn the_gateway_is_the_one_of_the_other_configurations() {
    let settings = |value: &Value| {
        let mut configs = Vec::new();
        all(value, &["config"], &mut configs);
        configs.retain(|config| config.get("vm_config").is_some());
        let without = |config: &Value| {
            let mut config = config.clone();
            config.as_object_mut().unwrap().remove("configuration");
            config
        };
        configs.into_iter().map(without).collect::<Vec<_>>()
    };
    let own = yaml("envoy/kubernetes/config/gateway.yaml");
    assert_eq!(settings(&own), settings(&yaml("envoy/fused.yaml")));
    let document = |value: &Value| {
        let mut all_of_them = Vec::new();
        all(value, &["configuration"], &mut all_of_them);
        all_of_them[0].clone()
    };
    assert_eq!(document(&own), document(&yaml("envoy/openai.yaml")));

    // The listeners but for the filters, which come from files, and the address.
    let bare = |mut listeners: Value| {
        for listener in listeners.as_array_mut().unwrap() {
            let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
            manager["http_filters"] = Value::Null;
            let fields = listener.as_object_mut().unwrap();
            fields.remove("@type");
            fields.remove("address");
        }
        listeners
    };
    let mut own = yaml("envoy/kubernetes/config/listeners.yaml");
    let mut other = yaml("envoy/fused.yaml");
    assert_eq!(
        bare(own["resources"].take()),
        bare(other["static_resources"]["listeners"].take())
    );
    let own = yaml("envoy/kubernetes/config/envoy.yaml");
    for part in [
        "bootstrap_extensions",
        "stats_config",
        "memory_allocator_manager",
    ] {
        assert_eq!(own[part], other[part], "{part}");
    }
}

#[test]
fn the_image_is_of_the_envoy_that_the_tests_run() {
    let read = |file: &str| fs::read_to_string(repository().join(file)).unwrap();
    let versions = read("scripts/lib/versions.sh");
    let version = versions
        .lines()
        .find_map(|line| line.strip_prefix("ENVOY_VERSION="));
    let from = format!("FROM envoyproxy/envoy:v{}", version.unwrap());
    assert!(
        read("envoy/kubernetes/Dockerfile")
            .lines()
            .any(|line| line == from)
    );
}
