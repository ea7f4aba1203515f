//! The shipped shapes differ in how filters are packed into modules, and in nothing else.

use meshrouter_wasm_tests::shape::{self, SEVEN};
use serde_json::{Value, json};

const MANAGER: &str = "/filter_chains/0/filters/0/typed_config/http_filters";

fn read(shape: &str) -> Value {
    let text = std::fs::read_to_string(shape::file(shape)).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// Takes the wasm filters out of each listener: what is left, and each listener's plugins.
fn split(mut config: Value) -> (Value, Vec<Vec<Value>>) {
    let listeners = config["static_resources"]["listeners"].as_array_mut();
    let mut plugins = Vec::new();
    for listener in listeners.unwrap() {
        let filters = listener.pointer_mut(MANAGER).unwrap();
        let all = filters.as_array().unwrap().clone();
        let (wasm, others) = all
            .into_iter()
            .partition(|filter| filter["typed_config"]["config"]["vm_config"].is_object());
        *filters = Value::Array(others);
        plugins.push(wasm);
    }
    (config, plugins)
}

/// A plugin without what only says which one it is; its module's name.
fn unnamed(mut plugin: Value) -> (Value, String) {
    let name = plugin["name"].take();
    let config = &mut plugin["typed_config"]["config"];
    assert_eq!(config["name"].take(), name);
    assert_eq!(config["root_id"].take(), name);
    let file = config["vm_config"]["code"]["local"]["filename"].take();
    assert_eq!(file, format!("target/wasm/{}.wasm", name.as_str().unwrap()));
    (plugin, name.as_str().unwrap().to_owned())
}

#[test]
fn fused_is_the_default_but_for_the_modules() {
    let (seven, seven_plugins) = split(read(SEVEN));
    let (fused, fused_plugins) = split(read("fused"));
    assert_eq!(fused, seven);
    let common = unnamed(seven_plugins[0][0].clone()).0;
    let names = |plugins: Vec<Vec<Value>>| -> Value {
        let chains = plugins.into_iter().map(|chain| -> Value {
            let names = chain.into_iter().map(|plugin| {
                let (plugin, name) = unnamed(plugin);
                assert_eq!(plugin, common, "{name}");
                name
            });
            names.collect()
        });
        chains.collect()
    };
    assert_eq!(
        names(seven_plugins),
        json!([
            ["auth", "normalize", "select", "healing", "usage"],
            ["fallback", "middle-out"]
        ])
    );
    assert_eq!(names(fused_plugins), json!([["edge"], ["attempt"]]));
}
