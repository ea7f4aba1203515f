//! Istio's resources against the schemas of its CRDs, by Node.js and a package of npm.

use meshrouter_wasm_tests::envoy::repository;
use meshrouter_wasm_tests::istio::resources;
use meshrouter_wasm_tests::kubernetes;
use serde_json::{Value, json};

/// What is said of these resources, a line each, and whether all are valid.
fn check(resources: &[Value]) -> (bool, String) {
    kubernetes::check(&repository().join(".cache/istio"), resources)
}

/// Those that have a schema of Istio's.
fn of_istio() -> Vec<Value> {
    let files = [
        "providers.yaml",
        "router.yaml",
        "gateway.yaml",
        "sidecar.yaml",
    ];
    let mut all: Vec<_> = files.into_iter().flat_map(resources).collect();
    all.retain(|resource| {
        resource["apiVersion"]
            .as_str()
            .unwrap()
            .contains("istio.io")
    });
    all
}

#[test]
fn every_resource_is_valid() {
    let all = of_istio();
    let (valid, said) = check(&all);
    assert!(valid, "{said}");
    assert_eq!(said.lines().count(), all.len());
}

#[test]
fn a_wrong_value_a_missing_field_and_an_unknown_one_are_seen() {
    let mut all = of_istio();
    all.truncate(5);
    all[0]["spec"]["resolution"] = json!("SOMETIMES");
    all[2]["spec"].as_object_mut().unwrap().remove("hosts");
    all[4]["spec"]["workloadSelectors"] = json!({});
    let (valid, said) = check(&all);
    assert!(!valid, "{said}");
    let verdicts: Vec<_> = said
        .lines()
        .map(|line| line.split_once(": ").unwrap().1)
        .collect();
    assert!(
        verdicts[0].starts_with("/spec/resolution breaks enum"),
        "{said}"
    );
    assert_eq!(verdicts[1], "valid");
    assert!(verdicts[2].starts_with("/spec breaks required"), "{said}");
    assert_eq!(verdicts[3], "valid");
    assert_eq!(verdicts[4], "/spec/workloadSelectors is no field of it");
}
