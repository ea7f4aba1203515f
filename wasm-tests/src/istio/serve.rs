//! A proxy as files for a stock Envoy: what istiod would serve is static, or lies in files that Envoy watches.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Proxy;
use crate::envoy::{config, repository};
use crate::kubernetes::mount;

/// Where the pods have the providers' keys mounted.
const KEYS: &str = "/etc/meshrouter/keys";
const EXTENSION: &str = "envoy.config.core.v3.TypedExtensionConfig";

/// The files, gone with this.
#[derive(Debug)]
pub struct Served {
    directory: TempDir,
}

impl Served {
    /// The files of a proxy, with the keys of this Secret.
    ///
    /// # Panics
    /// If they cannot be written, or a filter has no configuration.
    pub fn new(proxy: Proxy, secret: &Value) -> Self {
        let served = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::set_permissions(served.path(), Permissions::from_mode(0o755)).unwrap();
        served.mount(secret);
        let Proxy {
            mut bootstrap,
            listeners,
            routes,
            clusters,
            extensions,
            ..
        } = proxy;
        let own = &mut bootstrap["static_resources"];
        append(&mut own["listeners"], listeners);
        append(&mut own["clusters"], clusters);
        served.lead_here(own);
        if let Some(fields) = bootstrap.as_object_mut() {
            fields.remove("dynamic_resources");
        }
        for configuration in routes {
            served.write("envoy.config.route.v3.RouteConfiguration", configuration);
        }
        for mut extension in extensions {
            fetch(&mut extension);
            served.write(EXTENSION, extension);
        }
        fs::write(served.file(), bootstrap.to_string()).unwrap();
        served
    }

    /// The bootstrap.
    pub fn file(&self) -> PathBuf {
        self.path().join("bootstrap.json")
    }

    /// The directory of all files.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Edits every gateway document, as istiod and the agent pass a changed `EnvoyFilter` on: Envoy sees new files.
    ///
    /// # Panics
    /// If they cannot be replaced.
    pub fn edit_documents(&self, edit: impl Fn(&mut Value)) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() || path == self.file() {
                continue;
            }
            let mut response: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            if let Some(document) =
                response.pointer_mut("/resources/0/typed_config/config/configuration/value")
            {
                edit(document);
                replace(&path, &response.to_string());
            }
        }
    }

    /// Serves another configuration for a filter, as the agent does for a module that it cannot fetch.
    ///
    /// # Panics
    /// If it cannot be replaced.
    pub fn replace_filter(&self, name: &str, config: &Value) {
        let resource = json!({"name": name, "typed_config": config});
        replace(&self.resource(name), &response(EXTENSION, resource));
    }

    /// Mounts a Secret in the place of the one that is mounted.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn mount(&self, secret: &Value) {
        mount(&self.path().join("keys"), &secret["stringData"]);
    }

    /// Has Envoy find in files what it would ask istiod for, and the keys where they are.
    fn lead_here(&self, resources: &mut Value) {
        config::visit(resources, &mut |object| {
            let name = object
                .get("name")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if let Some(rds) = object.get_mut("rds") {
                let name = rds["route_config_name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                rds["config_source"] = self.source(&name);
            } else if let (Some(name), Some(discovery)) = (name, object.get_mut("config_discovery"))
            {
                discovery["config_source"] = self.source(&name);
            }
            if let Some(Value::String(path)) = object.get_mut("path")
                && let Some(rest) = path.strip_prefix(KEYS)
            {
                *path = format!("{}/keys{rest}", self.path().display());
            }
        });
    }

    fn source(&self, name: &str) -> Value {
        let file = self.resource(name).display().to_string();
        json!({"path_config_source": {"path": file}, "resource_api_version": "V3"})
    }

    fn resource(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}.json"))
    }

    fn write(&self, kind: &str, resource: Value) {
        let file = self.resource(resource["name"].as_str().expect("a name"));
        fs::write(file, response(kind, resource)).unwrap();
    }
}

/// What istiod would answer: one resource of this kind.
fn response(kind: &str, mut resource: Value) -> String {
    resource["@type"] = json!(format!("type.googleapis.com/{kind}"));
    json!({"resources": [resource]}).to_string()
}

fn append(list: &mut Value, more: Vec<Value>) {
    list.as_array_mut().expect("a list").extend(more);
}

/// Puts another file in a file's place at once.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// Does what the agent does: a module's image becomes a file, here the one that was built.
fn fetch(extension: &mut Value) {
    config::visit(extension, &mut |object| {
        let Some(remote) = object.remove("remote") else {
            return;
        };
        let image = remote["http_uri"]["uri"]
            .as_str()
            .and_then(|uri| uri.strip_prefix("oci://"));
        let image = image.unwrap_or_else(|| panic!("no image of a registry: {remote}"));
        let module = image
            .rsplit('/')
            .next()
            .and_then(|name| name.split(':').next());
        let module = format!("target/wasm/{}.wasm", module.unwrap_or_default());
        let module = repository().join(module);
        assert!(
            module.is_file(),
            "{image} is not built: {}",
            module.display()
        );
        object.insert(
            "local".to_owned(),
            json!({"filename": module.display().to_string()}),
        );
    });
}
