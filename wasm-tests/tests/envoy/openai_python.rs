//! A real client: the `openai` package for Python, in a script of its own.

use std::path::PathBuf;
use std::process::Command;

use meshrouter_wasm_tests::envoy::repository;

use crate::ask::Ask;
use crate::gateway::shared;

/// `$MESHROUTER_PYTHON`, or what `scripts/setup` installed.
fn python() -> PathBuf {
    let named = std::env::var_os("MESHROUTER_PYTHON").filter(|named| !named.is_empty());
    named.map_or_else(
        || repository().join(".cache/python/bin/python"),
        PathBuf::from,
    )
}

#[test]
fn the_openai_package_is_served() {
    let python = python();
    let has_openai = Command::new(&python).args(["-c", "import openai"]).output();
    match has_openai {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!(
            "{} has no package openai, run scripts/setup or set MESHROUTER_PYTHON: {}",
            python.display(),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!(
            "no Python with the package openai, run scripts/setup or set MESHROUTER_PYTHON: {}: {error}",
            python.display()
        ),
    }
    let gateway = shared();
    let key = Ask::model("").key();
    let output = Command::new(&python)
        .arg(repository().join("wasm-tests/python/openai_client.py"))
        .arg(format!("http://127.0.0.1:{}/api/v1", gateway.envoy.port()))
        .arg(key)
        // A proxy of the machine's is not to be asked for its own ports.
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    println!("{said}");
    // What the package calls `reasoning_effort`, in the words of the endpoint.
    let requests = gateway.providers.alpha.requests().into_iter();
    let efforts = requests
        .map(|request| request.json())
        .filter(|body| body["simulate"]["id"] == "python-reasoning")
        .map(|body| body["reasoning_effort"].clone());
    assert_eq!(efforts.collect::<Vec<_>>(), ["low"; 3]);
    gateway.assert_calm();
}
