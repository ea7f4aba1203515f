//! `auth` as the manager of keys: what it makes is random, and known to every worker.

use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::{Chain, World};
use serde_json::{Value, json};

use super::headers;
use crate::{CHAT, json};

/// A worker of the gateway whose one key makes others.
fn worker(world: &World) -> Chain {
    let shipped = Shipped::seven().document(|document| {
        document["keys"][0]["provisioning"] = json!(true);
    });
    Chain::new(world, &[shipped.plugin("auth")]).unwrap()
}

/// What the key API answers.
fn api(worker: &mut Chain, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = worker.stream();
    let sent = headers(&[
        (":method", method.as_bytes()),
        (":path", path.as_bytes()),
        ("authorization", b"Bearer sk-or-v1-demo"),
    ]);
    let mut out = stream.request_headers(sent, body.is_empty()).unwrap();
    for (n, byte) in body.bytes().enumerate() {
        assert!(out.local_reply.is_none() && out.headers.is_none());
        out = stream.request_body([byte], n + 1 == body.len()).unwrap();
    }
    let reply = out.local_reply.unwrap();
    (reply.code, json(&String::from_utf8(reply.body).unwrap()))
}

/// The status of a refusal; `None` where the request passes.
fn refused(worker: &mut Chain, key: &str) -> Option<u16> {
    let sent = headers(&[(":path", CHAT.as_bytes()), ("x-api-key", key.as_bytes())]);
    let out = worker.stream().request_headers(sent, true).unwrap();
    out.local_reply.map(|reply| reply.code)
}

#[test]
fn keys_are_made_by_one_worker_and_known_to_all() {
    let world = World::new();
    let (mut one, mut other) = (worker(&world), worker(&world));
    let make = |worker: &mut Chain| {
        let (status, made) = api(worker, "POST", "/v1/keys", r#"{"name":"Zo\u00eb"}"#);
        assert_eq!((status, &made["data"]["name"]), (201, &json!("Zoë")));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["key"]), text(&made["data"]["hash"]))
    };
    let ((first, hash), (second, _)) = (make(&mut one), make(&mut other));
    assert_ne!(first, second);
    for worker in [&mut one, &mut other] {
        assert_eq!(refused(worker, &first), None);
        assert_eq!(refused(worker, &second), None);
        assert_eq!(refused(worker, "sk-or-v1-demo"), Some(403));
    }
    let path = format!("/v1/keys/{hash}");
    assert_eq!(
        api(&mut other, "DELETE", &path, ""),
        (200, json!({"deleted": true}))
    );
    assert_eq!(refused(&mut one, &first), Some(401));
    let (status, list) = api(&mut one, "GET", "/v1/keys", "");
    assert_eq!((status, list["data"].as_array().unwrap().len()), (200, 2));
}
