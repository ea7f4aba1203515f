//! The dynamic configuration, changed while requests pass: `envoy/dynamic/`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use meshrouter_simulator::Simulator;
use meshrouter_wasm_tests::client::Request;
use meshrouter_wasm_tests::envoy::Builder;
use meshrouter_wasm_tests::providers::own_key;
use serde_json::{Value, json};

use crate::accounts::add_cluster;
use crate::ask::{Ask, MINI, SONNET, known_key};
use crate::gateway::{Gateway, eventually};
use crate::history::get;
use crate::money::{PRICED, nano, price_list};
use crate::storm::resident;

/// The modules.
const MODULES: [&str; 2] = ["edge", "attempt"];

/// The configuration of all these tests, whatever the suite's shape.
pub(crate) const DYNAMIC: &str = "envoy/dynamic/envoy.yaml";

/// How long a change may take until every worker heeds it.
const SOON: Duration = Duration::from_secs(1);

/// A gateway of two workers with a price list and these keys.
fn gateway(keys: Vec<Value>, edit: impl FnOnce(Builder) -> Builder) -> Gateway {
    Gateway::start(|envoy| {
        edit(
            envoy
                .base(DYNAMIC)
                .concurrency(2)
                .document(move |document| {
                    price_list(document);
                    document["keys"] = json!(keys);
                }),
        )
    })
}

fn add_keys(document: &mut Value, keys: Vec<Value>) {
    document["keys"].as_array_mut().unwrap().extend(keys);
}

fn key<'d>(document: &'d mut Value, name: &str) -> &'d mut Value {
    let mut keys = document["keys"].as_array_mut().unwrap().iter_mut();
    keys.find(|key| key["name"] == name).unwrap()
}

/// One request of a key for ten tokens each way.
fn ask(key: &'static str) -> Ask {
    let usage = json!({"usage": {"prompt_tokens": 10, "completion_tokens": 10}});
    Ask::with(json!({"model": PRICED, "max_tokens": 10}))
        .with_key(key)
        .on("alpha", usage)
}

/// Waits until `holds` does in twenty answers one after the other: those of both workers, as connections go to either. What counts is
/// when the first of them was asked for.
#[track_caller]
fn soon(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    let (mut in_a_row, mut took) = (0, Duration::ZERO);
    while in_a_row < 20 {
        if in_a_row == 0 {
            took = start.elapsed();
        }
        in_a_row = if holds() { in_a_row + 1 } else { 0 };
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
    }
    println!("{what}: {took:?}");
    assert!(took < SOON, "{what}: {took:?}");
}

/// Runs `change` while two callers ask without a pause, and says how often they did; none of them may fail.
fn under_load(gateway: &Gateway, asks: &Ask, change: impl FnOnce()) -> usize {
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        // Also where `change` panics: the scope waits for the callers.
        let _stop = StopAtEnd(&stop);
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let response = gateway.envoy.client().send(asks.request());
                    assert_eq!(response.status, 200, "{}", response.text());
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        change();
    });
    let count = count.into_inner();
    println!("{count} requests meanwhile");
    assert!(count > 20);
    count
}

struct StopAtEnd<'s>(&'s AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A counter of Envoy's.
fn counter(gateway: &Gateway, name: &str) -> u64 {
    let stats = gateway
        .envoy
        .admin(&format!("/stats?filter=^{}$", name.replace('.', "\\.")));
    let value = stats.trim().rsplit(": ").next().unwrap_or_default();
    value.parse().unwrap_or_else(|_| panic!("{name}: {stats}"))
}

/// A counter of what Envoy does with the configurations of a module.
fn discovery(module: &str, what: &str) -> String {
    format!("extension_config_discovery.http_filter.{module}.{what}")
}

/// How often each module has taken up a configuration.
fn loaded(gateway: &Gateway) -> [u64; 2] {
    MODULES.map(|module| counter(gateway, &discovery(module, "update_success")))
}

#[test]
fn keys_change_within_a_second_and_no_request_is_lost() {
    let limited = ["old", "steady"].map(|name| known_key(name, &json!({"limit": "1000"})));
    let gateway = gateway(limited.to_vec(), |envoy| envoy);
    let status = |key| gateway.send(&ask(key)).status;
    assert_eq!(
        (status("old"), status("new"), status("added")),
        (200, 401, 401)
    );
    let running = ask("old")
        .stream()
        .on("alpha", json!({"hold_ms_after_first": 2_000}));
    let mut stream = gateway.stream(&running);
    stream.read_until("Hello");
    under_load(&gateway, &ask("steady"), || {
        // The key of an account is replaced.
        gateway.envoy.change_document(|document| {
            key(document, "old")["hash"] = known_key("new", &json!({}))["hash"].take();
        });
        soon("the new key passes", || status("new") == 200);
        soon("the old one does not", || status("old") == 401);
        let added = known_key("added", &json!({}));
        gateway
            .envoy
            .change_document(|document| add_keys(document, vec![added]));
        soon("another passes", || status("added") == 200);
        gateway.envoy.change_document(|document| {
            let keys = document["keys"].as_array_mut().unwrap();
            keys.retain(|key| key["name"] != "added");
        });
        soon("it is revoked", || status("added") == 401);
    });
    // Who was let in before stays to the end.
    let rest = stream.finish();
    let whole = rest.error.is_none() && rest.text().ends_with("data: [DONE]\n\n");
    assert!(whole, "{rest:?}");
    // The account is the same one: its spending goes on.
    let recorded = || -> u64 {
        let lines = gateway.envoy.access_log();
        let own = lines
            .iter()
            .filter(|line| line["completion"]["key"] == "old");
        let costs = own.map(|line| &line["completion"]["cost"]);
        costs.filter(|cost| cost.is_number()).map(nano).sum()
    };
    let spent = || nano(&get(&gateway, "new", "/key").json()["data"]["usage"]);
    eventually("all is settled and recorded", || {
        spent() > 0 && spent() == recorded()
    });
}

#[test]
fn prices_models_and_providers_change_within_a_second() {
    let gateway = gateway(vec![known_key("buyer", &json!({}))], |envoy| envoy);
    let cost = || nano(&gateway.send(&ask("buyer")).json()["usage"]["cost"]);
    assert_eq!(cost(), 180_000);
    let ask_of = |model: &str| Ask::with(json!({"model": model})).with_key("buyer");
    let answer = |model| gateway.send(&ask_of(model));
    let delta = Simulator::builder("delta")
        .key("sk-sim-delta")
        .start()
        .unwrap();
    under_load(&gateway, &ask("buyer"), || {
        gateway.envoy.change_document(|document| {
            let mut models = document["models"].as_array_mut().unwrap().iter_mut();
            let priced = models.find(|model| model["id"] == PRICED).unwrap();
            priced["endpoints"][0]["pricing"]["completion"] = json!("0.00002");
        });
        soon("the new price counts", || cost() == 230_000);

        let port = delta.port();
        gateway.envoy.change(|config| {
            add_cluster(config, "delta", port, Some("authorization"));
            let secrets = config["static_resources"]["secrets"]
                .as_array_mut()
                .unwrap();
            let key = json!({"secret": {"inline_string": "Bearer sk-sim-delta"}});
            secrets.push(json!({"name": "delta-key", "generic_secret": key}));
        });
        gateway.envoy.change_document(|document| {
            document["providers"]["delta"] = json!({"cluster": "delta"});
            let mut model = document["models"][0].clone();
            model["id"] = json!("test/of-delta");
            model["endpoints"] = json!([{"provider": "delta", "model": "d", "pricing": {"prompt": "0", "completion": "0"}}]);
            document["models"].as_array_mut().unwrap().push(model);
        });
        soon("the new provider serves", || {
            answer("test/of-delta").json()["provider"] == "delta"
        });
        soon("the list has it", || {
            let models = gateway.envoy.client().send(Request::get("/api/v1/models"));
            models.text().contains("test/of-delta")
        });

        let rotated = own_key("beta", 1);
        let secret = json!({"secret": {"inline_string": format!("Bearer {rotated}")}});
        gateway.envoy.change(|config| {
            let mut secrets = config["static_resources"]["secrets"]
                .as_array_mut()
                .unwrap()
                .iter_mut();
            let own = secrets.find(|secret| secret["name"] == "beta-key").unwrap();
            own["generic_secret"] = secret;
        });
        eventually("beta gets its new key", || {
            let ask = ask_of(SONNET);
            gateway.send(&ask);
            let seen = gateway.seen(&ask).remove(0).request;
            seen.header("authorization")
                .is_some_and(|header| header.ends_with(&rotated))
        });

        gateway.envoy.change_document(|document| {
            document["providers"]
                .as_object_mut()
                .unwrap()
                .remove("delta");
            document["models"]
                .as_array_mut()
                .unwrap()
                .retain(|model| model["id"] != "test/of-delta");
        });
        soon("the provider is gone", || {
            answer("test/of-delta").status == 404
        });
    });
}

#[test]
fn a_bad_document_is_refused_and_the_old_one_serves() {
    let gateway = gateway(vec![known_key("steady", &json!({}))], |envoy| {
        // The only one, so that its path is known.
        envoy.document(|document| {
            let models = document["models"].as_array_mut().unwrap();
            models.retain(|model| model["id"] == PRICED);
        })
    });
    let refused = || MODULES.map(|module| counter(&gateway, &discovery(module, "config_fail")));
    assert_eq!(refused(), [0; 2]);
    let served = || gateway.send(&ask("steady")).json()["usage"]["cost"].take();
    let path = "models[0].endpoints[0].pricing.completion";
    let price = |document: &mut Value, price: &str| {
        document["models"][0]["endpoints"][0]["pricing"]["completion"] = json!(price);
    };
    under_load(&gateway, &ask("steady"), || {
        gateway
            .envoy
            .change_document(move |document| price(document, "0.00002x"));
        eventually("it is refused", || refused() == [1; 2]);
        assert_eq!(served(), 0.000_18);
        let log = gateway.envoy.log();
        assert!(
            log.contains(&format!(": gateway document: {path}: ")),
            "{log}"
        );
        gateway
            .envoy
            .change_document(move |document| price(document, "0.00002"));
        soon("it is mended", || served() == 0.000_23);
    });
    assert_eq!(refused(), [1; 2]);
    gateway.complains();
}

#[test]
fn what_the_workers_know_of_providers_and_limits_survives() {
    let limited = known_key("limited", &json!({"limit": "0.0004"}));
    let gateway = gateway(vec![limited, known_key("other", &json!({}))], |envoy| {
        envoy.document(|document| document["cool_down_after"] = json!(1))
    });
    assert_eq!(gateway.send(&ask("limited")).status, 200);
    let first = Ask::model(MINI).with_key("other");
    let ill = first.clone().on(
        "alpha",
        json!({"status": 429, "headers": {"retry-after": "50"}}),
    );
    assert_eq!(gateway.send(&ill).status, 200);
    let asked = || {
        let again = first.again();
        gateway.send(&again);
        gateway.asked(&again)
    };
    eventually("alpha is spared", || asked() == ["beta"]);
    for n in 0..3 {
        let added = known_key(&format!("added-{n}"), &json!({}));
        gateway
            .envoy
            .change_document(|document| add_keys(document, vec![added]));
        soon("it is taken", || loaded(&gateway) == [n + 2; 2]);
        assert_eq!(asked(), ["beta"]);
    }
    // 0.00022 dollars are left, of which a request may cost 0.00018.
    let answers = [200, 402];
    assert_eq!(
        answers.map(|_| gateway.send(&ask("limited")).status),
        answers
    );
}

/// `MESHROUTER_RELOADS` says how many; a hundred by default. A root context that stayed would keep a document: that is half a megabyte
/// a reload.
#[test]
fn many_reloads_lose_no_request_and_leave_nothing_behind() {
    let gateway = gateway(vec![known_key("steady", &json!({}))], |envoy| envoy);
    let reloads = std::env::var("MESHROUTER_RELOADS").map_or(100, |n| n.parse().unwrap());
    let reload = |n: u64| {
        let added = known_key(&format!("added-{n}"), &json!({}));
        gateway.envoy.change_document(|document| {
            document["keys"].as_array_mut().unwrap().truncate(1);
            add_keys(document, vec![added]);
        });
        eventually("it is taken", || loaded(&gateway) == [n + 1; 2]);
    };
    let asked = under_load(&gateway, &ask("steady"), || {
        (1..=10).for_each(reload);
        let before = resident(gateway.envoy.pid());
        (11..=reloads).for_each(reload);
        let after = resident(gateway.envoy.pid());
        // Of a container nobody knows.
        if let (Some(before), Some(after)) = (before, after) {
            println!("{reloads} reloads: {before} KiB after ten, {after} KiB after all");
            assert!(after < before + 8 * 1024, "{before} KiB, then {after} KiB");
        }
    });
    // Also what a root context had not told when its successor came.
    let counted = || -> usize {
        let stats = gateway.envoy.admin("/stats/prometheus");
        let lines = stats.lines();
        let own = lines.filter(|line| line.starts_with("meshrouter_requests_total{"));
        own.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap())
            .sum()
    };
    eventually("every request is counted", || counted() == asked);
}
