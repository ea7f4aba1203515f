//! A folder like the repository's, in which a guide is walked: its own ports, copies of what people edit, the rest linked.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use meshrouter_wasm_tests::envoy::repository;
use tempfile::TempDir;

/// The ports that stand in the guides, the scripts and the configurations.
const PORTS: [&str; 10] = [
    "8080", "9901", "9101", "9102", "9103", "9104", "9105", "9090", "2379", "2380",
];
/// The base id that stands in the guides: Envoys that hand over to each other share it, and no others of the machine.
const BASE_ID: &str = "--base-id 7";

/// The folder, and what stands for the ports there.
pub(crate) struct Place {
    folder: TempDir,
    ports: Vec<(&'static str, u16)>,
    /// What stands in the guides for what is another thing here.
    pub(crate) others: Vec<(&'static str, String)>,
}

impl Place {
    /// With all that is needed for the guides but what only one of them needs.
    pub(crate) fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            ports: PORTS.map(|port| (port, free_port())).to_vec(),
            others: Vec::new(),
        };
        let repository = repository();
        place.copy(&repository.join("scripts"), Path::new("scripts"));
        place.copy(&repository.join("envoy"), Path::new("envoy"));
        let _ = fs::remove_dir_all(place.path("envoy/dynamic/live"));
        for file in ["Cargo.toml", "LICENSE"] {
            fs::copy(repository.join(file), place.path(file)).unwrap();
        }
        place.link(&repository.join("target"), "target", &["wasm", "debug"]);
        let cache = fs::read_dir(repository.join(".cache")).unwrap();
        let cached: Vec<_> = cache.map(|entry| entry.unwrap().file_name()).collect();
        let cached = cached.iter().map(|name| name.to_str().unwrap());
        let cached: Vec<_> = cached
            .filter(|name| !["log", "toolchain"].contains(name))
            .collect();
        place.link(&repository.join(".cache"), ".cache", &cached);
        place.programs(&repository);
        place
    }

    /// A path in it.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A text with this place's ports.
    pub(crate) fn ported(&self, text: &str) -> String {
        let base_id = format!("--base-id {}", u32::from(self.port("8080")));
        let ports = self.ports.iter();
        let text = ports.fold(text.to_owned(), |text, (shown, port)| {
            replace_number(&text, shown, *port)
        });
        let text = text.replace(BASE_ID, &base_id);
        let others = self.others.iter();
        others.fold(text, |text, (shown, other)| text.replace(shown, other))
    }

    /// What stands for a port.
    pub(crate) fn port(&self, shown: &str) -> u16 {
        let mut ports = self.ports.iter();
        ports.find(|(known, _)| *known == shown).unwrap().1
    }

    /// Writes a program that the guides call.
    pub(crate) fn program(&self, name: &str, text: &str) {
        let file = self.path(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Setup and build have been done by whoever runs this test; cargo builds in the real folder.
    fn programs(&self, repository: &Path) {
        fs::create_dir(self.path("bin")).unwrap();
        for script in ["scripts/setup", "scripts/build"] {
            self.program(script, "#!/bin/sh\nexit 0\n");
        }
        let toolchain = fs::read_to_string(repository.join(".cache/toolchain")).unwrap();
        let bin = toolchain
            .lines()
            .find_map(|line| line.strip_prefix("native_bin="))
            .unwrap();
        let cargo = format!(
            "#!/bin/sh\ncd {} && exec {bin}/cargo \"$@\"\n",
            repository.display()
        );
        self.program("bin/cargo", &cargo);
        symlink(format!("{bin}/rustc"), self.path("bin/rustc")).unwrap();
        let own = toolchain.replace(
            &format!("native_bin={bin}"),
            &format!("native_bin={}", self.path("bin").display()),
        );
        fs::write(self.path(".cache/toolchain"), own).unwrap();
        let envoy = std::env::var_os("ENVOY_BIN")
            .map_or_else(|| repository.join(".cache/envoy/bin/envoy"), PathBuf::from);
        symlink(envoy, self.path("bin/envoy")).unwrap();
        symlink(
            repository.join(".cache/prometheus/promtool"),
            self.path("bin/promtool"),
        )
        .unwrap();
        for name in ["kubectl", "helm", "istioctl", "docker", "curl"] {
            self.program(&format!("bin/{name}"), include_str!("stand-in"));
        }
    }

    /// Copies a folder with this place's ports in its texts.
    fn copy(&self, from: &Path, to: &Path) {
        fs::create_dir(self.path(to)).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let (source, copy) = (entry.path(), to.join(entry.file_name()));
            if entry.file_type().unwrap().is_dir() {
                self.copy(&source, &copy);
            } else if let Ok(text) = fs::read_to_string(&source) {
                self.program(copy.to_str().unwrap(), &self.ported(&text));
            }
        }
    }

    fn link(&self, from: &Path, folder: &str, names: &[&str]) {
        fs::create_dir(self.path(folder)).unwrap();
        for name in names {
            symlink(from.join(name), self.path(folder).join(name)).unwrap();
        }
    }
}

/// A port below those that the kernel gives to others.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 600).unwrap() * 20;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Replaces a number where it is not part of another one, or of a name.
fn replace_number(text: &str, shown: &str, by: u16) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(shown) {
        let (before, after) = (&rest[..at], &rest[at + shown.len()..]);
        let is_part = |byte: Option<u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        };
        out.push_str(before);
        let alone = !is_part(before.bytes().last())
            && !is_part(after.bytes().next().filter(|byte| *byte != b'.'));
        match alone {
            true => out.push_str(&by.to_string()),
            false => out.push_str(shown),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[test]
fn ports_are_replaced_where_they_stand_alone() {
    let text = "127.0.0.1:8080/x 18080 8080. a8080 0.8080 (8080)";
    assert_eq!(
        replace_number(text, "8080", 7),
        "127.0.0.1:7/x 18080 7. a8080 0.8080 (7)"
    );
}
