//! Envoy in a container, on the host's network so that ports mean the same inside and outside.

use testcontainers::core::{AccessMode, Mount};
use testcontainers::runners::SyncRunner;
use testcontainers::{Container, ContainerRequest, GenericImage, ImageExt};

use super::launcher::{Order, Running};
use super::repository;

/// What `scripts/lib/envoy-image` makes.
const IMAGE: &str = "meshrouter-envoy:1.40.0";

struct Contained(Container<GenericImage>);

/// Starts a container; it sees the directories of the order at the paths that they have here.
pub(super) fn launch(order: &Order) -> Result<Box<dyn Running>, String> {
    let image = std::env::var("ENVOY_IMAGE")
        .ok()
        .filter(|image| !image.is_empty());
    let image = image.unwrap_or_else(|| IMAGE.to_owned());
    let (name, tag) = name_and_tag(&image);
    // Envoy itself: the official image's entry point would run it as another user.
    let mut request: ContainerRequest<_> = GenericImage::new(name, tag)
        .with_entrypoint("envoy")
        .with_cmd(&order.arguments)
        // A shipped configuration names its modules from here.
        .with_working_dir(repository().display().to_string())
        .with_network("host");
    for directory in &order.readable {
        let path = directory.display().to_string();
        let mount = Mount::bind_mount(path.as_str(), path.as_str());
        request = request.with_mount(mount.with_access_mode(AccessMode::ReadOnly));
    }
    let writable = order.writable.display().to_string();
    request = request.with_mount(Mount::bind_mount(writable.as_str(), writable.as_str()));
    for (name, value) in &order.environment {
        request = request.with_env_var(name, value);
    }
    let container = request
        .start()
        .map_err(|error| format!("a container of {image}: {error}"))?;
    Ok(Box::new(Contained(container)))
}

impl Running for Contained {
    fn stdout(&self) -> Vec<u8> {
        self.0.stdout_to_vec().unwrap_or_default()
    }

    fn stderr(&self) -> Vec<u8> {
        self.0.stderr_to_vec().unwrap_or_default()
    }

    fn ended(&self) -> Option<String> {
        match self.0.is_running() {
            Ok(true) => None,
            Ok(false) => Some(format!("exit code {:?}", self.0.exit_code().ok().flatten())),
            Err(error) => Some(error.to_string()),
        }
    }

    fn pid(&self) -> Option<u32> {
        None
    }
}

/// A registry's port is no tag.
fn name_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}
