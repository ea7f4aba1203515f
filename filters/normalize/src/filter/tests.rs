use meshrouter_host::fake::{Stream, settings};

use super::*;

#[path = "choice_tests.rs"]
mod choice;
#[path = "routing_tests.rs"]
mod routing;

const DOCUMENT: &str = r#"{"providers": {"alpha": {"cluster": "alpha"}}, "models": [
    {"id": "a/one", "context_length": 8192, "endpoints": [{"provider": "alpha", "pricing": {"prompt": "0", "completion": "0"}}]},
    {"id": "a/two", "context_length": 8192, "endpoints": [{"provider": "alpha", "pricing": {"prompt": "0", "completion": "0"}}]}]}"#;

const HEADERS: &[(&str, &str)] = &[
    (":method", "POST"),
    (":path", "/api/v1/chat/completions"),
    ("x-request-id", "6f1c"),
];

fn stream(document: &str) -> Stream<Normalize> {
    Stream::new(&settings::<Normalize>(document).unwrap())
}

/// Sends a body in pieces of `piece` bytes.
fn sent(body: &str, piece: usize) -> Stream<Normalize> {
    let mut stream = stream(DOCUMENT);
    assert_eq!(
        stream.headers(Direction::Request, HEADERS, false),
        Flow::Pause
    );
    for chunk in body.as_bytes().chunks(piece) {
        assert_eq!(stream.body(Direction::Request, chunk, false), Flow::Pause);
    }
    stream.body(Direction::Request, b"", true);
    stream
}

fn facts(stream: &Stream<Normalize>) -> Facts {
    Facts::decode(&stream.host.properties["meshrouter.facts"]).unwrap()
}

fn error(stream: &Stream<Normalize>) -> (u16, String) {
    let reply = stream.host.reply.as_ref().unwrap();
    let body: ApiErrorBody = serde_json::from_slice(&reply.body).unwrap();
    (
        reply.status,
        body["error"]["message"].as_str().unwrap().to_owned(),
    )
}

type ApiErrorBody = serde_json::Value;

const BODY: &str = r#"{"model": "a/one", "models": ["a/two"], "stream": true, "transforms": [],
    "messages": [{"role": "user", "content": "Hi"}], "odd": {"x": [1.0]}}"#;

#[test]
fn facts_and_attempt_request_are_published_and_the_body_passes() {
    for piece in [1, 7, 10_000] {
        let stream = sent(BODY, piece);
        let facts = facts(&stream);
        let ids: Vec<&str> = facts
            .models
            .iter()
            .map(|choice| choice.id.as_str())
            .collect();
        assert_eq!(ids, ["a/one", "a/two"]);
        assert!(facts.stream && facts.generation.starts_with("gen-"));
        let header = stream.header(Direction::Request, header::REQUEST).unwrap();
        let attempt = AttemptRequest::decode(header.as_bytes()).unwrap();
        assert_eq!(
            (attempt.generation, attempt.body_length),
            (facts.generation, BODY.len())
        );
        assert!(header.is_ascii());
        assert_eq!(stream.sent(Direction::Request), BODY);
    }
}

#[test]
fn only_attempts_that_need_it_know_whose_key_it_is() {
    let keys = r#"{"keys": [{"name": "plain", "hash": ""}, {"name": "asks", "hash": "", "explain": true},
        {"name": "own", "hash": "", "credentials": [{"provider": "alpha", "secret": "s"}]}], "#;
    let document = DOCUMENT.replacen('{', keys, 1);
    for (name, wanted) in [("plain", ""), ("asks", "asks"), ("own", "own")] {
        let mut stream = stream(&document);
        let account = Account {
            key: name.to_owned(),
            ..Account::default()
        };
        let key = property::KEY.to_owned();
        stream.host.properties.insert(key, account.encode());
        stream.headers(Direction::Request, HEADERS, false);
        stream.body(Direction::Request, BODY.as_bytes(), true);
        let header = stream.header(Direction::Request, header::REQUEST).unwrap();
        let attempt = AttemptRequest::decode(header.as_bytes()).unwrap();
        assert_eq!(attempt.key, wanted);
    }
}

#[test]
fn healing_follows_the_request_then_the_gateway() {
    let heal = |document: &str, extra: &str| {
        let mut stream = stream(document);
        stream.headers(Direction::Request, HEADERS, false);
        let body = BODY.replacen('{', &format!("{{{extra}"), 1);
        let body = body.replace(r#""stream": true, "#, "");
        stream.body(Direction::Request, body.as_bytes(), true);
        let facts = facts(&stream);
        assert!(!facts.stream);
        let shapes = stream.host.properties.contains_key(property::SHAPES);
        assert_eq!(facts.heals, shapes);
        shapes
    };
    let on = DOCUMENT.replacen(
        '{',
        r#"{"plugins": {"response-healing": {"enabled": true}}, "#,
        1,
    );
    let json = r#""response_format": {"type": "json_schema"}, "#;
    let asks = r#""plugins": [{"id": "response-healing"}], "#;
    let refuses = r#""plugins": [{"id": "response-healing", "enabled": false}], "#;
    assert!(heal(DOCUMENT, &format!("{json}{asks}")));
    assert!(!heal(DOCUMENT, asks), "text answers are not JSON");
    assert!(!heal(DOCUMENT, json));
    assert!(heal(&on, json));
    assert!(!heal(&on, &format!("{json}{refuses}")));
}

#[test]
fn bad_requests_are_refused() {
    let cases = [
        ("{", 400, "not valid JSON"),
        (
            r#"{"messages": [{"role": "user", "content": "x"}]}"#,
            400,
            "`model` is missing",
        ),
        (
            r#"{"model": "a/none", "messages": [{"role": "user", "content": "x"}]}"#,
            404,
            "no model `a/none`",
        ),
        (
            r#"{"model": "a/one", "models": ["x"], "messages": [{"role": "user", "content": "x"}]}"#,
            404,
            "no model `x`",
        ),
        (
            r#"{"model": "a/one", "messages": [{}]}"#,
            400,
            "`messages[0].role`",
        ),
    ];
    for (body, status, message) in cases {
        let stream = sent(body, 1000);
        let (found, text) = error(&stream);
        assert!(
            found == status && text.contains(message),
            "{body}: {found} {text}"
        );
        assert!(!stream.host.properties.contains_key(property::FACTS));
    }
}

#[test]
fn paths_and_methods() {
    let cases = [
        ("GET", "/", true, 404, "nothing at this path"),
        (
            "GET",
            "/v1/chat/completions",
            true,
            405,
            "takes POST requests only",
        ),
        ("POST", "/v1/models", false, 405, "takes GET requests only"),
        ("POST", "/v1/chat/completions", true, 400, "no body"),
    ];
    for (method, path, end, status, message) in cases {
        let mut stream = stream(DOCUMENT);
        let flow = stream.headers(
            Direction::Request,
            &[(":method", method), (":path", path)],
            end,
        );
        assert_eq!(flow, Flow::Replied);
        let (found, text) = error(&stream);
        assert!(
            found == status && text.contains(message),
            "{path}: {found} {text}"
        );
        let allow = stream.host.reply.unwrap().headers;
        assert_eq!(
            allow.iter().any(|(name, _)| *name == "allow"),
            status == 405
        );
    }
    let mut stream = stream(DOCUMENT);
    let headers = [(":method", "GET"), (":path", "/v1/models?x=1")];
    assert_eq!(
        stream.headers(Direction::Request, &headers, true),
        Flow::Continue
    );
}

#[test]
fn compressed_bodies_are_refused() {
    let route = [(":method", "POST"), (":path", "/v1/chat/completions")];
    for (encoding, flow) in [("gzip", Flow::Replied), ("identity", Flow::Pause)] {
        let headers = [&route[..], &[("content-encoding", encoding)]].concat();
        let mut stream = stream(DOCUMENT);
        assert_eq!(stream.headers(Direction::Request, &headers, false), flow);
        let status = stream.host.reply.map(|reply| reply.status);
        assert_eq!(status, (flow == Flow::Replied).then_some(415));
    }
}

#[test]
fn envoys_own_errors_become_api_errors() {
    let mut stream = stream(DOCUMENT);
    let headers = [
        (":status", "413"),
        ("content-type", "text/plain"),
        ("content-length", "17"),
    ];
    assert_eq!(
        stream.headers(Direction::Response, &headers, false),
        Flow::Pause
    );
    stream.body(Direction::Response, b"Payload ", false);
    stream.body(Direction::Response, b"Too Large", true);
    let body: ApiErrorBody = serde_json::from_str(&stream.sent(Direction::Response)).unwrap();
    assert_eq!(body["error"]["code"], 413);
    let length = stream
        .header(Direction::Response, "content-length")
        .unwrap();
    assert_eq!(length, stream.sent(Direction::Response).len().to_string());
    assert_eq!(
        stream
            .header(Direction::Response, "content-type")
            .as_deref(),
        Some("application/json")
    );
}

#[test]
fn the_outcome_does_not_reach_the_caller() {
    let mut stream = stream(DOCUMENT);
    let headers = [
        (":status", "200"),
        ("content-type", "text/event-stream"),
        (header::OUTCOME, "1;a/one@alpha"),
    ];
    assert_eq!(
        stream.headers(Direction::Response, &headers, false),
        Flow::Continue
    );
    assert_eq!(stream.header(Direction::Response, header::OUTCOME), None);
    assert_eq!(
        stream.body(Direction::Response, b"data: x\n\n", true),
        Flow::Continue
    );
}

#[test]
fn what_is_to_be_repaired_crosses_with_its_schemas() {
    let shapes = |fields: &str| {
        let messages = r#""messages": [{"role": "user", "content": "Hi"}]"#;
        let stream = sent(
            &format!(r#"{{"model": "a/one", {fields}, {messages}}}"#),
            10_000,
        );
        let shapes = stream.host.properties.get(property::SHAPES)?;
        Some(serde_json::from_slice::<serde_json::Value>(shapes).unwrap())
    };
    let format = r#""response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": {"type": "array"}}}"#;
    let tools = r#""tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]"#;
    let plugin = |more: &str| format!(r#""plugins": [{{"id": "response-healing"{more}}}]"#);
    let asked = |more: &str| shapes(&format!("{format}, {tools}, {}", plugin(more)));

    let plain = asked("").unwrap();
    assert_eq!(
        plain["answer"]["schema"],
        serde_json::json!({"type": "array"})
    );
    assert_eq!(
        (&plain["answer"]["strict"], &plain["tools"]),
        (&true.into(), &serde_json::json!([]))
    );
    assert_eq!(plain["repairs"]["structured"], true);
    let calls = asked(r#", "tool_calls": true"#).unwrap();
    assert_eq!(
        (&calls["tools"][0]["name"], &calls["repairs"]["calls"]),
        (&"f".into(), &true.into())
    );
    assert!(asked(r#", "enabled": false"#).is_none());

    let streamed = |more: &str| shapes(&format!(r#""stream": true, {format}, {}"#, plugin(more)));
    assert!(streamed("").is_none() && streamed(r#", "tool_calls": true"#).is_none());
    let repairs = &streamed(r#", "stream": true"#).unwrap()["repairs"];
    assert_eq!(
        (&repairs["stream"], &repairs["content"]),
        (&true.into(), &true.into())
    );
    assert!(shapes(&plugin("")).is_none() && shapes(&plugin(r#", "tool_calls": true"#)).is_some());
}
