//! Balances in a real etcd: what survives which death, what two gateways know of each other, what happens without it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use meshrouter_wasm_tests::client::Request;
use meshrouter_wasm_tests::envoy::Builder;
use meshrouter_wasm_tests::etcd::Etcd;
use serde_json::{Value, json};

use crate::ask::{Ask, known_key, named_key};
use crate::gateway::{Gateway, error, eventually};
use crate::history;
use crate::money::{PRICED, PRICES, left, price_list};

/// The gateways' interval, and the time that a write takes at most where all is well.
const INTERVAL: Duration = Duration::from_millis(500);
const SLACK: Duration = Duration::from_millis(700);

const KEY: &str = "stored";

/// A gateway with a store, whose key may spend so many dollars.
fn gateway(etcd: &Etcd, limit: u64, when_down: &'static str) -> Gateway {
    let port = etcd.port();
    Gateway::start(|envoy| with_store(envoy, port, limit, when_down))
}

fn with_store(envoy: Builder, port: u16, limit: u64, when_down: &'static str) -> Builder {
    let envoy = envoy.concurrency(2).provider_port("etcd", port);
    envoy.document(move |document| {
        price_list(document);
        document["store"] = json!({"cluster": "etcd", "when_down": when_down});
        let keys = document["keys"].as_array_mut().unwrap();
        keys.push(known_key(KEY, &json!({"limit": limit})));
    })
}

/// A request of 100 tokens each way, and what it costs.
fn ask() -> (Value, u64) {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 100, "total_tokens": 200});
    let messages = json!([{"role": "user", "content": "One two three"}]);
    let body = json!({"model": PRICED, "max_tokens": 100, "messages": messages,
        "simulate": {"alpha": {"usage": usage}}});
    (body, 100 * (PRICES[0] + PRICES[1]))
}

/// Asks until told to stop, by so many callers: when each answer was there, and what it cost.
fn load(gateway: &Gateway, callers: usize, stop: &AtomicBool) -> Vec<(Instant, u64)> {
    let (key, client) = (Ask::with(json!({})).with_key(KEY), gateway.envoy.client());
    let (body, cost) = ask();
    let answered = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let response = client.try_send(key.bare().json(&body));
                    match response.map(|response| response.status) {
                        Ok(200) => answered.lock().unwrap().push((Instant::now(), cost)),
                        Ok(402) => return,
                        Ok(other) => panic!("{other}"),
                        // The gateway was killed.
                        Err(_) => return,
                    }
                }
            });
        }
    });
    answered.into_inner().unwrap()
}

fn sum(answers: &[(Instant, u64)]) -> u64 {
    answers.iter().map(|(_, cost)| cost).sum()
}

fn kill(gateway: &Gateway) {
    let pid = gateway.envoy.pid().expect("a local Envoy").to_string();
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid])
        .status();
    assert!(killed.unwrap().success());
}

#[test]
fn who_is_killed_in_the_middle_of_it_loses_an_interval_at_most_and_counts_nothing_twice() {
    let etcd = Etcd::start();
    let callers = 20;
    let mut total = [0, 0];
    for round in 0..3 {
        let gateway = gateway(&etcd, 1_000, "allow");
        let stop = AtomicBool::new(false);
        let (died, answers) = std::thread::scope(|scope| {
            let answers = scope.spawn(|| load(&gateway, callers, &stop));
            std::thread::sleep(Duration::from_millis(2_500 + 170 * round));
            let died = Instant::now();
            kill(&gateway);
            (died, answers.join().unwrap())
        });
        assert!(answers.len() > 100, "{}", answers.len());
        let safe = died - INTERVAL - SLACK;
        let settled = answers
            .iter()
            .filter(|(at, _)| *at < safe)
            .map(|(_, cost)| cost);
        total[0] += settled.sum::<u64>();
        // What was answered, and what was on its way to its caller.
        total[1] += sum(&answers) + callers as u64 * ask().1;

        let next = self::gateway(&etcd, 1_000, "allow");
        let spent = || 1_000_000_000_000 - left(&next, KEY);
        eventually("the store was read", || spent() >= total[0]);
        // Nothing more comes.
        std::thread::sleep(INTERVAL * 2);
        let spent = spent();
        println!(
            "killed after {} answers: {spent} of at least {} and at most {}",
            answers.len(),
            total[0],
            total[1]
        );
        assert!((total[0]..=total[1]).contains(&spent), "{spent}: {total:?}");
        total = [spent, spent];
    }
}

#[test]
fn two_gateways_agree_within_two_seconds() {
    let etcd = Etcd::start();
    let (one, two) = (
        gateway(&etcd, 1_000, "allow"),
        gateway(&etcd, 1_000, "allow"),
    );
    let key = Ask::with(json!({})).with_key(KEY);
    let (body, cost) = ask();
    for round in 1..=3 {
        for (n, gateway) in [&one, &two].into_iter().enumerate() {
            for _ in 0..=n {
                let response = gateway.envoy.client().send(key.bare().json(&body));
                assert_eq!(response.status, 200, "{}", response.text());
            }
        }
        let begin = Instant::now();
        let expected = 1_000_000_000_000 - 3 * round * cost;
        eventually("both know", || {
            [&one, &two].map(|gateway| left(gateway, KEY)) == [expected; 2]
        });
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[test]
fn two_gateways_pass_a_limit_by_an_intervals_traffic_at_most() {
    let etcd = Etcd::start();
    let limit = 4;
    let (one, two) = (
        gateway(&etcd, limit, "allow"),
        gateway(&etcd, limit, "allow"),
    );
    let begin = Instant::now();
    let never = AtomicBool::new(false);
    let answers = std::thread::scope(|scope| {
        let other = scope.spawn(|| load(&two, 10, &never));
        [load(&one, 10, &never), other.join().unwrap()]
    });
    let spent = answers.iter().map(|answers| sum(answers)).sum::<u64>();
    let seconds = begin.elapsed().as_secs_f64();
    let traffic = spent as f64 / seconds * (INTERVAL + SLACK).as_secs_f64();
    let most = limit * 1_000_000_000 + traffic as u64;
    println!("{spent} nano-dollars in {seconds:.1} s; an interval's are {traffic:.0}");
    assert!(
        spent >= limit * 1_000_000_000 * 9 / 10 && spent <= most,
        "{spent}, {most}"
    );
}

#[test]
fn created_keys_and_generations_survive() {
    let etcd = Etcd::start();
    let port = etcd.port();
    let start = || {
        Gateway::start(|envoy| {
            let envoy = envoy.provider_port("etcd", port);
            envoy.document(|document| {
                history::document(document);
                document["store"] = json!({"cluster": "etcd"});
            })
        })
    };
    let ops = named_key("ops");
    let made = {
        let gateway = start();
        let request = Request::post("/api/v1/keys").bearer(&ops);
        let made = gateway
            .envoy
            .client()
            .send(request.json(&json!({"name": "made"})))
            .json();
        let id = history::complete(&gateway, "asker", false);
        // Two intervals: one is to be read first.
        std::thread::sleep(INTERVAL * 2 + SLACK);
        (made, id)
    };
    let (made, id) = made;
    let key = made["key"].as_str().unwrap();
    let values = etcd.values();
    assert!(values.len() >= 3, "{values:?}");
    for said in [key, &named_key("asker"), "One two three", "Hello"] {
        assert!(!values.iter().any(|value| value.contains(said)), "{said}");
    }
    let gateway = start();
    let client = gateway.envoy.client();
    let own = || Request::get("/api/v1/key").bearer(key);
    eventually("the key is known", || client.send(own()).status == 200);
    let list = history::get(&gateway, "ops", "/keys").json();
    assert_eq!(list["data"][0]["hash"], made["data"]["hash"], "{list}");
    let generation = history::get(&gateway, "asker", &format!("/generation?id={id}"));
    assert_eq!(generation.json()["data"]["id"], json!(id));
    let usage = history::get(&gateway, "asker", "/key").json();
    assert_eq!(usage["data"]["usage"], json!(0.00045), "{usage}");
}

#[test]
fn while_the_store_is_down_requests_go_on_and_nothing_is_lost() {
    let mut etcd = Etcd::start();
    let gateway = gateway(&etcd, 1_000, "allow");
    let up = |wanted: &str| {
        let stats = gateway.envoy.admin("/stats/prometheus");
        stats
            .lines()
            .any(|line| line.starts_with("meshrouter_store_up") && line.ends_with(wanted))
    };
    eventually("the store is up", || up(" 1"));
    etcd.stop();
    eventually("the store is down", || up(" 0"));
    let key = Ask::with(json!({})).with_key(KEY);
    let (body, cost) = ask();
    for _ in 0..5 {
        let response = gateway.envoy.client().send(key.bare().json(&body));
        assert_eq!(response.status, 200, "{}", response.text());
    }
    etcd.resume();
    eventually("the store is up again", || up(" 1"));
    let before = etcd.revision();
    let other = self::gateway(&etcd, 1_000, "allow");
    let expected = 1_000_000_000_000 - 5 * cost;
    eventually("another gateway knows", || left(&other, KEY) == expected);
    assert_eq!(left(&gateway, KEY), expected);
    let after = etcd.revision();
    assert!(after - before <= 2, "{before} {after}");
}

#[test]
fn where_it_is_wanted_nothing_goes_on_without_the_store() {
    let mut etcd = Etcd::start();
    let gateway = gateway(&etcd, 1_000, "refuse");
    let key = Ask::with(json!({})).with_key(KEY);
    let (body, _) = ask();
    let send = || gateway.envoy.client().send(key.bare().json(&body));
    eventually("the store was read", || send().status == 200);
    // Keys without limits need no store.
    let free = Ask::model(PRICED);
    etcd.stop();
    eventually("requests are refused", || send().status == 503);
    let refused = error(&send(), 503);
    assert!(
        refused["message"].as_str().unwrap().contains("store"),
        "{refused}"
    );
    assert_eq!(gateway.send(&free).status, 200);
    etcd.resume();
    eventually("requests go on", || send().status == 200);
}
