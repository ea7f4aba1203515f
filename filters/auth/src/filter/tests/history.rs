//! `GET /credits`, `GET /generation` and `GET /activity`.

use meshrouter_ledger::activity::{self, Activity, Day};
use meshrouter_ledger::{Balance, Sum, Used, generation};

use super::*;

impl Gateway {
    fn spend(&mut self, account: &str, nano: u64) {
        let mut balance = Balance::default();
        let cost = Sum {
            spent: nano,
            byok: 9,
        };
        let used = Used {
            now: NOW,
            cost,
            tokens: 5,
        };
        balance.settle(None, &used);
        let key = meshrouter_ledger::key(account);
        self.put(&key, balance.encode());
    }

    fn put(&mut self, key: &str, value: Vec<u8>) {
        self.shared.shared.insert(key.to_owned(), (value, 1));
    }
}

#[test]
fn credits_are_what_all_keys_have_spent() {
    let mut document = document();
    document["credits"] = json!("12.50");
    let mut gateway = Gateway::with(document);
    let (status, made) = gateway.api("sk-ops", "POST", "/keys", Some(r#"{"name": "made"}"#));
    assert_eq!(status, 201, "{made}");
    gateway.spend("demo", 1_000_000_000);
    gateway.spend(&format!("#{}", made["data"]["hash"].as_str().unwrap()), 2);
    let (status, answer) = gateway.api("sk-ops", "GET", "/credits", None);
    assert_eq!(status, 200);
    let wanted = json!({"data": {"total_credits": 12.5, "total_usage": 1.000000002}});
    assert_eq!(answer, wanted);
    let (status, answer) = gateway.api("sk-demo", "GET", "/credits", None);
    assert_eq!(status, 403, "{answer}");
}

#[test]
fn a_generation_is_its_payers() {
    let mut gateway = Gateway::new();
    let remembered = br#"{"account":"demo","api_type":"completions","created_at":"2026-11-25T00:00:00Z","record":{
        "id":"gen-1","cost":0.1,"upstream_cost":0.2,"byok":false,"app_url":null,"finish":"stop","latency_ms":9}}"#;
    gateway.put(&generation::key("gen-1"), generation::value(1, remembered));
    // Another one has taken its place.
    gateway.put(&generation::key("gen-2"), generation::value(1, remembered));
    for key in ["sk-demo", "sk-ops"] {
        let (status, answer) = gateway.api(key, "GET", "/generation?id=gen-1", None);
        assert_eq!(status, 200);
        let data = answer["data"].as_object().unwrap();
        let known = json!({"id": "gen-1", "total_cost": 0.1, "usage": 0.1, "is_byok": false, "origin": "",
            "finish_reason": "stop", "native_finish_reason": "stop", "generation_time": 9,
            "created_at": "2026-11-25T00:00:00Z", "api_type": "completions", "data_region": "global",
            "workspace_id": "default"});
        let known = known.as_object().unwrap();
        for (name, value) in data {
            assert_eq!(value, known.get(name).unwrap_or(&Value::Null), "{name}");
        }
        assert!(known.keys().all(|name| data.contains_key(name)));
        assert_eq!(data.len(), 43);
    }
    let byok = r#"{"account":"demo","api_type":"embeddings","created_at":"","record":{
        "id":"gen-5","cost":0.1,"upstream_cost":0.2,"byok":true,"app_url":"https://\u0061"}}"#;
    let place = generation::key("gen-5");
    gateway.put(&place, generation::value(1, byok.as_bytes()));
    let (_, answer) = gateway.api("sk-demo", "GET", "/generation?id=gen-5", None);
    let names = [
        "upstream_inference_cost",
        "origin",
        "http_referer",
        "api_type",
    ];
    assert_eq!(
        json!(names.map(|name| &answer["data"][name])),
        json!([0.2, "https://a", "https://a", "embeddings"])
    );
    let other = r#"{"account":"other","api_type":"","created_at":"","record":{"id":"gen-3"}}"#;
    gateway.put(
        &generation::key("gen-3"),
        generation::value(1, other.as_bytes()),
    );
    for id in ["gen-2", "gen-3", "gen-4"] {
        let path = format!("/generation?id={id}");
        let (status, answer) = gateway.api("sk-demo", "GET", &path, None);
        assert_eq!(status, 404, "{answer}");
    }
    let (status, answer) = gateway.api("sk-demo", "GET", "/generation", None);
    let field = &answer["error"]["metadata"]["field"];
    assert_eq!((status, field), (400, &json!("id")));
}

#[test]
fn activity_is_by_day_and_endpoint() {
    let mut gateway = Gateway::new();
    let done = Day {
        requests: 1,
        spent: 1_500,
        byok: 7,
        prompt_tokens: 10,
        completion_tokens: 5,
        ..Day::default()
    };
    let mut days = Activity::default();
    for ago in [0, 1, 1, 30, 31] {
        days.add(done, NOW - ago * 86_400);
    }
    gateway.put(activity::INDEX, b"a/one@alpha/turbo\n".to_vec());
    gateway.put(&activity::key("a/one@alpha/turbo"), days.encode());
    let (status, answer) = gateway.api("sk-ops", "GET", "/activity", None);
    assert_eq!(status, 200);
    let items = answer["data"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{answer}");
    let first = json!({"date": "2026-11-24", "model": "a/one", "model_permaslug": "a/one",
        "endpoint_id": "alpha/turbo", "provider_name": "alpha", "usage": 0.000003,
        "byok_usage_inference": 0.000000014, "requests": 2, "prompt_tokens": 20, "completion_tokens": 10,
        "reasoning_tokens": 0, "cached_tokens": 0, "workspace_id": "default"});
    assert_eq!(items[0], first);
    let (_, answer) = gateway.api("sk-ops", "GET", "/activity?date=2026-11-25", None);
    assert_eq!(answer["data"][0]["requests"], 1);
    let (status, answer) = gateway.api("sk-ops", "GET", "/activity?date=today", None);
    let field = &answer["error"]["metadata"]["field"];
    assert_eq!((status, field), (400, &json!("date")));
    assert_eq!(gateway.api("sk-demo", "GET", "/activity", None).0, 403);
}
