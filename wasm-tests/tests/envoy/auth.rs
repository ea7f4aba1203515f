//! Who may ask, and that keys leave no trace.

use meshrouter_wasm_tests::client::Request;
use serde_json::json;

use crate::ask::{Ask, DISABLED_KEY, MINI};
use crate::gateway::{error, shared};

type Headers<'a> = &'a [(&'a str, &'a [u8])];

fn chat(headers: Headers<'_>) -> Request {
    let request = Request::post("/v1/chat/completions");
    let headers = headers.iter();
    headers
        .fold(request, |request, (name, value)| {
            request.header(name, value)
        })
        .json(&json!({"model": MINI, "messages": [{"role": "user", "content": "prompt-canary"}]}))
}

const GOOD: &[u8] = b"Bearer sk-or-v1-demo";
const WRONG: &[u8] = b"Bearer sk-or-v1-canary-wrong";

#[test]
fn keys_are_found_and_strangers_refused_without_a_trace() {
    let gateway = shared();
    let client = gateway.envoy.client();
    let known: &[Headers<'_>] = &[
        &[("authorization", GOOD)],
        &[("Authorization", b"bearer   sk-or-v1-demo")],
        &[("x-api-key", b"sk-or-v1-demo")],
        // What is no bearer token does not hide the key.
        &[
            ("authorization", b"Basic c2stY2FuYXJ5"),
            ("x-api-key", b"sk-or-v1-demo"),
        ],
        // Other headers may hold what they like.
        &[
            ("authorization", GOOD),
            ("x-title", b"caf\xe9 \xff\xfe"),
            ("user-agent", b"\xf0\x28"),
        ],
    ];
    for headers in known {
        let response = client.send(chat(headers));
        assert_eq!(response.status, 200, "{headers:?}: {}", response.text());
    }
    let strangers: &[(Headers<'_>, &str)] = &[
        (&[], "No API key"),
        (&[("authorization", b"")], "No API key"),
        (&[("authorization", b"Bearer")], "No API key"),
        (&[("authorization", b"Basic c2stY2FuYXJ5")], "No API key"),
        (&[("authorization", b"sk-or-v1-demo")], "No API key"),
        (&[("authorization", b"\xff\xfe\x80")], "No API key"),
        (&[("authorization", WRONG)], "not known"),
        (
            &[("authorization", b"Bearer sk-or-v1-demo\xff")],
            "not known",
        ),
        (
            &[("authorization", b"Bearer sk-or-v1-demo sk-or-v1-demo")],
            "not known",
        ),
        (&[("x-api-key", b"sk-or-v1-canary-wrong")], "not known"),
        (&[("x-api-key", b"\xff\xfe")], "not known"),
        (&[("x-api-key", DISABLED_KEY.as_bytes())], "disabled"),
        // The key's hash is no key.
        (
            &[(
                "authorization",
                b"Bearer d38bdddf004b80ac7e23b8af286648eed48054dc030bbcb509128092c60e2f75",
            )],
            "not known",
        ),
    ];
    for (headers, message) in strangers {
        let response = client.send(chat(headers));
        let found = error(&response, 401);
        assert!(
            found["message"].as_str().unwrap().contains(message),
            "{headers:?}: {found}"
        );
        let text = response.text();
        assert!(
            !text.contains("canary") && !text.contains("sk-or"),
            "{text}"
        );
    }
    gateway.assert_calm();
}

#[test]
fn two_authorizations_are_none() {
    let gateway = shared();
    let client = gateway.envoy.client();
    // Envoy joins them, and what they are together is no key.
    for headers in [[GOOD, WRONG], [WRONG, GOOD], [GOOD, GOOD]] {
        let response = client.send(chat(&headers.map(|value| ("authorization", value))));
        error(&response, 401);
    }
    gateway.assert_calm();
}

#[test]
fn odd_header_names_are_refused_by_envoy_and_trap_nothing() {
    let gateway = shared();
    let client = gateway.envoy.client();
    let names: &[&[u8]] = &[
        b"x-\xff",
        b"\xc3\xa9",
        b"x odd",
        b"x(odd)",
        b"",
        b"x-\x01",
        b"x\0y",
        b"x-meshrouter-\xff",
        b"authorization\xff",
    ];
    for name in names {
        let head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-or-v1-demo\r\n";
        let wire = [head, *name, b": 1\r\ncontent-length: 2\r\n\r\n{}"].concat();
        let response = client.send_raw(&wire).unwrap();
        assert_eq!(response.status, 400, "{name:?}: {}", response.text());
    }
    let odd_values: &[&[u8]] = &[b"\xff", b"\x80\x81", b"\xc3", b"\t", b""];
    for value in odd_values {
        let ask = Ask::model(MINI)
            .header("x-odd", value)
            .header("accept", value)
            .header("traceparent", value)
            .header("x-request-id", value)
            .header("x-meshrouter-plan", value)
            .header("x-envoy-attempt-count", value);
        assert_eq!(gateway.send(&ask).status, 200, "{value:?}");
        // No content type is taken for JSON's; one that is there says what the body is.
        let request = ask.bare().header("content-type", value).body("{}");
        error(&gateway.envoy.client().send(request), 415);
    }
    gateway.assert_calm();
}

#[test]
fn nothing_that_was_said_is_logged() {
    let gateway = shared();
    for stream in [false, true] {
        let canaries = json!({"model": MINI, "stream": stream, "user": "user-canary",
            "messages": [{"role": "user", "content": "prompt-canary"}]});
        let asks = [
            Ask::with(canaries.clone()).on("alpha", json!({"content": "completion-canary"})),
            Ask::with(canaries.clone()).everywhere(
                &json!({"status": 500, "body": {"error": {"message": "error-canary"}}}),
            ),
            Ask::with(canaries.clone()).everywhere(
                &json!({"error_event": {"at": 0, "error": {"message": "event-canary"}}}),
            ),
            Ask::with(canaries.clone()).and(json!({"model": "model/canary-unknown"})),
            Ask::with(canaries).header("cookie", "cookie-canary"),
        ];
        for ask in asks {
            // An unknown model has no record to wait for.
            if gateway.send(&ask).status != 404 {
                gateway.line(&ask);
            }
        }
    }
    gateway.assert_discreet();
}
