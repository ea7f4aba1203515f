use super::*;
use meshrouter_core::account::Account;
use meshrouter_core::carried::Carried;
use meshrouter_host::Headers;
use meshrouter_host::fake::{Fake, Stream, settings};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

mod history;
mod identities;
mod management;
mod own_key;

/// 2026-11-25, 00:00:00 UTC.
const NOW: u64 = 20_782 * 24 * 60 * 60;

fn hex(key: &str) -> String {
    meshrouter_core::keys::hex(&Sha256::digest(key).into())
}

/// The entry of the key `sk-<name>`.
fn key(name: &str, more: &Value) -> Value {
    let mut entry = json!({"name": name, "hash": hex(&format!("sk-{name}"))});
    let more = more.as_object().unwrap().clone();
    entry.as_object_mut().unwrap().extend(more);
    entry
}

fn document() -> Value {
    json!({
        "keys": [
            key("demo", &json!({"label": "sk-or-v1-abc...123", "limit": "2.5", "limit_reset": "daily"})),
            key("off", &json!({"disabled": true})),
            key("old", &json!({"expires_at": "2026-11-25T00:00:00Z"})),
            key("new", &json!({"expires_at": "2026-11-25T00:00:01Z"})),
            key("ops", &json!({"provisioning": true, "requests_per_minute": 60})),
        ],
    })
}

/// A gateway that requests come to, one after the other.
struct Gateway {
    document: Value,
    shared: Fake,
}

impl Gateway {
    fn new() -> Self {
        Self::with(document())
    }

    fn with(document: Value) -> Self {
        let mut shared = Fake::default();
        shared.time = NOW * 1_000_000_000;
        Self { document, shared }
    }

    /// Sends headers, and a body if there is one.
    fn send(&mut self, headers: &[(&str, &str)], body: Option<&str>) -> Stream<Auth> {
        let settings = settings::<Auth>(&self.document.to_string()).unwrap();
        let mut stream = Stream::new(&settings);
        stream.host = self.shared.clone();
        let flow = stream.headers(Direction::Request, headers, body.is_none());
        if let Some(body) = body.filter(|_| flow == Flow::Pause) {
            let (first, rest) = body.as_bytes().split_at(body.len() / 2);
            stream.body(Direction::Request, first, false);
            stream.body(Direction::Request, rest, true);
        }
        self.shared.shared.clone_from(&stream.host.shared);
        self.shared.drawn = stream.host.drawn;
        stream
    }

    /// Asks for a completion with a key.
    fn complete(&mut self, key: &str) -> Stream<Auth> {
        self.send(&[CHAT, ("x-api-key", key)], None)
    }

    /// Asks the key API; the status and the answer.
    fn api(&mut self, key: &str, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let path = format!("/api/v1{path}");
        let headers = [
            (":method", method),
            (":path", &*path),
            ("authorization", &*format!("Bearer {key}")),
        ];
        let reply = self.send(&headers, body).host.reply.unwrap();
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }
}

const CHAT: (&str, &str) = (":path", "/v1/chat/completions");

/// The account of a request that passed.
fn account(stream: &Stream<Auth>) -> Account {
    assert!(stream.host.reply.is_none(), "{:?}", stream.host.reply);
    Account::decode(&stream.host.properties["meshrouter.key"]).unwrap()
}

/// The error of a request that did not.
fn error(stream: &Stream<Auth>) -> (u16, String) {
    let reply = stream.host.reply.as_ref().unwrap();
    assert!(stream.host.properties.is_empty());
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["error"]["code"], reply.status);
    (
        reply.status,
        body["error"]["message"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn known_keys_pass_without_their_credentials() {
    for header in [
        ("authorization", "Bearer sk-demo"),
        ("x-api-key", "sk-demo"),
    ] {
        let stream = Gateway::new().send(&[CHAT, header, ("x-title", "App")], None);
        let account = account(&stream);
        assert_eq!(
            (account.key.as_str(), account.id(), account.label.as_str()),
            ("demo", "demo", "sk-or-v1-abc...123")
        );
        assert_eq!(stream.header(Direction::Request, header.0), None);
        let title = stream.header(Direction::Request, "x-title");
        assert_eq!(title.as_deref(), Some("App"));
    }
    let account = account(&Gateway::new().complete("sk-new"));
    assert_eq!(
        account.label, "new",
        "a key without a label goes by its name"
    );
}

#[test]
fn others_get_401_and_learn_why() {
    let bearer = |value| vec![CHAT, ("authorization", value)];
    let cases = [
        (vec![CHAT], "No API key"),
        (bearer("Basic eHg="), "No API key"),
        (bearer("Bearer sk-other"), "not known"),
        (bearer("Bearer "), "not known"),
        (bearer("Bearer sk-off"), "disabled"),
        (bearer("Bearer sk-old"), "expired at 2026-11-25T00:00:00Z"),
        (
            vec![(":path", "/v1/models"), ("x-api-key", "sk-x")],
            "not known",
        ),
        (vec![(":path", "/v1/key")], "No API key"),
        (vec![(":path", "/v1/keys")], "No API key"),
    ];
    for (headers, message) in cases {
        let stream = Gateway::new().send(&headers, None);
        let (status, found) = error(&stream);
        assert_eq!(status, 401);
        assert!(found.contains(message) && !found.contains("sk-"), "{found}");
    }
}

#[test]
fn a_key_costs_the_same_whatever_it_is() {
    let mut gateway = Gateway::new();
    let made = |gateway: &mut Gateway, more: Value| {
        let body = json!({"name": "n"}).to_string();
        let (_, made) = gateway.api("sk-ops", "POST", "/keys", Some(&body));
        let path = format!("/keys/{}", made["data"]["hash"].as_str().unwrap());
        gateway.api("sk-ops", "PATCH", &path, Some(&more.to_string()));
        made["key"].as_str().unwrap().to_owned()
    };
    let keys = [
        "sk-demo".to_owned(),
        "sk-off".to_owned(),
        "sk-old".to_owned(),
        "sk-ops".to_owned(),
        "sk-unknown".to_owned(),
        String::new(),
        "x".repeat(5_000),
        made(&mut gateway, json!({})),
        made(&mut gateway, json!({"disabled": true})),
    ];
    let lookups = keys.map(|key| gateway.complete(&key).host.lookups.get());
    assert_eq!(lookups, [1; 9]);
}

#[test]
fn a_new_hash_keeps_the_account() {
    let mut gateway = Gateway::new();
    let before = account(&gateway.complete("sk-demo"));
    gateway.document["keys"][0]["hash"] = json!(hex("sk-rotated"));
    assert_eq!(error(&gateway.complete("sk-demo")).0, 401);
    assert_eq!(account(&gateway.complete("sk-rotated")), before);
}

#[test]
fn the_model_list_is_public() {
    let stream = Gateway::new().send(&[(":path", "/api/v1/models")], None);
    assert!(stream.host.reply.is_none() && stream.host.properties.is_empty());
    assert_eq!(stream.host.lookups.get(), 0);
}

#[test]
fn what_only_the_router_may_say_is_stripped() {
    let headers = [
        CHAT,
        ("authorization", "Bearer sk-demo"),
        ("x-meshrouter-plan", "a@b"),
        ("x-meshrouter-anything", "x"),
        ("x-envoy-max-retries", "99"),
        ("cookie", "a=b"),
    ];
    let stream = Gateway::new().send(&headers, None);
    assert_eq!(stream.host.headers(Direction::Request).iter().count(), 1);
}

#[test]
fn documents_that_cannot_be_are_refused_at_their_field() {
    let path = |more: Value| {
        let document = json!({"keys": [key("k", &more)]}).to_string();
        settings::<Auth>(&document).unwrap_err().path
    };
    assert_eq!(path(json!({"expires_at": "soon"})), "keys[0].expires_at");
    assert_eq!(path(json!({"expires_at": 5})), "keys[0].expires_at");
    assert_eq!(path(json!({"limit": -1, "name": "z"})), "keys[0].limit");
    assert_eq!(path(json!({"name": "#k"})), "keys[0].name");
}
