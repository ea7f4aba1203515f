//! Real clients: the packages `openai` and `openrouter` for Python, each in a script of its own.

use std::path::PathBuf;
use std::process::Command;

use meshrouter_wasm_tests::envoy::repository;

use crate::ask::Ask;
use crate::gateway::{Gateway, shared};
use crate::keys::{APP, OPS, managed};

/// `$MESHROUTER_PYTHON`, or what `scripts/setup` installed.
fn python() -> PathBuf {
    let named = std::env::var_os("MESHROUTER_PYTHON").filter(|named| !named.is_empty());
    named.map_or_else(
        || repository().join(".cache/python/bin/python"),
        PathBuf::from,
    )
}

/// Runs a script of `wasm-tests/python` with the URL of the shared gateway and a key.
fn run(package: &str, script: &str) {
    run_on(&shared(), package, script, &[&Ask::model("").key()]);
}

/// Runs a script with the URL of a gateway and keys.
fn run_on(gateway: &Gateway, package: &str, script: &str, keys: &[&str]) {
    let python = python();
    let import = format!("import {package}");
    let has_package = Command::new(&python).args(["-c", &import]).output();
    match has_package {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "{} has no package {package}, run scripts/setup or set MESHROUTER_PYTHON: {}",
            python.display(),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!(
            "no Python with the package {package}, run scripts/setup or set MESHROUTER_PYTHON: {}: {error}",
            python.display()
        ),
    }
    let output = Command::new(&python)
        .arg(repository().join("wasm-tests/python").join(script))
        .arg(format!("http://127.0.0.1:{}/api/v1", gateway.envoy.port()))
        .args(keys)
        // A proxy of the machine's is not to be asked for its own ports.
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    println!("{said}");
    gateway.assert_calm();
}

#[test]
fn the_openai_package_is_served() {
    run("openai", "openai_client.py");
}

#[test]
fn the_openrouter_package_is_served() {
    run("openrouter", "openrouter_client.py");
}

#[test]
fn the_openrouter_package_manages_keys() {
    run_on(&managed(), "openrouter", "openrouter_keys.py", &[OPS, APP]);
}
