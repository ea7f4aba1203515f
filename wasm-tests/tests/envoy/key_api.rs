//! The key API over HTTP: statuses, methods, bodies in pieces, and what is not said.

use meshrouter_wasm_tests::client::Request;
use serde_json::json;

use crate::gateway::error;
use crate::keys::{APP, OPS, api, create, managed};

#[test]
fn a_key_tells_of_itself() {
    let gateway = managed();
    for path in ["/key", "/key/", "/auth/key"] {
        let response = api(&gateway, APP, "GET", path, None);
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.header("content-type"), Some("application/json"));
        let data = &response.json()["data"];
        assert_eq!(data["label"], "sk-or-v1-abc...123");
        assert_eq!((&data["limit"], &data["usage"]), (&json!(2.5), &json!(0)));
        assert_eq!(data["is_provisioning_key"], false);
    }
    let provisioning = api(&gateway, OPS, "GET", "/key", None);
    assert_eq!(provisioning.json()["data"]["is_provisioning_key"], true);
    let nobody = gateway.envoy.client().send(Request::get("/api/v1/key"));
    error(&nobody, 401);
    gateway.assert_calm();
}

#[test]
fn keys_are_listed_shown_changed_and_deleted() {
    let gateway = managed();
    let asked = json!({"name": "Customer", "limit": 12.5, "limit_reset": "monthly", "include_byok_in_limit": true});
    let (_, made) = create(&gateway, &asked);
    let path = format!("/keys/{}", made["hash"].as_str().unwrap());
    let shown = api(&gateway, OPS, "GET", &path, None);
    assert_eq!((shown.status, &shown.json()["data"]), (200, &made));
    let list = api(&gateway, OPS, "GET", "/keys/?offset=0", None).json();
    let list = list["data"].as_array().unwrap();
    assert!(list.contains(&made));
    assert!(list.iter().any(|key| key["name"] == "app"));
    assert!(!list.iter().any(|key| key["name"] == "past"));
    let changes = json!({"name": "Another", "limit": null});
    let changed = api(&gateway, OPS, "PATCH", &path, Some(&changes)).json();
    let changed = &changed["data"];
    assert_eq!(
        (&changed["name"], &changed["limit"]),
        (&json!("Another"), &json!(null))
    );
    assert_eq!(changed["limit_reset"], "monthly");
    assert_eq!(api(&gateway, OPS, "DELETE", &path, None).status, 200);
    for method in ["GET", "DELETE"] {
        error(&api(&gateway, OPS, method, &path, None), 404);
    }
    error(&api(&gateway, OPS, "PATCH", &path, Some(&json!({}))), 404);
    // The document's own are changed there.
    let list = api(&gateway, OPS, "GET", "/keys?include_expired=true", None).json();
    let list = list["data"].as_array().unwrap();
    let past = list.iter().find(|key| key["name"] == "past").unwrap();
    let path = format!("/keys/{}", past["hash"].as_str().unwrap());
    error(&api(&gateway, OPS, "DELETE", &path, None), 403);
    gateway.assert_calm();
}

#[test]
fn methods_and_bodies_are_checked() {
    let gateway = managed();
    let put = api(&gateway, OPS, "PUT", "/keys", Some(&json!({})));
    error(&put, 405);
    assert_eq!(put.header("allow"), Some("GET, POST"));
    let client = gateway.envoy.client();
    let post = || Request::post("/api/v1/keys").bearer(OPS);
    let field = error(
        &client.send(post().json(&json!({"name": "a", "limit": -1}))),
        400,
    );
    assert_eq!(field["metadata"]["field"], "limit");
    error(&client.send(post().body("{")), 400);
    error(&client.send(post()), 400);
    error(&client.send(post().body("x".repeat(70_000))), 413);
    error(&client.send(post().body("\u{fffd}\u{0}").chunked(1)), 400);
    let body = json!({"name": "Zoë in pieces", "limit": 1}).to_string();
    let response = client.send(post().body(body).chunked(3));
    assert_eq!(response.status, 201, "{}", response.text());
    assert_eq!(response.json()["data"]["name"], "Zoë in pieces");
    gateway.assert_calm();
}
