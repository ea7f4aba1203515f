//! What kustomize makes of `envoy/kubernetes`.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::documents;
use crate::envoy::{config, repository};

/// The objects, perhaps edited.
#[derive(Clone, Debug)]
pub struct Rendered(Vec<Value>);

impl Rendered {
    /// Publishes the configuration and renders the folder, as its reader does, in a copy of it.
    ///
    /// # Panics
    /// If a file is missing, or kustomize refuses one.
    pub fn new() -> Self {
        let copy = tempfile::tempdir().unwrap();
        let source = repository().join("envoy/kubernetes");
        for folder in ["", "config"] {
            fs::create_dir_all(copy.path().join(folder)).unwrap();
            for entry in fs::read_dir(source.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let to = copy.path().join(path.strip_prefix(&source).unwrap());
                    fs::copy(&path, to).unwrap();
                }
            }
        }
        let resources = meshrouter_publish::resources(&copy.path().join("config")).unwrap();
        let files = meshrouter_publish::files(&resources).unwrap();
        meshrouter_publish::publish(&files, &copy.path().join("config/live")).unwrap();
        let kustomize = repository().join(".cache/kubernetes/kustomize");
        let output = Command::new(&kustomize)
            .arg("build")
            .arg(copy.path())
            .output()
            .unwrap_or_else(|error| panic!("{}, run scripts/setup: {error}", kustomize.display()));
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && complaints.is_empty(),
            "{complaints}"
        );
        Self(documents(&String::from_utf8(output.stdout).unwrap()).unwrap())
    }

    /// All objects.
    pub fn objects(&self) -> &[Value] {
        &self.0
    }

    /// The only object of a kind.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[track_caller]
    pub fn the(&self, kind: &str) -> &Value {
        let mut all = self.0.iter().filter(|object| object["kind"] == *kind);
        let first = all.next().unwrap_or_else(|| panic!("no {kind}"));
        assert!(all.next().is_none(), "more than one {kind}");
        first
    }

    /// The files of the ConfigMap whose name begins so.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn files(&self, config_map: &str) -> &Value {
        let found = self
            .0
            .iter()
            .find(|object| is_config_map(object, config_map));
        &found.unwrap_or_else(|| panic!("no ConfigMap {config_map}"))["data"]
    }

    /// Edits a file of the ConfigMap whose name begins so.
    ///
    /// # Panics
    /// If there is none, or it is no YAML.
    #[track_caller]
    pub fn edit(&mut self, config_map: &str, file: &str, edit: impl FnOnce(&mut Value)) {
        let found = self
            .0
            .iter_mut()
            .find(|object| is_config_map(object, config_map));
        let text = &mut found.unwrap_or_else(|| panic!("no ConfigMap {config_map}"))["data"][file];
        let mut value = serde_norway::from_str(text.as_str().unwrap_or_default()).unwrap();
        edit(&mut value);
        *text = json!(value.to_string());
    }

    /// Edits the gateway document of both modules.
    ///
    /// # Panics
    /// If one has none.
    #[track_caller]
    pub fn edit_documents(&mut self, edit: impl Fn(&mut Value)) {
        for file in ["edge.json", "attempt.json"] {
            self.edit("meshrouter-live", file, |filter| {
                edit(
                    &mut filter["resources"][0]["typed_config"]["config"]["configuration"]["value"],
                );
            });
        }
    }

    /// Leads a provider's cluster to a port of 127.0.0.1, without TLS.
    ///
    /// # Panics
    /// If there is no such cluster.
    #[track_caller]
    pub fn lead(&mut self, cluster: &str, port: u16) {
        self.edit("meshrouter-live", "clusters.json", |file| {
            let mut all = json!({"static_resources": {"clusters": file["resources"].take()}});
            config::route_providers(&mut all, &[(cluster.to_owned(), port)].into()).unwrap();
            file["resources"] = all["static_resources"]["clusters"].take();
        });
    }
}

impl Default for Rendered {
    fn default() -> Self {
        Self::new()
    }
}

fn is_config_map(object: &Value, name: &str) -> bool {
    let given = object["metadata"]["name"].as_str().unwrap_or_default();
    object["kind"] == "ConfigMap" && given.starts_with(name)
}
