//! Keys that expire, and keys that are made while the gateway runs.

use std::collections::BTreeSet;
use std::sync::{Mutex, Weak};

use meshrouter_wasm_tests::client::{Request, Response};
use serde_json::{Value, json};

use crate::ask::{MINI, known_key};
use crate::gateway::{Place, Shared, error, share};

/// A gateway with provisioning keys, on several workers.
pub(crate) fn managed() -> Shared {
    static CURRENT: Place = Mutex::new(Weak::new());
    share(&CURRENT, |envoy| {
        envoy.concurrency(3).document(|document| {
            document["keys"] = json!([
                known_key(
                    "ops",
                    &json!({"provisioning": true, "allowed_models": [MINI]})
                ),
                known_key(
                    "app",
                    &json!({"label": "sk-or-v1-abc...123", "limit": "2.50"})
                ),
                known_key("past", &json!({"expires_at": "2001-02-03T04:05:06Z"})),
                known_key("future", &json!({"expires_at": "9999-12-31"})),
            ]);
        })
    })
}

pub(crate) const OPS: &str = "sk-or-v1-canary-ops";
pub(crate) const APP: &str = "sk-or-v1-canary-app";

/// Asks the key API.
pub(crate) fn api(
    gateway: &Shared,
    key: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Response {
    let request = Request::new(method, &format!("/api/v1{path}")).bearer(key);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    gateway.envoy.client().send(request)
}

/// Makes a key: the key itself, and what is said of it.
#[track_caller]
pub(crate) fn create(gateway: &Shared, body: &Value) -> (String, Value) {
    let response = api(gateway, OPS, "POST", "/keys", Some(body));
    assert_eq!(response.status, 201, "{}", response.text());
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let mut made = response.json();
    let key = made["key"].as_str().unwrap().to_owned();
    (key, made["data"].take())
}

fn complete(gateway: &Shared, key: &str, model: &str) -> Response {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "One"}]});
    let request = Request::post("/api/v1/chat/completions").bearer(key);
    gateway.envoy.client().send(request.json(&body))
}

/// Asks with a key so often that every worker is met.
fn everywhere(gateway: &Shared, key: &str, mut check: impl FnMut(Response)) {
    for _ in 0..12 {
        check(complete(gateway, key, MINI));
    }
}

#[test]
fn keys_expire() {
    let gateway = managed();
    let past = complete(&gateway, "sk-or-v1-canary-past", MINI);
    let message = error(&past, 401)["message"].to_string();
    assert!(
        message.contains("expired at 2001-02-03T04:05:06Z"),
        "{message}"
    );
    assert_eq!(
        complete(&gateway, "sk-or-v1-canary-future", MINI).status,
        200
    );
}

#[test]
fn no_two_keys_are_the_same() {
    let gateway = managed();
    let mut keys = BTreeSet::new();
    let mut digits = [0_usize; 16];
    for n in 0..24 {
        let (key, data) = create(&gateway, &json!({"name": format!("Customer {n}")}));
        let hex = key.strip_prefix("sk-or-v1-").unwrap();
        assert_eq!(hex.len(), 64);
        for digit in hex.chars() {
            digits[digit.to_digit(16).unwrap() as usize] += 1;
        }
        let label = format!("sk-or-v1-{}...{}", &hex[..3], &hex[61..]);
        assert_eq!(data["label"], label);
        assert!(keys.insert(key));
    }
    // 96 of each are expected; 40 are six standard deviations less.
    assert!(digits.iter().all(|count| *count > 40), "{digits:?}");
    // Nobody has written one down.
    let log = gateway.envoy.log();
    let lines = json!(gateway.envoy.access_log()).to_string();
    for key in &keys {
        assert!(!log.contains(key) && !lines.contains(key));
    }
}

#[test]
fn what_many_do_at_once_is_all_done() {
    let gateway = managed();
    let made: BTreeSet<String> = std::thread::scope(|scope| {
        let make = |n: usize| {
            let gateway = &gateway;
            scope.spawn(move || {
                let made =
                    (0..6).map(|_| create(gateway, &json!({"name": format!("At once {n}")})).1);
                made.map(|data| data["hash"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
            })
        };
        let makers: Vec<_> = (0..6).map(make).collect();
        let made = makers.into_iter().flat_map(|maker| maker.join().unwrap());
        made.collect()
    });
    assert_eq!(made.len(), 36);
    let list = api(&gateway, OPS, "GET", "/keys", None).json();
    let list = list["data"].as_array().unwrap();
    let listed: BTreeSet<_> = list
        .iter()
        .map(|key| key["hash"].as_str().unwrap())
        .collect();
    // Others may be newer, and a page has a hundred.
    assert!(list.len() == 100 || made.iter().all(|hash| listed.contains(&**hash)));
    // Each of them changes what it mentions.
    let path = format!("/keys/{}", made.first().unwrap());
    let changes = [
        json!({"name": "Changed"}),
        json!({"limit": 7}),
        json!({"limit_reset": "daily"}),
        json!({"include_byok_in_limit": true}),
    ];
    std::thread::scope(|scope| {
        for change in &changes {
            let (gateway, path) = (&gateway, &path);
            scope.spawn(move || api(gateway, OPS, "PATCH", path, Some(change)));
        }
    });
    let shown = api(&gateway, OPS, "GET", &path, None).json();
    for change in changes {
        for (field, value) in change.as_object().unwrap() {
            assert_eq!(&shown["data"][field], value, "{field}");
        }
    }
    gateway.assert_calm();
}

#[test]
fn a_created_key_works_on_every_worker_until_it_is_gone() {
    let gateway = managed();
    let (key, data) = create(&gateway, &json!({"name": "Customer"}));
    let path = format!("/keys/{}", data["hash"].as_str().unwrap());
    everywhere(&gateway, &key, |response| {
        assert_eq!(response.status, 200, "{}", response.text());
    });
    // What its maker may not ask, it may not.
    let other = complete(&gateway, &key, "anthropic/claude-sonnet-4");
    error(&other, 404);
    let patch = |changes: Value| {
        let response = api(&gateway, OPS, "PATCH", &path, Some(&changes));
        assert_eq!(response.status, 200, "{}", response.text());
    };
    patch(json!({"disabled": true}));
    everywhere(&gateway, &key, |response| {
        assert!(error(&response, 401).to_string().contains("disabled"));
    });
    patch(json!({"disabled": false}));
    everywhere(&gateway, &key, |response| assert_eq!(response.status, 200));
    let response = api(&gateway, OPS, "DELETE", &path, None);
    assert_eq!(
        (response.status, response.json()),
        (200, json!({"deleted": true}))
    );
    everywhere(&gateway, &key, |response| {
        assert!(error(&response, 401).to_string().contains("not known"));
    });
    gateway.assert_calm();
}

#[test]
fn provisioning_keys_do_not_complete_and_others_do_not_manage() {
    let gateway = managed();
    let refused = complete(&gateway, OPS, MINI);
    assert!(
        error(&refused, 403)
            .to_string()
            .contains("provisioning key")
    );
    for (method, path, body) in [
        ("GET", "/keys", None),
        ("POST", "/keys", Some(json!({"name": "x"}))),
        ("DELETE", "/keys/ab", None),
    ] {
        let refused = api(&gateway, APP, method, path, body.as_ref());
        error(&refused, 403);
    }
    gateway.assert_calm();
}
