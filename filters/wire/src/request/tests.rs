use meshrouter_core::ApiError;
use meshrouter_core::reasoning::Effort;
use meshrouter_core::tokens::{Count, Family, MESSAGE_TOKENS, TOKEN, Tally};

use super::*;

const PLAIN: &str = r#"{"model": "a/b", "messages": [{"role": "user", "content": "Hello"}]}"#;

fn error(body: &str) -> ApiError {
    ChatRequest::read(body.as_bytes(), Operation::ChatCompletions)
        .unwrap_err()
        .into()
}

#[test]
fn a_plain_request() {
    let request = ChatRequest::read(PLAIN.as_bytes(), Operation::ChatCompletions).unwrap();
    assert_eq!(request.model.as_deref(), Some("a/b"));
    let mut wanted = Count::of(b"Hello");
    wanted.tokens(MESSAGE_TOKENS);
    assert_eq!(
        (request.prompt.count(), request.message_count),
        (&wanted, 1)
    );
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
    let request = ChatRequest::read(body.as_bytes(), Operation::ChatCompletions).unwrap();
    assert_eq!(request.models.len(), 300_001);
}

#[test]
fn a_wrong_preference_is_named() {
    let cases = [
        (
            r#""provider": {"zrd": true}"#,
            "provider.zrd",
            "unknown field `zrd`",
        ),
        (
            r#""provider": {"order": [1]}"#,
            "provider.order[0]",
            "expected a string",
        ),
        (
            r#""provider": {"max_price": {"prompt": "x"}}"#,
            "provider.max_price.prompt",
            "an amount in USD",
        ),
        (r#""session_id": 1"#, "session_id", "must be a string"),
        (
            r#""fallback_rules": 1"#,
            "fallback_rules",
            "must be a string",
        ),
        (
            r#""fallback_rules": "never""#,
            "fallback_rules",
            "\"auto\" or \"none\"",
        ),
    ];
    let long = format!(r#""session_id": "{}""#, "x".repeat(257));
    for (member, field, message) in cases
        .into_iter()
        .chain([(&*long, "session_id", "at most 256")])
    {
        let error = error(&PLAIN.replacen('{', &format!("{{{member},"), 1));
        assert_eq!(
            (error.status, error.metadata.field.as_deref()),
            (400, Some(field))
        );
        assert!(
            error.message.contains(message) && error.message.contains(field),
            "{}",
            error.message
        );
    }
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
    let request = ChatRequest::read(body.as_bytes(), Operation::ChatCompletions).unwrap();
    assert_eq!(request.models, ["c/d", "a/b", "e/f"]);
    assert!(request.stream && request.include_usage && request.wants_json);
    assert_eq!(request.max_tokens, Some(20));
    assert_eq!(request.transforms, Transforms::MiddleOut);
    assert_eq!(request.plugins.response_healing, Some(true));
    // The image alone, of a size that nobody knows.
    assert!(request.prompt.count().weight(Family::Gpt.tokenizer()) > 765 * TOKEN);
    assert_eq!(request.message_count, 4);
    let names: Vec<_> = request.members.iter().map(|m| m.name.as_str()).collect();
    let custom = ["messages", "custom"];
    assert!(
        names.len() == 11 && !names.iter().any(|name| custom.contains(name)),
        "{names:?}"
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
            with(r#""fallback_rules": "auto", "fallback_rules": "auto""#),
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
        ApiError::from(
            ChatRequest::read(b"{\"a\": \"\xff\"}", Operation::ChatCompletions).unwrap_err()
        )
        .message,
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
        let _ = ChatRequest::read(&body[..at], Operation::ChatCompletions);
        for byte in [b'"', b'{', b']', b'\\', 0, 0xff] {
            let mut changed = body.to_vec();
            changed[at] = byte;
            let _ = ChatRequest::read(&changed, Operation::ChatCompletions);
        }
    }
}

/// A request with one content part.
fn with_part(part: &str) -> String {
    format!(r#"{{"model": "a/b", "messages": [{{"role": "user", "content": [{part}]}}]}}"#)
}

#[test]
fn media_that_providers_take() {
    let cases = [
        (
            r#"{"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}}"#,
            Medium::Image,
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": "data:image\/jpeg;base64,\/9j\/AAA="}}"#,
            Medium::Image,
        ),
        (
            r#"{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}"#,
            Medium::File,
        ),
        (
            r#"{"type": "file", "file": {"file_data": "http://x.test/a.pdf"}}"#,
            Medium::File,
        ),
        (
            r#"{"type": "file", "file": {"file_id": "file-1"}}"#,
            Medium::File,
        ),
        (
            r#"{"type": "input_audio", "input_audio": {"data": "UklGRg", "format": "wav"}}"#,
            Medium::Audio,
        ),
        (
            r#"{"type": "video_url", "video_url": {"url": "data:video/mp4;codecs=x;base64,AAAA"}}"#,
            Medium::Video,
        ),
    ];
    for (part, medium) in cases {
        let body = with_part(part);
        let request = ChatRequest::read(body.as_bytes(), Operation::ChatCompletions);
        assert_eq!(
            request.unwrap_or_else(|e| panic!("{part}: {e:?}")).media,
            [medium]
        );
    }
}

#[test]
fn media_that_nobody_takes() {
    let cases = [
        (
            r#"{"type": "image_url"}"#,
            "image_url",
            "is missing: expected an object",
        ),
        (
            r#"{"type": "image_url", "image_url": "https://x.test"}"#,
            "image_url",
            "must be an object, but is a string",
        ),
        (
            r#"{"type": "image_url", "image_url": {}}"#,
            "image_url.url",
            "is missing",
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": 1}}"#,
            "image_url.url",
            "must be a string",
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": "cat.png"}}"#,
            "image_url.url",
            "must be an http(s) URL or a data URL",
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": "data:image/png,abc"}}"#,
            "image_url.url",
            "not in base64",
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AAAA"}}"#,
            "image_url.url",
            "a PNG, JPEG, WebP or GIF image",
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": "data:image/png;base64,A A="}}"#,
            "image_url.url",
            "data in base64, but is not base64",
        ),
        (
            r#"{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}"#,
            "image_url.url",
            "but is empty",
        ),
        (
            r#"{"type": "file", "file": {"filename": "a.pdf"}}"#,
            "file.file_data",
            "is missing",
        ),
        (
            r#"{"type": "input_audio", "input_audio": {"data": "AAAA"}}"#,
            "input_audio.format",
            "is missing",
        ),
        (
            r#"{"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}}"#,
            "input_audio.data",
            "not base64",
        ),
        (
            r#"{"type": "video_url", "video_url": {"url": "data:video/avi;base64,AAAA"}}"#,
            "video_url.url",
            "an MP4, MPEG, MOV or WebM video",
        ),
        (r#"{"type": "text"}"#, "text", "is missing"),
    ];
    for (part, field, message) in cases {
        let error = error(&with_part(part));
        let path = format!("messages[0].content[0].{field}");
        assert_eq!(error.metadata.field.as_deref(), Some(&*path), "{part}");
        assert!(error.message.contains(message), "{part}: {}", error.message);
    }
}

#[test]
fn plugins_in_both_forms() {
    let mentions = |plugins: &str| {
        let body = PLAIN.replacen('{', &format!(r#"{{"plugins": {plugins}, "#), 1);
        let request = ChatRequest::read(body.as_bytes(), Operation::ChatCompletions);
        request.map(|request| (request.plugins.response_healing, request.plugins.web))
    };
    assert_eq!(mentions(r#"{"web": {}}"#), Ok((None, Some(true))));
    assert_eq!(
        mentions(r#"[{"id": "web", "max_results": 3, "enabled": false}]"#),
        Ok((None, Some(false)))
    );
    assert_eq!(
        mentions(r#"[{"id": "response-healing"}, {"id": "file-parser", "pdf": {}}]"#),
        Ok((Some(true), None))
    );
    assert!(mentions(r#"[{"id": "unknown"}]"#).is_err());
    assert!(mentions(r#"{"web": true}"#).is_err());
    assert!(mentions(r#""web""#).is_err());
}

#[test]
fn other_operations_have_other_inputs() {
    let read = |body: &str, operation| {
        let request = ChatRequest::read(body.as_bytes(), operation);
        request
            .map(|request| request.prompt.count().clone())
            .map_err(|error| ApiError::from(error).message)
    };
    let completions = Operation::Completions;
    assert_eq!(
        read(r#"{"model": "m", "prompt": "abcdefgh"}"#, completions),
        Ok(Count::of(b"abcdefgh"))
    );
    let mut two = Count::of(b"abcd");
    two.text(b"efgh");
    assert_eq!(
        read(r#"{"prompt": ["abcd", "efgh"]}"#, completions),
        Ok(two)
    );
    let mut three = Count::default();
    three.tokens(3);
    assert_eq!(
        read(r#"{"input": [[1, 2], [3]]}"#, Operation::Embeddings),
        Ok(three)
    );
    for (body, message) in [
        (r#"{"messages": []}"#, "`prompt` is missing"),
        (r#"{"prompt": {}}"#, "`prompt` must be a string"),
        (r#"{"prompt": []}"#, "`prompt` must not be empty"),
        (r#"{"prompt": ["a", null]}"#, "`prompt[1]` must be a string"),
    ] {
        let error = read(body, completions).unwrap_err();
        assert!(error.starts_with(message), "{body}: {error}");
    }
}

#[test]
fn reasoning_has_three_forms() {
    let reasoning = |fields: &str| {
        let body = PLAIN.replacen('{', &format!("{{{fields}, "), 1);
        let request = ChatRequest::read(body.as_bytes(), Operation::ChatCompletions);
        request
            .map(|request| request.reasoning)
            .map_err(|error| ApiError::from(error).message)
    };
    let default = Reasoning::default();
    let high = Some(Effort::High);
    let cases = [
        (
            r#""reasoning": {"effort": "high", "exclude": true}"#,
            Reasoning {
                effort: high,
                exclude: true,
                ..default
            },
        ),
        (
            r#""reasoning": {"max_tokens": 2000, "enabled": true}"#,
            Reasoning {
                max_tokens: Some(2_000),
                enabled: Some(true),
                ..default
            },
        ),
        (
            r#""reasoning_effort": "high""#,
            Reasoning {
                effort: high,
                ..default
            },
        ),
        (
            r#""reasoning_effort": "low", "reasoning": {"effort": "high"}"#,
            Reasoning {
                effort: high,
                ..default
            },
        ),
        (
            r#""reasoning": {"effort": "high"}, "reasoning_effort": "low""#,
            Reasoning {
                effort: high,
                ..default
            },
        ),
        (
            r#""include_reasoning": false"#,
            Reasoning {
                exclude: true,
                ..default
            },
        ),
        (r#""include_reasoning": true, "reasoning": null"#, default),
    ];
    for (fields, expected) in cases {
        assert_eq!(reasoning(fields), Ok(expected), "{fields}");
    }
    assert!(
        reasoning(r#""reasoning": {"effort": "much"}"#)
            .unwrap_err()
            .contains("`reasoning.effort` must be one of")
    );
    assert!(
        reasoning(r#""reasoning": {"max_tokens": "x"}"#)
            .unwrap_err()
            .contains("`reasoning.max_tokens`")
    );
}
