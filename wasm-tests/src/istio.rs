//! What istiod and a proxy's agent make of the resources in `envoy/istio`, without either: the patches applied to a captured proxy by
//! istiod's rules, and the result as files for an Envoy.
//!
//! It knows what those resources use, and panics at anything else: a patch that is not understood would else be a patch that is not tested.

use std::path::Path;

use serde_json::Value;

use crate::envoy::repository;
use crate::kubernetes::documents;

mod listeners;
mod merge;
mod proxy;
mod routes;
mod serve;
mod services;

pub use proxy::Proxy;
pub use serve::Served;

/// The resources of a file of `envoy/istio`.
///
/// # Panics
/// If it is none.
pub fn resources(file: &str) -> Vec<Value> {
    let path = repository().join("envoy/istio").join(file);
    read(&path)
}

/// The documents of a YAML file, with copies in the place of its aliases.
fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{}: {error}", path.display());
    });
    documents(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One patch of an `EnvoyFilter`.
#[derive(Clone, Debug)]
struct Patch {
    apply_to: String,
    operation: String,
    matched: Value,
    value: Value,
}

impl Patch {
    fn of(patch: &Value) -> Self {
        let text = |pointer: &str| {
            let found = patch.pointer(pointer).and_then(Value::as_str);
            found
                .unwrap_or_else(|| panic!("no {pointer}: {patch}"))
                .to_owned()
        };
        Self {
            apply_to: text("/applyTo"),
            operation: text("/patch/operation"),
            matched: patch.get("match").cloned().unwrap_or_default(),
            value: patch["patch"]["value"].clone(),
        }
    }

    /// Whether its match says nothing of this pointer, or what `holds` of it.
    fn is(&self, pointer: &str, holds: impl FnOnce(&Value) -> bool) -> bool {
        self.matched.pointer(pointer).is_none_or(holds)
    }

    /// Whether it is for a proxy of this kind (`GATEWAY`, `SIDECAR_OUTBOUND`). What an ADD says of no kind, both get.
    fn is_for(&self, context: &str) -> bool {
        self.is("/context", |wanted| wanted == context || wanted == "ANY")
    }

    #[track_caller]
    fn unknown(&self) -> ! {
        panic!("{} {} is not known here", self.apply_to, self.operation)
    }
}
