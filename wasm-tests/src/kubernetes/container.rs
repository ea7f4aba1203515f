//! A container's file system: what its image brings, and what is mounted there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::{Rendered, mount};
use crate::envoy::repository;

/// The directory that stands for `/`, gone with this.
#[derive(Debug)]
pub(super) struct Container {
    root: TempDir,
}

impl Container {
    /// What the image of `envoy/kubernetes/Dockerfile` brings: its modules are the built ones.
    pub(super) fn of_image() -> Self {
        let root = tempfile::tempdir().unwrap();
        let file = repository().join("envoy/kubernetes/Dockerfile");
        let text = fs::read_to_string(file).unwrap();
        for copied in text.lines().filter_map(|line| line.strip_prefix("COPY ")) {
            let (files, to) = copied.rsplit_once(' ').expect("files, and where to");
            let to = inside(root.path(), to);
            fs::create_dir_all(&to).unwrap();
            for name in files.split(' ') {
                let module = repository().join("target/wasm").join(name);
                assert!(module.is_file(), "not built: {}", module.display());
                symlink(module, to.join(name)).unwrap();
            }
        }
        Self { root }
    }

    /// Where a path of the container is.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        inside(self.root.path(), path)
    }

    /// Mounts the ConfigMaps and the Secret that the Deployment's pods have, in the place of those that are mounted.
    ///
    /// # Panics
    /// If one is not there.
    pub(super) fn mount(&self, rendered: &Rendered, secret: &Value) {
        let pod = &rendered.the("Deployment")["spec"]["template"]["spec"];
        let volumes = pod["volumes"].as_array().expect("volumes");
        for mounted in pod["containers"][0]["volumeMounts"]
            .as_array()
            .expect("mounts")
        {
            assert!(
                mounted.get("subPath").is_none(),
                "the kubelet changes none of these: {mounted}"
            );
            let volume = volumes
                .iter()
                .find(|volume| volume["name"] == mounted["name"]);
            let volume = volume.unwrap_or_else(|| panic!("no volume: {mounted}"));
            let files = if let Some(name) = volume["configMap"]["name"].as_str() {
                rendered.files(name)
            } else {
                let name = &volume["secret"]["secretName"];
                assert_eq!(*name, secret["metadata"]["name"]);
                &secret["stringData"]
            };
            mount(&self.place(mounted["mountPath"].as_str().unwrap()), files);
        }
    }
}

fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.strip_prefix('/').expect("an absolute path"))
}
