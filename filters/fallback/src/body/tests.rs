use meshrouter_core::document::{ReasoningDialect, ReasoningStyle};
use meshrouter_core::reasoning::Effort;
use meshrouter_core::{Catalog, Document};
use meshrouter_wire::request::ChatRequest;

use super::*;

fn endpoint(parameters: &[&str], reasoning: Option<ReasoningDialect>) -> Endpoint {
    let document = serde_json::json!({
        "providers": {"alpha": {"cluster": "a"}},
        "models": [{"id": "a/b", "context_length": 1, "supported_parameters": parameters, "endpoints": [
            {"provider": "alpha", "model": "m-1", "pricing": {"prompt": "0", "completion": "0"}}]}]});
    let document = Document::from_json(document.to_string().as_bytes()).unwrap();
    let catalog = Catalog::compile(document).unwrap();
    let mut endpoint = catalog.models().next().unwrap().endpoints[0].clone();
    endpoint.reasoning = reasoning;
    endpoint
}

/// The body that an endpoint gets.
fn sent_to(endpoint: &Endpoint, text: &str, thinking: bool) -> String {
    let request = ChatRequest::read(text.as_bytes(), Operation::ChatCompletions).unwrap();
    let attempt = AttemptRequest {
        stream: request.stream,
        max_tokens: request.max_tokens,
        reasoning: request.reasoning,
        thinking: if thinking {
            vec!["a/b".to_owned()]
        } else {
            Vec::new()
        },
        online: if request.plugins.web == Some(true) {
            vec!["a/b".to_owned()]
        } else {
            Vec::new()
        },
        members: request.members,
        body_length: text.len(),
        ..AttemptRequest::default()
    };
    let body = for_endpoint(text.as_bytes(), &attempt, endpoint, "a/b").unwrap();
    String::from_utf8(body).unwrap()
}

/// The body that an endpoint gets of which nothing is known but its name of the model, `m-1`.
fn sent(text: &str) -> String {
    sent_to(&endpoint(&[], None), text, false)
}

const MESSAGES: &str = r#""messages": [{"role": "user", "content": "a\u00e9 \"model\""}]"#;

#[test]
fn the_model_is_the_providers_and_the_rest_untouched() {
    assert_eq!(
        sent(&format!(
            r#"{{"model": "a/b", {MESSAGES}, "odd":  [1.50, null]}}"#
        )),
        format!(r#"{{"model": "m-1", {MESSAGES}, "odd":  [1.50, null]}}"#)
    );
}

#[test]
fn router_members_are_left_out() {
    let router = r#""models": ["x"], "provider": {"order": []}, "transforms": [], "plugins": [], "usage": {"include": true}, "route": "fallback", "preset": "p", "fallback_models": [], "fallback_rules": "auto""#;
    let expected = format!(r#"{{"model": "m-1", {MESSAGES}}}"#);
    assert_eq!(
        sent(&format!(r#"{{"model": "a/b", {MESSAGES}, {router}}}"#)),
        expected
    );
    assert_eq!(
        sent(&format!(r#"{{"model": "a/b", {router}, {MESSAGES}}}"#)),
        expected
    );
    assert_eq!(
        sent(&format!(r#"{{{router}, {MESSAGES}}}"#)),
        format!(r#"{{"model":"m-1", {MESSAGES}}}"#)
    );
}

#[test]
fn streams_are_asked_for_usage() {
    let options = |given: &str| {
        let body = sent(&format!(
            r#"{{"model": "a/b", "stream": true{given}, {MESSAGES}}}"#
        ));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        body["stream_options"].to_string()
    };
    assert_eq!(options(""), r#"{"include_usage":true}"#);
    assert_eq!(
        options(r#", "stream_options": null"#),
        r#"{"include_usage":true}"#
    );
    assert_eq!(
        options(r#", "stream_options": {}"#),
        r#"{"include_usage":true}"#
    );
    assert_eq!(
        options(r#", "stream_options": {"include_usage": false, "x": 1}"#),
        r#"{"include_usage":true,"x":1}"#
    );
    assert!(!sent(&format!(r#"{{"model": "a/b", {MESSAGES}}}"#)).contains("stream_options"));
}

#[test]
fn spans_of_another_body_are_refused() {
    let attempt = AttemptRequest::default();
    assert_eq!(
        for_endpoint(b"{}", &attempt, &endpoint(&[], None), ""),
        None
    );
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// What is left of these fields beside `model` and `messages`.
fn fields_sent(endpoint: &Endpoint, fields: &str, thinking: bool) -> serde_json::Value {
    let body = sent_to(
        endpoint,
        &format!(r#"{{"model": "a/b", {fields}"messages": [{{"role": "user"}}]}}"#),
        thinking,
    );
    let mut body: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&body).unwrap();
    body.remove("model");
    body.remove("messages");
    serde_json::Value::Object(body)
}

#[test]
fn parameters_go_where_they_are_understood() {
    let knows = |parameters: &[&str]| endpoint(parameters, None);
    let cases = [
        (
            knows(&[]),
            r#""temperature": 1, "top_k": 2, "#,
            r#"{"temperature":1,"top_k":2}"#,
        ),
        (
            knows(&["temperature"]),
            r#""temperature": 1, "top_k": 2, "odd": 3, "#,
            r#"{"odd":3,"temperature":1}"#,
        ),
        (
            knows(&["x"]),
            r#""tools": [], "tool_choice": "auto", "user": "u", "#,
            r#"{"tool_choice":"auto","tools":[],"user":"u"}"#,
        ),
        (
            knows(&["max_tokens"]),
            r#""max_completion_tokens": 5, "#,
            r#"{"max_tokens":5}"#,
        ),
        (
            knows(&["max_completion_tokens"]),
            r#""max_tokens": 5, "#,
            r#"{"max_completion_tokens":5}"#,
        ),
        (
            knows(&["max_completion_tokens"]),
            r#""max_tokens": 5, "max_completion_tokens": 6, "#,
            r#"{"max_completion_tokens":6}"#,
        ),
        (knows(&["x"]), r#""max_tokens": 5, "#, r#"{"max_tokens":5}"#),
        (
            knows(&["reasoning"]),
            r#""reasoning": {"effort": "low"}, "include_reasoning": true, "#,
            r#"{"reasoning":{"effort":"low"}}"#,
        ),
        (
            knows(&["x"]),
            r#""reasoning": {"effort": "low"}, "reasoning_effort": "low", "#,
            "{}",
        ),
        (
            knows(&["web_search_options"]),
            r#""plugins": [{"id": "web"}], "#,
            r#"{"web_search_options":{}}"#,
        ),
        (
            knows(&["web_search_options"]),
            r#""plugins": {"web": {}}, "web_search_options": {"x": 1}, "#,
            r#"{"web_search_options":{"x":1}}"#,
        ),
        (knows(&[]), r#""plugins": [{"id": "web"}], "#, "{}"),
    ];
    for (endpoint, fields, expected) in cases {
        assert_eq!(
            fields_sent(&endpoint, fields, false),
            json(expected),
            "{fields}"
        );
    }
}

#[test]
fn reasoning_is_said_in_the_endpoints_words() {
    let dialect = |style, efforts: Option<&[Effort]>, min_tokens, max_tokens| {
        let efforts = efforts.map(<[Effort]>::to_vec);
        endpoint(
            &[],
            Some(ReasoningDialect {
                style,
                efforts,
                min_tokens,
                max_tokens,
            }),
        )
    };
    let openai = dialect(
        ReasoningStyle::Effort,
        Some(&[Effort::Low, Effort::Medium, Effort::High]),
        0,
        None,
    );
    let anthropic = dialect(ReasoningStyle::Thinking, None, 1_024, Some(32_000));
    let router = dialect(ReasoningStyle::Object, None, 0, None);
    let plain = endpoint(&[], None);
    let cases = [
        (
            &openai,
            r#""reasoning": {"effort": "xhigh"}, "#,
            false,
            r#"{"reasoning_effort":"high"}"#,
        ),
        (
            &openai,
            r#""reasoning_effort": "minimal", "#,
            false,
            r#"{"reasoning_effort":"low"}"#,
        ),
        (
            &openai,
            r#""reasoning": {"max_tokens": 5000}, "max_tokens": 10000, "#,
            false,
            r#"{"max_tokens":10000,"reasoning_effort":"medium"}"#,
        ),
        (
            &openai,
            r#""reasoning": {"enabled": false}, "#,
            false,
            r#"{"reasoning_effort":"low"}"#,
        ),
        (&openai, "", true, r#"{"reasoning_effort":"medium"}"#),
        (&openai, "", false, "{}"),
        (&openai, r#""include_reasoning": false, "#, false, "{}"),
        (
            &anthropic,
            r#""reasoning": {"effort": "high"}, "max_tokens": 10000, "#,
            false,
            r#"{"max_tokens":10000,"thinking":{"budget_tokens":8000,"type":"enabled"}}"#,
        ),
        (
            &anthropic,
            r#""reasoning": {"effort": "minimal"}, "max_tokens": 5000, "#,
            false,
            r#"{"max_tokens":5000,"thinking":{"budget_tokens":1024,"type":"enabled"}}"#,
        ),
        (
            &anthropic,
            r#""reasoning": {"max_tokens": 99999}, "#,
            false,
            r#"{"thinking":{"budget_tokens":32000,"type":"enabled"}}"#,
        ),
        (
            &anthropic,
            r#""reasoning": {"max_tokens": 5000}, "max_tokens": 2000, "#,
            false,
            r#"{"max_tokens":2000,"thinking":{"budget_tokens":1999,"type":"enabled"}}"#,
        ),
        (
            &anthropic,
            r#""reasoning_effort": "none", "#,
            false,
            r#"{"thinking":{"type":"disabled"}}"#,
        ),
        (
            &router,
            r#""reasoning": {"effort": "high", "exclude": true}, "#,
            false,
            r#"{"reasoning":{"effort":"high","exclude":true}}"#,
        ),
        (
            &router,
            r#""reasoning_effort": "low", "#,
            false,
            r#"{"reasoning":{"effort":"low"}}"#,
        ),
        (
            &router,
            r#""reasoning": {"max_tokens": 100}, "#,
            false,
            r#"{"reasoning":{"max_tokens":100}}"#,
        ),
        (
            &router,
            r#""reasoning": {"enabled": true}, "#,
            false,
            r#"{"reasoning":{"enabled":true}}"#,
        ),
        (&plain, "", true, r#"{"reasoning":{"enabled":true}}"#),
        (
            &plain,
            r#""reasoning": {"effort": "none"}, "#,
            true,
            r#"{"reasoning":{"effort":"none"}}"#,
        ),
    ];
    for (endpoint, fields, thinking, expected) in cases {
        assert_eq!(
            fields_sent(endpoint, fields, thinking),
            json(expected),
            "{fields}"
        );
    }
}

#[test]
fn a_megabyte_is_patched_and_not_written_anew() {
    let content = "caf\\u00e9 \\/ 世界 ".repeat(50_000);
    let head = r#"{ "messages":[{"role":"user","content":""#;
    let tail = r#""}], "odd":1.50,"model" :"a/b" , "z":[ ]}"#;
    let text = format!("{head}{content}{tail}");
    assert!(text.len() > 1_000_000);
    let expected = format!("{head}{content}{}", tail.replace("a/b", "m-1"));
    assert!(sent(&text) == expected, "but for the model, byte for byte");
}
