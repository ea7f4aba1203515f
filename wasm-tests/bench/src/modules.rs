//! How large the modules of a configuration are.

use std::collections::BTreeSet;
use std::fs;

use meshrouter_wasm_tests::envoy::repository;

/// The modules that a configuration names, together, in megabytes.
pub fn megabytes(gateway: &str) -> Result<f64, String> {
    let path = repository().join(format!("envoy/{gateway}.yaml"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let size = |module: &String| {
        let path = repository().join(module);
        let found = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()));
        found.map(|found| found.len() as f64 / 1e6)
    };
    names(&text).iter().map(size).sum()
}

/// The files `target/wasm/….wasm` in a text, each once.
fn names(text: &str) -> BTreeSet<String> {
    const FOLDER: &str = "target/wasm/";
    let name = |rest: &str| Some(format!("{FOLDER}{}.wasm", rest.split_once(".wasm")?.0));
    text.split(FOLDER).skip(1).filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_counts_once() {
        let text =
            "a: target/wasm/edge.wasm}\nb: target/wasm/attempt.wasm\nc: target/wasm/edge.wasm";
        let found: Vec<String> = names(text).into_iter().collect();
        assert_eq!(found, ["target/wasm/attempt.wasm", "target/wasm/edge.wasm"]);
        assert!(megabytes("envoy").unwrap() > 0.5);
    }
}
