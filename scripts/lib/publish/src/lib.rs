//! The resources of an Envoy that is changed while it runs.
//!
//! People write them in a few files: one gateway document for all filters, with aliases. Envoy takes filters and
//! secrets from files of one resource each, and heeds a folder that is replaced in one step. This makes these of those.
#![forbid(unsafe_code)]

mod folder;
mod kind;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

pub use folder::publish;
pub use kind::Kind;

/// Files by their names; each has a list of `resources`.
pub type Files = BTreeMap<String, Value>;

/// Reads a file of YAML, or of JSON, which is YAML; aliases are copies afterwards.
pub fn read(path: &Path) -> Result<Value, String> {
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text =
        std::fs::read_to_string(path).map_err(|error| said(&format!("cannot be read: {error}")))?;
    serde_norway::from_str(&text).map_err(|error| said(&error))
}

/// The resources that stand in the YAML files of a folder, in the order of the files' names. A file without a list of
/// `resources`, such as the bootstrap, has none, nor has one whose `resources` are names of files, as kustomize has them.
pub fn resources(folder: &Path) -> Result<Vec<Value>, String> {
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(|error| said(&error))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let mut file = read(&path)?;
        let Some(Value::Array(resources)) = file.get_mut("resources").map(Value::take) else {
            continue;
        };
        if resources.iter().all(Value::is_string) {
            continue;
        }
        for (n, resource) in resources.into_iter().enumerate() {
            let check = Kind::of(&resource).and_then(|_| name(&resource).map(drop));
            check.map_err(|error| format!("{}: resources[{n}]: {error}", path.display()))?;
            all.push(resource);
        }
    }
    Ok(all)
}

/// A resource's name, which is good as a file's.
fn name(resource: &Value) -> Result<&str, String> {
    let name = resource
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        return Err(format!(
            "expected a `name` that can be a file's, without slashes; found {name:?}"
        ));
    }
    Ok(name)
}

/// The files that Envoy takes resources from: `listeners.json`, `clusters.json`, and one of its own for each filter and
/// each secret, with the name of that.
pub fn files(resources: &[Value]) -> Result<Files, String> {
    let mut files = Files::new();
    for resource in resources {
        let (kind, name) = (Kind::of(resource)?, name(resource)?);
        let file = kind.file(name);
        if kind.is_alone() && files.contains_key(&file) {
            return Err(format!(
                "two resources would be {file}: give one of them another name"
            ));
        }
        let file = files
            .entry(file)
            .or_insert_with(|| json!({"resources": []}));
        if let Some(Value::Array(all)) = file.get_mut("resources") {
            all.push(resource.clone());
        }
    }
    Ok(files)
}

/// Puts resources to where they stand in a configuration of one file. What names a filter's source stays beside it.
pub fn fold(bootstrap: &mut Value, resources: Vec<Value>) -> Result<(), String> {
    let mut filters = BTreeMap::new();
    for mut resource in resources {
        let kind = Kind::of(&resource)?;
        if kind == Kind::Filter {
            let typed_config = resource.get_mut("typed_config").map(Value::take);
            filters.insert(
                name(&resource)?.to_owned(),
                typed_config.unwrap_or_default(),
            );
            continue;
        }
        if let Some(resource) = resource.as_object_mut() {
            resource.remove("@type");
        }
        let not_an_object = || {
            format!(
                "expected `static_resources` to be an object of lists, as `{}`",
                kind.list()
            )
        };
        let lists = bootstrap.as_object_mut().ok_or_else(not_an_object)?;
        let lists = lists.entry("static_resources").or_insert_with(|| json!({}));
        let lists = lists.as_object_mut().ok_or_else(not_an_object)?;
        let list = lists.entry(kind.list()).or_insert_with(|| json!([]));
        list.as_array_mut()
            .ok_or_else(not_an_object)?
            .push(resource);
    }
    fold_filters(bootstrap, &filters)
}

/// Gives each filter that comes from elsewhere its configuration.
fn fold_filters(value: &mut Value, filters: &BTreeMap<String, Value>) -> Result<(), String> {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| fold_filters(item, filters)),
        Value::Object(members) => {
            if members.contains_key("config_discovery") {
                let name = members
                    .get("name")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let own = filters.get(name);
                let own = own.ok_or_else(|| {
                    format!("the filter {name:?} of a listener has no resource of this name")
                })?;
                members.insert("typed_config".to_owned(), own.clone());
            }
            members
                .values_mut()
                .try_for_each(|member| fold_filters(member, filters))
        }
        _ => Ok(()),
    }
}
