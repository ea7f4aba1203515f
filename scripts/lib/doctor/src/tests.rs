//! The shipped configurations, edited in memory: each edit has its findings and no others.

mod chains;
mod documents;
mod resources;
mod routes;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::check;
use crate::finding::Findings;

/// The connection manager of the first listener: the edge's.
const EDGE: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
/// Of the second listener: the attempt's.
const ATTEMPT: &str = "/static_resources/listeners/1/filter_chains/0/filters/0/typed_config";

/// The path of the edge's virtual host in findings.
const HOST: &str = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0]";

/// The same as a JSON pointer.
fn host() -> String {
    format!("{EDGE}/route_config/virtual_hosts/0")
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../envoy")
}

fn shipped(name: &str) -> Value {
    let path = directory().join(name).with_extension("yaml");
    crate::read(path.to_str().unwrap()).unwrap()
}

/// What is found, a line each.
fn found(file: &Value) -> Vec<String> {
    let mut findings = Findings::default();
    check::file(file, &mut findings);
    findings.iter().map(ToString::to_string).collect()
}

/// Checks what is found in a file: lines that begin with these.
#[track_caller]
fn has(file: &Value, expected: &[&str]) {
    let found = found(file);
    let all = found.iter().zip(expected);
    let fits =
        found.len() == expected.len() && all.clone().all(|(line, start)| line.starts_with(start));
    assert!(fits, "expected {expected:#?}, found {found:#?}");
}

/// The same for a shipped configuration after an edit.
#[track_caller]
fn finds(name: &str, edit: impl FnOnce(&mut Value), expected: &[&str]) {
    let mut file = shipped(name);
    edit(&mut file);
    has(&file, expected);
}

/// The same after an edit of the gateway document, at all filters.
#[track_caller]
fn finds_in_document(name: &str, edit: impl Fn(&mut Value), expected: &[&str]) {
    finds(name, |file| edit_documents(file, &edit), expected);
}

fn edit_documents(value: &mut Value, edit: &impl Fn(&mut Value)) {
    if value.get("vm_config").is_some() {
        edit(&mut value["configuration"]["value"]);
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| edit_documents(item, edit)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| edit_documents(member, edit)),
        _ => {}
    }
}

/// A value of the file, by its JSON pointer.
fn at<'v>(file: &'v mut Value, pointer: &str) -> &'v mut Value {
    file.pointer_mut(pointer)
        .unwrap_or_else(|| panic!("nothing at {pointer}"))
}

/// Takes out a member.
fn remove(file: &mut Value, pointer: &str, member: &str) {
    let removed = at(file, pointer).as_object_mut().unwrap().remove(member);
    assert!(removed.is_some(), "no {member} at {pointer}");
}

/// The elements of a list.
fn list<'v>(file: &'v mut Value, pointer: &str) -> &'v mut Vec<Value> {
    at(file, pointer).as_array_mut().unwrap()
}

#[test]
fn nothing_is_found_in_what_is_shipped() {
    let mut names = 0;
    for entry in directory().read_dir().unwrap() {
        let path = entry.unwrap().path();
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml");
        // What is merged into a gateway's configuration has no filter of its own.
        if is_yaml
            && std::fs::read_to_string(&path)
                .unwrap()
                .contains("target/wasm/")
        {
            has(&shipped(path.file_stem().unwrap().to_str().unwrap()), &[]);
            names += 1;
        }
    }
    assert!(names >= 6);
    has(&shipped("dynamic/envoy"), &[]);
    has(&shipped("kubernetes/config/envoy"), &[]);
}

#[test]
fn resources_of_other_files_are_checked_with_their_bootstrap() {
    let edit = |document: &mut Value| document["providers"]["alpha"]["cluster"] = json!("alhpa");
    let wanted = ["error: gateway document: providers.alpha.cluster: "];
    finds_in_document("dynamic/envoy", edit, &wanted);
}

#[test]
fn what_cannot_be_checked_is_said_to() {
    let error = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        crate::read(file.path().to_str().unwrap()).unwrap_err()
    };
    assert!(error("[1, 2]").contains("expected an Envoy configuration or a gateway document"));
    assert!(error("a: {b").contains("line"));
    assert!(error("resources: []").contains("check the bootstrap of its folder"));
    assert!(
        crate::read("/nowhere.yaml")
            .unwrap_err()
            .starts_with("/nowhere.yaml: cannot be read: ")
    );
    let order = |arguments: &[&str]| {
        let arguments = arguments.iter().map(ToString::to_string);
        crate::order(arguments).map(|order| (order.config, order.envoy))
    };
    assert_eq!(
        order(&["a", "--envoy", "e"]),
        Ok(("a".to_owned(), Some("e".to_owned())))
    );
    for wrong in [&[][..], &["a", "b"], &["--help"]] {
        assert_eq!(order(wrong), Err(crate::USAGE.to_owned()));
    }
}
