//! What can be asked of requests that are over: generations, credits, activity.

use meshrouter_wasm_tests::client::{Request, Response};
use serde_json::{Value, json};

use crate::ask::{Ask, known_key, named_key};
use crate::gateway::{Gateway, error, eventually};
use crate::money::{PRICED, price_list};

const OPS: &str = "ops";

pub(crate) fn document(document: &mut Value) {
    price_list(document);
    document["credits"] = json!("20");
    let keys = document["keys"].as_array_mut().unwrap();
    keys.push(known_key(OPS, &json!({"provisioning": true})));
    keys.push(known_key("asker", &json!({})));
}

/// What the gateway answers to a GET with the key of this name.
pub(crate) fn get(gateway: &Gateway, key: &'static str, path: &str) -> Response {
    let request = Request::get(&format!("/api/v1{path}")).bearer(&named_key(key));
    gateway.envoy.client().send(request)
}

/// Asks for a completion, in one piece or as a stream: its id.
pub(crate) fn complete(gateway: &Gateway, key: &'static str, stream: bool) -> String {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
        "completion_tokens_details": {"reasoning_tokens": 4}});
    let ask = Ask::with(json!({"model": PRICED, "stream": stream}))
        .with_key(key)
        .header("http-referer", "https://app.example")
        .on("alpha", json!({"usage": usage}));
    let response = gateway.send(&ask);
    assert_eq!(response.status, 200, "{}", response.text());
    let answer = match stream {
        false => response.json(),
        true => response.sse_json().remove(0),
    };
    answer["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_generation_can_be_asked_for_by_its_id() {
    let gateway = Gateway::start(|envoy| envoy.concurrency(2).document(document));
    for stream in [false, true] {
        let id = complete(&gateway, "asker", stream);
        let path = format!("/generation?id={id}");
        eventually("it is remembered", || {
            get(&gateway, "asker", &path).status == 200
        });
        let answer = get(&gateway, "asker", &path).json();
        let data = &answer["data"];
        for (name, value) in [
            ("id", json!(id)),
            ("model", json!(PRICED)),
            ("provider_name", json!("alpha")),
            ("origin", json!("https://app.example")),
            ("streamed", json!(stream)),
            ("cancelled", json!(false)),
            ("finish_reason", json!("stop")),
            ("tokens_prompt", json!(100)),
            ("native_tokens_completion", json!(10)),
            ("native_tokens_reasoning", json!(4)),
            ("total_cost", json!(0.00045)),
            ("usage", json!(0.00045)),
            ("is_byok", json!(false)),
        ] {
            assert_eq!(data[name], value, "{name}: {answer}");
        }
        error(&get(&gateway, OPS, "/generation?id=gen-0"), 404);
        assert_eq!(get(&gateway, OPS, &path).status, 200);
    }
    let credits = get(&gateway, OPS, "/credits").json();
    assert_eq!(
        credits["data"],
        json!({"total_credits": 20, "total_usage": 0.0009})
    );
    error(&get(&gateway, "asker", "/credits"), 403);
    // Of days that are over there is none yet.
    assert_eq!(get(&gateway, OPS, "/activity").json(), json!({"data": []}));
    let key = get(&gateway, "asker", "/key").json();
    assert_eq!(key["data"]["usage"], json!(0.0009), "{key}");
    gateway.assert_calm();
}
