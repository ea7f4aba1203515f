use meshrouter_core::{ApiError, tokens};

use super::*;

const PLAIN: &str = r#"{"model": "a/b", "messages": [{"role": "user", "content": "Hello"}]}"#;

fn error(body: &str) -> ApiError {
    ChatRequest::read(body.as_bytes()).unwrap_err().into()
}

#[test]
fn a_plain_request() {
    let request = ChatRequest::read(PLAIN.as_bytes()).unwrap();
    assert_eq!(request.all_models(), ["a/b"]);
    assert_eq!(request.prompt_tokens, 4 + 2);
    assert!(!request.stream && !request.include_usage && !request.wants_json);
    let span = &request.members[0];
    assert_eq!(
        (span.name.as_str(), &PLAIN[span.value..span.end]),
        ("model", "\"a/b\"")
    );
}

/// Quadratic work would keep this test, and a gateway's worker, busy for minutes.
#[test]
fn many_models_cost_no_more_than_their_text() {
    let models: Vec<String> = (0..300_000).map(|n| format!("\"a/{n}\"")).collect();
    let models = models.join(",");
    let body = PLAIN.replacen('{', &format!("{{\"models\": [{models}, \"a/7\"],"), 1);
    let request = ChatRequest::read(body.as_bytes()).unwrap();
    assert_eq!(request.all_models().len(), 300_001);
}

#[test]
fn all_that_steers_the_router() {
    let body = r#"{
        "messages": [
            {"role": "system", "content": "Be brief", "name": null},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "x"}]},
            {"role": "tool", "tool_call_id": "x", "content": "42"}],
        "model": "a/b", "models": ["c/d", "a/b", "e/f"], "stream": true, "stream_options": {"include_usage": true},
        "max_tokens": 10, "max_completion_tokens": 20, "temperature": null, "transforms": ["middle-out"],
        "response_format": {"type": "json_schema", "json_schema": {}},
        "plugins": [{"id": "web"}, {"id": "response-healing"}],
        "provider": {"order": ["x"]}, "custom": {"anything": [1]}}"#;
    let request = ChatRequest::read(body.as_bytes()).unwrap();
    assert_eq!(request.all_models(), ["a/b", "c/d", "e/f"]);
    assert!(request.stream && request.include_usage && request.wants_json);
    assert_eq!(request.max_tokens, Some(20));
    assert_eq!(request.transforms, Transforms::MiddleOut);
    assert_eq!(request.healing, Some(true));
    assert!(request.prompt_tokens > tokens::MEDIA_TOKENS);
    let names: Vec<_> = request.members.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "model",
            "models",
            "stream_options",
            "transforms",
            "plugins",
            "provider"
        ]
    );
    for span in &request.members {
        assert!(body[span.start..].starts_with([',', '{']), "{}", span.name);
        assert!(serde_json::from_str::<serde_json::Value>(&body[span.value..span.end]).is_ok());
    }
}

#[test]
fn wrong_fields_are_named() {
    let with = |field: &str| PLAIN.replacen('{', &format!("{{{field}, "), 1);
    let messages = |messages: &str| format!(r#"{{"model": "a/b", "messages": {messages}}}"#);
    let cases = [
        (
            with(r#""stream": "yes""#),
            "stream",
            "`stream` must be a boolean, but is a string.",
        ),
        (
            with(r#""models": "a""#),
            "models",
            "`models` must be an array of strings, but is a string.",
        ),
        (
            with(r#""models": ["a", 1]"#),
            "models[1]",
            "`models[1]` must be a string, but is a number.",
        ),
        (
            with(r#""max_tokens": -1"#),
            "max_tokens",
            "`max_tokens` must be a whole number, zero or more, but is negative or not whole.",
        ),
        (
            with(r#""temperature": "hot""#),
            "temperature",
            "`temperature` must be a number, but is a string.",
        ),
        (
            with(r#""stop": [1]"#),
            "stop[0]",
            "`stop[0]` must be a string, but is a number.",
        ),
        (
            with(r#""usage": {"include": 1}"#),
            "usage.include",
            "`usage.include` must be a boolean, but is a number.",
        ),
        (
            with(r#""response_format": {}"#),
            "response_format.type",
            "`response_format.type` is missing: expected a string such as \"json_schema\".",
        ),
        (
            with(r#""plugins": [{}]"#),
            "plugins[0].id",
            "`plugins[0].id` is missing: expected a string such as \"response-healing\".",
        ),
        (
            with(r#""plugins": ["x"]"#),
            "plugins[0]",
            "`plugins[0]` must be an object, but is a string.",
        ),
        (
            with(r#""model": "x""#),
            "model",
            "`model` stands twice in the request body: keep one of them.",
        ),
        (
            with(r#""mod\u0065l": "x""#),
            "model",
            "`model` stands twice in the request body: keep one of them.",
        ),
        (
            with(r#""fallback_rules": 1, "fallback_rules": 2"#),
            "fallback_rules",
            "`fallback_rules` stands twice in the request body: keep one of them.",
        ),
        (
            r#"{"model": "a"}"#.to_owned(),
            "messages",
            "`messages` is missing: expected an array of messages.",
        ),
        (
            messages("null"),
            "messages",
            "`messages` must be an array of messages, but is null.",
        ),
        (messages("[]"), "messages", "`messages` must not be empty."),
        (
            messages("[1]"),
            "messages[0]",
            "`messages[0]` must be an object, but is a number.",
        ),
        (
            messages(r#"[{"content": "x"}]"#),
            "messages[0].role",
            "`messages[0].role` is missing: expected a string such as \"user\".",
        ),
        (
            messages(r#"[{"role": "u"}, {"role": 1}]"#),
            "messages[1].role",
            "`messages[1].role` must be a string, but is a number.",
        ),
        (
            messages(r#"[{"role": "u", "content": {}}]"#),
            "messages[0].content",
            "`messages[0].content` must be a string or an array of content parts, but is an object.",
        ),
        (
            messages(r#"[{"role": "u", "content": [{"type": "text", "text": null}]}]"#),
            "messages[0].content[0].text",
            "`messages[0].content[0].text` must be a string, but is null.",
        ),
        (
            messages(r#"[{"role": "u", "content": [{"text": "x"}]}]"#),
            "messages[0].content[0].type",
            "`messages[0].content[0].type` is missing: expected a string such as \"text\".",
        ),
    ];
    for (body, field, message) in cases {
        let error = error(&body);
        assert_eq!(
            (error.status, error.message.as_str()),
            (400, message),
            "{body}"
        );
        assert_eq!(error.metadata.field.as_deref(), Some(field), "{body}");
    }
}

#[test]
fn what_is_no_json_says_where() {
    assert_eq!(
        error(r#"{"model": "a/b", "messages": [}"#).message,
        "The request body is not valid JSON: expected a value at byte 30."
    );
    assert_eq!(
        error("").message,
        "The request body is not valid JSON: the text ends too early at byte 0."
    );
    assert_eq!(
        error("[]").message,
        "The request body must be an object, but is an array."
    );
    assert_eq!(
        ApiError::from(ChatRequest::read(b"{\"a\": \"\xff\"}").unwrap_err()).message,
        "The request body is not UTF-8: byte 7 begins no character."
    );
    let deep = PLAIN.replace(
        "\"Hello\"",
        &format!("{}{}", "[".repeat(500), "]".repeat(500)),
    );
    assert_eq!(error(&deep).status, 400);
}

#[test]
fn no_cut_or_changed_byte_panics() {
    let body = PLAIN.as_bytes();
    for at in 0..body.len() {
        let _ = ChatRequest::read(&body[..at]);
        for byte in [b'"', b'{', b']', b'\\', 0, 0xff] {
            let mut changed = body.to_vec();
            changed[at] = byte;
            let _ = ChatRequest::read(&changed);
        }
    }
}
