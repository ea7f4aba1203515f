//! Resources of Kubernetes without a cluster: read, rendered by kustomize, checked against their schemas, and a pod of a Deployment as
//! the kubelet would have it, with Envoy as a process of this machine.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::envoy::repository;

mod container;
mod pod;
mod rendered;

pub use pod::{Pod, PreStop};
pub use rendered::Rendered;

/// The documents of YAML, with copies in the place of its aliases.
pub fn documents(text: &str) -> Result<Vec<Value>, serde_norway::Error> {
    use serde::Deserialize as _;
    serde_norway::Deserializer::from_str(text)
        .map(Value::deserialize)
        .collect()
}

/// Checks resources by the schemas that npm put into this directory: what is said of them, a line each, and whether all are valid.
///
/// # Panics
/// If there is no Node.js there, or no schema of one of them.
pub fn check(installed: &Path, resources: &[Value]) -> (bool, String) {
    let mut node = Command::new(installed.join("node"))
        .arg(repository().join("wasm-tests/node/schemas.mjs"))
        .arg(installed)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}/node, run scripts/setup: {error}", installed.display()));
    let input = node.stdin.take().unwrap();
    serde_json::to_writer(input, resources).unwrap();
    let output = node.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// Mounts the files of a ConfigMap or Secret in the place of those that are mounted, as the kubelet does: the files are links by way of a
/// link to the directory of the moment, and only that one is replaced. Where nothing has changed, nothing is touched.
///
/// # Panics
/// If they cannot be written.
pub fn mount(folder: &Path, files: &Value) {
    fs::create_dir_all(folder).unwrap();
    let files = files.as_object().expect("files");
    let is_there = |(file, text): (&String, &Value)| {
        fs::read_to_string(folder.join(file)).is_ok_and(|present| *text == present)
    };
    if files.iter().all(is_there) {
        return;
    }
    let moment = format!("..{}", fs::read_dir(folder).unwrap().count());
    fs::create_dir(folder.join(&moment)).unwrap();
    for (file, text) in files {
        fs::write(folder.join(&moment).join(file), text.as_str().unwrap()).unwrap();
        if !folder.join(file).is_symlink() {
            symlink(Path::new("..data").join(file), folder.join(file)).unwrap();
        }
    }
    symlink(moment, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}
