//! What is to be paid: everything that has a price, less discounts; a fee on own accounts; estimates where nobody
//! counted; and nothing for answers that are none.

use std::sync::{Mutex, Weak};

use meshrouter_wasm_tests::providers::own_key;
use serde_json::{Value, json};

use crate::ask::{Ask, known_key};
use crate::gateway::{Place, Shared, share, text};

/// A model that has a price for everything; alpha takes a quarter off, beta nothing.
const PRICED: &str = "test/priced";
/// The key of a caller with an account at alpha.
const OWNER: &str = "owner";
/// The members that every bill adds to `usage`, where nothing is said of the provider's share.
const NO_DETAILS: &str = r#"{"upstream_inference_cost":null}"#;

fn gateway() -> Shared {
    static CURRENT: Place = Mutex::new(Weak::new());
    share(&CURRENT, |envoy| envoy.document(document))
}

fn document(document: &mut Value) {
    document["byok_fee"] = json!("0.05");
    let pricing = json!({"prompt": "0.000003", "completion": "0.000015", "request": "0.001", "image": "0.0048",
        "web_search": "0.01", "internal_reasoning": "0.000001", "input_cache_read": "0.0000003",
        "input_cache_write": "0.00000375"});
    let mut reduced = pricing.clone();
    reduced["discount"] = json!("0.25");
    let models = document["models"].as_array_mut().unwrap();
    models.push(json!({"id": PRICED, "context_length": 100_000,
        "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"], "tokenizer": "GPT"},
        "endpoints": [{"provider": "alpha", "pricing": reduced}, {"provider": "beta", "pricing": pricing}]}));
    let own = json!({"credentials": [{"provider": "alpha", "secret": own_key("alpha", 1)}]});
    let keys = document["keys"].as_array_mut().unwrap();
    keys.push(known_key(OWNER, &own));
}

/// Of all kinds of tokens, and two searches.
fn usage() -> Value {
    json!({"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100,
        "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 200, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 0},
        "server_tool_use": {"web_search_requests": 2}})
}

fn with_image() -> Value {
    let image = "data:image/png;base64,iVBORw0KGgo=";
    let parts = json!([{"type": "text", "text": "One two three"},
        {"type": "image_url", "image_url": {"url": image}}]);
    json!([{"role": "user", "content": parts}])
}

fn ask(stream: bool) -> Ask {
    Ask::with(json!({"model": PRICED, "stream": stream, "usage": {"include": true}}))
}

/// The usage that the caller sees, as it is written: with its digits.
#[track_caller]
fn seen_usage(gateway: &Shared, ask: &Ask, stream: bool) -> (Value, String) {
    let response = gateway.send(ask);
    let text = response.text();
    assert_eq!(response.status, 200, "{text}");
    let usage = match stream {
        false => response.json()["usage"].take(),
        true => {
            let mut chunks = response.sse_json();
            chunks.retain(|chunk| chunk["usage"].is_object());
            assert_eq!(chunks.len(), 1, "{text}");
            chunks[0]["usage"].take()
        }
    };
    (usage, text)
}

#[test]
fn everything_that_has_a_price_is_paid_less_the_discount() {
    let gateway = gateway();
    let failing = json!({"status": 503});
    // 500 × 3µ + 300 × 0.3µ + 200 × 3.75µ + 100 × 15µ + 40 × 1µ + an image + two searches + the request
    let full = "0.02968";
    let reduced = "0.02226";
    for stream in [false, true] {
        for (by, cost) in [("alpha", reduced), ("beta", full)] {
            let asked = ask(stream)
                .and(json!({"messages": with_image()}))
                .on("alpha", failing.clone())
                .on(by, json!({"usage": usage()}));
            let (seen, text) = seen_usage(&gateway, &asked, stream);
            let bill = format!(r#""cost":{cost},"is_byok":false,"cost_details":{NO_DETAILS},"#);
            assert!(text.contains(&bill), "{text}");
            // What the provider said stays.
            for (name, value) in usage().as_object().unwrap() {
                assert_eq!(&seen[name], value, "{text}");
            }
            let record = gateway.record(&asked);
            let counts = [
                "prompt_tokens",
                "cached_tokens",
                "cache_write_tokens",
                "completion_tokens",
                "reasoning_tokens",
                "images",
                "web_searches",
            ];
            let counts = counts.map(|name| record[name].as_u64().unwrap());
            assert_eq!(counts, [1_000, 300, 200, 100, 40, 1, 2], "{record}");
            assert_eq!(record["cost"].to_string(), cost);
            assert_eq!(record["upstream_cost"].to_string(), cost);
            assert_eq!(record["finish"], "stop");
            assert_eq!([&record["estimated"], &record["cancelled"]], [false, false]);
        }
    }
}

#[test]
fn on_an_account_of_their_own_callers_pay_the_fee() {
    let gateway = gateway();
    let used = json!({"usage": usage()});
    for stream in [false, true] {
        let own = ask(stream).with_key(OWNER).on("alpha", used.clone());
        let (_, text) = seen_usage(&gateway, &own, stream);
        // The image is missing here: (0.02968 - 0.0048) × 0.75, and a twentieth of that.
        let bill =
            r#""cost":0.000933,"is_byok":true,"cost_details":{"upstream_inference_cost":0.01866},"#;
        assert!(text.contains(bill), "{text}");
        // On the gateway's account, behind the own one, they pay like everybody.
        let limited = json!([{"status": 429}, {"usage": usage()}]);
        let shared = ask(stream).with_key(OWNER).on("alpha", limited);
        let (_, text) = seen_usage(&gateway, &shared, stream);
        let bill = format!(r#""cost":0.01866,"is_byok":false,"cost_details":{NO_DETAILS},"#);
        assert!(text.contains(&bill), "{text}");
    }
}

#[test]
fn what_nobody_counted_is_estimated() {
    let gateway = gateway();
    for stream in [false, true] {
        let silent = ask(stream).on("alpha", json!({"usage": false}));
        let (seen, text) = seen_usage(&gateway, &silent, stream);
        assert_eq!(seen["estimated"], true, "{text}");
        let tokens = |name: &str| seen[name].as_u64().unwrap();
        let (prompt, completion) = (tokens("prompt_tokens"), tokens("completion_tokens"));
        // `One two three`, and `Hello from alpha. You said: One two three`.
        assert!((3..=15).contains(&prompt), "{text}");
        assert!((8..=14).contains(&completion), "{text}");
        assert_eq!(tokens("total_tokens"), prompt + completion);
        let record = gateway.record(&silent);
        assert_eq!(
            [&record["prompt_tokens"], &record["completion_tokens"]],
            [&seen["prompt_tokens"], &seen["completion_tokens"]]
        );
        assert_eq!(record["estimated"], true);
        // Three quarters of the prices, in nano-dollars.
        let nano = (prompt * 3_000 + completion * 15_000 + 1_000_000) * 3 / 4;
        assert_eq!(record["cost"], json!(nano as f64 / 1e9), "{record}");
        assert_eq!(seen["cost"], record["cost"]);
    }
    // Who did not ask for it sees nothing of it in a stream.
    let silent =
        Ask::with(json!({"model": PRICED, "stream": true})).on("alpha", json!({"usage": false}));
    let response = gateway.send(&silent);
    assert!(!response.text().contains("usage"), "{}", response.text());
    assert_eq!(gateway.record(&silent)["estimated"], true);
}

#[test]
fn callers_who_leave_pay_for_what_they_got() {
    let gateway = gateway();
    for reset in [false, true] {
        let left = ask(true).on("alpha", json!({"hold_ms_after_first": 30_000}));
        let mut stream = gateway.stream(&left);
        assert!(stream.read_until("Hello").contains("Hello"));
        if reset {
            stream.reset();
        } else {
            drop(stream);
        }
        let record = gateway.record(&left);
        let names = ["finished", "cancelled", "estimated", "finish"];
        let found = names.map(|name| record[name].clone());
        let wanted = [json!(false), json!(true), json!(true), Value::Null];
        assert_eq!(found, wanted, "{record}");
        assert!((1..=3).contains(&record["completion_tokens"].as_u64().unwrap()));
        assert!(record["cost"].as_f64().unwrap() > 0.000_75, "{record}");
        assert_eq!(record["cost"], record["upstream_cost"]);
    }
}

#[test]
fn what_the_provider_breaks_off_is_free() {
    let gateway = gateway();
    for action in [
        json!({"cut": {"after_events": 2}}),
        json!({"reset": {"after_events": 2}}),
        json!({"error_event": {"at": 2, "error": {"code": 502, "message": "Down"}}}),
    ] {
        let broken = ask(true).on("alpha", action.clone());
        let response = gateway.send(&broken);
        assert_eq!(response.status, 200);
        let record = gateway.record(&broken);
        assert_eq!(record["cost"], 0, "{action}: {record}");
        assert_ne!(record["upstream_cost"], 0, "{action}: {record}");
        assert_eq!(record["finish"], "error", "{action}: {record}");
        let (cancelled, estimated) = (&record["cancelled"], &record["estimated"]);
        assert_eq!([cancelled, estimated], [false, true], "{action}: {record}");
    }
}

#[test]
fn an_answer_that_says_nothing_is_free_unless_it_says_why() {
    let gateway = gateway();
    let nothing = json!({"prompt_tokens": 1_000, "completion_tokens": 0, "total_tokens": 1_000});
    for (finish, cost) in [
        (Value::Null, "0"),
        (json!(""), "0"),
        (json!("error"), "0"),
        // A thousand tokens and a request, less a quarter.
        (json!("stop"), "0.003"),
        (json!("content_filter"), "0.003"),
    ] {
        let action = json!({"content": "", "finish_reason": finish, "usage": nothing});
        let empty = ask(false).on("alpha", action);
        let (_, text) = seen_usage(&gateway, &empty, false);
        assert!(
            text.contains(&format!(r#""cost":{cost},"#)),
            "{finish}: {text}"
        );
        let record = gateway.record(&empty);
        assert_eq!(record["cost"].to_string(), cost, "{finish}: {record}");
        assert_eq!(record["upstream_cost"].to_string(), "0.003", "{finish}");
    }
    // A stream that says nothing has to say why, or another provider is asked.
    let silent = ask(true).on(
        "alpha",
        json!({"finish_reason": "length", "content": "", "usage": nothing}),
    );
    let response = gateway.send(&silent);
    assert_eq!(text(&response.sse_json()), "");
    assert_eq!(gateway.record(&silent)["cost"].to_string(), "0.003");
}
