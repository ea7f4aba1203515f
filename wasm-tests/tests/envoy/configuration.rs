//! What Envoy makes of a configuration: the shipped ones are valid, and a bad document says where it is bad.

use meshrouter_wasm_tests::envoy::Envoy;
use meshrouter_wasm_tests::providers::simulators;
use serde_json::{Value, json};

#[test]
fn the_configuration_is_valid() {
    if let Err(error) = Envoy::builder().validate() {
        panic!("{error}");
    }
}

/// Needs Envoy 1.37: `scripts/test --envoy` leaves it out for older ones.
#[test]
fn the_configuration_for_real_providers_is_valid() {
    let keys = [
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GROQ_API_KEY",
        "TOGETHER_API_KEY",
    ];
    let envoy = || Envoy::builder().base("envoy/openai.yaml");
    let with_keys = keys
        .iter()
        .fold(envoy(), |envoy, key| envoy.env(key, "Bearer sk-dummy"));
    if let Err(error) = with_keys.validate() {
        panic!("{error}");
    }
    // An Envoy that says yes to everything would prove nothing.
    let error = envoy().validate().unwrap_err();
    assert!(error.contains("OPENAI_API_KEY"), "{error}");
}

#[test]
fn a_bad_document_is_refused_by_the_name_of_its_field() {
    type Edit = fn(&mut Value);
    let cases: [(&str, Edit); 4] = [
        ("models[0].endpoints[0].provider", |document| {
            document["models"][0]["endpoints"][0]["provider"] = json!("delta");
        }),
        ("models[0].colour", |document| {
            document["models"][0]["colour"] = json!("red")
        }),
        ("keys[0].hash", |document| {
            document["keys"][0]["hash"] = json!("sk-or-v1-demo")
        }),
        ("plugins.response-healing.enabled", |document| {
            document["plugins"]["response-healing"]["enabled"] = json!("yes");
        }),
    ];
    for (field, edit) in cases {
        let error = simulators().envoy().document(edit).try_start().unwrap_err();
        assert!(error.contains(field), "{field}: {error}");
        // A key that was written where its hash belongs stays out of the log.
        assert!(!error.contains("sk-or-v1-demo"), "{error}");
    }
}
