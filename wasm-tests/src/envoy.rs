//! A real Envoy for a test: started on a shipped configuration with free ports, gone with the test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Client, Request, Response};

mod builder;
pub(crate) mod config;
#[cfg(feature = "containers")]
mod container;
mod dynamic;
mod launcher;
mod local;

pub use builder::Builder;
use dynamic::Live;
pub use launcher::Launcher;
use launcher::Running;
pub(crate) use local::{appended, binary, mortal, spawn};

/// How often to look for something that is about to happen.
const POLL: Duration = Duration::from_millis(5);
/// How long an access-log record may take.
const ACCESS_LOG_TIMEOUT: Duration = Duration::from_secs(10);

/// The directory of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A ready Envoy; it is killed when this is dropped, and shows its log if that is because a test failed.
///
/// In a `static` it is never dropped: a local Envoy then dies with the test process all the same, a
/// container does not.
pub struct Envoy {
    // In this order: the process ends before its directory goes.
    running: Box<dyn Running>,
    admin: SocketAddr,
    listeners: Vec<(String, u16)>,
    live: Live,
    _directory: TempDir,
}

impl Envoy {
    /// An Envoy to be.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The port of the first listener that has one.
    ///
    /// # Panics
    /// If no listener has one.
    pub fn port(&self) -> u16 {
        self.listeners.first().expect("a listener with a port").1
    }

    /// The port of the listener with this name.
    ///
    /// # Panics
    /// If there is no such listener with a port.
    pub fn listener_port(&self, name: &str) -> u16 {
        let named = self.listeners.iter().find(|(listener, _)| listener == name);
        named
            .unwrap_or_else(|| panic!("no listener {name} in {:?}", self.listeners))
            .1
    }

    /// A client of the first listener.
    pub fn client(&self) -> Client {
        Client::new(self.port())
    }

    /// The port of the admin.
    pub fn admin_port(&self) -> u16 {
        self.admin.port()
    }

    /// What the admin answers to a GET of this path, such as `/stats/prometheus`.
    ///
    /// # Panics
    /// If it does not answer.
    #[track_caller]
    pub fn admin(&self, path: &str) -> String {
        Client::new(self.admin.port())
            .send(Request::get(path))
            .text()
    }

    /// Changes a configuration that comes from files while Envoy runs, as a person does by
    /// `scripts/publish`. Edits see all of it as if it stood in one file.
    ///
    /// # Panics
    /// If nothing of it comes from files, or they cannot be written.
    #[track_caller]
    pub fn change(&self, edit: impl FnOnce(&mut Value)) {
        if let Err(error) = self.live.change(edit) {
            panic!("{error}");
        }
    }

    /// The same of the gateway document.
    ///
    /// # Panics
    /// As [`Envoy::change`].
    #[track_caller]
    pub fn change_document(&self, edit: impl FnOnce(&mut Value) + 'static) {
        self.change(|config| {
            let edited = config::edit_document(config, vec![Box::new(edit)]);
            edited.expect("a gateway document");
        });
    }

    /// Envoy's process, if it is one of this machine's that can be named.
    pub fn pid(&self) -> Option<u32> {
        self.running.pid()
    }

    /// Envoy's log so far, which is its standard error.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.running.stderr()).into_owned()
    }

    /// Envoy's standard output so far, which is where the access log goes.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.running.stdout()).into_owned()
    }

    /// The access-log records so far: the JSON lines of its standard output.
    pub fn access_log(&self) -> Vec<Value> {
        let stdout = self.running.stdout();
        let lines = stdout.split(|byte| *byte == b'\n');
        lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }

    /// The access-log records, once there are at least so many.
    ///
    /// # Panics
    /// If there are not within ten seconds.
    #[track_caller]
    pub fn wait_for_access_log(&self, records: usize) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let log = self.access_log();
            if log.len() >= records {
                return log;
            }
            assert!(
                start.elapsed() < ACCESS_LOG_TIMEOUT,
                "not {records} access-log records: {log:?}"
            );
            std::thread::sleep(POLL);
        }
    }

    /// The Envoy that `running` is to become.
    fn when_ready(
        running: Box<dyn Running>,
        directory: TempDir,
        live: Live,
        listeners: &[String],
        timeout: Duration,
    ) -> Result<Self, String> {
        let deadline = Instant::now() + timeout;
        loop {
            match ready(directory.path(), listeners) {
                Some((admin, listeners)) => {
                    let _directory = directory;
                    return Ok(Self {
                        running,
                        admin,
                        listeners,
                        live,
                        _directory,
                    });
                }
                None if running.ended().is_some() || Instant::now() > deadline => {
                    let end = running
                        .ended()
                        .unwrap_or_else(|| format!("not within {timeout:?}"));
                    let log = String::from_utf8_lossy(&running.stderr()).into_owned();
                    return Err(format!("Envoy does not get ready: {end}\n{}", tail(&log)));
                }
                None => std::thread::sleep(POLL),
            }
        }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- Envoy's standard output\n{}", self.output());
            eprintln!("--- Envoy's log\n{}", self.log());
        }
    }
}

impl std::fmt::Debug for Envoy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Envoy");
        shown
            .field("admin", &self.admin)
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

/// What an Envoy that only checks its configuration says of it.
fn validated(running: &dyn Running, timeout: Duration) -> Result<(), String> {
    let deadline = Instant::now() + timeout;
    let end = loop {
        match running.ended() {
            Some(end) => break end,
            None if Instant::now() > deadline => return Err(format!("not within {timeout:?}")),
            None => std::thread::sleep(POLL),
        }
    };
    let said = [running.stdout(), running.stderr()].concat();
    let said = String::from_utf8_lossy(&said);
    // The words of Envoy's success; the status is written differently by each launcher.
    if said.lines().any(|line| line.ends_with("' OK")) {
        return Ok(());
    }
    Err(format!("{end}\n{}", tail(&said)))
}

/// Where Envoy writes its admin's address.
fn admin_file(directory: &Path) -> PathBuf {
    directory.join("run/admin")
}

/// The admin's address and the ports of these listeners, if Envoy is ready.
fn ready(directory: &Path, listeners: &[String]) -> Option<(SocketAddr, Vec<(String, u16)>)> {
    let address = std::fs::read_to_string(admin_file(directory)).ok()?;
    let address: SocketAddr = address.trim().parse().ok()?;
    let client = Client::new(address.port()).timeout(Duration::from_secs(5));
    let ask = |path| client.try_send(Request::get(path)).ok().filter(ok);
    ask("/ready")?;
    let status: Value = serde_json::from_slice(&ask("/listeners?format=json")?.body).ok()?;
    let port = |name: &String| Some((name.clone(), listener_port(&status, name)?));
    let ports = listeners.iter().map(port).collect::<Option<_>>()?;
    Some((address, ports))
}

fn ok(response: &Response) -> bool {
    response.status == 200
}

fn listener_port(status: &Value, name: &str) -> Option<u16> {
    let mut listeners = status["listener_statuses"].as_array()?.iter();
    let listener = listeners.find(|listener| listener["name"] == name)?;
    let port = listener
        .pointer("/local_address/socket_address/port_value")?
        .as_u64()?;
    u16::try_from(port).ok().filter(|port| *port != 0)
}

/// The last lines of a log.
fn tail(log: &str) -> String {
    const LINES: usize = 40;
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
