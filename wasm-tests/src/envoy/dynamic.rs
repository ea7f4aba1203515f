//! A configuration whose resources come from files that Envoy watches (`envoy/dynamic/`): tests edit it as if all of it stood
//! in one file, and `publish` makes the files, as `scripts/publish` does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use meshrouter_publish::{files, fold, publish, resources};
use serde_json::{Map, Value, json};

use super::config::visit;

/// The file that Envoy is started with.
pub(super) const BOOTSTRAP: &str = "envoy.json";
/// The folder of the files that it watches, as the shipped configuration names it.
const SHIPPED: &str = "envoy/dynamic/live";
/// The same beside the bootstrap of a test.
const LIVE: &str = "live";

/// Whether resources come from other files.
pub(super) fn is_dynamic(config: &Value) -> bool {
    config.get("dynamic_resources").is_some()
}

/// Puts the resources of the files beside a bootstrap to where they stand in a configuration of one file.
pub(super) fn folded(mut bootstrap: Value, path: &Path) -> Result<Value, String> {
    let folder = path.parent().unwrap_or(path);
    fold(&mut bootstrap, resources(folder)?)?;
    Ok(bootstrap)
}

/// What [`folded`] made, as a configuration that takes nothing from other files.
pub(super) fn in_one_file(mut config: Value) -> Value {
    visit(&mut config, &mut |object| {
        for source in ["config_discovery", "dynamic_resources", "sds_config"] {
            object.remove(source);
        }
    });
    config
}

/// The configuration of a running Envoy: as [`folded`] makes it, and where its files are.
pub(super) struct Live {
    config: Mutex<Value>,
    home: PathBuf,
}

impl Live {
    /// Writes the files.
    pub(super) fn write(config: Value, home: PathBuf) -> Result<Self, String> {
        let live = Self {
            config: Mutex::new(config.clone()),
            home,
        };
        let bootstrap = if is_dynamic(&config) {
            live.publish(config)?
        } else {
            config
        };
        let file = live.home.join(BOOTSTRAP);
        fs::write(&file, bootstrap.to_string())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(live)
    }

    /// Edits it, and publishes what it is then.
    pub(super) fn change(&self, edit: impl FnOnce(&mut Value)) -> Result<(), String> {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_dynamic(&config) {
            return Err(
                "Envoy reads this configuration once; that of envoy/dynamic/ can change".to_owned(),
            );
        }
        edit(&mut config);
        self.publish(config.clone()).map(drop)
    }

    /// Publishes the resources of a configuration; returns the bootstrap that is left.
    fn publish(&self, mut config: Value) -> Result<Value, String> {
        let folder = self.home.join(LIVE);
        visit(&mut config, &mut |object| {
            if let Some(Value::String(path)) = object.get_mut("path") {
                *path = path.replacen(SHIPPED, &folder.display().to_string(), 1);
            }
        });
        let files = files(&unfolded(&mut config))?;
        publish(&files, &folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(config)
    }
}

/// Takes the resources out again that [`folded`] put in.
fn unfolded(config: &mut Value) -> Vec<Value> {
    let mut all = Vec::new();
    visit(config, &mut |object| all.extend(unfolded_filter(object)));
    for (list, kind) in [
        ("listeners", "envoy.config.listener.v3.Listener"),
        ("clusters", "envoy.config.cluster.v3.Cluster"),
        (
            "secrets",
            "envoy.extensions.transport_sockets.tls.v3.Secret",
        ),
    ] {
        let resources = config["static_resources"][list].take();
        for mut resource in resources.as_array().cloned().unwrap_or_default() {
            resource["@type"] = json!(format!("type.googleapis.com/{kind}"));
            all.push(resource);
        }
    }
    config
        .as_object_mut()
        .map(|config| config.remove("static_resources"));
    all
}

fn unfolded_filter(filter: &mut Map<String, Value>) -> Option<Value> {
    filter.get("config_discovery")?;
    Some(json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": filter.get("name"),
        "typed_config": filter.remove("typed_config"),
    }))
}
