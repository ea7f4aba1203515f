use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../envoy/dynamic")
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn filter(name: &str, module: u64) -> Value {
    json!({"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": name, "typed_config": module})
}

#[test]
fn the_shipped_files_become_one_for_each_filter_and_secret() {
    let files = files(&resources(&shipped()).unwrap()).unwrap();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let wanted = [
        "alpha-key.json",
        "attempt.json",
        "beta-key.json",
        "clusters.json",
        "edge.json",
        "gamma-key.json",
        "listeners.json",
    ];
    assert_eq!(names, wanted);
    let document = |file: &str| {
        let document = "/resources/0/typed_config/config/configuration/value";
        files[file].pointer(document).unwrap()
    };
    assert_eq!(document("edge.json"), document("attempt.json"));
    assert_eq!(
        files["listeners.json"]["resources"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn folded_they_are_a_configuration_of_one_file() {
    let mut bootstrap = read(&shipped().join("envoy.yaml")).unwrap();
    fold(&mut bootstrap, resources(&shipped()).unwrap()).unwrap();
    let single = read(&shipped().join("../fused.yaml")).unwrap();
    let at = |config: &Value, pointer: &str| config.pointer(pointer).cloned().unwrap();
    for list in ["listeners", "clusters", "secrets"] {
        let list = format!("/static_resources/{list}");
        let names = |config: &Value| -> Vec<Value> {
            let all = at(config, &list);
            all.as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].clone())
                .collect()
        };
        assert_eq!(names(&bootstrap), names(&single));
    }
    for n in 0..2 {
        let filters = format!(
            "/static_resources/listeners/{n}/filter_chains/0/filters/0/typed_config/http_filters"
        );
        let configured = |config: &Value| -> Vec<Value> {
            let all = at(config, &filters);
            all.as_array()
                .unwrap()
                .iter()
                .map(|one| one["typed_config"].clone())
                .collect()
        };
        assert_eq!(configured(&bootstrap), configured(&single));
    }
}

#[test]
fn what_is_no_resource_is_said_with_its_place() {
    let error = |text: &str| {
        let folder = folder(&[("a.yaml", text)]);
        let error = resources(folder.path()).unwrap_err();
        error.rsplit_once("a.yaml: ").unwrap().1.to_owned()
    };
    assert!(
        error("resources: [{name: x}]")
            .starts_with("resources[0]: expected an `@type` of these: envoy.")
    );
    let secret = "\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    assert_eq!(
        error(&format!("resources: [{{{secret}, name: a/b}}]")),
        "resources[0]: expected a `name` that can be a file's, without slashes; found \"a/b\""
    );
    assert!(
        error("resources: [").contains("line 2"),
        "{}",
        error("resources: [")
    );
    let twice = [filter("a", 1), filter("a", 2)];
    assert!(files(&twice).unwrap_err().contains("a.json"));
    let mut listener = json!({"http_filters": [{"name": "b", "config_discovery": {}}]});
    let error = fold(&mut listener, vec![filter("a", 1)]).unwrap_err();
    assert!(error.contains("\"b\""), "{error}");
}

#[test]
fn others_files_are_left_alone() {
    let folder = folder(&[
        ("envoy.yaml", "admin: {}"),
        ("kustomization.yaml", "resources: [a.yaml, b.yaml]"),
        ("notes.txt", "resources: ["),
    ]);
    assert_eq!(resources(folder.path()).unwrap(), Vec::<Value>::new());
}

#[test]
fn a_folder_is_replaced_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let read = |name: &str| {
        fs::read_to_string(live.join(name))
            .ok()
            .map(|text| serde_json::from_str::<Value>(&text).unwrap())
    };
    let first = files(&[filter("a", 1), filter("b", 1)]).unwrap();
    assert_eq!(publish(&first, &live).unwrap(), ["a.json", "b.json"]);
    assert_eq!(read("a.json").as_ref(), Some(&first["a.json"]));
    // Envoy watches for this link to be moved: where nothing changed, it is not.
    let present = fs::read_link(live.join("..data")).unwrap();
    assert_eq!(publish(&first, &live).unwrap(), Vec::<String>::new());
    assert_eq!(fs::read_link(live.join("..data")).unwrap(), present);

    let second = files(&[filter("a", 2), filter("c", 1)]).unwrap();
    // As if a run before had been interrupted.
    fs::write(live.join("..next"), "").unwrap();
    assert_eq!(
        publish(&second, &live).unwrap(),
        ["a.json", "b.json", "c.json"]
    );
    assert_ne!(fs::read_link(live.join("..data")).unwrap(), present);
    assert_eq!(read("a.json").as_ref(), Some(&second["a.json"]));
    assert_eq!((read("b.json"), read("c.json").is_some()), (None, true));
    let mut left: Vec<_> = fs::read_dir(&live)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["..data", "..v2", "a.json", "c.json"]);
}
