//! From a shipped configuration to one that a test can run: free ports, simulated providers, an edited
//! gateway document.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::dynamic;

/// Changes a value in place.
pub(crate) type Edit = Box<dyn FnOnce(&mut Value)>;

const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";

/// Reads a configuration, all of it: what comes from other files stands where it would in one. Aliases are copies afterwards.
pub(crate) fn read(path: &Path) -> Result<Value, String> {
    let config = meshrouter_publish::read(path)?;
    if dynamic::is_dynamic(&config) {
        return dynamic::folded(config, path);
    }
    Ok(config)
}

/// Has the admin and every listener take a free port of 127.0.0.1.
pub(super) fn free_ports(config: &mut Value) {
    let anywhere = json!({"address": "127.0.0.1", "port_value": 0});
    config["admin"]["address"] = json!({"socket_address": anywhere});
    for listener in items(config.pointer_mut("/static_resources/listeners")) {
        if let Some(address) = listener.pointer_mut("/address/socket_address") {
            *address = anywhere.clone();
        }
    }
}

/// The names of the listeners that have a socket, in order.
pub(super) fn listeners(config: &Value) -> Vec<String> {
    let listeners = config
        .pointer("/static_resources/listeners")
        .and_then(Value::as_array);
    let socket = |listener: &&Value| listener.pointer("/address/socket_address").is_some();
    let name = |listener: &Value| listener["name"].as_str().unwrap_or_default().to_owned();
    listeners
        .into_iter()
        .flatten()
        .filter(socket)
        .map(name)
        .collect()
}

/// Leads the clusters of these names to ports of 127.0.0.1, without TLS.
pub(crate) fn route_providers(
    config: &mut Value,
    ports: &BTreeMap<String, u16>,
) -> Result<(), String> {
    for (provider, port) in ports {
        let mut clusters = items(config.pointer_mut("/static_resources/clusters"));
        let cluster = clusters
            .find(|cluster| cluster["name"] == provider.as_str())
            .ok_or_else(|| format!("the configuration has no cluster {provider}"))?;
        if let Some(fields) = cluster.as_object_mut() {
            fields.remove("transport_socket");
        }
        for locality in items(cluster.pointer_mut("/load_assignment/endpoints")) {
            for endpoint in items(locality.get_mut("lb_endpoints")) {
                endpoint["endpoint"]["address"] =
                    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
            }
        }
    }
    Ok(())
}

/// Makes the modules' file names absolute; returns the directories that they are in.
pub(super) fn absolute_modules(config: &mut Value, root: &Path) -> BTreeSet<PathBuf> {
    let mut directories = BTreeSet::new();
    visit(config, &mut |object| {
        if let Some(Value::String(name)) = object.get_mut("filename")
            && name.ends_with(".wasm")
        {
            let path = root.join(&*name);
            directories.extend(path.parent().map(Path::to_owned));
            *name = path.display().to_string();
        }
    });
    directories
}

/// Edits the gateway document and gives every plugin the result.
pub(crate) fn edit_document(config: &mut Value, edits: Vec<Edit>) -> Result<(), String> {
    if edits.is_empty() {
        return Ok(());
    }
    let mut document = None;
    visit_documents(config, &mut |found| {
        document.get_or_insert_with(|| found.clone());
    });
    let mut document = document.ok_or("the configuration has no gateway document")?;
    for edit in edits {
        edit(&mut document);
    }
    visit_documents(config, &mut |found| *found = document.clone());
    Ok(())
}

/// Visits the gateway document of every Wasm plugin.
fn visit_documents(config: &mut Value, visitor: &mut dyn FnMut(&mut Value)) {
    visit(config, &mut |object| {
        if object.contains_key("vm_config")
            && let Some(configuration) = object.get_mut("configuration")
            && configuration["@type"] == STRUCT
        {
            visitor(&mut configuration["value"]);
        }
    });
}

/// Visits every object, outer ones first.
pub(crate) fn visit(
    value: &mut Value,
    visitor: &mut dyn FnMut(&mut serde_json::Map<String, Value>),
) {
    match value {
        Value::Object(object) => {
            visitor(object);
            object.values_mut().for_each(|inner| visit(inner, visitor));
        }
        Value::Array(array) => array.iter_mut().for_each(|inner| visit(inner, visitor)),
        _ => {}
    }
}

fn items(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "
admin: {address: {socket_address: {address: 0.0.0.0, port_value: 9901}}}
static_resources:
  listeners:
  - name: edge
    address: {socket_address: {address: 0.0.0.0, port_value: 8080}}
    filters:
    - config:
        configuration: &gateway
          '@type': type.googleapis.com/google.protobuf.Struct
          value: {keys: [one]}
        vm_config: {code: {local: {filename: target/wasm/auth.wasm}}}
    - config:
        configuration: *gateway
        vm_config: {code: {local: {filename: /elsewhere/usage.wasm}}}
  - name: attempt
    internal_listener: {}
  clusters:
  - name: alpha
    transport_socket: {name: tls}
    load_assignment:
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: api.example, port_value: 443}}}
";

    fn config() -> Value {
        serde_norway::from_str(YAML).unwrap()
    }

    #[test]
    fn only_sockets_get_free_ports() {
        let mut config = config();
        free_ports(&mut config);
        let listeners_of = &config["static_resources"]["listeners"];
        let free = json!({"address": "127.0.0.1", "port_value": 0});
        assert_eq!(config["admin"]["address"]["socket_address"], free);
        assert_eq!(listeners_of[0]["address"]["socket_address"], free);
        assert_eq!(
            listeners_of[1],
            json!({"name": "attempt", "internal_listener": {}})
        );
        assert_eq!(listeners(&config), ["edge"]);
    }

    #[test]
    fn providers_are_led_to_ports_without_tls() {
        let mut config = config();
        route_providers(&mut config, &BTreeMap::from([("alpha".to_owned(), 7)])).unwrap();
        let cluster = &config["static_resources"]["clusters"][0];
        assert!(cluster.get("transport_socket").is_none());
        let address =
            cluster.pointer("/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address");
        assert_eq!(
            address.unwrap()["socket_address"],
            json!({"address": "127.0.0.1", "port_value": 7})
        );
        let unknown = route_providers(&mut config, &BTreeMap::from([("delta".to_owned(), 7)]));
        assert_eq!(
            unknown,
            Err("the configuration has no cluster delta".to_owned())
        );
    }

    #[test]
    fn every_plugin_gets_the_edited_document_and_an_absolute_module() {
        let mut config = config();
        let edit = |document: &mut Value| document["keys"] = json!(["two"]);
        edit_document(&mut config, vec![Box::new(edit)]).unwrap();
        let directories = absolute_modules(&mut config, Path::new("/root"));
        let filters = &config["static_resources"]["listeners"][0]["filters"];
        for (index, module) in ["/root/target/wasm/auth.wasm", "/elsewhere/usage.wasm"]
            .iter()
            .enumerate()
        {
            let plugin = &filters[index]["config"];
            assert_eq!(plugin["configuration"]["value"], json!({"keys": ["two"]}));
            assert_eq!(plugin["vm_config"]["code"]["local"]["filename"], *module);
        }
        let wanted = ["/elsewhere", "/root/target/wasm"].map(PathBuf::from);
        assert_eq!(directories, BTreeSet::from(wanted));
        let nothing = edit_document(&mut json!({}), vec![Box::new(|_| {})]);
        assert_eq!(
            nothing,
            Err("the configuration has no gateway document".to_owned())
        );
    }
}
