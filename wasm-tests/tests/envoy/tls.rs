//! Certificates and connections of tests, by the program `openssl`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Somebody who signs certificates.
pub(crate) struct Authority {
    directory: TempDir,
}

/// A certificate and its key, as PEM.
pub(crate) struct Certificate {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    /// A new one; `None`, and a line that says so, where there is no `openssl`.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: there is no program `openssl` to make certificates with");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        request(directory.path(), "ca", &[]);
        Some(Self { directory })
    }

    /// Its own certificate.
    pub(crate) fn chain(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("ca.pem")).unwrap()
    }

    /// A certificate for this alternative name, such as `URI:spiffe://…`.
    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        let name = format!("subjectAltName={name}");
        let usage = "basicConstraints=critical,CA:FALSE";
        let signed = [
            "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", &name, "-addext", usage,
        ];
        request(self.directory.path(), "leaf", &signed);
        let read = |file| std::fs::read_to_string(self.directory.path().join(file)).unwrap();
        Certificate {
            chain: read("leaf.pem"),
            key: read("leaf.key"),
        }
    }
}

/// Makes a key and a certificate of this name in a directory.
fn request(directory: &Path, name: &str, more: &[&str]) {
    let (key, chain) = (format!("{name}.key"), format!("{name}.pem"));
    let output = Command::new("openssl")
        .current_dir(directory)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args(["-subj", &format!("/CN={name}"), "-days", "2"])
        .args(["-keyout", &key, "-out", &chain])
        .args(more)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What a completion is answered over TLS, with a certificate or without; nothing where the connection fails. `header`
/// are lines of the head.
pub(crate) fn exchange(
    port: u16,
    certificate: Option<&Certificate>,
    header: &str,
    body: &Value,
) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("openssl");
    command.current_dir(directory.path()).args([
        "s_client",
        "-quiet",
        "-connect",
        &format!("127.0.0.1:{port}"),
    ]);
    if let Some(certificate) = certificate {
        std::fs::write(directory.path().join("chain.pem"), &certificate.chain).unwrap();
        std::fs::write(directory.path().join("chain.key"), &certificate.key).unwrap();
        command.args(["-cert", "chain.pem", "-key", "chain.key"]);
    }
    let mut client = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let body = body.to_string();
    let request = format!(
        "POST /api/v1/chat/completions HTTP/1.1\r\nhost: gateway.test\r\nconnection: close\r\n\
         content-type: application/json\r\n{header}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut input = client.stdin.take().unwrap();
    // Fails where the connection was refused.
    let _ = input.write_all(request.as_bytes());
    let output = client.wait_with_output().unwrap();
    drop(input);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
