//! Headers: what a provider sees of a caller, a caller of a provider, and both of the router: next to nothing.

use meshrouter_wasm_tests::client::Response;
use serde_json::json;

use crate::ask::{Ask, LLAMA, MINI, SONNET};
use crate::gateway::{Gateway, error, shared};

/// The headers that a provider may see.
const TO_PROVIDERS: &[&str] = &[
    "accept",
    "authorization",
    "content-length",
    "content-type",
    "host",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-request-id",
];

/// The headers that a caller may see.
const TO_CALLERS: &[&str] = &[
    "cache-control",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "server",
    "transfer-encoding",
    "x-router-attempts",
    "x-router-healing",
];

/// Headers that only the router and its Envoy may set, as a caller might forge them.
const FORGED: &[(&str, &str)] = &[
    ("x-meshrouter-plan", "anthropic/claude-sonnet-4@beta"),
    ("x-meshrouter-request", "{}"),
    ("x-meshrouter-outcome", "1;anthropic/claude-sonnet-4@beta"),
    ("x-meshrouter-cluster", "gamma"),
    ("x-meshrouter-canary", "forged"),
    ("x-envoy-attempt-count", "3"),
    ("x-envoy-max-retries", "0"),
    ("x-envoy-retry-on", "5xx"),
    ("x-envoy-retry-grpc-on", "cancelled"),
    ("x-envoy-upstream-rq-timeout-ms", "1"),
    ("x-envoy-upstream-rq-per-try-timeout-ms", "1"),
    ("x-envoy-expected-rq-timeout-ms", "1"),
    ("x-envoy-decorator-operation", "forged"),
    ("X-Envoy-Original-Path", "/forged"),
];

/// Headers of a caller that are nobody else's business.
const PRIVATE: &[(&str, &str)] = &[
    ("cookie", "session=canary"),
    ("proxy-authorization", "Basic Y2FuYXJ5"),
    ("x-api-key", "sk-or-v1-canary-other"),
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-host", "canary.example"),
    ("x-forwarded-proto", "https"),
    ("forwarded", "for=203.0.113.9"),
    ("accept-encoding", "gzip, br"),
    // These are for the record, where `canary` must not be.
    ("x-title", "a private app"),
    ("http-referer", "https://private.example"),
    ("referer", "https://private.example"),
    ("openai-organization", "org-canary"),
    ("api-key", "sk-canary"),
    ("host", "canary.example"),
];

fn with(ask: Ask, headers: &[(&str, &str)]) -> Ask {
    headers
        .iter()
        .fold(ask, |ask, (name, value)| ask.header(name, value))
}

#[track_caller]
fn assert_known(what: &str, names: impl IntoIterator<Item = String>, known: &[&str]) {
    let strange: Vec<_> = names
        .into_iter()
        .map(|name| name.to_ascii_lowercase())
        .filter(|name| !known.contains(&&**name))
        .collect();
    assert!(strange.is_empty(), "{what}: {strange:?}");
}

fn names(response: &Response) -> impl Iterator<Item = String> {
    response.headers.iter().map(|(name, _)| name.clone())
}

#[test]
fn each_attempt_has_its_own_providers_name_path_host_and_credential() {
    let gateway = shared();
    let failing = json!({"status": 503});
    let ask = Ask::with(json!({"models": [MINI, SONNET, LLAMA]}))
        .on("alpha", json!([failing, {}]))
        .on("beta", failing.clone())
        .on("gamma", failing);
    let response = gateway.send(&ask);
    assert_eq!(response.json()["model"], LLAMA);
    let names = [
        ("alpha", "gpt-4o-mini"),
        ("beta", "gpt-4o-mini-2024-07-18"),
        ("gamma", "azure/gpt-4o-mini"),
        ("beta", "claude-sonnet-4-20250514"),
        ("gamma", "llama-3.3-70b-versatile"),
        ("alpha", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    ];
    let seen = gateway.seen(&ask);
    assert_eq!(seen.len(), names.len(), "{seen:?}");
    for (seen, (provider, model)) in seen.iter().zip(names) {
        let request = &seen.request;
        assert_eq!(
            (&*seen.provider, &request.json()["model"]),
            (provider, &json!(model))
        );
        assert_eq!(
            (&*request.method, &*request.path),
            ("POST", "/v1/chat/completions")
        );
        assert_eq!(request.header("host"), Some(provider));
        let credential = format!("Bearer sk-sim-{provider}");
        assert_eq!(request.header("authorization"), Some(&*credential));
        let length = request.body.len().to_string();
        assert_eq!(request.header("content-length"), Some(&*length));
    }
    assert_eq!(gateway.record(&ask)["attempts"], 6);
}

#[test]
fn a_provider_sees_nothing_of_its_caller() {
    let gateway = shared();
    for stream in [false, true] {
        let ask = with(
            with(Ask::with(json!({"model": MINI, "stream": stream})), FORGED),
            PRIVATE,
        )
        .header("user-agent", "test/1")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        );
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = gateway.seen(&ask);
        assert_eq!(seen.len(), 1);
        let request = &seen[0].request;
        assert_known(
            "to the provider",
            request.headers.iter().map(|(name, _)| name.clone()),
            TO_PROVIDERS,
        );
        for (name, value) in &request.headers {
            assert!(
                !["canary", "private", "203.0.113"]
                    .iter()
                    .any(|word| value.contains(word)),
                "{name}: {value}"
            );
        }
        assert_eq!(request.header("user-agent"), Some("test/1"));
        assert!(request.header("traceparent").is_some());
        assert_eq!(request.header("authorization"), Some("Bearer sk-sim-alpha"));
        assert_known("to the caller", names(&response), TO_CALLERS);
    }
}

#[test]
fn only_providers_that_want_a_header_of_the_callers_see_it() {
    let gateway = shared();
    let ask = with(
        Ask::model(MINI),
        &[
            ("X-Anthropic-Beta", "interleaved-thinking-2025-05-14"),
            ("anthropic-beta", "forged"),
            ("x-anthropic-version", "private"),
        ],
    );
    let ask = ask
        .on("alpha", json!({"status": 503}))
        .on("beta", json!({"status": 503}));
    assert_eq!(gateway.send(&ask).json()["provider"], "Gamma");
    let seen = gateway.seen(&ask);
    let own: Vec<Vec<_>> = seen
        .iter()
        .map(|seen| {
            let headers = seen.request.headers.iter();
            let own = headers.filter(|(name, _)| name.to_ascii_lowercase().contains("anthropic"));
            own.map(|(name, value)| (name.as_str(), value.as_str()))
                .collect()
        })
        .collect();
    let wanted = vec![("anthropic-beta", "interleaved-thinking-2025-05-14")];
    assert_eq!(own, [vec![], wanted, vec![]]);
}

#[test]
fn forged_request_headers_change_nothing() {
    let gateway = shared();
    let ask = with(Ask::model(MINI), FORGED)
        .on("alpha", json!({"status": 500, "delay_ms": 30}))
        .on("beta", json!({"delay_ms": 30}));
    let response = gateway.send(&ask);
    assert_eq!(response.json()["provider"], "Beta");
    assert_eq!(gateway.asked(&ask), ["alpha", "beta"]);
    let record = gateway.record(&ask);
    assert_eq!(
        (&record["attempts"], &record["model"]),
        (&json!(2), &json!(MINI))
    );
}

#[test]
fn forged_response_headers_of_a_provider_change_nothing() {
    let gateway = shared();
    let headers = json!({
        "x-meshrouter-outcome": "9;anthropic/claude-sonnet-4@gamma", "x-meshrouter-retry": "1", "x-meshrouter-canary": "x",
        "x-envoy-attempt-count": "9", "x-envoy-overloaded": "true", "x-envoy-upstream-service-time": "1",
        "x-envoy-ratelimited": "true", "x-envoy-immediate-health-check-fail": "true",
        "set-cookie": "a=b", "x-request-id": "theirs", "x-ratelimit-remaining-requests": "1", "openai-organization": "ours",
        "server": "theirs", "via": "x", "x-odd": "\u{ff}\u{fe}",
    });
    for stream in [false, true] {
        // On an answer, and on a failure that must still be tried elsewhere.
        let ask = Ask::with(json!({"model": MINI, "stream": stream}))
            .on("alpha", json!({"status": 503, "headers": headers}))
            .on("beta", json!({"headers": headers}));
        let response = gateway.send(&ask);
        assert_eq!(response.status, 200, "{}", response.text());
        assert_known("to the caller", names(&response), TO_CALLERS);
        assert_eq!(response.header("server"), Some("envoy"));
        assert_eq!(gateway.asked(&ask), ["alpha", "beta"]);
        let record = gateway.record(&ask);
        assert_eq!(
            (&record["attempts"], &record["provider"]),
            (&json!(2), &json!("beta"))
        );
        // And on a failure that is the last word.
        let ask = Ask::with(json!({"model": MINI, "stream": stream}))
            .on("alpha", json!({"status": 400, "headers": headers}));
        let response = gateway.send(&ask);
        error(&response, 400);
        assert_known("to the caller", names(&response), TO_CALLERS);
        assert_eq!(gateway.record(&ask)["provider"], "alpha");
    }
    gateway.assert_calm();
}

#[test]
fn retry_after_of_the_last_failure_reaches_the_caller() {
    // Of one's own: the endpoint is left alone for so long.
    let gateway = Gateway::start(|envoy| envoy);
    let ask = Ask::model("test/free").on(
        "alpha",
        json!({"status": 429, "headers": {"retry-after": "7"}}),
    );
    let response = gateway.send(&ask);
    error(&response, 429);
    assert_eq!(response.header("retry-after"), Some("7"));
}
