//! What the figures were taken on.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

/// The machine and the versions of what was measured.
pub struct Machine {
    /// When, in UTC.
    pub date: String,
    /// How many CPUs may be used.
    pub cpus: usize,
    /// What they call themselves.
    pub cpu: String,
    /// Envoy's version.
    pub envoy: String,
    /// The Rust that built the modules.
    pub rustc: String,
}

impl Machine {
    /// This machine, with this Envoy running.
    pub fn of(cpus: usize, envoy: u32) -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|line| line.starts_with("model name"));
        let cpu = model
            .and_then(|line| line.split_once(':'))
            .map_or("of unknown make", |(_, name)| name.trim());
        let date = said(Command::new("date").args(["--utc", "+%Y-%m-%d %H:%M"]));
        Self {
            date,
            cpus,
            cpu: cpu.to_owned(),
            envoy: envoy_version(envoy),
            rustc: rustc(),
        }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "{} UTC, {} CPUs ({}), Envoy {}, modules by rustc {}",
            self.date, self.cpus, self.cpu, self.envoy, self.rustc
        )
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({"date": self.date, "cpus": self.cpus, "cpu": self.cpu, "envoy": self.envoy, "rustc": self.rustc})
    }
}

/// `1.40.0` of `…/1.40.0/Clean/RELEASE/BoringSSL`.
fn envoy_version(pid: u32) -> String {
    let words = said(Command::new(format!("/proc/{pid}/exe")).arg("--version"));
    let version = words
        .rsplit_once("version:")
        .and_then(|(_, builds)| builds.split('/').nth(1));
    version.unwrap_or("of unknown version").to_owned()
}

fn rustc() -> String {
    let module = meshrouter_wasm_tests::producers::rustc("auth");
    module.unwrap_or_else(|| "of unknown version".to_owned())
}

fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
