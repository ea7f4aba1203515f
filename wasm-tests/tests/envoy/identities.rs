//! Callers without a key: by their certificate over mutual TLS, by a token that Envoy has verified.

use meshrouter_wasm_tests::client::{Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ask::{MINI, known_key};
use crate::gateway::{Gateway, error, eventually};
use crate::tls::{Authority, exchange};

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";

/// A document in which these callers are known, and one key of its own.
fn document(document: &mut Value) {
    let entry = |name: &str| known_key(name, &json!({"allowed_models": [MINI]}));
    document["keys"] = json!([entry("web"), entry("batch"), entry("key")]);
    document["identities"] = json!([
        {"principal": WEB, "key": "web"},
        {"claim": {"name": "sub", "value": "batch"}, "key": "batch"},
    ]);
}

fn body() -> Value {
    json!({"model": MINI, "messages": [{"role": "user", "content": "One"}]})
}

/// Waits until a completion is on record as this key's.
#[track_caller]
fn assert_recorded(gateway: &Gateway, key: &str) {
    eventually("a record", || {
        let lines = gateway.envoy.access_log();
        lines.iter().any(|line| line["completion"]["key"] == key)
    });
}

/// An Envoy that takes the certificates of an authority, and connections without one.
fn with_tls(authority: &Authority) -> Gateway {
    let server = authority.certificate("DNS:gateway.test");
    let text = |pem: &str| json!({"inline_string": pem});
    let context = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": [{"certificate_chain": text(&server.chain), "private_key": text(&server.key)}],
            "validation_context": {"trusted_ca": text(&authority.chain())},
        },
    });
    Gateway::start(|envoy| {
        envoy.document(document).config(move |config| {
            let chain = &mut config["static_resources"]["listeners"][0]["filter_chains"][0];
            chain["transport_socket"] =
                json!({"name": "envoy.transport_sockets.tls", "typed_config": context});
        })
    })
}

#[test]
fn a_verified_certificate_says_who_calls() {
    let Some(authority) = Authority::new() else {
        return;
    };
    let gateway = with_tls(&authority);
    let ask = |certificate: Option<&str>, header: &str| {
        let certificate = certificate.map(|name| authority.certificate(&format!("URI:{name}")));
        exchange(gateway.envoy.port(), certificate.as_ref(), header, &body())
    };
    let answer = ask(Some(WEB), "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_recorded(&gateway, "web");
    for certificate in [None, Some("spiffe://cluster.local/ns/shop/sa/other")] {
        let spoof = format!("x-forwarded-client-cert: By=x;URI={WEB}\r\n");
        let refused = ask(certificate, &spoof);
        assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
        assert!(refused.contains("no identity"), "{refused}");
    }
    // A key wins, also one that is wrong.
    let with_key = |key: &str| ask(Some(WEB), &format!("authorization: Bearer {key}\r\n"));
    assert!(with_key("sk-or-v1-canary-key").starts_with("HTTP/1.1 200"));
    assert_recorded(&gateway, "key");
    assert!(with_key("sk-wrong").starts_with("HTTP/1.1 401"));
    // Envoy refuses certificates of other authorities.
    let stranger = Authority::new().unwrap().certificate(&format!("URI:{WEB}"));
    let answer = exchange(gateway.envoy.port(), Some(&stranger), "", &body());
    assert_eq!(answer, "");
}

/// A symmetric key: tests sign with it, too.
const SECRET: &[u8; 32] = b"no secret: only these tests know";

fn with_tokens() -> Gateway {
    let jwks = json!({"keys": [{"kty": "oct", "alg": "HS256", "k": base64url(SECRET)}]});
    let filter = json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"mesh": {
                "issuer": "https://issuer.test",
                "local_jwks": {"inline_string": jwks.to_string()},
                "payload_in_metadata": "payload",
            }},
            // An API key is no token.
            "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": [
                {"provider_name": "mesh"}, {"allow_missing_or_failed": {}}]}}}],
        },
    });
    Gateway::start(|envoy| {
        envoy.document(document).config(move |config| {
            let filters =
                "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
            let filters = config.pointer_mut(filters).unwrap();
            filters.as_array_mut().unwrap().insert(0, filter);
        })
    })
}

#[test]
fn a_verified_token_says_who_calls() {
    let gateway = with_tokens();
    let send = |token: &str, more: &[(&str, &str)]| -> Response {
        let request = Request::post("/api/v1/chat/completions").bearer(token);
        let more = more.iter();
        let request = more.fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        gateway.envoy.client().send(request.json(&body()))
    };
    let batch = token(
        &json!({"iss": "https://issuer.test", "sub": "batch"}),
        SECRET,
    );
    let answer = send(&batch, &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_recorded(&gateway, "batch");
    let refused = [
        token(
            &json!({"iss": "https://issuer.test", "sub": "other"}),
            SECRET,
        ),
        token(
            &json!({"iss": "https://issuer.test", "sub": ["batch"]}),
            SECRET,
        ),
        token(&json!({"iss": "https://issuer.test"}), SECRET),
        token(
            &json!({"iss": "https://other.test", "sub": "batch"}),
            SECRET,
        ),
        token(
            &json!({"iss": "https://issuer.test", "sub": "batch", "exp": 1_000_000_000}),
            SECRET,
        ),
        token(
            &json!({"iss": "https://issuer.test", "sub": "batch"}),
            b"another",
        ),
    ];
    for token in refused {
        error(&send(&token, &[]), 401);
    }
    // A key beside the token wins, as does one in its place.
    assert_eq!(
        send(&batch, &[("x-api-key", "sk-or-v1-canary-key")]).status,
        200
    );
    assert_recorded(&gateway, "key");
    error(&send(&batch, &[("x-api-key", "sk-wrong")]), 401);
    assert_eq!(send("sk-or-v1-canary-key", &[]).status, 200);
    gateway.assert_calm();
}

/// A JSON Web Token, signed by HMAC with SHA-256.
fn token(claims: &Value, secret: &[u8]) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"}).to_string();
    let text = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(claims.to_string().as_bytes())
    );
    format!("{text}.{}", base64url(&hmac(secret, text.as_bytes())))
}

/// HMAC-SHA256 (RFC 2104), for secrets that are not longer than a block.
fn hmac(secret: &[u8], text: &[u8]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; 64];
        let bytes = block.iter_mut().zip(secret);
        bytes.for_each(|(byte, secret)| *byte ^= secret);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text);
    let outer = Sha256::new().chain_update(pad(0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = part
            .iter()
            .fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (24 - 8 * part.len());
        for digit in 0..=part.len() {
            let index = bits >> (18 - 6 * digit) & 63;
            text.push(char::from(DIGITS[index as usize]));
        }
    }
    text
}
