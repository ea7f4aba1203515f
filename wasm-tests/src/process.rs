//! A program of a test's own, which goes with it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::envoy::{mortal, repository, spawn};

/// A program that runs, until this is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program from the repository's root, without input and output.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut command = mortal(program);
        command
            .args(arguments)
            .current_dir(repository())
            .stderr(Stdio::null());
        Self::of(program, command)
    }

    /// Runs a command of this program, without input and standard output.
    ///
    /// # Panics
    /// If it cannot be started.
    pub(crate) fn of(program: &Path, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = spawn(command);
        Self(child.unwrap_or_else(|error| {
            panic!("{}: {error} (scripts/setup brings it)", program.display())
        }))
    }

    /// The demo's traffic, to the gateway at this port, with a key and one that has limits.
    #[must_use]
    pub fn traffic(port: u16, key: &str, limited: &str) -> Self {
        let script = "scripts/lib/traffic.py";
        Self::start(
            Path::new("python3"),
            &[script, &port.to_string(), key, limited],
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
