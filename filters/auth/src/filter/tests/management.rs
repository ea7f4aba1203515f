//! `/keys`.

use super::*;

fn create(gateway: &mut Gateway, body: &Value) -> (String, Value) {
    let (status, made) = gateway.api("sk-ops", "POST", "/keys/", Some(&body.to_string()));
    assert_eq!(status, 201, "{made}");
    let key = made["key"].as_str().unwrap().to_owned();
    (key, made["data"].clone())
}

fn path(data: &Value) -> String {
    format!("/keys/{}", data["hash"].as_str().unwrap())
}

fn names(list: &Value) -> Vec<&str> {
    let keys = list["data"].as_array().unwrap().iter();
    keys.map(|key| key["name"].as_str().unwrap()).collect()
}

#[test]
fn a_created_key_follows_its_makers_policy_on_an_account_of_its_own() {
    let mut gateway = Gateway::new();
    let asked = json!({"name": "Customer 1", "limit": 10.25, "limit_reset": "weekly",
        "include_byok_in_limit": true, "expires_at": "2027-01-01T00:00:00Z", "workspace_id": "ignored"});
    let (key, data) = create(&mut gateway, &asked);
    assert_eq!(key.len(), "sk-or-v1-".len() + 64);
    let expected = json!({"hash": hex(&key), "name": "Customer 1", "label": "sk-or-v1-010...101",
        "disabled": false, "limit": 10.25, "limit_remaining": 10.25, "limit_reset": "weekly",
        "include_byok_in_limit": true, "usage": 0, "usage_daily": 0, "usage_weekly": 0, "usage_monthly": 0,
        "byok_usage": 0, "byok_usage_daily": 0, "byok_usage_weekly": 0, "byok_usage_monthly": 0,
        "created_at": "2026-11-25T00:00:00Z", "updated_at": null, "expires_at": "2027-01-01T00:00:00Z",
        "creator_user_id": "ops", "external_user": null, "last_used_at": null, "workspace_id": "default"});
    assert_eq!(data, expected);
    let stream = gateway.complete(&key);
    let account = account(&stream);
    assert_eq!(account.key, "ops");
    assert_eq!(account.id(), format!("#{}", hex(&key)));
    assert_eq!(account.label, "sk-or-v1-010...101");
    assert_eq!(account.allowance.requests_per_minute, Some(60));
    assert_eq!(
        account.allowance.limit.map(|limit| limit.nano()),
        Some(10_250_000_000)
    );
    // It says of itself what it is, and manages nobody.
    let (_, own) = gateway.api(&key, "GET", "/key", None);
    assert_eq!(own["data"]["label"], "sk-or-v1-010...101");
    assert_eq!(own["data"]["creator_user_id"], "ops");
    assert_eq!(own["data"]["is_provisioning_key"], false);
    assert_eq!(gateway.api(&key, "GET", "/keys", None).0, 403);
    // The key itself stands nowhere.
    for (value, _) in gateway.shared.shared.values() {
        assert!(!String::from_utf8_lossy(value).contains(&key));
    }
    // No other is the same.
    assert_ne!(create(&mut gateway, &json!({"name": "Customer 1"})).0, key);
}

#[test]
fn keys_are_changed_and_deleted() {
    let mut gateway = Gateway::new();
    let (key, data) = create(
        &mut gateway,
        &json!({"name": "a", "limit": 1, "limit_reset": "daily"}),
    );
    let path = path(&data);
    gateway.shared.time += 5_000_000_000;
    let patch = |gateway: &mut Gateway, changes: Value| {
        let (status, changed) = gateway.api("sk-ops", "PATCH", &path, Some(&changes.to_string()));
        assert_eq!(status, 200, "{changed}");
        let read = gateway.api("sk-ops", "GET", &path, None);
        assert_eq!(read, (200, changed.clone()));
        changed["data"].clone()
    };
    let same = patch(&mut gateway, json!({}));
    assert_eq!(same["limit"], 1);
    assert_eq!(same["updated_at"], "2026-11-25T00:00:05Z");
    let off = patch(
        &mut gateway,
        json!({"name": "b", "disabled": true, "limit": null, "limit_reset": null}),
    );
    assert_eq!(
        (&off["name"], &off["limit"], &off["limit_reset"]),
        (&json!("b"), &Value::Null, &Value::Null)
    );
    assert!(error(&gateway.complete(&key)).1.contains("disabled"));
    patch(
        &mut gateway,
        json!({"disabled": false, "expires_at": "2026-11-26"}),
    );
    assert!(gateway.complete(&key).host.reply.is_none());
    gateway.shared.time += 24 * 3_600 * 1_000_000_000;
    assert!(error(&gateway.complete(&key)).1.contains("expired"));
    patch(&mut gateway, json!({"expires_at": null}));
    assert!(gateway.complete(&key).host.reply.is_none());

    assert_eq!(
        gateway.api("sk-ops", "DELETE", &path, None),
        (200, json!({"deleted": true}))
    );
    assert!(error(&gateway.complete(&key)).1.contains("not known"));
    for (method, body) in [("GET", None), ("PATCH", Some("{}")), ("DELETE", None)] {
        assert_eq!(
            gateway.api("sk-ops", method, &path, body).0,
            404,
            "{method}"
        );
    }
    assert!(!names(&gateway.api("sk-ops", "GET", "/keys", None).1).contains(&"b"));
    // Whoever holds an older copy learns that it is gone.
    let (tombstone, _) = &gateway.shared.shared[&format!("key/{}", hex(&key))];
    assert!(String::from_utf8_lossy(tombstone).contains("\"deleted\":true"));
}

#[test]
fn the_list_has_pages_newest_first() {
    let mut gateway = Gateway::new();
    for n in 0..103 {
        create(&mut gateway, &json!({"name": format!("c{n}")}));
    }
    let list = |gateway: &mut Gateway, query: &str| {
        let (status, list) = gateway.api("sk-ops", "GET", &format!("/keys{query}"), None);
        assert_eq!(status, 200);
        list
    };
    let first = list(&mut gateway, "");
    assert_eq!(
        (names(&first).len(), names(&first)[0], names(&first)[99]),
        (100, "c102", "c3")
    );
    let second = list(&mut gateway, "?offset=100");
    assert_eq!(names(&second), ["c2", "c1", "c0", "demo", "new", "ops"]);
    let rest = list(
        &mut gateway,
        "/?offset=103&include_disabled=true&include_expired=true",
    );
    assert_eq!(names(&rest), ["demo", "off", "old", "new", "ops"]);
    assert_eq!(rest["data"][0]["label"], "sk-or-v1-abc...123");
    assert_eq!(names(&list(&mut gateway, "?offset=1000")).len(), 0);
    for offset in ["-1", "x", "1e9", "99999999999999999999"] {
        let (status, error) = gateway.api("sk-ops", "GET", &format!("/keys?offset={offset}"), None);
        assert_eq!(
            (status, &error["error"]["metadata"]["field"]),
            (400, &json!("offset"))
        );
    }
}

#[test]
fn only_provisioning_keys_manage_and_they_do_nothing_else() {
    let mut gateway = Gateway::new();
    for (method, path) in [("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/ab")] {
        let (status, error) = gateway.api("sk-demo", method, path, Some("{}"));
        assert_eq!(status, 403);
        assert!(error.to_string().contains("provisioning key"), "{error}");
    }
    let (status, message) = error(&gateway.complete("sk-ops"));
    assert!(
        status == 403 && message.contains("manages keys"),
        "{message}"
    );
    // What anybody may read, it may, too.
    let read = [(":path", "/v1/models"), ("x-api-key", "sk-ops")];
    assert!(gateway.send(&read, None).host.reply.is_none());
}

#[test]
fn the_documents_keys_are_changed_there() {
    let mut gateway = Gateway::new();
    let path = format!("/keys/{}", hex("sk-demo").to_uppercase());
    let (status, shown) = gateway.api("sk-ops", "GET", &path, None);
    assert_eq!((status, &shown["data"]["name"]), (200, &json!("demo")));
    assert_eq!(shown["data"]["creator_user_id"], Value::Null);
    for (method, body) in [("PATCH", Some("{\"disabled\": true}")), ("DELETE", None)] {
        let (status, error) = gateway.api("sk-ops", method, &path, body);
        assert!(
            status == 403 && error.to_string().contains("gateway document"),
            "{error}"
        );
    }
    assert!(gateway.complete("sk-demo").host.reply.is_none());
}

#[test]
fn a_key_whose_maker_is_gone_is_refused() {
    let mut gateway = Gateway::new();
    let (key, _) = create(&mut gateway, &json!({"name": "a"}));
    gateway.document["keys"][4]["disabled"] = json!(true);
    assert!(
        gateway.complete(&key).host.reply.is_none(),
        "its policy still stands there"
    );
    gateway.document["keys"].as_array_mut().unwrap().pop();
    assert!(
        error(&gateway.complete(&key))
            .1
            .contains("provisioning key")
    );
}

#[test]
fn bodies_are_checked_field_by_field() {
    let mut gateway = Gateway::new();
    let long = "x".repeat(257);
    let cases = [
        (json!({}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"name": long}), "name"),
        (json!({"name": "a", "limit": -1}), "limit"),
        (json!({"name": "a", "limit": "much"}), "limit"),
        (json!({"name": "a", "limit": 0.0000000001}), "limit"),
        (json!({"name": "a", "limit_reset": "hourly"}), "limit_reset"),
        (
            json!({"name": "a", "include_byok_in_limit": "yes"}),
            "include_byok_in_limit",
        ),
        (json!({"name": "a", "expires_at": "tomorrow"}), "expires_at"),
        (
            json!({"name": "a", "expires_at": "2026-11-25"}),
            "expires_at",
        ),
    ];
    for (body, field) in cases {
        let (status, error) = gateway.api("sk-ops", "POST", "/keys", Some(&body.to_string()));
        assert_eq!(
            (status, &error["error"]["metadata"]["field"]),
            (400, &json!(field)),
            "{body}: {error}"
        );
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
    let path = path(&create(&mut gateway, &json!({"name": "a"})).1);
    for (method, path) in [("POST", "/keys"), ("PATCH", &*path)] {
        for (body, status) in [
            ("", 400),
            ("{", 400),
            ("[]", 400),
            ("[\"a\"]", 400),
            ("\"a\"", 400),
            ("{\"name\":\"a\"} x", 400),
            ("{\"name\":\"a\",\"name\":\"b\"}", 400),
            ("{\"name\":\"\\ud800\"}", 400),
            (
                &*format!("{{\"name\":\"a\",\"x\":{}", "[".repeat(60_000)),
                400,
            ),
            (
                &*format!("{{\"name\":\"a\",\"x\":\"{}\"}}", "x".repeat(66_000)),
                413,
            ),
        ] {
            let (found, _) = gateway.api("sk-ops", method, path, Some(body));
            assert_eq!(found, status, "{method} {}", body.get(..20).unwrap_or(body));
        }
        let (status, error) = gateway.api("sk-ops", method, path, None);
        assert!(
            status == 400 && error.to_string().contains("no body"),
            "{error}"
        );
    }
    for hash in ["zz", "%ff", &"a".repeat(64)] {
        let path = format!("/keys/{hash}");
        let expected = if hash == "%ff" { None } else { Some(404) };
        let headers = [
            (":method", "GET"),
            (":path", &*format!("/v1{path}")),
            ("x-api-key", "sk-ops"),
        ];
        let reply = gateway.send(&headers, None).host.reply;
        assert_eq!(reply.map(|reply| reply.status), expected, "{hash}");
    }
    for (method, path) in [("PUT", "/keys"), ("DELETE", "/keys"), ("POST", &*path)] {
        let (status, _) = gateway.api("sk-ops", method, path, None);
        assert_eq!(status, 405, "{method} {path}");
    }
}

#[test]
fn there_are_only_so_many() {
    let mut gateway = Gateway::new();
    let hashes: Vec<u8> = (0..10_000_u64)
        .flat_map(|n| [n; 4].map(u64::to_le_bytes).concat())
        .collect();
    gateway.shared.shared.insert("keys".to_owned(), (hashes, 1));
    let (status, error) = gateway.api("sk-ops", "POST", "/keys", Some(r#"{"name": "a"}"#));
    assert!(
        status == 403 && error.to_string().contains("10000"),
        "{error}"
    );
    assert!(
        !gateway
            .shared
            .shared
            .keys()
            .any(|key| key.starts_with("key/"))
    );
}
