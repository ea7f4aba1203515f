//! Callers without a key whom the mesh knows.

use super::*;

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const PRINCIPAL: &str = "connection.uri_san_peer_certificate";

fn gateway() -> Gateway {
    let mut document = document();
    document["identities"] = json!([
        {"principal": WEB, "key": "demo"},
        {"principal": "spiffe://cluster.local/ns/shop/sa/off", "key": "off"},
        {"claim": {"name": "sub", "value": "batch"}, "key": "new"},
        {"claim": {"name": "sub", "value": "web", "payload": "issuer"}, "key": "demo"},
        {"claim": {"name": "team", "value": "ops"}, "key": "ops"},
    ]);
    Gateway::with(document)
}

fn claim(payload: &str, name: &str) -> String {
    format!("metadata.filter_metadata.envoy.filters.http.jwt_authn.{payload}.{name}")
}

/// A request of somebody of whom Envoy knows this.
fn send(known: &[(&str, &str)], headers: &[(&str, &str)]) -> Stream<Auth> {
    let mut gateway = gateway();
    for (property, value) in known {
        let value = value.as_bytes().to_vec();
        gateway
            .shared
            .properties
            .insert((*property).to_owned(), value);
    }
    let mut stream = gateway.send(headers, None);
    for (property, _) in known {
        stream.host.properties.remove(*property);
    }
    stream
}

#[test]
fn what_envoy_has_verified_is_who_calls() {
    let named = |payload, name, value| send(&[(&claim(payload, name), value)], &[CHAT]);
    assert_eq!(account(&send(&[(PRINCIPAL, WEB)], &[CHAT])).id(), "demo");
    assert_eq!(account(&named("payload", "sub", "batch")).id(), "new");
    assert_eq!(account(&named("issuer", "sub", "web")).id(), "demo");
    // The same words of another issuer are somebody else's.
    assert_eq!(error(&named("payload", "sub", "web")).0, 401);
    assert_eq!(error(&named("issuer", "sub", "batch")).0, 401);
    let (status, message) = error(&send(
        &[(PRINCIPAL, "spiffe://cluster.local/ns/shop/sa/other")],
        &[CHAT],
    ));
    assert!(
        status == 401 && message.contains("no identity"),
        "{message}"
    );
    let off = send(
        &[(PRINCIPAL, "spiffe://cluster.local/ns/shop/sa/off")],
        &[CHAT],
    );
    assert!(error(&off).1.contains("`off` of this identity is disabled"));
}

#[test]
fn a_key_wins() {
    let known = [(PRINCIPAL, WEB)];
    let with = |key| send(&known, &[CHAT, ("x-api-key", key)]);
    assert_eq!(account(&with("sk-new")).id(), "new");
    assert_eq!(error(&with("sk-wrong")).0, 401);
    // The principal before a claim.
    let both = [(PRINCIPAL, WEB), (&*claim("payload", "sub"), "batch")];
    assert_eq!(account(&send(&both, &[CHAT])).id(), "demo");
}

#[test]
fn headers_are_no_identity() {
    let forwarded = format!("By=x;URI={WEB}");
    for header in ["x-forwarded-client-cert", "x-spiffe-id", "x-jwt-payload"] {
        assert_eq!(error(&send(&[], &[CHAT, (header, &forwarded)])).0, 401);
    }
}

#[test]
fn without_identities_nothing_is_asked() {
    let mut gateway = Gateway::new();
    gateway
        .shared
        .properties
        .insert(PRINCIPAL.to_owned(), WEB.into());
    let stream = gateway.send(&[CHAT], None);
    assert_eq!(stream.host.reply.unwrap().status, 401);
    assert_eq!(stream.host.lookups.get(), 0);
}

#[test]
fn an_identity_may_manage_keys() {
    let known = claim("payload", "team");
    let request = [(":method", "GET"), (":path", "/v1/keys")];
    let reply = send(&[(&known, "ops")], &request).host.reply.unwrap();
    assert_eq!(reply.status, 200);
}

#[test]
fn identities_that_cannot_be_are_refused() {
    let claim = json!({"name": "sub", "value": "x"});
    let cases = [
        (
            json!([{"principal": WEB, "key": "nobody"}]),
            "identities[0].key",
        ),
        (
            json!([{"principal": "web", "key": "demo"}]),
            "identities[0].principal",
        ),
        (json!([{"key": "demo"}]), "identities[0]"),
        (
            json!([{"key": "demo", "principal": WEB, "claim": claim}]),
            "identities[0]",
        ),
        (
            json!([{"key": "demo", "claim": claim}, {"key": "new", "claim": claim}]),
            "identities[1]",
        ),
        (
            json!([{"key": "demo", "principal": WEB, "header": "x"}]),
            "identities[0].header",
        ),
        (
            json!([{"key": "demo", "claim": {"name": "sub"}}]),
            "identities[0].claim",
        ),
    ];
    for (identities, path) in cases {
        let mut document = document();
        document["identities"] = identities;
        let error = settings::<Auth>(&document.to_string()).unwrap_err();
        assert_eq!(error.path, path, "{error}");
    }
}
