//! The shipped shapes differ in how filters are packed into modules, and in nothing else.

use meshrouter_wasm_tests::shape::{self, SEVEN};
use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::{Answer, GatewayRequest, UpstreamAnswer, World};
use serde_json::{Value, json};

use crate::answers::{completion, failures, sse};
use crate::{GPT, chat, post};

const MANAGER: &str = "/filter_chains/0/filters/0/typed_config/http_filters";

fn read(shape: &str) -> Value {
    let text = std::fs::read_to_string(shape::file(shape)).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// Takes the wasm filters out of a list of filters.
fn take_plugins(filters: &mut Value) -> Vec<Value> {
    let all = filters.as_array().unwrap().clone();
    let (wasm, others) = all
        .into_iter()
        .partition(|filter| filter["typed_config"]["config"]["vm_config"].is_object());
    *filters = Value::Array(others);
    wasm
}

/// Takes the wasm filters out of each listener: what is left, and each listener's plugins.
fn split(mut config: Value) -> (Value, Vec<Vec<Value>>) {
    let listeners = config["static_resources"]["listeners"].as_array_mut();
    let mut plugins = Vec::new();
    for listener in listeners.unwrap() {
        let filters = listener.pointer_mut(MANAGER).unwrap();
        plugins.push(take_plugins(filters));
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

const UPSTREAM: &str = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters";

/// The same of the clusters, whose wasm filters are those of the attempts in the native shape.
fn split_upstream(mut config: Value) -> (Value, Vec<Vec<Value>>) {
    let clusters = config["static_resources"]["clusters"].as_array_mut();
    let mut plugins = Vec::new();
    for filters in clusters
        .unwrap()
        .iter_mut()
        .filter_map(|cluster| cluster.pointer_mut(UPSTREAM))
    {
        plugins.push(take_plugins(filters));
    }
    (config, plugins)
}

fn names_of(plugins: Vec<Value>, common: &Value) -> Vec<String> {
    let names = plugins.into_iter().map(|plugin| {
        let (plugin, name) = unnamed(plugin);
        assert_eq!(plugin, *common, "{name}");
        name
    });
    names.collect()
}

/// The gateway document of a shape's plugins.
fn document(plugin: &Value) -> Value {
    plugin["typed_config"]["config"]["configuration"]["value"].clone()
}

#[test]
fn native_shapes_have_the_same_filters_and_clusters() {
    let (seven, edge) = split(read(SEVEN));
    let mut document_of_seven = document(&edge[0][0]);
    document_of_seven["native"] = json!(true);
    let mut rests = Vec::new();
    let shapes = [
        (
            "native",
            vec!["auth", "normalize", "select", "healing", "usage"],
            vec!["fallback", "middle-out"],
        ),
        ("native-fused", vec!["edge"], vec!["attempt"]),
    ];
    for (shape, edge, attempt) in shapes {
        let (config, plugins) = split(read(shape));
        let (config, upstream) = split_upstream(config);
        let common = unnamed(plugins[0][0].clone()).0;
        assert_eq!(document(&plugins[0][0]), document_of_seven, "{shape}");
        assert_eq!(names_of(plugins[0].clone(), &common), edge);
        // At `nobody` there is only the last word to say, and no prompt to compress.
        let mut upstream = upstream
            .into_iter()
            .map(|plugins| names_of(plugins, &common));
        assert_eq!(
            upstream.next().as_deref(),
            Some(&[attempt[0].to_owned()][..])
        );
        assert!(upstream.all(|plugins| plugins == attempt), "{shape}");
        rests.push(config);
    }
    assert_eq!(rests[0], rests[1]);
    let clusters = |config: &Value, first: &str| {
        let clusters = config["static_resources"]["clusters"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(clusters[0]["name"], first);
        clusters[1..].to_vec()
    };
    assert_eq!(clusters(&rests[0], "nobody"), clusters(&seven, "attempt"));
    for part in ["admin", "stats_config", "static_resources/secrets"] {
        let part = format!("/{part}");
        assert_eq!(rests[0].pointer(&part), seven.pointer(&part), "{part}");
    }
}

/// What providers do who answer.
fn answering() -> Vec<(&'static str, UpstreamAnswer)> {
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"{'a':1,}\"},\"finish_reason\":\"stop\"}]}\n\n";
    let stream = [": ping\n\n", event, event, "data: [DONE]\n\n"];
    let broken = UpstreamAnswer::ResetAfter(sse(&[event]));
    vec![
        ("a completion", completion()),
        ("a stream", sse(&stream).into()),
        ("a stream that breaks off", broken),
    ]
}

/// Requests that differ in what filters hold of them and of their answers.
fn requests() -> Vec<GatewayRequest> {
    let healing = r#""plugins":[{"id":"response-healing","streams":true}],"response_format":{"type":"json_object"},"#;
    let bodies = [
        chat(GPT, ""),
        chat(GPT, healing),
        chat(GPT, r#""stream":true,"#),
        chat(GPT, &format!(r#""stream":true,{healing}"#)),
        "no JSON".to_owned(),
    ];
    let read = ["/api/v1/models", "/api/v1/key"].map(GatewayRequest::get);
    bodies.into_iter().map(post).chain(read).collect()
}

/// The same with its body in pieces, and with a caller who leaves.
fn variants(request: &GatewayRequest) -> [GatewayRequest; 2] {
    let mut cut = request.clone();
    let pieces = request.chunks.iter().flat_map(|body| body.chunks(50));
    cut.chunks = pieces.map(<[u8]>::to_vec).collect();
    [cut, request.clone().gone_after(1)]
}

/// An answer with all that can be seen from outside; of properties that is the record.
fn seen(mut answer: Answer) -> Answer {
    answer
        .access_log
        .retain(|name, _| name == "meshrouter.record");
    answer.attempt_logs.clear();
    answer
}

#[test]
fn fused_modules_answer_byte_for_byte_as_seven_do() {
    let worlds = [World::new(), World::new()];
    let shapes = [Shipped::seven(), Shipped::of("fused")];
    let mut gateways =
        [0, 1].map(|n: usize| shapes[n].clone().cheapest_first().gateway(&worlds[n]));
    let mut compare = |name: &str, first: &UpstreamAnswer, request: &GatewayRequest| {
        let [seven, fused] = gateways.each_mut().map(|gateway| {
            seen(gateway.send(request, |sent| match sent.attempt {
                1 => first.clone(),
                _ => completion(),
            }))
        });
        assert_eq!(fused, seven, "{name}: {:?}", request.chunks);
    };
    for request in requests() {
        for (name, failure, _) in failures() {
            compare(name, &failure, &request);
        }
        for (name, answer) in answering() {
            compare(name, &answer, &request);
            for variant in variants(&request) {
                compare(name, &answer, &variant);
            }
        }
    }
    // What is left to tell comes with the tick.
    for gateway in &mut gateways {
        gateway.tick().unwrap();
    }
    assert_eq!(worlds[1].metrics(), worlds[0].metrics());
    assert!(worlds[0].metrics().len() > 10);
}
