//! A pod of the rendered Deployment: Envoy with the container's command, files and working directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Rendered;
use super::container::Container;
use crate::client::{Client, Request};
use crate::envoy::{appended, binary, config, mortal, spawn};
use crate::etcd::free_ports;

/// A running pod; it ends when this is dropped, and shows its log if that is because a test failed.
///
/// Its ports are others than the manifests', because several run on one machine, and on 127.0.0.1; whatever names one, names that.
#[derive(Debug)]
pub struct Pod {
    container: Container,
    envoy: Child,
    manifest: Value,
    ports: BTreeMap<u64, u16>,
    output: TempDir,
}

impl Pod {
    /// Starts the container, and waits for nothing.
    ///
    /// # Panics
    /// If something of it is missing.
    pub fn start(rendered: &Rendered, secret: &Value) -> Self {
        let manifest =
            rendered.the("Deployment")["spec"]["template"]["spec"]["containers"][0].clone();
        let [admin, http, operations] = free_ports();
        let ports = BTreeMap::from([(9901, admin), (8080, http), (9902, operations)]);
        let container = Container::of_image();
        container.mount(&on_ports(rendered, &ports), secret);
        let output = tempfile::tempdir().unwrap();
        let mut words = texts(&manifest["command"]).chain(texts(&manifest["args"]));
        assert_eq!(words.next().as_deref(), Some("envoy"));
        let mut command = mortal(&binary().unwrap());
        command
            .args(words)
            .current_dir(container.place(manifest["workingDir"].as_str().unwrap()))
            .stdin(Stdio::null())
            .stdout(appended(&output.path().join("stdout")).unwrap())
            .stderr(appended(&output.path().join("stderr")).unwrap());
        let envoy = spawn(command).unwrap();
        Self {
            container,
            envoy,
            manifest,
            ports,
            output,
        }
    }

    /// Starts it, and waits for as long as its startup probe has patience.
    ///
    /// # Panics
    /// If it has none any more.
    #[track_caller]
    pub fn started(rendered: &Rendered, secret: &Value) -> Self {
        let pod = Self::start(rendered, secret);
        let probe = &pod.manifest["startupProbe"];
        let number = |name: &str| probe[name].as_u64().unwrap();
        let patience = Duration::from_secs(number("periodSeconds") * number("failureThreshold"));
        let start = Instant::now();
        while !pod.probe("startupProbe") {
            assert!(
                start.elapsed() < patience,
                "not within {patience:?}: {}",
                pod.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        pod
    }

    /// What the kubelet finds when it asks as this probe says.
    ///
    /// # Panics
    /// If the container has no such probe.
    pub fn probe(&self, name: &str) -> bool {
        let get = &self.manifest[name]["httpGet"];
        let path = get["path"].as_str().expect("a path");
        let seconds = self.manifest[name]["timeoutSeconds"]
            .as_u64()
            .expect("a timeout");
        let client = self.client(get["port"].as_str().expect("a port's name"));
        let response = client
            .timeout(Duration::from_secs(seconds))
            .try_send(Request::get(path));
        response.is_ok_and(|response| (200..400).contains(&response.status))
    }

    /// A client of the container's port with this name.
    ///
    /// # Panics
    /// If it has none.
    #[track_caller]
    pub fn client(&self, port: &str) -> Client {
        let mut ports = self.manifest["ports"].as_array().expect("ports").iter();
        let found = ports.find(|known| known["name"] == *port);
        let number = found.and_then(|found| found["containerPort"].as_u64());
        Client::new(self.ports[&number.unwrap_or_else(|| panic!("no port {port}"))])
    }

    /// Changes the mounted files, as the kubelet does when the objects have changed.
    pub fn mount(&self, rendered: &Rendered, secret: &Value) {
        self.container
            .mount(&on_ports(rendered, &self.ports), secret);
    }

    /// Where a path of the container is.
    pub fn place(&self, path: &str) -> PathBuf {
        self.container.place(path)
    }

    /// Starts the command that comes before the end, with its pause for the cluster cut short to a second.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn pre_stop(&self) -> PreStop {
        let words: Vec<String> =
            texts(&self.manifest["lifecycle"]["preStop"]["exec"]["command"]).collect();
        let port = |text: &String| text.replace("/9901", &format!("/{}", self.ports[&9901]));
        let words: Vec<_> = words
            .iter()
            .map(|word| port(word).replace("sleep 10", "sleep 1"))
            .collect();
        let mut command = mortal(Path::new(&words[0]));
        command
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        PreStop(spawn(command).unwrap())
    }

    /// Whether the Envoy that was started still runs.
    ///
    /// # Panics
    /// If the system does not say.
    pub fn is_running(&mut self) -> bool {
        self.envoy.try_wait().unwrap().is_none()
    }

    /// Envoy's log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.output.path().join("stderr")).unwrap_or_default()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.envoy.kill();
        let _ = self.envoy.wait();
        if std::thread::panicking() {
            eprintln!("--- Envoy's log\n{}", self.log());
        }
    }
}

/// The command that comes before a pod's end; it is killed when this is dropped.
#[derive(Debug)]
pub struct PreStop(Child);

impl PreStop {
    /// How it ended, if it has.
    ///
    /// # Panics
    /// If the system does not say.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

impl Drop for PreStop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same with these ports of 127.0.0.1 in Envoy's configuration.
fn on_ports(rendered: &Rendered, ports: &BTreeMap<u64, u16>) -> Rendered {
    let mut rendered = rendered.clone();
    for (config_map, file) in [
        ("meshrouter-bootstrap", "envoy.yaml"),
        ("meshrouter-live", "listeners.json"),
    ] {
        rendered.edit(config_map, file, |config| {
            config::visit(config, &mut |object| {
                let port = object.get("port_value").and_then(Value::as_u64);
                if let Some(port) = port.and_then(|port| ports.get(&port)) {
                    object.insert("port_value".to_owned(), json!(port));
                    object.insert("address".to_owned(), json!("127.0.0.1"));
                }
            });
        });
    }
    rendered
}

fn texts(list: &Value) -> impl Iterator<Item = String> {
    let texts = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    texts.map(str::to_owned)
}
