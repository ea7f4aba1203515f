//! Keys that change while the gateway runs: the configuration of the module with `auth`, which is the first, comes from a
//! file that Envoy watches.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ask::{Ask, known_key};
use crate::gateway::{Gateway, eventually};
use crate::history::get;
use crate::money::{PRICED, nano, price_list};

/// The name of the resource.
const NAME: &str = "keys";
const FILTERS: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";

/// Writes the resource of the module as Envoy wants it: a new file that takes the place of the old one at once.
fn publish(path: &Path, typed_config: &Value) {
    let kind = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
    let resource = json!({"@type": kind, "name": NAME, "typed_config": typed_config});
    let next = path.with_extension("next");
    std::fs::write(&next, json!({"resources": [resource]}).to_string()).unwrap();
    std::fs::rename(&next, path).unwrap();
}

/// Has Envoy take the module from the file, in which it stands first as it is in the configuration.
fn watch(config: &mut Value, path: &Path) {
    config["node"] = json!({"id": "test", "cluster": "test"});
    let first = config.pointer_mut(FILTERS).unwrap().get_mut(0).unwrap();
    let typed_config = first["typed_config"].take();
    publish(path, &typed_config);
    std::fs::write(path.with_extension("first"), typed_config.to_string()).unwrap();
    let source = json!({"path_config_source": {"path": path}, "resource_api_version": "V3"});
    *first = json!({"name": NAME, "config_discovery": {"config_source": source,
        "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"]}});
}

/// Gives the key of an entry another hash: that of the test key of this name.
fn rotate(path: &Path, entry: &str, to: &str) {
    let first = std::fs::read(path.with_extension("first")).unwrap();
    let mut typed_config: Value = serde_json::from_slice(&first).unwrap();
    let keys = &mut typed_config["config"]["configuration"]["value"]["keys"];
    let mut keys = keys.as_array_mut().unwrap().iter_mut();
    let key = keys.find(|key| key["name"] == entry).unwrap();
    key["hash"] = known_key(to, &json!({}))["hash"].take();
    publish(path, &typed_config);
}

#[test]
fn a_key_is_replaced_within_a_second_and_no_request_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("auth.json");
    let watched = path.clone();
    let gateway = Gateway::start(|envoy| {
        let envoy = envoy.concurrency(2).document(|document| {
            price_list(document);
            let keys = document["keys"].as_array_mut().unwrap();
            for name in ["old", "steady"] {
                keys.push(known_key(name, &json!({"limit": "1"})));
            }
        });
        envoy.config(move |config| watch(config, &watched))
    });
    let usage = json!({"usage": {"prompt_tokens": 10, "completion_tokens": 10}});
    let ask = |key| {
        Ask::with(json!({"model": PRICED, "max_tokens": 10}))
            .with_key(key)
            .on("alpha", usage.clone())
    };
    assert_eq!(gateway.send(&ask("old")).status, 200);
    assert_eq!(gateway.send(&ask("new")).status, 401);

    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let steady = ask("steady");
    let running = ask("old")
        .stream()
        .on("alpha", json!({"hold_ms_after_first": 3_000}));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let response = gateway.envoy.client().send(steady.request());
                    assert_eq!(response.status, 200, "{}", response.text());
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut stream = gateway.stream(&running);
        stream.read_until("Hello");
        let begin = Instant::now();
        rotate(&path, "old", "new");
        let [new, old] = ["new", "old"].map(ask);
        eventually("the new key passes", || gateway.send(&new).status == 200);
        eventually("the old one does not", || gateway.send(&old).status == 401);
        let took = begin.elapsed();
        println!(
            "replaced after {took:?}; {} requests of another key meanwhile",
            count.load(Ordering::Relaxed)
        );
        assert!(took < Duration::from_secs(1), "{took:?}");
        // Who was let in before stays to the end.
        let rest = stream.finish();
        assert!(
            rest.error.is_none() && rest.text().ends_with("data: [DONE]\n\n"),
            "{rest:?}"
        );
        stop.store(true, Ordering::Relaxed);
    });
    // The account is the same one: its spending goes on.
    let recorded = || -> u64 {
        let lines = gateway.envoy.access_log();
        let of_it = lines
            .iter()
            .filter(|line| line["completion"]["key"] == "old");
        let costs = of_it.map(|line| &line["completion"]["cost"]);
        costs.filter(|cost| cost.is_number()).map(nano).sum()
    };
    let spent = || nano(&get(&gateway, "new", "/key").json()["data"]["usage"]);
    eventually("all is settled and recorded", || {
        spent() > 0 && spent() == recorded()
    });
}
