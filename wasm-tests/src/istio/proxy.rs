//! A captured proxy, and what istiod makes of it with resources.

use std::path::Path;

use serde_json::Value;

use super::merge::merge;
use super::routes::Ports;
use super::{Patch, listeners, read, routes, services};
use crate::kubernetes::documents;

/// What istiod says to a proxy, and what that starts with.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `GATEWAY` or `SIDECAR_OUTBOUND`.
    context: String,
    labels: Value,
    ports: Ports,
    pub(super) bootstrap: Value,
    pub(super) listeners: Vec<Value>,
    pub(super) routes: Vec<Value>,
    pub(super) clusters: Vec<Value>,
    pub(super) extensions: Vec<Value>,
}

impl Proxy {
    /// The proxy that a fixture describes.
    ///
    /// # Panics
    /// If it does not.
    pub fn captured(path: &Path) -> Self {
        let mut captured = read(path).remove(0);
        let mut list = |name: &str| match captured[name].take() {
            Value::Array(items) => items,
            other => panic!("{}: {name} is {other}", path.display()),
        };
        let (listeners, routes, clusters) = (list("listeners"), list("routes"), list("clusters"));
        let ports = serde_json::from_value(captured["ports"].take()).expect("ports");
        Self {
            context: captured["context"].as_str().expect("a context").to_owned(),
            labels: captured["labels"].take(),
            ports,
            bootstrap: captured["bootstrap"].take(),
            listeners,
            routes,
            clusters,
            extensions: Vec::new(),
        }
    }

    /// What it becomes with these resources, in the order in which they were created.
    #[must_use]
    pub fn with(mut self, resources: &[Value]) -> Self {
        self.clusters.extend(services::clusters(resources));
        for resource in resources {
            if let Some(over) = resource.pointer("/data/custom_bootstrap.json") {
                let over = documents(over.as_str().unwrap_or_default()).expect("YAML");
                over.into_iter()
                    .for_each(|over| merge(&mut self.bootstrap, over));
            }
        }
        let patches = self.patches(resources);
        listeners::patch(&mut self.listeners, &patches);
        for configuration in &mut self.routes {
            routes::patch(configuration, &patches, &self.ports);
        }
        for patch in &patches {
            match (patch.apply_to.as_str(), patch.operation.as_str()) {
                ("CLUSTER", "MERGE") => self.merge_into_clusters(patch),
                ("CLUSTER", "ADD") => self.clusters.push(patch.value.clone()),
                ("EXTENSION_CONFIG", "ADD") => self.extensions.push(patch.value.clone()),
                ("CLUSTER" | "EXTENSION_CONFIG", _) => patch.unknown(),
                _ => {}
            }
        }
        self
    }

    /// The cluster of this name.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn cluster(&self, name: &str) -> &Value {
        let mut clusters = self.clusters.iter();
        let found = clusters.find(|cluster| cluster["name"] == name);
        found.unwrap_or_else(|| panic!("no cluster {name}"))
    }

    /// The patches for this proxy, by the priority of what they stand in, then by their order.
    fn patches(&self, resources: &[Value]) -> Vec<Patch> {
        let filters = resources
            .iter()
            .filter(|resource| resource["kind"] == "EnvoyFilter");
        let mut filters: Vec<_> = filters.map(|filter| &filter["spec"]).collect();
        filters.retain(|spec| self.is_selected(spec));
        filters.sort_by_key(|spec| spec["priority"].as_i64().unwrap_or(0));
        let patches = filters
            .into_iter()
            .flat_map(|spec| spec["configPatches"].as_array());
        let patches = patches.flatten().map(Patch::of);
        patches
            .filter(|patch| patch.is_for(&self.context))
            .collect()
    }

    fn is_selected(&self, spec: &Value) -> bool {
        let wanted = spec
            .pointer("/workloadSelector/labels")
            .and_then(Value::as_object);
        let mut wanted = wanted.into_iter().flatten();
        wanted.all(|(name, value)| self.labels[name] == *value)
    }

    fn merge_into_clusters(&mut self, patch: &Patch) {
        let name = patch.matched.pointer("/cluster/name");
        for cluster in &mut self.clusters {
            if Some(&cluster["name"]) == name {
                merge(cluster, patch.value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn proxy() -> Proxy {
        let file = tempfile::NamedTempFile::new().unwrap();
        let captured = "{context: GATEWAY, labels: {a: b}, ports: {}, bootstrap: {list: [1]}, listeners: [], routes: [],
            clusters: [{name: theirs}]}";
        std::fs::write(file.path(), captured).unwrap();
        Proxy::captured(file.path())
    }

    fn filter(priority: i32, labels: Value, context: &str, name: &str) -> Value {
        let patch = json!({"applyTo": "CLUSTER", "match": {"context": context},
            "patch": {"operation": "ADD", "value": {"name": name}}});
        let selector = json!({"labels": labels});
        let spec =
            json!({"priority": priority, "workloadSelector": selector, "configPatches": [patch]});
        json!({"kind": "EnvoyFilter", "spec": spec})
    }

    #[test]
    fn patches_come_by_priority_and_only_those_for_this_proxy() {
        let of_gateway = "GATEWAY";
        let proxy = proxy().with(&[
            filter(1, json!({"a": "b"}), of_gateway, "last"),
            filter(-1, json!({}), "ANY", "first"),
            filter(0, json!({"a": "c"}), of_gateway, "another label"),
            filter(0, json!({"a": "b"}), "SIDECAR_OUTBOUND", "another kind"),
        ]);
        let names: Vec<_> = proxy
            .clusters
            .iter()
            .map(|cluster| &cluster["name"])
            .collect();
        assert_eq!(names, ["theirs", "first", "last"]);
    }

    #[test]
    fn clusters_are_merged_by_name_and_the_bootstrap_with_what_overrides_it() {
        let value = json!({"operation": "MERGE", "value": {"x": 1}});
        let patch = |name: &str| json!({"applyTo": "CLUSTER", "match": {"cluster": {"name": name}}, "patch": value});
        let patches = [patch("theirs"), patch("nobody's")];
        let over = json!({"data": {"custom_bootstrap.json": "list: [2]"}});
        let filter = json!({"kind": "EnvoyFilter", "spec": {"configPatches": patches}});
        let proxy = proxy().with(&[filter, over]);
        assert_eq!(*proxy.cluster("theirs"), json!({"name": "theirs", "x": 1}));
        assert_eq!(proxy.bootstrap, json!({"list": [1, 2]}));
    }
}
