//! The host itself, tested with the probe filter: what real filters rely on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod chains;
mod gateway;
mod host_calls;

use meshrouter_wasm_tests::vm::{Chain, Error, HeaderMap, Plugin, World, built};

/// A probe filter that does what `script` says.
fn probe(name: &str, script: &str) -> Plugin {
    Plugin::new(name, built("probe"), script)
}

fn start(world: &World, scripts: &[(&str, &str)]) -> Result<Chain, Error> {
    let plugins: Vec<Plugin> = scripts
        .iter()
        .map(|(name, script)| probe(name, script))
        .collect();
    Chain::new(world, &plugins)
}

fn probes(world: &World, scripts: &[(&str, &str)]) -> Chain {
    start(world, scripts).unwrap()
}

fn post() -> HeaderMap {
    [
        (":method", "POST"),
        (":path", "/v1?x=1"),
        (":authority", "a.test"),
        ("x-in", "in"),
    ]
    .into()
}

/// What a filter logged, without the host's own lines.
fn said(world: &World, filter: &str) -> Vec<String> {
    world
        .logs()
        .into_iter()
        .filter(|l| l.filter == filter && l.level == 2)
        .map(|l| l.message)
        .collect()
}
