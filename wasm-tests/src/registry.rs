//! A real registry of images of a test's own, on a port of 127.0.0.1, with its data in a folder that goes with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Request, Response};
use crate::envoy::{mortal, repository};
use crate::process::Process;

/// A running server.
#[derive(Debug)]
pub struct Registry {
    // In this order: the process ends before its folder goes.
    _process: Process,
    _folder: tempfile::TempDir,
    port: u16,
}

impl Registry {
    /// A server for everybody.
    ///
    /// # Panics
    /// If there is no docker-registry (`scripts/setup` brings one), or it does not get ready.
    #[must_use]
    pub fn start() -> Self {
        Self::with(None)
    }

    /// A server for whom this line of an htpasswd file lets in.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn for_user(htpasswd: &str) -> Self {
        Self::with(Some(htpasswd))
    }

    fn with(htpasswd: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        let mut config = json!({
            "version": "0.1",
            "log": {"accesslog": {"disabled": true}},
            "storage": {"filesystem": {"rootdirectory": place("data")}},
            "http": {"addr": "127.0.0.1:0"},
        });
        if let Some(line) = htpasswd {
            fs::write(place("htpasswd"), line).expect("a file");
            config["auth"] = json!({"htpasswd": {"realm": "test", "path": place("htpasswd")}});
        }
        // JSON is YAML.
        fs::write(place("config.yml"), config.to_string()).expect("a file");
        let log = place("log");
        let mut command = mortal(&binary());
        command
            .arg("serve")
            .arg(place("config.yml"))
            .stderr(File::create(&log).expect("a file"));
        // Drops, and so ends, the server if it does not get ready.
        let mut registry = Self {
            _process: Process::of(&binary(), command),
            _folder: folder,
            port: 0,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while registry.port == 0 {
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "docker-registry does not get ready: {said}"
            );
            registry.port = port(&said).unwrap_or(0);
            std::thread::sleep(Duration::from_millis(5));
        }
        registry
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The manifest of this tag or digest.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn manifest(&self, repository: &str, reference: &str) -> Response {
        let request = Request::get(&format!("/v2/{repository}/manifests/{reference}"));
        let kind = "application/vnd.oci.image.manifest.v1+json";
        Client::new(self.port).send(request.header("accept", kind))
    }

    /// The blob of a descriptor.
    ///
    /// # Panics
    /// If it does not answer, or with anything but the blob.
    #[must_use]
    pub fn blob(&self, repository: &str, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().expect("a digest");
        let path = format!("/v2/{repository}/blobs/{digest}");
        let response = Client::new(self.port).send(Request::get(&path));
        assert_eq!(response.status, 200, "{}", response.text());
        response.body
    }
}

/// What `scripts/setup` unpacked, else one of the machine's.
fn binary() -> PathBuf {
    let unpacked = repository().join(".cache/registry/usr/bin/docker-registry");
    if unpacked.is_file() {
        return unpacked;
    }
    Path::new("docker-registry").to_owned()
}

/// The port that a log says it listens on.
fn port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("listening on 127.0.0.1:")?;
    let (port, _) = rest.split_once('"')?;
    port.parse().ok()
}
