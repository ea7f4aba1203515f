//! Many requests at once, and callers who leave: what is recorded is what the providers' answers cost, what is
//! spent is what is recorded, and no limit is overrun.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use meshrouter_wasm_tests::client::Request;
use serde_json::{Value, json};

use crate::ask::{Ask, known_key, named_key};
use crate::gateway::{Gateway, error};

/// A model that alpha serves, by the token.
pub(crate) const PRICED: &str = "test/by-the-token";
/// A model of which nobody can pay a single answer.
pub(crate) const DEAR: &str = "test/dear";

/// Nano-dollars for a token of the prompt, and for one of the completion.
pub(crate) const PRICES: [u64; 2] = [3_000, 15_000];

const CALLERS: usize = 250;

/// Adds the two models.
pub(crate) fn price_list(document: &mut Value) {
    let prices = json!({"prompt": "0.000003", "completion": "0.000015"});
    let dear = json!({"prompt": "0", "completion": "0", "request": "1000000"});
    let models = document["models"].as_array_mut().unwrap();
    for (id, pricing) in [(PRICED, prices), (DEAR, dear)] {
        models.push(
            json!({"id": id, "context_length": 100_000, "architecture": {"tokenizer": "GPT"},
            "endpoints": [{"provider": "alpha", "pricing": pricing}]}),
        );
    }
}

/// A gateway of two workers with a key that has so many dollars to spend.
fn gateway(key: &'static str, limit: u64) -> Gateway {
    Gateway::start(|envoy| {
        envoy.concurrency(2).document(move |document| {
            price_list(document);
            let keys = document["keys"].as_array_mut().unwrap();
            keys.push(known_key(key, &json!({"limit": limit})));
        })
    })
}

/// One request of many.
struct Case {
    body: Value,
    /// What its answer costs, in nano-dollars.
    cost: u64,
    leaves: bool,
}

fn case(number: usize) -> Case {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let (stream, leaves) = (mixed % 2 == 1, mixed % 10 == 1);
    let tokens = [mixed / 7 % 40 + 1, mixed / 11 % 60 + 1];
    let usage = json!({"prompt_tokens": tokens[0], "completion_tokens": tokens[1],
        "total_tokens": tokens[0] + tokens[1]});
    let mut action = json!({"usage": usage});
    if stream {
        action["hold_ms_after_first"] = if leaves {
            json!(30_000)
        } else {
            json!(mixed / 13 % 20)
        };
    }
    let messages = json!([{"role": "user", "content": "One two three"}]);
    Case {
        body: json!({"model": PRICED, "stream": stream, "max_tokens": 100, "messages": messages,
            "simulate": {"alpha": action}}),
        cost: tokens[0] * PRICES[0] + tokens[1] * PRICES[1],
        leaves,
    }
}

/// How many requests were served, and what those cost whose callers stayed, in nano-dollars.
fn storm(gateway: &Gateway, key: &'static str, requests: usize) -> (usize, u64) {
    let (key, client) = (Ask::with(json!({})).with_key(key), gateway.envoy.client());
    let (next, sum) = (AtomicUsize::new(0), Mutex::new((0, 0)));
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return;
                    }
                    let case = case(number);
                    let mut stream = client.stream(key.bare().json(&case.body));
                    let status = stream.head.status;
                    assert!([200, 402].contains(&status), "{status}");
                    if status == 200 && case.leaves {
                        assert!(stream.read_until("Hello").contains("Hello"));
                        stream.reset();
                    } else {
                        stream.finish();
                    }
                    let mut sum = sum.lock().unwrap();
                    if status == 200 {
                        sum.0 += 1;
                        sum.1 += if case.leaves { 0 } else { case.cost };
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

/// An amount of a record in nano-dollars. All of these are far below what a double holds exactly.
pub(crate) fn nano(amount: &Value) -> u64 {
    (amount.as_f64().unwrap() * 1e9).round() as u64
}

/// What the records say that callers who stayed and callers who left pay together, in nano-dollars.
fn recorded(gateway: &Gateway, requests: usize) -> [u64; 2] {
    let lines = gateway.envoy.wait_for_access_log(requests);
    assert_eq!(lines.len(), requests);
    let mut sums = [0, 0];
    for line in &lines {
        let record = &line["completion"];
        if record["cost"].is_number() {
            let left = record["cancelled"] == true;
            assert_eq!(record["estimated"], left, "{record}");
            sums[usize::from(left)] += nano(&record["cost"]);
        }
    }
    sums
}

/// What the key has left, in nano-dollars, by the gateway's own word.
pub(crate) fn left(gateway: &Gateway, key: &'static str) -> u64 {
    let request = Request::post("/api/v1/chat/completions").bearer(&named_key(key));
    let body = json!({"model": DEAR, "messages": [{"role": "user", "content": "One"}]});
    let refused = error(&gateway.envoy.client().send(request.json(&body)), 402);
    nano(&refused["metadata"]["limit_remaining"])
}

const REQUESTS: usize = 20_000;

#[test]
fn what_is_recorded_is_what_was_served_and_what_is_spent() {
    let gateway = gateway("rich", 500);
    let (served, cost) = storm(&gateway, "rich", REQUESTS);
    assert_eq!(served, REQUESTS);
    let [stayed, gone] = recorded(&gateway, REQUESTS);
    assert_eq!(stayed, cost);
    assert!(gone > 0);
    // Nothing stays reserved.
    assert_eq!(left(&gateway, "rich"), 500_000_000_000 - stayed - gone);
    println!("{REQUESTS} requests: {stayed} nano-dollars, and {gone} of those who left");
}

#[test]
fn a_dollar_is_a_dollar_however_many_ask_at_once() {
    let gateway = gateway("dollar", 1);
    let requests = 4_000;
    let (served, _) = storm(&gateway, "dollar", requests);
    assert!(served < requests);
    // What was reserved when the last of them asked is free now.
    let (key, client) = (
        Ask::with(json!({})).with_key("dollar"),
        gateway.envoy.client(),
    );
    let send = |case: &Case| client.send(key.bare().json(&case.body)).status;
    let staying = (0..).map(case).filter(|case| !case.leaves);
    let more = staying.take_while(|case| send(case) == 200).count() + 1;
    let spent: u64 = recorded(&gateway, requests + more).into_iter().sum();
    println!("{served} of {requests} at once were served, {more} more asked: {spent} nano-dollars");
    assert!((998_000_000..=1_000_000_000).contains(&spent), "{spent}");
    assert_eq!(left(&gateway, "dollar"), 1_000_000_000 - spent);
}
