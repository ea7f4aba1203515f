//! What Envoy makes of a configuration: the shipped ones are valid, and a bad document says where it is bad.

use meshrouter_wasm_tests::client::Request;
use meshrouter_wasm_tests::envoy::Envoy;
use meshrouter_wasm_tests::providers::simulators;
use meshrouter_wasm_tests::shape;
use serde_json::{Value, json};

#[track_caller]
fn assert_valid(shapes: &[&str]) {
    for shape in shapes {
        if let Err(error) = Envoy::builder().base(shape::file(shape)).validate() {
            panic!("{shape}: {error}");
        }
    }
}

#[test]
fn the_portable_shapes_are_valid() {
    assert_valid(&["envoy", "fused", "dynamic/envoy"]);
}

/// Needs Envoy 1.40: `scripts/test --envoy` leaves it out for older ones.
#[test]
fn the_native_shapes_are_valid() {
    assert_valid(&["native", "native-fused"]);
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
        let error = match simulators().envoy().document(edit).try_start() {
            Err(error) => error,
            // Envoy waits for no resource for ever: it starts, and refuses what the filter would have had to pass.
            Ok(envoy) if shape::is_dynamic() => {
                assert_eq!(
                    envoy.client().send(Request::get("/api/v1/models")).status,
                    500
                );
                envoy.log()
            }
            Ok(_) => panic!("{field}: it starts"),
        };
        assert!(error.contains(field), "{field}: {error}");
        // A key that was written where its hash belongs stays out of the log.
        assert!(!error.contains("sk-or-v1-demo"), "{error}");
    }
}
