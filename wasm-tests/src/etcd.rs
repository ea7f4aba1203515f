//! A real etcd of a test's own, on a port of 127.0.0.1, with its data in a folder that goes with it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::client::{Client, Request};
use crate::envoy::mortal;
use crate::process::Process;

/// A server, running or not.
#[derive(Debug)]
pub struct Etcd {
    // First: the process ends before its folder goes.
    process: Option<Process>,
    folder: tempfile::TempDir,
    port: u16,
    peer: u16,
}

/// Ports that were free a moment ago.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("its address").port())
}

impl Etcd {
    /// A server that is ready.
    ///
    /// # Panics
    /// If there is no etcd (`scripts/setup` installs one), or it does not get ready.
    #[must_use]
    pub fn start() -> Self {
        let [port, peer] = free_ports();
        let mut etcd = Self {
            folder: tempfile::tempdir().expect("a folder"),
            port,
            peer,
            process: None,
        };
        etcd.resume();
        etcd
    }

    /// The port of its clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it. What it has acknowledged stays.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again where it stopped.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn resume(&mut self) {
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let (client, peer) = (url(self.port), url(self.peer));
        let program = Path::new("etcd");
        let mut command = mortal(program);
        command
            .args(["--data-dir", &self.folder.path().display().to_string()])
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args(["--initial-cluster", &format!("default={peer}")])
            .stderr(Stdio::null());
        self.process = Some(Process::of(program, command));
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.try_ask("/v3/maintenance/status", &json!({})).is_none() {
            assert!(Instant::now() < deadline, "etcd does not get ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn try_ask(&self, path: &str, body: &Value) -> Option<Value> {
        let response = Client::new(self.port).try_send(Request::post(path).json(body));
        response
            .ok()
            .filter(|response| response.status == 200)
            .map(|response| response.json())
    }

    /// All values, as text.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn values(&self) -> Vec<String> {
        // From the least key on, without an end.
        let zero = STANDARD.encode([0]);
        let all = self.try_ask("/v3/kv/range", &json!({"key": zero, "range_end": zero}));
        let all = all.expect("etcd answers");
        let values = all["kvs"].as_array().into_iter().flatten();
        values
            .map(|kv| {
                let value = kv["value"].as_str().unwrap_or_default();
                let bytes = STANDARD.decode(value).expect("base64");
                String::from_utf8_lossy(&bytes).into_owned()
            })
            .collect()
    }

    /// The revision: how many writes there were.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn revision(&self) -> u64 {
        let status = self.try_ask("/v3/maintenance/status", &json!({}));
        let status = status.expect("etcd answers");
        let revision = status["header"]["revision"].as_str();
        revision
            .and_then(|text| text.parse().ok())
            .expect("a revision")
    }
}
