//! A real Prometheus of a test's own, with the shipped configuration and alerts, and data in a folder that goes with it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Request};
use crate::envoy::{config, repository};
use crate::etcd::free_ports;
use crate::process::Process;

/// What is shipped for it.
const SHIPPED: &str = "envoy/dashboards";

/// A server that scrapes one Envoy.
#[derive(Debug)]
pub struct Prometheus {
    // In this order: the process ends before its folder goes.
    _process: Process,
    _folder: tempfile::TempDir,
    port: u16,
}

/// A file of `envoy/dashboards`.
#[must_use]
pub fn shipped(name: &str) -> PathBuf {
    repository().join(SHIPPED).join(name)
}

/// What `promtool` says of the files, or what it has to complain of.
///
/// # Errors
/// Its output, where it fails.
///
/// # Panics
/// If there is none (`scripts/setup` brings one).
pub fn promtool(arguments: &[&str], file: &Path) -> Result<String, String> {
    let promtool = repository().join(".cache/prometheus/promtool");
    let output = Command::new(promtool).args(arguments).arg(file).output();
    let output = output.expect("promtool: scripts/setup brings it");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

impl Prometheus {
    /// A server that is ready, on the shipped configuration: it scrapes the Envoy whose admin has this port, four times a
    /// second.
    ///
    /// # Panics
    /// If there is no Prometheus (`scripts/setup` brings one), or it does not get ready.
    #[must_use]
    pub fn start(admin: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = config::read(&shipped("prometheus.yaml")).expect("the configuration");
        config["global"] = json!({"scrape_interval": "250ms", "evaluation_interval": "1s"});
        config["rule_files"] = json!([shipped("alerts.yaml")]);
        config["scrape_configs"][0]["static_configs"] =
            json!([{"targets": [format!("127.0.0.1:{admin}")]}]);
        let file = folder.path().join("prometheus.json");
        std::fs::write(&file, config.to_string()).expect("the configuration is written");
        let [port] = free_ports();
        let arguments = [
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", folder.path().display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            format!("--web.user-assets={}", shipped("").display()),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let program = repository().join(".cache/prometheus/prometheus");
        assert!(program.exists(), "no Prometheus: run scripts/setup");
        let prometheus = Self {
            _process: Process::start(&program, &arguments),
            _folder: folder,
            port,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while prometheus.get("/-/ready").is_err() {
            assert!(
                Instant::now() < deadline,
                "Prometheus at port {port} does not get ready"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        prometheus
    }

    /// What it answers to a GET, or the refusal.
    ///
    /// # Errors
    /// Any other status than 200, or none.
    pub fn get(&self, path: &str) -> Result<String, String> {
        let response = Client::new(self.port).try_send(Request::get(path));
        let response = response.map_err(|error| error.to_string())?;
        match response.status {
            200 => Ok(response.text()),
            status => Err(format!("{status}: {}", response.text())),
        }
    }

    /// The data that an API answers with.
    fn data(&self, path: &str) -> Result<Value, String> {
        let text = self.get(path)?;
        let mut answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(answer["data"].take())
    }

    /// The values that a query has now, one for each series.
    ///
    /// # Errors
    /// Why it has none: the query is wrong.
    pub fn values(&self, query: &str) -> Result<Vec<f64>, String> {
        let data = self.data(&format!("/api/v1/query?query={}", encoded(query)))?;
        let series = data["result"].as_array().ok_or("no series")?;
        let value = |one: &Value| one["value"][1].as_str().and_then(|text| text.parse().ok());
        Ok(series.iter().filter_map(value).collect())
    }

    /// The alerts, with their state, health and last error.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn alerts(&self) -> Vec<Value> {
        let data = self.data("/api/v1/rules?type=alert").expect("an answer");
        let groups = data["groups"].as_array().into_iter().flatten();
        groups
            .flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default())
            .collect()
    }
}

/// A text as a value in a query string.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
