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

/// A probe filter that does what `script` says; `None`, with a note, where the module has not been built.
fn probe(name: &str, script: &str) -> Option<Plugin> {
    let module = built("probe");
    if !module.exists() {
        eprintln!("skipped: {} is not built", module.display());
        return None;
    }
    Some(Plugin::new(name, module, script))
}

fn chain(world: &World, scripts: &[(&str, &str)]) -> Option<Result<Chain, Error>> {
    let plugins: Option<Vec<Plugin>> = scripts
        .iter()
        .map(|(name, script)| probe(name, script))
        .collect();
    Some(Chain::new(world, &plugins?))
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

/// Leaves the test where the probe is not built.
macro_rules! probes {
    ($($args:tt)*) => {
        match $crate::chain($($args)*) {
            Some(chain) => chain.unwrap(),
            None => return,
        }
    };
}
use probes;
