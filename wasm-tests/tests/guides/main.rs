//! Walks the guides of `envoy/README.md`: every command of theirs, in a folder like the repository's.

// Clippy exempts test functions only, not the helpers beside them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod markdown;
mod place;

use std::fs;
use std::process::Command;

use meshrouter_wasm_tests::envoy::repository;
use meshrouter_wasm_tests::merge::merge;
use meshrouter_wasm_tests::registry::Registry;
use serde_json::Value;

use markdown::{Block, blocks, checked};
use place::Place;

/// What every guide's script begins with: how an output is checked, and how those end that stay.
const PRELUDE: &str = r#"set -euo pipefail
pids=()
end() {
  trap '' TERM
  ((${#pids[@]} == 0)) || { kill "${pids[@]}" 2>/dev/null; wait; } || true
}
trap end EXIT
prints() {
  local said command
  command=$(cat)
  said=$(eval "$command" 2>&1) || { printf '%s\nfailed: %s\n' "$said" "$command"; exit 1; }
  printf '%s\n' "$said"
  [[ $said == *"$1"* ]] || { printf 'expected of %s\n  %s\n' "$command" "$1"; exit 1; }
}
up() { # PID LOG EPOCH
  local i
  for ((i = 0; i < 900; i++)); do
    kill -0 "$1" 2>/dev/null || break
    if [[ $(curl -s "http://127.0.0.1:$ADMIN/server_info") == *"\"restart_epoch\": $3"* ]] &&
      curl -sf -o /dev/null "http://127.0.0.1:$GATEWAY/api/v1/models"; then return; fi
    sleep 0.1
  done
  cat "$2"
  echo "it does not get ready"
  exit 1
}
"#;

/// What a reader has in the environment.
const GIVEN: [&str; 6] = [
    "REGISTRY_USER",
    "REGISTRY_PASSWORD",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GROQ_API_KEY",
    "TOGETHER_API_KEY",
];

/// The script of a guide's blocks.
fn script(place: &Place, blocks: &[Block]) -> String {
    let mut script = PRELUDE.to_owned();
    for (n, block) in blocks.iter().enumerate() {
        let text = checked(&place.ported(&block.text));
        if !block.stays {
            script.push_str(&text);
            continue;
        }
        let epoch = text
            .split_once("--restart-epoch ")
            .map_or("0", |(_, epoch)| epoch.split(' ').next().unwrap());
        script.push_str(&format!("( {text} ) >terminal-{n}.log 2>&1 &\npids+=($!)\nup $! \"$PWD/terminal-{n}.log\" {epoch}\n"));
    }
    script
}

/// Runs all commands of a guide.
fn walk(title: &str, prepare: impl FnOnce(&mut Place)) {
    let guides = fs::read_to_string(repository().join("envoy/README.md")).unwrap();
    let mut place = Place::new();
    prepare(&mut place);
    let blocks = blocks(&guides, title);
    assert!(!blocks.is_empty(), "{title} has no commands");
    let path = format!(
        "{}:{}",
        place.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("bash")
        .arg("-c")
        .arg(script(&place, &blocks))
        .current_dir(place.path(""))
        .env("PATH", path)
        .env("ENVOY_BIN", place.path("bin/envoy"))
        .env("STAND_INS", place.path("stand-ins"))
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env("GATEWAY", place.port("8080").to_string())
        .env("ADMIN", place.port("9901").to_string())
        .envs(GIVEN.map(|name| (name, "somebody")))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{title}: {}\n{stdout}\n{stderr}",
        output.status
    );
    println!("{stdout}");
}

#[test]
fn try_it() {
    walk("Try it", |_| {});
}

#[test]
fn into_your_envoy() {
    walk("Into your Envoy", |place| {
        let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
        let theirs = read("wasm-tests/tests/fixtures/existing.yaml");
        let fragment = read("envoy/existing-listener.yaml");
        let fragment = fragment
            .replace("your-listener", "ingress")
            .replace("your-virtual-host", "api");
        let mut config: Value = serde_norway::from_str(&theirs).unwrap();
        merge(&mut config, serde_norway::from_str(&fragment).unwrap());
        let merged = config.to_string();
        fs::write(place.path("your-envoy.yaml"), merged).unwrap();
    });
}

#[test]
fn into_istio() {
    walk("Into Istio", |place| {
        fs::copy(
            place.path("envoy/istio/keys.yaml"),
            place.path("envoy/istio/my-keys.yaml"),
        )
        .unwrap();
    });
}

#[test]
fn into_kubernetes() {
    walk("Into Kubernetes", |place| {
        // Nothing is forwarded to a pod.
        place.program("bin/curl", "#!/bin/sh\necho meshrouter_requests_total\n");
        // The folder is under version control, and has been changed once.
        let git = "git init -q && git add envoy && for n in 1 2; do \
                   git -c user.name=n -c user.email=e commit -q --allow-empty -m $n; done";
        let status = Command::new("sh")
            .args(["-c", git])
            .current_dir(place.path(""))
            .status();
        assert!(status.unwrap().success());
    });
}

#[test]
fn change_it_while_it_runs() {
    walk("Change it while it runs", |_| {});
}

#[test]
fn upgrade_and_back() {
    walk("Upgrade, and back", |_| {});
}

#[test]
fn see_it() {
    walk("See it", |_| {});
}

#[test]
fn ship_the_modules() {
    let registry = Registry::start();
    walk("Ship the modules", |place| {
        place
            .others
            .push(("ghcr.io", format!("127.0.0.1:{}", registry.port())));
    });
}
